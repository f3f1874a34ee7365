"""Celery. Everything it knows comes from Django's settings (CELERY_…)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")

app = Celery("syncfarm", include=["tasks"])
app.config_from_object("django.conf:settings", namespace="CELERY")
