"""What mailboxes are made of in bulk: people, subjects, bodies and their words, as tables that rows are drawn from."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django.db import connection
from psycopg2 import Binary
from psycopg2.extras import execute_values

from bench.sought import BODY
from bench.vocabulary import Vocabulary
from mail import raw
from mail.search.vector import vector

SEED = 50
PEOPLE, SUBJECTS, BODIES = 400, 5_000, 1_000
WORDS = 60  # lexemes of a message; a real one has more, and an index of a million takes as much longer to make


def prepare() -> None:
    """Fill bench_person, bench_subject and bench_body, numbered from 0, for this session."""
    chance = random.Random(SEED)
    vocabulary = Vocabulary(chance)
    subjects = [vocabulary.subject(chance, number) for number in range(SUBJECTS)]
    _table("bench_person (k int PRIMARY KEY, email text)", ([person] for _, person in vocabulary.people[:PEOPLE]))
    _table("bench_subject (k int PRIMARY KEY, subject text)", ([subject] for subject in subjects))
    bodies = (_body(chance, vocabulary) for _ in range(BODIES))
    _table("bench_body (k int PRIMARY KEY, content bytea, document tsvector)", bodies)


def _body(chance: random.Random, vocabulary: Vocabulary) -> tuple[Any, str]:
    """A newsletter or a long conversation: HTML as it is kept, and some of its words as they are found."""
    sentences = vocabulary.sentences(chance, int(BODY * 0.25 * chance.lognormvariate(0, 0.5)))
    rows = "".join(
        f'<tr><td style="font-family:Arial,sans-serif;font-size:14px;color:#{chance.getrandbits(24):06x};padding:8px">'
        f'{sentence} <a href="https://news.example/c/{chance.getrandbits(96):x}">more</a></td></tr>\r\n'
        for sentence in sentences
    )
    html = f"<html><head><title>News</title></head><body><table>\r\n{rows}</table></body></html>\r\n"
    words = list(dict.fromkeys(" ".join(sentences).lower().replace(".", "").split()))[:WORDS]
    return Binary(raw.compress(orjson.dumps(html))), vector([("D", " ".join(words))])


def _table(definition: str, rows: Iterable[Sequence[Any]]) -> None:
    name = definition.partition(" ")[0]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {definition}")
        execute_values(cursor.cursor, f"INSERT INTO {name} VALUES %s", [(k, *row) for k, row in enumerate(rows)])
        cursor.execute(f"ANALYZE {name}")
