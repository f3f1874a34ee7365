"""What must be true once everything is quiet: each check gives its differences in words."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from bench.chaos.clients import Mailbox
from bench.chaos.farm import Farm
from bench.chaos.reader import Reader

_ALL = str(10**9)
_SHOWN = 5  # examples of a kind of difference

# Each query gives rows that must not be; {} in the words takes the row.
ROWS = {
    "a lease has lapsed and nobody took the account up: {}": """
        SELECT email, lease_expires_at::text FROM accounts_account WHERE lease_expires_at < now()""",
    "an account is not live: {}": "SELECT email, state, reason FROM accounts_account WHERE state <> 'live'",
    "a folder is not live: {}": """
        SELECT a.email, f.name, f.state, f.error, f.next_try_at::text FROM mail_folder f
        JOIN accounts_account a ON a.id = f.account_id WHERE f.state <> 'live' AND f.selectable""",
    "a message of the server is not here: {}": """
        SELECT a.email, f.name, g.uid, g.attempts, g.next_try_at::text, g.reason FROM mail_gap g
        JOIN mail_folder f ON f.id = g.folder_id JOIN accounts_account a ON a.id = f.account_id""",
    "the change log has a hole: {}": """
        SELECT a.email, a.log_floor, a.log_seq, count(t.seq), min(t.seq), max(t.seq)
        FROM accounts_account a LEFT JOIN mail_transaction t ON t.account_id = a.id GROUP BY a.id
        HAVING count(t.seq) <> a.log_seq - a.log_floor OR max(t.seq) <> a.log_seq OR min(t.seq) <> a.log_floor + 1""",
    "a message has no place: {}": """
        SELECT m.id::text, m.subject, m.orphaned_at::text FROM mail_message m
        WHERE NOT EXISTS (SELECT 1 FROM mail_location l WHERE l.message_id = m.id)""",
    "a message waits to be deleted though it has a place: {}": """
        SELECT m.id::text, m.subject FROM mail_message m WHERE m.orphaned_at IS NOT NULL
            AND EXISTS (SELECT 1 FROM mail_location l WHERE l.message_id = m.id)""",
    "a place is of another UIDVALIDITY than its folder: {}": """
        SELECT f.name, l.uidvalidity, l.uid, f.uidvalidity FROM mail_location l JOIN mail_folder f ON f.id = l.folder_id
        WHERE l.uidvalidity IS DISTINCT FROM f.uidvalidity""",
    "a place is another account's: {}": """
        SELECT l.folder_id::text, l.uid FROM mail_location l JOIN mail_folder f ON f.id = l.folder_id
        JOIN mail_message m ON m.id = l.message_id WHERE m.account_id <> f.account_id""",
    "a message's folders are not those of its places: {}": """
        SELECT m.id::text, m.subject FROM mail_message m WHERE m.folder_ids <> (
            SELECT coalesce(array_agg(DISTINCT l.folder_id), '{}') FROM mail_location l WHERE l.message_id = m.id)""",
    "a thread has no messages or counts them wrongly: {}": """
        SELECT t.id::text, t.message_count, count(m.id) FROM mail_thread t
        LEFT JOIN mail_message m ON m.thread_id = t.id
        GROUP BY t.id HAVING count(m.id) <> t.message_count OR count(m.id) = 0""",
    "a message's words are not indexed, or none's are: {}": """
        SELECT m.id::text, s.message_id::text FROM mail_message m
        FULL JOIN mail_searchdocument s ON s.message_id = m.id WHERE m.id IS NULL OR s.message_id IS NULL""",
    "a body is no message's: {}": """
        SELECT b.message_id::text FROM mail_body b
        WHERE NOT EXISTS (SELECT 1 FROM mail_message m WHERE m.id = b.message_id)""",
    "a host is still said to be down: {}": "SELECT name, failures, retry_at::text FROM accounts_host",
}  # fmt: skip


def audited(farm: Farm, mailbox: Mailbox, *, repair: bool = False) -> list[str]:
    """manage.py audit with every byte; it also looks for raw mail that is missing or nobody's."""
    done = farm.manage("audit", mailbox.user, "--sample", _ALL, *(["--repair"] if repair else []))
    if done.returncode == 0:
        return []
    return [f"audit of {mailbox.user}: {line}" for line in (done.stdout + done.stderr).strip().splitlines()]


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


def shown(reader: Reader, mailbox: Mailbox) -> list[str]:
    """Whether the API shows what another IMAP client sees: bytes, folders, unread, starred. No code is audit's."""
    folders = {each["id"]: each["name"] for each in reader.pages("/folders?")}
    digests = {each["id"]: _digest(each["raw_mime"]) for each in reader.pages("/messages?fields=raw_mime&")}
    here = {
        digests.get(each["id"], b""): (
            frozenset(folders.get(folder, folder) for folder in each["folders"]), each["unread"], each["starred"],
        )
        for each in reader.pages("/messages?")
    }  # fmt: skip
    there = _seen_by_imap(mailbox)
    found = [f"a mail is missing here, in {there[each][0]}" for each in there.keys() - here.keys()]
    found += [f"a mail is here, in {here[each][0]}, and not on the server" for each in here.keys() - there.keys()]
    found += [
        f"a mail is {there[each]} on the server, {here[each]} here"
        for each in there.keys() & here.keys()
        if there[each] != here[each]
    ]
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


Shown = tuple[frozenset[str], bool, bool]


def _seen_by_imap(mailbox: Mailbox) -> dict[bytes, Shown]:
    """SHA-256 -> folders, unread in any, starred in any."""
    places: defaultdict[bytes, list[tuple[str, tuple[bytes, ...]]]] = defaultdict(list)
    with mailbox.client() as imap:
        for name, data in _fetched(imap):
            places[hashlib.sha256(data[b"BODY[]"]).digest()].append((name, data[b"FLAGS"]))
    return {
        digest: (
            frozenset(name for name, _ in found),
            any(b"\\Seen" not in flags for _, flags in found),
            any(b"\\Flagged" in flags for _, flags in found),
        )
        for digest, found in places.items()
    }


def _fetched(imap: Any) -> Iterator[tuple[str, dict[bytes, Any]]]:
    for sent, _, name in imap.list_folders():
        if {b"\\Noselect", b"\\NonExistent"} & {*sent}:
            continue
        imap.select_folder(name, readonly=True)
        uids = imap.search("ALL")
        for data in imap.fetch(uids, ["FLAGS", "BODY.PEEK[]"]).values() if uids else ():
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
