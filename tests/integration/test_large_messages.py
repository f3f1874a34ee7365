"""Messages of any size through a whole sync: they are mirrored, in bounded memory and time, and lose nothing."""

import base64
import gc
import hashlib
import random
import time
from collections.abc import Sequence

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts import hosts
from accounts.models import Account, Host
from mail import audit, bodies, raw
from mail.imap import pieces
from mail.mirror import hauls, reading
from mail.mirror.room import Room
from mail.models import Gap, Message
from mail.raw.repacking import repack
from mail.sync import visit
from mail.types import Arrival, ConnectionFailed
from tests.integration.mirroring import connected, fill, live, mail, mirror_state, server_state, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.integration.raw_stores import *  # noqa: F403 -- fixtures
from tests.integration.raw_stores import sound
from tests.integration.scripted_inbox import Inbox, attempt, connected_to, holds
from tests.mailboxes import Mailbox
from tests.memory import files_of_at_most, peak
from tests.protocol.scripted import ScriptedServer, cut_after
from tests.unit.test_mime_bounds import HOSTILE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]

MB = 1_000_000


def recording(octets: int) -> bytes:
    """A message of about this size, with an attachment that cannot be compressed much."""
    noise = base64.encodebytes(random.Random(octets).randbytes(octets * 57 // 78)).replace(b"\n", b"\r\n")
    head = mail("Recording", Message_ID="<recording@x>", Content_Type="multipart/mixed; boundary=b", body="")
    parts = (
        b"--b\r\n\r\nListen.\r\n--b\r\nContent-Type: audio/x; name=a.wav\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    return head + parts + noise + b"--b--\r\n"


def filled(mailbox: Mailbox, *mails: bytes) -> Account:
    """An account with small mails before, between and behind these."""
    with mailbox.client() as client:
        for number, each in enumerate(mails):
            fill(client, "INBOX", 2, start=2 * number)
            client.append("INBOX", each)
        fill(client, "INBOX", 2, start=100)
    return connected(mailbox)


def assert_whole(account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
    assert live(account)
    assert not Gap.objects.exists()


def holds_octets(message: Message, content: bytes) -> bool:
    stored = raw.stored(message)
    return stored is not None and stored[:] == content


def test_a_large_message_is_mirrored_octet_by_octet(mailbox: Mailbox, raw_store: str) -> None:
    content = recording(20 * MB)
    account = filled(mailbox, content)
    sync(account)
    assert_whole(account, mailbox)
    message = Message.objects.get(account=account, subject="Recording")
    assert bytes(message.digest) == hashlib.sha256(content).digest()
    assert holds_octets(message, content)
    assert (message.snippet, message.size, message.problem) == ("Listen.", len(content), "")
    assert [part["filename"] for part in message.attachments] == ["a.wav"]
    assert not Host.objects.exclude(failing=[]).exists(), "Dovecot sends it in pieces"
    assert sound(account)


@pytest.mark.parametrize("octets", [30 * MB, 90 * MB])
def test_a_large_message_takes_little_memory(mailbox: Mailbox, octets: int) -> None:
    account = filled(mailbox, recording(octets))
    with peak() as memory:
        sync(account)
    assert_whole(account, mailbox)
    assert memory.more < 25 * MB


def test_a_large_message_is_read_and_packed_anew_in_little_memory(mailbox: Mailbox, raw_store: str) -> None:
    content = recording(60 * MB)
    account = filled(mailbox, content)
    sync(account)
    message = Message.objects.get(account=account, subject="Recording")
    assert message.pack_id
    with peak() as memory:
        assert raw.stored(message) is not None
        assert bodies.make([message])[message.pk].text.strip() == "Listen."
        assert repack(account.pk, [message.pack_id])
        assert audit.run(account, sample=10) == []
    assert raw_store.startswith("s3:") or memory.more < 60 * MB, "the tests' S3 keeps objects in this process"
    message.refresh_from_db()
    assert holds_octets(message, content)
    with files_of_at_most(2 * MB):
        assert holds_octets(message, content), "where there is no room for a file, it is read into memory"


def test_a_large_message_that_comes_whole_takes_little_memory(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a server that is known to refuse pieces."""
    account = filled(mailbox, recording(60 * MB))
    hosts.note_failing(f"{mailbox.host}:{mailbox.port}", frozenset({pieces.PARTIAL}), timezone.now())
    monkeypatch.setattr(pieces, "fetched", None)
    with peak() as memory:
        sync(account)
    assert_whole(account, mailbox)
    assert memory.more < 25 * MB


def test_a_disk_that_is_full_is_said_in_words_and_the_account_goes_on(mailbox: Mailbox) -> None:
    account = filled(mailbox, recording(9 * MB))
    with files_of_at_most(2 * MB):
        sync(account)
    assert Message.objects.filter(account=account).count() == 4
    assert "No temporary file can be written: File too large" in Gap.objects.get().reason
    assert live(account)
    Gap.objects.update(next_try_at=timezone.now())
    sync(account)
    assert_whole(account, mailbox)


def test_a_disk_that_is_full_when_a_message_is_compressed_loses_nothing(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = reading.packed

    def packed_without_room(batch: Sequence[Arrival]) -> raw.Packed:
        with files_of_at_most(2 * MB):
            return packed(batch)

    account = filled(mailbox, recording(20 * MB))
    monkeypatch.setattr(hauls, "packed", packed_without_room)
    sync(account)
    assert Message.objects.filter(account=account).count() == 4
    assert "No temporary file can be written" in Gap.objects.get().reason
    monkeypatch.undo()
    Gap.objects.update(next_try_at=timezone.now())
    sync(account)
    assert_whole(account, mailbox)


@pytest.mark.parametrize("octets", [1_200_000, 5 * MB, 8_999_000])
def test_a_line_that_breaks_amid_a_large_message_loses_nothing(mailbox: Mailbox, octets: int) -> None:
    account = filled(mailbox, recording(9 * MB))
    with cut_after(octets, mailbox.port) as port:
        account.settings["imap_port"] = port
        account.save(update_fields=["settings"])
        with pytest.raises(ConnectionFailed):
            sync(account)
    account.settings["imap_port"] = mailbox.port
    account.save(update_fields=["settings"])
    account.folders.update(next_try_at=None)
    sync(account)
    assert_whole(account, mailbox)


@pytest.mark.parametrize("refusal", [b"", b"%T NO not so\r\n", b"%T BAD what?\r\n"])
def test_a_server_without_pieces_is_mirrored_and_remembered(refusal: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends the whole message for each piece, or refuses."""
    monkeypatch.setattr(visit, "LARGE", 20)
    monkeypatch.setattr(hauls, "LARGE", 20)
    monkeypatch.setattr(pieces, "PIECE", 10)
    inbox = Inbox()
    first = "UID FETCH %d (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.10>)"
    refusals = {first % uid: refusal for uid in inbox.mails} if refusal else {}
    with ScriptedServer(inbox.script(refusals)) as server:
        account = connected_to(server)
        assert attempt(account).error is None
        assert holds(account, inbox)
        assert Host.objects.get().failing == [pieces.PARTIAL]


def parts(count: int) -> bytes:
    return b"Subject: Many parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * count


def nested(depth: int) -> bytes:
    opened = [b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth)]
    return b"Subject: Deep\r\n" + b"".join(opened) + b"\r\ndeep\r\n"


EXTREME = {
    "100,000 parts": (parts(100_000), "Many parts", "only the first 1,000 parts are listed"),
    "a nesting of 10,000": (nested(10_000), "Deep", ""),
    "a header of 10 MB": (
        b"Subject: Long\r\n" + b"X-Filter: yes\r\n" * 660_000 + b"\r\nx\r\n",
        "Long",
        "only the first 1,000,000 bytes of the header are read",
    ),
    "a field of 10 MB": (
        b"Subject: Long\r\nX-Filter:" + b" yes\r\n" * 1_660_000 + b"\r\nx\r\n",
        "Long",
        "only the first",
    ),
    "100,000 encoded words": (HOSTILE["encoded words"], "ää", ""),
    "90 MB in one line": (
        b"Subject: Line\r\n\r\n" + b"x" * 90 * MB + b"\r\n",
        "Line",
        "only the first 10,000,000 bytes",
    ),
    "30 MB of delimiters": (parts(1) + b"--c\r\n" * (6 * MB), "Many parts", "look like delimiters"),
}


@pytest.mark.parametrize("name", EXTREME)
def test_an_extreme_message_is_listed_in_bounded_time_and_memory(mailbox: Mailbox, name: str) -> None:
    content, subject, problem = EXTREME[name]
    account = filled(mailbox, content)
    started = time.process_time()
    with peak() as memory:
        sync(account)
    assert time.process_time() - started < 10
    assert memory.more < 130 * MB
    assert_whole(account, mailbox)
    message = Message.objects.get(account=account, subject__startswith=subject)
    assert problem in message.problem
    assert holds_octets(message, content)


def test_a_message_over_the_cap_is_listed_in_little_memory(mailbox: Mailbox, settings: Settings) -> None:
    settings.SYNCFARM_MAX_MESSAGE_BYTES = 20 * MB
    account = filled(mailbox, recording(40 * MB), recording(6 * MB).replace(b"Recording", b"Shorter"))
    with peak() as memory:
        sync(account)
    assert memory.more < 25 * MB
    assert live(account)
    large = Message.objects.get(account=account, subject="Recording")
    assert "over the limit of 20,000,000: only the header" in large.problem
    assert (large.size > 40 * MB, large.raw_size < 1_000, large.header_id) == (True, True, "recording@x")
    assert Message.objects.get(account=account, subject="Shorter").problem == ""
    assert Message.objects.filter(account=account).count() == 8


class Counted(Room):
    """Notes how many messages are in memory whenever somebody gets room."""

    def __init__(self) -> None:
        super().__init__(1)  # whoever asks waits until the batch before is dropped
        self.held: list[int] = []

    def take(self, octets: int) -> int:
        taken = super().take(octets)
        self.held.append(sum(isinstance(each, Arrival) and bool(each.raw) for each in gc.get_objects()))
        return taken


def test_mail_that_is_stored_is_not_kept_while_the_next_batch_is_waited_for(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred accounts of a worker wait at the same time."""
    monkeypatch.setattr(visit, "BATCH_MESSAGES", 2)
    monkeypatch.setattr(hauls, "IN_FLIGHT", room := Counted())
    account = filled(mailbox, mail("between"), mail("and"), mail("after"))
    sync(account)
    assert_whole(account, mailbox)
    assert len(room.held) > 3
    assert set(room.held) == {0}
