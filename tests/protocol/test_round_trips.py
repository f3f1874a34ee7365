"""Nothing is asked that was told already, and what needs no answer first travels together."""

import logging
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest

from mail.imap.session import MailSession
from mail.types import ConnectionFailed, SyncPoint
from tests.mailboxes import MailboxFactory
from tests.protocol.scripted import STALL, ScriptedServer

_TOLD = b"* OK [CAPABILITY IMAP4rev1 ID ENABLE] ready\r\n"
_ALL = b"%T OK [CAPABILITY IMAP4rev1 ID ENABLE QRESYNC CONDSTORE] in\r\n"
_LIST = b'* LIST () "/" INBOX\r\n%T OK done\r\n'


def test_capabilities_that_come_with_greeting_and_login_are_not_asked_for() -> None:
    with (
        ScriptedServer({"LOGIN": _ALL}, greeting=_TOLD) as server,
        MailSession.open(server.login) as session,
    ):
        assert session.capabilities == {"IMAP4REV1", "ID", "ENABLE", "QRESYNC", "CONDSTORE"}
        assert b"CAPABILITY" not in server.heard


def test_capabilities_of_the_greeting_do_not_outlive_the_login() -> None:
    with (
        ScriptedServer({"CAPABILITY": b"* CAPABILITY IMAP4rev1 XYZ\r\n%T OK done\r\n"}, greeting=_TOLD) as server,
        MailSession.open(server.login) as session,
    ):
        assert session.capabilities == {"IMAP4REV1", "XYZ"}


def test_a_greeting_with_half_the_capabilities_is_not_believed() -> None:
    with (
        ScriptedServer({}, greeting=b"* OK [CAPABILITY STARTTLS] ready\r\n") as server,
        MailSession.open(server.login),
    ):
        assert server.heard[0] == b"CAPABILITY"


def test_capabilities_from_before_starttls_are_not_believed_after_it(mailbox_factory: MailboxFactory) -> None:
    forged = b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n"
    starttls = b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n%T OK begin\r\n"
    directory = mailbox_factory("qresync").server.directory
    with (
        ScriptedServer({"STARTTLS": starttls}, greeting=forged, tls=directory) as server,
        MailSession.open(replace(server.login, security="starttls")),
    ):
        assert server.heard[:3] == [b"STARTTLS", b"CAPABILITY", b'LOGIN alice "secret"']


def test_who_we_are_and_what_is_enabled_travels_with_the_first_command() -> None:
    together = b"F1 NO why\r\n* ENABLED QRESYNC\r\nF2 OK done\r\n" + _LIST  # answers nothing until all three are there
    with (
        ScriptedServer({"LOGIN": _ALL, "ID": b"", "ENABLE": b"", "LIST": together, "STATUS": b"%T NO\r\n"}) as server,
        MailSession.open(server.login, timeout=5) as session,
    ):
        assert [folder.name for folder in session.folders()] == ["INBOX"]
        assert session.strategy == "qresync"
        assert [words.split()[0] for words in server.heard] == [
            b"CAPABILITY",
            b"LOGIN",
            b"ID",
            b"ENABLE",
            b"LIST",
            b"STATUS",
        ]


def test_what_is_enabled_is_known_though_the_first_command_is_refused() -> None:
    script = {
        "LOGIN": _ALL.replace(b"IMAP4rev1", b"IMAP4rev1 LIST-STATUS"),
        "ID": b"%T OK\r\n",
        "ENABLE": b"* ENABLED QRESYNC\r\n%T OK done\r\n",
        "LIST": _LIST,
        'LIST "" "*" RETURN': b"%T NO one of them is broken\r\n",
        "STATUS": b"%T NO\r\n",
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert session.folders()
        session.select("INBOX", SyncPoint(5, 7, 9))
        assert server.heard[-1] == b'EXAMINE "INBOX" (QRESYNC (5 7))'
        assert server.heard.count(b"ENABLE QRESYNC CONDSTORE") == 1


def test_a_session_that_asks_nothing_leaves_without_ado() -> None:
    with ScriptedServer({"LOGIN": _ALL, "ID": STALL}) as server:
        MailSession.open(server.login).close()
        assert server.heard[-1] == b"LOGOUT"
        assert not any(words.startswith(b"ID") for words in server.heard)


def test_a_password_beyond_ascii_takes_one_round_trip_where_the_server_lets_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    told = _TOLD.replace(b"ID", b"AUTH=PLAIN SASL-IR")
    with ScriptedServer({"AUTHENTICATE": _ALL}, greeting=told) as server:
        MailSession.open(replace(server.login, password="pässwörd")).close()
        response = b64encode("\0alice\0pässwörd".encode())
        assert server.heard[0] == b"AUTHENTICATE PLAIN " + response
    assert response.decode() not in caplog.text


def test_a_login_can_be_stopped_from_elsewhere() -> None:
    def begun(cut: Callable[[str], None]) -> None:
        threading.Timer(0.2, cut, ["Enough."]).start()

    with ScriptedServer({"LOGIN": STALL}) as server, pytest.raises(ConnectionFailed, match=r"^Enough\.$"):
        MailSession.open(server.login, begun=begun)


def test_a_session_that_is_stopped_before_it_has_a_connection_gets_none() -> None:
    def begun(cut: Callable[[str], None]) -> None:
        cut("Enough.")

    with ScriptedServer({}) as server:
        with pytest.raises(ConnectionFailed, match=r"^Enough\.$"):
            MailSession.open(server.login, begun=begun)
        assert server.heard == []
