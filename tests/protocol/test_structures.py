"""Headers with their messages' structure, from servers that know it and from those that fail at it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mail import mime
from mail.imap.session import MailSession
from mail.types import ConnectionFailed, Fetched, FolderFailed, Part
from tests.protocol.scripted import DROP, SPOKEN, STALL, ScriptedServer

OK = b"%T OK done\r\n"
HEADER = b"Subject: large\r\n\r\n"
ITEMS = "UID FLAGS INTERNALDATE RFC822.SIZE"
ASKED = f"UID FETCH 7 ({ITEMS} BODYSTRUCTURE BODY.PEEK[HEADER])"
SPARED = f"UID FETCH 7 ({ITEMS} BODY.PEEK[HEADER])"
PNG = b'("image" "png" ("name" "a.png") NIL NIL "base64" 8 NIL NIL NIL NIL)'
PARTS = (Part(b'image/png; name="a.png"', encoding=b"base64", octets=8),)


def told(structure: bytes = b"", uid: int = 7) -> bytes:
    items = b"BODYSTRUCTURE %s " % structure if structure else b""
    answer = b"* 1 FETCH (UID %d FLAGS () RFC822.SIZE 9 %sBODY[HEADER] {%d}\r\n%s)\r\n"
    return answer % (uid, items, len(HEADER), HEADER)


@contextmanager
def session(
    script: dict[str, bytes], without: frozenset[str] = frozenset(), timeout: float = 10
) -> Iterator[tuple[MailSession, ScriptedServer]]:
    with ScriptedServer(script) as server, MailSession.open(server.login, without=without, timeout=timeout) as opened:
        opened.select("INBOX")
        yield opened, server


def header(opened: MailSession) -> Fetched:
    (message,) = opened.bodies([7], headers_only=True)
    assert (message.raw, message.complete, message.size) == (HEADER, False, 9)
    return message


def fetches(server: ScriptedServer) -> list[str]:
    return [words.decode() for words in server.heard if words.startswith(b"UID FETCH")]


def test_the_structure_comes_with_the_header() -> None:
    with session({ASKED: told(PNG) + OK}) as (opened, server):
        assert header(opened).parts == PARTS
        assert fetches(server) == [ASKED]
        assert opened.failed == frozenset()


@pytest.mark.parametrize(
    "answer",
    [
        told(PNG).replace(b" RFC822.SIZE 9", b"").replace(b"* 1 FETCH (", b"* 1 FETCH (RFC822.SIZE 9 "),
        told().replace(b")\r\n", b" BODYSTRUCTURE %s)\r\n" % PNG),
        told(PNG).replace(b"BODYSTRUCTURE", b"bodystructure"),
        told(PNG).replace(b'"a.png"', b"{5}\r\na.png"),
    ],
)
def test_the_items_may_come_in_any_order_and_spelling(answer: bytes) -> None:
    with session({ASKED: answer + OK}) as (opened, _server):
        assert header(opened).parts == PARTS


@pytest.mark.parametrize("came", [b"", told(b"NIL"), told()])
@pytest.mark.parametrize(
    ("refusal", "remembered"),
    [
        (b"%T BAD what?\r\n", True),
        (b"%T NO cannot\r\n", True),
        (b"%T NO [CANNOT] cannot\r\n", True),
        (b"%T NO [SERVERBUG] this message is damaged\r\n", False),
        (b"%T NO [UNAVAILABLE] not now\r\n", False),
    ],
)
def test_a_refused_structure_is_done_without(refusal: bytes, came: bytes, *, remembered: bool) -> None:
    with session({ASKED: came + refusal, SPARED: told() + OK}) as (opened, server):
        assert header(opened).parts is None
        assert opened.failed == ({"BODYSTRUCTURE"} if remembered else frozenset())
        header(opened)
        assert fetches(server) == [ASKED, SPARED, *([] if remembered else [ASKED]), SPARED]
        assert opened.select("INBOX").uidnext == 9, "the line is in step"


def test_what_a_server_is_known_to_fail_at_is_not_asked_for() -> None:
    with session({SPARED: told() + OK}, without=frozenset({"BODYSTRUCTURE"})) as (opened, server):
        opened.order_bodies([7], headers_only=True)
        assert header(opened).parts is None
        assert fetches(server) == [SPARED]


def test_a_refusal_of_the_message_itself_stays_one() -> None:
    with session({"UID FETCH": b"%T NO [SERVERBUG] no\r\n"}) as (opened, _server):
        with pytest.raises(FolderFailed, match="no"):
            header(opened)
        assert opened.failed == frozenset()


def test_the_structure_of_a_message_that_is_gone_is_not_held_against_the_server() -> None:
    with session({"UID FETCH": b"%T NO [NONEXISTENT] gone\r\n"}) as (opened, server):
        with pytest.raises(FolderFailed, match="gone"):
            header(opened)
        assert opened.failed == frozenset()
        assert fetches(server) == [ASKED]


@pytest.mark.parametrize(
    "structure",
    [
        b"",
        b"NIL",
        b"()",
        b'"mixed"',
        b"mixed",
        b"{5}\r\nmixed",
        b"(" * 10_000 + b")" * 10_000,
        b"((((NIL)))NIL(((7)(7)7)))",
    ],
)
def test_a_structure_that_says_nothing_costs_nothing_else(structure: bytes) -> None:
    with session({ASKED: told(structure) + OK}) as (opened, server):
        message = header(opened)
        assert mime.listed(message.parts or ()) == ((), "")
        assert fetches(server) == [ASKED]
        assert opened.failed == frozenset()


def test_a_structure_of_100_000_parts_is_read_as_far_as_a_message_is() -> None:
    with session({ASKED: told(b'(%s "mixed")' % (PNG * 100_000)) + OK}) as (opened, _server):
        attachments, problem = mime.listed(header(opened).parts or ())
        assert (len(attachments), problem) == (1_000, "only the first 1,000 parts are listed")


@pytest.mark.parametrize("structure", [b"(" + PNG, PNG + b")", b'(("text" "plain"', b"((({99}\r\n"])
def test_a_structure_that_breaks_the_line_is_remembered(structure: bytes) -> None:
    """A literal that stands where none can is one of another size than it says: what follows is not in step."""
    with session({ASKED: told(structure) + OK + told() + OK}) as (opened, _server):
        with pytest.raises(ConnectionFailed, match="not IMAP"):
            header(opened)
        assert opened.failed == {"BODYSTRUCTURE"}
    with session({ASKED: told(structure), SPARED: told() + OK}, without=opened.failed) as (opened, _server):
        header(opened)


def test_a_structure_that_breaks_the_line_while_another_answer_is_read_is_remembered() -> None:
    sizes = f"UID FETCH 3 ({ITEMS.replace(' INTERNALDATE', '')})"
    with session({ASKED: told(PNG + b")"), sizes: OK}) as (opened, _server):
        opened.order_bodies([7], headers_only=True)
        with pytest.raises(ConnectionFailed, match="not IMAP"):
            opened.entries([3])
        assert opened.failed == {"BODYSTRUCTURE"}


def test_other_trouble_on_the_line_is_not_held_against_the_structure() -> None:
    garbage = {f"UID FETCH 8 ({ITEMS} BODY.PEEK[])": b"* 1 FETCH (UID 8 BODY[] {3}\r\nabcdef))\r\n" + OK}
    with session({ASKED: told(PNG) + OK, **garbage}) as (opened, _server):
        header(opened)
        with pytest.raises(ConnectionFailed, match="not IMAP"):
            list(opened.bodies([8]))
        assert opened.failed == frozenset()


@pytest.mark.parametrize("end", [DROP, STALL, b"* BYE not that\r\n" + DROP])
def test_a_line_that_ends_is_not_held_against_the_structure(end: bytes) -> None:
    """It may be the network: who asks one by one afterwards spares it."""
    with session({ASKED: b"* 1 FETCH (UID 7 BODYSTRUCTURE (" + end}, timeout=0.5) as (opened, _server):
        with pytest.raises(ConnectionFailed):
            header(opened)
        assert opened.failed == frozenset()
    with session({SPARED: told() + OK}) as (opened, server):
        assert [message.raw for message in opened.headers([7])] == [HEADER]
        assert fetches(server) == [SPARED]


@pytest.mark.parametrize(
    ("offered", "ids"), [("X-GM-EXT-1", "X-GM-MSGID X-GM-THRID"), ("OBJECTID", "EMAILID THREADID")]
)
@pytest.mark.parametrize("refusal", [b"", b"%T NO cannot\r\n", b"%T BAD what?\r\n"])
def test_the_ids_of_a_message_are_kept_when_its_structure_is_given_up(offered: str, ids: str, refusal: bytes) -> None:
    asked, spared = (words.replace(ITEMS, f"{ITEMS} {ids}") for words in (ASKED, SPARED))
    known = {"X-GM-EXT-1": b"X-GM-MSGID 12 X-GM-THRID 34 UID", "OBJECTID": b"EMAILID (12) THREADID (34) UID"}[offered]
    answer = told().replace(b"UID", known) + OK
    capability = b"* CAPABILITY IMAP4rev1 %s\r\n" % offered.encode() + OK
    with session({"CAPABILITY": capability, asked: refusal or answer, spared: answer}) as (opened, server):
        message = header(opened)
        assert (message.email_id, message.thread_id) == ("12", "34")
        assert opened.failed == ({"BODYSTRUCTURE"} if refusal else frozenset())
        assert fetches(server) == [asked, *([spared] if refusal else [])]


def test_a_server_that_knows_neither_structures_nor_ids_is_asked_for_neither() -> None:
    capability = b"* CAPABILITY IMAP4rev1 OBJECTID\r\n" + OK
    with session({"CAPABILITY": capability, "UID FETCH": b"%T BAD what?\r\n", SPARED: told() + OK}) as (
        opened,
        _server,
    ):
        assert header(opened).email_id == ""
        assert opened.failed == {"BODYSTRUCTURE", "OBJECTID"}


@pytest.mark.parametrize("refusal", [b"", b"%T NO cannot\r\n"])
def test_a_header_that_is_ordered_comes_with_its_structure_or_without(refusal: bytes) -> None:
    body = f"UID FETCH 3 ({ITEMS} BODY.PEEK[])"
    mail = b"* 1 FETCH (UID 3 FLAGS () RFC822.SIZE 1 BODY[] {1}\r\nx)\r\n"
    script = {body: mail + SPOKEN + OK, ASKED: refusal or told(PNG) + OK, SPARED: told() + OK}
    with session(script) as (opened, server):
        opened.order_bodies([3])
        opened.order_bodies([7], headers_only=True)
        assert [message.raw for message in opened.bodies([3])] == [b"x"]
        assert header(opened).parts == (None if refusal else PARTS)
        assert fetches(server) == [body, ASKED, *([SPARED] if refusal else [])]
