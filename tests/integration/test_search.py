import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.models import Q

from accounts.models import Account
from mail.models import Message, SearchDocument
from mail.search import SearchError, index_account, index_pending, lag, matching
from tests.integration.admin_rows import a_message, an_account
from tests.integration.factories import log_changes

pytestmark = pytest.mark.django_db


def subjects(account: Account, text: str) -> list[str]:
    found = Message.objects.filter(matching(account.id, text)).order_by("received_at")
    return list(found.values_list("subject", flat=True))


@pytest.fixture
def account() -> Account:
    """A mailbox of five mails, indexed."""
    account = an_account()
    a_message(
        account,
        "The quarterly report is attached, e-mail me.",
        subject="Report",
        has_attachments=True,
        attachments=[{"part": 1, "filename": "Übersicht.pdf", "content_type": "application/pdf", "size": 1}],
    )
    a_message(
        account,
        "Is the report quarterly? See café.example.test/menu",
        subject="Lunch",
        from_addresses=[{"name": "Zoë Report", "email": "zoe@kitchen.test"}],
    )
    a_message(
        account,
        "<p>明日は東京都に行きます <b>report</b></p><script>hidden</script>",
        html=True,
        subject="日本語のメール",
        cc_addresses=[{"name": "Carl", "email": "carl.jones@example.test"}],
    )
    a_message(account, "Nothing to see.", subject="Empty", at=datetime(2026, 3, 1, 0, 0, tzinfo=UTC))
    a_message(
        account,
        "",
        subject="Party 🎉",
        at=datetime(2026, 3, 1, 23, 59, tzinfo=UTC),
        bcc_addresses=[{"name": "", "email": "secret@example.test"}],
    )
    assert index_account(account.id) == 5
    return account


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("report", ["Report", "Lunch", "日本語のメール"]),
        ("REPORT quarterly", ["Report", "Lunch"]),
        ('"quarterly report"', ["Report"]),
        ("report -quarterly", ["日本語のメール"]),
        ('report -"quarterly report"', ["Lunch", "日本語のメール"]),
        ("-report", ["Empty", "Party 🎉"]),
        ("repo", []),
        ("repo*", ["Report", "Lunch", "日本語のメール"]),
        ('"the quart*"', ["Report"]),
        ("from:report", ["Lunch"]),
        ("from:zoe@kitchen.test", ["Lunch"]),
        ("from:ZOE@kitch*", ["Lunch"]),
        ('from:"zoe report"', ["Lunch"]),
        ("from: zoe", ["Lunch"]),
        ("-from:bob@sender.test", ["Lunch"]),
        ("from:kitchen.test", ["Lunch"]),
        ("to:carl", ["日本語のメール"]),
        ("cc:carl.jones@example.test", ["日本語のメール"]),
        ("to:secret@example.test", ["Party 🎉"]),
        ("subject:report", ["Report"]),
        ("has:attachment", ["Report"]),
        ("report -has:attachment", ["Lunch", "日本語のメール"]),
        ("ubersicht", ["Report"]),
        ("email", ["Report"]),
        ("e-mail", ["Report"]),
        ("café", ["Lunch"]),
        ("cafe.example.test/menu", ["Lunch"]),
        ("東京", ["日本語のメール"]),
        ("京都", ["日本語のメール"]),
        ("都", ["日本語のメール"]),
        ("東京に", []),
        ("subject:メール", ["日本語のメール"]),
        ("hidden", []),
        ("🎉", ["Party 🎉"]),
        ("before:2026-03-01", ["Report", "Lunch", "日本語のメール"]),
        ("after:2026/3/1", ["Empty", "Party 🎉"]),
        ("-before:2026-03-01 party", ["Party 🎉"]),
        ("after:2026-01-01 before:2026-03-02 see", ["Lunch", "Empty"]),
        ('report "', ["Report", "Lunch", "日本語のメール"]),
        ('"quarterly report', ["Report"]),
        ("lunch from:", ["Lunch"]),
        ("lunch -", ["Lunch"]),
        ("lunch !!! *", ["Lunch"]),
        ("a' | !b:*", []),
        ("it's", []),
    ],
)  # fmt: skip
def test_a_query_finds(account: Account, query: str, found: list[str]) -> None:
    assert subjects(account, query) == found


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("before:yesterday", "before: takes a day like 2026-01-31, not yesterday."),
        ("after:2026-02-30", "after: takes a day"),
        ("has:horns", "has:horns is not known"),
        ("", "no word"),
        ('"', "no word"),
        ("from:", "no word"),
        ("!!! -", "no word"),
        ("x" * 1001, "1000 characters at most"),
    ],
)
def test_nonsense_is_answered_in_words(query: str, reason: str) -> None:
    with pytest.raises(SearchError, match=re.escape(reason)):
        matching(an_account().id, query)


