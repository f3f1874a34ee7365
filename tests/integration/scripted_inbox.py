"""A server with one folder that answers as a test's script says, and its account."""

from dataclasses import dataclass, field

from django.utils import timezone

from accounts import credentials
from accounts.models import Account, Application, Host
from mail import lease
from mail.mirror import Result, sync_account
from mail.models import Folder, Gap, Message
from tests.integration.mirroring import mail, mirror_state
from tests.protocol.scripted import ScriptedServer

OK = b"%T OK done\r\n"


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
            "ENABLE": b"* ENABLED QRESYNC CONDSTORE\r\n" + OK,
            "LIST": b'* LIST () "/" INBOX\r\n' + OK,
            "STATUS": b"* STATUS INBOX (%s)\r\n" % counts + OK,
            "EXAMINE": state % figures + OK,
            "UID SEARCH": b"* SEARCH %s\r\n" % b" ".join(b"%d" % uid for uid in self.mails) + OK,
            "UID FETCH": self.fetched(*self.mails) + OK,
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


def connected_to(server: ScriptedServer) -> Account:
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


def attempt(account: Account) -> Result:
    """A turn that may fail, and at once the next is due."""
    result = sync_account(account.id, lease.claim(account.id))
    Account.objects.filter(id=account.id).update(next_sync_at=timezone.now())
    Folder.objects.filter(account=account).update(next_try_at=None)
    Gap.objects.update(next_try_at=timezone.now())
    Host.objects.update(retry_at=None)
    return result


def holds(account: Account, inbox: Inbox) -> bool:
    """Whether the mirror is what the server holds, every mail once."""
    mirrored = {uid: flags for uid, (flags, _digest) in mirror_state(account)["INBOX"].items()}
    there = {uid: frozenset(inbox.flags.get(uid, b"").decode().split()) for uid in inbox.mails}
    return mirrored == there and Message.objects.count() == len(set(inbox.mails.values()))
