"""Whoever waits for a stranger's server holds no database connection meanwhile: a process has few."""

from typing import Any, NoReturn

import pytest
from django.db import connection
from django.test import Client

from accounts.detect import DetectionFailed
from mail.types import ConnectionFailed
from tests.integration.factories import make_application, make_key

pytestmark = pytest.mark.django_db(transaction=True)


class Watched:
    """Stands where the network is asked, and notes which database connection is held then."""

    def __init__(self, failure: Exception) -> None:
        self.held: list[object] = []
        self._failure = failure

    def __call__(self, *_: object, **__: object) -> NoReturn:
        self.held.append(connection.connection)
        raise self._failure


@pytest.fixture
def api() -> Client:
    return Client(headers={"authorization": f"Bearer {make_key(make_application())[1]}"})


def connect(api: Client, **settings: Any) -> None:
    answer = api.post(
        "/v3/connect/custom",
        {"provider": "imap", "settings": {"imap_username": "ann@x.example", "imap_password": "x", **settings}},
        content_type="application/json",
    )
    assert answer.status_code == 400, answer.content


def test_while_a_mailbox_is_tried(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Watched(ConnectionFailed("too slow"))
    monkeypatch.setattr("mail.imap.opening.open_socket", network)
    connect(api, imap_host="imap.x.example")
    assert network.held == [None]


def test_while_a_mailboxs_servers_are_looked_for(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Watched(DetectionFailed("no idea"))
    monkeypatch.setattr("mail.connecting.detect", network)
    connect(api)
    assert network.held == [None]


def test_while_an_address_is_detected(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Watched(DetectionFailed("no idea"))
    monkeypatch.setattr("api.views.connect.detect", network)
    assert api.post("/v3/providers/detect?email=ann@x.example").status_code == 200
    assert network.held == [None]
