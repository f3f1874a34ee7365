"""Contents that were found lost or damaged: their places become gaps, which the next sync asks the server for."""

from uuid import UUID

from django.db import connection

REASON = "its contents here are lost or damaged"

# Beside a sync of the account: a row that is there already is left to it, and one for a UID that means nothing by now
# is settled by the next visit.
_GAPS = """
WITH lost AS MATERIALIZED (SELECT id, account_id FROM mail_message WHERE lost_at IS NOT NULL)
INSERT INTO mail_gap (folder_id, uid, attempts, next_try_at, reason)
SELECT l.folder_id, l.uid, 0, now(), %s FROM lost m
JOIN accounts_account a ON a.id = m.account_id AND a.removed_at IS NULL
JOIN mail_location l ON l.message_id = m.id
JOIN mail_folder f ON f.id = l.folder_id AND f.uidvalidity = l.uidvalidity
WHERE NOT EXISTS (SELECT 1 FROM mail_gap g WHERE g.folder_id = l.folder_id AND g.uid = l.uid)
LIMIT %s ON CONFLICT DO NOTHING RETURNING folder_id
"""


def ask_again(limit: int = 2000) -> set[UUID]:
    """Make gaps of up to `limit` places whose messages' contents are lost. Returns the accounts to be synced now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH made AS ({_GAPS}) "  # noqa: S608 -- constants
            "SELECT DISTINCT f.account_id FROM made JOIN mail_folder f ON f.id = made.folder_id",
            [REASON, limit],
        )
        return {account_id for (account_id,) in cursor.fetchall()}
