"""bench/results.json: every figure's last results. A run of some figures leaves the others as they were."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from bench.outcome import Judged, Outcome


@dataclass(frozen=True, slots=True)
class Kept:
    """A figure's outcome, and when and where it was measured."""

    measured_on: str
    machine: dict[str, str]
    outcome: Outcome

    @classmethod
    def now(cls, outcome: Outcome, machine: dict[str, str]) -> Self:
        """Of today."""
        return cls(datetime.now(UTC).date().isoformat(), machine, outcome)


def load(path: Path) -> dict[str, Kept]:
    """What the file holds, by figure; nothing if it is missing or of another kind."""
    try:
        figures: dict[str, Any] = json.loads(path.read_text())["figures"]
        return {name: _kept(**saved) for name, saved in figures.items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def save(path: Path, found: Mapping[str, Kept]) -> None:
    """Write all of it."""
    path.write_text(json.dumps({"figures": {name: asdict(kept) for name, kept in found.items()}}, indent=1) + "\n")


def _kept(outcome: dict[str, Any], **saved: Any) -> Kept:
    judged = [Judged(**line) for line in outcome.pop("judged")]
    return Kept(outcome=Outcome(judged=judged, **outcome), **saved)
