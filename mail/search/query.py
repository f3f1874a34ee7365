"""The query language: words, "phrases", prefix*, from: to: subject: has:attachment before: after:, minus to exclude."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q

from mail.search.vector import quoted
from mail.search.words import Term, terms

_LONGEST = 1_000
_WEIGHTS = {"from": "B", "to": "C", "cc": "C", "bcc": "C", "subject": "A"}
# An operator may stand apart from its value ("from: alice"); a quote without its twin reaches to the end.
_CLAUSE = re.compile(
    r"""(?P<minus>-?)(?:(?P<operator>from|to|cc|bcc|subject|has|before|after):\s*)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+)|$)""",
    re.IGNORECASE,
)
_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")


class SearchError(ValueError):
    """The query makes no sense; the message says why, for whoever typed it."""


class Clause(NamedTuple):
    """One condition of a query."""

    excluded: bool
    operator: str
    value: str


class TsQuery(SearchQuery):
    """A tsquery literal: to_tsquery would read our lexemes with PostgreSQL's parser again."""

    def as_sql(self, compiler: Any, *_args: Any, **_options: Any) -> Any:
        sql, params = compiler.compile(self.get_source_expressions()[-1])
        return f"{sql}::tsquery", params


def matching(account_id: UUID, text: str) -> Q:
    """Messages of the account that fulfil every condition of the query: a filter for a Message queryset.

    Raises SearchError. Messages that the index has not come to yet (see lag) are not found.
    """
    if len(text) > _LONGEST:
        raise SearchError(f"A search can have {_LONGEST} characters at most.")
    found, lexemes, empty = Q(account_id=account_id), [], True
    for clause in _clauses(text):
        condition: Q | str = _condition(clause)
        if isinstance(condition, Q):
            found &= ~condition if clause.excluded else condition
        elif condition:
            lexemes.append(f"!({condition})" if clause.excluded else f"({condition})")
        empty = empty and not condition
    if empty:
        raise SearchError("The search has no word to look for.")
    if lexemes:
        found &= Q(search__account_id=account_id, search__document=TsQuery(" & ".join(lexemes)))
    return found


def _clauses(text: str) -> Iterator[Clause]:
    for match in _CLAUSE.finditer(text.replace("\0", "")):
        value = match["phrase"] or match["word"] or ""
        if value:
            yield Clause(bool(match["minus"]), (match["operator"] or "").lower(), value)


def _condition(clause: Clause) -> Q | str:
    """A condition on columns of Message, or a tsquery; "" where the value holds no word."""
    if clause.operator == "has":
        return _has(clause.value)
    if clause.operator == "before":
        return Q(received_at__lt=_day(clause))
    if clause.operator == "after":
        return Q(received_at__gte=_day(clause))
    return _tsquery(clause.value, _WEIGHTS.get(clause.operator, ""))


def _has(value: str) -> Q:
    if value.lower() not in ("attachment", "attachments"):
        raise SearchError(f"has:{value} is not known; has:attachment is.")
    return Q(has_attachments=True)


def _day(clause: Clause) -> datetime:
    match = _DAY.fullmatch(clause.value)
    try:
        year, month, day = (int(number) for number in match.groups()) if match else (0, 0, 0)
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        raise SearchError(f"{clause.operator}: takes a day like 2026-01-31, not {clause.value}.") from None


def _tsquery(value: str, weight: str) -> str:
    """The value's words in a row. A value of several words ("3.14", "it's") is a phrase like one in quotes."""
    row = list(terms(value))
    starred = value.endswith("*")
    pieces = [_piece(term, weight, last=at == len(row), prefix=starred) for at, term in enumerate(row, start=1)]
    return " <-> ".join(pieces)


def _piece(term: Term, weight: str, *, last: bool, prefix: bool) -> str:
    lexemes = term.lexemes
    if term.unspaced and last and len(lexemes) > 1:
        lexemes = lexemes[:-1]  # the last character is in the last pair
    star = prefix and last
    if "@" in term.whole:
        return _lexeme(term.whole, weight, star=star)
    row = " <-> ".join(
        # A single character of an unspaced script is the beginning of the pairs it is indexed in.
        _lexeme(lexeme, weight, star=(term.unspaced and len(lexeme) == 1) or (star and at == len(lexemes)))
        for at, lexeme in enumerate(lexemes, start=1)
    )
    return f"({row} | {_lexeme(term.whole, weight, star=star)})" if term.whole else row


def _lexeme(lexeme: str, weight: str, *, star: bool) -> str:
    marks = ("*" if star else "") + weight
    return quoted(lexeme) + (f":{marks}" if marks else "")
