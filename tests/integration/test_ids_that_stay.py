"""A message that is made here keeps the id that its maker was told, where the server has ids of its own, too."""

from collections.abc import Iterator, Sequence

import pytest
from django.test import Client
from imapclient import IMAPClient

from accounts.models import Account
from mail import audit, raw, sending, store
from mail.imap.editing import Editor
from mail.imap.session import MailSession
from mail.models import Action, ActionState, Folder, Location, Message, Thread
from mail.types import Fetched
from tests.integration.drafted import *  # noqa: F403 -- fixtures
from tests.integration.drafted import call
from tests.integration.marking import make_due
from tests.integration.mirroring import log_of, mail, sync
from tests.integration.numbered import *  # noqa: F403 -- fixtures
from tests.integration.outbound import sink
from tests.integration.queued import OCTETS, queued

__all__ = ["sink"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


@pytest.fixture
def downloaded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """UIDs of messages that were fetched whole."""
    uids: list[int] = []
    bodies = MailSession.bodies

    def noted(session: MailSession, wanted: Sequence[int], **options: bool) -> Iterator[Fetched]:
        uids.extend(wanted)
        return bodies(session, wanted, **options)

    monkeypatch.setattr(MailSession, "bodies", noted)
    return uids


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not tell where it put a message."""
    original = Editor.append
    monkeypatch.setattr(Editor, "append", lambda *given: (original(*given), (0, 0))[1])


def draft(api: Client, account: Account, subject: str) -> Message:
    """One of this subject, as its maker is told of it."""
    call(api, account, "post", "/drafts", subject=subject, body=f"<p>{subject}</p>")
    return Message.objects.get(account=account, subject=subject)


def moved(other: IMAPClient, subject: str, source: str, target: str) -> None:
    if not other.folder_exists(target):
        other.create_folder(target)
    other.select_folder(source)
    other.move(other.search(["SUBJECT", subject]), target)


def folders(account: Account, message: Message) -> list[str]:
    """Those of the one message of this subject, which is this one."""
    (row,) = Message.objects.filter(account=account, subject=message.subject)
    assert row.pk == message.pk
    assert not row.orphaned_at
    assert Location.objects.filter(message=row).count() == len(row.folder_ids)
    return list(Folder.objects.filter(pk__in=row.folder_ids).order_by("name").values_list("name", flat=True))


def of_messages(log: list[tuple[str, str]]) -> set[str]:
    return {kind for object_type, kind in log if object_type == "message"}


def test_a_draft_that_another_client_moves_keeps_its_id_and_is_not_downloaded(
    api: Client, account: Account, other: IMAPClient, downloaded: list[int]
) -> None:
    sync(account)
    made = draft(api, account, "Moves")
    sync(account)
    sync(account)
    seq = len(log_of(account))
    downloaded.clear()
    for source, target in (("Drafts", "Elsewhere"), ("Elsewhere", "Farther")):
        moved(other, "Moves", source, target)
        sync(account)
        sync(account)
        assert folders(account, made) == [target]
    assert downloaded == []
    assert of_messages(log_of(account, seq)) == {"updated"}
    assert audit.run(account) == []


@pytest.mark.usefixtures("untold")
def test_a_draft_of_which_the_server_does_not_tell_where_it_is_keeps_its_id(
    api: Client, account: Account, other: IMAPClient
) -> None:
    sync(account)
    seq = len(log_of(account))
    made = draft(api, account, "Unseen")
    for _ in range(3):
        sync(account)
    assert folders(account, made) == ["Drafts"]
    moved(other, "Unseen", "Drafts", "Kept")
    sync(account)
    sync(account)
    assert folders(account, made) == ["Kept"]
    assert "deleted" not in of_messages(log_of(account, seq))
    assert audit.run(account) == []


def test_what_was_sent_keeps_the_id_that_its_sender_was_told(account: Account, other: IMAPClient) -> None:
    sync(account)
    row = queued(account)
    sending.carry_on(row.pk)
    row.refresh_from_db()
    copy = Message.objects.get(pk=row.message_id or "")
    with store.beside(account.pk) as batch:
        store.set_metadata(batch, copy.pk, {"case": "17"})
    sync(account)
    moved(other, "Hi", "Sent", "Archive")
    sync(account)
    sync(account)
    assert folders(account, copy) == ["Archive"]
    copy.refresh_from_db()
    assert copy.metadata == {"case": "17"}
    other.select_folder("Archive")
    other.copy(other.search(["SUBJECT", "Hi"]), "INBOX")
    sync(account)
    assert folders(account, copy) == ["Archive", "INBOX"]
    assert audit.run(account) == []


def test_what_was_made_here_is_in_the_thread_that_the_server_has_it_in(
    api: Client, account: Account, other: IMAPClient
) -> None:
    sync(account)
    made = draft(api, account, "Thread")
    sync(account)
    thread = Thread.objects.get(messages=made)
    assert (thread.pk, thread.message_count) == (made.thread_id, 1)
    assert thread.provider_key
    assert not thread.links.exists()


def test_a_mailbox_that_is_mirrored_anew_has_the_ids_that_it_had(
    api: Client, account: Account, other: IMAPClient
) -> None:
    """Its rows are there, and every folder starts over under another UIDVALIDITY."""
    sync(account)
    made = draft(api, account, "Again")
    sync(account)
    before = set(Message.objects.filter(account=account).values_list("pk", flat=True))
    for folder in Folder.objects.filter(account=account, selectable=True):
        Location.objects.filter(folder=folder).update(uidvalidity=7)
        Folder.objects.filter(pk=folder.pk).update(uidvalidity=7, uidnext=1, backfill_uid=1)
    seq = len(log_of(account))
    for _ in range(3):
        sync(account)
    assert folders(account, made) == ["Drafts"]
    assert set(Message.objects.filter(account=account).values_list("pk", flat=True)) == before
    assert of_messages(log_of(account, seq)) <= {"updated"}
    assert audit.run(account) == []


def test_a_copy_that_the_provider_files_itself_has_the_id_that_its_sender_was_told(
    account: Account, other: IMAPClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Gmail does, with fields of its own, and seen elsewhere first: its number tells that it is the same."""
    monkeypatch.setattr("accounts.presets.files_sent_mail", lambda _host: True)
    sync(account)
    row = queued(account)
    sending.carry_on(row.pk)
    if not other.folder_exists("All Mail"):
        other.create_folder("All Mail")
    other.append("All Mail", b"X-Provider: 1\r\n" + OCTETS, [b"\\Seen"])
    sync(account)
    other.select_folder("All Mail")
    other.copy(other.search(["HEADER", "X-Provider", "1"]), "Sent")
    make_due()
    sync(account)
    sync(account)
    row.refresh_from_db()
    (copy,) = Message.objects.filter(locations__folder__name="All Mail", account=account)
    assert copy.pk == row.message_id
    assert set(Folder.objects.filter(pk__in=copy.folder_ids).values_list("name", flat=True)) == {"All Mail", "Sent"}
    assert bytes(raw.stored(copy) or b"").startswith(b"X-Provider: 1")
    assert not Action.objects.filter(state=ActionState.PENDING).exists()
    assert audit.run(account) == []


def test_an_answer_and_its_versions_are_in_the_thread_that_the_server_made(
    api: Client, account: Account, other: IMAPClient
) -> None:
    other.append("INBOX", mail("Question", Message_ID="<question@x>"))
    sync(account)
    question = Message.objects.get(account=account, subject="Question")
    answers = str(question.pk)
    made = call(api, account, "post", "/drafts", subject="Re: Question", body="<p>Yes</p>", reply_to_message_id=answers)
    assert made["thread_id"] == str(question.thread_id)
    sync(account)
    changed = call(api, account, "put", f"/drafts/{made['id']}", body="<p>No</p>")
    sync(account)
    sync(account)
    assert (changed["id"], changed["thread_id"]) == (made["id"], made["thread_id"])
    assert call(api, account, "get", f"/drafts/{made['id']}")["thread_id"] == made["thread_id"]
    assert Thread.objects.get(pk=question.thread_id).message_count == 2
    assert audit.run(account) == []
