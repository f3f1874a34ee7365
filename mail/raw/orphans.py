"""Objects that no pack refers to: their transaction never came, or they could not be removed after it."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.conf import settings

from mail.models import Pack
from mail.raw.objects import store_at
from mail.raw.rotation import prefix

_AT_ONCE = 1000
_KEY = re.compile(r"[0-9a-f]{32}/([0-9a-f]{32})")


def remove_orphans(part: int, before: datetime) -> int:
    """Remove a part's orphans older than `before` from the store that the settings name. Returns how many.

    A day is long enough: an object is written moments before its transaction. Raises StoreUnavailable.
    """
    address: str = settings.SYNCFARM_RAW_STORE
    if not address:
        return 0
    store = store_at(address)
    old = _old(store.keys(prefix(part)), before)
    removed = 0
    while found := dict(islice(old, _AT_ONCE)):
        # Whatever store they name: an operator may write the address of one in several ways.
        needed = set(Pack.objects.filter(id__in=list(found)).values_list("id", flat=True))
        for orphan in found.keys() - needed:
            store.remove(found[orphan])
            removed += 1
    return removed


def _old(keys: Iterator[tuple[str, datetime]], before: datetime) -> Iterator[tuple[UUID, str]]:
    for key, written in keys:
        if written < before and (match := _KEY.fullmatch(key)):
            yield UUID(match[1]), key
