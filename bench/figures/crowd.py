"""One worker with a hundred accounts at once and a very large message among them: what it needs at most."""

import base64
import random
from dataclasses import asdict

from bench import mailbox
from bench.outcome import Judged, Outcome, table
from bench.rush import Rush, middle, rushes
from bench.stand import Stand

TITLE = "A hundred accounts in one worker"
ACCOUNTS = 100
MESSAGES = 300  # each
LARGE = 90_000_000  # bytes of one message of one account
SAMPLE = 10

_TEXT = """\
{accounts} accounts of {messages:,} messages each become due at the same time for one worker process, started by the
Procfile's own command; the newest message of one of them has {large:.0f} MB. Memory is the process's peak from its
start to the moment when all are mirrored; the connections to PostgreSQL are looked at ten times a second, and so are
those to the mail server, which tell how many accounts were really at it at once. Then every account is verified.

{runs}"""


def measure(stand: Stand) -> Outcome:
    """All runs."""
    original = stand.mailbox(stand.scaled(MESSAGES))
    boxes = mailbox.copies(stand.server, original, ACCOUNTS)
    boxes[ACCOUNTS // 2] = mailbox.add(stand.server, boxes[ACCOUNTS // 2], large(stand.scaled(LARGE)))
    runs = rushes(stand, boxes, 1, SAMPLE)
    held = middle(runs)
    judged = [
        Judged(f"worker with {ACCOUNTS} accounts at once: memory", 400, held.memory / 2**20, " MB"),
        Judged(f"worker with {ACCOUNTS} accounts at once: database connections", 12, held.connections),
    ]
    text = _TEXT.format(
        accounts=ACCOUNTS, messages=original.messages, large=stand.scaled(LARGE) / 1e6, runs=_table(runs)
    )
    return Outcome(TITLE, stand.medians, judged, text, {"accounts": ACCOUNTS, "runs": [asdict(run) for run in runs]})


def large(size: int) -> bytes:
    """A message of about so many bytes: an attachment of noise in base64."""
    noise = base64.encodebytes(random.Random(size).randbytes(size * 3 // 4 * 76 // 78))
    head = (
        "From: Dana <dana@bench.example>\r\nTo: Ruth <ruth@bench.example>\r\nSubject: The recordings\r\n"
        f"Message-ID: <large.{size}@bench.example>\r\nDate: Mon, 04 Jan 2021 06:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        "Content-Type: application/octet-stream; name=recordings.bin\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=recordings.bin\r\n\r\n"
    )
    return head.encode() + noise.replace(b"\n", b"\r\n")


def _table(runs: list[Rush]) -> str:
    rows = [
        [f"run {n}", f"{run.wall:.1f}", f"{run.memory / 2**20:.0f} MB", f"{run.connections:.0f}", f"{run.sessions:.0f}"]
        for n, run in enumerate(runs, start=1)
    ]
    return table(("", "seconds", "peak memory", "database connections", "mail sessions"), rows)
