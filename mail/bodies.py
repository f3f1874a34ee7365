"""What messages show: their body as text or HTML, made of the raw message behind the sync and kept beside it.

A list of messages shows fifty bodies, and must not read what is attached to them. They are kept as the strings of JSON
that it sends: to decode and to escape them each time would take longer than to decompress them. One that is not made
yet is made when it is asked for: no reader waits for the consumer of the log that makes them (mail.search).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import orjson
import zstandard
from django.db import connection
from psycopg2 import Binary
from psycopg2.extras import execute_values

from mail import mime, raw
from mail.copying import plain_array
from mail.models import Message
from mail.types import BodiesWithheld, Octets, Parsed

CAUTION = 2  # tries of the index (mail.search) that died
_GROUP = 200  # messages that are read at once
_GROUP_OCTETS = 8 * 1024 * 1024  # of raw mail, unless one has more
_LARGEST = 128 * 1024 * 1024  # octets; mail.mime reads 10 MB of a body, which grow in UTF-8, as HTML and as JSON
_READ = 2_000_000  # characters of a body that are looked at for its words

# Two workers may be at an account's bodies at once, each for seconds.
_DEADLY = """
    SELECT EXISTS (SELECT 1 FROM accounts_account WHERE id = ANY(%s) AND search_tries >= %s
                   AND (search_tries > %s OR search_tried_at < now() - interval '20 seconds'))
"""
# The join leaves out messages that are gone meanwhile; in the order of ids, so that two workers cannot deadlock.
_INSERT = """
    INSERT INTO mail_body (message_id, is_html, content, is_json)
    SELECT message.id, new.is_html, new.content, true
    FROM (VALUES %s) AS new (id, is_html, content) JOIN mail_message message ON message.id = new.id::uuid
    ORDER BY message.id FOR KEY SHARE OF message
    ON CONFLICT DO NOTHING
"""


class Body(NamedTuple):
    """A body as it is shown."""

    text: str
    is_html: bool

    def parsed(self) -> Parsed:
        """Its beginning, as what mail.mime.visible_text takes."""
        return Parsed(html=self.text[:_READ]) if self.is_html else Parsed(text=self.text[:_READ])


EMPTY = Body("", is_html=False)
Look = Callable[[UUID, Octets], None]  # what looks at a raw message while it is at hand


def shown(messages: Collection[Message]) -> dict[UUID, Body]:
    """Bodies by message id; absent where the raw message is lost. Raises StoreUnavailable, BodiesWithheld."""
    found = _as_bodies(_kept([message.pk for message in messages]))
    return found | _made([message for message in messages if message.pk not in found])


def shown_as_json(ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The same of the messages with these ids, but their texts as strings of JSON, in a third of the time."""
    found = {message: text for message, (text, _is_html) in _kept(ids).items()}
    if missing := [message for message in ids if message not in found]:
        made = _made(list(Message.objects.filter(pk__in=missing)))
        found |= {message: orjson.dumps(body.text) for message, body in made.items()}
    return found


def _made(missing: Sequence[Message]) -> dict[UUID, Body]:
    """Bodies that are not kept yet, for a reader."""
    if missing and _one_is_deadly({message.account_id for message in missing}):
        raise BodiesWithheld
    return make(missing)


def _one_is_deadly(accounts: Collection[UUID]) -> bool:
    """Whether the index of one died twice of a body, and has not told yet of which."""
    with connection.cursor() as cursor:
        cursor.execute(_DEADLY, [list(accounts), CAUTION, CAUTION])
        (deadly,) = cursor.fetchone()
        return bool(deadly)


def settle(messages: Sequence[Message], look: Look | None = None, at: Collection[UUID] = ()) -> dict[UUID, Body]:
    """As `shown`, and what had to be made is kept for the next reader. Raises StoreUnavailable.

    `look` sees the raw messages in `at` while they are read for their bodies. Those whose bodies are kept are read for
    it: somebody has died since."""
    found = _as_bodies(_kept([message.pk for message in messages]))
    made = make([message for message in messages if message.pk not in found], look, at)
    keep(made)
    if look:
        for message, content in raw.raws([each for each in messages if each.pk in at and each.pk in found]).items():
            look(message, content)
    return found | made


def make(messages: Iterable[Message], look: Look | None = None, at: Collection[UUID] = ()) -> dict[UUID, Body]:
    """Bodies out of raw messages; absent where these are lost. Raises StoreUnavailable."""
    made = {}
    for group in groups(messages):
        for message, content in raw.raws(group).items():
            text, html = mime.body(content)
            made[message] = Body(html or text, is_html=bool(html))
            if look and message in at:
                look(message, content)
    return made


def keep(bodies: Mapping[UUID, Body]) -> None:
    """Store bodies, unless another worker was faster."""
    rows = ((str(message), body.is_html, Binary(_compressed(body.text))) for message, body in bodies.items())
    with connection.cursor() as cursor:
        execute_values(cursor.cursor, _INSERT, rows, page_size=50)


def groups(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Some at a time: the raw mail of all together may be gigabytes, and neighbours share frames."""
    group: list[Message] = []
    octets = 0
    for message in messages:
        if group and (len(group) >= _GROUP or octets + message.size > _GROUP_OCTETS):
            yield group
            group, octets = [], 0
        group.append(message)
        octets += message.size
    if group:
        yield group


def _as_bodies(kept: Mapping[UUID, tuple[bytes, bool]]) -> dict[UUID, Body]:
    return {message: Body(orjson.loads(text), is_html) for message, (text, is_html) in kept.items()}


def _kept(messages: Sequence[UUID]) -> dict[UUID, tuple[bytes, bool]]:
    """Those that are made and can be read: (JSON, is_html)."""
    found = {}
    asked = {str(message): message for message in messages}
    with connection.cursor() as cursor:  # Django's models and converters would take as long as the bodies
        cursor.execute(
            "SELECT message_id::text, is_html, content, is_json FROM mail_body WHERE message_id = ANY(%s::uuid[])",
            [plain_array(asked)],
        )
        rows = cursor.fetchall()
    for message, is_html, content, is_json in rows:
        try:
            found[asked[message]] = (_json(content, is_json=is_json), is_html)
        except zstandard.ZstdError:
            continue  # damaged: made again for this reader
    return found


def _compressed(text: str) -> bytes:
    return raw.compress(orjson.dumps(text)) if text else b""


def _json(content: bytes | memoryview, *, is_json: bool) -> bytes:
    """Raises zstandard.ZstdError."""
    if not len(content):
        return b'""'
    octets = raw.decompress(content, _LARGEST)
    return octets if is_json else orjson.dumps(octets.decode())
