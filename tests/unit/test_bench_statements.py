"""Statements, counted in PostgreSQL's log."""

from pathlib import Path

from bench.statements import Asked, StatementLog

BEFORE = "2025-01-01 00:00:00.000 UTC [7] LOG:  statement: SELECT 1\n"
AFTER = """\
2025-01-01 00:00:00.001 UTC [7] LOG:  statement: BEGIN
2025-01-01 00:00:00.002 UTC [7] LOG:  statement: UPDATE a SET text = 'LOG:  statement: SELECT'
	FROM b
2025-01-01 00:00:00.003 UTC [8] LOG:  checkpoint starting: time
2025-01-01 00:00:00.004 UTC [7] LOG:  execute <unnamed>: SELECT 2
2025-01-01 00:00:00.005 UTC [7] LOG:  statement: COPY mail_message FROM STDIN
2025-01-01 00:00:00.006 UTC [7] LOG:  statement:
	INSERT INTO a
2025-01-01 00:00:00.007 UTC [7] LOG:  statement: COMMIT
"""


def test_what_was_asked_since_is_counted_and_transactions_ends_apart(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(BEFORE)
    log = StatementLog(path)
    mark = log.mark()
    assert log.since(mark) == Asked(0, 0)
    with path.open("a") as more:
        more.write(AFTER)
    assert log.since(mark) == Asked(statements=4, frames=2)
