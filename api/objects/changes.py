"""What changed, here and on servers."""

from typing import Any, Literal, NotRequired, TypedDict, get_args

from api.objects.folders import Folder
from api.objects.grants import Grant
from api.objects.mail import Message, Thread
from api.objects.sending import Sending


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


Changed = Literal["message", "thread", "folder", "grant", "send", "bounce"]
CHANGED: tuple[Changed, ...] = get_args(Changed)


class Change(TypedDict):
    """An entry of the change log. `object` is as it is now; null when deleted or gone since; absent where ids alone are
    asked for."""

    seq: int
    object_type: Changed
    object_id: str
    kind: Literal["created", "updated", "deleted"]
    time: int
    object: NotRequired[Message | Thread | Folder | Grant | Sending | Bounce | None]


class FarmChange(Change):
    """An entry of the feed of all grants, and the cursor after it."""

    grant_id: str
    cursor: str


class Cursor(TypedDict):
    """A place in the change log."""

    cursor: str


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
    """How much of a mailbox an answer covers. `lag` is seconds since the last sync that succeeded.

    `watch`: how changes are heard of: "notify" the server tells of all folders, "idle" of the inbox alone, "polling" of
    none. `watch_reason` says why not better, `live_since` since when it tells.
    """

    grant_id: str
    object: Literal["sync"]
    state: Literal["connecting", "initial", "live", "paused", "invalid", "error"]
    state_reason: str | None
    last_error: str | None
    last_error_at: int | None
    last_sync_at: int | None
    next_sync_at: int | None
    lag: int | None
    live_since: int | None
    watch: Literal["polling", "idle", "notify"]
    watch_reason: str | None
    total: int
    mirrored: int
    complete: bool
    search_lag: int
    folders: list[FolderCoverage]


class Wish(TypedDict):
    """A sync was asked for; G/sync tells how it goes."""

    grant_id: str
    requested: bool
