"""Bounces."""

from collections.abc import Sequence
from uuid import UUID

from accounts.models import Account
from api import objects
from mail.models import Bounce


def bounces(account: Account, ids: Sequence[UUID]) -> list[objects.Bounce]:
    """The account's bounces with these ids; one query, none for none."""
    return [bounce(row) for row in Bounce.objects.filter(account_id=account.pk, pk__in=ids)] if ids else []


def bounce(row: Bounce) -> objects.Bounce:
    """A bounce."""
    return {
        "id": str(row.pk),
        "grant_id": str(row.account_id),
        "object": "bounce",
        "type": "hard" if row.hard else "soft",
        "message_id": str(row.message_id),
        "original_message_id": str(row.original_message_id) if row.original_message_id else None,
        "original_header_id": row.original_header_id,
        "bounced_addresses": [
            {"email": each["address"], "status": each["status"], "reason": each["diagnostic"]}
            for each in row.recipients
        ],
        "date": int(row.created_at.timestamp()),
    }
