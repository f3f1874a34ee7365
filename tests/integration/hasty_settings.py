"""A farm's settings, for a process that hangs up soon on who reads nothing."""

from syncfarm import patience
from syncfarm.settings import *  # noqa: F403 -- these settings

patience.SECONDS = 2.0
