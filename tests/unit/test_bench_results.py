"""The page that is written from the figures, and the figures that are kept."""

from pathlib import Path

from bench import page, profiling, results
from bench.figures import chaos, initial, kills
from bench.figures.initial import Found, Run
from bench.kills.report import Report
from bench.mailbox import Mailbox
from bench.outcome import Judged, Outcome
from bench.peers.bare import Drained
from bench.results import Kept
from bench.watching import Cost

MACHINE = {"cores": "2", "Python": "3.11.7"}


def kept(title: str, *judged: Judged) -> Kept:
    return Kept("2025-01-01", MACHINE, Outcome(title, "5 runs", list(judged), f"How {title} went.", {"runs": [1.5]}))


def found(ours: list[float], **peers: list[float]) -> Found:
    return Found(
        Mailbox("m2000", 2_000, 32_000_000, "x"),
        [Run(wall, wall / 2, 100 * 2**20, 1.5, 40_000_000) for wall in ours],
        {name: [Cost(wall, wall / 4, 5 * 2**20) for wall in walls] for name, walls in peers.items()},
        [Drained(0.2, 33_000_000)],
    )


def outcome(of: Found) -> Outcome:
    return Outcome("Initial sync", "3 runs", initial._judged(of), initial._text(of))


def test_a_goal_is_reached_when_the_share_is_one() -> None:
    assert Judged("time", 10, 20, " s").cells() == ["time", "≤ 10 s", "20 s", "50 %"]
    assert Judged("rate", 3_000, 6_000, "/s", at_most=False).cells() == ["rate", "≥ 3,000/s", "6,000/s", "200 %"]
    assert Judged("time", 10, 10.01).cells()[-1] == "99 %"
    assert Judged("differences", 0, 0).cells()[-1] == "100 %"
    assert Judged("differences", 0, 3).cells()[-1] == "0 %"


def test_medians_of_both_sides_are_compared() -> None:
    judged = outcome(found([4.0, 2.0, 50.0], mbsync=[2.0, 1.0, 3.0], offlineimap=[40.0])).judged
    assert [round(each.measured) for each in judged] == [200, 10, 5]
    text = outcome(found([4.0, 4.0], mbsync=[2.0, 2.0], offlineimap=[40.0])).text
    assert "mbsync takes 0.50 times as long as Syncfarm." in text
    assert "offlineimap is slow, so it ran 1 time only." in text


def test_a_row_tells_rates_and_cost_per_message() -> None:
    (line,) = [line for line in outcome(found([4.0])).tables() if line.startswith("| **Syncfarm**")]
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "**Syncfarm**", "4.0", "500", "8.0", "2.0", "1.00", "100 MB", "1.5",
    ]  # fmt: skip


def test_a_peer_that_is_missing_is_named_and_not_judged() -> None:
    without = outcome(found([4.0], mbsync=[2.0]))
    assert "offlineimap was not installed" in without.text
    assert not any("offlineimap" in each.figure for each in without.judged)


def test_figures_that_were_not_measured_again_stay(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert results.load(path) == {}
    path.write_text('{"figures": {"a": {"measured_in": "another format"}}}')
    assert results.load(path) == {}
    first = {"a": kept("A", Judged("a", 1, 2)), "b": kept("B", Judged("b", 3, 4, at_most=False))}
    results.save(path, first)
    assert results.load(path) == first


def test_the_page_has_a_table_of_goals_and_a_section_for_each_figure() -> None:
    text = page.render({"a": kept("A", Judged("a's time", 1, 2, " s")), "b": kept("B")}, [])
    assert "| a's time |    ≤ 1 s |      2 s |    50 % |" in text
    assert "## A\n\nMeasured on 2025-01-01, medians of 5 runs: 2 cores, Python 3.11.7.\n\nHow A went." in text
    assert text.index("## A") < text.index("## B")


def test_the_last_storm_is_on_the_page(tmp_path: Path) -> None:
    report = tmp_path / "results.json"
    assert chaos.last(report) is None
    report.write_text(
        '[{"strategy": "qresync", "seed": 7, "operations": {"append": 60000, "move": 40000}, "kills": {"worker": 200},'
        ' "faults": {"cut": 9}, "messages": 512, "differences": []}]'
    )
    storm = chaos.last(report)
    assert storm is not None
    assert [each.reached for each in storm.judged] == [1.0, 1.0, 1.0]
    assert "| qresync  |    7 |    100,000 |" in page.render({}, [storm])


def test_the_last_kills_are_on_the_page(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert kills.last(path) is None
    report = Report(seed=7, mailboxes=60, violations=["lost"])
    report.kills["outbound at the dot"] = 1000
    report.write(path)
    told = kills.last(path)
    assert told is not None
    assert [each.reached for each in told.judged] == [1.0, 0.0]
    assert "| kills: outbound at the dot " in page.render({}, [told])


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


def test_a_profile_of_the_cpu_leaves_waiting_out(tmp_path: Path) -> None:
    assert "--idle" in profiling.recorder(tmp_path / "profile", "wall")
    assert "--idle" not in profiling.recorder(tmp_path / "profile", "cpu")


def test_a_profile_of_the_cpu_has_every_thread_and_no_imports(tmp_path: Path) -> None:
    folded = tmp_path / "profile.folded"
    folded.write_text(
        "main (/x/bench/worker.py:1);sync_account (/x/mail/mirror/__init__.py:70) 3\n"
        "run (/x/threading.py:1);compress (/x/mail/raw.py:9) 1\n"
        "main (/x/bench/worker.py:1);_find_and_load (<frozen importlib>:1);<module> (/x/mail/mirror/__init__.py:1) 9\n"
    )
    assert "   25.0%  compress (mail/raw.py)" in profiling.table(folded, "cpu").splitlines()
    assert profiling.table(folded, "wall").startswith("3 samples")
