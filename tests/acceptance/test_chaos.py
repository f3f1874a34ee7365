"""A minute of the chaos driver (bench/chaos), which runs for hours elsewhere: one mailbox on each strategy."""

from pathlib import Path

import pytest

from bench.chaos.run import STRATEGIES, Plan, run

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("chaos")]


def test_a_farm_in_a_storm_of_changes_kills_and_network_faults_ends_where_the_servers_are(tmp_path: Path) -> None:
    happened: list[str] = []
    plan = Plan(
        tuple(STRATEGIES), seed=1, operations=300, kills=5, seconds=12, mailboxes=3, mails=20, calm=150, hurry=True
    )
    report = run(plan, tmp_path, happened.append)
    assert report.differences == [], f"{report.text()}\n{(tmp_path / 'farm' / 'farm.log').read_text()[-3000:]}"
    assert report.operations.total() >= 300
    assert report.kills.total() == 5
    assert report.messages > 0
    assert any("operations" in line for line in happened)
