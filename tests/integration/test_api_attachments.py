from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from api.downloads import disposition
from mail import raw
from mail.models import Message
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.factories import make_message

pytestmark = pytest.mark.django_db
MAIL = (
    b"Message-ID: <files@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
    b"--b\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=page.html\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nPHNjcmlwdD4wMTIzNDU2Nzg5\r\n--b--\r\n"
)
CONTENT = b"<script>0123456789"
PART = {
    "part": 1,
    "filename": "page.html",
    "content_type": "text/html",
    "size": len(CONTENT),
    "content_id": "",
    "disposition": "attachment",
    "is_inline": False,
}


@pytest.fixture
def row(account: Account) -> Message:
    return make_message(account, mail=MAIL, attachments=[PART], has_attachments=True, header_id="files@example.test")


def url(row: Message, tail: str = "", part: int = 1) -> str:
    return f"/v3/grants/{row.account_id}/attachments/{row.pk.hex}p{part}{tail}"


def test_an_attachment_is_described_in_the_message_and_by_itself(api: Client, row: Message) -> None:
    data = api.get(url(row)).json()["data"]
    assert data == {
        "id": f"{row.pk.hex}p1",
        "grant_id": str(row.account_id),
        "object": "attachment",
        "filename": "page.html",
        "content_type": "text/html",
        "size": 18,
        "content_id": None,
        "content_disposition": "attachment",
        "is_inline": False,
    }
    message = api.get(f"/v3/grants/{row.account_id}/messages/{row.pk}").json()["data"]
    assert message["attachments"] == [data]


def test_a_download_has_the_bytes_and_cannot_be_rendered(api: Client, row: Message) -> None:
    answer = api.get(url(row, "/download"), headers={"accept": "image/png"})
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer["Content-Type"] == "text/html"
    assert answer["Content-Disposition"].startswith("attachment; ")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert (answer["Content-Length"], answer["Accept-Ranges"]) == ("18", "bytes")
    assert answer["x-request-id"]


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        ("bytes=8-", CONTENT[8:], "bytes 8-17/18"),
        ("bytes=0-0", CONTENT[:1], "bytes 0-0/18"),
        ("bytes=2-5", CONTENT[2:6], "bytes 2-5/18"),
        ("bytes=8-999999", CONTENT[8:], "bytes 8-17/18"),
        ("bytes=-3", CONTENT[-3:], "bytes 15-17/18"),
        ("bytes=-999", CONTENT, "bytes 0-17/18"),
    ],
)
def test_a_range_gets_its_bytes(api: Client, row: Message, asked: str, sent: bytes, told: str) -> None:
    answer = api.get(url(row, "/download"), headers={"range": asked})
    assert (answer.status_code, answer.content, answer["Content-Range"]) == (206, sent, told)
    assert answer["Content-Length"] == str(len(sent))


@pytest.mark.parametrize("asked", ["bytes=18-", "bytes=99-100", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused_with_the_length(api: Client, row: Message, asked: str) -> None:
    answer = api.get(url(row, "/download"), headers={"range": asked})
    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */18")
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("asked", ["bytes=0-1,3-4", "lines=1-2", "bytes=5-2", "bytes=-", "bytes", ""])
def test_what_is_no_single_range_gets_the_whole(api: Client, row: Message, asked: str) -> None:
    assert api.get(url(row, "/download"), headers={"range": asked}).status_code == 200


def test_a_range_of_another_version_gets_the_whole(api: Client, row: Message) -> None:
    etag = api.get(url(row, "/download"))["ETag"]
    for if_range, status in ((etag, 206), ('"other"', 200)):
        assert api.get(url(row, "/download"), headers={"range": "bytes=1-", "if-range": if_range}).status_code == status


def test_the_message_that_is_named_must_be_the_one_it_is_in(api: Client, account: Account, row: Message) -> None:
    other = make_message(account)
    for name, status in ((row.pk, 200), ("files@example.test", 200), (other.pk, 404), ("x", 404)):
        for tail in ("", "/download"):
            assert api.get(url(row, f"{tail}?message_id={name}")).status_code == status


@pytest.mark.parametrize("part", [0, 2, 999999999])
def test_a_part_that_is_no_attachment_is_not_found(api: Client, row: Message, part: int) -> None:
    for tail in ("", "/download"):
        assert api.get(url(row, tail, part)).status_code == 404


def test_an_attachment_whose_mail_is_not_stored_whole_is_not_found(api: Client, account: Account) -> None:
    row = make_message(account, attachments=[{**PART, "part": 7}])
    assert api.get(url(row, "/download", 7)).status_code == 404


@pytest.mark.parametrize("part", [0, 1])
def test_an_attachment_of_a_message_over_the_cap_is_not_mirrored_and_why_is_said(
    api: Client, account: Account, part: int
) -> None:
    header = MAIL[: MAIL.index(b"\r\n\r\n") + 4]
    mark = "200,000,000 bytes, over the limit of 104,857,600: only the header is mirrored"
    row = make_message(account, mail=header, attachments=[{**PART, "part": part}], size=200_000_000, problem=mark)
    row.digest = raw.digest(header, b"200000000")
    row.save(update_fields=["digest"])
    assert api.get(url(row, part=part)).json()["data"]["size"] == 18
    answer = api.get(url(row, "/download", part))
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "type": "not_found_error",
        "message": f"The attachment's content is not mirrored. Its message has {mark}.",
    }


def test_an_attachment_of_a_message_that_is_smaller_than_its_server_said_is_had(api: Client, account: Account) -> None:
    row = make_message(account, mail=MAIL, attachments=[PART], size=200_000_000, problem="damaged")
    assert api.get(url(row, "/download")).content == CONTENT


def test_an_attachment_whose_mail_is_lost_is_not_found(api: Client, account: Account) -> None:
    row = make_message(account, mail=b"Content-Type: image/png\r\n\r\nx", attachments=[{**PART, "part": 0}])
    assert api.get(url(row, "/download", 0)).content == b"x"
    Message.objects.filter(pk=row.pk).update(pack=None)
    assert api.get(url(row, "/download", 0)).status_code == 404


@pytest.mark.parametrize("stated", ["text/html\r\nX: y", "text", "", "text/html; charset=x", "ü/x"])
def test_a_type_that_is_none_becomes_bytes(api: Client, account: Account, stated: str) -> None:
    row = make_message(account, mail=MAIL, attachments=[{**PART, "content_type": stated}])
    assert api.get(url(row, "/download"))["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("a.pdf", "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf"),
        ("Grüße.pdf", "attachment; filename=\"Gr__e.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf"),
        ('x"; a="\r\nSet-Cookie: b', ("attachment; filename=\"x_; a=___Set-Cookie: b\"; "
         "filename*=UTF-8''x_%3B%20a%3D___Set-Cookie%3A%20b")),
        ("../../etc/passwd", "attachment; filename=\"_.._etc_passwd\"; filename*=UTF-8''_.._etc_passwd"),
        ("", "attachment; filename=\"attachment\"; filename*=UTF-8''attachment"),
    ],
)  # fmt: skip
def test_a_name_cannot_break_the_header(filename: str, header: str) -> None:
    assert disposition(filename) == header


def test_a_name_is_sent_with_the_download(api: Client, account: Account) -> None:
    part: dict[str, Any] = {**PART, "filename": "日\n本.txt"}
    row = make_message(account, mail=MAIL, attachments=[part])
    assert "filename*=UTF-8''%E6%97%A5_%E6%9C%AC.txt" in api.get(url(row, "/download"))["Content-Disposition"]
