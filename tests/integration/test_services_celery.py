"""What Celery is told, and what it tells others."""

import logging
import os
import subprocess
import sys

import pytest

from syncfarm.env import BASE_DIR

SECRETS = {
    "DATABASE_URL": "postgresql://farm:database-password@db.example/mail",
    "REDIS_URL": "rediss://:broker-password@redis.example:6380/1",
    "SYNCFARM_SECRET_KEYS": "c2VjcmV0IG9mIHRoZSB0ZXN0cywgb25seSB0aGVzZSE=",
}
WORDS = ("database-password", "broker-password", SECRETS["SYNCFARM_SECRET_KEYS"])


def run(code: str) -> str:
    """What a process with those settings prints."""
    result = subprocess.run(
        [sys.executable, "-W", "default", "-c", code],
        cwd=BASE_DIR,
        env=os.environ | SECRETS | {"DJANGO_SETTINGS_MODULE": "syncfarm.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout + result.stderr


@pytest.mark.parametrize(
    "shown", ["humanize()", "humanize(with_defaults=True)", "table(with_defaults=True)", "table(censored=True)"]
)
def test_what_celery_shows_of_its_settings_holds_no_secret(shown: str) -> None:
    told = run(f"import django; django.setup(); from syncfarm.celery import app; print(app.conf.{shown})")
    assert "redis.example" in told
    assert [word for word in WORDS if word in told] == []


def test_celery_has_its_settings() -> None:
    told = run(
        "from syncfarm.celery import app; print(app.conf.broker_url, app.conf.task_acks_late, app.conf.timezone)"
    )
    assert told.split()[:3] == [SECRETS["REDIS_URL"], "True", "UTC"]


def test_the_log_has_no_warnings_of_parsers_and_of_root() -> None:
    assert logging.getLogger("flanker.addresslib._parser.parser").getEffectiveLevel() == logging.ERROR
    root = "from celery.platforms import check_privileges; import syncfarm.celery as farm; check_privileges(['json'])"
    assert "superuser" not in run(root)


@pytest.mark.parametrize(("nudge", "queue"), [("intent.nudge()", "dispatch"), ("sending.nudge(1)", "outbound")])
def test_a_nudge_that_no_worker_takes_is_soon_void(nudge: str, queue: str) -> None:
    """Thousands would wait in front of the syncs when workers come back."""
    told = run(
        "import django; django.setup(); from syncfarm.celery import app; app.conf.broker_url = 'memory://'\n"
        f"from mail import intent, sending; {nudge}\n"
        f"message = app.connection().SimpleQueue('{queue}').get(timeout=5)\n"
        "from datetime import datetime, timezone; expires = datetime.fromisoformat(message.headers['expires'])\n"
        "print('seconds', (expires - datetime.now(timezone.utc)).total_seconds())"
    )
    assert 0 < float(told.split("seconds")[1].split()[0]) <= 5
