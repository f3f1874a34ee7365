"""A worker's claim on a message that it sends. It is short and renewed from a thread of its own, as mail.lease is: it
outlives a slow server, and dies with its process."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection

from mail import store
from mail.models import Outgoing

log = logging.getLogger(__name__)

RENEWAL = 3.0  # seconds; mail.store.outgoing.HOLD allows for a few that come to nothing


@contextmanager
def renewed(row: Outgoing) -> Iterator[None]:
    """Hold a claimed message while the block runs. Whether it is still ours is asked where that matters: each step is
    taken under the claim."""
    done = threading.Event()
    renewer = threading.Thread(target=_keep, args=(row, done), name=f"claim {row.pk}", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        done.set()
        renewer.join()


def _keep(row: Outgoing, done: threading.Event) -> None:
    while not done.wait(RENEWAL):
        try:
            if not store.renew_outgoing(row):
                return
        except (DatabaseError, InterfaceError) as error:
            log.warning("account %s: the claim on %s is not renewed: %s", row.account_id, row.pk, error)
        finally:
            connection.close()
