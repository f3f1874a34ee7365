"""Whole turns against servers that do what Dovecot would not: nothing is lost, nothing doubled, the account recovers."""

import pytest

from accounts.models import AccountState, Host
from mail.models import Folder, Gap, Message
from mail.types import ConnectionFailed
from tests.integration.mirroring import ids, log_of, mail, mirror_state, sync
from tests.integration.scripted_inbox import OK, Inbox, attempt, connected_to, holds
from tests.protocol.scripted import DROP, ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


# --- numbers that are wrong ------------------------------------------------------------------------------------------


def test_a_modseq_that_goes_back_loses_no_flag() -> None:
    inbox = Inbox(modseq=10, offered="CONDSTORE")
    with ScriptedServer(inbox.script()) as server:
        account = connected_to(server)
        sync(account)
        inbox.modseq, inbox.flags = 4, {3: b"\\Seen", 8: b"\\Flagged"}
        server.now(inbox.script({"UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE": OK}))
        sync(account)
        assert holds(account, inbox)


def test_a_uidvalidity_that_changes_while_a_folder_is_read_mixes_no_uids() -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        late = inbox.fetched(3, 5) + b"* OK [UIDVALIDITY 6] renumbered\r\n" + inbox.fetched(8) + OK
        server.now(inbox.script({"UID FETCH 3,5,8 (UID FLAGS INTERNALDATE": late}))
        account = connected_to(server)
        assert isinstance(attempt(account).error, ConnectionFailed)
        assert Message.objects.count() == 0
        inbox.mails = {1: inbox.mails[8], 2: inbox.mails[3], 3: inbox.mails[5]}
        inbox.uidvalidity = 6
        server.now(inbox.script())
        attempt(account)
        assert holds(account, inbox)
        assert Folder.objects.get().uidvalidity == 6


def test_a_uidvalidity_that_changes_between_two_selections_of_a_turn_keeps_every_id() -> None:
    """The visit selects the folder, then the copying of older mail does."""
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        account = connected_to(server)
        sync(account)
        before = ids(account)
        state = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 6]\r\n* OK [UIDNEXT 9]\r\n" + OK
        server.now(inbox.script({"EXAMINE": state}))
        attempt(account)
        inbox.uidvalidity = 7
        server.now(inbox.script())
        attempt(account)
        assert holds(account, inbox)
        assert ids(account) == before
        assert not [entry for entry in log_of(account) if entry == ("message", "deleted")]


@pytest.mark.parametrize("exists", [0, 4, 4_000_000_000])
@pytest.mark.parametrize("offered", ["", "CONDSTORE"])
def test_counts_that_are_wrong_lose_and_double_nothing(exists: int, offered: str) -> None:
    inbox = Inbox(modseq=10 if offered else 0, offered=offered)
    state = b"* %d EXISTS\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n* OK [HIGHESTMODSEQ %d]\r\n"
    wrong = {
        "EXAMINE": state % (exists, inbox.modseq) + OK,
        "STATUS": b"* STATUS INBOX (MESSAGES %d UIDVALIDITY 5 UIDNEXT 9 UNSEEN 77)\r\n" % (exists + 1) + OK,
    }
    with ScriptedServer(inbox.script(wrong)) as server:
        account = connected_to(server)
        for _ in range(3):
            assert attempt(account).error is None
            assert holds(account, inbox)
        account.refresh_from_db()
        assert account.state == AccountState.LIVE
        log = len(log_of(account))
        attempt(account)
        assert len(log_of(account)) == log


def test_sizes_that_are_wrong_lose_nothing() -> None:
    inbox = Inbox()
    inbox.mails[9] = mail("mail 9", body="Longer than the others.")
    fetched = inbox.fetched(*inbox.mails) + OK
    for octets, size in zip(inbox.mails.values(), (b"0", b"5000", b"NIL", b"9" * 20), strict=True):
        actual = b"RFC822.SIZE %d BODY[] {%d}\r\n%s" % (len(octets), len(octets), octets)
        assert actual in fetched
        fetched = fetched.replace(actual, b"RFC822.SIZE %s BODY[] {%d}\r\n%s" % (size, len(octets), octets))
    with ScriptedServer(inbox.script({"UID FETCH": fetched})) as server:
        account = connected_to(server)
        sync(account)
        assert holds(account, inbox)
        assert Host.objects.get().failing == ["RFC822.SIZE"], "the next mails are not asked for twice"


# --- answers that leave out, repeat, or bring what nobody asked for ----------------------------------------------------


@pytest.mark.parametrize("listed", [b"", b"8 3"])
def test_a_search_that_leaves_messages_out_deletes_nothing(listed: bytes) -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        account = connected_to(server)
        sync(account)
        log = len(log_of(account))
        state = b"* 4 EXISTS\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n" + OK
        server.now(inbox.script({"UID SEARCH": b"* SEARCH %s\r\n" % listed + OK, "EXAMINE": state}))
        sync(account)
        assert holds(account, inbox)
        assert len(log_of(account)) == log


