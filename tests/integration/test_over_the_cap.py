"""Messages over the cap through a whole sync: header, mark, and what their server tells of the rest."""

import base64
import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Account, Host
from mail import audit, search
from mail.models import Gap, Message, Thread
from tests.integration.factories import make_key
from tests.integration.guard import guarded_log
from tests.integration.mirroring import connected, live, mail, mirror_state, server_state, sync
from tests.integration.scripted_inbox import OK, Inbox, attempt, connected_to
from tests.mailboxes import Mailbox
from tests.protocol.scripted import DROP, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 10_000
NOISE = base64.encodebytes(bytes(range(250)) * 80).replace(b"\n", b"\r\n")  # of 20,000 bytes
PARTS = (
    b"--b\r\n\r\nListen.\r\n--b\r\nContent-Type: audio/x-wav\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename*=utf-8''%e2%82%ac.wav\r\n\r\n" + NOISE + b"--b--\r\n"
)
MIXED = "multipart/mixed; boundary=b"
ITEMS = "UID FLAGS INTERNALDATE RFC822.SIZE"
ASKED = f"UID FETCH 5 ({ITEMS} BODYSTRUCTURE BODY.PEEK[HEADER])"
SPARED = f"UID FETCH 5 ({ITEMS} BODY.PEEK[HEADER])"
STRUCTURE = b'(("text" "plain" NIL NIL NIL "7bit" 7)("audio" "x-wav" ("name" "a.wav") NIL NIL "base64" 780) "mixed")'


@pytest.fixture(autouse=True)
def _guarded(transactional_db: None, trusted_loopback: None, settings: Settings) -> Iterator[None]:
    settings.SYNCFARM_MAX_MESSAGE_BYTES = LIMIT
    with guarded_log():
        yield


def recording() -> bytes:
    return mail("Recording", Message_ID="<recording@x>", Content_Type=MIXED, body="") + PARTS


def mirrored(mailbox: Mailbox, *mails: bytes) -> Account:
    """An account that holds these and a small one."""
    with mailbox.client() as client:
        for each in (*mails, mail("Small")):
            client.append("INBOX", each)
    account = connected(mailbox)
    sync(account)
    assert live(account)
    with mailbox.client() as client:
        assert mirror_state(account).keys() == server_state(client).keys()
    return account


def test_a_message_over_the_cap_is_mirrored_with_header_attachments_and_mark(mailbox: Mailbox) -> None:
    account = mirrored(mailbox, recording())
    message = Message.objects.get(account=account, subject="Recording")
    (part,) = message.attachments
    assert abs(part.pop("size") - 20_000) <= 4
    assert part == {
        "part": 1,
        "filename": "€.wav",
        "content_type": "audio/x-wav",
        "content_id": "",
        "disposition": "attachment",
        "is_inline": False,
    }
    mark = f"{len(recording()):,} bytes, over the limit of 10,000: only the header is mirrored"
    assert (message.problem, message.header_id, message.snippet) == (mark, "recording@x", "")
    assert (message.size, message.raw_size < 1_000) == (len(recording()), True)
    assert message.has_attachments
    assert Thread.objects.get(pk=message.thread_id).has_attachments
    assert Message.objects.get(account=account, subject="Small").problem == ""
    assert not Host.objects.exclude(failing=[]).exists()
    assert audit.run(account, sample=10) == []


def test_its_attachments_are_found_and_listed_and_their_bytes_refused_with_the_limit(mailbox: Mailbox) -> None:
    account = mirrored(mailbox, recording())
    while search.index_account(account.pk):
        pass
    api = Client(headers={"authorization": f"Bearer {make_key(account.application)[1]}"})
    grant = f"/v3/grants/{account.pk}"
    (data,) = api.get(f"{grant}/messages?search_query_native=has:attachment").json()["data"]
    assert (data["subject"], data["snippet"], data["body"]) == ("Recording", "", "")
    (listed,) = data["attachments"]
    assert api.get(f"{grant}/attachments/{listed['id']}").json()["data"] == listed
    answer = api.get(f"{grant}/attachments/{listed['id']}/download?message_id={data['id']}")
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["type"] == "not_found_error"
    assert "is not mirrored" in error["message"]
    assert "over the limit of 10,000" in error["message"]


