"""`python -m bench.kills.launcher`: syncfarm.farm, whose supervisor starts the killed workers from nurseries."""

import sys
from typing import Any

from syncfarm import farm, supervisor

KILLED = {"worker-action": "action", "worker-outbound": "outbound"}  # line of the Procfile -> its queue


class Supervisor(supervisor.Supervisor):
    """The farm's own, but for two commands."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._entries = [entry for entry in self._entries if entry.name != "flower"]  # nobody looks
        for entry in self._entries:
            if entry.name in KILLED:
                nursery = f"{sys.executable} -m bench.kills.nursery "
                entry.command = entry.command.replace("REMAP_SIGTERM=SIGQUIT ", "").replace("celery ", nursery, 1)


if __name__ == "__main__":
    setattr(farm, "Supervisor", Supervisor)  # noqa: B010 -- one name for another
    farm.main()
