"""Mail is sent, or it is told why not."""

from datetime import timedelta

import pytest
from django.utils import timezone

import tasks
from accounts.models import Account
from mail import audit, intent, sending, store
from mail.models import Action, ActionState, Message, Outgoing, OutgoingState
from tests.integration.marking import make_due
from tests.integration.mirroring import log_of, mirror_state, server_state, sync
from tests.integration.outbound import *  # noqa: F403 -- fixtures
from tests.integration.outbound import in_folder, parsed, states
from tests.integration.queued import *  # noqa: F403 -- fixtures
from tests.integration.queued import OCTETS, expire_claims, queued, state_of
from tests.mailboxes import Mailbox
from tests.protocol.sink import Sink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_a_message_is_sent_and_its_copy_is_filed_once(account: Account, mailbox: Mailbox, sink: Sink) -> None:
    seen = len(log_of(account))
    row = queued(account)
    sending.carry_on(row.pk)
    (letter,) = sink.letters
    assert (letter.mail_from, letter.rcpt_tos) == ("alice@example.test", ["bob@example.test", "carol@example.test"])
    assert parsed(letter.content)["Bcc"] is None
    assert state_of(row) == OutgoingState.SENT
    assert "4711" in row.response
    assert row.message_id
    copy = Message.objects.get(pk=row.message_id)
    assert (copy.subject, copy.unread, copy.bcc_addresses[0]["email"]) == ("Hi", False, "carol@example.test")
    assert ("send", "created") in log_of(account, seen)
    assert ("send", "updated") in log_of(account, seen)
    for _ in range(2):
        sync(account)
        sending.carry_on(row.pk)
    assert [str(each["Bcc"]) for each in in_folder(mailbox, "Sent")] == ["carol@example.test"]
    assert len(sink.letters) == 1
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)


