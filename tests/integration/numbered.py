"""What tests of servers with ids of their own for messages share: pymap (RFC 8474), its account, another client."""

from collections.abc import Iterator
from typing import Any

import pytest
from imapclient import IMAPClient

from accounts import credentials
from accounts.models import Account, Application
from mail.types import Login
from tests.protocol.sink import PASSWORD, USER, Sink

__all__ = ["account", "other"]


def account_at(login: Login, *, smtp_password: str = "", **settings: Any) -> Account:
    """The mailbox as an account that is not due."""
    return Account.objects.create(
        application=Application.objects.create(name="tests"),
        email="alice@example.test",
        settings={
            "imap_host": login.host,
            "imap_port": login.port,
            "imap_security": login.security,
            "imap_username": login.username,
            **settings,
        },
        credentials=credentials.seal({"imap_password": login.password, "smtp_password": smtp_password}),
    )


@pytest.fixture
def account(object_id_login: Login, sink: Sink) -> Account:
    """Sends by the sink."""
    outgoing = {"smtp_host": "127.0.0.1", "smtp_port": sink.login.port, "smtp_security": "none", "smtp_username": USER}
    return account_at(object_id_login, smtp_password=PASSWORD, **outgoing)


@pytest.fixture
def other(object_id_login: Login) -> Iterator[IMAPClient]:
    """Another client of the mailbox."""
    with IMAPClient(object_id_login.host, port=object_id_login.port, ssl=False) as opened:
        opened.login(object_id_login.username, object_id_login.password)
        yield opened
