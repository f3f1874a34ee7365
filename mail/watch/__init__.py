"""Waits, for thousands of accounts in one asyncio process, for what their servers tell of changes.

It never syncs: a hint becomes a wish (mail.intent), as docs/decisions/0017 tells. The parts: responses and hearing read
what a server sends, hints and pacing say when, all pure; line and session speak with one server, keeper does so for one
account whatever happens; claims is which accounts, desk what is written of them, process all of it.
"""
