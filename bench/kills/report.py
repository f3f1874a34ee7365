"""What a run gives: figures and violations, for people and as JSON."""

import json
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path


@dataclass(slots=True)
class Report:
    """One run. Seconds are of wall clock; `violations` are in words, and there must be none."""

    seed: int
    mailboxes: int
    kills: Counter[str] = field(default_factory=Counter)  # by queue and point of the conversation
    found: Counter[str] = field(default_factory=Counter)  # states of the rows that the dead workers held
    answers: Counter[str] = field(default_factory=Counter)  # over REST
    ended: Counter[str] = field(default_factory=Counter)  # messages by how their sending ended
    sent_after_deaths: int = 0  # tried more than once
    taken_uncertain: int = 0  # uncertain ones that the server had taken
    moves: Counter[str] = field(default_factory=Counter)  # changes of the mailbox, by kind and how they ended
    moves_after_deaths: int = 0  # tried more than once
    waits: dict[str, float] = field(default_factory=dict)  # seconds until 200: of half, of 95 of 100, of all sends
    storm: float = 0.0
    calm: float = 0.0
    violations: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Some lines."""
        lines = [
            f"seed {self.seed}: {self.kills.total():,} kills in {self.storm:.0f} s, {len(self.violations)} violations",
            f"  kills: {_listed(self.kills)}",
            f"  held by the dead: {_listed(self.found)}",
            f"  answers: {_listed(self.answers)}",
            (
                f"  messages: {_listed(self.ended)}; {self.sent_after_deaths:,} tried again; of the uncertain"
                f" {self.taken_uncertain:,} had been taken"
            ),
            f"  changes of {self.mailboxes} mailboxes: {_listed(self.moves)}; {self.moves_after_deaths:,} tried again",
            f"  waits until sent: {_seconds(self.waits)}",
            f"  quiet after {self.calm:.0f} s",
            *(f"  VIOLATION: {violation}" for violation in self.violations),
        ]
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """All figures, as JSON."""
        path.write_text(
            json.dumps({each.name: getattr(self, each.name) for each in fields(self)}, indent=1, ensure_ascii=False)
            + "\n"
        )


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Half, 95 of 100, all."""
    ordered = sorted(seconds) or [0.0]
    shares = {"half": 0.5, "95 %": 0.95, "all": 1.0}
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2) for name, share in shares.items()}


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common()) or "none"


def _seconds(told: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:g} s" for name, seconds in told.items())
