"""What a server offers and fails at is remembered with its host."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import hosts
from accounts.models import Host
from tests.integration.mirroring import sync
from tests.integration.scripted_inbox import Inbox, connected_to, holds
from tests.protocol.scripted import ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_what_a_server_fails_at_is_remembered_for_all_its_accounts_and_tried_again_after_a_week() -> None:
    inbox = Inbox(modseq=10, offered="ENABLE QRESYNC CONDSTORE")
    refuses = {'EXAMINE "INBOX" (QRESYNC': b"%T BAD syntax\r\n"}
    with ScriptedServer(inbox.script(refuses)) as server:
        account = connected_to(server)
        sync(account)
        for modseq, flag in ((11, b"\\Seen"), (12, b"\\Flagged"), (13, b"\\Answered")):
            inbox.modseq, inbox.flags = modseq, {5: flag}
            server.now(inbox.script(refuses))
            if modseq == 13:
                Host.objects.update(failing_until=timezone.now() - timedelta(seconds=1))
            sync(account)
            assert holds(account, inbox)
            assert any(b"(QRESYNC" in words for words in server.heard) == (modseq != 12)
            host = Host.objects.get()
            assert (host.failing, host.failures) == (["QRESYNC"], 0)
            assert host.failing_until is not None
            assert host.failing_until > timezone.now() + timedelta(days=6)


def test_a_host_that_fails_at_something_and_then_is_down_is_remembered_as_both() -> None:
    now = timezone.now()
    hosts.did_not_answer("mx.test:993")
    hosts.try_again_at("mx.test:993", now)
    hosts.note_failing("MX.test:993", frozenset({"ESEARCH"}), now)
    hosts.note_failing("mx.test:993", frozenset({"QRESYNC"}), now)
    hosts.answered("mx.test:993")
    record = hosts.record("mx.test:993")
    assert record is not None
    assert (record.failures, record.retry_at) == (0, None)
    assert hosts.failing(record, now) == {"ESEARCH", "QRESYNC"}
    assert hosts.failing(record, now + hosts.MENDING) == frozenset()
    hosts.forget_unused(now)
    assert hosts.record("mx.test:993") is not None
    hosts.forget_unused(now + hosts.MENDING + timedelta(seconds=1))
    assert hosts.record("mx.test:993") is None


def test_a_host_that_is_down_is_forgotten_when_nobody_asks_any_more() -> None:
    now = timezone.now()
    hosts.did_not_answer("mx.test:993")
    hosts.try_again_at("mx.test:993", now)
    hosts.forget_unused(now)
    assert hosts.record("mx.test:993") is not None
    hosts.forget_unused(now + timedelta(seconds=1))
    assert hosts.record("mx.test:993") is None
