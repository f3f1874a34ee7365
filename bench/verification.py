"""A benchmark of wrong results is none: compares the mirror with the server, by a client that is not the product's,
and reads it as the API's users do."""

import base64
import json
import random
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.test import Client
from imapclient import IMAPClient

from accounts import keys
from accounts.models import Account, Application
from bench.mailbox import HOST, PASSWORD, fetch_all
from mail.models import Folder, Location, Transaction

PAGE = 200  # the API's largest


class MirrorWrong(Exception):
    """The mirror is not what the server has; the text says where."""


def verify(account_id: UUID, user: str, port: int, sample: int) -> int:
    """Check every folder's UIDs and flags; over REST every message with its thread, and the bytes of about `sample`
    with each folder's newest; and the log. Returns how many messages there are. `port`: the server's.

    Raises MirrorWrong.
    """
    account = Account.objects.get(id=account_id)
    reader = _Reader(account)
    with IMAPClient(HOST, port=port, ssl=False) as imap:
        imap.login(user, PASSWORD)
        names = [name for _attributes, _delimiter, name in imap.list_folders()]
        total = sum(_compare_folder(reader, imap, name, 1 + sample // len(names)) for name in names)
    listed = {message["id"]: message["thread_id"] for message in reader.all("messages")}
    threads = {message for thread in reader.all("threads") for message in thread["message_ids"]}
    if len(listed) != total or threads != listed.keys() or not all(listed.values()):
        raise MirrorWrong(f"{total:,} messages on the server, {len(listed):,} over REST, {len(threads):,} in threads")
    if Transaction.objects.filter(account=account_id).count() != account.log_seq:
        raise MirrorWrong("the change log has holes")
    return total


def _compare_folder(reader: "_Reader", imap: IMAPClient, name: str, sample: int) -> int:
    imap.select_folder(name, readonly=True)
    flags = {uid: _flags(data[b"FLAGS"]) for uid, data in fetch_all(imap, ["FLAGS"]).items()}
    folder = Folder.objects.get(account=reader.account, name=name)
    places = Location.objects.filter(folder=folder)
    if dict(places.values_list("uid", "flags")) != flags:
        raise MirrorWrong(
            f"{name}: {places.count():,} places mirrored, {len(flags):,} on the server, or their flags differ"
        )
    uids = {*random.Random(1).sample(sorted(flags), min(sample, len(flags))), *sorted(flags)[-1:]}
    for uid, data in imap.fetch(uids, ["BODY.PEEK[]"]).items() if uids else ():
        if reader.raw(places.get(uid=uid).message_id) != data[b"BODY[]"]:
            raise MirrorWrong(f"{name}: message {uid} is not what the server gives")
    return len(flags)


class _Reader:
    """The account over REST. In this process: what the API reads is all committed, whoever asks."""

    def __init__(self, account: Account) -> None:
        self.account = account
        application = Application.objects.get(id=account.application_id)
        _key, secret = keys.create(application, "bench")
        self._client = Client(SERVER_NAME="localhost", HTTP_AUTHORIZATION=f"Bearer {secret}")

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        """Every object of a listing."""
        query = {"limit": str(PAGE), "select": "id,thread_id,message_ids"}
        while True:
            page = self._get(kind, query)
            yield from page["data"]
            if not page.get("next_cursor"):
                return
            query["page_token"] = page["next_cursor"]

    def raw(self, message: UUID) -> bytes:
        """The message as the server gave it."""
        data = self._get(f"messages/{message}", {"fields": "raw_mime"})["data"]
        return base64.urlsafe_b64decode(data["raw_mime"])

    def _get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        answer = self._client.get(f"/v3/grants/{self.account.id}/{path}", query)
        if answer.status_code != 200:
            raise MirrorWrong(f"the API answers {path} with status {answer.status_code}")
        body: dict[str, Any] = json.loads(answer.getvalue())  # a large one is streamed
        return body


def _flags(sent: tuple[bytes, ...]) -> list[str]:
    return sorted(flag.decode() for flag in sent if flag != rb"\Recent")
