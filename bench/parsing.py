"""Compares our reading of real mail with flanker's and the standard library's: `python -m bench.parsing [EXAMPLES]`.

Prints, for each field, how many of the corpus' mails they read alike, and the others by the class of their difference,
with EXAMPLES: path, our reading, theirs. docs/decisions/0002-mime-parsing.md explains what remains.
"""

import email
import email.policy
import logging
import re
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial

from flanker import mime as flanker
from flanker.addresslib import address

from mail.mime.reading import read
from mail.types import Address
from tests import corpus

LARGEST = 1_000_000  # bytes of a mail: flanker takes seconds for more
BODY = frozenset({"text/plain", "text/html"})
UNREAD = re.compile("[\ufffd\ud800-\udfff]")
FIELDS = ("subject", "from", "to", "cc", "date", "message-id", "text", "html", "attachments", "sizes")
ADDRESSES = frozenset({"from", "to", "cc"})

TEXT = re.compile('<div style="white-space: pre-wrap">[^<]*</div>')  # in our HTML, where no referee puts it
EXCERPT = 90  # characters of an example

Reading = dict[str, object]  # by the names in FIELDS; a field that a referee raises at is missing


def ours(raw: bytes) -> Reading:
    """What we read."""
    parsed = read(raw)
    return {
        "subject": parsed.subject,
        "from": _emails(parsed.from_),
        "to": _emails(parsed.to),
        "cc": _emails(parsed.cc),
        "date": parsed.date,
        "message-id": parsed.header_id,
        "text": " ".join(parsed.text.split()),
        "html": _markup([TEXT.sub("", parsed.html)]),
        "attachments": [attachment.filename for attachment in parsed.attachments],
        "sizes": [attachment.size for attachment in parsed.attachments],
    }


def _emails(addresses: tuple[Address, ...]) -> list[str]:
    return [address.email for address in addresses]


