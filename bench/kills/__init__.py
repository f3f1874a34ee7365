"""The killer of workers: kill -9 at any point of a send or a move, and whether anything is lost or done twice.

    python -m bench.kills --kills 1000 --json bench/kills/results.json

A farm sends, files and moves for many mailboxes at once, while its workers die about once a second, mostly amid a
conversation with a submission or IMAP server. A seed draws what is asked for; when a kill strikes is the machine's.
"""
