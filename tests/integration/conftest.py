"""Integration tests talk to PostgreSQL and, for the mirror, to Dovecot."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.integration.guard import guarded_log
from tests.mailboxes import *  # noqa: F403 -- fixtures


@pytest.fixture
def trusted_loopback(settings: Settings) -> None:
    """The operator vouches for the test servers."""
    settings.SYNCFARM_TRUSTED_HOSTS = ["127.0.0.1", "localhost"]


@pytest.fixture
def guarded(transactional_db: None, trusted_loopback: None) -> Iterator[None]:
    """What tests of the mirror run under: the database holds the laws of tests.integration.guard."""
    with guarded_log():
        yield
