"""When a copying is worth further connections, and how many a provider allows."""

import pytest

from accounts import presets
from mail.mirror.company import Company, nobody


def company() -> Company:
    return Company(2, NotImplemented)


def test_a_long_copying_that_waits_for_the_server_is_worth_company() -> None:
    assert company().is_worth(left=5_000, seconds=10, waited=8, busy=1)


@pytest.mark.parametrize(
    ("left", "seconds", "waited", "busy"),
    [
        (2_000, 10, 8, 1),  # not long
        (5_000, 1, 0.9, 0.1),  # not known yet
        (5_000, 10, 3, 1),  # the database is what is waited for
        (5_000, 10, 8, 7),  # the process has too much to do, and reads late
    ],
)
def test_anything_else_is_not(left: int, seconds: float, waited: float, busy: float) -> None:
    assert not company().is_worth(left, seconds, waited, busy)


def test_where_no_other_session_may_be_nothing_is_worth_it() -> None:
    assert not nobody().is_worth(left=5_000, seconds=10, waited=8, busy=1)


def test_providers_allow_what_they_document_and_others_few() -> None:
    assert {
        host: presets.connections(host) for host in ("imap.gmail.com", "outlook.office365.com", "IMAP.mail.yahoo.com")
    } == {
        "imap.gmail.com": 15,
        "outlook.office365.com": 16,
        "IMAP.mail.yahoo.com": 5,
    }
    assert presets.connections("mail.example.test") == presets.CONNECTIONS == 3
