"""PUT messages/clean: messages and what is new in them."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.factories import make_account, make_message, unknown_id

pytestmark = pytest.mark.django_db

HTML = '<p>Yes, <a href="https://x.test/">at ten</a>.</p><blockquote type="cite">Shall we?</blockquote><p>Best regards,</p><p>Bob</p>'


def clean(api: Client, account: Account, status: int = 200, query: str = "", **body: Any) -> Any:
    path = f"/v3/grants/{account.pk}/messages/clean{query}"
    answer = api.put(path, body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()["data"] if status == 200 else answer.json()["error"]["message"]


def test_messages_come_in_the_order_asked_for_whole_and_cleaned(api: Client, account: Account) -> None:
    html = make_message(account, body=HTML)
    text = make_message(account, body="No.\n\nOn Monday at 10:00, Bob wrote:\n> Tea?\n", html=False, header_id="a/b@c")
    first, second = clean(api, account, message_id=["<a/b@c>", str(html.pk), str(text.pk)])
    assert (first["id"], first["object"], first["conversation"]) == (str(text.pk), "message", "No.")
    assert (second["subject"], second["body"]) == (html.subject, HTML), "the body stays as it is"
    assert second["conversation"] == "<p>Yes, at ten.</p>"


def test_what_is_wished_is_done(api: Client, account: Account) -> None:
    row = make_message(account, body=HTML)
    wishes: dict[str, Any] = {"ignore_links": False, "html_as_markdown": True, "remove_conclusion_phrases": False}
    (data,) = clean(api, account, message_id=[str(row.pk)], **wishes)
    assert data["conversation"] == "Yes, [at ten](https://x.test/).\n\nBest regards,\n\nBob"


def test_fields_are_selected(api: Client, account: Account) -> None:
    row = make_message(account, body=HTML)
    (data,) = clean(api, account, query="?select=id,conversation", message_id=[str(row.pk)])
    assert data == {"grant_id": str(account.pk), "id": str(row.pk), "conversation": "<p>Yes, at ten.</p>"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "message_id: This field is required."),
        ({"message_id": []}, "message_id: Ensure this field has at least 1 elements."),
        ({"message_id": "x"}, 'message_id: Expected a list of items but got type "str".'),
        ({"message_id": ["x"] * 21}, "message_id: Ensure this field has no more than 20 elements."),
        ({"message_id": ["x"], "ignore_link": True}, "Unknown field 'ignore_link'. Allowed here: html_as_markdown, "),
        ({"message_id": ["x"], "ignore_links": "perhaps"}, "ignore_links: Must be a valid boolean."),
    ],
)
def test_a_wrong_request_is_named(api: Client, account: Account, body: dict[str, Any], words: str) -> None:
    assert clean(api, account, 400, **body).startswith(words)


def test_a_message_that_is_not_the_grants_is_not_found(api: Client, account: Account) -> None:
    row, theirs = make_message(account), make_message(make_account())
    for other in (str(theirs.pk), unknown_id(), "nonsense@x"):
        assert clean(api, account, 404, message_id=[str(row.pk), other]) == f"The message '{other}' is not found."
