import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry as AdminHistory
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, AccountState, Watcher
from mail.models import FolderState
from tests.integration.admin.pages import (
    ACCOUNTS,
    live,
    page,
    page_of,
    wish,
)
from tests.integration.admin_rows import an_account
from tests.integration.factories import log_changes, make_folder

pytestmark = pytest.mark.django_db


def test_the_list_says_in_words_what_each_mailbox_is_doing(operator: Client) -> None:
    account = an_account(interval=30)
    make_folder(account, total_count=4000, mirrored_count=1000, state=FolderState.SYNCING)
    make_folder(account, "Sent", total_count=100, mirrored_count=25)
    html = page(operator, ACCOUNTS)
    assert live(html, f"state-{account.pk.hex}") == "Live"
    assert "1,025 / 4,100" in html
    assert "width: 25%" in html
    assert live(html, f"sync-{account.pk.hex}") in {"12 s ago", "13 s ago"}  # a second may have begun
    assert live(html, f"lag-{account.pk.hex}") == "on time"
    assert live(html, f"every-{account.pk.hex}") == "30 s"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": AccountState.CONNECTING}, "Waiting for its first sync"),
        ({"state": AccountState.INITIAL}, "Copying the mailbox"),
        ({"state": AccountState.PAUSED}, "Paused"),
        ({"state": AccountState.INVALID}, "Needs its owner"),
        ({"state": AccountState.ERROR}, "Failing, retried"),
        ({"removed_at": timezone.now()}, "Being removed"),
    ],
)
def test_every_state_has_its_words(operator: Client, fields: dict[str, Any], words: str) -> None:
    account = an_account(**fields)
    assert live(page(operator, ACCOUNTS), f"state-{account.pk.hex}") == words


def test_the_last_error_is_shown_while_it_lasts(operator: Client) -> None:
    broken = an_account("broken@example.test", state=AccountState.ERROR, last_error="imap.example.test refused <us>.")
    mended = an_account("mended@example.test", last_error="An old story.")
    html = page(operator, ACCOUNTS)
    assert live(html, f"error-{broken.pk.hex}") == "imap.example.test refused &lt;us&gt;."
    assert live(html, f"error-{mended.pk.hex}") == "–"


def test_lag_is_how_late_a_due_sync_is(operator: Client) -> None:
    now = timezone.now()
    late = an_account("late@example.test", next_sync_at=now - timedelta(minutes=3))
    busy = an_account(
        "busy@example.test", next_sync_at=now - timedelta(minutes=3), lease_expires_at=now + timedelta(minutes=1)
    )
    paused = an_account("paused@example.test", state=AccountState.PAUSED, next_sync_at=None)
    html = page(operator, ACCOUNTS)
    assert [live(html, f"lag-{a.pk.hex}") for a in (late, busy, paused)] == ["3 min late", "syncing now", "–"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "AN"}, ["ann@example.test"]),
        ({"q": "example.test"}, []),
        ({"state": "error"}, ["bea@example.test"]),
        ({"state": "removed"}, ["cid@example.test"]),
        ({"provider": "google"}, ["bea@example.test"]),
        ({}, ["ann@example.test", "bea@example.test", "cid@example.test"]),
    ],
)
def test_accounts_are_found_by_prefix_state_and_provider(
    operator: Client, query: dict[str, str], found: list[str]
) -> None:
    an_account("ann@example.test")
    an_account("bea@example.test", state=AccountState.ERROR, provider="google")
    an_account("cid@example.test", removed_at=timezone.now())
    assert sorted(set(re.findall(r">\s*(\w+@example\.test)</span></a>", page(operator, ACCOUNTS, **query)))) == found


def test_accounts_are_found_by_application_and_id(operator: Client) -> None:
    ann, bob = an_account("ann@example.test"), an_account("bob@example.test", "Other")
    assert "ann@example.test" not in page(operator, ACCOUNTS, application__id__exact=bob.application_id)
    assert "bob@example.test" not in page(operator, ACCOUNTS, q=str(ann.pk))


