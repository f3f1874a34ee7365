"""The laws need PostgreSQL, and Dovecot to compare the model with."""

import pytest

from tests.mailboxes import *  # noqa: F403 -- fixtures

pytest.register_assert_rewrite("tests.laws.machine")
