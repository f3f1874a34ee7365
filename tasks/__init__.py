"""Celery tasks: load by id, call, map the error to a retry."""

from tasks import dispatch, index, send, sync, upkeep

__all__ = ["dispatch", "index", "send", "sync", "upkeep"]