def test_sync_now_makes_the_account_due(operator: Client) -> None:
    account = an_account()
    html = wish(operator, "sync_now", account, **{"return": "1"}).content.decode()
    account.refresh_from_db()
    assert account.next_sync_at is not None
    assert account.next_sync_at <= timezone.now()
    assert "ann@example.test: will sync now." in html
    assert AdminHistory.objects.get().object_id == str(account.pk)


def test_pause_and_resume(operator: Client) -> None:
    account = an_account()
    wish(operator, "pause", account)
    account.refresh_from_db()
    assert account.state == AccountState.PAUSED
    assert "nothing to do" in wish(operator, "sync_now", account).content.decode()
    wish(operator, "resume", account)
    account.refresh_from_db()
    assert account.state == AccountState.CONNECTING


def test_remove_asks_first(operator: Client) -> None:
    account, other = an_account(), an_account("other@example.test")
    html = wish(operator, "remove", account).content.decode()
    assert "This cannot be undone" in html
    assert "ann@example.test" in html
    assert Account.objects.present().count() == 2
    wish(operator, "remove", account, confirmed="1")
    assert list(Account.objects.present()) == [other]


def test_wishes_need_the_permission_to_change_accounts(client: Client) -> None:
    account = an_account()
    looker = User.objects.create_user("looker", password="x", is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(looker)
    assert "Live" in page(client, page_of(account))
    wish(client, "pause", account)
    account.refresh_from_db()
    assert account.state == AccountState.LIVE


def test_a_wish_is_never_a_get(operator: Client) -> None:
    account = an_account()
    operator.get(ACCOUNTS, {"action": "pause", "_selected_action": str(account.pk), "index": "0"}, follow=True)
    account.refresh_from_db()
    assert account.state == AccountState.LIVE


def test_the_account_s_page_tells_its_whole_state(operator: Client) -> None:
    account = an_account(
        state=AccountState.ERROR, last_error="No route to host.", failures=3, capabilities=["IDLE", "QRESYNC"]
    )
    make_folder(account, total_count=10, mirrored_count=4, state=FolderState.ERROR, error="Permission denied.")
    log_changes(account, ("grant", account.pk, "updated"))
    html = page(operator, page_of(account))
    for fact in ("No route to host.", "Permission denied.", "4 / 10", "1 folder refused", "imap_host: imap.example.test", "IDLE QRESYNC",
                 "1 entries behind", f"?account={account.pk}"):  # fmt: skip
        assert fact in html, fact


def test_the_account_s_page_tells_how_changes_are_heard_of(operator: Client) -> None:
    watcher = Watcher.objects.create(expires_at=timezone.now() + timedelta(seconds=10))
    since = timezone.now() - timedelta(minutes=5, seconds=5)
    account = an_account(watcher=watcher.pk, watch_mode="notify", live_since=since)
    assert "all folders, for 5 min" in page(operator, page_of(account))
    Account.objects.update(watch_mode="polling", live_since=None, watch_note="It offers neither NOTIFY nor IDLE.")
    assert "no. It offers neither NOTIFY nor IDLE." in page(operator, page_of(account))


def test_no_page_shows_credentials(operator: Client) -> None:
    account = an_account(
        settings={"imap_host": "imap.example.test", "imap_password": "hunter2", "oauth_token": "hunter2"}
    )
    Account.objects.update(credentials=b"sealed-hunter2")
    for url in (
        ACCOUNTS,
        page_of(account),
        reverse("admin:accounts_account_history", args=[account.pk]),
        reverse("admin:index"),
    ):
        html = page(operator, url)
        assert "hunter2" not in html
        assert "redentials" not in html
    operator.post(page_of(account), {"credentials": "x", "email": "eve@example.test"})
    account.refresh_from_db()
    assert (bytes(account.credentials), account.email) == (b"sealed-hunter2", "ann@example.test")
