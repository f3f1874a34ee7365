"""Celery. Everything it knows comes from Django's settings (CELERY_…)."""

import gc
import os
import warnings

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import worker_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")
# It says not to run as root, where who writes into the broker might run code: not with JSON (CELERY_ACCEPT_CONTENT).
warnings.filterwarnings("ignore", category=SecurityWarning)

PREFIX = "CELERY_"

app = Celery("syncfarm", include=["tasks"])
# Not the settings themselves: `celery inspect conf` and Flower show all that Celery was given, and hide passwords only
# under names of Celery's own.
app.config_from_object(
    {name.removeprefix(PREFIX).lower(): getattr(settings, name) for name in dir(settings) if name.startswith(PREFIX)}
)


@worker_init.connect
def collect_less(**_signal: object) -> None:
    """Let the garbage collector look less often: what is imported never goes, and of the hundred thousand objects of a
    batch of mail hardly any are in a circle. It took a twentieth of an initial sync."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