def test_another_account_s_mail_is_never_found(account: Account) -> None:
    other = an_account("eve@example.test")
    a_message(other, "report", subject="Eve's")
    index_account(other.id)
    assert subjects(other, "report") == ["Eve's"]
    assert "Eve's" not in subjects(account, "report")


def test_a_search_in_a_large_mailbox_uses_the_index(account: Account) -> None:
    query = Message.objects.filter(matching(account.id, '"quarterly report" from:bob')).order_by("-received_at", "-id")
    with connection.cursor() as cursor:
        columns = ", ".join(f'"{field.column}"' for field in Message._meta.fields if field.column != "id")
        cursor.execute(
            f"INSERT INTO mail_message (id, {columns})"
            f" SELECT gen_random_uuid(), {columns} FROM mail_message, generate_series(1, 1000)"
        )
        cursor.execute(
            "INSERT INTO mail_searchdocument (message_id, account_id, document)"
            " SELECT id, account_id, to_tsvector('simple', 'filler' || row_number() OVER ()) FROM mail_message"
            " ON CONFLICT DO NOTHING"
        )
        cursor.execute("ANALYZE mail_searchdocument, mail_message")
        cursor.execute("SET LOCAL enable_seqscan = off")  # five thousand tiny documents are read faster as a whole
    plan = query[:50].explain()
    assert "Bitmap Index Scan on search_document" in plan
    assert re.search(r"Index Cond: \(\(account_id = .* AND \(document @@", plan), plan


def test_the_index_follows_the_log_in_bounded_steps() -> None:
    account = an_account()
    for _ in range(5):
        message = a_message(account, "word")
    log_changes(account, ("message", message.pk, "updated"))
    assert lag(account.id) == 6
    assert [index_account(account.id, limit=4) for _ in range(3)] == [4, 2, 0]
    assert lag(account.id) == 0
    assert SearchDocument.objects.count() == 5


def test_a_message_that_went_meanwhile_is_skipped() -> None:
    account = an_account()
    a_message(account, "gone").delete()
    a_message(account, "here", subject="Here")
    assert index_account(account.id) == 2
    assert subjects(account, "here") == ["Here"]


def test_a_message_indexed_twice_is_one_document(account: Account) -> None:
    Account.objects.update(search_seq=0)  # as after a crash before the checkpoint
    index_account(account.id)
    assert SearchDocument.objects.count() == 5


def test_a_slower_worker_does_not_turn_the_index_back(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    a_message(account, "late")
    monkeypatch.setattr("mail.search.indexing._write", lambda _: Account.objects.update(search_seq=77))
    assert index_account(account.id) == 0
    assert Account.objects.get().search_seq == 77


def test_an_account_that_is_gone_needs_no_index() -> None:
    account = an_account()
    account_id = account.id
    account.delete()
    assert index_account(account_id) == 0


def test_a_round_is_bounded_and_fair() -> None:
    large, small = an_account("large@example.test"), an_account("small@example.test")
    for _ in range(120):
        a_message(large, "word")
    a_message(small, "word")
    assert 51 <= index_pending(100) <= 101
    assert lag(small.id) == 0
    while index_pending(100):
        pass
    assert (lag(large.id), SearchDocument.objects.count()) == (0, 121)


@pytest.mark.parametrize("text", ["語" * 300_000, "word " * 100_000, " ".join(map(str, range(100_000))), "ﷺ" * 100_000, "a@b.cc " * 90_000,
                                  "\\' \x01 \u2028 \ue000 \U0010fffe"])  # fmt: skip
def test_no_text_is_refused_by_the_database(text: str) -> None:
    account = an_account()
    message = a_message(
        account, text, to_addresses=[{"name": text[:50], "email": f"{n}@example.test"} for n in range(2000)]
    )
    index_account(account.id)
    assert Message.objects.filter(matching(account.id, "to:1999@example.test")).get() == message


def test_recipients_by_the_thousand_leave_the_body_s_phrases_alone() -> None:
    account = an_account()
    a_message(
        account,
        "one fine phrase",
        subject="Here",
        to_addresses=[{"name": "", "email": f"{n}@x.test"} for n in range(5000)],
    )
    index_account(account.id)
    assert subjects(account, '"fine phrase" to:4999@x.test') == ["Here"]


def test_a_query_is_a_filter_like_any_other(account: Account) -> None:
    assert Message.objects.filter(matching(account.id, "report"), Q(has_attachments=True)).count() == 1


def test_a_repeated_word_is_a_phrase_of_two(account: Account) -> None:
    a_message(account, "the knock knock joke, and what a knock it was", subject="Joke")
    index_account(account.id)
    assert subjects(account, '"knock knock"') == ["Joke"]
    assert subjects(account, '"knock knoc*"') == ["Joke"]
    assert subjects(account, '"knoc knock*"') == []
