"""Rows of a mailbox that was mirrored already, however many, made by PostgreSQL itself.

What a column gets is said here where it matters; any other gets its default. Raw mail and bodies are left out: no sync
of an unchanged, new, flagged or expunged message reads them.
"""

from typing import Any
from uuid import UUID

from django.db import connection, models

from accounts.models import Account, AccountState
from bench.numbered import UIDVALIDITY
from mail.models import Folder, FolderState, Location, Message, Thread, ThreadLink

PER_THREAD = 2
PEOPLE = 400

_MESSAGE = "md5('message' || n)::uuid"
_THREAD = f"md5('thread' || (n - 1) / {PER_THREAD})::uuid"
_RECEIVED = "timestamptz '2015-01-01' + n * interval '5 minutes'"


def load(account_id: UUID, messages: int) -> None:
    """Fill the account with an INBOX of UIDs 1 to `messages`, all seen, as bench.numbered serves it."""
    folder = Folder.objects.create(
        account_id=account_id,
        name="INBOX",
        wire_name="INBOX",
        delimiter="/",
        role="inbox",
        total_count=messages,
        mirrored_count=messages,
        uidvalidity=UIDVALIDITY,
        uidnext=messages + 1,
        highestmodseq=messages,
        state=FolderState.LIVE,
    )
    account = f"'{account_id}'::uuid"
    loads: list[tuple[type[models.Model], int, dict[str, str]]] = [
        (Thread, -(-messages // PER_THREAD), _thread(account)),
        (Message, messages, _message(account, folder)),
        (Location, messages, _location(folder)),
        (ThreadLink, messages, _link(account)),
    ]
    for model, count, given in loads:
        insert(model, count, given)
    Account.objects.filter(id=account_id).update(state=AccountState.LIVE)


def _thread(account: str) -> dict[str, str]:
    return {
        "id": "md5('thread' || (n - 1))::uuid",
        "account_id": account,
        "subject": "'Subject ' || n",
        "message_count": str(PER_THREAD),
        "earliest_at": f"timestamptz '2015-01-01' + (n * {PER_THREAD} - 1) * interval '5 minutes'",
        "latest_at": f"timestamptz '2015-01-01' + n * {PER_THREAD} * interval '5 minutes'",
    }


def _message(account: str, folder: Folder) -> dict[str, str]:
    return {
        "id": _MESSAGE,
        "account_id": account,
        "thread_id": _THREAD,
        "digest": "sha256(n::text::bytea)",
        "size": "9000",
        "header_id": "n || '@bulk.bench.example'",
        "subject": "'Subject ' || n",
        "subject_key": "n",
        "from_addresses": f"""('[{{"name": "", "email": "p' || n % {PEOPLE} || '@bench.example"}}]')::jsonb""",
        "participants": f"ARRAY['p' || n % {PEOPLE} || '@bench.example']",
        "sent_at": _RECEIVED,
        "received_at": _RECEIVED,
        "snippet": "'What message ' || n || ' begins with, some hundred characters of it, as every list shows them.'",
        "folder_ids": f"ARRAY['{folder.id}'::uuid]",
    }


def _location(folder: Folder) -> dict[str, str]:
    return {
        "folder_id": f"'{folder.id}'::uuid",
        "uidvalidity": str(UIDVALIDITY),
        "uid": "n",
        "message_id": _MESSAGE,
        "flags": r"ARRAY['\Seen']",
        "received_at": _RECEIVED,
    }


def _link(account: str) -> dict[str, str]:
    return {"account_id": account, "digest": "substr(sha256(('link' || n)::bytea), 1, 16)", "thread_id": _THREAD}


def insert(model: type[models.Model], count: int, given: dict[str, str], source: str = "") -> None:
    """Rows for n = 1 … count, or of what `source` names after FROM. Indexes of a table that was empty are made anew
    after, which takes a third of the time."""
    table, columns = model._meta.db_table, _columns(model, given)  # noqa: SLF001 -- documented by Django
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # foreign keys hold by construction
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index i "
            "WHERE indrelid = %s::regclass "
            "AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
            [table],
        )
        indexes = cursor.fetchall() if not model.objects.exists() else []  # type: ignore[attr-defined]
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) "
            f"SELECT {', '.join(columns.values())} FROM {source or f'generate_series(1, {count}) AS n'}"
        )
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute(f"VACUUM ANALYZE {table}")


def _columns(model: type[models.Model], given: dict[str, str]) -> dict[str, str]:
    """SQL by column: what is given, and a default for what cannot be left out."""
    found = dict(given)
    for field in model._meta.concrete_fields:  # noqa: SLF001 -- documented by Django
        column = str(field.column)
        if column not in given and not field.null and field.db_default is models.NOT_PROVIDED:
            found[column] = _literal(field)
    return found


def _literal(field: "models.Field[Any, Any]") -> str:
    """The field's default as SQL. Raises ValueError where it has none: then its value belongs above."""
    value = field.get_default()
    if value is None:
        raise ValueError(f"bench.bulk does not say what {field.model.__name__}.{field.name} gets")
    with connection.cursor() as cursor:
        literal: str = cursor.cursor.mogrify("%s", [field.get_db_prep_save(value, connection)]).decode()
    return f"{literal}::{field.db_type(connection)}"
