"""Whole turns against servers that do what Dovecot would not: nothing is lost, nothing doubled, the account recovers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import credentials, hosts
from accounts.models import Account, AccountState, Application, Host
from mail import lease
from mail.mirror import Result, sync_account
from mail.models import Folder, Gap, Message
from mail.types import ConnectionFailed
from tests.integration.guard import guarded_log
from tests.integration.mirroring import ids, log_of, mail, mirror_state, sync
from tests.protocol.scripted import DROP, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

_OK = b"%T OK done\r\n"


@pytest.fixture(autouse=True)
def _guarded(transactional_db: None, trusted_loopback: None) -> Iterator[None]:
    with guarded_log():
        yield


@dataclass(slots=True)
class Inbox:
    """What a server holds in its one folder, and how it says so."""

    mails: dict[int, bytes] = field(default_factory=lambda: {uid: mail(f"mail {uid}") for uid in (3, 5, 8)})
    flags: dict[int, bytes] = field(default_factory=dict)
    uidvalidity: int = 5
    modseq: int = 0
    offered: str = ""

    def script(self, changes: dict[str, bytes] | None = None) -> dict[str, bytes]:
        """`changes`: answers that are otherwise, by the command's first words."""
        state = b"* %d EXISTS\r\n* OK [UIDVALIDITY %d]\r\n* OK [UIDNEXT %d]\r\n* OK [HIGHESTMODSEQ %d]\r\n"
        figures = (len(self.mails), self.uidvalidity, max(self.mails) + 1, self.modseq)
        counts = b"MESSAGES %d UIDVALIDITY %d UIDNEXT %d HIGHESTMODSEQ %d" % figures
        ordinary = {
            "CAPABILITY": b"* CAPABILITY IMAP4rev1 %s\r\n%%T OK done\r\n" % self.offered.encode(),
            "ENABLE": b"* ENABLED QRESYNC CONDSTORE\r\n" + _OK,
            "LIST": b'* LIST () "/" INBOX\r\n' + _OK,
            "STATUS": b"* STATUS INBOX (%s)\r\n" % counts + _OK,
            "EXAMINE": state % figures + _OK,
            "UID SEARCH": b"* SEARCH %s\r\n" % b" ".join(b"%d" % uid for uid in self.mails) + _OK,
            "UID FETCH": self.fetched(*self.mails) + _OK,
        }
        return ordinary | (changes or {})

    def fetched(self, *uids: int) -> bytes:
        """All that may be asked of these mails."""
        return b"".join(self._fetched(uid, self.mails[uid]) for uid in uids)

    def _fetched(self, uid: int, octets: bytes) -> bytes:
        facts = (uid, uid, self.flags.get(uid, b""), len(octets), len(octets), octets)
        return (
            b'* %d FETCH (UID %d FLAGS (%s) INTERNALDATE "01-Feb-2026 00:00:00 +0000" RFC822.SIZE %d BODY[] {%d}\r\n%s)'
            b"\r\n" % facts
        )


def _connected(server: ScriptedServer) -> Account:
    owner, _ = Application.objects.get_or_create(name="tests")
    return Account.objects.create(
        application=owner,
        email="alice@example.test",
        settings={
            "imap_host": server.login.host,
            "imap_port": server.login.port,
            "imap_security": "none",
            "imap_username": "alice",
        },
        credentials=credentials.seal({"imap_password": "secret"}),
        next_sync_at=timezone.now(),
    )


def _attempt(account: Account) -> Result:
    """A turn that may fail, and at once the next is due."""
    result = sync_account(account.id, lease.claim(account.id))
    Account.objects.filter(id=account.id).update(next_sync_at=timezone.now())
    Folder.objects.filter(account=account).update(next_try_at=None)
    Gap.objects.update(next_try_at=timezone.now())
    Host.objects.update(retry_at=None)
    return result


def _holds(account: Account, inbox: Inbox) -> bool:
    """Whether the mirror is what the server holds, every mail once."""
    mirrored = {uid: flags for uid, (flags, _digest) in mirror_state(account)["INBOX"].items()}
    there = {uid: frozenset(inbox.flags.get(uid, b"").decode().split()) for uid in inbox.mails}
    return mirrored == there and Message.objects.count() == len(set(inbox.mails.values()))


# --- an extension that is offered and fails --------------------------------------------------------------------------


