"""Laws for the database to hold while tests run: no visible row changes without a row in the log, in one transaction;
no message without its thread, no place without its message (which a farm's database does not check: it costs a tenth of
an initial sync)."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_FUNCTION = """
CREATE FUNCTION guard_log() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed record;
BEGIN
    changed := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    IF EXISTS (SELECT 1 FROM accounts_account WHERE id = changed.account_id AND removed_at IS NULL)
       AND NOT EXISTS (SELECT 1 FROM mail_transaction t WHERE t.account_id = changed.account_id
                       AND t.object_id = changed.id AND t.object_type = TG_ARGV[0] AND t.created_at = now()) THEN
        RAISE EXCEPTION '% % % was not logged', TG_OP, TG_ARGV[0], changed.id;
    END IF;
    RETURN NULL;
END $$
"""
# What a reader of the API sees of each; the rest is the sync's own memory.
_VISIBLE = {
    "message": ("folder_ids", "unread", "starred", "draft", "hidden", "thread_id", "subject", "metadata"),
    "thread": ("subject", "message_count", "latest_at", "unread", "starred", "has_attachments", "has_drafts"),
    "bounce": ("recipients", "hard"),
    "folder": ("seen_name", "hidden", "role", "attributes", "total_count", "unread_count"),
}
# No reader sees these: whether the old row is, whether either is.
_SHOWN = {
    "message": ("NOT OLD.hidden", "NOT (OLD.hidden AND NEW.hidden)"),
    "thread": ("OLD.message_count > 0", "true"),
    "folder": ("NOT OLD.hidden", "NOT (OLD.hidden AND NEW.hidden)"),
}
_KEYS = (("mail_message", "thread_id", "mail_thread"), ("mail_location", "message_id", "mail_message"))


@contextmanager
def guarded_log() -> Iterator[None]:
    """Hold the laws inside the block. Checked at each commit, so that the order of writes is free."""
    with connection.cursor() as cursor:
        cursor.execute(_FUNCTION)
        for kind, columns in _VISIBLE.items():
            old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
            tail = f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW %s EXECUTE FUNCTION guard_log('{kind}')"
            table = f"mail_{kind}"
            cursor.execute(f"CREATE CONSTRAINT TRIGGER guard_inserts AFTER INSERT ON {table} {tail % ''}")
            shown, either = _SHOWN.get(kind, ("true", "true"))
            cursor.execute(
                f"CREATE CONSTRAINT TRIGGER guard_deletes AFTER DELETE ON {table} {tail % f'WHEN ({shown})'}"
            )
            changed = f"WHEN (({old}) IS DISTINCT FROM ({new}) AND {either})"
            cursor.execute(f"CREATE CONSTRAINT TRIGGER guard_changes AFTER UPDATE ON {table} {tail % changed}")
        for table, column, other in _KEYS:
            cursor.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT guard_key FOREIGN KEY ({column}) REFERENCES {other} "
                "DEFERRABLE INITIALLY DEFERRED"
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION guard_log() CASCADE")
            for table, _column, _other in _KEYS:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT guard_key")
