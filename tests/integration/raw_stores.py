"""Where packs are kept, for tests: each store in turn, and what is in it. A plugin for a test module."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from django.db import connection, transaction
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from accounts.models import Account
from mail import audit, raw
from mail.models import Folder, Frame, Message, Pack
from mail.raw.objects import File, ObjectStore, key, store_at
from tests.integration.factories import make_message, make_thread

__all__ = ["bucket", "objects", "raw_store", "s3_server"]

REGION = "eu-central-1"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Address of a server that speaks S3."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """SYNCFARM_RAW_STORE for a bucket of its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests-only")
    name = f"bucket-{uuid4().hex}"
    client = boto3.client("s3", endpoint_url=s3_server, region_name=REGION)
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return f"s3://{name}/farm/one?endpoint={s3_server}&region={REGION}"


@pytest.fixture(params=["disk", "s3"])
def objects(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> str:
    """The address of a store of objects, each in turn; packs go there."""
    if request.param == "disk":
        settings.SYNCFARM_RAW_STORE = f"file://{tmp_path}/raw%20mail"
    else:
        settings.SYNCFARM_RAW_STORE = request.getfixturevalue("bucket")
    return str(settings.SYNCFARM_RAW_STORE)


@pytest.fixture(params=["database", "disk", "s3"])
def raw_store(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> str:
    """The address of each store in turn, "" for the database; packs go there."""
    if request.param == "database":
        settings.SYNCFARM_RAW_STORE = ""
    elif request.param == "disk":
        settings.SYNCFARM_RAW_STORE = f"file://{tmp_path}/raw"
    else:
        settings.SYNCFARM_RAW_STORE = request.getfixturevalue("bucket")
    return str(settings.SYNCFARM_RAW_STORE)


def keys_in(address: str) -> set[str]:
    """Every object of a store."""
    return {name for name, _written in store_at(address).keys("") if "/" in name}


def keys_of_packs(address: str) -> set[str]:
    """The objects that rows refer to."""
    return {key(account, pack) for pack, account in Pack.objects.filter(store=address).values_list("id", "account")}


@dataclass(slots=True)
class Watched:
    """Notes what is asked of a store. `reads`: (key, at, size)."""

    store: ObjectStore
    reads: list[tuple[str, int, int]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Listen at the store's own methods."""
        read, write = self.store.read, self.store.write

        def noted_read(key: str, at: int, size: int) -> bytes:
            self.reads.append((key, at, size))
            return read(key, at, size)

        def noted_write(key: str, content: File) -> None:
            self.writes.append(key)
            write(key, content)

        monkeypatch.setattr(self.store, "read", noted_read)
        monkeypatch.setattr(self.store, "write", noted_write)


def watched(address: str, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A store that notes what is asked of it from now on."""
    found = Watched(store_at(address))
    found.install(monkeypatch)
    return found


def make_batch(account: Account, folder: Folder, count: int, *, octets: int = 2000) -> list[Message]:
    """Messages whose contents are in one pack, stored as a sync does it; they cannot be compressed."""
    noise = random.Random(0)
    mails = [f"Subject: {uuid4()}\r\n\r\n".encode() + noise.randbytes(octets) for _ in range(count)]
    thread = make_thread(account)
    messages = [make_message(account, folder, mail=mail, thread=thread) for mail in mails]
    contents = [raw.Content(message.pk, mail) for message, mail in zip(messages, mails, strict=True)]
    packed = raw.keep(account.pk, raw.pack(contents))
    with transaction.atomic(), connection.cursor() as cursor:
        raw.waste(cursor.cursor, [message.pk for message in messages])
        raw.put(cursor.cursor, account.pk, packed)
    for message in messages:
        message.pack_id = packed.id
        message.raw_at, message.raw_size = packed.places[message.pk]
        message.save()
    return messages


def pack_of(message: Message) -> Pack:
    """Where its contents are."""
    return Pack.objects.get(pk=Message.objects.values_list("pack", flat=True).get(pk=message.pk))


def object_of(message: Message) -> str:
    """The key of that."""
    return key(message.account_id, pack_of(message).pk)


def frame_of(message: Message) -> Frame:
    """The frame in which its raw message begins."""
    frame = Frame.objects.filter(pack=message.pack_id, start__lte=message.raw_at, part=0).order_by("start").last()
    assert frame
    return frame


def damage(message: Message, address: str) -> None:
    """Change a bit in the middle of the frame that holds a raw message."""
    message.refresh_from_db()
    frame = frame_of(message)
    if frame.data is not None:
        Frame.objects.filter(pack=frame.pack_id, start=frame.start).update(data=_changed(bytes(frame.data)))
        return
    name, objects = object_of(message), store_at(address)
    whole = objects.read(name, 0, 1 << 30)
    assert frame.at is not None
    assert frame.size is not None
    at, end = frame.at, frame.at + frame.size
    objects.remove(name)
    objects.write(name, BytesIO(whole[:at] + _changed(whole[at:end]) + whole[end:]))


def _changed(octets: bytes) -> bytes:
    middle = len(octets) // 2
    return octets[:middle] + bytes([octets[middle] ^ 1]) + octets[middle + 1 :]


def sound(account: Account) -> bool:
    """Whether packs hold what they say, and messages have contents: an audit of the mirror by itself."""
    found = [str(each) for each in audit._within(account)]
    assert [each for each in found if "pack" in each or "raw" in each] == []
    return True