def test_what_a_server_fails_at_is_remembered_for_all_its_accounts_and_tried_again_after_a_week() -> None:
    inbox = Inbox(modseq=10, offered="ENABLE QRESYNC CONDSTORE")
    refuses = {'EXAMINE "INBOX" (QRESYNC': b"%T BAD syntax\r\n"}
    with ScriptedServer(inbox.script(refuses)) as server:
        account = _connected(server)
        sync(account)
        for modseq, flag in ((11, b"\\Seen"), (12, b"\\Flagged"), (13, b"\\Answered")):
            inbox.modseq, inbox.flags = modseq, {5: flag}
            server.now(inbox.script(refuses))
            if modseq == 13:
                Host.objects.update(failing_until=timezone.now() - timedelta(seconds=1))
            sync(account)
            assert _holds(account, inbox)
            assert any(b"(QRESYNC" in words for words in server.heard) == (modseq != 12)
            host = Host.objects.get()
            assert (host.failing, host.failures) == (["QRESYNC"], 0)
            assert host.failing_until is not None
            assert host.failing_until > timezone.now() + timedelta(days=6)


def test_a_host_that_fails_at_something_and_then_is_down_is_remembered_as_both() -> None:
    now = timezone.now()
    hosts.did_not_answer("mx.test:993")
    hosts.try_again_at("mx.test:993", now)
    hosts.note_failing("MX.test:993", frozenset({"ESEARCH"}), now)
    hosts.note_failing("mx.test:993", frozenset({"QRESYNC"}), now)
    hosts.answered("mx.test:993")
    record = hosts.record("mx.test:993")
    assert record is not None
    assert (record.failures, record.retry_at) == (0, None)
    assert hosts.failing(record, now) == {"ESEARCH", "QRESYNC"}
    assert hosts.failing(record, now + hosts.MENDING) == frozenset()
    hosts.forget_unused(now)
    assert hosts.record("mx.test:993") is not None
    hosts.forget_unused(now + hosts.MENDING + timedelta(seconds=1))
    assert hosts.record("mx.test:993") is None


def test_a_host_that_is_down_is_forgotten_when_nobody_asks_any_more() -> None:
    now = timezone.now()
    hosts.did_not_answer("mx.test:993")
    hosts.try_again_at("mx.test:993", now)
    hosts.forget_unused(now)
    assert hosts.record("mx.test:993") is not None
    hosts.forget_unused(now + timedelta(seconds=1))
    assert hosts.record("mx.test:993") is None


# --- numbers that are wrong ------------------------------------------------------------------------------------------


def test_a_modseq_that_goes_back_loses_no_flag() -> None:
    inbox = Inbox(modseq=10, offered="CONDSTORE")
    with ScriptedServer(inbox.script()) as server:
        account = _connected(server)
        sync(account)
        inbox.modseq, inbox.flags = 4, {3: b"\\Seen", 8: b"\\Flagged"}
        server.now(inbox.script({"UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE": _OK}))
        sync(account)
        assert _holds(account, inbox)


def test_a_uidvalidity_that_changes_while_a_folder_is_read_mixes_no_uids() -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        late = inbox.fetched(3, 5) + b"* OK [UIDVALIDITY 6] renumbered\r\n" + inbox.fetched(8) + _OK
        server.now(inbox.script({"UID FETCH 3,5,8 (UID FLAGS INTERNALDATE": late}))
        account = _connected(server)
        assert isinstance(_attempt(account).error, ConnectionFailed)
        assert Message.objects.count() == 0
        inbox.mails = {1: inbox.mails[8], 2: inbox.mails[3], 3: inbox.mails[5]}
        inbox.uidvalidity = 6
        server.now(inbox.script())
        _attempt(account)
        assert _holds(account, inbox)
        assert Folder.objects.get().uidvalidity == 6


def test_a_uidvalidity_that_changes_between_two_selections_of_a_turn_keeps_every_id() -> None:
    """The visit selects the folder, then the copying of older mail does."""
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        account = _connected(server)
        sync(account)
        before = ids(account)
        state = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 6]\r\n* OK [UIDNEXT 9]\r\n" + _OK
        server.now(inbox.script({"EXAMINE": state}))
        _attempt(account)
        inbox.uidvalidity = 7
        server.now(inbox.script())
        _attempt(account)
        assert _holds(account, inbox)
        assert ids(account) == before
        assert not [entry for entry in log_of(account) if entry == ("message", "deleted")]