def library(raw: bytes) -> Reading:
    """What the standard library reads under its default policy."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    leaves = list(_library_leaves(message))
    files = [leaf for leaf in leaves if _is_file(leaf.get_content_type(), leaf.get_content_disposition(), leaf)]
    said = [leaf for leaf in leaves if leaf not in files]
    return _tried({
        "subject": lambda: " ".join(str(message["subject"] or "").split()),
        **{name: partial(_library_emails, message, name) for name in ADDRESSES},
        "date": lambda: _utc(message["date"].datetime) if message["date"] else None,
        "message-id": lambda: str(message["message-id"] or "").strip("<> "),
        "text": lambda: _words(leaf.get_content() for leaf in said if leaf.get_content_type() == "text/plain"),
        "html": lambda: _markup(leaf.get_content() for leaf in said if leaf.get_content_type() == "text/html"),
        "attachments": lambda: [leaf.get_filename() or "" for leaf in files],
        "sizes": lambda: [_library_size(leaf) for leaf in files],
    })  # fmt: skip


def _library_leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    if message.get_content_maintype() != "multipart" or not message.is_multipart():
        yield message
        return
    for part in message.iter_parts():
        assert isinstance(part, EmailMessage)
        yield from _library_leaves(part)


def _is_file(kind: str, disposition: str | None, leaf: EmailMessage) -> bool:
    return kind not in BODY or disposition == "attachment" or bool(leaf.get_filename())


def _library_emails(message: EmailMessage, name: str) -> list[str]:
    return [each.addr_spec for each in message[name].addresses] if message[name] else []


def _library_size(leaf: EmailMessage) -> int:
    content = leaf.get_payload(decode=True)
    return len(content) if isinstance(content, bytes) else -1  # a nested message is no bytes there


def other(raw: bytes) -> Reading:
    """What flanker reads."""
    message = flanker.from_string(raw)
    leaves = [part for part in message.walk(with_self=True) if not part.content_type.is_multipart()]
    files = [part for part in leaves if str(part.content_type) not in BODY or part.is_attachment()]
    said = [part for part in leaves if part not in files]
    return _tried({
        "subject": lambda: " ".join(str(message.headers.get("Subject") or "").split()),
        **{name: partial(_flanker_emails, message, name) for name in ADDRESSES},
        "message-id": lambda: str(message.headers.get("Message-Id") or "").strip("<> "),
        "text": lambda: _words(str(part.body) for part in said if str(part.content_type) == "text/plain"),
        "html": lambda: _markup(str(part.body) for part in said if str(part.content_type) == "text/html"),
    })  # fmt: skip


def _flanker_emails(message: object, name: str) -> list[str]:
    value = message.headers.get(name.title())  # type: ignore[attr-defined]  # flanker has no types
    return [each.address for each in address.parse_list(str(value))] if value else []


def _words(texts: Iterable[str]) -> str:
    return " ".join(word for text in texts for word in text.replace("\0", "").split())


def _markup(texts: Iterable[str]) -> str:
    """HTML in words; flanker writes &nbsp; where the sender wrote the character, which is a blank."""
    return _words(text.replace("&nbsp;", " ") for text in texts)


def _utc(date: datetime | None) -> datetime | None:
    return date and (date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC))


def _tried(fields: dict[str, Callable[[], object]]) -> Reading:
    found: Reading = {}
    for name, field in fields.items():
        try:
            found[name] = field()
        except Exception:  # noqa: BLE001 -- the referees raise whatever they meet in broken mail
            continue
    return found


def difference(mine: object, theirs: object) -> str:
    """The class of a difference; "" where there is none."""
    if mine == theirs:
        return ""
    if isinstance(mine, list) and isinstance(theirs, list):
        return _of_lists(mine, theirs)
    if isinstance(mine, str) and isinstance(theirs, str):
        return _of_texts(mine, theirs)
    return "only ours" if theirs is None else "only theirs" if mine is None else "another moment"


def _of_lists(mine: list[object], theirs: list[object]) -> str:
    if len(mine) != len(theirs):
        return "only theirs" if not mine else "only ours" if not theirs else "more or fewer"
    pairs = [(a, b) for a, b in zip(mine, theirs, strict=True) if a != b]
    return min(difference(a, b) if isinstance(a, str) else "another number" for a, b in pairs)


def _of_texts(mine: str, theirs: str) -> str:
    tests = (
        ("only ours", not theirs),
        ("only theirs", not mine),
        ("theirs has replacement characters or surrogates", bool(UNREAD.search(theirs))),
        ("theirs is still encoded", "=?" in theirs and "=?" not in mine),
        ("blanks", "".join(mine.split()) == "".join(theirs.split())),
        ("letter case", mine.lower() == theirs.lower()),
        ("theirs is cut", mine.startswith(theirs) or mine.endswith(theirs)),
        ("ours is cut", theirs.startswith(mine) or theirs.endswith(mine)),
    )  # fmt: skip
    return next((name for name, holds in tests if holds), "other")


def main(examples: int) -> None:
    """Compare, and print."""
    if not corpus.ARCHIVE.exists():
        print(f"There is nothing to compare: the corpus of real mail is not at {corpus.ARCHIVE}.")
        return
    logging.getLogger("flanker").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    for name, referee in (("the standard library", library), ("flanker", other)):
        found: dict[str, dict[str, list[str]]] = {field: defaultdict(list) for field in FIELDS}
        count = 0
        for path, raw in corpus.messages():
            if len(raw) > LARGEST:
                continue
            count += 1
            mine, theirs = ours(raw), _read(referee, raw)
            for field in FIELDS:
                kind, example = _compared(mine[field], theirs, field)
                found[field][kind].append(f"{path} {example}")
        _show(name, found, count, examples)


def _read(referee: Callable[[bytes], Reading], raw: bytes) -> Reading:
    try:
        return referee(raw)
    except Exception:  # noqa: BLE001 -- as in _tried()
        return {}


def _compared(mine: object, theirs: Reading, field: str) -> tuple[str, str]:
    """The class of a difference, and both readings from where they differ."""
    if field not in theirs:
        return "refused", f"{mine!s:.{EXCERPT}}"
    here, there = str(mine), str(theirs[field])
    alike = next((at for at, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), min(len(here), len(there)))
    start = max(alike - 20, 0)
    shown = f"{here[start : start + EXCERPT]!r}, theirs {there[start : start + EXCERPT]!r}"
    return difference(mine, theirs[field]) or "alike", shown


def _show(name: str, found: dict[str, dict[str, list[str]]], count: int, examples: int) -> None:
    print(f"\n{name}, {count:,} mails")
    for field, classes in found.items():
        if len(classes.get("refused", ())) == count:
            continue  # nothing to compare
        print(f"{field:12} {len(classes['alike']):>6,} alike")
        for kind, lines in sorted(classes.items(), key=lambda item: -len(item[1])):
            if kind != "alike":
                print(f"{'':12} {len(lines):>6,} {kind}")
                for line in lines[:examples]:
                    print(f"{'':20}{line}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 0)
