"""How soon either side sees what the other does: the API's changes in another mail program, and a mail program's over
the API, by itself and once a sync is asked for."""

import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from imapclient import IMAPClient

from bench.chaos.clients import PASSWORD, Mailbox
from bench.chaos.farm import Farm, Rest
from bench.kills import sink
from bench.kills.moments import Moments
from bench.outcome import Judged, Outcome, table
from bench.stand import Stand

GOAL = 2.0  # seconds
ROUNDS = 10
_PATIENCE = 60.0
_KEY = """
from accounts import keys
from accounts.models import Application
print(keys.create(Application.objects.create(name="seen"), "seen")[1])
"""
_TEXT = """\
A farm on this machine, its mailbox on a local Dovecot, {rounds} times each, in milliseconds. What is done over the API
is timed from its answer to where another IMAP client sees it; what that client does from there to where the API tells
it, after `POST sync` and by itself, told by the server to the watch process: Dovecot does so 0.5 s after the
first of the changes that it has to tell.

{figures}"""
Facts = dict[str, list[float]]


def measure(stand: Stand) -> Outcome:
    """Every kind of change, in turn."""
    directory = stand.directory / "seen"
    shutil.rmtree(directory, ignore_errors=True)
    rounds = max(stand.scaled(ROUNDS * 10) // 10, 2)
    with sink.listening("seen", Moments()) as submission, Farm(directory) as farm:
        mailbox = Mailbox(stand.server, "seen@example.test")
        stand.server.add_user(mailbox.user, PASSWORD)
        shutil.rmtree(stand.server.directory / "mail" / mailbox.user, ignore_errors=True)
        with mailbox.client() as imap, stand.bar("Seen from the other side", rounds) as told:
            both = _Both(farm, mailbox, imap, submission.port, rounds)
            facts: Facts = {}
            for number in range(rounds):
                for name, seconds in both.once(number):
                    facts.setdefault(name, []).append(seconds)
                told(number + 1)
    slowest = max(max(times) for times in facts.values())
    judged = [Judged("a change, seen from the other side, the slowest", GOAL, slowest, " s")]
    rows = [[name, _ms(statistics.median(times)), _ms(max(times))] for name, times in facts.items()]
    text = _TEXT.format(rounds=rounds, figures=table(("change", "median", "slowest"), rows))
    return Outcome("Seen from the other side", f"{rounds} rounds", judged, text, {"seconds": facts})


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}"


