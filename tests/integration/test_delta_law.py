"""The law of the change log: a reader that applies every entry ends where a fresh listing is, and can check that it
missed nothing. Over REST, while another client changes the mailbox at random, on every strategy."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from imapclient import IMAPClient

from accounts import keys
from accounts.models import Account
from mail import audit
from tests.integration.mirroring import connected, fill, mail, mirror_state, server_state, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]
COLLECTIONS = {"message": "messages", "thread": "threads", "folder": "folders"}


class Reader:
    """A consumer of the feed: a cursor and the state that the entries make."""

    def __init__(self, account: Account) -> None:
        _key, secret = keys.create(account.application, f"reader of {account.email}")
        self.client = Client(headers={"authorization": f"Bearer {secret}"})
        self.grant = f"/v3/grants/{account.id}"
        self.cursor = 0
        self.state: dict[tuple[str, str], Any] = {}

    def get(self, path: str) -> Any:
        answer = self.client.get(self.grant + path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def catch_up(self) -> None:
        """Apply what is new, checking that no seq is missing."""
        while page := self.get(f"/delta?cursor={self.cursor}&limit=7")["data"]:
            assert [entry["seq"] for entry in page] == list(range(self.cursor + 1, self.cursor + 1 + len(page)))
            self.cursor = page[-1]["seq"]
            for entry in page:
                self.apply(entry)

    def apply(self, entry: dict[str, Any]) -> None:
        key = entry["object_type"], entry["object_id"]
        if entry["kind"] == "deleted" or entry["object"] is None:
            self.state.pop(key, None)
        else:
            self.state[key] = entry["object"]

    def listed(self) -> dict[tuple[str, str], Any]:
        """What a fresh listing of everything gives."""
        found: dict[tuple[str, str], Any] = {}
        for kind, path in COLLECTIONS.items():
            token = ""
            while True:
                page = self.get(f"/{path}?limit=5{token}")
                found |= {(kind, each["id"]): each for each in page["data"]}
                if "next_cursor" not in page:
                    break
                token = f"&page_token={page['next_cursor']}"
        return found


class OtherClient:
    """Somebody's mail program, doing this and that."""

    def __init__(self, imap: IMAPClient, chance: random.Random) -> None:
        self.imap, self.chance, self.count = imap, chance, 0

    def names(self) -> list[str]:
        listed = self.imap.list_folders()
        return [
            name for attributes, _delimiter, name in listed if not {b"\\Noselect", b"\\NonExistent"} & {*attributes}
        ]

    def some(self) -> tuple[str, list[int]]:
        """A folder and a few of its UIDs."""
        folder = self.chance.choice(self.names())
        self.imap.select_folder(folder)
        uids = self.imap.search("ALL")
        return folder, self.chance.sample(uids, min(len(uids), self.chance.randint(1, 3)))

    def append(self) -> None:
        self.count += 1
        parent = self.chance.randrange(self.count)
        headers = {"Message_ID": f"<{self.count}@x>", "In_Reply_To": f"<{parent}@x>"} if parent % 2 else {}
        self.imap.append(self.chance.choice(self.names()), mail(f"New {self.count}", **headers))

    def flag(self) -> None:
        _folder, uids = self.some()
        if uids:
            change = self.chance.choice([self.imap.add_flags, self.imap.remove_flags])
            change(uids, [self.chance.choice([b"\\Seen", b"\\Flagged", b"\\Answered", b"$Label1"])])

    def move(self) -> None:
        _folder, uids = self.some()
        if uids:
            self.imap.copy(uids, self.chance.choice(self.names()))
            self.imap.delete_messages(uids)
            self.imap.expunge(uids)

    def copy(self) -> None:
        _folder, uids = self.some()
        if uids:
            self.imap.copy(uids, self.chance.choice(self.names()))

    def expunge(self) -> None:
        _folder, uids = self.some()
        if uids:
            self.imap.delete_messages(uids)
            self.imap.expunge(uids)

    def create(self) -> None:
        self.count += 1
        self.imap.create_folder(self.chance.choice(["Neü {}", "日本/{}", "A & B {}", "Deep/er/{}"]).format(self.count))

    def rename(self) -> None:
        others = [name for name in self.names() if name != "INBOX"]
        if others:
            self.count += 1
            self.imap.select_folder("INBOX")
            self.imap.rename_folder(self.chance.choice(others), f"Renamed {self.count}")

    def delete(self) -> None:
        leaves = [name for name in self.names() if name != "INBOX"]
        if len(leaves) > 2:
            self.imap.select_folder("INBOX")
            self.imap.delete_folder(self.chance.choice(leaves))

    def act(self) -> None:
        often: list[Callable[[], None]] = [self.append, self.flag, self.move, self.copy, self.expunge]
        self.chance.choice([*often, *often, *often, self.create, self.rename, self.delete])()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_reader_of_the_feed_ends_where_a_fresh_listing_is(mailbox: Mailbox, seed: int) -> None:
    chance = random.Random(seed)
    account = connected(mailbox)
    reader = Reader(account)
    with mailbox.client() as imap:
        imap.create_folder("Work")
        fill(imap, "INBOX", 5)
        other = OtherClient(imap, chance)
        for _ in range(12):
            for _ in range(chance.randint(1, 5)):
                other.act()
            if chance.random() < 0.15:
                mailbox.server.reset_uidvalidity(mailbox.user, "INBOX")
            sync(account)
            assert mirror_state(account) == server_state(imap)
            reader.catch_up()
            grants = {key for key in reader.state if key[0] == "grant"}
            assert {key: value for key, value in reader.state.items() if key not in grants} == reader.listed()
    assert audit.run(account) == []
