"""Packing anew, and removing objects that nothing refers to."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account
from mail import raw
from mail.models import Folder, Frame, Message, Pack
from mail.raw import repacking
from mail.raw.objects import key, store_at
from mail.types import Octets
from tasks.upkeep import repack as repack_task
from tests.integration.factories import make_account, make_folder
from tests.integration.raw_stores import *  # noqa: F403 -- fixtures
from tests.integration.raw_stores import damage, keys_in, keys_of_packs, make_batch, pack_of, sound

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def folder(account: Account) -> Folder:
    return make_folder(account)


@pytest.fixture(autouse=True)
def _sound(account: Account) -> Iterator[None]:
    yield
    assert sound(account)


def part_of(account: Account) -> int:
    return account.pk.bytes[0]


def delete(messages: list[Message]) -> None:
    """As mail.store deletes them."""
    ids = [message.pk for message in messages]
    with transaction.atomic(), connection.cursor() as cursor:
        raw.waste(cursor.cursor, ids)
        Message.objects.filter(pk__in=ids).delete()


def contents(messages: list[Message]) -> list[Octets]:
    return [*raw.raws(messages).values()]


def test_a_pack_that_is_mostly_waste_is_packed_anew(raw_store: str, account: Account, folder: Folder) -> None:
    messages = make_batch(account, folder, 7)
    kept = messages[4:]
    before, old = contents(kept), pack_of(kept[0])
    delete(messages[:4])
    assert raw.repack_some(0) == 1
    new = pack_of(kept[0])
    assert new != old
    assert (new.octets, new.wasted) == (old.octets - pack_wasted(old), 0)
    assert sorted(new.messages) == sorted(message.pk for message in kept)
    assert not Frame.objects.filter(pack=old).exists()
    kept = list(Message.objects.filter(account=account).order_by("received_at"))
    assert contents(kept) == before
    if raw_store:
        assert keys_in(raw_store) == keys_of_packs(raw_store) == {key(account.pk, new.pk)}
    assert raw.repack_some(0) == 0, "nothing is left to do"


def pack_wasted(pack: Pack) -> int:
    """What it had, by its messages."""
    return pack.octets - sum(message.raw_size for message in Message.objects.filter(pk__in=pack.messages))


def test_a_pack_that_is_half_needed_stays(account: Account, folder: Folder) -> None:
    messages = make_batch(account, folder, 6)
    delete(messages[:2])
    assert raw.repack_some(part_of(account)) == 0


def test_wasteful_packs_of_an_account_become_one(account: Account, folder: Folder) -> None:
    batches = [make_batch(account, folder, 3) for _ in range(3)]
    kept = [batch[0] for batch in batches]
    for batch in batches:
        delete(batch[1:])
    assert raw.repack_some(0) == 3
    assert len({pack_of(message).pk for message in kept}) == 1
    assert len(raw.raws(kept)) == 3


def test_many_small_packs_are_merged_the_oldest_first(
    raw_store: str, account: Account, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repacking, "MANY", 4)
    monkeypatch.setattr(repacking, "_PACKS", 5)
    messages = [make_batch(account, folder, 1)[0] for _ in range(6)]
    large = make_batch(account, folder, 1, octets=100_000)[0]
    large_pack, newest = pack_of(large), pack_of(messages[-1])
    assert raw.repack_some((part_of(account) + 1) % raw.PARTS) == 0, "it is not this part's turn"
    assert raw.repack_some(part_of(account)) == 5
    assert len({pack_of(message).pk for message in messages[:5]}) == 1
    assert (pack_of(large), pack_of(messages[-1])) == (large_pack, newest)
    assert len(raw.raws([*messages, large])) == 7
    if raw_store:
        assert keys_in(raw_store) == keys_of_packs(raw_store)


def test_few_small_packs_stay(account: Account, folder: Folder) -> None:
    for _ in range(3):
        make_batch(account, folder, 1)
    assert raw.repack_some(part_of(account)) == 0


def test_what_changed_while_it_was_packed_is_right(
    raw_store: str, account: Account, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of its messages is deleted, and another has its contents restored elsewhere, before the places are moved."""
    messages = make_batch(account, folder, 5)
    old = pack_of(messages[0])
    keep = raw.keep

    def meanwhile(account_id, packed):  # type: ignore[no-untyped-def]
        monkeypatch.undo()
        delete(messages[:1])
        restored = raw.pack([raw.Content(messages[1].pk, b"elsewhere")])
        with transaction.atomic(), connection.cursor() as cursor:
            raw.waste(cursor.cursor, [messages[1].pk])
            raw.put(cursor.cursor, account_id, restored)
            places = dict(zip(("raw_at", "raw_size"), restored.places[messages[1].pk], strict=True))
            Message.objects.filter(pk=messages[1].pk).update(pack=restored.id, **places)
        return keep(account_id, packed)

    monkeypatch.setattr(repacking, "keep", meanwhile)
    assert repacking.repack(account.pk, [old.pk])
    assert len(raw.raws(messages[2:])) == 3
    new = pack_of(messages[2])
    assert new.wasted * 5 == new.octets * 2, "two of five are waste from the beginning"
    assert pack_of(messages[1]) != new


