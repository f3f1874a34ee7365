"""Celery tasks: load by id, call, map the error to a retry."""

from tasks import dispatch, index, sync, upkeep

__all__ = ["dispatch", "index", "sync", "upkeep"]
