"""What a server says besides: alerts, refusals of the moment, and folder names that are none."""

from dataclasses import replace

import pytest

from mail.imap.session import MailSession
from mail.types import AuthenticationFailed
from tests.protocol.scripted import ScriptedServer

_OK = b"%T OK done\r\n"


@pytest.mark.parametrize(
    "told",
    [
        b"* OK [ALERT] Over quota soon\r\n" + _OK,
        b"* NO [ALERT] Over quota soon\r\n* NO [ALERT] Over quota soon\r\n" + _OK,
        b"%T OK [ALERT] Over quota soon\r\n",
    ],
)
def test_an_alert_is_logged_once_a_session_and_is_no_error(told: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with (
        ScriptedServer({"UID SEARCH": b"* SEARCH 1\r\n" + told}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
        assert session.uids(1) == session.uids(1) == [1]
    assert caplog.messages == ["127.0.0.1 warns alice: Over quota soon"]


def test_a_server_that_never_stops_warning_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    alerts = b"".join(b"* OK [ALERT] %d\r\n" % number for number in range(1000))
    with (
        ScriptedServer({"EXAMINE": alerts + b"* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n" + _OK}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
    assert len(caplog.messages) == 10


def test_an_alert_that_repeats_the_password_shows_it_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    alert = b"* OK [ALERT] change corr3ct h0rse soon\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n"
    with (
        ScriptedServer({"EXAMINE": alert + _OK}) as server,
        MailSession.open(replace(server.login, password="corr3ct h0rse")) as session,
    ):
        session.select("INBOX")
    assert caplog.messages == ["127.0.0.1 warns alice: change … soon"]


@pytest.mark.parametrize("code", ["UNAVAILABLE", "OVERQUOTA", "THROTTLED", "LIMIT", "INUSE"])
def test_a_login_that_is_refused_for_the_moment_is_no_wrong_password(code: str) -> None:
    with (
        ScriptedServer({"LOGIN": f"%T NO [{code}] not now\r\n".encode()}) as server,
        pytest.raises(AuthenticationFailed, match="not now") as failed,
    ):
        MailSession.open(server.login)
    assert not failed.value.permanent


@pytest.mark.parametrize(
    ("sent", "name", "asked"),
    [
        (b'"Entw\xc3\xbcrfe"', "Entwürfe", b"Entw\xc3\xbcrfe"),  # raw UTF-8
        (b'"Entw\xfcrfe"', "Entwürfe", b"Entw\xfcrfe"),  # raw Latin-1
        (b'"&AOk"', "&AOk", b'"&AOk"'),  # a shift that does not end
        (b'"R&D"', "R&D", b'"R&D"'),  # no shift at all
        (b'"&!!-x"', "&!!-x", b'"&!!-x"'),  # no base64
        (b'"&A-"', "&A-", b'"&A-"'),  # half a character
        (b'"&2AA-"', "&2AA-", b'"&2AA-"'),  # half a surrogate pair
        (b'"&-&-"', "&&", b'"&-&-"'),
        (b"&AOk-t&AOk-", "été", b'"&AOk-t&AOk-"'),
        (b"NIL", "NIL", b'"NIL"'),
        (b'""', "", b'""'),
        (b"{4}\r\na\r\nb", "a\r\nb", b"a\r\nb"),
        (b'"a\\\\b\\"c"', 'a\\b"c', b'"a\\\\b\\"c"'),
    ],
)
def test_a_folder_is_asked_for_by_the_very_octets_of_its_name(sent: bytes, name: str, asked: bytes) -> None:
    listed = b"* LIST () NIL " + sent + b"\r\n" + _OK
    with (
        ScriptedServer({"LIST": listed, "STATUS": b"%T NO\r\n"}) as server,
        MailSession.open(server.login) as session,
    ):
        (folder,) = session.folders()
        assert folder.name == name
        session.select(folder.wire_name)
        assert server.heard[-1] == b"EXAMINE " + asked
