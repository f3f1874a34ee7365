"""Messages, drafts, threads and what they are made of."""

from typing import Literal, NotRequired, TypedDict


class EmailName(TypedDict):
    """An address of a header."""

    name: str
    email: str


class Header(TypedDict):
    """A header field, its value decoded."""

    name: str
    value: str


class Attachment(TypedDict):
    """A part of a message that is not its body."""

    id: str
    grant_id: str
    object: Literal["attachment"]
    filename: str
    content_type: str
    size: int
    content_id: str | None
    content_disposition: str | None
    is_inline: bool


class TrackingOptions(TypedDict):
    """Tracking of mail that was sent; nothing that is mirrored is tracked."""

    opens: bool
    thread_replies: bool
    links: bool
    label: str


# `from` is a keyword, so this one cannot be a class. body is absent where `select` leaves it out; the last three are
# there when `fields` asks for them, and `fields=raw_mime` gives grant_id, object, id and raw_mime alone.
_Mail = TypedDict(
    "_Mail",
    {
        "grant_id": str,
        "id": str,
        "thread_id": str,
        "subject": str,
        "from": list[EmailName],
        "to": list[EmailName],
        "cc": list[EmailName],
        "bcc": list[EmailName],
        "reply_to": list[EmailName],
        "date": int,
        "created_at": int,
        "unread": bool,
        "starred": bool,
        "snippet": str,
        "body": NotRequired[str],
        "folders": list[str],
        "attachments": list[Attachment],
        "metadata": dict[str, str],
        "problem": str | None,
        "headers": NotRequired[list[Header]],
        "tracking_options": NotRequired[TrackingOptions],
        "raw_mime": NotRequired[str],
    },
)


class Message(_Mail):
    """A mail, in however many folders it is."""

    object: Literal["message"]


class Draft(_Mail):
    """A mail that is being written. Its id stays when it is changed."""

    object: Literal["draft"]


class Thread(TypedDict):
    """A conversation. Dates in Unix seconds; lists from the oldest message to the newest."""

    id: str
    grant_id: str
    object: Literal["thread"]
    subject: str
    snippet: str
    participants: list[EmailName]
    message_ids: list[str]
    draft_ids: list[str]
    folders: list[str]
    unread: bool
    starred: bool
    has_attachments: bool
    has_drafts: bool
    earliest_message_date: int
    latest_message_received_date: int | None
    latest_message_sent_date: int | None
    latest_draft_or_message: Message | Draft


class CleanMessage(Message):
    """A message, and what is new in it: safe HTML, Markdown or, where it has no HTML, text."""

    conversation: str


class CleanRequest(TypedDict):
    """Which messages (at most 20), and what of them is left out. All but the first are true where they are missing,
    but for html_as_markdown."""

    message_id: list[str]
    ignore_links: NotRequired[bool]
    ignore_images: NotRequired[bool]
    ignore_tables: NotRequired[bool]
    images_as_markdown: NotRequired[bool]
    html_as_markdown: NotRequired[bool]
    remove_conclusion_phrases: NotRequired[bool]


class MessageUpdate(TypedDict):
    """What a PUT changes of a message; what is left out stays. `folders`: the ids of all in which it is to be."""

    unread: NotRequired[bool]
    starred: NotRequired[bool]
    folders: NotRequired[list[str]]
    metadata: NotRequired[dict[str, str] | None]


class ThreadUpdate(TypedDict):
    """What a PUT changes of all messages of a thread; what is left out stays."""

    unread: NotRequired[bool]
    starred: NotRequired[bool]
    folders: NotRequired[list[str]]
