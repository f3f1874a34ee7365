"""What of a message could not be read, where that shows itself after the message was stored."""

from uuid import UUID

from django.db import connection

from mail import changes


def add_problem(account_id: UUID, message_id: UUID, problem: str) -> bool:
    """Add to a message's problem, beside a sync, within the caller's transaction. False: the message is gone.

    Keeps the account's row locked, which a sync locks first, too.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM accounts_account WHERE id = %s FOR NO KEY UPDATE", [account_id])
        cursor.execute(
            "UPDATE mail_message SET problem = concat_ws('; ', nullif(problem, ''), %s) WHERE id = %s",
            [problem, message_id],
        )
        if not cursor.rowcount:
            return False
        changes.append(cursor, account_id, [("message", message_id, "updated")])
        return True
