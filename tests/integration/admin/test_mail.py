import re

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from mail.models import Gap, LogEntry, Message
from mail.search import index_account
from tests.integration.admin.pages import (
    ACCOUNTS,
    FOLDERS,
    LOG,
    MESSAGES,
    THREADS,
    page,
    page_of,
)
from tests.integration.admin_rows import a_message, an_account
from tests.integration.factories import log_changes, make_folder, make_thread

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("url", [MESSAGES, THREADS, FOLDERS, LOG])
def test_lists_of_mail_show_nothing_before_a_mailbox_is_chosen(operator: Client, url: str) -> None:
    message = a_message(an_account(), "hello", subject="Hello there")
    make_folder(message.account, "Hello there")
    html = page(operator, url)
    assert "one mailbox at a time" in html
    assert "Hello there" not in html
    assert "no mailbox <strong>nobody@example.test" in page(operator, url, account="nobody@example.test")


@pytest.mark.parametrize("url", [MESSAGES, THREADS, FOLDERS])
def test_a_mailbox_is_chosen_by_address_or_id(operator: Client, url: str) -> None:
    account = an_account()
    a_message(account, subject="Hello there")
    make_folder(account, "Hello there")
    a_message(an_account("eve@example.test"), subject="Not yours")
    for wanted in ("Ann@example.test", str(account.pk)):
        html = page(operator, url, account=wanted)
        assert "Hello there" in html
        assert "Not yours" not in html


def test_an_address_that_two_applications_connected_offers_both(operator: Client) -> None:
    first, second = an_account(), an_account(application="Other")
    html = page(operator, MESSAGES, account="ann@example.test")
    assert f"?account={second.pk}" in html
    assert page_of(first) in html


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("teapot", ["Tea"]), ("from:bob", ["Tea", "Coffee"]), ("tea@header.test", ["Tea"]), ("<tea@header.test>", ["Tea"]),
        ("teapot@home.test", ["Coffee"]), ("nothing", []), ("before:never", []),
    ],
)  # fmt: skip
def test_messages_are_found_by_words_and_message_id(operator: Client, search: str, found: list[str]) -> None:
    account = an_account()
    a_message(account, "A teapot.", subject="Tea", header_id="tea@header.test")
    a_message(account, "Write to teapot@home.test", subject="Coffee")
    Message.objects.filter(subject="Coffee").update(subject="Coffee")
    index_account(account.pk)
    if search == "teapot":
        found = ["Tea", "Coffee"]  # an address is found by its parts
    html = page(operator, MESSAGES, account=account.pk, q=search)
    assert [subject for subject in ("Tea", "Coffee") if f">{subject}</span>" in html] == found
    assert ("before: takes a day" in html) == (search == "before:never")


def test_a_message_is_found_by_its_id_in_any_mailbox(operator: Client) -> None:
    message = a_message(an_account(), subject="Hello there")
    assert "Hello there" in page(operator, MESSAGES, q=str(message.pk))


def test_a_folder_s_messages_are_listed(operator: Client) -> None:
    account = an_account()
    inbox, sent = make_folder(account), make_folder(account, "Sent")
    a_message(account, "", inbox, subject="Received")
    a_message(account, "", sent, subject="Written")
    html = page(operator, MESSAGES, account=account.pk, folder=inbox.pk)
    assert "Received" in html
    assert "Written" not in html


def test_a_message_is_shown_as_text_with_all_its_facts(operator: Client) -> None:
    account = an_account()
    inbox = make_folder(account, "Entwürfe")
    message = a_message(
        account, "<p>Visible <b>text</b></p><script>alert(1)</script><img src=http://spy.test/x>", inbox, html=True,
        subject="<script>alert(2)</script>", problem="The date could not be read.", cc_addresses=[{"name": "", "email": "cc@example.test"}],
        attachments=[{"part": 2, "filename": "<plan>.pdf", "content_type": "application/pdf", "size": 12_345, "is_inline": False}],
    )  # fmt: skip
    message.locations.update(flags=["$Label1", "\\Seen"])
    html = page(operator, reverse("admin:mail_message_change", args=[message.pk]))
    for fact in ("Visible text", "Entwürfe", "$Label1 \\Seen", "The date could not be read.", "Cc: cc@example.test", "&lt;plan&gt;.pdf",
                 "12.3 kB", "X-Number", "1 message"):  # fmt: skip
        assert fact in html, fact
    assert "<script>alert" not in html
    assert "spy.test/x>" not in html.partition('class="sf-text"')[2].partition("</pre>")[0]


