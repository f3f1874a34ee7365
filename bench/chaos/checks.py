"""What must be true once everything is quiet: each check gives its differences in words."""

import base64
import email
import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from bench.chaos.clients import Mailbox
from bench.chaos.farm import Farm
from bench.chaos.ledger import Ledger
from bench.chaos.reader import Reader
from bench.chaos.rows import ROWS

_DAY = 86_400  # seconds
_SHOWN = 5  # examples of a kind of difference

# manage.py audit of every account, with every byte, in one process.
_AUDIT = """
from accounts.models import Account
from mail import audit
for account in Account.objects.order_by("email"):
    for difference in audit.run(account, sample=10**9):
        print(f"audit of {account.email}: {difference}")
"""


def audited(farm: Farm) -> list[str]:
    """What `manage.py audit` finds in each mailbox. It also looks for contents that are lost."""
    done = farm.manage("shell", "-v", "0", "-c", _AUDIT)
    return (done.stdout + (done.stderr if done.returncode else "")).strip().splitlines()


def stored(farm: Farm) -> list[str]:
    """The rows of ROWS, a few of each kind."""
    found = []
    for words, query in ROWS.items():
        rows = farm.rows(query)
        found += [words.replace("{}", ", ".join(map(str, row))) for row in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            found.append(f"… and {len(rows) - _SHOWN} more: {words.replace('{}', '')}")
    return found


def followed(reader: Reader) -> list[str]:
    """Whether the log led its reader to what a fresh listing is, without a hole."""
    fresh = reader.listed()
    state = {key: value for key, value in reader.state.items() if key[0] != "grant"}
    found = [f"{reader.name}: {hole}" for hole in reader.holes[:_SHOWN]]
    for key in sorted(fresh.keys() | state.keys()):
        if key not in state:
            found.append(f"{reader.name} was never told of {key[0]} {key[1]}: {_title(fresh[key])}")
        elif key not in fresh:
            found.append(f"{reader.name} was not told that {key[0]} {key[1]} is gone: {_title(state[key])}")
        elif state[key] != fresh[key]:
            found.append(f"{reader.name} was told otherwise of {key[0]} {key[1]}: {_unlike(state[key], fresh[key])}")
    return _few(found)


def refused(farm: Farm) -> set[str]:
    """Messages that were made here, and that no server took: they stay here until somebody deletes them."""
    rows = farm.rows("SELECT DISTINCT message_id::text FROM mail_action WHERE kind = 'append' AND state = 'failed'")
    return {identifier for (identifier,) in rows}


def shown(reader: Reader, mailbox: Mailbox, without: Collection[str]) -> list[str]:
    """Whether the API shows what another IMAP client sees: bytes, folders, unread, starred. No code is audit's.
    `without`: messages that only the API has."""
    folders = {each["id"]: each["name"] for each in reader.pages("/folders?")}
    digests = {each["id"]: _digest(each["raw_mime"]) for each in reader.pages("/messages?fields=raw_mime&")}
    messages = [each for each in reader.pages("/messages?") if each["id"] not in without]
    here = {
        digests.get(each["id"], b""): (
            frozenset(folders.get(folder, folder) for folder in each["folders"]), each["unread"], each["starred"],
        )
        for each in messages
    }  # fmt: skip
    there, oldest = _seen_by_imap(mailbox)
    found = [f"a mail is missing here, in {there[each][0]}" for each in there.keys() - here.keys()]
    found += [f"a mail is here, in {here[each][0]}, and not on the server" for each in here.keys() - there.keys()]
    found += [
        f"a mail is {there[each]} on the server, {here[each]} here"
        for each in there.keys() & here.keys()
        if there[each] != here[each]
    ]
    early = [each for each in messages if each["date"] < oldest - _DAY]
    found += [f"message {each['id']} is dated {each['date']}, before all on the server" for each in early]
    return _few([f"{mailbox.user} over REST: {each}" for each in found])


def counted(reader: Reader, mailbox: Mailbox) -> list[str]:
    """Whether folders, their counts included, are the server's."""
    here = {each["name"]: (each["total_count"], each["unread_count"]) for each in reader.pages("/folders?")}
    there = {}
    with mailbox.client() as imap:
        for sent, _, name in imap.list_folders():
            status: dict[bytes, int] = {}
            if not {b"\\Noselect", b"\\NonExistent"} & {*sent}:
                status = imap.folder_status(name, ["MESSAGES", "UNSEEN"])
            there[name] = status.get(b"MESSAGES", 0), status.get(b"UNSEEN", 0)
    return _few(
        [
            f"folder {name} of {mailbox.user}: (mails, unread) {there.get(name)} on the server, {here.get(name)} here"
            for name in sorted(here.keys() | there.keys())
            if here.get(name) != there.get(name)
        ]
    )


def obeyed(farm: Farm, reader: Reader, mailbox: Mailbox, ledger: Ledger, filled: int) -> list[str]:
    """Whether a mailbox that only an application changed is as it said last: nothing lost, nothing doubled. `filled`:
    how many mails it had before."""
    failed = {str(row[0]) for row in farm.rows("SELECT DISTINCT message_id FROM mail_action WHERE state = 'failed'")}
    found = ledger.broken(reader.pages("/messages?"), reader.pages("/drafts?"), failed)
    with mailbox.client() as imap:
        places = Counter((name, _header_id(data[b"BODY[]"])) for name, data in _fetched(imap))
    found += [f"{header} is {count} times in {name}" for (name, header), count in places.items() if count > 1]
    here = len({header for _name, header in places if header.partition(".old")[1]})
    deleted = sum(entry.gone or entry.unsure for entry in ledger.messages.values())
    if here + deleted < filled:
        found.append(f"of {filled} mails there are {here}, and at most {deleted} were deleted")
    return _few([f"{mailbox.user}, which nobody else changes: {each}" for each in found])


def _header_id(octets: bytes) -> str:
    return str(email.message_from_bytes(octets)["Message-ID"])


Shown = tuple[frozenset[str], bool, bool]


def _seen_by_imap(mailbox: Mailbox) -> tuple[dict[bytes, Shown], float]:
    """SHA-256 -> folders, unread in any, starred in any; and the oldest INTERNALDATE.

    Of doubles either's date will do, and one of them may be gone: dates are compared only roughly.
    """
    places: defaultdict[bytes, list[tuple[str, tuple[bytes, ...]]]] = defaultdict(list)
    oldest = time.time()
    with mailbox.client() as imap:
        for name, data in _fetched(imap):
            places[hashlib.sha256(data[b"BODY[]"]).digest()].append((name, data[b"FLAGS"]))
            oldest = min(oldest, data[b"INTERNALDATE"].timestamp())
    seen = {
        digest: (
            frozenset(name for name, _ in found),
            any(b"\\Seen" not in flags for _, flags in found),
            any(b"\\Flagged" in flags for _, flags in found),
        )
        for digest, found in places.items()
    }
    return seen, oldest


def _fetched(imap: Any) -> Iterator[tuple[str, dict[bytes, Any]]]:
    for sent, _, name in imap.list_folders():
        if {b"\\Noselect", b"\\NonExistent"} & {*sent}:
            continue
        imap.select_folder(name, readonly=True)
        uids = imap.search("ALL")
        for data in imap.fetch(uids, ["FLAGS", "INTERNALDATE", "BODY.PEEK[]"]).values() if uids else ():
            yield name, data


def _digest(encoded: str) -> bytes:
    return hashlib.sha256(base64.urlsafe_b64decode(encoded + "==")).digest()


def _title(told: Any) -> str:
    return repr(told.get("subject") or told.get("name") if isinstance(told, dict) else told)


def _unlike(told: Any, fresh: Any) -> str:
    keys = [key for key in fresh if told.get(key) != fresh[key]]
    return "; ".join(f"{key} was {str(told.get(key))[:150]}, is {str(fresh[key])[:150]}" for key in keys)


def _few(found: list[str]) -> list[str]:
    return found[:_SHOWN] + ([f"… and {len(found) - _SHOWN} more like these"] if len(found) > _SHOWN else [])
