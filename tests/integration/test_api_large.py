"""Large mail goes out in bounded memory, asked of the server itself: a process of its own."""

import base64
import hashlib
import http.client
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from mail.models import Message
from tests.integration.factories import make_account, make_key, make_message
from tests.integration.web import Web, connections, serving
from tests.memory import peak
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

MB = 1_000_000
FILE = random.Random(50).randbytes(30 * MB)
HEAD = (
    b"Message-ID: <large@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\nhi\r\n--b\r\nContent-Type: audio/x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
)
MAIL = HEAD + base64.encodebytes(FILE) + b"--b--\r\n"
PART = {"part": 1, "filename": "a.wav", "content_type": "audio/x", "size": len(FILE), "content_id": "",
        "disposition": "", "is_inline": False}  # fmt: skip


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def key(account: Account) -> str:
    return make_key(account.application)[1]


@pytest.fixture
def web(key: str) -> Iterator[Web]:
    with serving(key, "large") as web:
        yield web


@pytest.fixture
def row(account: Account) -> Message:
    return make_message(account, mail=MAIL, attachments=[PART])


def raw_path(row: Message) -> str:
    return f"/v3/grants/{row.account_id}/messages/{row.pk}?fields=raw_mime"


def file_path(row: Message) -> str:
    return f"/v3/grants/{row.account_id}/attachments/{row.pk.hex}p1/download"


def digest(answer: http.client.HTTPResponse) -> str:
    found = hashlib.sha256()
    while piece := answer.read(MB):
        found.update(piece)
    return found.hexdigest()


def test_a_large_message_and_its_attachment_are_sent_in_bounded_memory(web: Web, row: Message) -> None:
    digest(web.ask(f"/v3/grants/{row.account_id}/messages?select=id"))  # all is imported
    with peak(web.pid) as memory:
        assert digest(web.ask(file_path(row))) == hashlib.sha256(FILE).hexdigest()
        answer = web.ask(raw_path(row))
        length, sent = answer.headers["Content-Length"], answer.read()
    assert memory.more < 30 * MB
    assert (length, answer.headers["Content-Type"]) == (str(len(sent)), "application/json")
    data = json.loads(sent)
    assert data["request_id"] == answer.headers["x-request-id"]
    assert base64.urlsafe_b64decode(data["data"]["raw_mime"]) == MAIL
    assert data["data"].keys() == {"grant_id", "id", "object", "raw_mime"}


def test_a_slow_reader_holds_no_database_connection(web: Web, row: Message) -> None:
    for path in (raw_path(row), file_path(row)):
        answer = web.ask(path)
        wait_until(lambda: connections("large") == 0)  # PostgreSQL forgets one a moment after it was closed
        answer.close()


def test_the_head_alone_tells_the_length(web: Web, row: Message) -> None:
    answer = web.ask(file_path(row), "HEAD")
    assert (answer.headers["Content-Length"], answer.read()) == (str(len(FILE)), b"")


@pytest.mark.parametrize(("asked", "sent"), [("bytes=5000000-5000009", slice(5_000_000, 5_000_010)),
                                             ("bytes=1-20000000", slice(1, 20_000_001)), ("bytes=-3", slice(-3, None))])  # fmt: skip
def test_a_range_of_a_large_attachment_is_that_range(web: Web, row: Message, asked: str, sent: slice) -> None:
    answer = web.ask(file_path(row), Range=asked)
    assert (answer.status, answer.read()) == (206, FILE[sent])


def test_a_page_of_large_mail_has_each_in_its_place(account: Account, row: Message, key: str) -> None:
    small = make_message(account, mail=b"Subject: small\r\n\r\n")
    answer: Any = Client(headers={"authorization": f"Bearer {key}"}).get(
        f"/v3/grants/{account.pk}/messages?fields=raw_mime"
    )
    found = {
        each["id"]: base64.urlsafe_b64decode(each["raw_mime"])
        for each in json.loads(b"".join(answer.streaming_content))["data"]
    }
    assert found == {str(row.pk): MAIL, str(small.pk): b"Subject: small\r\n\r\n"}
