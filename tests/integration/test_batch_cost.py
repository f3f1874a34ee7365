"""What a batch costs in statements, whatever it holds: none per message, none that grows with a thread."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from mail.models import Message, Thread
from tests.integration.mirroring import connected, fill, mail, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    with mailbox.client() as client:
        client.append("INBOX", mail("first", Message_ID="<first@x>"))
    account = connected(mailbox)
    sync(account)
    return account


def statements(account: Account) -> int:
    with CaptureQueriesContext(connection) as queries:
        sync(account)
    return len(queries)


def test_a_hundred_messages_cost_as_many_statements_as_one(mailbox: Mailbox, account: Account) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 1)
    one = statements(account)
    with mailbox.client() as client:
        fill(client, "INBOX", 100, start=1)
    assert statements(account) == one
    assert Message.objects.filter(account=account).count() == 102


def test_a_thread_that_grows_shows_what_all_its_messages_say(mailbox: Mailbox, account: Account) -> None:
    for number, flags in enumerate(((), ("\\Seen",), ("\\Seen", "\\Flagged"), ("\\Draft", "\\Seen"))):
        with mailbox.client() as client:
            client.append("INBOX", mail("Re: first", Message_ID=f"<{number}@x>", References="<first@x>"), flags)
        sync(account)
    thread = Thread.objects.get(account=account)
    messages = Message.objects.filter(account=account).order_by("received_at", "is_reply", "id")
    assert thread.message_count == messages.count() == 5
    assert thread.subject == messages[0].subject
    assert thread.earliest_at == min(message.received_at for message in messages)
    assert thread.latest_at == max(message.received_at for message in messages)
    assert (thread.unread, thread.starred, thread.has_drafts, thread.has_attachments) == (True, True, True, False)
