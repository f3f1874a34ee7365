"""The benchmark's mailboxes on a real Dovecot: filled once, kept, and ready at the next run."""

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
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
    """A user's mail, spread evenly over folders. `generator` names the code that made it; `size` in bytes."""

    user: str
    messages: int
    size: int
    generator: str
    folders: int = 1


def ready(server: Dovecot, messages: int, appended: Callable[[int], None], folders: int = 1) -> Mailbox:
    """The mailbox of that many messages, made unless it is there. `appended` hears of progress."""
    user = f"m{messages}" if folders == 1 else f"m{messages}f{folders}"
    server.add_user(user, PASSWORD)
    record = server.directory / f"{user}.json"
    if record.exists():
        kept = Mailbox(**json.loads(record.read_text()))
        if kept.generator == _generator():
            return kept
    record.unlink(missing_ok=True)
    shutil.rmtree(_directory(server, user), ignore_errors=True)
    size = _fill(server, user, messages, folder_names(folders), appended)
    made = Mailbox(user, messages, size, _generator(), folders)
    record.write_text(json.dumps(asdict(made)))
    return made


def folder_names(count: int) -> list[str]:
    """INBOX and others."""
    return ["INBOX", *(f"Project {number}" for number in range(1, count))]


def copies(server: Dovecot, original: Mailbox, count: int) -> list[Mailbox]:
    """The same mail for so many other users. Their disk holds it once: Dovecot never changes a mail's file."""
    made = []
    for number in range(count):
        user = f"{original.user}c{number}"
        shutil.rmtree(_directory(server, user), ignore_errors=True)
        shutil.copytree(_directory(server, original.user), _directory(server, user), copy_function=_link_mail)
        server.add_user(user, PASSWORD)
        made.append(replace(original, user=user))
    return made


def _link_mail(source: str, target: str) -> None:
    if Path(source).name.startswith("u."):  # as sdbox names them
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def add(server: Dovecot, mailbox: Mailbox, raw: bytes) -> Mailbox:
    """One more message, in INBOX."""
    with client(server, mailbox) as imap:
        imap.append("INBOX", raw)
    return replace(mailbox, messages=mailbox.messages + 1, size=mailbox.size + len(raw))


def warm(server: Dovecot, mailbox: Mailbox) -> None:
    """Have everybody find the same: all mail in memory, and what Dovecot keeps of dates and sizes on disk."""
    with client(server, mailbox) as imap:
        for folder in folder_names(mailbox.folders):
            imap.select_folder(folder, readonly=True)
            fetch_all(imap, ["INTERNALDATE", "RFC822.SIZE", "FLAGS"])
    for path in _directory(server, mailbox.user).rglob("*"):
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


def _fill(server: Dovecot, user: str, messages: int, names: Sequence[str], appended: Callable[[int], None]) -> int:
    """Append the generated mail, folder by folder; its size in bytes."""
    size = done = 0
    generated = mails.mails(messages)
    with _log_in(server, user) as imap:
        for number, name in enumerate(names):
            if name != "INBOX":
                imap.create_folder(name)
            share = messages * (number + 1) // len(names) - messages * number // len(names)
            for batch in _batches(itertools.islice(generated, share)):
                imap.multiappend(
                    name, [{"msg": mail.raw, "flags": mail.flags, "date": mail.received_at} for mail in batch]
                )
                size += sum(len(mail.raw) for mail in batch)
                appended(done := done + len(batch))
    return size


def _batches(generated: Iterator[mails.BenchMail]) -> Iterator[list[mails.BenchMail]]:
    while batch := list(itertools.islice(generated, APPENDED_AT_ONCE)):
        yield batch


def _directory(server: Dovecot, user: str) -> Path:
    return server.directory / "mail" / user


def _generator() -> str:
    sources = (Path(module.__file__ or "").read_bytes() for module in (mails, vocabulary))
    return hashlib.sha256(b"".join(sources)).hexdigest()[:12]
