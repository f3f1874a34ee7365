"""Where packs are kept, for tests: each store in turn, and what is in it. A plugin for a test module."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from mail.models import Pack
from mail.raw.objects import ObjectStore, key, store_at

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
        monkeypatch.setattr(self.store, "read", lambda *call: self.reads.append(call) or read(*call))
        monkeypatch.setattr(self.store, "write", lambda *call: self.writes.append(call[0]) or write(*call))


def watched(address: str, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A store that notes what is asked of it from now on."""
    found = Watched(store_at(address))
    found.install(monkeypatch)
    return found
