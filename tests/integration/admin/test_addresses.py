"""What somebody types into the address bar: an answer, never a failure, never more than the pages show."""

import pytest
from django.test import Client

from accounts.models import AccountState
from tests.integration.admin.pages import ACCOUNTS, FOLDERS, LOG, MESSAGES, THREADS, page
from tests.integration.admin_rows import an_account

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("url", [ACCOUNTS, MESSAGES, THREADS, FOLDERS, LOG])
@pytest.mark.parametrize("query", ["account=%00", "account=x", "q=%00", "p=x", "o=x", "folder=%00"])
def test_no_address_of_a_list_fails(operator: Client, url: str, query: str) -> None:
    an_account()
    operator.raise_request_exception = False
    assert operator.get(f"{url}?{query}").status_code in (200, 302, 400)


@pytest.mark.parametrize("query", ["provider=%00", "provider=x", "state=%00", "state=x", "state=live%00"])
def test_a_choice_that_is_not_offered_finds_nothing(operator: Client, query: str) -> None:
    account = an_account()
    assert account.email not in page(operator, f"{ACCOUNTS}?{query}")


@pytest.mark.parametrize(
    "lookup",
    [
        *("credentials__gt=x", "credentials__startswith=gAAA", "credentials=x", "settings__has_key=imap_host"),
        *("email=%00", "email__regex=(a", "application__name__gt=%00", "api_keys__digest__gt=x"),
    ],
)
def test_no_column_can_be_asked_but_by_the_filters(operator: Client, lookup: str) -> None:
    an_account()
    assert operator.get(f"{ACCOUNTS}?{lookup}").status_code == 400


def test_the_filters_that_are_offered_find(operator: Client) -> None:
    live, paused = an_account("a@example.test"), an_account("b@example.test", "Other", state=AccountState.PAUSED)
    for query in (f"application__id__exact={live.application_id}", f"state={live.state}"):
        found = page(operator, f"{ACCOUNTS}?{query}")
        assert (live.email in found, paused.email in found) == (True, False), query
    assert live.email in page(operator, f"{ACCOUNTS}?provider={live.provider}&_popup=1&_to_field=id")
    assert operator.get(f"{ACCOUNTS}?application__id__exact=%00").status_code == 302