def test_a_message_that_is_one_file_or_text_alone_is_what_it_is(mailbox: Mailbox) -> None:
    file = mail("File", Content_Type="application/pdf; name=a.pdf", Content_Transfer_Encoding="base64", body="") + NOISE
    account = mirrored(mailbox, file, mail("Text", body="x" * 20_000))
    (part,) = Message.objects.get(account=account, subject="File").attachments
    assert (part["part"], part["filename"], abs(part["size"] - 20_000) <= 4) == (0, "a.pdf", True)
    text = Message.objects.get(account=account, subject="Text")
    assert (text.attachments, text.has_attachments, text.snippet) == ([], False, "")


def server_of(inbox: Inbox, answer: bytes, sparing: bytes) -> dict[str, bytes]:
    """A server whose message 5 is over the cap. `answer`: what it says when it is asked for its structure as well."""
    return inbox.script({ASKED: answer, SPARED: sparing})


def large_inbox() -> tuple[Inbox, bytes]:
    """An inbox with a large message, and the FETCH of its header with a place for its structure."""
    inbox = Inbox()
    inbox.mails[5] = recording()
    header = recording().partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    head = b'* 5 FETCH (UID 5 FLAGS () INTERNALDATE "01-Feb-2026 00:00:00 +0000" RFC822.SIZE %d' % len(recording())
    return inbox, head + b"<here> BODY[HEADER] {%d}\r\n%s)\r\n" % (len(header), header)


def names() -> list[str]:
    return [part["filename"] for part in Message.objects.get(subject="Recording").attachments]


def headers_asked(server: ScriptedServer) -> list[str]:
    return [re.sub(r" \(.*RFC822.SIZE", "", each.decode()) for each in server.heard if b"PEEK[HEADER]" in each]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b" BODYSTRUCTURE " + STRUCTURE, ["a.wav"]),
        (b"", []),
        (b" BODYSTRUCTURE NIL", []),
        (b" BODYSTRUCTURE nonsense", []),
        (b" BODYSTRUCTURE " + b"(" * 10_000 + b")" * 10_000, []),
    ],
)
def test_header_and_structure_cost_one_command(answer: bytes, found: list[str]) -> None:
    inbox, told = large_inbox()
    with ScriptedServer(server_of(inbox, told.replace(b"<here>", answer) + OK, b"")) as server:
        account = connected_to(server)
        assert attempt(account).error is None
        assert names() == found
        assert len(headers_asked(server)) == 1
        assert "only the header" in Message.objects.get(subject="Recording").problem
        assert not Host.objects.exists()


@pytest.mark.parametrize(("refusal", "remembered"), [(b"%T BAD what?\r\n", True), (b"%T NO [SERVERBUG]\r\n", False)])
def test_a_server_that_refuses_structures_is_mirrored(refusal: bytes, *, remembered: bool) -> None:
    inbox, told = large_inbox()
    sparing = told.replace(b"<here>", b"") + OK
    with ScriptedServer(server_of(inbox, refusal, sparing)) as server:
        account = connected_to(server)
        assert attempt(account).error is None
        assert names() == []
        assert not Gap.objects.exists()
        assert "only the header" in Message.objects.get(subject="Recording").problem
        assert [host.failing for host in Host.objects.all()] == ([["BODYSTRUCTURE"]] if remembered else [])


def test_a_server_whose_structures_are_not_imap_is_mirrored_in_the_next_turn_and_remembered() -> None:
    inbox, told = large_inbox()
    broken, sparing = told.replace(b"<here>", b" BODYSTRUCTURE ((("), told.replace(b"<here>", b"") + OK
    with ScriptedServer(server_of(inbox, broken + OK, sparing)) as server:
        account = connected_to(server)
        assert "not IMAP" in str(attempt(account).error)
        assert Host.objects.get().failing == ["BODYSTRUCTURE"]
        assert attempt(account).error is None
        assert names() == []
        assert holds_all(inbox)


@pytest.mark.parametrize("end", [DROP, b"* BYE no\r\n" + DROP])
def test_a_server_that_hangs_up_at_a_structure_is_mirrored_in_the_end(end: bytes) -> None:
    """After some failures messages are asked for one by one, and then without."""
    inbox, told = large_inbox()
    with ScriptedServer(server_of(inbox, end, told.replace(b"<here>", b"") + OK)) as server:
        account = connected_to(server)
        outcomes = [attempt(account).error is None for _ in range(3)]
        assert outcomes == [False, False, True]
        assert names() == []
        assert holds_all(inbox)
        assert not Gap.objects.exists()
        assert not Host.objects.exclude(failing=[]).exists(), "it may have been the network"


def holds_all(inbox: Inbox) -> bool:
    return (
        Message.objects.count() == len(inbox.mails)
        and "only the header" in Message.objects.get(subject="Recording").problem
    )
