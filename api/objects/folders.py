"""Folders."""

from typing import Literal, NotRequired, TypedDict


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
