"""Beat's scheduler: that of django-celery-beat, but it waits for a database that is not there yet.

It would end at once, and the supervisor gives up on a process that ends five times within a minute: a failover of some
seconds must not end a farm whose other processes wait it out.
"""

import logging
import time

from django.db import OperationalError, connection
from django_celery_beat.schedulers import DatabaseScheduler

log = logging.getLogger(__name__)


class PatientScheduler(DatabaseScheduler):  # type: ignore[misc] # untyped
    """As its base once the database answers."""

    def setup_schedule(self) -> None:
        """Called once, at the start."""
        _wait_for_database()
        super().setup_schedule()


def _wait_for_database() -> None:
    while True:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            log.warning("beat waits for the database: %s", str(error).strip().splitlines()[0])
            time.sleep(1)
        else:
            return
