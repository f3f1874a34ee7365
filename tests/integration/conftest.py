"""Integration tests talk to PostgreSQL and, for the mirror, to Dovecot."""

import pytest
from pytest_django import Settings

from tests.mailboxes import *  # noqa: F403 -- fixtures


@pytest.fixture
def trusted_loopback(settings: Settings) -> None:
    """The operator vouches for the test servers."""
    settings.SYNCFARM_TRUSTED_HOSTS = ["127.0.0.1", "localhost"]