@pytest.mark.parametrize("exists", [0, 4, 4_000_000_000])
@pytest.mark.parametrize("offered", ["", "CONDSTORE"])
def test_counts_that_are_wrong_lose_and_double_nothing(exists: int, offered: str) -> None:
    inbox = Inbox(modseq=10 if offered else 0, offered=offered)
    state = b"* %d EXISTS\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n* OK [HIGHESTMODSEQ %d]\r\n"
    wrong = {
        "EXAMINE": state % (exists, inbox.modseq) + _OK,
        "STATUS": b"* STATUS INBOX (MESSAGES %d UIDVALIDITY 5 UIDNEXT 9 UNSEEN 77)\r\n" % (exists + 1) + _OK,
    }
    with ScriptedServer(inbox.script(wrong)) as server:
        account = _connected(server)
        for _ in range(3):
            assert _attempt(account).error is None
            assert _holds(account, inbox)
        account.refresh_from_db()
        assert account.state == AccountState.LIVE
        log = len(log_of(account))
        _attempt(account)
        assert len(log_of(account)) == log


@pytest.mark.parametrize("size", [b"0", b"5000", b"NIL", b"99999999999999999999"])
def test_sizes_that_are_wrong_lose_nothing(size: bytes) -> None:
    inbox = Inbox()
    actual = b"RFC822.SIZE %d" % len(inbox.mails[5])
    fetched = (inbox.fetched(*inbox.mails) + _OK).replace(actual, b"RFC822.SIZE " + size)
    with ScriptedServer(inbox.script({"UID FETCH": fetched})) as server:
        account = _connected(server)
        sync(account)
        assert _holds(account, inbox)


# --- answers that leave out, repeat, or bring what nobody asked for ----------------------------------------------------


@pytest.mark.parametrize("listed", [b"", b"8 3"])
def test_a_search_that_leaves_messages_out_deletes_nothing(listed: bytes) -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        account = _connected(server)
        sync(account)
        log = len(log_of(account))
        state = b"* 4 EXISTS\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n" + _OK
        server.now(inbox.script({"UID SEARCH": b"* SEARCH %s\r\n" % listed + _OK, "EXAMINE": state}))
        sync(account)
        assert _holds(account, inbox)
        assert len(log_of(account)) == log


@pytest.mark.parametrize("there", [(), (8, 5)])
def test_a_fetch_of_flags_that_leaves_messages_out_deletes_nothing(there: tuple[int, ...]) -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        account = _connected(server)
        sync(account)
        log = len(log_of(account))
        server.now(inbox.script({"UID FETCH 1:8 (UID FLAGS)": inbox.fetched(*there) + _OK}))
        sync(account)
        assert _holds(account, inbox)
        assert len(log_of(account)) == log


def test_flags_of_nil_change_nothing() -> None:
    inbox = Inbox(flags={5: b"\\Seen"})
    with ScriptedServer(inbox.script()) as server:
        account = _connected(server)
        sync(account)
        nil = b"".join(b"* 1 FETCH (UID %d FLAGS NIL)\r\n" % uid for uid in inbox.mails) + _OK
        server.now(inbox.script({"UID FETCH 1:8 (UID FLAGS)": nil}))
        sync(account)
        assert _holds(account, inbox)


def test_a_body_of_nil_is_asked_for_again_until_it_comes() -> None:
    inbox = Inbox()
    octets = inbox.mails[5]
    withheld = (inbox.fetched(*inbox.mails) + _OK).replace(
        b"BODY[] {%d}\r\n%s" % (len(octets), octets), b"BODY[] NIL", 1
    )
    assert withheld.count(b"NIL") == 1
    with ScriptedServer(inbox.script({"UID FETCH": withheld})) as server:
        account = _connected(server)
        _attempt(account)
        assert len(mirror_state(account)["INBOX"]) == 2
        assert Gap.objects.count() == 1
        server.now(inbox.script())
        sync(account)
        assert _holds(account, inbox)
        assert Gap.objects.count() == 0


_NOISE = (
    b"* 1 EXPUNGE\r\n* 99 EXISTS\r\n* 0 RECENT\r\n* VANISHED 77\r\n* 2 FETCH (FLAGS (\\Deleted))\r\n"
    b"* OK [ALERT] maintenance tonight\r\n* FLAGS (\\Seen)\r\n* 4 FETCH (UID 77 FLAGS (\\Seen))\r\n* NO slow\r\n"
)


@pytest.mark.parametrize("offered", ["", "CONDSTORE", "ENABLE QRESYNC CONDSTORE"])
def test_unsolicited_data_in_every_answer_changes_nothing(offered: str) -> None:
    inbox = Inbox(modseq=10 if offered else 0, offered=offered)

    def noisy() -> dict[str, bytes]:
        ordinary = inbox.script()
        return {words: _NOISE + answer if words != "EXAMINE" else answer for words, answer in ordinary.items()}

    with ScriptedServer(noisy()) as server:
        account = _connected(server)
        sync(account)
        assert _holds(account, inbox)
        inbox.flags, inbox.modseq = {3: b"\\Seen"}, inbox.modseq and 11
        inbox.mails[9] = mail("new")
        server.now(noisy())
        sync(account)
        assert _holds(account, inbox)


