"""What the contract's official Python SDK uploads is read; what the Node SDK does: test_node_sdk.py."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from nylas import Client
from nylas.utils.file_utils import attach_file_request_builder

from tests.integration.upload_urls import digest

pytestmark = [pytest.mark.urls("tests.integration.upload_urls"), pytest.mark.django_db(transaction=True)]

LARGE = bytes(range(256)) * 4 * 4096


@pytest.fixture
def nylas(live_server: Any) -> Client:
    return Client("none", api_uri=live_server.url)


def told(answer: Any) -> Any:
    return json.loads(answer.data.subject)


@pytest.mark.parametrize(
    ("way", "content"), [("create", b"hi"), ("update", b"hi"), ("send", b"hi"), ("send", LARGE)]
)  # as JSON, and the last as a form. Drafts with one are made, but SDK 6.18 raises TypeError when it reads the answer.
def test_attachments_are_read(nylas: Client, tmp_path: Path, way: str, content: bytes) -> None:
    (tmp_path / "ü.txt").write_bytes(content)
    inline = {"filename": 'a"b', "content_type": "x/y", "content": io.BytesIO(content), "size": 2, "content_id": "c@x"}
    body = {"subject": "s", "attachments": [attach_file_request_builder(tmp_path / "ü.txt"), inline]}
    if way == "create":
        answer = nylas.drafts.create("g", body)
    elif way == "update":
        answer = nylas.drafts.update("g", "d", body)
    else:
        answer = nylas.messages.send("g", body)
    assert told(answer)["fields"]["subject"] == "s"
    assert told(answer)["files"] == [
        ["ü.txt", "text/plain", digest(content), "", False],
        ['a"b', "x/y", digest(content), "c@x", True],
    ]


def test_raw_mime_is_read(nylas: Client) -> None:
    assert told(nylas.messages.send_raw_mime("g", {"mime": LARGE})) == {"fields": {}, "mime": digest(LARGE)}
    assert told(nylas.messages.send_raw_mime("g", {"mime": "Subject: é\r\n\r\n"}))["mime"] == digest(
        "Subject: é\r\n\r\n".encode()
    )


def test_a_draft_is_sent_without_a_body(nylas: Client) -> None:
    assert told(nylas.drafts.send("g", "d")) == {"fields": {}, "files": []}
