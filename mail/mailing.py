"""What is to be sent: made of a letter, of a draft, or of a message of its author's own making."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from mail import compose, drafting, mime, raw
from mail.models import Message
from mail.sending import Mail
from mail.types import Letter, LetterRefused, Octets

_REFERENCES = 100  # of a thread, as many as a header should hold
_HEADER = 256 * 1024  # octets of a message that are read for its references


def of_letter(letter: Letter, **extra: Any) -> Mail:
    """A letter; `extra`: the other fields of Mail. Raises LetterRefused."""
    recipients = compose.recipients(letter)
    if not recipients:
        raise LetterRefused("The message has no recipients: give to, cc or bcc.")
    octets = compose.compose(letter, bcc=True)
    sender = compose.routable(letter.sender.email)
    return Mail(octets, letter.header_id, letter.subject, sender, recipients, **extra)


def of_draft(draft: Message) -> Mail:
    """A draft, of another date, so that the one is not taken for the other. Raises LetterRefused, StoreUnavailable."""
    letter = drafting.letter_of(draft)
    date = max(timezone.now(), letter.date + timedelta(seconds=1))
    kept = {"starred": draft.starred, "metadata": draft.metadata}
    return of_letter(replace(letter, date=date), draft=draft.pk, **kept)


def of_message(octets: Octets) -> Mail:
    """A message as its author made it. Raises LetterRefused."""
    envelope = compose.raw_recipients(octets)
    header_id = compose.new_header_id(envelope.sender.email)
    whole = compose.completed(octets, header_id=header_id, date=timezone.now())
    parsed = mime.headline(whole)
    sender = compose.routable(envelope.sender.email)
    return Mail(whole, parsed.header_id, parsed.subject, sender, envelope.recipients)


def in_answer(letter: Letter, answered: Message | None) -> Letter:
    """The letter as an answer to a message, if there is one: programs show both in one thread (RFC 5322 §3.6.4). Raises
    StoreUnavailable."""
    if answered is None or not answered.header_id:
        return letter
    octets = raw.stored(answered) or b""
    before = mime.parse(octets[:_HEADER]).references
    references = (*(each for each in before if each != answered.header_id), answered.header_id)
    kept = references if len(references) <= _REFERENCES else (references[0], *references[1 - _REFERENCES :])
    return replace(letter, in_reply_to=answered.header_id, references=kept)
