"""Actions: changes that were made here, on their way to the server."""

from typing import Any

from api import objects
from api.serializers import unix
from mail.models import Action


def _changes(row: Action) -> dict[str, Any]:
    """The fields that it gives the object; those that stay are left out."""
    folders = None if row.folders is None else [str(folder) for folder in row.folders]
    if row.folder:
        below = {} if folders is None else {"parent_id": folders[0] if folders else None}
        return {"name": row.name, **below} if row.name else below
    changes = {"unread": row.unread, "starred": row.starred, "folders": folders}
    return {name: value for name, value in changes.items() if value is not None}


def action(row: Action) -> objects.Action:
    """An action, with what it changes."""
    return {
        "id": str(row.id),
        "grant_id": str(row.account_id),
        "object": "action",
        "kind": row.kind,  # type: ignore[typeddict-item]  # one of ActionKind's values
        "object_type": "folder" if row.folder else "message",
        "object_id": str(row.folder or row.message_id),
        "changes": _changes(row),
        "status": row.state,  # type: ignore[typeddict-item]  # one of ActionState's values
        "error": row.error or None,
        "tries": row.tries,
        "created_at": int(row.created_at.timestamp()),
        "next_try_at": int(row.next_try_at.timestamp()) if row.state == "pending" else None,
        "ended_at": unix(row.ended_at),
    }
