"""What a run gives: figures and differences, for people and as JSON."""

import json
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path


@dataclass(slots=True)
class Report:
    """One run. Seconds are of wall clock; `differences` are in words, and there must be none."""

    strategy: str
    seed: int
    operations: Counter[str] = field(default_factory=Counter)
    refused: int = 0  # operations that another client had made impossible
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    sessions: int = 0  # connections of the farm to the servers
    entries: int = 0  # of the change logs, as their readers took them
    interruptions: int = 0  # questions over REST that got no answer
    actions: Counter[str] = field(default_factory=Counter)  # changes that were asked for over REST, by how they ended
    repaired: int = 0  # differences that `audit --repair` found and mended, where octets of mails were corrupted
    messages: int = 0  # mirrored at the end
    folders: int = 0
    storm: float = 0.0
    calm: float = 0.0  # until the farm was idle
    waited_for: str = ""  # last, before it was
    differences: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Some lines."""
        total = self.operations.total()
        rate = f" ({total / self.storm:.0f} a second)" if self.storm else ""
        struck = f"{self.kills.total()} kills, {self.faults.total()} faults, {len(self.differences)} differences"
        lines = [
            f"{self.strategy}, seed {self.seed}: {total:,} operations in {self.storm:.0f} s{rate}, {struck}",
            f"  operations: {_listed(self.operations)}; refused {self.refused:,}",
            f"  kills: {_listed(self.kills)}",
            f"  faults: {_listed(self.faults)}, on {self.sessions:,} sessions",
            f"  log: {self.entries:,} entries read, {self.interruptions:,} questions unanswered",
            f"  changes over REST: {_listed(self.actions)}",
            f"  at the end: {self.messages:,} messages in {self.folders} folders, idle after {self.calm:.0f} s"
            + (f" (last {self.waited_for})" if self.waited_for else ""),
            *([f"  audit --repair found {self.repaired} differences before"] if self.repaired else []),
            *(f"  DIFFERENCE: {difference}" for difference in self.differences),
        ]
        return "\n".join(lines)


def write(reports: list[Report], path: Path) -> None:
    """All figures, as JSON."""
    told = [{each.name: getattr(report, each.name) for each in fields(report)} for report in reports]
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common()) or "none"
