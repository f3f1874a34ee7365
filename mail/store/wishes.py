"""Changes that people make here, as they are noted: readers see them at once."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from mail.copying import plain_array
from mail.models import ActionKind
from mail.store.batch import Batch

# What the last word makes needless. It may be under way: then what it did is looked for before the last word is
# carried out.
_SUPERSEDE = """
UPDATE mail_action SET state = 'superseded', error = '', ended_at = now()
WHERE account_id = %(account)s AND message_id = ANY(%(messages)s::uuid[])
  AND (state = 'pending' OR state = 'failed' AND kind = 'append')
  AND (kind = 'flags' AND %(flags)s AND (unread IS NULL OR %(unread)s) AND (starred IS NULL OR %(starred)s)
       OR kind = 'folders' AND %(folders)s OR kind = 'append' AND %(made)s AND (tries = 0 OR state = 'failed')
       OR kind IN ('append', 'delete') AND %(kept)s)
RETURNING message_id, kind <> 'flags' AND tries > 0
"""
_WISH = """
INSERT INTO mail_action (id, account_id, kind, message_id, unread, starred, folders, tries, next_try_at)
SELECT gen_random_uuid(), %s, %s, id, %s, %s, %s::uuid[], (id = ANY(%s::uuid[]))::int, coalesce((
    SELECT max(next_try_at) FROM mail_action b WHERE b.message_id = m.id AND b.state = 'pending'), now())
FROM mail_message m
WHERE account_id = %s AND id = ANY(%s::uuid[]) AND (NOT hidden OR %s) ORDER BY id RETURNING message_id
"""


def wish_flags(batch: Batch, messages: Collection[UUID], *, unread: bool | None, starred: bool | None) -> int:
    """Have these messages read or unread, starred or not, here and then on the server; None leaves it. Messages that
    are gone are left out. Returns how many are not. Earlier changes of the same flags need not be made any more."""
    _supersede(batch, messages, flags=True, unread=unread is not None, starred=starred is not None)
    return _wish(batch, ActionKind.FLAGS, messages, unread=unread, starred=starred)


def wish_folders(batch: Batch, messages: Collection[UUID], folders: Collection[UUID]) -> int:
    """Have these messages in these folders and no others. Returns how many are not gone."""
    tried = _supersede(batch, messages, folders=True)
    return _wish(batch, ActionKind.FOLDERS, messages, folders=sorted(set(folders)), tried=tried)


def wish_append(batch: Batch, message: UUID, folder: UUID, filed_within: timedelta | None = None) -> None:
    """Have a message that was made here put into a folder; see `add_made`. It may have been made before, and deleted
    since: a draft that is again as it once was. `filed_within`: the server may do so by itself in that time, which is
    waited for and looked for first."""
    tried = _supersede(batch, [message], kept=True)
    _wish(batch, ActionKind.APPEND, [message], folders=[folder], tried=[message] if filed_within else tried)
    if filed_within:
        batch.cursor.execute(
            "UPDATE mail_action SET next_try_at = now() + %s WHERE message_id = %s AND state = 'pending'",
            [filed_within, message],
        )


def wish_deletion(batch: Batch, messages: Collection[UUID]) -> int:
    """Have these messages nowhere. Returns how many are not gone."""
    tried = _supersede(batch, messages, flags=True, unread=True, starred=True, folders=True, made=True)
    return _wish(batch, ActionKind.DELETE, messages, tried=tried)


def _supersede(batch: Batch, messages: Collection[UUID], **said: bool) -> list[UUID]:
    """End what the last word makes needless; the messages of which the server may have heard of it."""
    nothing = dict.fromkeys(("flags", "unread", "starred", "folders", "made", "kept"), False)
    batch.cursor.execute(
        _SUPERSEDE, {"account": batch.account_id, "messages": plain_array(messages), **nothing, **said}
    )
    superseded = batch.cursor.fetchall()
    hurry_messages(batch, {message for message, _tried in superseded})
    return [message for message, tried in superseded if tried]


def hurry_messages(batch: Batch, messages: Collection[UUID]) -> None:
    """What waited for an action of these messages that has ended is due."""
    if messages:
        batch.cursor.execute(
            "UPDATE mail_action SET next_try_at = now() WHERE message_id = ANY(%s::uuid[]) AND state = 'pending' "
            "AND tries = 0 AND next_try_at > now()",
            [plain_array(messages)],
        )


def _wish(
    batch: Batch, kind: ActionKind, messages: Collection[UUID], tried: Collection[UUID] = (), **change: Any
) -> int:
    folders = change.get("folders")
    told = [change.get("unread"), change.get("starred"), None if folders is None else plain_array(folders)]
    wanted = [batch.account_id, plain_array(messages), kind == ActionKind.APPEND]
    batch.cursor.execute(_WISH, [batch.account_id, kind, *told, plain_array(tried), *wanted])
    found = {message for (message,) in batch.cursor.fetchall()}
    batch.moved.update(found)
    return len(found)
