"""The project as an application: it brings the landing page and sees to beat's schedule."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class SyncfarmConfig(AppConfig):
    """In every process of Django's the broker is known; after every migrate beat's entries exist."""

    name = "syncfarm"

    def ready(self) -> None:
        """Load Celery's app, or tasks would be sent to nowhere; watch for migrations."""
        import_module("syncfarm.celery")
        post_migrate.connect(_ensure_schedule, sender=apps.get_app_config("django_celery_beat"))


def _ensure_schedule(**_: Any) -> None:
    from syncfarm import schedule  # noqa: PLC0415 -- it needs loaded models

    schedule.ensure()
