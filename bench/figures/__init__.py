"""The figures by which the project is judged, each in a module of its own, in the order of the page."""

from collections.abc import Callable, Mapping

from bench.figures import chaos, crowd, growth, initial, kills, lists, many, seen, unchanged
from bench.outcome import Outcome
from bench.stand import Stand

FIGURES: Mapping[str, Callable[[Stand], Outcome]] = {
    "initial": initial.measure,  # 20,000 messages beside mbsync, offlineimap and a bare socket
    "many": many.measure,  # 20 accounts of 5,000 at once on two workers
    "unchanged": unchanged.measure,  # 50 folders in which nothing happened
    "growth": growth.measure,  # the same small events at 10,000 and 1,000,000 messages
    "lists": lists.measure,  # lists of messages and threads at 10,000 and 1,000,000 messages
    "seen": seen.measure,  # what one side does, seen from the other
    "crowd": crowd.measure,  # 100 accounts and a 90 MB message in one worker
}

__all__ = ["FIGURES", "chaos", "initial", "kills"]
