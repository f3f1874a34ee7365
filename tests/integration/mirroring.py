"""What tests of the mirror share: a connected account, its sync, and both sides' states in comparable form."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils import timezone
from imapclient import IMAPClient

from accounts import credentials
from accounts.models import Account, AccountState, Application
from mail import lease
from mail.mirror import Result, sync_account
from mail.models import Location, Message, Transaction
from tests.mailboxes import Mailbox

State = dict[str, dict[int, tuple[frozenset[str], str]]]


def connected(mailbox: Mailbox, application: str = "tests") -> Account:
    """The mailbox as an account that is due."""
    owner, _ = Application.objects.get_or_create(name=application)
    return Account.objects.create(
        application=owner,
        email=mailbox.user,
        settings={
            "imap_host": mailbox.host,
            "imap_port": mailbox.port,
            "imap_security": "none",
            "imap_username": mailbox.user,
        },
        credentials=credentials.seal({"imap_password": mailbox.password}),
        next_sync_at=timezone.now(),
    )


def sync(account: Account, **options: Any) -> Result:
    """One turn, as a worker makes it; an error is raised, not kept."""
    result = sync_account(account.id, lease.claim(account.id), **options)
    if result.error:
        raise result.error
    return result


def mail(subject: str, *, body: str = "Hello.", **headers: str) -> bytes:
    """A small mail; header names with _ for -."""
    lines = [f"Subject: {subject}", "From: Ann <ann@example.test>", "To: Bob <bob@example.test>"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body, ""]).encode()


def fill(client: IMAPClient, folder: str, count: int, *, start: int = 0, flags: tuple[str, ...] = ()) -> None:
    """Append `count` different mails."""
    for number in range(start, start + count):
        client.append(folder, mail(f"{folder} {number}", Message_ID=f"<{folder.encode().hex()}-{number}@x>"), flags)


def server_state(client: IMAPClient) -> State:
    """What another client sees: folder -> uid -> (flags, hash of the bytes)."""
    state: State = {}
    for attributes, _delimiter, name in client.list_folders():
        if b"\\Noselect" in attributes or b"\\NonExistent" in attributes:
            continue
        client.select_folder(name, readonly=True)
        answers = client.fetch(client.search("ALL"), ["FLAGS", "BODY.PEEK[]"])
        state[name] = {
            uid: (
                frozenset(flag.decode() for flag in data[b"FLAGS"]) - {"\\Recent"},
                hashlib.sha256(data[b"BODY[]"]).hexdigest(),
            )
            for uid, data in answers.items()
        }
    return state


def mirror_state(account: Account) -> State:
    """The same, as mirrored."""
    state: State = {name: {} for name in account.folders.filter(selectable=True).values_list("name", flat=True)}
    places = Location.objects.filter(folder__account=account).values_list(
        "folder__name", "uid", "flags", "message__digest"
    )
    for name, uid, flags, digest in places:
        state[name][uid] = (frozenset(flags), bytes(digest).hex())
    return state


def log_of(account: Account, after: int = 0) -> list[tuple[str, str]]:
    """(type, kind) of the log's rows after a seq, checked for density."""
    rows = list(Transaction.objects.filter(account=account, seq__gt=after).order_by("seq"))
    assert [row.seq for row in rows] == list(range(after + 1, after + 1 + len(rows))), "the log has holes"
    return [(row.object_type, row.kind) for row in rows]


def ids(account: Account) -> dict[str, str]:
    """subject -> public id of every message."""
    return {subject: str(key) for subject, key in Message.objects.filter(account=account).values_list("subject", "id")}


def live(account: Account) -> bool:
    """Whether the mirror is complete."""
    account.refresh_from_db()
    return account.state == AccountState.LIVE


def batches_of(account: Account) -> Iterator[int]:
    """Turns without time: each makes one batch, until the mailbox is whole."""
    turns = 0
    while sync(account, budget=timedelta(0)).more:
        turns += 1
        yield turns
