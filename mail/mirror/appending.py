"""Messages that were made here, onto the server: drafts, and copies of what was sent."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from mail import raw, store
from mail.mirror.effect import Effect, Look
from mail.mirror.turn import Turn
from mail.models import Message
from mail.store import Due
from mail.types import ChangeRefused, ConnectionFailed, FolderFailed, FolderVanished, LocalFolder, Tie, message_key
from mail.types import message_id as derive_id

log = logging.getLogger(__name__)


def append(turn: Turn, look: Look, actions: Sequence[Due]) -> Effect:
    """Raises ConnectionFailed.

    A message that is there is not put there again: one that the mirror knows by its content, and one that the server
    changed on the way in, or a provider filed itself, which is known by its Message-ID."""
    effect = Effect()
    placed = {place.message for place in store.places_of(action.message for action in actions)}
    messages = Message.objects.in_bulk([action.message for action in actions])
    told: defaultdict[UUID, dict[int, UUID]] = defaultdict(dict)
    for action in actions:
        if action.message in placed or action.message not in messages:
            continue
        try:
            if uid := _append(turn, look, action, messages[action.message], effect):
                told[(action.folders or [])[0]][uid] = action.message
        except (ChangeRefused, FolderVanished) as error:
            log.info("account %s: %s", turn.account_id, error)
            effect.errors[action.number] = error
    if turn.open_session.numbers_messages:
        for folder, uids in told.items():
            effect.writes.append(partial(store.tie, ties=_named(turn, look.folders[folder], uids)))
    return effect


def _append(turn: Turn, look: Look, action: Due, message: Message, effect: Effect) -> int:
    """The UID that it has from now on; 0: it is there, or where the server does not tell."""
    folder = _folder(look, action)
    if look.may_have_missed(action):
        raise ChangeRefused("A message that may be this one is yet to be looked at.")
    if action.tries and _is_there(turn, folder, message):
        return 0  # the mirror has it under another id
    octets = raw.stored(message)
    if octets is None:
        raise ChangeRefused("The message's content is lost.", permanent=True)
    flags = _flags(message)
    uidvalidity, uid = turn.session.editor.append(folder.wire_name, octets, flags, message.received_at)
    if uid >= folder.uidnext and uidvalidity == folder.uidvalidity:
        effect.writes.append(partial(_place, folder=folder, uid=uid, message=message.pk, flags=flags))
        return uid
    effect.unseen.add(action.number)
    return 0


def _named(turn: Turn, folder: LocalFolder, messages: Mapping[int, UUID]) -> list[Tie]:
    """What the server calls what was put there. Without that each is known by its content when it has moved, for the
    price of a download."""
    try:
        if turn.session.select(folder.wire_name).uidvalidity != folder.uidvalidity:
            return []
        entries = turn.session.entries(sorted(messages))
    except (ConnectionFailed, FolderFailed) as error:
        log.info("account %s: %s", turn.account_id, error)
        return []
    return [
        Tie(messages[entry.uid], derive_id(turn.account_id, message_key(entry.email_id, b"")), entry.thread_id)
        for entry in entries
        if entry.email_id
    ]


def _is_there(turn: Turn, folder: LocalFolder, message: Message) -> bool:
    """Whether the folder has a message that the mirror does not take for this one, and that is. Other versions of a
    draft have its Message-ID: of another date, or about to be deleted."""
    if not (folder.uidvalidity and message.header_id):
        return False
    low = max(folder.uidnext - 1000, 1)
    uids = turn.session.editor.find(folder.wire_name, folder.uidvalidity, message.header_id, low)
    there = store.messages_at(folder, uids)
    if len(there) < len(set(uids)):
        raise ChangeRefused(f"A message in {folder.name} may be this one, and was not looked at yet.")
    return Message.objects.shown().filter(pk__in=there.values(), sent_at=message.sent_at).exists()


def _place(batch: store.Batch, folder: LocalFolder, uid: int, message: UUID, flags: Sequence[str]) -> None:
    store.add_place(batch, folder, uid, message, flags)


def _folder(look: Look, action: Due) -> LocalFolder:
    (wanted,) = action.folders or (None,)
    folder = look.folders.get(wanted) if wanted else None
    if folder is None:
        raise ChangeRefused("The folder that the message is to be in is gone.", permanent=True)
    if not (folder.selectable and folder.wire_name):
        raise ChangeRefused("The folder that the message is to be in is not on the server.")
    if action.tries and (look.unseen is None or folder.id in look.unseen):
        raise ChangeRefused(f"The server does not let {folder.name} be looked at.")
    return folder


def _flags(message: Message) -> list[str]:
    given = {"\\Draft": message.draft, "\\Flagged": message.starred, "\\Seen": not message.unread}
    return [flag for flag, is_given in given.items() if is_given]
