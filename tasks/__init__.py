"""Celery tasks: load by id, call, map the error to a retry."""
