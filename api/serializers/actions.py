"""Actions: changes that were made here, on their way to the server."""

from api import objects
from api.serializers import unix
from mail.models import Action


def action(row: Action) -> objects.Action:
    """An action, with what it changes."""
    folders = None if row.folders is None else [str(folder) for folder in row.folders]
    changes = {"unread": row.unread, "starred": row.starred, "folders": folders}
    return {
        "id": str(row.id),
        "grant_id": str(row.account_id),
        "object": "action",
        "kind": row.kind,  # type: ignore[typeddict-item]  # one of ActionKind's values
        "object_type": "message",
        "object_id": str(row.message_id),
        "changes": {name: value for name, value in changes.items() if value is not None},
        "status": row.state,  # type: ignore[typeddict-item]  # one of ActionState's values
        "error": row.error or None,
        "tries": row.tries,
        "created_at": int(row.created_at.timestamp()),
        "next_try_at": int(row.next_try_at.timestamp()) if row.state == "pending" else None,
        "ended_at": unix(row.ended_at),
    }
