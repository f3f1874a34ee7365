"""What a figure says: how it is judged, and its part of the page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Judged:
    """A line of the table by which the project is judged. `unit` follows the numbers, "s" or " %".

    `at_most`: less is better; else more is.
    """

    figure: str
    goal: float
    measured: float
    unit: str = ""
    at_most: bool = True

    @property
    def reached(self) -> float:
        """Share of the goal; 1 and more meets it."""
        least, most = (self.measured, self.goal) if self.at_most else (self.goal, self.measured)
        return most / least if least else float("inf") if most else 1.0

    def cells(self) -> list[str]:
        """figure, to reach, measured, reached."""
        sign = "≤" if self.at_most else "≥"
        reached = "met" if self.reached == float("inf") else f"{math.floor(self.reached * 100):,} %"
        return [self.figure, f"{sign} {_plain(self.goal)}{self.unit}", f"{_plain(self.measured)}{self.unit}", reached]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A figure's results. `medians`: of what the numbers are medians, "5 runs"; `text`: Markdown below its heading;
    `data`: every number, as JSON can carry it."""

    title: str
    medians: str
    judged: list[Judged]
    text: str
    data: dict[str, Any] = field(default_factory=dict)

    def tables(self) -> list[str]:
        """The lines of the text that are tables."""
        return [line for line in self.text.splitlines() if line.startswith("|")]


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in a terminal, too; the first column is text, the others figures."""
    widths = [max(len(row[column]) for row in [names, *rows]) for column in range(len(names))]

    def line(cells: Sequence[str]) -> str:
        first, *figures = cells
        padded = [cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True)]
        return "| " + " | ".join([first.ljust(widths[0]), *padded]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([line(names), rule, *(line(row) for row in rows)])


def _plain(value: float) -> str:
    """Three digits that say something, and all of a great number."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
