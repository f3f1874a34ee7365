"""What of a message could not be read, where that shows itself after the message was stored."""

from uuid import UUID

from mail.store.batch import Batch


def add_problem(batch: Batch, message_id: UUID, problem: str) -> bool:
    """Add to a message's problem. False: the message is gone."""
    batch.cursor.execute(
        "UPDATE mail_message SET problem = concat_ws('; ', nullif(problem, ''), %s) WHERE id = %s",
        [problem, message_id],
    )
    if not batch.cursor.rowcount:
        return False
    batch.log("message", message_id, "updated")
    return True
