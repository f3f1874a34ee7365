"""A process that makes one step of bench.steps: `python -m bench.worker STEP REPORT ARGUMENTS`.

The environment names the database; a bound on its connections makes the process what the farm's workers are: one of
greenlets. The step's result goes to the file REPORT as JSON.
"""

import os

if os.environ.get("SYNCFARM_DATABASE_CONNECTIONS"):
    from gevent import monkey

    monkey.patch_all()  # before all else, as Celery's gevent pool does

import json
import sys
from pathlib import Path

import django

if __name__ == "__main__":
    django.setup()
    from bench.steps import STEPS
    from syncfarm.celery import collect_less

    if os.environ.get("SYNCFARM_DATABASE_CONNECTIONS"):
        collect_less()

    name, report, *arguments = sys.argv[1:]
    Path(report).write_text(json.dumps(STEPS[name](*arguments)))