@pytest.mark.parametrize("there", [(), (8, 5)])
def test_a_fetch_of_flags_that_leaves_messages_out_deletes_nothing(there: tuple[int, ...]) -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        account = connected_to(server)
        sync(account)
        log = len(log_of(account))
        server.now(inbox.script({"UID FETCH 1:8 (UID FLAGS)": inbox.fetched(*there) + OK}))
        sync(account)
        assert holds(account, inbox)
        assert len(log_of(account)) == log


def test_flags_of_nil_change_nothing() -> None:
    inbox = Inbox(flags={5: b"\\Seen"})
    with ScriptedServer(inbox.script()) as server:
        account = connected_to(server)
        sync(account)
        nil = b"".join(b"* 1 FETCH (UID %d FLAGS NIL)\r\n" % uid for uid in inbox.mails) + OK
        server.now(inbox.script({"UID FETCH 1:8 (UID FLAGS)": nil}))
        sync(account)
        assert holds(account, inbox)


def test_a_body_of_nil_is_asked_for_again_until_it_comes() -> None:
    inbox = Inbox()
    octets = inbox.mails[5]
    withheld = (inbox.fetched(*inbox.mails) + OK).replace(
        b"BODY[] {%d}\r\n%s" % (len(octets), octets), b"BODY[] NIL", 1
    )
    assert withheld.count(b"NIL") == 1
    with ScriptedServer(inbox.script({"UID FETCH": withheld})) as server:
        account = connected_to(server)
        attempt(account)
        assert len(mirror_state(account)["INBOX"]) == 2
        assert Gap.objects.count() == 1
        server.now(inbox.script())
        sync(account)
        assert holds(account, inbox)
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
        account = connected_to(server)
        sync(account)
        assert holds(account, inbox)
        inbox.flags, inbox.modseq = {3: b"\\Seen"}, inbox.modseq and 11
        inbox.mails[9] = mail("new")
        server.now(noisy())
        sync(account)
        assert holds(account, inbox)


def test_messages_in_any_order_twice_and_unasked_are_mirrored_once() -> None:
    inbox = Inbox()
    shuffled = inbox.fetched(8, 3, 3, 5, 8) + b"* 9 FETCH (UID 90 RFC822.SIZE 3 BODY[] {3}\r\nabc)\r\n" + OK
    with ScriptedServer(inbox.script({"UID FETCH": shuffled, "UID SEARCH": b"* SEARCH 8 3 5 3\r\n" + OK})) as server:
        account = connected_to(server)
        sync(account)
        assert holds(account, inbox)


# --- refusals and ends -----------------------------------------------------------------------------------------------


_REFUSABLE = ("LOGIN", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH")
_CODES = (b"UNAVAILABLE", b"OVERQUOTA", b"THROTTLED", b"LIMIT", b"INUSE")


@pytest.mark.parametrize(("command", "code"), [*zip(_REFUSABLE, _CODES, strict=True)])
def test_a_refusal_for_the_moment_passes(command: str, code: bytes) -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script({command: b"%T NO [" + code + b"] not now\r\n"})) as server:
        account = connected_to(server)
        for _ in range(3):
            attempt(account)
        account.refresh_from_db()
        assert account.state != AccountState.INVALID
        server.now(inbox.script())
        attempt(account)
        account.refresh_from_db()
        assert account.state == AccountState.LIVE
        assert holds(account, inbox)


@pytest.mark.parametrize("command", ["", "CAPABILITY", "LOGIN", "LIST", "STATUS", "EXAMINE", "UID SEARCH", "UID FETCH"])
def test_a_goodbye_at_any_time_costs_nothing(command: str) -> None:
    inbox = Inbox()
    goodbye = b"* BYE back soon\r\n" + DROP
    greeting = b"* OK ready\r\n" if command else goodbye
    with ScriptedServer(inbox.script({command: goodbye} if command else {}), greeting) as server:
        account = connected_to(server)
        assert "back soon" in str(attempt(account).error)
        server.now(inbox.script())
        server.greeting = b"* OK ready\r\n"
        attempt(account)
        account.refresh_from_db()
        assert account.state == AccountState.LIVE
        assert holds(account, inbox)


@pytest.mark.parametrize("part", [0.1, 0.7])
def test_an_end_within_a_body_costs_nothing(part: float) -> None:
    inbox = Inbox()
    whole = inbox.fetched(*inbox.mails)
    with ScriptedServer(
        inbox.script({"UID FETCH 3,5,8 (UID FLAGS INT": whole[: int(len(whole) * part)] + DROP})
    ) as server:
        account = connected_to(server)
        assert isinstance(attempt(account).error, ConnectionFailed)
        server.now(inbox.script())
        attempt(account)
        assert holds(account, inbox)


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
    with ScriptedServer(inbox.script({"LIST": listed + OK})) as server:
        account = connected_to(server)
        for _ in range(2):
            sync(account)
        assert sorted(mirror_state(account)["INBOX"]) == [3, 5, 8]
        log = len(log_of(account))
        sync(account)
        assert len(log_of(account)) == log, "a second look changes nothing"


def test_capabilities_that_are_none_stop_nobody() -> None:
    inbox = Inbox(offered="\0 X-\x01 " + "X" * 500)
    with ScriptedServer(inbox.script()) as server:
        account = connected_to(server)
        sync(account)
        assert holds(account, inbox)
