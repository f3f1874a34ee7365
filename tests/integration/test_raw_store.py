"""Packs in PostgreSQL, on a disk and on S3: the same behind one interface, and what happens when something is missing."""

import logging
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Account
from mail import raw, store
from mail.models import Folder, Frame, Message, Pack
from mail.raw.objects import key, store_at
from mail.raw.packing import FRAME
from mail.raw.repacking import repack
from tests.integration.factories import make_account, make_folder, make_message, make_thread
from tests.integration.raw_stores import *  # noqa: F403 -- fixtures
from tests.integration.raw_stores import keys_in, keys_of_packs, watched

pytestmark = pytest.mark.django_db(transaction=True)


def make_batch(account: Account, folder: Folder, count: int, *, octets: int = 2000) -> list[Message]:
    """Messages whose contents are in one pack, stored as a sync does it."""
    mails = [f"Subject: {uuid4()}\r\n\r\n".encode() + bytes([65 + number]) * octets for number in range(count)]
    thread = make_thread(account)
    messages = [make_message(account, folder, mail=mail, thread=thread) for mail in mails]
    contents = [
        raw.Content(message.pk, mail, b"body %d" % number)
        for number, (message, mail) in enumerate(zip(messages, mails, strict=True))
    ]
    packed = raw.keep(account.pk, raw.pack(contents))
    with transaction.atomic(), connection.cursor() as cursor:
        raw.waste(cursor.cursor, [message.pk for message in messages])
        raw.put(cursor.cursor, account.pk, packed)
    for message in messages:
        message.pack_id = packed.id
        message.raw_at, message.raw_size, message.body_at, message.body_size = packed.places[message.pk]
        message.save()
    return messages


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def batch(raw_store: str, account: Account) -> list[Message]:
    """Nine messages in a pack of several frames."""
    return make_batch(account, make_folder(account), 9, octets=FRAME // 3)


def test_contents_come_back(batch: list[Message]) -> None:
    found = raw.raws(batch)
    assert all(raw.digest(found[message.pk]) == bytes(message.digest) for message in batch)
    assert sorted(raw.bodies(batch).values()) == sorted(f"body {number}" for number in range(9))
    assert raw.stored(batch[3]) == found[batch[3].pk]
    assert raw.raws_of([batch[4].pk]) == {batch[4].pk: found[batch[4].pk]}


def test_a_page_is_one_statement(batch: list[Message]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as statements:
        assert len(raw.raws(batch)) == len(raw.bodies(batch)) == 9
    assert len(statements) == 2


def test_a_batch_is_one_object_and_two_statements_and_a_copy(objects: str, account: Account) -> None:
    make_batch(account, make_folder(account), 9, octets=FRAME // 3)
    assert keys_in(objects) == keys_of_packs(objects)
    assert len(keys_in(objects)) == 1
    pack = Pack.objects.get(account=account)
    frames = list(Frame.objects.filter(pack=pack).order_by("start").values_list("data", "at", "size"))
    assert len(frames) > 3
    assert all(data is None for data, _at, _size in frames)
    assert [at for _data, at, _size in frames] == [
        sum(size for _d, _a, size in frames[:index]) for index in range(len(frames))
    ]


def test_only_the_needed_octets_are_read(objects: str, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = make_batch(account, make_folder(account), 9, octets=FRAME // 3)
    listening = watched(objects, monkeypatch)
    frames = dict(Frame.objects.filter(pack=messages[0].pack_id).values_list("start", "size"))
    raw.stored(messages[0])
    ((_name, _at, size),) = listening.reads
    assert size in frames.values()
    listening.reads.clear()
    raw.bodies(messages)
    assert listening.reads == [(key(account.pk, messages[0].pack_id), 0, frames[0])]
    listening.reads.clear()
    raw.raws(messages)
    assert [size for _name, _at, size in listening.reads] == [sum(frames.values()) - frames[0]], (
        "neighbours are one request"
    )


def test_a_pack_says_where_it_lies(objects: str, account: Account, settings: Settings) -> None:
    folder = make_folder(account)
    before = make_batch(account, folder, 3)
    settings.SYNCFARM_RAW_STORE = ""
    after = make_batch(account, folder, 6)
    assert len(raw.raws([*before, *after])) == 9
    assert set(Pack.objects.filter(account=account).values_list("store", flat=True)) == {objects, ""}


def damage(message: Message, address: str) -> None:
    """Change a bit in the middle of the frame that holds a raw message."""
    frame = Frame.objects.filter(pack=message.pack_id, start__lte=message.raw_at).order_by("start").last()
    assert frame
    if frame.data is not None:
        octets = bytearray(frame.data)
        octets[len(octets) // 2] ^= 1
        Frame.objects.filter(pack=frame.pack_id, start=frame.start).update(data=bytes(octets))
        return
    name, objects = key(message.account_id, message.pack_id), store_at(address)
    whole = bytearray(objects.read(name, 0, 1 << 30))
    whole[frame.at + frame.size // 2] ^= 1
    objects.remove(name)
    objects.write(name, bytes(whole))


def test_a_damaged_frame_costs_only_its_own_contents(
    batch: list[Message], raw_store: str, caplog: pytest.LogCaptureFixture
) -> None:
    damage(batch[0], raw_store)
    with caplog.at_level(logging.ERROR):
        found = raw.raws(batch)
    missing = {message.pk for message in batch} - found.keys()
    assert batch[0].pk in missing
    assert len(missing) < 5
    assert str(batch[0].pk) in caplog.text
    assert set(Message.objects.exclude(lost_at=None).values_list("pk", flat=True)) == missing
    assert len(raw.bodies(batch)) == 9


def test_a_missing_frame_costs_only_its_own_contents(batch: list[Message], raw_store: str) -> None:
    frame = Frame.objects.filter(pack=batch[0].pack_id, start__lte=batch[0].raw_at).order_by("start").last()
    assert frame
    Frame.objects.filter(pack=frame.pack_id, start=frame.start).delete()
    missing = {message.pk for message in batch} - raw.raws(batch).keys()
    assert batch[0].pk in missing
    assert len(missing) < 5
    assert set(Message.objects.exclude(lost_at=None).values_list("pk", flat=True)) == missing


def test_a_missing_pack_costs_only_its_own_contents(batch: list[Message], raw_store: str, account: Account) -> None:
    other = make_message(account, mail=b"Subject: other\r\n\r\n")
    Pack.objects.filter(pk=batch[0].pack_id).delete()
    assert raw.raws([*batch, other]).keys() == {other.pk}
    assert raw.bodies(batch) == {}
    assert Message.objects.exclude(lost_at=None).count() == 9


def test_a_missing_object_is_a_loss(objects: str, account: Account) -> None:
    messages = make_batch(account, make_folder(account), 3)
    store_at(objects).remove(key(account.pk, messages[0].pack_id))
    assert raw.raws(messages) == {}
    assert Message.objects.exclude(lost_at=None).count() == 3


def test_an_object_that_was_cut_off_is_a_loss(objects: str, account: Account) -> None:
    messages = make_batch(account, make_folder(account), 9, octets=FRAME // 3)
    name = key(account.pk, messages[0].pack_id)
    begin = store_at(objects).read(name, 0, 1 << 30)[:300]
    store_at(objects).remove(name)
    store_at(objects).write(name, begin)
    assert raw.raws(messages).keys() < {message.pk for message in messages}
    assert len(raw.bodies(messages)) == 9


def test_wrong_octets_are_noticed_by_the_hash(batch: list[Message]) -> None:
    swapped = batch[0]
    Message.objects.filter(pk=swapped.pk).update(raw_at=batch[1].raw_at)
    assert raw.raws(Message.objects.filter(pk=swapped.pk)) == {}
    swapped.refresh_from_db()
    assert swapped.lost_at


def test_contents_that_were_packed_anew_meanwhile_are_found(batch: list[Message], account: Account) -> None:
    assert repack(account.pk, [batch[0].pack_id])
    assert len(raw.raws(batch)) == len(raw.bodies(batch)) == 9, "the rows were read before"
    assert not Message.objects.exclude(lost_at=None).exists()


def test_a_store_that_cannot_be_asked_is_no_loss(account: Account, settings: Settings, bucket: str) -> None:
    settings.SYNCFARM_RAW_STORE = bucket
    messages = make_batch(account, make_folder(account), 2)
    nobody = "s3://bucket/x?endpoint=http://127.0.0.1:1&region=eu-central-1"
    Pack.objects.filter(pk=messages[0].pack_id).update(store=nobody)
    with pytest.raises(raw.StoreUnavailable, match="not available"):
        raw.raws(messages)
    assert not Message.objects.exclude(lost_at=None).exists()


def test_an_empty_mount_point_is_no_loss_and_takes_no_packs(
    account: Account, settings: Settings, tmp_path: Path
) -> None:
    settings.SYNCFARM_RAW_STORE = f"file://{tmp_path}/disk"
    messages = make_batch(account, make_folder(account), 2)
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    (tmp_path / "disk").mkdir()
    with pytest.raises(raw.StoreUnavailable, match="mounted"):
        raw.raws(messages)
    with pytest.raises(raw.StoreUnavailable, match="mounted"):
        raw.keep(account.pk, raw.pack([raw.Content(uuid4(), b"raw")]))
    (tmp_path / "disk").rmdir()
    (tmp_path / "unmounted").rename(tmp_path / "disk")
    assert len(raw.raws(messages)) == 2


def test_waste_is_what_an_audit_counts(batch: list[Message], account: Account) -> None:
    gone = [message.pk for message in batch[:5]]
    with transaction.atomic(), connection.cursor() as cursor:
        raw.waste(cursor.cursor, gone)
        cursor.execute("DELETE FROM mail_location WHERE message_id = ANY(%s)", [gone])
        Message.objects.filter(pk__in=gone).delete()
    pack = Pack.objects.get(pk=batch[0].pack_id)
    assert pack.wasted == sum(message.raw_size + message.body_size for message in batch[:5])
    assert differences(account) == []


def test_a_pack_that_nobody_needs_goes_with_its_object(batch: list[Message], raw_store: str, account: Account) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        raw.waste(cursor.cursor, [message.pk for message in batch])
        if raw_store:
            assert keys_in(raw_store), "the object stays until the commit"
    assert not Pack.objects.filter(account=account).exists()
    assert not Frame.objects.filter(pack=batch[0].pack_id).exists()
    if raw_store:
        assert keys_in(raw_store) == set()


def test_an_account_takes_its_packs_and_objects_along(batch: list[Message], raw_store: str, account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(removed_at=account.created_at)
    assert store.remove_accounts() == 1
    assert not Pack.objects.exists()
    assert not Frame.objects.exists()
    if raw_store:
        assert keys_in(raw_store) == set()


def differences(account: Account) -> list[str]:
    """What an audit finds within the mirror."""
    from mail.audit import _within  # noqa: PLC0415

    return [str(found) for found in _within(account) if "folder" not in str(found)]
