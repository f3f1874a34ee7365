"""Messages that are made here: in the mirror at once, in a folder of the server shortly after."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from mail import raw, store
from mail.mirror.reading import assign_threads, packed, read
from mail.models import Message
from mail.types import Arrival, Fetched


class Making:
    """A message, stored as far as that needs no transaction; `put` does the rest in one. Raises StoreUnavailable."""

    def __init__(self, account_id: UUID, octets: bytes, flags: Collection[str]) -> None:
        self._account_id = account_id
        fetched = Fetched(0, frozenset(flags), timezone.now(), len(octets), octets)
        self._arrival: Arrival = read(account_id, fetched)
        self._contents = raw.keep(account_id, packed([self._arrival]))

    @property
    def message_id(self) -> UUID:
        """Its public id."""
        return self._arrival.message

    def filed(self, folder_id: UUID) -> UUID | None:
        """The id of one of this Message-ID and date that the mirror found in a folder before this one was made."""
        parsed = self._arrival.parsed
        if parsed is None or not (parsed.header_id and parsed.date):
            return None
        alike = Message.objects.shown().filter(header_id=parsed.header_id, sent_at=parsed.date)
        found = alike.filter(account_id=self._account_id, folder_ids__contains=[folder_id]).first()
        return found.pk if found else None

    def put(self, batch: store.Batch, folder_id: UUID, filed_within: timedelta | None = None) -> UUID:
        """Show it in a folder, and have it put there on the server (store.wish_append). Returns its id."""
        if not Message.objects.filter(pk=self.message_id).exists():
            folder = store.local_folder(batch, folder_id)
            arrival = self._arrival._replace(thread_key=self._thread_key())
            assignment = assign_threads(batch.account_id, [arrival])
            store.add_made(batch, folder, arrival, assignment, self._contents)
        store.wish_append(batch, self.message_id, folder_id, filed_within)
        return self.message_id

    def _thread_key(self) -> str:
        """Where the server makes threads: that of the version before, or of what is answered."""
        parsed = self._arrival.parsed
        names = (parsed.header_id, *parsed.references) if parsed else ()
        return store.provider_key_of(self._account_id, [name for name in names if name])
