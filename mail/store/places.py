"""What is known of a folder's UIDs: places, flags, gaps."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import F

from mail.copying import plain_array
from mail.models import Folder, Gap, Location
from mail.store.batch import Batch
from mail.sync.schedule import POISON_RETRY, SUSPECT_RETRY
from mail.types import Copied, LocalFolder


def known_uids(folder: LocalFolder) -> set[int]:
    """Every UID that is mirrored or a gap."""
    places = Location.objects.filter(folder_id=folder.id, uidvalidity=folder.uidvalidity or 0)
    gaps = Gap.objects.filter(folder_id=folder.id)
    return set(places.values_list("uid", flat=True)) | set(gaps.values_list("uid", flat=True))


def flags_between(folder: LocalFolder, low: int, high: int) -> dict[int, frozenset[str]]:
    """Flags of the mirrored UIDs within [low, high]."""
    places = Location.objects.filter(
        folder_id=folder.id, uidvalidity=folder.uidvalidity or 0, uid__gte=low, uid__lte=high
    )
    return {uid: frozenset(flags) for uid, flags in places.values_list("uid", "flags")}


def flags_of(folder: LocalFolder, uids: Collection[int]) -> dict[int, frozenset[str]]:
    """Flags of these UIDs, as far as they are mirrored."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uid, flags FROM mail_location "
            "WHERE folder_id = %s AND uidvalidity = %s AND uid = ANY(%s::bigint[])",
            [folder.id, folder.uidvalidity, plain_array(uids)],
        )
        return {uid: frozenset(flags) for uid, flags in cursor.fetchall()}


def copy_places(batch: Batch, source: LocalFolder, target: LocalFolder, copied: Copied) -> None:
    """Note where the server copied messages to. They may lie above the folder's uidnext: a visit passes them by."""
    batch.cursor.execute(
        "INSERT INTO mail_location (folder_id, uidvalidity, uid, message_id, flags, received_at) "
        "SELECT %s, %s, new.uid, l.message_id, l.flags, l.received_at "
        "FROM unnest(%s::bigint[], %s::bigint[]) AS new(old, uid) JOIN mail_location l ON l.uid = new.old "
        "WHERE l.folder_id = %s AND l.uidvalidity = %s ON CONFLICT DO NOTHING RETURNING message_id",
        [
            target.id,
            copied.uidvalidity,
            plain_array(copied.uids),
            plain_array(copied.uids.values()),
            source.id,
            source.uidvalidity,
        ],
    )
    came = [message for (message,) in batch.cursor.fetchall()]
    batch.moved.update(came)
    Folder.objects.filter(id=target.id).update(mirrored_count=F("mirrored_count") + len(came))


def add_place(batch: Batch, folder: LocalFolder, uid: int, message: UUID, flags: Iterable[str]) -> None:
    """Note where the server put a message that was made here."""
    batch.cursor.execute(
        "INSERT INTO mail_location (folder_id, uidvalidity, uid, message_id, flags, received_at) "
        "SELECT %s, %s, %s, id, %s, received_at FROM mail_message WHERE id = %s ON CONFLICT DO NOTHING",
        [folder.id, folder.uidvalidity, uid, sorted(flags), message],
    )
    batch.moved.add(message)
    Folder.objects.filter(id=folder.id).update(mirrored_count=F("mirrored_count") + batch.cursor.rowcount)


def messages_at(folder: LocalFolder, uids: Collection[int]) -> dict[int, UUID]:
    """Which messages these UIDs are, as far as they are mirrored."""
    places = Location.objects.filter(folder_id=folder.id, uidvalidity=folder.uidvalidity or 0, uid__in=list(uids))
    return dict(places.values_list("uid", "message_id"))


def due_gaps(folder: LocalFolder, now: datetime) -> dict[int, int]:
    """UIDs whose next try has come -> tries so far."""
    gaps = Gap.objects.filter(folder_id=folder.id, next_try_at__lte=now)
    return dict(gaps.values_list("uid", "attempts"))


def record_gaps(batch: Batch, folder: LocalFolder, gaps: Mapping[int, datetime], reason: str) -> None:
    """Note UIDs that the server lists and would not hand out: uid -> when to ask again."""
    if not gaps:
        return
    batch.cursor.execute(
        "INSERT INTO mail_gap (folder_id, uid, attempts, next_try_at, reason) "
        "SELECT %s, uid, 1, next_try_at, %s FROM unnest(%s::bigint[], %s::timestamptz[]) AS new(uid, next_try_at) "
        "ON CONFLICT (folder_id, uid) DO UPDATE SET attempts = mail_gap.attempts + 1, "
        "next_try_at = excluded.next_try_at, reason = excluded.reason",
        [folder.id, reason, list(gaps), list(gaps.values())],
    )


def suspect(batch: Batch, folder: LocalFolder, uid: int, now: datetime, reason: str) -> None:
    """Note, before a message is asked for, that the process died of it: what comes of it replaces the note."""
    batch.cursor.execute(
        "INSERT INTO mail_gap (folder_id, uid, attempts, next_try_at, reason) VALUES (%s, %s, 1, %s, %s) "
        "ON CONFLICT (folder_id, uid) DO UPDATE SET reason = excluded.reason, next_try_at = "
        "CASE WHEN mail_gap.reason = excluded.reason THEN %s ELSE excluded.next_try_at END",
        [folder.id, uid, now + SUSPECT_RETRY, reason, now + POISON_RETRY],
    )


def settle_gaps(batch: Batch, folder: LocalFolder, uids: Collection[int]) -> None:
    """Forget gaps: their messages came, or were expunged."""
    batch.cursor.execute(
        "DELETE FROM mail_gap WHERE folder_id = %s AND uid = ANY(%s::bigint[])", [folder.id, plain_array(uids)]
    )


def gap_attempts(folder: LocalFolder, uids: Collection[int]) -> dict[int, int]:
    """Those of the UIDs that are gaps -> tries so far."""
    return dict(Gap.objects.filter(folder_id=folder.id, uid__in=list(uids)).values_list("uid", "attempts"))


def window_below(folder: LocalFolder, uid: int, size: int) -> tuple[int, int] | None:
    """The range of UIDs that holds the `size` newest mirrored messages below `uid`; None if there are none."""
    below = Location.objects.filter(folder_id=folder.id, uidvalidity=folder.uidvalidity or 0, uid__lt=uid)
    uids = below.order_by("-uid").values_list("uid", flat=True)
    high = uids.first()
    if high is None:
        return None
    lowest = list(uids[size - 1 : size])
    return (lowest[0] if lowest else folder.backfill_uid, high)
