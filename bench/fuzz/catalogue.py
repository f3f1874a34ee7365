"""All targets, by name. Not in the package itself: the worker imports them when it is ready to count their branches."""

from bench.fuzz import fetch, mime

TARGETS = {target.name: target for target in (fetch.TARGET, mime.TARGET)}