def test_messages_in_any_order_twice_and_unasked_are_mirrored_once() -> None:
    inbox = Inbox()
    shuffled = inbox.fetched(8, 3, 3, 5, 8) + b"* 9 FETCH (UID 90 RFC822.SIZE 3 BODY[] {3}\r\nabc)\r\n" + _OK
    with ScriptedServer(inbox.script({"UID FETCH": shuffled, "UID SEARCH": b"* SEARCH 8 3 5 3\r\n" + _OK})) as server:
        account = _connected(server)
        sync(account)
        assert _holds(account, inbox)


# --- refusals and ends -----------------------------------------------------------------------------------------------


_REFUSABLE = ("LOGIN", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH")
_CODES = (b"UNAVAILABLE", b"OVERQUOTA", b"THROTTLED", b"LIMIT", b"INUSE")


@pytest.mark.parametrize(
    ("command", "code"), [*zip(_REFUSABLE, _CODES, strict=True), *zip(_REFUSABLE[::-1], _CODES, strict=True)]
)
def test_a_refusal_for_the_moment_passes(command: str, code: bytes) -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script({command: b"%T NO [" + code + b"] not now\r\n"})) as server:
        account = _connected(server)
        for _ in range(3):
            _attempt(account)
        account.refresh_from_db()
        assert account.state != AccountState.INVALID
        server.now(inbox.script())
        _attempt(account)
        account.refresh_from_db()
        assert account.state == AccountState.LIVE
        assert _holds(account, inbox)


@pytest.mark.parametrize("command", ["", "CAPABILITY", "LOGIN", "LIST", "STATUS", "EXAMINE", "UID SEARCH", "UID FETCH"])
def test_a_goodbye_at_any_time_costs_nothing(command: str) -> None:
    inbox = Inbox()
    goodbye = b"* BYE back soon\r\n" + DROP
    greeting = b"* OK ready\r\n" if command else goodbye
    with ScriptedServer(inbox.script({command: goodbye} if command else {}), greeting) as server:
        account = _connected(server)
        assert "back soon" in str(_attempt(account).error)
        server.now(inbox.script())
        server.greeting = b"* OK ready\r\n"
        _attempt(account)
        account.refresh_from_db()
        assert account.state == AccountState.LIVE
        assert _holds(account, inbox)


@pytest.mark.parametrize("part", [0.1, 0.7])
def test_an_end_within_a_body_costs_nothing(part: float) -> None:
    inbox = Inbox()
    whole = inbox.fetched(*inbox.mails)
    with ScriptedServer(
        inbox.script({"UID FETCH 3,5,8 (UID FLAGS INT": whole[: int(len(whole) * part)] + DROP})
    ) as server:
        account = _connected(server)
        assert isinstance(_attempt(account).error, ConnectionFailed)
        server.now(inbox.script())
        _attempt(account)
        assert _holds(account, inbox)


@pytest.mark.parametrize(
    "listed",
    [
        b'* LIST () "//" INBOX\r\n* LIST () "abcdef" "x"\r\n',
        b"* LIST () {1}\r\n\0 INBOX\r\n",
        b'* LIST (\\A {3}\r\na\0b) "/" {5}\r\nINBOX\r\n',
        b'* LIST NIL NIL INBOX\r\n* LIST () NIL "a.b/c"\r\n',
        b'* LIST () "\xc2\xb7" INBOX\r\n* LIST () "\xc2\xb7" "a\xc2\xb7b"\r\n',
        b'* LIST () "/" INBOX\r\n* LIST () "/" "&"\r\n* LIST () "/" "&Jj"\r\n* LIST () "/" "&!!-"\r\n* LIST () "/" ""\r\n',
        b'* LIST (\\Noselect) "/" "a"\r\n* LIST () "/" "a/b"\r\n* LIST () "/" INBOX\r\n',
    ],
)
def test_a_folder_list_that_is_odd_stops_nobody(listed: bytes) -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script({"LIST": listed + _OK})) as server:
        account = _connected(server)
        for _ in range(2):
            sync(account)
        assert sorted(mirror_state(account)["INBOX"]) == [3, 5, 8]
        log = len(log_of(account))
        sync(account)
        assert len(log_of(account)) == log, "a second look changes nothing"


def test_capabilities_that_are_none_stop_nobody() -> None:
    inbox = Inbox(offered="\0 X-\x01 " + "X" * 500)
    with ScriptedServer(inbox.script()) as server:
        account = _connected(server)
        sync(account)
        assert _holds(account, inbox)
