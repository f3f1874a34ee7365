"""The benchmark's mailboxes on a real Dovecot: filled once, kept, and ready at the next run."""

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imapclient import IMAPClient

from bench import mails, vocabulary
from syncfarm.dovecot import Dovecot

PASSWORD = "bench"
HOST = "127.0.0.1"
APPENDED_AT_ONCE = 200
ASKED_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A user with one INBOX. `generator` names the code that made its mail; `size` in bytes."""

    user: str
    messages: int
    size: int
    generator: str


def ready(server: Dovecot, messages: int, appended: Callable[[int], None]) -> Mailbox:
    """The mailbox of that many messages, made unless it is there. `appended` hears of progress."""
    user = f"m{messages}"
    server.add_user(user, PASSWORD)
    record = server.directory / f"{user}.json"
    if record.exists():
        kept = Mailbox(**json.loads(record.read_text()))
        if kept.generator == _generator():
            return kept
    record.unlink(missing_ok=True)
    shutil.rmtree(server.directory / "mail" / user, ignore_errors=True)
    made = Mailbox(user, messages, _fill(server, user, messages, appended), _generator())
    record.write_text(json.dumps(asdict(made)))
    return made


def warm(server: Dovecot, mailbox: Mailbox) -> None:
    """Have everybody find the same: all mail in memory, and what Dovecot keeps of dates and sizes on disk."""
    with client(server, mailbox) as imap:
        imap.select_folder("INBOX", readonly=True)
        fetch_all(imap, ["INTERNALDATE", "RFC822.SIZE", "FLAGS"])
    for path in (server.directory / "mail" / mailbox.user).rglob("*"):
        if path.is_file():
            path.read_bytes()


def client(server: Dovecot, mailbox: Mailbox) -> IMAPClient:
    """Another client, logged in. A context manager."""
    return _log_in(server, mailbox.user)


def fetch_all(imap: IMAPClient, items: list[str]) -> dict[int, dict[bytes, Any]]:
    """These items of every message of the selected folder, by UID. In parts: servers bound a command's length."""
    uids = imap.search("ALL")
    answers = (imap.fetch(uids[start : start + ASKED_AT_ONCE], items) for start in range(0, len(uids), ASKED_AT_ONCE))
    return {uid: data for answer in answers for uid, data in answer.items()}


def _log_in(server: Dovecot, user: str) -> IMAPClient:
    imap = IMAPClient(HOST, port=server.port, ssl=False, timeout=120)
    imap.login(user, PASSWORD)
    return imap


def _fill(server: Dovecot, user: str, messages: int, appended: Callable[[int], None]) -> int:
    """Append the generated mail to the INBOX; its size in bytes."""
    size = done = 0
    generated = mails.mails(messages)
    with _log_in(server, user) as imap:
        while batch := list(itertools.islice(generated, APPENDED_AT_ONCE)):
            imap.multiappend(
                "INBOX", [{"msg": mail.raw, "flags": mail.flags, "date": mail.received_at} for mail in batch]
            )
            size += sum(len(mail.raw) for mail in batch)
            done += len(batch)
            appended(done)
    return size


def _generator() -> str:
    sources = (Path(module.__file__ or "").read_bytes() for module in (mails, vocabulary))
    return hashlib.sha256(b"".join(sources)).hexdigest()[:12]
