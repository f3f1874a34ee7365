"""Less than a minute of the killer of workers (bench/kills), which kills a thousand elsewhere."""

from pathlib import Path

import psycopg2
import pytest

from bench.chaos.farm import Farm
from bench.kills.report import Report
from bench.kills.run import calm, check, storm, sum_up
from bench.kills.scene import Plan, prepared

pytestmark = pytest.mark.timeout(300)

PLAN = Plan(seed=7, kills=8, mailboxes=5, mails=4, pause=0.6, calm=120)

# What nothing but a check would notice -> words of the violation that it makes.
DAMAGE = {
    "UPDATE mail_outgoing SET state = 'failed' WHERE id = (SELECT id FROM mail_outgoing WHERE state = 'sent' ORDER BY id LIMIT 1)": "is failed, and the server took it 1 times",
    "DELETE FROM mail_outgoing WHERE id = (SELECT id FROM mail_outgoing WHERE state = 'sent' ORDER BY id DESC LIMIT 1)": "of which no row tells",
    "DELETE FROM mail_transaction WHERE seq = 5": "the change log has a hole",
}


def test_workers_that_are_killed_amid_sending_and_moving_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    report = Report(PLAN.seed, PLAN.mailboxes)
    with prepared(PLAN, tmp_path, lambda _what: None) as scene:
        storm(PLAN, scene, report, lambda _what: None)
        calm(PLAN, scene, report, lambda _what: None)
        sum_up(scene, report)
        violations = [*report.violations, *check(scene)]
        assert violations == [], f"{report.text()}\n{scene.farm.log.read_text()[-3000:]}"
        damage(scene.farm)
        with scene.mailboxes[0].client() as imap:
            imap.select_folder("INBOX")
            imap.append("Sent", b"Subject: nobody sent this\r\n\r\n")
            imap.append("Work", b"Subject: seed 0 of user0@example.test\r\n\r\n")
        found = "\n".join(check(scene))
    assert [words for words in DAMAGE.values() if words not in found] == []
    assert "nobody sent this is 1 times in Sent, and should be 0 times" in found
    assert "seed 0 of user0@example.test is" in found
    assert report.kills.total() == PLAN.kills
    assert report.ended["sent"] > 0
    assert report.moves["folders: done"] > 0


def damage(farm: Farm) -> None:
    """Spoil the database behind the product's back."""
    connection = psycopg2.connect(farm.facts["database_url"])
    with connection, connection.cursor() as cursor:
        for statement in DAMAGE:
            cursor.execute(statement)
    connection.close()