def test_of_two_at_once_one_packs_anew(
    raw_store: str, account: Account, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = make_batch(account, folder, 3)
    old = pack_of(messages[0])
    keep = raw.keep

    def meanwhile(account_id, packed):  # type: ignore[no-untyped-def]
        monkeypatch.undo()
        assert repacking.repack(account.pk, [old.pk])
        return keep(account_id, packed)

    monkeypatch.setattr(repacking, "keep", meanwhile)
    assert not repacking.repack(account.pk, [old.pk])
    assert len(raw.raws(messages)) == 3
    assert Pack.objects.filter(account=account, wasted=0).count() == Pack.objects.filter(account=account).count()
    if raw_store:
        assert keys_in(raw_store) == keys_of_packs(raw_store)


def test_what_cannot_be_read_is_noted_and_the_rest_moves(raw_store: str, account: Account, folder: Folder) -> None:
    messages = make_batch(account, folder, 3, octets=200_000)
    damage(messages[0], raw_store)
    assert repacking.repack(account.pk, [pack_of(messages[0]).pk])
    Message.objects.filter(lost_at=None).get(pk=messages[1].pk)
    assert list(Message.objects.exclude(lost_at=None)) == [messages[0]]
    assert len(raw.raws(messages)) == 2
    Message.objects.update(lost_at=None)  # for the audit at the end, which wants it fetched again


def test_an_orphan_is_removed_after_a_day(objects: str, account: Account, folder: Folder) -> None:
    messages = make_batch(account, folder, 2)
    kept = pack_of(messages[0]).pk
    raw.keep(account.pk, raw.pack([raw.Content(uuid4(), b"its transaction never came")]))
    assert len(keys_in(objects)) == 2
    now = timezone.now()
    assert raw.remove_orphans(part_of(account), now - timedelta(days=1)) == 0, "it may be on its way"
    assert raw.remove_orphans((part_of(account) + 1) % raw.PARTS, now + timedelta(minutes=1)) == 0
    assert raw.remove_orphans(part_of(account), now + timedelta(minutes=1)) == 1
    assert keys_in(objects) == {key(account.pk, kept)}


def test_a_store_under_another_address_keeps_what_is_needed(
    bucket: str, account: Account, folder: Folder, settings: Settings
) -> None:
    settings.SYNCFARM_RAW_STORE = bucket
    messages = make_batch(account, folder, 2)
    settings.SYNCFARM_RAW_STORE = bucket.replace("&region=eu-central-1", "").replace("?", "?region=eu-central-1&")
    assert bucket != settings.SYNCFARM_RAW_STORE
    assert raw.remove_orphans(part_of(account), timezone.now() + timedelta(minutes=1)) == 0
    assert len(raw.raws(messages)) == 2


def test_what_is_not_a_pack_is_left_alone(objects: str, account: Account, folder: Folder) -> None:
    store_at(objects).write(f"{account.pk.hex}/notes", BytesIO(b"somebody's"))
    assert raw.remove_orphans(part_of(account), timezone.now() + timedelta(minutes=1)) == 0
    assert keys_in(objects) == {f"{account.pk.hex}/notes"}


def test_the_task_does_both_and_survives_a_store_that_is_down(
    account: Account, folder: Folder, settings: Settings
) -> None:
    messages = make_batch(account, folder, 3)
    delete(messages[:2])
    assert repack_task() == 1
    settings.SYNCFARM_RAW_STORE = "s3://mail?endpoint=http://127.0.0.1:1&region=eu-central-1"
    assert repack_task() == 0
