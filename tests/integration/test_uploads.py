"""What comes in with drafts and messages, as bytes of HTTP."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.integration.upload_urls import digest
from tests.memory import files_of_at_most

pytestmark = pytest.mark.urls("tests.integration.upload_urls")

MB = 1024 * 1024
PATH = "/v3/grants/g/messages/send"
FORM = "multipart/form-data; boundary=b"
LARGE = bytes(range(256)) * 5000
NOTE = {"filename": "a.txt", "content_type": "text/plain", "content": "aGk="}


def post(body: bytes, content_type: str = "application/json", path: str = PATH) -> Any:
    return Client().generic("POST", path, body, content_type)


def read(body: bytes, content_type: str = "application/json", path: str = PATH) -> Any:
    answer = post(body, content_type, path)
    assert answer.status_code == 200, answer.content
    return json.loads(answer.json()["data"]["subject"])


def refused(body: bytes, content_type: str = "application/json", status: int = 400, path: str = PATH) -> str:
    answer = post(body, content_type, path)
    assert answer.status_code == status, answer.content
    return str(answer.json()["error"]["message"])


def attaching(*attachments: Any, **fields: Any) -> bytes:
    return json.dumps({**fields, "attachments": attachments}).encode()


def part(name: str, content: bytes, filename: str | None = None, content_type: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    typed = f"\r\nContent-Type: {content_type}" if content_type else ""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{named}{typed}\r\n\r\n'.encode() + content + b"\r\n"


MESSAGE = part("message", b'{"subject": "s"}', "", "application/json")
FILE = part("file0", b"hi", "a.txt", "text/plain")
END = b"--b--\r\n"


def test_nothing_is_sent_and_nothing_is_read() -> None:
    assert read(b"", "") == {"fields": {}, "files": []}
    assert read(b"{}") == {"fields": {}, "files": []}


def test_an_attachment_in_json_is_a_file() -> None:
    told = {**NOTE, "content_id": "<c@x>", "size": 2, "content_disposition": 'attachment; filename="a.txt"'}
    assert read(attaching(told, subject="s")) == {
        "fields": {"subject": "s", "attachments": []},
        "files": [["a.txt", "text/plain", digest(b"hi"), "c@x", False]],
    }


@pytest.mark.parametrize(
    ("told", "inline"),
    [({}, False), ({"content_id": "c"}, True), ({"content_id": "c", "is_inline": False}, False), ({"is_inline": True}, True),
     ({"content_disposition": "inline"}, True), ({"content_id": "c", "content_disposition": "attachment"}, False),
     ({"content_id": None, "is_inline": None, "size": None, "content_disposition": ""}, False)],
)  # fmt: skip
def test_what_is_inline_is_told_or_follows_from_the_content_id(told: Mapping[str, Any], inline: bool) -> None:
    assert read(attaching({**NOTE, **told}))["files"][0][4] is inline


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
@pytest.mark.parametrize("content", [b"", b"\xff", b"\xfb\xff", LARGE, LARGE[:-1], LARGE[:-2]])
@pytest.mark.parametrize("escaped", [{}, {"/": "\\/"}, {"+": "\\u002b", "=": "\\u003D", "-": "\\u002d"}])
def test_base64_is_read_as_encoders_write_it(encode: Any, content: bytes, escaped: Mapping[str, str]) -> None:
    text = json.dumps({"attachments": [{"filename": "a", "content_type": "x/y", "content": "CONTENT"}]})
    value = json.dumps(encode(content).decode())[1:-1]
    for plain, escape in escaped.items():
        value = value.replace(plain, escape)
    assert read(text.replace("CONTENT", value).encode())["files"][0][2] == digest(content)


def test_a_form_has_a_message_and_files_named_by_number_or_content_id() -> None:
    body = FILE + MESSAGE + part("logo@x", LARGE, "quoted %22name", "image/png") + END
    assert read(body, FORM) == {
        "fields": {"subject": "s"},
        "files": [["a.txt", "text/plain", digest(b"hi"), "", False],
                  ["quoted \"name", "image/png", digest(LARGE), "logo@x", True]],
    }  # fmt: skip


def test_the_part_message_may_be_plain_and_hold_attachments_too() -> None:
    body = part("message", attaching({**NOTE, "content": base64.b64encode(LARGE).decode()})) + FILE + END
    assert [file[2] for file in read(body, FORM)["files"]] == [digest(LARGE), digest(b"hi")]


@pytest.mark.parametrize("filename", ["message.eml", None])
def test_raw_mime_comes_in_a_part(filename: str | None) -> None:
    body = part("mime", LARGE, filename) + part("tracking", b"caf\xc3\xa9") + END
    assert read(body, FORM, PATH + "?type=mime") == {"fields": {"tracking": "café"}, "mime": digest(LARGE)}


@pytest.mark.parametrize(
    ("told", "words"),
    [({"content": "a"}, "attachments[0].content is not base64"), ({"content": "YQ==" * 400}, "is not base64"),
     ({"content": "é"}, "is not base64"), ({"content": "a" * 3000 + "!" * 8}, "is not base64"),
     ({"content": [0]}, "content must be a string"), ({"content": None}, "content must be a string"),
     ({"filename": None}, "filename: "), ({"content_type": None}, "content_type: "), ({"url": "x"}, "Unknown field 'url'"),
     ({"filename": "\x00"}, "NUL"), ({"filename": "\ud800"}, "filename: "), ({"filename": "a\nb"}, "attachments[0] needs a file name"),
     ({"filename": "../a"}, "file name"), ({"filename": ".."}, "file name"), ({"filename": "x" * 256}, "filename: "),
     ({"content_type": "text/plain\r\nBcc: x"}, "content type"), ({"content_type": "text"}, "content type"),
     ({"content_id": "a b"}, "content_id"), ({"size": "many"}, "attachments[0].size"), ({"is_inline": "x"}, "is_inline")],
)  # fmt: skip
def test_what_is_wrong_with_an_attachment_is_named(told: Mapping[str, Any], words: str) -> None:
    assert words in refused(attaching({**NOTE, **told}))


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"[]", "must be a JSON object"), (b"\xff", "not UTF-8"), (b"{", "no JSON"), (b"[" * 100_000, "nested too deeply"),
     (b'{"a": NaN}', "NaN"), (b'{"a": {"b": ["\\u0000"]}}', "'a.b[0]'"), (b'{"attachments": {}}', "'attachments'"),
     (b'{"attachments": [1]}', "attachments[0]"), (b'"' + b'\\"' * 100_000, "no JSON"), (b'{"content": "' + b"x" * 9000, "no JSON"),
     (attaching({**NOTE, "content_id": "c"}, {**NOTE, "content_id": "c"}), "'c'")],
)  # fmt: skip
def test_what_is_wrong_with_json_is_named(body: bytes, words: str) -> None:
    assert words in refused(body)


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [(FILE + END, FORM, "part 'message'"), (MESSAGE + MESSAGE + END, FORM, "named 'message'"),
     (MESSAGE + FILE + FILE + END, FORM, "named 'file0'"), (MESSAGE + FILE, FORM, "cannot be read"),
     (MESSAGE[:-9], FORM, "cannot be read"), (MESSAGE + END, "multipart/form-data", "boundary"),
     (MESSAGE + END, "multipart/form-data; boundary=c", "cannot be read"), (MESSAGE + END, "", "Content-Type is missing"),
     (part("message", b"[]") + END, FORM, "'message' must be a JSON object"), (part("message", b"") + END, FORM, "no JSON"),
     (MESSAGE + part("f", b"x", None, "x/y") + END, FORM, "'f' needs a file name"),
     (MESSAGE + part("f", b"x", "a") + END, FORM, "'f' needs a content type"),
     (MESSAGE + part("f", b"x", "a\0b", "x/y") + END, FORM, "'f' needs a file name"),
     (MESSAGE + part("f g", b"x", "a", "x/y") + END, FORM, "content_id"),
     (MESSAGE + b"--b\r\nContent-Type: x/y\r\n\r\nx\r\n" + END, FORM, "cannot be read"),
     (END, FORM, "part 'message'")],
)  # fmt: skip
def test_what_is_wrong_with_a_form_is_named(body: bytes, content_type: str, words: str) -> None:
    assert words in refused(body, content_type)


def test_what_is_wrong_with_raw_mime_is_named() -> None:
    assert "part 'mime'" in refused(MESSAGE + END, FORM, path=PATH + "?type=mime")
    assert "not UTF-8" in refused(part("mime", b"x") + part("a", b"\xff") + END, FORM, path=PATH + "?type=mime")
    assert "image/png" in refused(b"x", "image/png", 415, PATH + "?type=mime")
    assert "image/png" in refused(b"x", "image/png", 415)


def test_too_much_is_refused_with_the_limit(settings: Settings) -> None:
    settings.SYNCFARM_MAX_UPLOAD_BYTES = MB
    settings.SYNCFARM_MAX_BODY_BYTES = 10 * MB
    half = {**NOTE, "content": base64.b64encode(bytes(MB // 2)).decode()}
    assert len(read(attaching(half, half))["files"]) == 2
    assert "larger than 1048576 bytes" in refused(attaching(half, half, NOTE), status=413)
    two = part("a", bytes(MB // 2), "a", "x/y") + part("b", bytes(MB // 2 + 1), "b", "x/y")
    assert "larger than 1048576 bytes" in refused(MESSAGE + two + END, FORM, 413)
    assert "without its attachments" in refused(json.dumps({"body": "x" * 9 * MB}).encode(), status=413)
    assert "outside of its strings" in refused(b'{"a": [' + b"[]," * MB + b"[]]}", status=413)
    assert "larger than" in refused(part("mime", b"x") + part("a", bytes(70_000)) + END, FORM, 413, PATH + "?type=mime")


def test_a_full_disk_is_told() -> None:
    body = MESSAGE + part("a", bytes(2 * MB), "a", "x/y") + END
    with files_of_at_most(MB):
        assert "no room" in refused(body, FORM, 503)
    assert read(body, FORM)["files"]
