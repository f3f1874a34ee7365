"""An operator at a real browser."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect, sync_playwright

from accounts.models import Account, AccountState
from mail.models import Folder, FolderState
from tests.integration.admin_rows import a_message, an_account
from tests.integration.factories import make_folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run"]  # fmt: skip

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="needs the package chromium, which is not installed"),
]
Browse = Callable[[Callable[[Page], Any]], Any]


@pytest.fixture
def browse(live_server: Any, tmp_path: Path) -> Browse:
    """Runs a function with a page of a browser that an operator is logged in with, and returns what it returns.

    In a thread of its own: Playwright keeps an event loop in its thread, where Django refuses to talk to the database.
    """
    User.objects.create_superuser("operator", password="correct horse battery")

    def in_a_browser(steps: Callable[[Page], Any]) -> Any:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            try:
                page = browser.new_page(base_url=live_server.url, viewport={"width": 1400, "height": 900})
                errors: list[str] = []
                page.on("pageerror", lambda error: errors.append(str(error)))
                _log_in(page)
                found = steps(page)
                assert not errors
                return found
            finally:
                browser.close()

    def in_its_own_thread(steps: Callable[[Page], Any]) -> Any:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(in_a_browser, steps).result()

    return in_its_own_thread


def _log_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="Overview")).to_be_visible()


def in_the_database(change: Callable[[], Any]) -> Any:
    """Change rows while a browser is open: its thread has an event loop, so a third thread does it."""
    from django.db import connection  # noqa: PLC0415 -- the thread's own

    def change_and_close() -> Any:
        try:
            return change()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(change_and_close).result()


def test_an_operator_looks_at_an_account_and_syncs_it_now(browse: Browse) -> None:
    account = an_account(state=AccountState.ERROR, last_error="The server cannot be reached.", failures=2)

    def steps(page: Page) -> None:
        page.get_by_role("link", name="Accounts").first.click()
        row = page.locator("tr", has_text="ann@example.test")
        expect(row).to_contain_text("Failing, retried")
        expect(row).to_contain_text("The server cannot be reached.")
        row.get_by_role("link").first.click()
        page.get_by_role("button", name="Sync now").click()
        expect(page.get_by_text("ann@example.test: will sync now.")).to_be_visible()

    browse(steps)
    account.refresh_from_db()
    assert account.next_sync_at is not None
    assert account.next_sync_at <= timezone.now()


def test_the_pages_follow_a_running_sync_by_themselves(browse: Browse) -> None:
    account = an_account(state=AccountState.INITIAL)
    make_folder(account, total_count=4_000, mirrored_count=1_000, state=FolderState.SYNCING)

    def sync_goes_on() -> None:
        Folder.objects.update(mirrored_count=4_000, state=FolderState.LIVE)
        Account.objects.update(state=AccountState.LIVE)

    def steps(page: Page) -> None:
        page.goto("/admin/accounts/account/")
        row = page.locator("tr", has_text="ann@example.test")
        box = row.get_by_role("checkbox")
        box.check()
        expect(row).to_contain_text("Copying the mailbox")
        expect(row).to_contain_text("1,000 / 4,000")
        in_the_database(sync_goes_on)
        expect(row).to_contain_text("4,000 / 4,000", timeout=15_000)
        expect(row).to_contain_text("Live")
        expect(box).to_be_checked()

    browse(steps)


def test_a_mail_s_html_runs_nowhere(browse: Browse) -> None:
    html = "<p>Harmless</p><script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
    message = a_message(an_account(), html, html=True, subject="<img src=x onerror=\"document.title = 'owned'\">")

    def steps(page: Page) -> None:
        page.goto(f"/admin/mail/message/{message.pk}/change/")
        expect(page.locator("pre")).to_contain_text("Harmless")
        assert page.title() != "owned"

    browse(steps)


@pytest.mark.parametrize("width", [1400, 420])
def test_no_page_is_wider_than_the_screen(browse: Browse, width: int) -> None:
    account = an_account("a.very.long.address.of.somebody@a.very.long.domain.of.some.company.example.test")
    folder = make_folder(account, "A/very/long/path/" * 10, error="A long story. " * 30, state=FolderState.ERROR)
    message = a_message(account, "word" * 500, folder, subject="Long " * 200, problem="A long story. " * 30)
    paths = [
        "", f"accounts/account/{account.pk}/change/", f"mail/message/{message.pk}/change/", f"mail/folder/{folder.pk}/change/",
        "accounts/account/", *(f"mail/{name}/?account={account.pk}" for name in ("folder", "message", "thread", "logentry")),
    ]  # fmt: skip

    def steps(page: Page) -> list[str]:
        page.set_viewport_size({"width": width, "height": 900})
        return [path for path in paths if _is_too_wide(page, path)]

    assert browse(steps) == []


def _is_too_wide(page: Page, path: str) -> bool:
    page.goto(f"/admin/{path}")
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
