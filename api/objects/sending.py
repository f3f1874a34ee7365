"""What is written and sent."""

from typing import Any, Literal, NotRequired, TypedDict

from api.objects.mail import Header


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
