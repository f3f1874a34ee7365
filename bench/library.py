"""A mailbox to be read, however large, made by PostgreSQL itself: several folders, conversations, flags at the rates
that are met, bodies. What is rare is so many messages in a mailbox of any size, all over it; what is common is a share.
"""

from uuid import UUID

from django.db import connection

from accounts.models import Account, AccountState
from bench import samples
from bench.bulk import insert
from bench.sought import COMMON_WORD, OFTEN, OWNER, RARE, RARE_SUBJECT, RARE_WORD, SELDOM
from mail.models import Body, Folder, FolderState, Location, Message, SearchDocument, Thread

EMPTY_FOLDERS = 24
_SHARES = {"INBOX": 30, "Archive": 45, "Sent": 14, "Lists": 7, "Trash": 3}  # of a hundred; the last is in Junk
_ROLES = {"INBOX": "inbox", "Archive": "archive", "Sent": "sent", "Trash": "trash", "Junk": "junk"}
_COLUMNS = {"from": "writer", "to": "reader", "cc": "copied", "bcc": "hidden"}
_FILE = (
    '[{"part": "2", "filename": "Angebot.pdf", "content_type": "application/pdf", "size": 48211,'
    ' "content_id": "", "disposition": "attachment", "is_inline": false}]'
)
_YEARS = 5 * 365 * 86_400


_KEY = "('x' || substr(m.id::text, 1, 8))::bit(32)::bigint"


def _dice(salt: int, sides: int, of: str = "n::bigint") -> str:
    """SQL of a number from 0 to sides - 1, the same for a row each time."""
    return f"abs(hashint8extended({of}, {salt}) % {sides})"


_HOME = _dice(2, 100)  # where a message lies, and with it who wrote it and whether it is read


def fill(account_id: UUID, count: int) -> None:
    """Fill the account with `count` messages, the newest last. bench.samples has to be prepared."""
    folders = _folders(account_id, count)
    insert(Message, count, _message(account_id, count, folders), _source(count))
    drawn = f"mail_message m WHERE m.account_id = '{account_id}'"
    insert(Thread, count, _THREAD, f"{drawn} GROUP BY m.thread_id, m.account_id")
    places = (
        f"(SELECT *, row_number() OVER (ORDER BY received_at) AS n FROM {drawn}) m CROSS JOIN unnest(m.folder_ids) f"
    )
    insert(Location, count, _LOCATION, places)
    bodies = drawn.replace(" WHERE", f" JOIN bench_body s ON s.k = {_dice(9, samples.BODIES, _KEY)}::int WHERE")
    insert(Body, count, {"message_id": "m.id", "is_html": "true", "is_json": "true", "content": "s.content"}, bodies)
    insert(SearchDocument, count, _DOCUMENT, bodies)
    _count(account_id)
    Account.objects.filter(id=account_id).update(state=AccountState.LIVE)


def _folders(account_id: UUID, count: int) -> dict[str, UUID]:
    names = [*_SHARES, "Junk", "Rare", *(f"Projects/{number}" for number in range(EMPTY_FOLDERS))]
    made = [
        Folder(
            account_id=account_id,
            name=name,
            wire_name=name,
            delimiter="/",
            role=_ROLES.get(name, ""),
            uidvalidity=1,
            uidnext=count + 1,
            state=FolderState.LIVE,
        )
        for name in names
    ]
    return {folder.name: folder.id for folder in Folder.objects.bulk_create(made)}


def _message(account_id: UUID, count: int, folders: dict[str, UUID]) -> dict[str, str]:
    each = _each(count)
    place, inbox = _place(count, folders), f"'{folders['INBOX']}'::uuid"
    # Conversations: some mails alone, the others among a dozen that go on side by side.
    thread = f"CASE WHEN {_dice(11, 100)} < 40 THEN 'one' || n ELSE n / 64 || '/' || {_dice(12, 12)} END"
    received = f"timestamptz '2025-11-01' - ({count} - n) * interval '{max(_YEARS // count, 1)} seconds'"
    attached = f"{_dice(13, 100)} < 12"
    return {
        "id": f"md5('{account_id}' || n)::uuid",
        "account_id": f"'{account_id}'::uuid",
        "thread_id": f"md5('{account_id}' || {thread})::uuid",
        "digest": "sha256(n::text::bytea)",
        "size": "14000",
        "header_id": "n || '@library.bench.example'",
        "subject": _subject(count),
        "subject_key": "hashint8extended(n::bigint, 14)",
        **{f"{field}_addresses": _addresses(column) for field, column in _COLUMNS.items()},
        "participants": "array_remove(ARRAY[writer, reader, copied, hidden], NULL)",
        "sent_at": received,
        "received_at": received,
        "snippet": "'What message ' || n || ' begins with, some hundred characters of it, as every list shows them.'",
        "attachments": f"CASE WHEN {attached} THEN '{_FILE}'::jsonb ELSE '[]' END",
        "has_attachments": attached,
        "folder_ids": f"CASE WHEN {_dice(15, 100)} < 5 THEN ARRAY(SELECT DISTINCT unnest(ARRAY[{place}, {inbox}]))"
        f" ELSE ARRAY[{place}] END",
        # A few unread ones lie in the archive, in a mailbox of any size.
        "unread": f"{_HOME} < 30 AND {_dice(16, 100)} < 8 OR {_HOME} BETWEEN 89 AND 95 AND {_dice(16, 100)} < 30"
        f" OR {_HOME} BETWEEN 30 AND 74 AND n % {each} = 1",
        "starred": f"{_dice(17, 100)} < 1",
    }


