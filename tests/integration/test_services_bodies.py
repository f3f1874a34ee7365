"""How large a request may be, asked of the server itself."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from uuid import UUID

import pytest
import uvicorn
from pytest_django import Settings

from syncfarm.asgi import application
from tests.memory import files_of_at_most

MEGABYTE = 1024 * 1024
KEY = {"Authorization": "Basic bm9ib2R5"}  # of a scheme that asks no database


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", ws="none", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield int(listener.getsockname()[1])
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def web(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    yield connection
    connection.close()


def begin(web: http.client.HTTPConnection, path: str = "/v3/connect/custom", **headers: str) -> None:
    web.putrequest("POST", path)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        web.putheader(name.replace("_", "-"), value)
    web.endheaders()


def refused(web: http.client.HTTPConnection) -> str:
    """The words of a 413 in the contract's format."""
    answer = web.getresponse()
    body = json.loads(answer.read())
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/json")
    assert UUID(body["request_id"]) == UUID(answer.headers["x-request-id"])
    assert body["error"]["type"] == "invalid_request_error"
    return str(body["error"]["message"])


@pytest.mark.parametrize("path", ["/v3/connect/custom", "/admin/login/"])
def test_a_large_body_of_a_stranger_is_refused_before_it_is_sent(web: http.client.HTTPConnection, path: str) -> None:
    begin(web, path, Content_Length=str(MEGABYTE + 1))
    assert str(MEGABYTE) in refused(web)


@pytest.mark.parametrize("length", ["9" * 19, "9" * 300])
def test_a_length_beyond_all_measure_is_refused(web: http.client.HTTPConnection, length: str) -> None:
    begin(web, Content_Length=length, **KEY)
    assert web.getresponse().status in (400, 413)  # the server itself knows numbers to 2**64


def test_a_body_without_a_length_is_refused_as_soon_as_it_is_too_large(web: http.client.HTTPConnection) -> None:
    begin(web, Transfer_Encoding="chunked")
    for _ in range(5):  # the body goes on; the answer does not wait for its end
        web.send(b"40000\r\n" + bytes(0x40000) + b"\r\n")
    assert str(MEGABYTE) in refused(web)


def test_with_a_key_the_limit_is_that_of_the_settings(web: http.client.HTTPConnection, settings: Settings) -> None:
    settings.SYNCFARM_MAX_BODY_BYTES = 3 * MEGABYTE
    begin(web, Content_Length=str(3 * MEGABYTE), **KEY)
    web.send(bytes(3 * MEGABYTE))
    answer = web.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]["type"]) == (401, "unauthorized")
    begin(web, Content_Length=str(3 * MEGABYTE + 1), **KEY)
    assert str(3 * MEGABYTE) in refused(web)


def test_a_session_counts_as_a_key(web: http.client.HTTPConnection) -> None:
    begin(web, Content_Length=str(2 * MEGABYTE), Cookie="a=b; sessionid=x")
    web.send(bytes(2 * MEGABYTE))
    assert web.getresponse().status == 401
    web.close()
    begin(web, Content_Length=str(2 * MEGABYTE), Cookie="a=b; other=sessionid")
    assert refused(web)


def test_who_sends_all_of_it_before_reading_sees_the_answer_and_may_go_on(web: http.client.HTTPConnection) -> None:
    begin(web, Content_Length=str(8 * MEGABYTE))
    web.send(bytes(8 * MEGABYTE))
    assert refused(web)
    began = time.monotonic()
    web.request("GET", "/v3/grants")
    assert web.getresponse().status == 401
    assert time.monotonic() - began < 5


def test_a_full_disk_is_told_and_the_next_request_is_answered(web: http.client.HTTPConnection) -> None:
    with files_of_at_most(3 * MEGABYTE):
        begin(web, Content_Length=str(6 * MEGABYTE), **KEY)
        web.send(bytes(6 * MEGABYTE))
        answer = web.getresponse()
        assert (answer.status, "no room" in json.loads(answer.read())["error"]["message"]) == (503, True)
    web.request("GET", "/v3/grants")
    assert web.getresponse().status == 401
