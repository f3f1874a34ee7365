"""A message that kills whoever makes its body is passed; the index of its account goes on."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from mail import bodies, mime, raw, search
from mail.models import Body, Message, SearchDocument, Transaction
from mail.types import Octets, StoreUnavailable
from tests.integration.admin_rows import a_message, an_account
from tests.integration.factories import make_key

pytestmark = pytest.mark.django_db(transaction=True)


class Died(BaseException):
    """Stands for a process that is gone: nothing of what follows in it is run."""


@pytest.fixture
def account() -> Account:
    """Eight messages of which nothing is made; two kill."""
    account = an_account()
    for number in range(8):
        a_message(account, "DEADLY" if number in {2, 5} else f"word{number}", subject=f"Mail {number}")
    Body.objects.all().delete()
    return account


@pytest.fixture
def _deadly(monkeypatch: pytest.MonkeyPatch) -> None:
    make = mime.body

    def body(mail: Octets) -> tuple[str, str]:
        if b"DEADLY" in bytes(mail):
            raise Died
        return make(mail)

    monkeypatch.setattr(mime, "body", body)


def lives(account: Account) -> bool:
    """One round of a new process; whether it lived."""
    try:
        search.index_account(account.pk)
    except Died:
        return False
    return True


def much_later() -> None:
    Account.objects.update(search_tried_at=F("search_tried_at") - timedelta(hours=1))


def rounds(account: Account, most: int) -> list[bool]:
    """Rounds, an hour apart, until the index is done, whether each lived."""
    lived: list[bool] = []
    while search.lag(account.pk) and len(lived) < most:
        lived.append(lives(account))
        much_later()
    return lived


def found(account: Account, words: str) -> list[str]:
    rows = Message.objects.filter(search.matching(account.pk, words)).order_by("received_at")
    return list(rows.values_list("subject", flat=True))


@pytest.mark.usefixtures("_deadly")
def test_messages_that_kill_are_passed_after_two_deaths_and_one_alone(account: Account) -> None:
    assert rounds(account, 20) == [False, False, False, False, True, True]
    assert SearchDocument.objects.count() == Body.objects.count() == 8
    assert [found(account, f"word{number}") for number in (0, 7)] == [["Mail 0"], ["Mail 7"]]
    assert Account.objects.get().search_tries == 0


@pytest.mark.usefixtures("_deadly")
def test_a_message_that_is_passed_is_listed_and_says_so(account: Account) -> None:
    Message.objects.filter(subject="Mail 2").update(problem="only the header is mirrored")
    before = Account.objects.get().log_seq
    rounds(account, 20)
    deadly = Message.objects.get(subject="Mail 2")
    assert deadly.problem.startswith("only the header is mirrored; the worker died while it read the body")
    assert bodies.shown([deadly]) == {deadly.pk: bodies.EMPTY}, "whoever shows it lives, too"
    assert found(account, 'subject:"Mail 2"') == ["Mail 2"]
    told = Transaction.objects.filter(seq__gt=before).values_list("object_type", "kind")
    assert set(told) == {("message", "updated")}
    assert Message.objects.exclude(problem="").count() == 2


@pytest.mark.usefixtures("_deadly")
def test_after_two_deaths_only_that_account_rests_for_a_while(account: Account) -> None:
    other = an_account("other@example.test")
    a_message(other, "word")
    assert [lives(account) for _ in range(4)] == [False, False, True, True]
    assert search.lag(account.pk) >= 8
    while search.index_pending(100):
        pass
    assert search.lag(other.pk) == 0


def test_who_lives_is_not_counted(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_messages: object) -> None:
        raise StoreUnavailable("the store", "it is down")

    with monkeypatch.context() as patched:
        patched.setattr(raw, "raws", refuse)
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                search.index_account(account.pk)
    assert search.index_account(account.pk) == 8
    assert not Message.objects.exclude(problem="").exists()


def test_a_message_that_went_meanwhile_is_passed_without_a_word(account: Account) -> None:
    Account.objects.update(search_tries=3, search_tried_at=timezone.now() - timedelta(hours=1))
    with connection.cursor() as cursor:
        raw.waste(cursor.cursor, [Message.objects.get(subject="Mail 0").pk])
    Message.objects.get(subject="Mail 0").delete()
    log = Account.objects.get().log_seq
    assert search.index_account(account.pk) == 8
    assert Account.objects.get().log_seq == log


def test_that_deaths_are_counted_costs_no_statement(account: Account) -> None:
    with CaptureQueriesContext(connection) as statements:
        assert search.index_account(account.pk) == 8
    # The account, its log, the messages, their bodies, their frames and again the account; beside the two INSERTs.
    assert len(statements) == 6, [one["sql"] for one in statements]


@pytest.mark.usefixtures("_deadly")
def test_no_reader_dies_of_a_body_of_which_the_index_has_died(account: Account) -> None:
    """The web process would be started again and asked again, until the farm gives up on it."""
    api = Client(headers={"authorization": f"Bearer {make_key(account.application)[1]}"})
    path = f"/v3/grants/{account.pk}/messages"
    assert not lives(account)
    assert not lives(account)
    Account.objects.update(search_tried_at=F("search_tried_at") - timedelta(seconds=30))
    answer = api.get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "120")
    assert "ends whoever reads its body" in answer.json()["error"]["message"]
    assert len(api.get(f"{path}?select=id,subject").json()["data"]) == 8
    rounds(account, 20)
    assert len(api.get(path).json()["data"]) == 8


def test_two_workers_at_the_index_keep_no_body_from_readers(account: Account) -> None:
    Account.objects.update(search_tries=2, search_tried_at=timezone.now())
    assert len(bodies.shown(list(Message.objects.all()))) == 8
