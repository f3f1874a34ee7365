"""Conversations: which messages of an account belong together. Pure; the caller looks up and writes."""

from mail.threading.assignment import assign, link_digest, wanted_links, wanted_subjects
from mail.threading.likeness import WINDOW_DAYS
from mail.threading.subjects import subject_key

__all__ = ["WINDOW_DAYS", "assign", "link_digest", "subject_key", "wanted_links", "wanted_subjects"]