def test_a_scheduled_message_waits_for_its_time(account: Account, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    row = queued(account, send_at=timezone.now() + timedelta(minutes=5))
    monkeypatch.setattr(tasks.send.send, "apply_async", lambda kwargs, **_: tasks.send.send(**kwargs))
    tasks.dispatch.dispatch()
    sending.carry_on(row.pk)
    assert (state_of(row), sink.letters) == (OutgoingState.SCHEDULED, [])
    Outgoing.objects.update(next_try_at=timezone.now())
    tasks.dispatch.dispatch()
    assert state_of(row) == OutgoingState.SENT
    assert len(sink.letters) == 1


def test_a_cancelled_message_is_not_sent(account: Account, sink: Sink) -> None:
    row = queued(account, send_at=timezone.now() + timedelta(minutes=5))
    assert sending.cancel(account.pk, row.pk)
    assert not sending.cancel(account.pk, row.pk)
    Outgoing.objects.update(next_try_at=timezone.now())
    sending.carry_on(row.pk)
    assert (state_of(row), sink.letters) == (OutgoingState.CANCELLED, [])


def test_a_message_that_is_cancelled_just_before_the_last_dot_is_not_sent(
    account: Account, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queued(account)
    original = store.hand_over

    def late(claimed: Outgoing) -> bool:
        assert sending.cancel(account.pk, row.pk)
        return original(claimed)

    monkeypatch.setattr(store, "hand_over", late)
    sending.carry_on(row.pk)
    assert (state_of(row), sink.letters) == (OutgoingState.CANCELLED, [])


def test_recipients_who_are_refused_are_told_and_the_others_get_it(account: Account, sink: Sink) -> None:
    sink.refusing = {"carol@example.test": "550 5.1.1 no such user"}
    row = queued(account)
    sending.carry_on(row.pk)
    assert state_of(row) == OutgoingState.SENT
    assert [letter.rcpt_tos for letter in sink.letters] == [["bob@example.test"]]
    (refused,) = row.refused
    assert (refused["address"], refused["code"]) == ("carol@example.test", "550")


def test_what_the_server_refuses_for_good_has_failed(account: Account, mailbox: Mailbox, sink: Sink) -> None:
    sink.refusing = dict.fromkeys(("bob@example.test", "carol@example.test"), "550 5.1.1 no such user")
    row = queued(account)
    sending.carry_on(row.pk)
    assert state_of(row) == OutgoingState.FAILED
    assert (len(row.refused), row.may_pass) == (2, False)
    sync(account)
    assert in_folder(mailbox, "Sent") == []


def test_a_scheduled_message_that_is_not_taken_now_is_tried_again(account: Account, sink: Sink) -> None:
    sink.final = "451 4.3.0 not now"
    row = queued(account, send_at=timezone.now())
    for tries in range(1, 4):
        sending.carry_on(row.pk)
        assert (state_of(row), row.tries) == (OutgoingState.QUEUED, tries) or state_of(row) == OutgoingState.SENDING
        assert row.next_try_at > timezone.now()
        Outgoing.objects.update(next_try_at=timezone.now())
    sink.final = "250 2.0.0 Ok"
    sending.carry_on(row.pk)
    assert state_of(row) == OutgoingState.SENT


def test_a_scheduled_message_is_given_up_in_the_end(account: Account, sink: Sink) -> None:
    sink.final = "451 4.3.0 not now"
    row = queued(account, send_at=timezone.now() - sending.PATIENCE)
    sending.carry_on(row.pk)
    assert state_of(row) == OutgoingState.FAILED
    assert "not now" in row.error


def test_a_line_that_breaks_after_the_last_dot_leaves_it_uncertain_and_it_is_not_sent_again(
    account: Account, mailbox: Mailbox, sink: Sink
) -> None:
    sink.final = None
    row = queued(account)
    sending.carry_on(row.pk)
    assert state_of(row) == OutgoingState.UNCERTAIN
    assert "may have been sent" in row.error
    sink.final = "250 Ok"
    expire_claims()
    tasks.dispatch.dispatch()
    sending.carry_on(row.pk)
    assert (state_of(row), len(sink.letters)) == (OutgoingState.UNCERTAIN, 1)
    sync(account)
    assert in_folder(mailbox, "Sent") == []


def test_a_provider_that_files_the_copy_itself_gets_no_second(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does so a moment later, and with a header of its own. The id stays that of the one that was made here."""
    monkeypatch.setattr("accounts.presets.files_sent_mail", lambda _host: True)
    row = queued(account)
    sending.carry_on(row.pk)
    sync(account)
    assert in_folder(mailbox, "Sent") == []
    seen = len(log_of(account))
    with mailbox.client() as client:
        client.append("Sent", b"X-Provider: 1\r\n" + OCTETS.replace(b"Bcc: carol@example.test\r\n", b""), [b"\\Seen"])
    make_due()
    sync(account)
    sync(account)
    assert len(in_folder(mailbox, "Sent")) == 1
    (copy,) = Message.objects.filter(header_id="m1@example.test")
    assert (state_of(row), copy.pk) == (OutgoingState.SENT, row.message_id)
    assert {kind for name, kind in log_of(account, seen) if name == "message"} == {"updated"}
    with mailbox.client() as client:
        client.select_folder("Sent")
        client.move([1], "Trash")
    sync(account)
    sync(account)
    assert Message.objects.get(header_id="m1@example.test").pk == copy.pk
    assert audit.run(account) == []
    assert not Action.objects.filter(state=ActionState.PENDING).exists()
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)


def test_a_copy_that_the_provider_filed_before_it_was_made_here_is_the_one_that_is_told(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the death of the worker that sent it."""
    monkeypatch.setattr("accounts.presets.files_sent_mail", lambda _host: True)
    row = queued(account)
    with mailbox.client() as client:
        client.append("Sent", b"X-Provider: 1\r\n" + OCTETS, [b"\\Seen"])
    sync(account)
    there = Message.objects.get(header_id="m1@example.test")
    sending.carry_on(row.pk)
    assert (state_of(row), row.message_id) == (OutgoingState.SENT, there.pk)
    make_due()
    sync(account)
    assert Message.objects.get(header_id="m1@example.test").pk == there.pk
    assert len(in_folder(mailbox, "Sent")) == 1


def test_a_grant_without_a_server_to_send_by_says_so(account: Account) -> None:
    for name in ("host", "port", "security", "username"):
        del account.settings[f"smtp_{name}"]
    account.save(update_fields=["settings"])
    row = queued(account)
    sending.carry_on(row.pk)
    assert state_of(row) == OutgoingState.FAILED
    assert "smtp_host" in row.error


def test_a_wrong_password_is_told_and_is_in_no_error(account: Account) -> None:
    account.settings["smtp_username"] = "mallory"
    account.save(update_fields=["settings"])
    row = queued(account)
    sending.carry_on(row.pk)
    assert state_of(row) == OutgoingState.FAILED
    assert "pässwörd" not in row.error


def test_mail_of_a_removed_grant_is_not_sent(account: Account, sink: Sink) -> None:
    row = queued(account)
    intent.remove(account.pk)
    sending.carry_on(row.pk)
    assert (state_of(row), sink.letters) == (OutgoingState.CANCELLED, [])
    store.remove_accounts()
    assert not Outgoing.objects.exists()


def test_keys_are_free_again_after_an_hour_and_what_ended_is_forgotten(account: Account) -> None:
    row = queued(account, key="k", fingerprint=b"f")
    sending.carry_on(row.pk)
    now = timezone.now()
    assert store.forget_outgoing(now - timedelta(days=1), now - timedelta(hours=1)) == 0
    row.refresh_from_db()
    assert row.idempotency_key == "k"
    assert store.forget_outgoing(now + timedelta(days=1), now + timedelta(hours=1)) == 1
    assert states(account) == []
