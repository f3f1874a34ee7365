"""Pure decisions of the sync: strategy, plan, backoff. No I/O; time is an argument."""
