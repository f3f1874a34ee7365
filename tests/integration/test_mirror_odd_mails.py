"""Mails that no index takes, that nobody can parse, that are there twice: mirrored, or a gap that stops nobody."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from api import filters
from mail.models import Folder, Gap, Location, Message
from tests.integration.mirroring import connected, fill, live, mail, mirror_state, server_state, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.integration.raw_stores import sound
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_a_message_id_of_long_unicode_does_not_stop_the_account(mailbox: Mailbox) -> None:
    long = "".join(chr(random.randrange(0x4E00, 0x9FA0)) for _ in range(990))
    with mailbox.client() as client:
        fill(client, "INBOX", 2)
        client.append("INBOX", f"Subject: poison\r\nMessage-ID: <{long}@x>\r\n\r\nhi\r\n".encode())
        account = connected(mailbox)
        sync(account)
        assert mirror_state(account) == server_state(client)


def test_an_address_of_three_thousand_characters_does_not_stop_the_account(mailbox: Mailbox) -> None:
    long = "".join(random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(9000))
    with mailbox.client() as client:
        fill(client, "INBOX", 2)
        client.append("INBOX", f"Subject: poison\r\nTo: {long}@example.test\r\n\r\nhi\r\n".encode())
        account = connected(mailbox)
        sync(account)
        assert mirror_state(account) == server_state(client)


def test_a_message_that_no_table_takes_is_a_gap_and_stops_nobody(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.store.rows.ADDRESS_OCTETS", 100_000)  # more than an index entry holds
    with mailbox.client() as client:
        fill(client, "INBOX", 2)
        noise = "".join(chr(random.randrange(0x4E00, 0x9FA0)) for _ in range(9000))
        client.append("INBOX", f"Subject: poison\r\nFrom: <{noise}@x>\r\n\r\nhi\r\n".encode())
        fill(client, "INBOX", 2, start=10)
    account = connected(mailbox)
    sync(account)
    assert live(account)
    assert Message.objects.filter(account=account).count() == 4
    gap = Gap.objects.get(folder__account=account)
    assert (gap.uid, "cannot be stored" in gap.reason) == (3, True)
    assert sound(account)


def test_a_mail_that_nobody_can_parse_is_stored_raw_and_listed(mailbox: Mailbox) -> None:
    garbage = bytes(range(1, 256)) * 3 + b"\r\n\r\n\xff\xfe"
    with mailbox.client() as client:
        client.append("INBOX", garbage.replace(b"\r", b"").replace(b"\n", b"\r\n"))
        client.append("INBOX", b"\r\n")
        account = connected(mailbox)
        sync(account)
        assert mirror_state(account) == server_state(client)
    assert Message.objects.filter(account=account).count() == 2


def test_a_message_over_the_cap_is_listed_with_its_header_and_marked(mailbox: Mailbox, settings: Settings) -> None:
    settings.SYNCFARM_MAX_MESSAGE_BYTES = 10_000
    with mailbox.client() as client:
        client.append("INBOX", mail("Huge", body="x" * 20_000))
        client.append("INBOX", mail("Small"))
    account = connected(mailbox)
    sync(account)
    huge = Message.objects.get(account=account, subject="Huge")
    assert "only the header is mirrored" in huge.problem
    assert huge.size > 20_000
    assert Message.objects.get(account=account, subject="Small").problem == ""


def test_the_same_mail_twice_in_a_folder_has_one_date(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("INBOX", mail("Twin"), msg_time=datetime(2020, 1, 1, tzinfo=UTC))
        client.append("INBOX", mail("Twin"), msg_time=datetime(2021, 1, 1, tzinfo=UTC))
    account = connected(mailbox)
    sync(account)
    assert set(Location.objects.values_list("received_at", flat=True)) == set(
        Message.objects.values_list("received_at", flat=True)
    )


def test_twins_in_a_folder_are_listed_once(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("INBOX", mail("Twin"), msg_time=datetime(2020, 1, 1, tzinfo=UTC))
        client.append("INBOX", mail("Twin"), msg_time=datetime(2021, 1, 1, tzinfo=UTC))
    account = connected(mailbox)
    sync(account)
    listing = filters.message_listing(account, {"in": [Folder.objects.get().id]})
    assert len(listing.newest(2, None)) == 1


def test_a_common_subject_does_not_crowd_out_the_candidates_of_others(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.store.threads.SUBJECT_CANDIDATES", 5)
    with mailbox.client() as client:
        client.append("INBOX", mail("Holiday plans", Message_ID="<h@x>"), msg_time=timezone.now() - timedelta(days=3))
        for number in range(6):
            client.append("INBOX", mail("Alarm", Message_ID=f"<a{number}@x>", X_N=str(number)))
        account = connected(mailbox)
        sync(account)
        client.append("INBOX", mail("Re: Holiday plans", Message_ID="<r@x>"))
        client.append("INBOX", mail("Alarm", Message_ID="<a9@x>"))
        sync(account)
    threads = set(Message.objects.filter(subject__contains="Holiday").values_list("thread_id", flat=True))
    assert len(threads) == 1
