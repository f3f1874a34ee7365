"""Outgoing mail, as operators see it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account
from mail import sending
from mail.models import Outgoing, OutgoingState
from mail.sending import Mail
from tests.integration.admin.pages import live, page
from tests.integration.factories import make_account

pytestmark = pytest.mark.django_db
OUTGOING = reverse("admin:mail_outgoing_changelist")


@pytest.fixture
def account() -> Account:
    account = make_account(email="ann@example.test")
    for subject in ("<b>Lost</b>", "Waiting"):
        mail = Mail(b"From: a@b.test\r\n\r\nsecret words", "x@b.test", subject, "a@b.test", ("c@d.test", "e@f.test"))
        sending.queue(account.pk, mail)
    return account


def test_what_may_have_been_sent_is_told_with_its_reason(operator: Client, account: Account) -> None:
    refused = [{"address": "e@f.test", "code": "550", "message": "no <such> user"}]
    Outgoing.objects.filter(subject="<b>Lost</b>").update(
        state=OutgoingState.UNCERTAIN, error=sending.UNCERTAIN, refused=refused
    )
    html = page(operator, OUTGOING, account=account.pk)
    assert "&lt;b&gt;Lost" in html
    row = Outgoing.objects.get(state=OutgoingState.UNCERTAIN)
    assert live(html, f"state {row.pk}") == "Perhaps sent"
    assert "may have been sent" in live(html, f"reason {row.pk}")
    details = page(operator, reverse("admin:mail_outgoing_change", args=[row.pk]))
    assert "e@f.test: 550 no &lt;such&gt; user" in details
    assert "secret words" not in html + details


def test_a_list_costs_as_many_queries_for_many_as_for_few(operator: Client, account: Account) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(operator, OUTGOING, account=account.pk)
        return len(queries)

    few = cost()
    for number in range(20):
        sending.queue(account.pk, Mail(b"x", f"{number}@x", str(number), "a@b.test", ("c@d.test",)))
    assert cost() == few
