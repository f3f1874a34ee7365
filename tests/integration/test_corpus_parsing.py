"""Thousands of real mails: all are read, as other parsers read them, and their threads come out whole."""

import email
import email.policy
import logging
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from itertools import islice
from uuid import UUID

import pytest
from flanker import mime as flanker

from mail.mime import attachment_bytes, headers, visible_text
from mail.mime.reading import read
from mail.threading import assign, link_digest
from mail.types import Assignment, Parsed, ThreadInput
from tests import corpus

pytestmark = [corpus.needs_corpus, pytest.mark.filterwarnings("ignore")]  # the referees warn of what they meet

EVERY = 20  # the referees are slow: they read a sample
LISTS = ("notmuch+notmuch/lkml", "open-iscsi", "getpatchwork", "usrp-users")
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def mails() -> dict[str, bytes]:
    return dict(corpus.messages())


@pytest.fixture(scope="module")
def parsed(mails: dict[str, bytes]) -> dict[str, Parsed]:
    return {name: read(raw) for name, raw in mails.items()}  # read, not parse: nothing is caught


def test_everything_read_of_real_mail_can_be_stored(mails: dict[str, bytes], parsed: dict[str, Parsed]) -> None:
    for name, message in islice(parsed.items(), 0, None, 3):
        fields = headers(mails[name])
        for text in (repr(message), message.text, message.html, visible_text(message), *(value for _, value in fields)):
            text.encode()
            assert "\0" not in text
        assert message.date is None or message.date.tzinfo is UTC
        for attachment in message.attachments[:1]:
            assert len(attachment_bytes(mails[name], attachment.part)) == attachment.size


def test_hardly_any_real_mail_is_damaged(parsed: dict[str, Parsed]) -> None:
    problems = Counter(message.problem for message in parsed.values() if message.problem)

    assert problems.total() < len(parsed) / 200
    assert not [problem for problem in problems if "could not be read" in problem]


def test_the_standard_library_reads_nearly_all_mail_the_same(
    mails: dict[str, bytes], parsed: dict[str, Parsed]
) -> None:
    sample = list(islice(mails.items(), 0, None, EVERY))
    differing: Counter[str] = Counter()
    for name, raw in sample:
        theirs, ours = referee(raw), parsed[name]
        differing.update({
            "subject": theirs["subject"] != ours.subject,
            "id": theirs["id"] != ours.header_id,
            "from": theirs["from"] != [address.email for address in ours.from_],
            "to": theirs["to"] != [address.email for address in ours.to],
            "attachments": theirs["attachments"] != len(ours.attachments),
        })  # fmt: skip

    # docs/decisions/0002-mime-parsing.md names the classes of what remains: broken mail, all of it.
    assert {what: count for what, count in differing.items() if count > len(sample) / 50} == {}


def test_flanker_reads_nearly_all_subjects_the_same(mails: dict[str, bytes], parsed: dict[str, Parsed]) -> None:
    logging.getLogger("flanker").setLevel(logging.CRITICAL)
    sample = [(name, raw) for name, raw in islice(mails.items(), 0, None, EVERY) if len(raw) < 300_000]
    differing = []
    for name, raw in sample:
        try:
            theirs = flanker.from_string(raw).headers.get("Subject") or ""
        except flanker.DecodingError:
            continue  # refused: broken structure
        if " ".join(theirs.split()) != parsed[name].subject:
            differing.append(name)

    assert len(differing) < len(sample) / 100, differing


def test_threads_of_real_lists_come_out_whole(mails: dict[str, bytes], parsed: dict[str, Parsed]) -> None:
    for source in LISTS:
        names = [name for name in mails if source in name]
        given = threaded(names, parsed)
        for name in names:
            thread = given.threads[identity(name)]
            referred = re.findall(rb"<[^<>\s]+@[^<>\s]+>", header(mails[name], "references").encode())
            assert {given.links[link_digest(each.decode()[1:-1])] for each in referred} <= {thread}, name


def test_no_thread_grows_by_its_subject_beyond_a_conversation(parsed: dict[str, Parsed]) -> None:
    sources = {name.rsplit("/", 1)[0] for name in parsed}
    for source in sources:
        names = [name for name in parsed if name.rsplit("/", 1)[0] == source]
        with_subject, without = threaded(names, parsed), threaded(names, parsed, subjects=False)
        joined: dict[UUID, set[UUID]] = {}
        for message, thread in with_subject.threads.items():
            joined.setdefault(thread, set()).add(without.threads[message])
        assert max(map(len, joined.values())) <= 8, source
        assert max(Counter(with_subject.threads.values()).values()) <= 100, source


def threaded(names: list[str], parsed: dict[str, Parsed], *, subjects: bool = True) -> Assignment:
    """Threads of a mailbox that holds these mails, received when they say they were sent."""
    return assign([as_input(name, parsed[name], subjects=subjects) for name in names], {}, {}, [])


def as_input(name: str, message: Parsed, *, subjects: bool) -> ThreadInput:
    people = frozenset(address.email.lower() for address in (*message.from_, *message.to, *message.cc))
    subject = message.subject if subjects else ""
    return ThreadInput(identity(name), message.header_id, message.references, subject, people, message.date or EPOCH)


def identity(name: str) -> UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, name)


def header(raw: bytes, wanted: str) -> str:
    return next((value for name, value in headers(raw) if name.lower() == wanted), "")


def referee(raw: bytes) -> dict[str, object]:
    """What the standard library reads, where it can."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return {
        "subject": " ".join(field(message, "subject").split()),
        "id": field(message, "message-id").strip("<> "),
        "from": people(message, "from"),
        "to": people(message, "to"),
        "attachments": sum(map(is_attachment, leaves(message))),
    }


def field(message: EmailMessage, name: str) -> str:
    try:
        return str(message[name] or "").replace("\0", "")
    except (IndexError, AttributeError, TypeError, ValueError):  # its parser of broken ids and addresses
        return ""


def people(message: EmailMessage, name: str) -> list[str]:
    try:
        return [address.addr_spec for address in message[name].addresses] if message[name] else []
    except (IndexError, AttributeError, TypeError, ValueError):
        return []


def leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        for part in message.iter_parts():
            assert isinstance(part, EmailMessage)
            yield from leaves(part)
    else:
        yield message


def is_attachment(part: EmailMessage) -> bool:
    body = part.get_content_type() in {"text/plain", "text/html"} and not part.get_filename()
    return not body or part.get_content_disposition() == "attachment"
