"""The mirror's tables. Only mail.store writes them, only mail.changes writes the log.

Primary keys are UUIDs made by the client: bulk writes need no round trip to learn an id, and a message's id can be
derived from its identity (mail.types.message_id), so that it survives moves, UIDVALIDITY resets and a full re-mirror.

Foreign keys of tables that grow with the mail are not checked by the database: a check costs 8 microseconds a row and
locks the row it finds, and mail.store alone writes these tables, under the account's lock. Tests have the database
check a message's thread and a place's message, where a mistake could hide (tests/integration/guard.py). The keys have
no index of their own where another begins with the same column.
"""

from mail.models.actions import Action, ActionKind, ActionState
from mail.models.bounces import Bounce
from mail.models.derived import Body, SearchDocument
from mail.models.folders import Folder, FolderState, Gap
from mail.models.log import LogEntry, MarkOffset, Transaction
from mail.models.messages import Location, Message, MessageQuerySet, Thread, ThreadLink
from mail.models.outgoing import Outgoing, OutgoingState
from mail.models.packs import SMALL_PACK, Frame, Pack

__all__ = [
    "SMALL_PACK",
    "Action",
    "ActionKind",
    "ActionState",
    "Body",
    "Bounce",
    "Folder",
    "FolderState",
    "Frame",
    "Gap",
    "Location",
    "LogEntry",
    "MarkOffset",
    "Message",
    "MessageQuerySet",
    "Outgoing",
    "OutgoingState",
    "Pack",
    "SearchDocument",
    "Thread",
    "ThreadLink",
    "Transaction",
]
