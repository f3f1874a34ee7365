"""Packs in PostgreSQL, on a disk and on S3: the same behind one interface, and what happens when something is missing."""

import logging
from importlib import import_module
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Account
from mail import raw, store
from mail.models import Frame, Message, Pack
from mail.raw.objects import store_at
from mail.raw.packing import FRAME, PART
from mail.raw.repacking import repack
from tests.integration.factories import make_account, make_folder, make_message
from tests.integration.raw_stores import *  # noqa: F403 -- fixtures
from tests.integration.raw_stores import (
    damage,
    frame_of,
    keys_in,
    keys_of_packs,
    make_batch,
    object_of,
    pack_of,
    sound,
    watched,
)

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert raw.stored(batch[3]) == found[batch[3].pk]
    assert raw.raws_of([batch[4].pk]) == {batch[4].pk: found[batch[4].pk]}


def test_a_page_is_one_statement(batch: list[Message]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as statements:
        assert len(raw.raws(batch)) == 9
    assert len(statements) == 1


def test_a_batch_is_one_object_and_two_statements_and_a_copy(objects: str, account: Account) -> None:
    make_batch(account, make_folder(account), 9, octets=FRAME // 3)
    assert keys_in(objects) == keys_of_packs(objects)
    assert len(keys_in(objects)) == 1
    pack = Pack.objects.get(account=account)
    frames = [(f.data, f.at or 0, f.size or 0) for f in Frame.objects.filter(pack=pack).order_by("start")]
    assert len(frames) > 3
    assert all(data is None for data, _at, _size in frames)
    assert [at for _data, at, _size in frames] == [
        sum(size for _d, _a, size in frames[:index]) for index in range(len(frames))
    ]


def test_only_the_needed_octets_are_read(objects: str, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = make_batch(account, make_folder(account), 9, octets=FRAME // 3)
    listening = watched(objects, monkeypatch)
    frames = {frame.start: frame.size or 0 for frame in pack_of(messages[0]).frames.all()}
    raw.stored(messages[0])
    ((_name, _at, size),) = listening.reads
    assert size in frames.values()
    listening.reads.clear()
    raw.raws(messages)
    assert listening.reads == [(object_of(messages[0]), 0, sum(frames.values()))], "neighbours are one request"


def test_a_pack_says_where_it_lies(objects: str, account: Account, settings: Settings) -> None:
    folder = make_folder(account)
    before = make_batch(account, folder, 3)
    settings.SYNCFARM_RAW_STORE = ""
    after = make_batch(account, folder, 6)
    assert len(raw.raws([*before, *after])) == 9
    assert set(Pack.objects.filter(account=account).values_list("store", flat=True)) == {objects, ""}


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


def test_a_missing_frame_costs_only_its_own_contents(batch: list[Message], raw_store: str) -> None:
    frame = frame_of(batch[0])
    Frame.objects.filter(pack=frame.pack_id, start=frame.start).delete()
    missing = {message.pk for message in batch} - raw.raws(batch).keys()
    assert batch[0].pk in missing
    assert len(missing) < 5
    assert set(Message.objects.exclude(lost_at=None).values_list("pk", flat=True)) == missing


def test_a_missing_part_of_a_frame_costs_only_the_frames_contents(account: Account) -> None:
    batch = make_batch(account, make_folder(account), 9, octets=FRAME // 3)
    frame = frame_of(batch[4])
    assert Frame.objects.filter(pack=frame.pack_id, start=frame.start + 5, part=5).delete()[0] == 1
    missing = {message.pk for message in batch} - raw.raws(batch).keys()
    assert batch[4].pk in missing
    assert len(missing) < 5


def test_frames_are_rows_that_fit_a_page_and_nothing_lies_beside(account: Account) -> None:
    with connection.cursor() as cursor:
        make_batch(account, make_folder(account), 9, octets=FRAME)
        cursor.execute(
            "SELECT (SELECT count(*) FROM mail_frame), pg_relation_size(reltoastrelid) FROM pg_class "
            "WHERE oid = 'mail_frame'::regclass"
        )
        rows, beside = cursor.fetchone()
    assert rows > 9 * FRAME // PART
    assert beside == 0


def test_frames_of_one_row_each_are_read_as_well(account: Account) -> None:
    """As they were before, and are again if the migration is taken back."""
    batch = make_batch(account, make_folder(account), 9, octets=FRAME // 3)
    before = raw.raws(batch)
    migration = import_module("mail.migrations.0005_frames_in_rows")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(migration._JOIN)
        cursor.execute(migration._DROP_PARTS)
    assert not Frame.objects.exclude(part=0).exists()
    assert raw.raws(batch) == before
    assert len(before) == 9


def test_a_missing_pack_costs_only_its_own_contents(batch: list[Message], raw_store: str, account: Account) -> None:
    other = make_message(account, mail=b"Subject: other\r\n\r\n")
    pack_of(batch[0]).delete()
    assert raw.raws([*batch, other]).keys() == {other.pk}
    assert Message.objects.exclude(lost_at=None).count() == 9


def test_a_missing_object_is_a_loss(objects: str, account: Account) -> None:
    messages = make_batch(account, make_folder(account), 3)
    store_at(objects).remove(object_of(messages[0]))
    assert raw.raws(messages) == {}
    assert Message.objects.exclude(lost_at=None).count() == 3


def test_an_object_that_was_cut_off_is_a_loss(objects: str, account: Account) -> None:
    messages = make_batch(account, make_folder(account), 9, octets=FRAME // 3)
    name = object_of(messages[0])
    begin = store_at(objects).read(name, 0, 1 << 30)[:300]
    store_at(objects).remove(name)
    store_at(objects).write(name, BytesIO(begin))
    assert raw.raws(messages).keys() < {message.pk for message in messages}


def test_wrong_octets_are_noticed_by_the_hash(batch: list[Message]) -> None:
    swapped = batch[0]
    Message.objects.filter(pk=swapped.pk).update(raw_at=batch[1].raw_at)
    assert raw.raws(Message.objects.filter(pk=swapped.pk)) == {}
    swapped.refresh_from_db()
    assert swapped.lost_at


def test_contents_that_were_packed_anew_meanwhile_are_found(batch: list[Message], account: Account) -> None:
    assert repack(account.pk, [pack_of(batch[0]).pk])
    assert len(raw.raws(batch)) == 9, "the rows were read before"
    assert not Message.objects.exclude(lost_at=None).exists()


def test_a_store_that_cannot_be_asked_is_no_loss(account: Account, settings: Settings, bucket: str) -> None:
    settings.SYNCFARM_RAW_STORE = bucket
    messages = make_batch(account, make_folder(account), 2)
    nobody = "s3://bucket/x?endpoint=http://127.0.0.1:1&region=eu-central-1"
    Pack.objects.filter(account=account).update(store=nobody)
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
    pack = pack_of(batch[8])
    assert pack.wasted == sum(message.raw_size for message in batch[:5])
    assert sound(account)


def test_a_pack_stays_for_an_empty_message(account: Account) -> None:
    one, other, full = make_batch(account, make_folder(account), 3)
    packed = raw.pack([raw.Content(one.pk, b""), raw.Content(other.pk, b""), raw.Content(full.pk, b"full")])
    with transaction.atomic(), connection.cursor() as cursor:
        raw.put(cursor.cursor, account.pk, packed)
        for message in (one, other, full):
            size = packed.places[message.pk][1]
            Message.objects.filter(pk=message.pk).update(pack=packed.id, raw_at=0, raw_size=size)
        raw.waste(cursor.cursor, [one.pk, full.pk])
        Message.objects.filter(pk__in=[one.pk, full.pk]).delete()
        assert Pack.objects.filter(pk=packed.id).exists()
        raw.waste(cursor.cursor, [other.pk])
        assert not Pack.objects.filter(pk=packed.id).exists()


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
