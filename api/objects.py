"""The contract's objects as they are sent: mypy checks the serializers by them, the OpenAPI document shows them."""

from typing import Any, Literal, NotRequired, TypedDict


class Problem(TypedDict):
    """What went wrong. A provider's own words, where there are any, are in provider_error."""

    type: Literal["invalid_request_error", "unauthorized", "not_found_error", "rate_limit_error", "provider_error"]
    message: str
    provider_error: NotRequired[dict[str, Any]]


class Failure(TypedDict):
    """Every error answer."""

    request_id: str
    error: Problem


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
Message = TypedDict(
    "Message",
    {
        "grant_id": str,
        "id": str,
        "object": Literal["message"],
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


# What is being written. The same but for `object`.
Draft = TypedDict(
    "Draft",
    {
        "grant_id": str,
        "id": str,
        "object": Literal["draft"],
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
        "metadata": dict[str, Any],
        "problem": str | None,
        "headers": NotRequired[list[Header]],
        "tracking_options": NotRequired[TrackingOptions],
        "raw_mime": NotRequired[str],
    },
)


class Upload(TypedDict):
    """A file that goes with a message. `content` is base64; above 3 MB a form is better."""

    filename: str
    content_type: str
    content: str
    content_id: NotRequired[str]
    content_disposition: NotRequired[str]
    is_inline: NotRequired[bool]
    size: NotRequired[int]


class Recipient(TypedDict):
    """An address to write to."""

    email: str
    name: NotRequired[str]


class DraftRequest(TypedDict):
    """What is written. `body` is HTML unless is_plaintext. Nothing that is sent is tracked."""

    subject: NotRequired[str]
    body: NotRequired[str]
    to: NotRequired[list[Recipient]]
    cc: NotRequired[list[Recipient]]
    bcc: NotRequired[list[Recipient]]
    reply_to: NotRequired[list[Recipient]]
    attachments: NotRequired[list[Upload]]
    is_plaintext: NotRequired[bool]
    starred: NotRequired[bool]
    reply_to_message_id: NotRequired[str]
    custom_headers: NotRequired[list[Header]]
    metadata: NotRequired[dict[str, Any]]


class SendRequest(DraftRequest):
    """What is sent; `send_at`: then, in Unix seconds, 1 minute to 30 days from now."""

    send_at: NotRequired[int]
    use_draft: NotRequired[bool]


class Refused(TypedDict):
    """A recipient who does not get a message: the code and the words of the server."""

    address: str
    code: str
    message: str


class Sending(TypedDict):
    """A message on its way out, or that was sent. Once it is `sent` message_id is its copy's. What is `uncertain` may
    have been sent: the line to the server broke before it said so. It is not sent again."""

    id: str
    grant_id: str
    object: Literal["send"]
    status: Literal["scheduled", "queued", "sending", "accepted", "sent", "failed", "uncertain", "cancelled"]
    subject: str
    recipients: list[str]
    refused: list[Refused]
    error: str | None
    message_id: str | None
    send_at: int | None
    created_at: int
    ended_at: int | None


class ScheduleStatus(TypedDict):
    """How far a scheduled message got."""

    code: Literal["pending", "success", "failed", "uncertain", "cancelled"]
    description: str


class Schedule(TypedDict):
    """A message that is to be sent at a time. `close_time`: when it was sent, or failed."""

    schedule_id: str
    status: ScheduleStatus
    close_time: NotRequired[int]


class Stopped(TypedDict):
    """What became of the wish not to send a message."""

    message: str


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


class Folder(TypedDict):
    """A folder; name is its full path. Counts are the server's."""

    id: str
    grant_id: str
    object: Literal["folder"]
    name: str
    parent_id: str | None
    system_folder: bool
    child_count: int
    unread_count: int
    total_count: int
    attributes: list[str]


class Grant(TypedDict):
    """A connected mailbox. `state` is what it does now, `state_reason` why, `last_error` what went wrong last."""

    id: str
    object: Literal["grant"]
    provider: str
    scope: list[str]
    grant_status: Literal["valid", "invalid"]
    email: str
    name: str
    state: Literal["connecting", "initial", "live", "paused", "invalid", "error"]
    state_reason: str | None
    last_error: str | None
    settings: dict[str, Any]
    created_at: int
    updated_at: int


class GrantUpdate(TypedDict):
    """What a PATCH changes of a grant; the mailbox is tried with it. `scope` is accepted: IMAP has none."""

    settings: NotRequired[dict[str, Any]]
    scope: NotRequired[list[str]]


class Branding(TypedDict):
    """How an application is called."""

    name: NotRequired[str]


class Application(TypedDict):
    """A customer of the farm: owns keys and grants."""

    application_id: str
    organization_id: str
    region: str
    environment: Literal["production"]
    branding: Branding
    created_at: int


class ApplicationUpdate(TypedDict):
    """What a PATCH changes of the application."""

    branding: NotRequired[Branding]


class Connector(TypedDict):
    """What mailboxes of a provider are reached by."""

    name: str
    provider: Literal["imap"]
    settings: dict[str, Any]
    scope: list[str]


class ConnectorRequest(TypedDict):
    """Names a provider."""

    provider: Literal["imap"]


class GrantSettings(TypedDict):
    """How to reach a mailbox. Hosts that are missing are detected from the address."""

    imap_username: str
    imap_password: str
    imap_host: NotRequired[str]
    imap_port: NotRequired[int]
    imap_security: NotRequired[Literal["tls", "starttls", "none"]]
    smtp_username: NotRequired[str]
    smtp_password: NotRequired[str]
    smtp_host: NotRequired[str]
    smtp_port: NotRequired[int]
    smtp_security: NotRequired[Literal["tls", "starttls", "none"]]


class GrantRequest(TypedDict):
    """Connects a mailbox. `email` where the user name is none."""

    provider: Literal["imap"]
    settings: GrantSettings
    email: NotRequired[str]
    name: NotRequired[str]


class Detection(TypedDict):
    """Whether the servers of an address are known."""

    email_address: str
    detected: bool
    provider: str | None
    type: str | None


class BouncedAddress(TypedDict):
    """An address that a message did not reach: status code (RFC 3463) and the server's words, "" where not told."""

    email: str
    status: str
    reason: str


class Bounce(TypedDict):
    """A message of the grant's that failed for some of its recipients, as the notification `message_id` tells. "hard":
    at least one of the addresses will fail again."""

    id: str
    grant_id: str
    object: Literal["bounce"]
    type: Literal["hard", "soft"]
    message_id: str
    original_message_id: str | None
    original_header_id: str
    bounced_addresses: list[BouncedAddress]
    date: int


class Change(TypedDict):
    """An entry of the change log. `object` is as it is now; null when deleted or gone since."""

    seq: int
    object_type: Literal["message", "thread", "folder", "grant", "send", "bounce"]
    object_id: str
    kind: Literal["created", "updated", "deleted"]
    time: int
    object: Message | Thread | Folder | Grant | Sending | Bounce | None


class Cursor(TypedDict):
    """A place in the change log."""

    cursor: str


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


class Action(TypedDict):
    """A change that was made here. While it is pending, readers see it as done and the server is yet to be told. One
    that is superseded was overtaken by another of the same flags. What failed was refused by the server for good, and
    readers see the server's truth again."""

    id: str
    grant_id: str
    object: Literal["action"]
    kind: Literal["flags", "folders", "delete", "append", "make_folder", "rename_folder", "delete_folder"]
    object_type: Literal["message", "folder"]
    object_id: str
    changes: dict[str, Any]
    status: Literal["pending", "done", "superseded", "failed"]
    error: str | None
    tries: int
    created_at: int
    next_try_at: int | None
    ended_at: int | None


class NewFolder(TypedDict):
    """A folder to be made at the top, below parent_id, or at a whole path. Colours are accepted: IMAP has none."""

    name: str
    parent_id: NotRequired[str | None]
    background_color: NotRequired[str | None]
    text_color: NotRequired[str | None]


class FolderUpdate(TypedDict):
    """What a PUT changes of a folder; what is left out stays. parent_id null: it moves to the top."""

    name: NotRequired[str]
    parent_id: NotRequired[str | None]
    background_color: NotRequired[str | None]
    text_color: NotRequired[str | None]


class FolderCoverage(TypedDict):
    """How much of a folder is mirrored. `unavailable`: messages that the server lists but would not hand out."""

    id: str
    name: str
    state: Literal["pending", "syncing", "live", "error"]
    total: int
    mirrored: int
    unavailable: int
    error: str | None
    last_sync_at: int | None


class Coverage(TypedDict):
    """How much of a mailbox an answer covers. `lag` is seconds since the last sync that succeeded."""

    grant_id: str
    object: Literal["sync"]
    state: Literal["connecting", "initial", "live", "paused", "invalid", "error"]
    state_reason: str | None
    last_error: str | None
    last_error_at: int | None
    last_sync_at: int | None
    next_sync_at: int | None
    lag: int | None
    total: int
    mirrored: int
    complete: bool
    search_lag: int
    folders: list[FolderCoverage]


class Wish(TypedDict):
    """A sync was asked for; G/sync tells how it goes."""

    grant_id: str
    requested: bool
