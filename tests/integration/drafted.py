"""What tests of drafts share: the API, and what another client finds."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from tests.integration.factories import make_key
from tests.integration.mirroring import mirror_state, server_state
from tests.integration.outbound import *  # noqa: F403 -- fixtures
from tests.integration.outbound import in_folder
from tests.mailboxes import Mailbox

__all__ = ["api"]


@pytest.fixture
def api(account: Account) -> Client:
    return Client(headers={"authorization": f"Bearer {make_key(account.application)[1]}"})


def call(api: Client, account: Account, method: str, path: str, status: int = 200, **body: Any) -> Any:
    sent = {"data": body, "content_type": "application/json"} if method in {"post", "put"} else {}
    answer = getattr(api, method)(f"/v3/grants/{account.pk}{path}", **sent)
    assert answer.status_code == status, answer.content
    return answer.json().get("data")


def subjects(mailbox: Mailbox) -> list[str]:
    return [str(each["Subject"]) for each in in_folder(mailbox, "Drafts")]


def agrees(account: Account, mailbox: Mailbox) -> bool:
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
    return True
