"""The generated mailbox: the same each time, and such as mailboxes are."""

import statistics
from email import policy
from email.parser import BytesParser

import pytest

from bench.mails import BenchMail, mails


@pytest.fixture(scope="module")
def generated() -> list[BenchMail]:
    return list(mails(300))


def test_the_same_mails_come_each_time(generated: list[BenchMail]) -> None:
    assert list(mails(300)) == generated


def test_a_smaller_mailbox_is_the_beginning_of_a_greater_one(generated: list[BenchMail]) -> None:
    assert list(mails(20)) == generated[:20]


def test_every_mail_is_read_without_a_defect(generated: list[BenchMail]) -> None:
    for mail in generated:
        message = BytesParser(policy=policy.default).parsebytes(mail.raw)
        assert [part.defects for part in message.walk() if part.defects] == []
        body = message.get_body(("plain",))
        assert body is not None
        assert len(body.get_content()) > 40


def test_answers_name_mails_of_the_mailbox_that_are_older(generated: list[BenchMail]) -> None:
    seen: set[str] = set()
    answers = 0
    for mail in generated:
        message = BytesParser(policy=policy.default).parsebytes(mail.raw, headersonly=True)
        if "In-Reply-To" in message:
            answers += 1
            assert message["In-Reply-To"] in seen
            assert set(message["References"].split()) <= seen
        assert message["Message-ID"] not in seen
        seen.add(message["Message-ID"])
    assert 0.3 < answers / len(generated) < 0.6


def test_lines_end_as_on_the_wire(generated: list[BenchMail]) -> None:
    assert not any(mail.raw.replace(b"\r\n", b"").count(b"\n") for mail in generated)


def test_few_mails_make_most_of_the_bytes(generated: list[BenchMail]) -> None:
    sizes = [len(mail.raw) for mail in generated]
    assert 5_000 < statistics.median(sizes) < 10_000
    assert sum(sorted(sizes)[-30:]) > sum(sizes) / 3
