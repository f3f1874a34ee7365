"""Metadata: pairs of words that applications keep with messages."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from rest_framework import serializers

from accounts.models import Account
from api import filters, updates
from api.errors import NotFound
from api.listing import Steps
from api.metadata import MetadataField
from mail.metadata import set_metadata
from mail.models import Message, Transaction
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get, subjects
from tests.integration.factories import START, make_account, make_message, make_thread

pytestmark = pytest.mark.django_db


class Form(serializers.Serializer[None]):
    metadata = MetadataField()


def read(pairs: Any) -> Any:
    form = Form(data={"metadata": pairs})
    form.is_valid(raise_exception=True)
    return form.validated_data["metadata"]


def test_a_message_shows_its_pairs_wherever_it_is_shown(api: Client, account: Account) -> None:
    row = make_message(account)
    assert get(api, account, f"/messages/{row.pk}")["data"]["metadata"] == {}
    assert set_metadata(account.pk, row.pk, {"deal": "42", "näme": "a:b"})
    for path in (f"/messages/{row.pk}", "/messages", "/threads"):
        data = get(api, account, path)["data"]
        shown = data if isinstance(data, dict) else data[0].get("latest_draft_or_message", data[0])
        assert shown["metadata"] == {"deal": "42", "näme": "a:b"}


def test_new_pairs_replace_the_old_ones(account: Account) -> None:
    row = make_message(account)
    for pairs, kept in (({"a": "1", "b": "2"}, {"a": "1", "b": "2"}), ({"b": "3"}, {"b": "3"}), ({}, None)):
        assert set_metadata(account.pk, row.pk, pairs)
        row.refresh_from_db()
        assert row.metadata == kept
    assert not set_metadata(account.pk, row.pk, None)


def test_the_log_tells_of_the_message_and_its_thread_once(api: Client, account: Account) -> None:
    row = make_message(account)
    for _ in range(2):
        set_metadata(account.pk, row.pk, {"deal": "42"})
    entries = Transaction.objects.filter(account_id=account.pk).values_list("object_type", "object_id", "kind")
    assert [*entries] == [("message", row.pk, "updated"), ("thread", row.thread_id, "updated")]
    (told, _thread) = get(api, account, "/delta?cursor=0")["data"]
    assert told["object"]["metadata"] == {"deal": "42"}


def test_another_grants_message_and_one_that_is_gone_stay_as_they_are(account: Account) -> None:
    row = make_message(make_account())
    assert not set_metadata(account.pk, row.pk, {"deal": "42"})
    assert not set_metadata(account.pk, account.pk, {"deal": "42"})
    row.refresh_from_db()
    assert row.metadata is None


@pytest.mark.parametrize("steps", [1, 4_000])
def test_a_pair_finds_messages_and_threads(
    api: Client, account: Account, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "_MESSAGES", Steps(steps, steps))
    monkeypatch.setattr(filters, "_THREADS", Steps(steps, steps))
    for number, pairs in enumerate(({"deal": "42", "x": "y"}, {"deal": "4"}, {"deal": "42:1"}, None)):
        at = START + timedelta(hours=number)
        row = make_message(
            account, thread=make_thread(account, subject=str(number)), subject=str(number), at=at, unread=True
        )
        set_metadata(account.pk, row.pk, pairs)
    for query, found in (("deal:42", ["0"]), ("deal:4", ["1"]), ("deal:42:1", ["2"]), ("x:y", ["0"]), ("x:", [])):
        for path in ("/messages", "/threads"):
            assert subjects(api, account, f"{path}?metadata_pair={quote(query)}") == found, query
    assert subjects(api, account, "/messages?metadata_pair=deal:42&unread=true") == ["0"]
    assert subjects(api, account, "/messages?metadata_pair=deal:42&unread=false") == []


@pytest.mark.parametrize("pair", ["deal", ":42", "k" * 41 + ":v", "k:" + "v" * 501, "a:b&metadata_pair=c:d", "%00:a"])
def test_a_pair_that_is_none_is_refused(api: Client, account: Account, pair: str) -> None:
    for path in ("messages", "threads"):
        answer = api.get(f"/v3/grants/{account.pk}/{path}?metadata_pair={pair}")
        assert (answer.status_code, "'metadata_pair' must" in answer.json()["error"]["message"]) == (400, True)


@pytest.mark.parametrize("pairs", [{}, None, {"k" * 40: "v" * 500}, {str(n): "" for n in range(50)}, {" ": " v\n"}])
def test_what_the_contract_allows_is_read_as_it_is(pairs: Any) -> None:
    assert read(pairs) == pairs


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ({str(n): "" for n in range(51)}, "At most 50 pairs, not 51."),
        ({"k" * 41: "v"}, "must have 1 to 40 characters"),
        ({"": "v"}, "must have 1 to 40 characters"),
        ({"k": "v" * 501}, "no more than 500 characters"),
        ({"k": 5}, "Not a valid string."),
        ({"k": None}, "may not be null"),
        ({"k": {"nested": "v"}}, "Not a valid string."),
        ([["k", "v"]], "Expected a dictionary"),
        ("k:v", "Expected a dictionary"),
        ({"k": "a\0b"}, "Null characters are not allowed."),
        ({"a\0b": "v"}, "Null characters are not allowed."),
        ({"k": "\ud800"}, "Surrogate characters are not allowed"),
        ({"\ud800": "v"}, "Surrogate characters are not allowed"),
    ],
)
def test_what_it_does_not_is_refused_with_words(pairs: Any, words: str) -> None:
    with pytest.raises(serializers.ValidationError, match=words):
        read(pairs)


def test_a_grant_that_is_removed_meanwhile_is_not_found(account: Account) -> None:
    row = make_message(account)
    updates.apply(account, [row.pk], {"metadata": {"k": "v"}})
    assert Message.objects.get().metadata == {"k": "v"}
    Account.objects.update(removed_at=START)
    with pytest.raises(NotFound):
        updates.apply(account, [row.pk], {"metadata": {}})
