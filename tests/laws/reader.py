"""A consumer of the change log: it applies entry after entry, and never lists anything but to compare."""

from typing import Any

from django.test import Client

from accounts import keys
from accounts.models import Account

_COLLECTIONS = {"message": "messages", "thread": "threads", "folder": "folders"}
_PAGE = 200

Objects = dict[tuple[str, str], Any]


class Reader:
    """A cursor and the state that the entries make, over REST."""

    def __init__(self, account: Account) -> None:
        _key, secret = keys.create(account.application, f"reader of {account.email}")
        self.cursor = 0
        self._objects: Objects = {}
        self._told: set[tuple[str, str]] = set()  # what was created and not deleted since
        self._client = Client(headers={"authorization": f"Bearer {secret}"})
        self._grant = f"/v3/grants/{account.id}"

    def catch_up(self) -> None:
        """Apply what is new, checking that no seq is missing."""
        while page := self._get(f"/delta?cursor={self.cursor}&limit={_PAGE}")["data"]:
            assert [entry["seq"] for entry in page] == list(range(self.cursor + 1, self.cursor + 1 + len(page)))
            self.cursor = page[-1]["seq"]
            for entry in page:
                self._apply(entry)

    @property
    def objects(self) -> Objects:
        """What there is after the last entry; the grant apart."""
        return {key: value for key, value in self._objects.items() if key[0] in _COLLECTIONS}

    def listed(self) -> Objects:
        """What a fresh listing of everything gives."""
        found: Objects = {}
        for kind, path in _COLLECTIONS.items():
            page = self._get(f"/{path}?limit={_PAGE}")
            found |= {(kind, each["id"]): each for each in page["data"]}
            while token := page.get("next_cursor"):
                page = self._get(f"/{path}?limit={_PAGE}&page_token={token}")
                found |= {(kind, each["id"]): each for each in page["data"]}
        return found

    def _apply(self, entry: dict[str, Any]) -> None:
        key = entry["object_type"], entry["object_id"]
        if key[0] in _COLLECTIONS:
            assert (key in self._told) == (entry["kind"] != "created"), (
                f"{entry['kind']} is told of {key} at a wrong time"
            )
            (self._told.discard if entry["kind"] == "deleted" else self._told.add)(key)
        if entry["kind"] == "deleted" or entry["object"] is None:
            self._objects.pop(key, None)
        else:
            self._objects[key] = entry["object"]

    def _get(self, path: str) -> Any:
        answer = self._client.get(self._grant + path)
        assert answer.status_code == 200, answer.content
        return answer.json()
