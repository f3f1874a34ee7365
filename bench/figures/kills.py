"""What became of mail whose workers were killed: a driver with a command of its own leaves a report, quoted here."""

import json
from pathlib import Path
from typing import Any

from bench.outcome import Judged, Outcome, table

TITLE = "Workers killed amid sending and moving"
REPORT = Path(__file__).resolve().parent.parent / "kills" / "results.json"
KILLS = 1_000

_TEXT = """\
`python -m bench.kills --kills 1000 --json bench/kills/results.json` kills the workers that send, and those that carry
changes to the IMAP server, with SIGKILL, mostly amid a conversation, while {mailboxes} mailboxes send, schedule, write
drafts and move over REST. In the end every message that was accepted has ended; what is said to be sent was taken once
by the submission server and is once in the Sent folder, what is uncertain at most once, all else never; every message
that was moved is in one folder, the last that was asked for; mirror and servers agree. Its last report, of {kills:,}
kills:

{figures}"""


def last(report: Path = REPORT) -> Outcome | None:
    """The driver's last report, None where there is none."""
    if not report.exists():
        return None
    run: dict[str, Any] = json.loads(report.read_text())
    kills = sum(run["kills"].values())
    judged = [
        Judged("workers killed amid sending and moving", KILLS, kills, at_most=False),
        Judged("lost, sent or moved twice, or wrongly reported", 0, len(run["violations"])),
    ]
    text = _TEXT.format(mailboxes=run["mailboxes"], kills=kills, figures=_table(run))
    return Outcome(TITLE, "one run", judged, text)


def _table(run: dict[str, Any]) -> str:
    counts = [
        *((f"kills: {point}", count) for point, count in run["kills"].items()),
        *((f"held by a worker when it died: {state}", count) for state, count in run["found"].items()),
        *((f"messages in the end: {state}", count) for state, count in run["ended"].items()),
        ("messages that were tried again", run["sent_after_deaths"]),
        ("uncertain messages that the server had taken", run["taken_uncertain"]),
        ("changes that were tried again", run["moves_after_deaths"]),
    ]
    return table(("what", "how often"), [[what, f"{count:,}"] for what, count in counts])
