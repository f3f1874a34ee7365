"""What applications note about messages: ours alone, beside what the server has."""

import json
from collections.abc import Mapping
from uuid import UUID

from mail.store.batch import Batch

_SET = """
UPDATE mail_message SET metadata = %s::jsonb
WHERE account_id = %s AND id = %s AND metadata IS DISTINCT FROM %s::jsonb RETURNING thread_id
"""


def set_metadata(batch: Batch, message: UUID, metadata: Mapping[str, str] | None) -> bool:
    """Have the message carry these pairs and no others; None or none: it carries nothing. Returns whether that is
    another thing than before. Threads show their latest message, so the thread counts as updated, too."""
    pairs = json.dumps(metadata, ensure_ascii=False) if metadata else None
    batch.cursor.execute(_SET, [pairs, batch.account_id, message, pairs])
    found = batch.cursor.fetchone()
    if found is not None:
        batch.log("message", message, "updated")
        batch.threads.add(found[0])
    return found is not None