class _Both:
    """A mailbox, over the API and as another client has it."""

    def __init__(self, farm: Farm, mailbox: Mailbox, imap: IMAPClient, smtp_port: int, mails: int) -> None:
        self._imap = imap
        for number in range(2 * mails):
            imap.append("INBOX", f"Message-ID: <{number}@seen>\r\nSubject: mail {number}\r\n\r\nHello\r\n".encode())
        for name in ("Kept", "Drafts", "Sent", "Trash"):
            if not imap.folder_exists(name):
                imap.create_folder(name)
        self._rest = Rest(farm, farm.manage("shell", "-v", "0", "-c", _KEY).stdout.split()[-1])
        settings = {
            "imap_host": "127.0.0.1", "imap_port": mailbox.server.port, "imap_security": "none",
            "imap_username": mailbox.user, "imap_password": PASSWORD,
            "smtp_host": "127.0.0.1", "smtp_port": smtp_port, "smtp_security": "none",
        }  # fmt: skip
        answer = self._rest.ask("POST", "/v3/connect/custom", {"provider": "imap", "settings": settings})
        self._grant = f"/v3/grants/{answer['data']['id']}"
        _until(lambda: len(self._list("messages?limit=200")) == 2 * mails)
        _until(lambda: bool(self._ask("GET", "sync")["data"]["watch"] == "notify"))
        self._folders = {each["name"]: each["id"] for each in self._list("folders")}

    def once(self, number: int) -> Iterator[tuple[str, float]]:
        """(what is done, seconds until the other side sees it) of one round."""
        row = self._named(f"mail {2 * number}")
        self._put(f"messages/{row['id']}", starred=True)
        yield "API: flag", _until(lambda: self._there("INBOX", ["FLAGGED", "SUBJECT", f"mail {2 * number}"]))
        self._put(f"messages/{row['id']}", folders=[self._folders["Kept"]])
        yield "API: move", _until(lambda: self._there("Kept", ["HEADER", "Message-ID", f"<{2 * number}@seen>"]))
        self._ask("DELETE", f"messages/{row['id']}?hard_delete=true")
        gone = ["HEADER", "Message-ID", f"<{2 * number}@seen>"]
        yield "API: deletion", _until(lambda: not self._there("Kept", gone))
        yield from self._written(number)
        folder = self._ask("POST", "folders", name=f"New {number}")["data"]["id"]
        yield "API: folder", _until(lambda: bool(self._imap.folder_exists(f"New {number}")))
        self._ask("DELETE", f"folders/{folder}")
        yield from self._done_there(number)

    def _written(self, number: int) -> Iterator[tuple[str, float]]:
        to = [{"email": "bob@example.test"}]
        draft = self._ask("POST", "drafts", subject=f"draft {number}.", to=to)["data"]["id"]
        yield "API: draft", _until(lambda: self._there("Drafts", ["SUBJECT", f"draft {number}."]))
        self._put(f"drafts/{draft}", subject=f"edited {number}.")
        yield "API: draft changed", _until(lambda: self._there("Drafts", ["SUBJECT", f"edited {number}."]))
        self._ask("POST", f"drafts/{draft}")
        yield "API: sent, its copy", _until(lambda: self._there("Sent", ["SUBJECT", f"edited {number}."]))

    def _done_there(self, number: int) -> Iterator[tuple[str, float]]:
        subject = f"mail {2 * number + 1}"
        row = self._named(subject)
        self._imap.select_folder("INBOX")
        (uid,) = self._imap.search(["HEADER", "Message-ID", f"<{2 * number + 1}@seen>"])
        self._imap.add_flags([uid], [b"\\Flagged"])
        yield "client: flag, after POST sync", self._until_told(lambda: self._get(row["id"])["starred"])
        self._imap.append("INBOX", f"Subject: came {number}.\r\n\r\nHello\r\n".encode())
        yield (
            "client: new mail, after POST sync",
            self._until_told(lambda: bool(self._list(f"messages?subject=came%20{number}."))),
        )
        yield from self._by_itself(number, row["id"], uid)

    def _by_itself(self, number: int, message: str, uid: int) -> Iterator[tuple[str, float]]:
        self._imap.add_flags([uid], [b"\\Seen"])
        yield "client: read, by itself", _until(lambda: not self._get(message)["unread"])
        self._imap.move([uid], "Kept")
        kept = [self._folders["Kept"]]
        yield "client: move, by itself", _until(lambda: bool(self._get(message)["folders"] == kept))
        self._imap.append("Kept", f"Subject: kept {number}.\r\n\r\nHello\r\n".encode())
        query = f"messages?subject=kept%20{number}."
        yield "client: new mail in another folder, by itself", _until(lambda: bool(self._list(query)))
        self._imap.select_folder("Kept")
        self._imap.delete_messages(self._imap.search(["SUBJECT", f"kept {number}."]))
        self._imap.expunge()
        yield "client: deletion, by itself", _until(lambda: not self._list(query))

    def _until_told(self, fact: Callable[[], bool]) -> float:
        began = time.monotonic()
        self._ask("POST", "sync")
        _until(fact)
        return time.monotonic() - began

    def _there(self, folder: str, criteria: list[str]) -> bool:
        self._imap.select_folder(folder, readonly=True)
        return bool(self._imap.search(criteria))

    def _named(self, subject: str) -> Any:
        return next(each for each in self._list("messages?limit=200&select=id,subject") if each["subject"] == subject)

    def _get(self, message: str) -> Any:
        return self._ask("GET", f"messages/{message}")["data"]

    def _list(self, path: str) -> Any:
        return self._ask("GET", path)["data"]

    def _put(self, path: str, **body: Any) -> Any:
        return self._ask("PUT", path, **body)

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        return self._rest.ask(method, f"{self._grant}/{path}", body or None)


def _until(fact: Callable[[], bool]) -> float:
    """Seconds until it is so. Raises TimeoutError."""
    began = time.monotonic()
    while not fact():
        if time.monotonic() > began + _PATIENCE:
            raise TimeoutError("one side does not see what the other did")
        time.sleep(0.01)
    return time.monotonic() - began
