"""The page that is written from the figures."""

import json
from pathlib import Path

from bench import page, profiling
from bench.ours import Quiet, Run
from bench.results import Results
from bench.watching import Cost

MACHINE = {"cores": "2", "Python": "3.11.7"}
QUIET = [Quiet(200, 0.02, 6, 1_313), Quiet(2_000, 0.02, 6, 1_315)]


def results(ours: list[float], mbsync: list[float]) -> Results:
    return Results(
        MACHINE, 2_000, 32_000_000,
        [Run(wall, wall / 2, 100 * 2**20, 1.5, 40_000_000) for wall in ours],
        [Cost(wall, wall / 4, 5 * 2**20) for wall in mbsync], QUIET, "2025-01-01",
    )  # fmt: skip


def test_the_page_compares_medians_and_says_who_is_slower() -> None:
    text = page.render(results([4.0, 2.0, 50.0], [2.0, 1.0, 3.0]))
    assert "Syncfarm takes 2.00 times as long as mbsync." in text
    assert "mbsync takes 2.00 times as long as Syncfarm." in page.render(results([1.0], [2.0]))
    assert "2 cores, Python 3.11.7" in text


def test_a_row_tells_rates_and_cost_per_message() -> None:
    (line,) = [line for line in page.render(results([4.0], [])).splitlines() if line.startswith("| **Syncfarm**")]
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "**Syncfarm**", "4.0", "500", "8.0", "2.0", "1.00", "100 MB", "1.5",
    ]  # fmt: skip


def test_without_mbsync_the_page_says_so() -> None:
    text = page.render(results([4.0], []))
    assert "mbsync was not installed" in text
    assert "times as long" not in text


def test_all_figures_are_kept(tmp_path: Path) -> None:
    shown = page.write(results([4.0], [2.0]), tmp_path / "results.json", tmp_path / "performance.md")
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["ours"][0]["wall"] == 4.0
    assert kept["quiet"][1]["round_trips"] == 6
    assert "**mbsync**" in shown


def test_a_profile_counts_a_function_once_a_sample_and_leaves_the_start_out(tmp_path: Path) -> None:
    folded = tmp_path / "profile.folded"
    sync = "sync_account (/x/mail/mirror/__init__.py:70)"
    folded.write_text(
        f"main (/x/bench/worker.py:1);{sync};parse (/x/mail/mime/reading.py:9);parse (/x/mail/mime/reading.py:9) 3\n"
        f"main (/x/bench/worker.py:1);{sync};execute (/x/site-packages/psycopg2/extras.py:5) 1\n"
        "main (/x/bench/worker.py:1);setup (/x/django/__init__.py:1) 9\n"
    )
    rows = profiling.table(folded).splitlines()
    assert rows[0].startswith("4 samples")
    assert "   75.0%  parse (mail/mime/reading.py)" in rows
    assert "  100.0%  sync_account (mail/mirror/__init__.py)" in rows
    assert "   25.0%  execute (site-packages/psycopg2/extras.py)" in rows
