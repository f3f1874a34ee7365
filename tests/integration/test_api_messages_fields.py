"""What is told of a message: `fields` and `select`."""

import base64

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get
from tests.integration.factories import make_message

pytestmark = pytest.mark.django_db

MAIL = (
    b"Received: from a by b\r\nMessage-ID: <m@example.test>\r\nIn-Reply-To: <p@example.test>\r\n"
    b"References: <o@example.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHi\xff\r\n"
)


def test_the_raw_mail_is_given_byte_for_byte_and_nothing_else(api: Client, account: Account) -> None:
    row = make_message(account, mail=MAIL)
    for data in (
        get(api, account, f"/messages/{row.pk}?fields=raw_mime")["data"],
        get(api, account, "/messages?fields=raw_mime")["data"][0],
    ):
        assert set(data) == {"grant_id", "id", "object", "raw_mime"}
        assert base64.urlsafe_b64decode(data["raw_mime"]) == MAIL


def test_headers_are_given_decoded_and_in_order(api: Client, account: Account) -> None:
    row = make_message(account, mail=MAIL)
    full = get(api, account, f"/messages/{row.pk}?fields=include_headers")["data"]
    assert [each["name"] for each in full["headers"]] == [
        "Received",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Subject",
    ]
    assert full["headers"][-1]["value"] == "Grüße"
    basic = get(api, account, f"/messages/{row.pk}?fields=include_basic_headers")["data"]
    assert [each["name"] for each in basic["headers"]] == ["Message-ID", "In-Reply-To", "References"]
    assert "body" in basic


def test_headers_are_given_only_when_asked_for(api: Client, account: Account) -> None:
    data = get(api, account, f"/messages/{make_message(account).pk}")["data"]
    assert data.keys().isdisjoint({"headers", "raw_mime", "tracking_options"})


def test_tracking_options_say_that_nothing_is_tracked(api: Client, account: Account) -> None:
    row = make_message(account)
    data = get(api, account, f"/messages/{row.pk}?fields=include_tracking_options")["data"]
    assert data["tracking_options"]["opens"] is False


def test_select_picks_fields_and_keeps_those_that_the_sdks_need(api: Client, account: Account) -> None:
    row = make_message(account)
    assert set(get(api, account, f"/messages/{row.pk}?select=id,subject,nothing")["data"]) == {
        "id",
        "subject",
        "grant_id",
    }
    assert set(get(api, account, "/messages?select=id&select=from")["data"][0]) == {"id", "from", "grant_id"}


def test_bodies_that_are_not_selected_are_not_read(api: Client, account: Account) -> None:
    make_message(account)
    with CaptureQueriesContext(connection) as queries:
        get(api, account, "/messages?select=id,subject")
    assert not any("mail_frame" in query["sql"] for query in queries)
