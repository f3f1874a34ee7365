"""Large uploads are read in bounded memory, asked of the server itself: a process of its own."""

import base64
import http.client
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.upload_urls import digest
from tests.integration.web import Web, serving
from tests.memory import peak

pytestmark = pytest.mark.django_db

MB = 1024 * 1024
FILE = random.Random(25).randbytes(25 * MB)
JSON = b'{"attachments": [{"filename": "a", "content_type": "x/y", "content": "%s"}]}' % base64.b64encode(FILE)
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\n{}\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file0"; filename="a"\r\nContent-Type: x/y\r\n\r\n%s\r\n--b--\r\n'
) % FILE
TYPES = {"json": "application/json", "form": "multipart/form-data; boundary=b"}
BODIES = {"json": JSON, "form": FORM}


@pytest.fixture(scope="module")
def web(django_db_setup: None, django_db_blocker: Any) -> Iterator[Web]:
    with django_db_blocker.unblock(), serving("none", "uploads", "tests.integration.upload_settings") as web:
        upload(web, "json", b"{}")  # all is imported
        yield web


def upload(web: Web, kind: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    asked = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    told = {"Content-Type": TYPES[kind], "Authorization": "Bearer none", **headers}
    asked.request("POST", "/v3/grants/g/drafts", BODIES[kind] if body is None else body, told)
    answer = asked.getresponse()
    return answer.status, json.loads(answer.read())


def read(answer: tuple[int, Any]) -> Any:
    assert answer[0] == 200, answer
    return json.loads(answer[1]["data"]["subject"])["files"]


@pytest.mark.parametrize("kind", ["json", "form"])
@pytest.mark.parametrize("together", [1, 8])
def test_uploads_are_read_in_bounded_memory(web: Web, kind: str, together: int) -> None:
    with peak(web.pid) as memory, ThreadPoolExecutor(together) as clients:
        answers = list(clients.map(lambda _: read(upload(web, kind)), range(together)))
    assert answers == [[["a", "x/y", digest(FILE), "", False]]] * together
    # Measured: 36 and 54 MB of JSON, of which 33 are pages of the temporary file that is looked through; 4 and 20 of forms.
    assert memory.more < 80 * MB


@pytest.mark.parametrize("kind", ["json", "form"])
def test_a_body_without_a_length_is_read_whole(web: Web, kind: str) -> None:
    pieces = (BODIES[kind][at : at + MB] for at in range(0, len(BODIES[kind]), MB))
    assert read(upload(web, kind, pieces))[0][2] == digest(FILE)


def test_an_empty_body_without_a_length_is_no_body(web: Web) -> None:
    assert read(upload(web, "json", iter([b""]))) == []


def test_hostile_json_takes_no_more_than_its_share(web: Web) -> None:
    bodies = [b"[" + b"[]," * 9 * MB + b"[]]", b"[" + b'"",' * 9 * MB + b"1]", b'"' + b'\\"' * 14 * MB, b'"' * 30 * MB]
    with peak(web.pid) as memory:
        statuses = [upload(web, "json", body)[0] for body in bodies]
    assert set(statuses) <= {400, 413}
    assert memory.more < 100 * MB
