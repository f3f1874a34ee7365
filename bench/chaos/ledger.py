"""What one application asked for in a mailbox that nobody else changes, and what must be there for it in the end."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

_SHOWN = 5


@dataclass(slots=True)
class Entry:
    """The last word about a message or draft. `gone`: it was deleted; `unsure`: a request got no answer."""

    wanted: dict[str, Any] = field(default_factory=dict)
    gone: bool = False
    unsure: bool = False


class Ledger:
    """By the ids that the API gives."""

    def __init__(self) -> None:
        self.messages: dict[str, Entry] = {}
        self.drafts: dict[str, Entry] = {}
        self.maybe: set[str] = set()  # subjects of drafts that may have been made

    def message(self, identifier: str) -> Entry:
        """Of a message."""
        return self.messages.setdefault(identifier, Entry())

    def draft(self, identifier: str) -> Entry:
        """Of a draft."""
        return self.drafts.setdefault(identifier, Entry())

    def broken(self, messages: Iterable[Any], drafts: Iterable[Any], failed: Collection[str]) -> list[str]:
        """What is otherwise, in words. `failed`: messages and drafts of which the server refused a change for good."""
        there = {each["id"]: each for each in messages}
        found = []
        for identifier, entry in self.messages.items():
            if entry.unsure or identifier in failed:
                if identifier not in there and not (entry.gone or entry.unsure):
                    found.append(f"message {identifier} is lost; a change of it failed")
            elif entry.gone != (identifier not in there):
                found.append(f"message {identifier} is {'there, deleted' if entry.gone else 'lost, not deleted'}")
            elif not entry.gone:
                found += self._unlike(f"message {identifier}", entry, there[identifier])
        return (found + self._drafts(drafts, failed))[: 2 * _SHOWN]

    def _drafts(self, drafts: Iterable[Any], failed: Collection[str]) -> list[str]:
        listed = list(drafts)
        there = {each["id"]: each for each in listed}
        counts = Counter(each["id"] for each in listed)
        found = [f"draft {identifier} is there {count} times" for identifier, count in counts.items() if count > 1]
        for identifier, entry in self.drafts.items():
            if entry.unsure or identifier in failed:
                continue
            if entry.gone != (identifier not in there):
                found.append(f"draft {identifier} is {'there, discarded' if entry.gone else 'lost'}")
            elif not entry.gone:
                found += self._unlike(f"draft {identifier}", entry, there[identifier])
        strange = [each for each in listed if each["id"] not in self.drafts and each["subject"] not in self.maybe]
        return found + [f"draft {each['id']}, {each['subject']!r}, is nobody's" for each in strange]

    def _unlike(self, name: str, entry: Entry, told: Any) -> list[str]:
        return [
            f"{name} has {key} {told[key]}, and was to have {value}"
            for key, value in entry.wanted.items()
            if (sorted(told[key]) if key == "folders" else told[key]) != value
        ]
