"""Drafts: messages with the flag \\Draft, on the server as well.

A message's id follows from its content, and a draft changes. So a draft has an id of its own, which follows from its
Message-ID: that stays, whoever edits it.
"""

from uuid import UUID

from mail import actions, compose, filing, mime, raw, store
from mail.making import Making
from mail.models import Message, MessageQuerySet
from mail.rows import MessageRow
from mail.types import Address, File, Letter, Octets, Parsed
from mail.types import message_id as derive_id

_FLAGS = ("\\Draft", "\\Seen")


def draft_id(message: Message | MessageRow) -> UUID:
    """The id of the draft that a message is a version of."""
    header_id = message.header_id
    return derive_id(message.account_id, b"d" + header_id.encode()) if header_id else message.pk


def drafts(account_id: UUID) -> MessageQuerySet:
    """The account's drafts; of one that another program is about to replace, both versions."""
    return Message.objects.shown().filter(account_id=account_id, draft=True)


def find(account_id: UUID, wanted: UUID) -> Message | None:
    """The newest version of a draft. Drafts are few: they are looked through."""
    narrow = drafts(account_id).only("account_id", "header_id").order_by("-received_at", "-id")
    version = next((each.pk for each in narrow if wanted in {draft_id(each), each.pk}), None)
    return Message.objects.filter(pk=version).first() if version else None


def save(
    account_id: UUID,
    letter: Letter,
    *,
    starred: bool = False,
    metadata: dict[str, str] | None = None,
    replaces: UUID | None = None,
) -> Message:
    """Keep a draft, in place of an older version of it. Raises LetterRefused, NameRefused, Account.DoesNotExist,
    StoreUnavailable."""
    octets = compose.compose(letter, bcc=True)
    made = Making(account_id, octets, [*_FLAGS, *(["\\Flagged"] if starred else [])])
    folder = filing.ensure_folder(account_id, "drafts")
    with store.beside(account_id) as batch:
        made.put(batch, folder)
        store.set_metadata(batch, made.message_id, metadata)
        if replaces == made.message_id:  # within a second, by which letters are dated
            store.wish_flags(batch, [replaces], unread=None, starred=starred)
        elif replaces:
            store.wish_deletion(batch, [replaces])
        actions.hurry(account_id)
    return Message.objects.get(pk=made.message_id)


def discard(account_id: UUID, draft: Message) -> None:
    """Delete a draft for good, here and on the server. Raises Account.DoesNotExist."""
    actions.delete(account_id, [draft.pk])


def letter_of(message: Message) -> Letter:
    """A draft as a letter again, whoever wrote it. Raises StoreUnavailable."""
    octets = raw.stored(message) or b""
    parsed = mime.parse(octets[:])
    sender = next(iter(parsed.from_), Address("", message.account.email))
    return Letter(
        sender=sender,
        to=parsed.to,
        cc=parsed.cc,
        bcc=parsed.bcc,
        reply_to=parsed.reply_to,
        subject=parsed.subject,
        body=parsed.html or parsed.text,
        is_plaintext=not parsed.html,
        files=_files(octets, parsed),
        headers=tuple(field for field in mime.headers(octets) if not compose.check_headers([field])),
        header_id=parsed.header_id or compose.new_header_id(sender.email),
        date=parsed.date or message.received_at,
        in_reply_to=parsed.references[-1] if parsed.references else "",
        references=parsed.references,
    )


def _files(octets: Octets, parsed: Parsed) -> tuple[File, ...]:
    return tuple(
        File(
            each.filename, each.content_type, mime.attachment_bytes(octets, each.part), each.content_id, each.is_inline
        )
        for each in parsed.attachments
    )
