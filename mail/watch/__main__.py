"""The watch process: python -m mail.watch."""

import asyncio
import os
import sys

import django
import uvloop
from django.core.exceptions import ImproperlyConfigured


def main() -> None:
    """Run until SIGINT or SIGTERM; what the operator must mend is one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")
    try:
        django.setup(set_prefix=False)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    from django.conf import settings  # noqa: PLC0415 -- once they are set up

    from mail.watch.process import serve  # noqa: PLC0415 -- it needs loaded models

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # 32 kB a TLS connection, not 292
        runner.run(serve(settings.SYNCFARM_WATCH_ACCOUNTS))


if __name__ == "__main__":
    main()
