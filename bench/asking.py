"""What is asked of the web process for the figures of lists."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Self

from bench import sought
from bench.farm import Database
from bench.watching import RunFailed
from bench.web import Client, Web

_PLACES = {"messages": ("mail_message", "received_at"), "threads": ("mail_thread", "latest_at")}
_PLACE = (
    "SELECT json_build_array((extract(epoch FROM {at}) * 1000000)::bigint, replace(id::text, '-', ''))::text"
    " FROM {table}"
    " WHERE account_id = %s ORDER BY {at} DESC, id DESC OFFSET %s LIMIT 1"
)
_THREAD = "SELECT thread_id FROM mail_message WHERE account_id = %s ORDER BY received_at DESC OFFSET 100 LIMIT 1"
_LAST = 25  # rows of the last page


@dataclass(frozen=True, slots=True)
class Load:
    """Answers and what one of them took, in seconds; `rate`: answers a second."""

    rate: float
    web: float
    postgres: float
    p50: float
    p99: float

    @property
    def per_core(self) -> float:
        """Answers a second of CPU, PostgreSQL's included."""
        return 1 / (self.web + self.postgres)


class Sides:
    """A client of the web process, and what the answers take. `postgres_cpu`: seconds of the server's processes."""

    def __init__(self, web: Web, key: str, postgres_cpu: Callable[[], float]) -> None:
        self._web = web
        self._key = key
        self._postgres_cpu = postgres_cpu
        client = Client(web.port, key)
        self.get, self.timed = client.get, client.timed

    def load(self, paths: Sequence[str], seconds: int, clients: int) -> Load:
        """Several clients at once, in a process of their own. Raises RunFailed."""
        command = [sys.executable, "-m", "bench.load", str(self._web.port), self._key, str(seconds), str(clients)]
        web, postgres = self._web.cpu(), self._postgres_cpu()
        done = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunFailed(f"the clients failed: {done.stderr.strip().splitlines()[-1:]}")
        told = json.loads(done.stdout)
        return self._load(told["times"], told["wall"], web, postgres)

    def alone(self, paths: Sequence[str], count: int) -> Load:
        """One request after the other."""
        web, postgres = self._web.cpu(), self._postgres_cpu()
        times = [self.timed(paths[number % len(paths)]) for number in range(count)]
        return self._load(times, sum(times), web, postgres)

    def machine_load(self) -> str:
        """Of the last minutes, as `uptime` tells it."""
        return f"{os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"

    def _load(self, times: Sequence[float], wall: float, web: float, postgres: float) -> Load:
        count, shares = len(times), quantiles(times, n=100)
        web, postgres = self._web.cpu() - web, self._postgres_cpu() - postgres
        return Load(count / wall, web / count, postgres / count, shares[49], shares[98])


@dataclass(frozen=True, slots=True)
class Side:
    """An account, and what of it the lists are asked for. `places`: where pages begin, as tokens have it."""

    account: str
    folders: dict[str, str]
    thread: str
    places: dict[str, dict[str, tuple[int, str]]]

    @classmethod
    def of(cls, database: Database, account: str) -> Self:
        """Look up what a client would know from other answers."""
        folders = database.one("SELECT json_object_agg(name, id)::text FROM mail_folder WHERE account_id = %s", account)
        places = {}
        for kind, (table, at) in _PLACES.items():
            count = database.one(f"SELECT count(*) FROM {table} WHERE account_id = %s", account)
            offsets, statement = {"middle": count // 2, "last": count - _LAST - 1}, _PLACE.format(table=table, at=at)
            places[kind] = {name: json.loads(database.one(statement, account, str(n))) for name, n in offsets.items()}
        return cls(account, json.loads(folders), str(database.one(_THREAD, account)), places)

    @property
    def half(self) -> int:
        """Unix seconds: as many messages are older as are newer."""
        return self.places["messages"]["middle"][0] // 1_000_000

    def path(self, what: str) -> str:
        """Below the account's grant."""
        return f"/v3/grants/{self.account}/{what}"

    def queries(self, sides: Sides) -> dict[str, str]:
        """Every list by what it is called."""
        found = {f"messages, {name}": f"messages?{query}" for name, query in self._filters().items()}
        found |= {f"threads, {name}": f"threads?{query}" for name, query in self._filters().items()}
        found["threads, latest_message_before"] = f"threads?latest_message_before={self.half}"
        found["threads, latest_message_after"] = f"threads?latest_message_after={self.half}"
        found["threads, earliest_message_date"] = f"threads?earliest_message_date={self.half}"
        for kind in _PLACES:
            found |= {f"{kind}, {name} page": path for name, path in self._pages(sides, kind).items()}
        return {name: self.path(path) for name, path in found.items()} | {"folders": self.path("folders")}

    def _filters(self) -> dict[str, str]:
        places = {name: f"in={self.folders[name]}" for name in ("INBOX", "Archive", "Rare", "Sent")}
        found = {
            "first page": "",
            "subject, common": f"subject={sought.COMMON_SUBJECT}",
            "subject, rare": f"subject={sought.RARE_SUBJECT.replace(' ', '%20')}",
            "subject, none": "subject=nothing%20has%20this",
            "any_email, the owner": f"any_email={sought.OWNER}",
            "any_email, common": f"any_email={sought.OFTEN}",
            "any_email, rare": f"any_email={sought.SELDOM}",
            "to, the owner": f"to={sought.OWNER}",
        }
        for name in ("from", "to", "cc", "bcc"):
            if name != "to":
                found[f"{name}, common"] = f"{name}={sought.OFTEN}"
            found[f"{name}, rare"] = f"{name}={sought.SELDOM}"
        return found | {
            "in INBOX": places["INBOX"],
            "in a small folder": places["Rare"],
            "in two folders": f"{places['INBOX']},{self.folders['Archive']}",
            "unread": "unread=true",
            "read": "unread=false",
            "starred": "starred=true",
            "not starred": "starred=false",
            "thread_id": f"thread_id={self.thread}",
            "received_before": f"received_before={self.half}",
            "received_after": f"received_after={self.half}",
            "has_attachment": "has_attachment=true",
            "no attachment": "has_attachment=false",
            "search, common": f"search_query_native={sought.COMMON_WORD}",
            "search, rare": f"search_query_native={sought.RARE_WORD}",
            "search, none": "search_query_native=nowherefound",
            "in INBOX, unread": f"{places['INBOX']}&unread=true",
            "in Archive, unread (few)": f"{places['Archive']}&unread=true",
            "in Sent, unread (none)": f"{places['Sent']}&unread=true",
        }

    def _pages(self, sides: Sides, kind: str) -> dict[str, str]:
        """One in the middle and the last one: the first page's token, with another place in it (api.pagination)."""
        packed = json.loads(sides.get(self.path(f"{kind}?select=id")))["next_cursor"]
        fingerprint, *_place = json.loads(base64.urlsafe_b64decode(packed + "=="))
        tokens = {name: json.dumps([fingerprint, *place]).encode() for name, place in self.places[kind].items()}
        return {name: f"{kind}?page_token={base64.urlsafe_b64encode(token).decode()}" for name, token in tokens.items()}
