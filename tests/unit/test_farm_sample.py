"""The sample mailbox is what the demo promises."""

from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

from syncfarm.demo.mails import FOLDERS, sample

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def test_it_holds_about_two_hundred_mails_in_all_its_folders() -> None:
    folders = Counter(mail.folder for mail in sample(NOW))
    assert 180 <= folders.total() <= 220
    assert set(folders) == {"INBOX", *FOLDERS}


def test_it_is_the_same_each_time() -> None:
    def without_boundaries(number: int) -> tuple[str, tuple[str, ...], datetime, str]:
        mail = sample(NOW)[number]
        return mail.folder, mail.flags, mail.received_at, str(message_from_bytes(mail.raw)["Message-ID"])

    assert [without_boundaries(n) for n in range(0, 180, 20)] == [without_boundaries(n) for n in range(0, 180, 20)]


def test_nothing_in_it_is_from_the_future() -> None:
    assert max(mail.received_at for mail in sample(NOW)) <= NOW


def test_it_has_every_kind_of_part() -> None:
    types = {
        part.get_content_type() for mail in sample(NOW) for part in message_from_bytes(mail.raw, policy=default).walk()
    }
    assert {"text/plain", "text/html", "image/png", "application/pdf", "text/calendar", "message/rfc822"} <= types


def test_its_answers_name_the_mails_they_answer() -> None:
    ids: set[str] = set()
    answered: set[str] = set()
    for mail in sample(NOW):
        message = message_from_bytes(mail.raw)
        ids.add(message["Message-ID"])
        answered.update((message["References"] or "").split())
    assert len(answered) > 30
    assert answered <= ids
