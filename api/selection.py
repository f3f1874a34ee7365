"""What of an object is sent: `select` picks fields, `fields` adds what is not stored beside a message."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.parameters import boolean, choice, texts

SELECT = texts("select", "Only these top-level fields; those that the SDKs cannot do without stay.")
FIELDS = choice(
    "fields",
    "What to add: headers, those of threading (Message-ID, In-Reply-To, References), tracking; or the raw mail alone.",
    "standard",
    "include_headers",
    "include_basic_headers",
    "include_tracking_options",
    "raw_mime",
)
QUERY_IMAP = boolean("query_imap", "Accepted and ignored: the mirror answers.")
# The Python SDK raises KeyError without these.
ALWAYS = {
    "message": frozenset({"grant_id"}),
    "draft": frozenset({"grant_id"}),
    "thread": frozenset({
        "id", "grant_id", "has_drafts", "starred", "unread", "message_ids", "folders", "latest_draft_or_message",
    }),
    "folder": frozenset({"id", "grant_id", "name"}),
    "attachment": frozenset[str](),
}  # fmt: skip


def wants(query: Mapping[str, Any], field: str) -> bool:
    """Whether a field of a message is to be sent, so that what is left out need not be loaded."""
    return "select" not in query or field in query["select"]


def pick(query: Mapping[str, Any], objects: Sequence[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The objects with the selected fields. A name that the object does not have selects nothing."""
    if "select" not in query:
        return [dict(each) for each in objects]
    kept = ALWAYS[kind].union(query["select"])
    return [{name: value for name, value in each.items() if name in kept} for each in objects]