def test_the_change_log_is_read_backwards_from_any_entry(operator: Client) -> None:
    account = an_account()
    message = a_message(account)
    log_changes(account, *[("message", message.pk, "updated")] * 4)
    html = page(operator, LOG, account=account.pk)
    assert re.findall(r"field-seq[^>]*>(\d+)<", html) == ["5", "4", "3", "2", "1"]
    assert reverse("admin:mail_message_change", args=[message.pk]) in html
    assert re.findall(r"field-seq[^>]*>(\d+)<", page(operator, LOG, account=account.pk, q="2")) == ["2", "1"]
    entry = LogEntry.objects.filter(seq=5).get()
    assert str(message.pk) in page(operator, reverse("admin:mail_logentry_change", args=[entry.pk]))
    assert operator.get(reverse("admin:mail_logentry_change", args=["nonsense-1"])).status_code == 302


@pytest.mark.parametrize("model", ["account", "message", "thread", "folder", "logentry"])
def test_the_sync_is_the_one_writer(operator: Client, model: str) -> None:
    account = an_account()
    message = a_message(account, "", make_folder(account))
    app, pk = {
        "account": ("accounts", account.pk), "message": ("mail", message.pk), "thread": ("mail", message.thread_id),
        "folder": ("mail", message.folder_ids[0]), "logentry": ("mail", f"{account.pk}-1"),
    }[model]  # fmt: skip
    assert operator.get(reverse(f"admin:{app}_{model}_add")).status_code == 403
    assert operator.post(reverse(f"admin:{app}_{model}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    assert operator.post(reverse(f"admin:{app}_{model}_change", args=[pk]), {}).status_code == 403
    assert page(operator, reverse(f"admin:{app}_{model}_change", args=[pk]))


@pytest.mark.parametrize(("url", "queries"), [(ACCOUNTS, 5), (MESSAGES, 5), (THREADS, 5), (FOLDERS, 5), (LOG, 5)])
def test_a_list_takes_the_same_few_queries_however_long_it_is(
    operator: Client, url: str, queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for owner in ("ann", "bea", "cid"):
        account = an_account(f"{owner}@example.test", f"of {owner}")
        for number in range(5):
            a_message(account, "", make_folder(account, f"folder {number}"))
    with django_assert_num_queries(queries) as captured:
        page(operator, url, **({} if url == ACCOUNTS else {"account": account.pk}))
    sql = " ".join(query["sql"] for query in captured.captured_queries)
    assert "COUNT(*)" not in sql


def test_a_list_has_pages_without_counting(operator: Client) -> None:
    account = an_account()
    thread = make_thread(account)
    for number in range(51):
        a_message(account, f"{number}", subject=f"Number {number:02}", thread=thread)
    first, second = page(operator, MESSAGES, account=account.pk), page(operator, MESSAGES, account=account.pk, p=2)
    assert "Number 50" in first
    assert "Number 00" not in first
    assert "Number 00" in second
    assert "9,999,999,999" not in first
    assert operator.get(MESSAGES, {"account": str(account.pk), "p": "100000"}).status_code == 302


@pytest.mark.parametrize(
    ("url", "index"),
    [(MESSAGES, "message_listing"), (THREADS, "thread_listing"), (LOG, "mail_transaction_pkey")],
)
def test_a_page_is_read_from_an_index_in_its_order(
    operator: Client, url: str, index: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    account = an_account()
    a_message(account)
    with django_assert_max_num_queries(5) as captured:
        page(operator, url, account=account.pk)
    (listing,) = [query["sql"] for query in captured.captured_queries if "LIMIT 50" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + listing)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert index in plan
    assert "Sort" not in plan, plan


def test_a_folders_page_names_the_messages_that_are_missing_and_why(operator: Client) -> None:
    folder = make_folder(an_account())
    for uid in range(1, 23):
        Gap.objects.create(folder=folder, uid=uid, next_try_at=timezone.now(), reason="<b>refused</b>")
    html = operator.get(reverse("admin:mail_folder_change", args=[folder.pk])).content.decode()
    assert "UID 7: &lt;b&gt;refused" in html
    assert "and 2 more" in html
