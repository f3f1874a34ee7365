"""The laws, looked at when everything is quiet: each gives its violations in words."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.chaos import checks
from bench.chaos.clients import Mailbox
from bench.chaos.farm import Farm
from bench.kills.sink import Sink
from bench.kills.user import FOLDERS, Book

_SHOWN = 8  # examples of a kind
_ROWS = """
SELECT o.id::text, o.header_id, o.subject, o.state, o.idempotency_key, a.email, o.error
FROM mail_outgoing o JOIN accounts_account a ON a.id = o.account_id
"""
_MOST = {"sent": 1, "uncertain": 1}
_LEAST = {"sent": 1}


@dataclass(frozen=True, slots=True)
class Sending:
    """A row of what was to be sent."""

    id: str
    header_id: str
    subject: str
    state: str
    key: str | None
    email: str
    error: str


def sendings(farm: Farm) -> list[Sending]:
    """All rows."""
    return [Sending(*row) for row in farm.rows(_ROWS)]


def sent_once(rows: list[Sending], sink: Sink) -> list[str]:
    """Each row ended; what is sent was taken once, what is uncertain at most once, all else never."""
    found = [f"{each.subject} is still {each.state}" for each in rows if each.state not in _ENDS]
    for each in rows:
        taken = sink.taken[each.header_id]
        if not _LEAST.get(each.state, 0) <= taken <= _MOST.get(each.state, 0):
            found.append(f"{each.subject} is {each.state}, and the server took it {taken} times ({each.error})")
    known = {each.header_id for each in rows}
    found += [f"the server took {each}, of which no row tells" for each in sink.taken.keys() - known]
    found += [f"{count} rows are of {subject}" for subject, count in _doubles(each.subject for each in rows)]
    found += [f"{count} rows are of key {key}" for key, count in _doubles(each.key for each in rows if each.key)]
    return few(found)


def nothing_lost(rows: list[Sending], book: Book) -> list[str]:
    """Every request that was answered has its row, which is as the answers said."""
    states = {each.subject: each.state for each in rows}
    found = []
    for subject, statuses in book.sends.items():
        state = states.get(subject)
        if state is None and {200, 202, 503, 504} & {*statuses}:
            found.append(f"{subject} was answered with {statuses}, and there is no row of it")
        if 200 in statuses and state != "sent":
            found.append(f"{subject} was said to be sent, and is {state}")
        if subject in book.cancelled and state != "cancelled":
            found.append(f"{subject} was said to be cancelled, and is {state}")
    return few(found)


def filed(rows: list[Sending], book: Book, places: Mapping[str, str], mailbox: Mailbox) -> list[str]:
    """Whether the mailbox on its server has what it must have, where it must be, once."""
    mine = [each for each in rows if each.email == mailbox.user]
    there = _there(mailbox)
    found = _unlike("Sent", there["Sent"], [each.subject for each in mine if each.state == "sent"])
    unsent = [each.subject for each in mine if each.state != "sent" and each.subject.startswith("draft")]
    rowless = book.sends.keys() - {each.subject for each in mine}
    unsent += [subject for subject in rowless if subject.startswith("draft")]
    found += _unlike("Drafts", there["Drafts"], [*book.drafts.values(), *unsent])
    for name in FOLDERS:
        wanted = [subject for subject, folder in places.items() if folder == name]
        found += _unlike(name, there[name], wanted)
    found += [
        f"{subject} is in {name}" for name in there.keys() - {*FOLDERS, "Sent", "Drafts"} for subject in there[name]
    ]
    return few([f"{mailbox.user}: {each}" for each in found])


def agreeing(farm: Farm) -> list[str]:
    """Whether the mirror is what the servers have, and its rows and logs are whole."""
    return [*few(checks.audited(farm)), *checks.stored(farm)]


def few(found: list[str]) -> list[str]:
    """The first, and how many more."""
    return found[:_SHOWN] + ([f"… and {len(found) - _SHOWN} more like these"] if len(found) > _SHOWN else [])


_ENDS = {"sent", "failed", "uncertain", "cancelled"}


def _doubles(names: Iterable[str]) -> list[tuple[str, int]]:
    return [(name, count) for name, count in Counter(names).items() if count > 1]


def _unlike(folder: str, there: "Counter[str]", wanted: list[str]) -> list[str]:
    expected = Counter(wanted)
    return [
        f"{subject} is {there[subject]} times in {folder}, and should be {expected[subject]} times"
        for subject in sorted(there.keys() | expected.keys())
        if there[subject] != expected[subject]
    ]


def _there(mailbox: Mailbox) -> "defaultdict[str, Counter[str]]":
    """Folder -> subjects, as another IMAP client sees them."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with mailbox.client() as imap:
        for _, _, name in imap.list_folders():
            imap.select_folder(name, readonly=True)
            uids = imap.search("ALL")
            fetched: dict[int, Any] = imap.fetch(uids, ["ENVELOPE"]) if uids else {}
            found[name].update(data[b"ENVELOPE"].subject.decode() for data in fetched.values())
    return found
