"""The chaos driver: a farm that mirrors mailboxes while they change, its processes die and its network fails.

    python -m bench.chaos --operations 100000 --kills 200 --strategy all --json bench/chaos/results.json

takes an hour for each strategy: a kill every 15 seconds leaves the farm just time to sync in between. A seed draws what
happens; when it strikes is the machine's, so a run with the same seed is alike, not the same.
"""
