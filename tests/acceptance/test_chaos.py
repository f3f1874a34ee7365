"""A minute of the chaos driver (bench/chaos), which runs for hours elsewhere: one mailbox on each strategy."""

from pathlib import Path

import psycopg2
import pytest

from bench.chaos.farm import Farm
from bench.chaos.report import Report
from bench.chaos.run import calm, check, storm, sum_up
from bench.chaos.scene import STRATEGIES, Plan, prepared

pytestmark = pytest.mark.timeout(300)

# The seed: Valkey, worker-action, worker-dispatch, worker-sync, PostgreSQL and watch are killed, in this order.
PLAN = Plan(
    tuple(STRATEGIES), seed=1774, operations=200, kills=6, seconds=8, mailboxes=3, mails=20, calm=180, hurry=True
)

# What nothing but a check would notice -> words of the difference that it makes.
DAMAGE = {
    "UPDATE mail_location SET flags = '{x}' WHERE (folder_id, uid) = (SELECT folder_id, uid FROM mail_location LIMIT 1)": "has flags",
    "UPDATE mail_message SET starred = NOT starred WHERE id = (SELECT id FROM mail_message LIMIT 1)": "was told otherwise of",
    "UPDATE mail_folder SET total_count = total_count + 1 WHERE name = 'Work'": "(mails, unread)",
    "UPDATE mail_message SET orphaned_at = now() WHERE id = (SELECT id FROM mail_message LIMIT 1)": "waits to be deleted",
    "DELETE FROM mail_transaction WHERE seq = 5": "the change log has a hole",
    "INSERT INTO mail_gap (folder_id, uid, attempts, next_try_at, reason) VALUES ((SELECT id FROM mail_folder LIMIT 1), 9999, 1, now(), '')": "a message of the server is not here",
    "UPDATE accounts_account SET state = 'error'": "an account is not live",
    "UPDATE accounts_account SET lease_expires_at = now() - interval '1 minute'": "a lease has lapsed",
}


def test_a_farm_in_a_storm_of_changes_kills_and_network_faults_ends_where_the_servers_are(tmp_path: Path) -> None:
    happened: list[str] = []
    report = Report("mixed", PLAN.seed)
    with prepared(PLAN, tmp_path) as scene:
        storm(PLAN, scene, report, happened.append)
        calm(PLAN, scene, report, happened.append)
        sum_up(scene, report)
        differences = [*report.differences, *check(scene, happened.append)]
        assert differences == [], f"{report.text()}\n{scene.farm.log.read_text()[-3000:]}"
        damage(scene.farm)
        found = "\n".join(check(scene, happened.append))
    assert [words for words in DAMAGE.values() if words not in found] == []
    assert report.operations.total() >= PLAN.operations
    assert report.kills.total() == PLAN.kills
    assert report.messages > 0
    assert any("operations" in line for line in happened)


def damage(farm: Farm) -> None:
    """Spoil the database behind the product's back, with nobody there to mend it."""
    connection = psycopg2.connect(farm.facts["database_url"])
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_account SET next_sync_at = now() + interval '1 day'")
        for statement in DAMAGE:
            cursor.execute(statement)
    connection.close()
