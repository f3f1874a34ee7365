from datetime import UTC, datetime

import pytest

from mail.mime import parse

NOON = datetime(2024, 3, 1, 12, 0, 5, tzinfo=UTC)


def date(value: str) -> datetime | None:
    return parse(f"Date: {value}\n\n".encode()).date


@pytest.mark.parametrize(
    "value",
    [
        "Fri, 1 Mar 2024 12:00:05 +0000",
        "Fri, 01 Mar 2024 13:00:05 +0100 (CET)",
        "1 Mar 2024 07:00:05 -0500",
        "Fri,  1\r\n Mar 2024 12:00:05 GMT",
        "Fri, 1 Mar 2024 13:00:05 CET",
        "Fri, 1 Mar 2024 07:00:05 EST",
        "Fri, 1 Mar 24 12:00:05 +0000",
        "Fri, 1 Mar 124 12:00:05 +0000",
        "Fri Mar  1 12:00:05 2024",
        "Friday, 01-Mar-24 12:00:05 GMT",
        "Fri, 1 March 2024, 12:00:05",
        "2024-03-01T12:00:05Z",
        "2024-03-01 13:00:05 +0100",
        "Fri, 1st Mar 2024 12:00:05 +0000",
        "=?utf-8?q?Fri?=, 1 Mar 2024 12:00:05 +0000",
        "Fri, 1 Mar 2024 12:00:05 -0000",
        "Fri 01 Mar 2024 07:00:05 AM EST",
        "Fri 01 Mar 2024 02:00:05 PM EET",
        "1 Mar 2024 12:00:05PM",
        "Fri, 1 Mar 2024 12:00:05 +9999",
    ],
)
def test_a_moment_is_read_from_many_forms(value: str) -> None:
    assert date(value) == NOON
    assert date(value).tzinfo is UTC  # type: ignore[union-attr]  # the line above says it is there


@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "Fri, 32 Mar 2024 12:00:00 +0000", "1 Mar 99999 12:00:00 +0000", "1 Jan 0001 00:00:00 +0000",
     "31 Dec 9999 23:59:59 -1200", "1 Mar 2024 99:99:99 +0000", "0001-01-01 00:00:00 +0000 UTC", "Date: Date: Date:",
     "Wed, 4 Jun 207777777777777777777714 17:50:46 0"],
)  # fmt: skip
def test_what_is_no_moment_is_none(value: str) -> None:
    assert date(value) is None


def test_midnight_is_twelve_in_the_morning() -> None:
    assert date("Fri, 1 Mar 2024 12:00:05 am +0000") == datetime(2024, 3, 1, 0, 0, 5, tzinfo=UTC)


def test_a_leap_second_and_midnight_as_24_are_read() -> None:
    assert date("Sat, 31 Dec 2016 23:59:60 +0000") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert date("Sat, 31 Dec 2016 24:00:00 +0000") == datetime(2017, 1, 1, tzinfo=UTC)
