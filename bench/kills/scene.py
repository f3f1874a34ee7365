"""Where a run takes place: two IMAP servers behind gates, a submission server, a farm, its users."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.chaos.clients import PASSWORD, Mailbox
from bench.chaos.farm import Farm, FarmFailed, Rest
from bench.kills import gate, sink
from bench.kills.gate import Gate
from bench.kills.moments import Moments
from bench.kills.sink import Sink
from bench.kills.user import FOLDERS, Mover, Writer
from syncfarm.dovecot import BARE, Dovecot

SERVERS = {"moves": None, "copies": BARE}  # the second offers no MOVE
_KEY = """
from accounts import keys
from accounts.models import Application
print(keys.create(Application.objects.create(name="kills"), "kills")[1])
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to be. `pause`: seconds between two things that a user does; `calm`: to become quiet in."""

    seed: int
    kills: int
    mailboxes: int = 60
    mails: int = 8  # in each
    pause: float = 8.0
    seconds: float = 7200.0  # for the kills; those that are left then are left out
    calm: float = 420.0
    hurry: bool = True  # once nobody dies any more, nothing waits for its time


@dataclass(frozen=True, slots=True)
class Scene:
    """All of it, running. The nth mailbox is the nth mover's and the nth writer's."""

    farm: Farm
    moments: Moments
    sink: Sink
    gates: list[Gate]
    mailboxes: list[Mailbox]
    movers: list[Mover]
    writers: list[Writer]


@contextmanager
def prepared(plan: Plan, directory: Path, told: Callable[[str], None]) -> Iterator[Scene]:
    """Everything started, every mailbox connected and mirrored. Raises DovecotFailed, FarmFailed."""
    moments = Moments()
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Dovecot.start(directory / name, {}, capability=capability))
            for name, capability in SERVERS.items()
        ]
        gates = [stack.enter_context(gate.before(each.port, f"{plan.seed} gate", moments)) for each in servers]
        submission = stack.enter_context(sink.listening(f"{plan.seed} sink", moments))
        farm = stack.enter_context(Farm(directory / "farm", "bench.kills.launcher"))
        key = farm.manage("shell", "-v", "0", "-c", _KEY).stdout.split()[-1]
        scene = Scene(farm, moments, submission, gates, [], [], [])
        for number in range(plan.mailboxes):
            told(f"connecting mailbox {number + 1} of {plan.mailboxes}")
            mailbox = Mailbox(servers[number % len(servers)], f"user{number}@example.test")
            _fill(mailbox, plan.mails)
            grant = _grant(farm, key, mailbox, gates[number % len(gates)].port, submission.port)
            scene.mailboxes.append(mailbox)
            scene.movers.append(Mover(farm, key, grant, mailbox.user, str(plan.seed), plan.pause))
            scene.writers.append(Writer(farm, key, grant, mailbox.user, str(plan.seed), plan.pause))
        _wait_for_mirrors(plan, scene, told)
        yield scene


def _fill(mailbox: Mailbox, count: int) -> None:
    mailbox.server.add_user(mailbox.user, PASSWORD)
    with mailbox.client() as imap:
        for name in (*FOLDERS[1:], "Sent", "Drafts", "Trash"):
            imap.create_folder(name)
        for number in range(count):
            subject = f"seed {number} of {mailbox.user}"
            head = f"Message-ID: <seed{number}.{mailbox.user}>\r\nFrom: ann@example.test\r\nSubject: {subject}\r\n"
            imap.append("INBOX", f"{head}\r\nmail {number}\r\n".encode())


def _grant(farm: Farm, key: str, mailbox: Mailbox, imap_port: int, smtp_port: int) -> str:
    settings = {
        "imap_host": "127.0.0.1", "imap_port": imap_port, "imap_security": "none",
        "imap_username": mailbox.user, "imap_password": PASSWORD,
        "smtp_host": "127.0.0.1", "smtp_port": smtp_port, "smtp_security": "none",
    }  # fmt: skip
    answer = Rest(farm, key).ask("POST", "/v3/connect/custom", {"provider": "imap", "settings": settings})
    return str(answer["data"]["id"])


def _wait_for_mirrors(plan: Plan, scene: Scene, told: Callable[[str], None]) -> None:
    until = time.monotonic() + 120
    waiting = scene.movers
    while waiting := [mover for mover in waiting if not mover.learn(plan.mails)]:
        told(f"{len(waiting)} mailboxes are being mirrored")
        if time.monotonic() > until:
            raise FarmFailed(f"{len(waiting)} mailboxes are not mirrored after two minutes")
        time.sleep(0.2)
