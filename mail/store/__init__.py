"""The one writer of mail tables. Every write happens in a Batch, which fences by the lease and writes the log."""

from mail.store.batch import Batch, writing
from mail.store.folders import (
    Survey,
    begin_folder,
    change_folders,
    changes_folders,
    checkpoint,
    finish_reset,
    folder_failed,
    local_folders,
    restart_folder,
    survey,
)
from mail.store.lost import ask_again
from mail.store.messages import (
    SWEEP,
    Known,
    add_arrivals,
    change_flags,
    forget_places,
    known_messages,
    sweep_orphans,
)
from mail.store.places import (
    due_gaps,
    flags_between,
    flags_of,
    gap_attempts,
    known_uids,
    record_gaps,
    settle_gaps,
    suspect,
    window_below,
)
from mail.store.problems import add_problem
from mail.store.removal import remove_accounts
from mail.store.threads import subject_candidates, thread_links, threads_by_provider_key

__all__ = [
    "SWEEP",
    "Batch",
    "Known",
    "Survey",
    "add_arrivals",
    "add_problem",
    "ask_again",
    "begin_folder",
    "change_flags",
    "change_folders",
    "changes_folders",
    "checkpoint",
    "due_gaps",
    "finish_reset",
    "flags_between",
    "flags_of",
    "folder_failed",
    "forget_places",
    "gap_attempts",
    "known_messages",
    "known_uids",
    "local_folders",
    "record_gaps",
    "remove_accounts",
    "restart_folder",
    "settle_gaps",
    "subject_candidates",
    "survey",
    "suspect",
    "sweep_orphans",
    "thread_links",
    "threads_by_provider_key",
    "window_below",
    "writing",
]
