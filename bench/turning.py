"""A process that makes one turn of an account whenever it is told to, as a greenlet of a worker does, and measures it.

Each line of its input is an account's id; it claims the account and says so. The next line, whatever it holds, lets
it begin; it answers with what the turn took, as JSON.
"""

from gevent import monkey

monkey.patch_all()  # before all else, as Celery's gevent pool does

import json  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402
from uuid import UUID  # noqa: E402

import django  # noqa: E402

if TYPE_CHECKING:
    from mail.mirror import Result


def _turns() -> None:
    from django.db import connection  # noqa: PLC0415 -- after django.setup()

    from mail import lease  # noqa: PLC0415
    from mail.mirror import sync_account  # noqa: PLC0415

    for line in sys.stdin:
        account = UUID(line.strip())
        token = lease.claim(account)  # the dispatcher does that, for hundreds at once
        connection.close()
        _say("claimed")
        sys.stdin.readline()
        wall, cpu = time.perf_counter(), time.process_time()
        result = sync_account(account, token)
        connection.close()  # as after every task
        _say(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, **_told(result)}))


def _told(result: "Result") -> dict[str, object]:
    return {"more": result.more, "failed": str(result.error or "") or ("a folder was refused" * bool(result.failing))}


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    django.setup()
    _turns()
