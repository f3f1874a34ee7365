"""Rows to the contract's objects, each list in a number of queries that does not grow with it."""
