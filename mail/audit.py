"""Does the mirror tell the truth? Compares it with the server, and with itself."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from accounts.models import Account
from mail import raw, store
from mail.imap.session import MailSession
from mail.mirror.login import login_for
from mail.models import Location
from mail.spool import begins_with
from mail.types import FolderFailed, LocalFolder

SAMPLE = 20  # messages per folder whose bytes are compared


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be. `folder` is its name, "" for the account as a whole."""

    folder: str
    what: str
    folder_id: UUID | None = None
    message: UUID | None = None  # whose raw mail is lost or damaged

    def __str__(self) -> str:
        return f"{self.folder}: {self.what}" if self.folder else self.what


def run(account: Account, *, sample: int = SAMPLE) -> list[Difference]:
    """Every difference between mirror and server: folders, UIDVALIDITY, UID sets, flags, and the bytes of a sample.

    Raises MailError if the server cannot be asked. Nothing is changed. Mail that arrives meanwhile shows as missing.
    """
    with MailSession.open(login_for(account)) as session:
        remote = {folder.wire_name: folder for folder in session.folders()}
        local = {folder.wire_name: folder for folder in store.local_folders(account.id) if folder.wire_name}
        found = [Difference(folder.name, "not mirrored") for name, folder in remote.items() if name not in local]
        found += [Difference(f.name, "not on the server", f.id) for name, f in local.items() if name not in remote]
        for name, folder in local.items():
            if name in remote and remote[name].selectable:
                found += _folder(session, folder, sample)
            elif name in remote and store.flags_between(folder, 1, folder.uidnext):
                found.append(Difference(folder.name, "holds mail here and none on the server", folder.id))
    return [*found, *_within(account)]


def _folder(session: MailSession, folder: LocalFolder, sample: int) -> Iterator[Difference]:
    try:
        selected = session.select(folder.wire_name)
    except FolderFailed as error:
        yield Difference(folder.name, f"cannot be opened: {error}", folder.id)
        return
    if selected.uidvalidity != folder.uidvalidity:
        yield Difference(
            folder.name, f"UIDVALIDITY {selected.uidvalidity} on the server, {folder.uidvalidity} here", folder.id
        )
        return
    server = session.flags(1, selected.uidnext) if selected.exists else {}
    local = store.flags_between(folder, 1, max(selected.uidnext, folder.uidnext))
    for uid in sorted(server.keys() - local.keys()):
        yield Difference(folder.name, f"UID {uid} is missing here", folder.id)
    for uid in sorted(local.keys() - server.keys()):
        yield Difference(folder.name, f"UID {uid} is gone from the server", folder.id)
    both = sorted(local.keys() & server.keys())
    for uid in both:
        if local[uid] != server[uid]:
            theirs, ours = " ".join(sorted(server[uid])), " ".join(sorted(local[uid]))
            yield Difference(folder.name, f"UID {uid} has flags ({theirs}) on the server, ({ours}) here", folder.id)
    yield from _bytes(session, folder, sorted(random.sample(both, min(sample, len(both)))))


def _bytes(session: MailSession, folder: LocalFolder, uids: list[int]) -> Iterator[Difference]:
    places = Location.objects.filter(folder_id=folder.id, uidvalidity=folder.uidvalidity or 0, uid__in=uids)
    messages = dict(places.values_list("uid", "message"))
    for message in session.bodies(uids) if uids else ():
        ours = messages.get(message.uid)
        if ours is None or message.raw is None:
            continue
        content = raw.raws_of([ours]).get(ours)
        if content is None:
            yield Difference(folder.name, f"UID {message.uid}: its raw message is lost or damaged", folder.id, ours)
        elif not begins_with(message.raw, content):
            yield Difference(folder.name, f"UID {message.uid}: its bytes differ from the server's", folder.id, ours)


_WITHIN = {
    "the change log has holes": """
        SELECT 1 FROM accounts_account a WHERE a.id = %s AND a.log_seq - a.log_floor <>
            (SELECT count(*) FROM mail_transaction t WHERE t.account_id = a.id AND t.seq > a.log_floor)""",
    "message {} has no place and is not waiting for one": """
        SELECT m.id FROM mail_message m WHERE m.account_id = %s AND m.orphaned_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM mail_location l WHERE l.message_id = m.id)
            AND NOT EXISTS (SELECT 1 FROM mail_action a WHERE a.message_id = m.id
                AND a.kind = 'append' AND a.state IN ('pending', 'failed'))""",
    "message {} has no raw message": """
        SELECT m.id FROM mail_message m WHERE m.account_id = %s AND (m.pack_id IS NULL OR m.lost_at IS NOT NULL
            OR m.raw_size > 0
            AND NOT EXISTS (SELECT 1 FROM mail_frame f WHERE f.pack_id = m.pack_id AND f.start <= m.raw_at))""",
    "thread {} has no messages": """
        SELECT t.id FROM mail_thread t WHERE t.account_id = %s
            AND NOT EXISTS (SELECT 1 FROM mail_message m WHERE m.thread_id = t.id)""",
    "folder {} counts its messages wrongly": """
        SELECT f.name FROM mail_folder f WHERE f.account_id = %s AND f.mirrored_count <>
            (SELECT count(*) FROM mail_location l WHERE l.folder_id = f.id AND l.uidvalidity = f.uidvalidity)""",
    "pack {} does not hold what it says": """
        SELECT p.id FROM mail_pack p LEFT JOIN LATERAL (
            SELECT sum(m.raw_size) AS octets FROM mail_message m
            WHERE m.id = ANY(p.messages) AND m.pack_id = p.id
        ) used ON true
        WHERE p.account_id = %s AND p.octets - p.wasted IS DISTINCT FROM coalesce(used.octets, 0)""",
}


def _within(account: Account) -> Iterator[Difference]:
    """What the mirror's tables must agree on among themselves."""
    with connection.cursor() as cursor:
        for what, query in _WITHIN.items():
            cursor.execute(query, [account.id])
            for (subject,) in cursor.fetchall():
                yield Difference("", what.format(subject))
