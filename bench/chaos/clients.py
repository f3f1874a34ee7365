"""Somebody's mail program, changing a mailbox at random, straight on the server."""

import random
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from bench.chaos.letters import Letters
from bench.chaos.pace import Pace
from syncfarm.dovecot import Dovecot

PASSWORD = "chaos"
FULL = 60  # messages; a folder with more is emptied rather than filled
_FOLDERS = range(5, 12)  # how many a mailbox is to have
_FLAGS = ("\\Seen", "\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted", "$Label1", "NonJunk")
_NAMES = ("Neü {}", "日本/{}", "A & B {}", "Deep/er/{}", "plain {}", 'quo"ted {}')


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A user on a server."""

    server: Dovecot
    user: str

    def client(self) -> IMAPClient:
        """Somebody logged in. A context manager."""
        client = IMAPClient("127.0.0.1", port=self.server.port, ssl=False, timeout=60)
        client.login(self.user, PASSWORD)
        return client


class Client(threading.Thread):
    """One mail program. It works until the run is over; what went wrong with itself is in `trouble`."""

    def __init__(self, mailbox: Mailbox, name: str, seed: str, pace: Pace) -> None:
        super().__init__(name=f"client {name}", daemon=True)
        self.trouble = ""
        self._mailbox = mailbox
        self._chance = random.Random(f"{seed} {name}")
        self._letters = Letters(name, self._chance)
        self._pace = pace
        self._named = 0
        self._label = name
        self._imap: IMAPClient

    def run(self) -> None:
        """Work, and let nobody wait for a client that is itself at fault."""
        try:
            self._run()
        except Exception as error:
            self.trouble = f"{self.name} failed: {error!r}"
            self._pace.stop()
            raise

    def _run(self) -> None:
        """Log in as often as the server hangs up: it does so when a folder goes away under a client."""
        failures = 0
        while not self._pace.is_over():
            try:
                with self._mailbox.client() as self._imap:
                    failures = 0
                    self._work()
            except (OSError, IMAPClientAbortError) as error:
                failures += 1
                if failures > 50:
                    self.trouble = f"{self.name} cannot work: {error}"
                    self._pace.stop()

    def _work(self) -> None:
        while not self._pace.is_over():
            try:
                self._visit()
            except IMAPClientAbortError:
                raise
            except (IMAPClientError, subprocess.CalledProcessError):
                self._pace.refuse()

    def _visit(self) -> None:
        """Some operations in one folder."""
        folders = self._folders()
        if self._chance.random() < 0.08:
            self._change_folders(folders)
            return
        folder = self._chance.choice(folders)
        self._imap.select_folder(folder)
        for _ in range(self._chance.randint(1, 6)):
            uids = self._imap.search("ALL")
            kind = self._kind(len(uids))
            some = self._chance.sample(uids, min(len(uids), self._chance.choice((1, 1, 2, 5, 20))))
            if not (some or kind is self.append):
                continue
            if not self._pace.turn():
                return
            kind(folder, some, self._chance.choice(folders))
            self._pace.count(kind.__name__)

    def _kind(self, count: int) -> Callable[[str, list[int], str], None]:
        weights = (12, 30, 12, 4, 42) if count > FULL else (42, 30, 14, 8, 6)
        return self._chance.choices([self.append, self.flag, self.move, self.copy, self.expunge], weights)[0]

    def append(self, folder: str, _uids: list[int], _other: str) -> None:
        """New mail, mostly unread."""
        for _ in range(self._chance.choice((1, 1, 1, 3))):
            flags = self._chance.choice([(), (), (), ("\\Seen",), ("\\Draft", "\\Seen")])
            self._imap.append(folder, self._letters.write(), flags)

    def flag(self, _folder: str, uids: list[int], _other: str) -> None:
        """Flags put on, taken off, or replaced."""
        change = self._chance.choice([self._imap.add_flags, self._imap.remove_flags, self._imap.set_flags])
        change(uids, self._chance.sample(_FLAGS, self._chance.randint(1, 2)), silent=True)

    def move(self, folder: str, uids: list[int], other: str) -> None:
        """By MOVE, or as programs do it that know none."""
        if self._imap.has_capability("MOVE") and self._chance.random() < 0.5:
            self._imap.move(uids, other)
            return
        self._imap.copy(uids, other)
        self.expunge(folder, uids, other)

    def copy(self, _folder: str, uids: list[int], other: str) -> None:
        """Into this folder or another."""
        self._imap.copy(uids, other)

    def expunge(self, _folder: str, uids: list[int], _other: str) -> None:
        """These, and now and then whatever carries \\Deleted."""
        self._imap.add_flags(uids, ["\\Deleted"], silent=True)
        self._imap.expunge(None if self._chance.random() < 0.1 else uids)

    def _change_folders(self, folders: list[str]) -> None:
        if not self._pace.turn():
            return
        others = [name for name in folders if name != "INBOX"]
        self._imap.select_folder("INBOX")  # a folder that is selected cannot go
        kinds: list[Callable[[str], None]] = [self.rename, self.remake]
        if self._chance.random() < 0.05:
            kinds = [self.reset]
        elif len(folders) < _FOLDERS[-1]:
            kinds.append(self.create)
        if len(folders) > _FOLDERS[0]:
            kinds.append(self.delete)
        kind = self._chance.choice(kinds) if others else self.create
        kind(self._chance.choice(others or ["INBOX"]))
        self._pace.count(f"folder {kind.__name__}")

    def create(self, _folder: str) -> None:
        """A folder, perhaps below others."""
        self._imap.create_folder(self._new_name())

    def rename(self, folder: str) -> None:
        """With all that is below it."""
        self._imap.rename_folder(folder, self._new_name())

    def delete(self, folder: str) -> None:
        """With all its mail; what is below it stays."""
        self._imap.delete_folder(folder)

    def remake(self, folder: str) -> None:
        """Deleted and made anew under its name: another UIDVALIDITY, other mail."""
        self._imap.delete_folder(folder)
        self._imap.create_folder(folder)
        self._imap.append(folder, self._letters.write())

    def reset(self, folder: str) -> None:
        """Another UIDVALIDITY for the same mail, by the server's administrator."""
        self._mailbox.server.reset_uidvalidity(self._mailbox.user, self._chance.choice(["INBOX", folder]))

    def _new_name(self) -> str:
        self._named += 1
        return self._chance.choice(_NAMES).format(f"{self._label}-{self._named}")

    def _folders(self) -> list[str]:
        """Those that can hold mail."""
        listed = self._imap.list_folders()
        return [name for sent, _, name in listed if not {b"\\Noselect", b"\\NonExistent"} & {*sent}]
