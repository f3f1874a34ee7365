"""A grant and a client that asks for it. A plugin for a test module, and what asks."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from tests.integration.factories import make_account, make_key

__all__ = ["account", "api"]


@pytest.fixture
def account() -> Account:
    """The grant."""
    return make_account(email="me@example.test")


@pytest.fixture
def api(account: Account) -> Client:
    """A client with a key of the grant's application."""
    return Client(headers={"authorization": f"Bearer {make_key(account.application)[1]}"})


def get(api: Client, account: Account, path: str) -> Any:
    """The answer's JSON. `path`: below the grant's."""
    answer = api.get(f"/v3/grants/{account.pk}{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def subjects(api: Client, account: Account, path: str) -> list[str]:
    """Of what is listed there."""
    return [each["subject"] for each in get(api, account, path)["data"]]
