"""A server with ids of its own for messages (OBJECTID, RFC 8474): pymap."""

from collections.abc import Iterator, Sequence

import pytest
from imapclient import IMAPClient

from accounts.models import Account
from mail.imap.session import MailSession
from mail.models import Message
from mail.types import Fetched, Login
from tests.integration.mirroring import live, mail, sync
from tests.integration.numbered import account_at

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(object_id_login: Login, trusted_loopback: None) -> Account:
    return account_at(object_id_login)


def client(login: Login) -> IMAPClient:
    opened = IMAPClient(login.host, port=login.port, ssl=False)
    opened.login(login.username, login.password)
    return opened


def test_copies_and_moves_are_known_by_the_server_s_id_and_not_downloaded_again(
    account: Account, object_id_login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client(object_id_login) as other:
        other.append("INBOX", mail("Known", Message_ID="<known@x>"))
        sync(account)
        assert live(account)
        known = Message.objects.get(account=account, subject="Known")
        downloaded: list[int] = []
        bodies = MailSession.bodies

        def noted(session: MailSession, uids: Sequence[int], **options: bool) -> Iterator[Fetched]:
            downloaded.extend(uids)
            return bodies(session, uids, **options)

        monkeypatch.setattr(MailSession, "bodies", noted)
        other.create_folder("Copies")
        other.select_folder("INBOX")
        uids = other.search(["SUBJECT", "Known"])
        other.copy(uids, "Copies")
        sync(account)
        assert len(Message.objects.get(id=known.id).folder_ids) == 2
        other.create_folder("Moved")
        other.select_folder("Copies")
        other.move(other.search("ALL"), "Moved")
        sync(account)
    names = {folder.name for folder in account.folders.filter(id__in=Message.objects.get(id=known.id).folder_ids)}
    assert names == {"INBOX", "Moved"}
    assert downloaded == []


def test_a_renamed_folder_is_known_by_its_mailboxid(account: Account, object_id_login: Login) -> None:
    with client(object_id_login) as other:
        other.create_folder("Before")
        sync(account)
        folder = account.folders.get(name="Before")
        assert folder.mailbox_id
        other.rename_folder("Before", "After")
        sync(account)
    folder.refresh_from_db()
    assert folder.name == "After"
