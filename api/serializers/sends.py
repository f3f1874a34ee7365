"""What was sent from here, or is to be."""

from api import objects
from api.serializers import unix
from mail.models import Outgoing


def send(row: Outgoing) -> objects.Sending:
    """How far a message got on its way out."""
    return {
        "id": str(row.pk),
        "grant_id": str(row.account_id),
        "object": "send",
        "status": row.state,  # type: ignore[typeddict-item]  # one of OutgoingState's values
        "subject": row.subject,
        "recipients": row.recipients,
        "refused": [{"address": r["address"], "code": r["code"], "message": r["message"]} for r in row.refused],
        "error": row.error or None,
        "message_id": str(row.message_id) if row.message_id else None,
        "send_at": unix(row.send_at),
        "created_at": int(row.created_at.timestamp()),
        "ended_at": unix(row.ended_at),
    }
