import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import keys
from accounts.models import AccountState, ApiKey
from tests.integration.admin.pages import (
    ACCOUNTS,
    MESSAGES,
    page,
    page_of,
)
from tests.integration.admin_rows import an_account

pytestmark = pytest.mark.django_db


def test_a_new_key_s_secret_is_shown_once(operator: Client) -> None:
    account = an_account()
    data = {"application": account.application_id, "name": "Shop"}
    response = operator.post(reverse("admin:accounts_apikey_add"), data)
    match = re.search(r'id="secret">([^<]+)<', response.content.decode())
    assert match
    assert "no-store" in response["Cache-Control"]
    key = keys.authenticate(match[1])
    assert key == ApiKey.objects.get()
    for url in (
        reverse("admin:accounts_apikey_changelist"),
        reverse("admin:accounts_apikey_change", args=[key.pk]),
        reverse("admin:index"),
    ):
        assert match[1] not in page(operator, url)
    assert f"{key.prefix}…" in page(operator, reverse("admin:accounts_apikey_changelist"))


def test_a_grant_s_token_stays_within_its_application(operator: Client) -> None:
    account, other = an_account(), an_account(application="Other")
    data = {"application": account.application_id, "name": "Shop", "account": other.pk}
    assert "another application" in operator.post(reverse("admin:accounts_apikey_add"), data).content.decode()
    assert not ApiKey.objects.exists()


def test_a_revoked_key_opens_nothing(operator: Client) -> None:
    key, secret = keys.create(an_account().application, "Shop")
    data = {"action": "revoke", "_selected_action": [key.pk], "index": "0"}
    assert (
        "1 revoked." in operator.post(reverse("admin:accounts_apikey_changelist"), data, follow=True).content.decode()
    )
    assert keys.authenticate(secret) is None


def test_an_application_with_mailboxes_cannot_be_deleted(operator: Client) -> None:
    account = an_account()
    url = reverse("admin:accounts_application_delete", args=[account.application_id])
    assert operator.post(url, {"post": "yes"}).status_code == 403


def test_the_dashboard_says_how_the_farm_is(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    an_account("a@example.test", last_sync_at=now - timedelta(minutes=7), log_seq=1_500)
    an_account("b@example.test", next_sync_at=now - timedelta(minutes=4))
    an_account(
        "c@example.test",
        state=AccountState.ERROR,
        last_error="Name not found.",
        last_error_at=now - timedelta(minutes=5),
    )
    an_account("d@example.test", removed_at=now, last_error="Gone.", last_error_at=now)
    with django_assert_num_queries(4):
        html = page(operator, reverse("admin:index"))
    for fact in ("Name not found.", "waits for 4 min", "7 min ago", "1,500 log entries", "Failing, retried"):
        assert fact in html, fact
    assert "Gone." not in html


@pytest.mark.parametrize("name", [
    "auth_user", "auth_group", "accounts_application", "accounts_apikey", "django_celery_beat_periodictask",
    "django_celery_beat_intervalschedule", "django_celery_beat_crontabschedule",
])  # fmt: skip
def test_the_other_pages_open(operator: Client, name: str) -> None:
    assert page(operator, reverse(f"admin:{name}_changelist"))
    assert page(operator, reverse(f"admin:{name}_add"))


def test_nobody_but_staff_sees_anything(client: Client) -> None:
    account = an_account()
    client.force_login(User.objects.create_user("customer", password="x"))
    for url in (ACCOUNTS, MESSAGES, page_of(account), reverse("admin:index")):
        assert client.get(url).status_code == 302