def _place(count: int, folders: dict[str, UUID]) -> str:
    """The folder where a message lies."""
    cases, upto = f"CASE WHEN n % {_each(count)} = 0 THEN '{folders['Rare']}'::uuid", 0
    for name, share in _SHARES.items():
        upto += share
        cases += f" WHEN {_HOME} < {upto} THEN '{folders[name]}'::uuid"
    return f"{cases} ELSE '{folders['Junk']}'::uuid END"


def _source(count: int) -> str:
    """Numbers, and who has to do with each. The seldom one writes, is written to, gets a copy, gets a hidden one."""
    sent, strangers = f"{_HOME} BETWEEN 75 AND 88", max(count // 5, 1)
    rare = [f"n % {_each(count)} = 0 AND n / {_each(count)} % 4 = {turn}" for turn in range(4)]
    person = (
        f"(SELECT email FROM bench_person WHERE k = ({samples.PEOPLE} * ({_dice(3, 9_990)} / 1e4::float8) ^ 3)::int)"
    )
    stranger = f"'stranger' || {_dice(4, strangers)} || '@elsewhere.example'"
    found = {
        "writer": f"CASE WHEN {rare[0]} THEN '{SELDOM}' WHEN {_dice(1, 100)} < 5 THEN '{OFTEN}' WHEN {sent}"
        f" THEN '{OWNER}' WHEN {_dice(5, 5)} = 0 THEN {stranger} ELSE {person} END",
        "reader": f"CASE WHEN {rare[1]} THEN '{SELDOM}' WHEN {sent} THEN {person} ELSE '{OWNER}' END",
        "copied": f"CASE WHEN {rare[2]} THEN '{SELDOM}' WHEN {_dice(6, 100)} < 5 THEN '{OFTEN}'"
        f" WHEN {_dice(6, 100)} < 25 THEN {stranger} END",
        "hidden": f"CASE WHEN {rare[3]} THEN '{SELDOM}' WHEN {_dice(7, 100)} < 5 THEN '{OFTEN}' END",
    }
    columns = ", ".join(f"{sql} AS {name}" for name, sql in found.items())
    return f"generate_series(1, {count}) AS n CROSS JOIN LATERAL (SELECT {columns} OFFSET 0) people"


def _subject(count: int) -> str:
    return (
        f"CASE WHEN n % {_each(count)} = 0 THEN '{RARE_SUBJECT} ' || n ELSE"
        f" (SELECT CASE WHEN {_dice(8, 100)} < 40 THEN 'Re: ' ELSE '' END || subject FROM bench_subject"
        f" WHERE k = {_dice(10, samples.SUBJECTS)}::int) END"
    )


def _each(count: int) -> int:
    """One of so many messages is a rare one."""
    return max(count // RARE, 1)


def _addresses(column: str) -> str:
    one = f"jsonb_build_array(jsonb_build_object('name', split_part({column}, '@', 1), 'email', {column}))"
    return f"CASE WHEN {column} IS NULL THEN '[]' ELSE {one} END"


_THREAD = {
    "id": "m.thread_id",
    "account_id": "m.account_id",
    "subject": "(array_agg(m.subject ORDER BY m.received_at, m.id))[1]",
    "message_count": "count(*)",
    "earliest_at": "min(m.received_at)",
    "latest_at": "max(m.received_at)",
    "unread": "bool_or(m.unread)",
    "starred": "bool_or(m.starred)",
    "has_attachments": "bool_or(m.has_attachments)",
}
_LOCATION = {
    "folder_id": "f",
    "uidvalidity": "1",
    "uid": "m.n",
    "message_id": "m.id",
    "flags": r"CASE WHEN m.unread THEN '{}' ELSE ARRAY['\Seen'] END"
    r" || CASE WHEN m.starred THEN ARRAY['\Flagged'] ELSE '{}' END",
    "received_at": "m.received_at",
}
_DOCUMENT = {
    "message_id": "m.id",
    "account_id": "m.account_id",
    "document": f"s.document || CASE WHEN m.subject LIKE '{RARE_SUBJECT}%' THEN '{RARE_WORD}:1A'::tsvector"
    f" ELSE CASE WHEN {_dice(18, 100, _KEY)} < 10 THEN '{COMMON_WORD}:1'::tsvector ELSE '' END END",
}


def _count(account_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mail_folder f SET total_count = c.total, mirrored_count = c.total, unread_count = c.unread FROM"
            " (SELECT folder_id, count(*) AS total, count(*) FILTER (WHERE flags = '{}') AS unread FROM mail_location"
            " GROUP BY folder_id) c WHERE f.id = c.folder_id AND f.account_id = %s",
            [account_id],
        )
