"""What the tests of the admin's pages share."""

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import Account

ACCOUNTS = reverse("admin:accounts_account_changelist")
MESSAGES = reverse("admin:mail_message_changelist")
THREADS = reverse("admin:mail_thread_changelist")
FOLDERS = reverse("admin:mail_folder_changelist")
ACTIONS = reverse("admin:mail_action_changelist")
LOG = reverse("admin:mail_logentry_changelist")


def page(client: Client, url: str, **query: Any) -> str:
    response = client.get(url, query)
    assert response.status_code == 200, response
    return response.content.decode()


def live(html: str, key: str) -> str:
    """The text of a part that refreshes itself."""
    match = re.search(rf'data-live="{key}">(.*?)</(?:span|td|dl|div)>', html, re.DOTALL)
    assert match, key
    return " ".join(re.sub(r"<[^>]+>", " ", match[1]).split())


def page_of(account: Account) -> str:
    return reverse("admin:accounts_account_change", args=[account.pk])


def wish(client: Client, action: str, *accounts: Account, **more: str) -> Any:
    data = {"action": action, "_selected_action": [str(account.pk) for account in accounts], "index": "0", **more}
    return client.post(ACCOUNTS, data, follow=True)
