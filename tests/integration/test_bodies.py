"""Bodies: made behind the sync, there before that, and gone with their message."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from mail import bodies, raw, search
from mail.models import Body, Message
from tests.integration.factories import log_changes, make_account, make_folder, make_message
from tests.integration.raw_stores import damage, make_batch

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = b"Subject: text\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\naus Bern\r\n"
HTML = b"Subject: html\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Gr\xc3\xbc\xc3\x9fe</p>"
NOTHING = b"Subject: nothing\r\n\r\n"


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def messages(account: Account) -> list[Message]:
    """As a sync leaves them: no body is made."""
    folder = make_folder(account)
    made = [make_message(account, folder, mail=mail) for mail in (TEXT, HTML, NOTHING)]
    Body.objects.all().delete()
    return made


def test_a_body_is_shown_before_it_is_made(messages: list[Message]) -> None:
    text, html, nothing = messages
    assert bodies.shown(messages) == {
        text.pk: bodies.Body("Grüße\naus Bern\n", is_html=False),
        html.pk: bodies.Body("<p>Grüße</p>", is_html=True),
        nothing.pk: bodies.EMPTY,
    }
    assert not Body.objects.exists(), "a reader writes nothing"


def test_the_index_makes_bodies_and_they_are_shown_without_the_raw_mail(
    account: Account, messages: list[Message]
) -> None:
    before = bodies.shown(messages)
    log_changes(account, *(("message", message.pk, "created") for message in messages))
    search.index_account(account.pk)
    with CaptureQueriesContext(connection) as statements:
        assert bodies.shown(messages) == before
    assert len(statements) == 1
    assert Body.objects.count() == 3


def test_a_body_that_cannot_be_read_is_made_again(messages: list[Message]) -> None:
    before = bodies.settle(messages)
    Body.objects.filter(pk=messages[0].pk).update(content=b"damaged")
    assert bodies.shown(messages) == before


def test_a_body_that_was_kept_as_plain_text_is_shown_as_well(messages: list[Message]) -> None:
    ids = [message.pk for message in messages]
    assert bodies.shown_as_json(ids)[ids[0]] == '"Grüße\\naus Bern\\n"'.encode(), "it is not kept yet"
    before = bodies.settle(messages), bodies.shown_as_json(ids)
    assert before[1][messages[0].pk] == '"Grüße\\naus Bern\\n"'.encode()
    for message, body in before[0].items():
        kept = raw.compress(body.text.encode()) if body.text else b""
        Body.objects.filter(pk=message).update(content=kept, is_json=False)
    assert (bodies.shown(messages), bodies.shown_as_json(ids)) == before


def test_a_body_outlives_its_raw_message(account: Account) -> None:
    kept, lost = make_batch(account, make_folder(account), 2, octets=200_000)
    Body.objects.filter(pk=lost.pk).delete()
    for message in (kept, lost):
        damage(message, "")
    found = bodies.shown([kept, lost])
    assert found.keys() == {kept.pk}


def test_bodies_are_made_of_few_messages_at_a_time(messages: list[Message]) -> None:
    messages[1].size = 100_000_000
    assert [[message.pk for message in group] for group in bodies.groups(messages)] == [
        [message.pk] for message in messages
    ]


def test_a_body_of_megabytes_comes_back_whole(account: Account) -> None:
    long = "zeile ü\n" * 1_000_000
    message = make_message(account, mail=TEXT.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + long.encode())
    Body.objects.all().delete()
    assert bodies.settle([message]) == bodies.shown([message]) == {message.pk: bodies.Body(long, is_html=False)}


def test_a_message_that_went_meanwhile_gets_no_body(messages: list[Message]) -> None:
    made = bodies.make(messages)
    with transaction.atomic(), connection.cursor() as cursor:
        raw.waste(cursor.cursor, [messages[0].pk])
        messages[0].delete()
    bodies.keep(made)
    assert Body.objects.count() == 2
