"""BODYSTRUCTURE (RFC 3501 §7.4.2) to the leaves of a message, for which no octet of its body need be sent.

Servers leave out what they do not know, and add what they like: what every leaf begins with is known by its place, what
follows by its form.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

from mail.imap.regular import Token
from mail.types import DEPTH, PARTS, Part

_LEAF = 7  # tokens that every leaf begins with: type, subtype, parameters, id, description, encoding, octets
_LONGEST = 8_192  # octets of a value, and of all parameters of a header: more is not read of one in a message either
_NAME = re.compile(rb"[^\s=;\"]{1,100}")  # of a parameter
_ESCAPED = re.compile(rb'["\\]')
_DISPOSITIONS = frozenset({b"attachment", b"inline"})


def parts(structure: Token) -> tuple[Part, ...] | None:
    """The leaves, depth first, one more than PARTS where there are too many; None where this is no structure."""
    if not isinstance(structure, list) or not structure:
        return None
    return tuple(itertools.islice(_leaves(structure), PARTS + 1))


def _leaves(root: list[Token]) -> Iterator[Part]:
    """With a stack of our own: a server may nest as deep as it likes."""
    under_way: list[tuple[str, Iterator[list[Token]]]] = [("", iter([root]))]
    while under_way:
        parent, nodes = under_way[-1]
        node = next(nodes, None)
        if node is None:
            under_way.pop()
        elif not any(isinstance(token, list) for token in node[:2]):
            yield _leaf(node, parent)
        elif len(under_way) > DEPTH:
            yield _unopened(node, parent)
        else:
            children, (subtype, *_) = _multipart(node)
            under_way.append((_text(subtype).decode("ascii", "replace").lower(), iter(children)))


def _multipart(node: list[Token]) -> tuple[list[list[Token]], list[Token]]:
    """Its parts, of which there are none in an empty one of some servers, and what follows: subtype, parameters, …"""
    nodes = list(itertools.takewhile(lambda token: isinstance(token, list), node))
    return [child for child in nodes if isinstance(child, list) and child], [*node[len(nodes) :], None, None][:20]


def _unopened(node: list[Token], parent: str) -> Part:
    """A multipart as a leaf; how large it is nobody says."""
    subtype, parameters, *rest = _multipart(node)[1]
    named = b"multipart/" + _text(subtype)
    return Part((named if subtype else b"") + _parameters(parameters), disposition=_disposition(rest), parent=parent)


def _leaf(node: list[Token], parent: str) -> Part:
    kind, subtype, parameters, content_id, _, encoding, octets = [*node[:_LEAF], *[None] * _LEAF][:_LEAF]
    rest, subject = node[_LEAF : _LEAF + 20], b""
    envelope = rest[0] if rest and _text(kind).lower() == b"message" else None
    if isinstance(envelope, list) and len(envelope) > 2:  # behind it: the nested message's own structure
        subject, rest = _text(envelope[1]), rest[2:]
    named = _text(kind) + b"/" + _text(subtype) if kind and subtype else b""
    return Part(
        content_type=named + _parameters(parameters),
        disposition=_disposition(rest),
        encoding=_text(encoding),
        content_id=_text(content_id),
        octets=_number(octets),
        parent=parent,
        subject=subject,
    )


def _disposition(rest: Sequence[Token]) -> bytes:
    """Content-Disposition, wherever it is among lines, MD5, languages, location and extensions: a word with a list of
    parameters, or one of the words that are no other field. RFC 3501 has a list in any case, not all servers do."""
    for token in rest:
        word, *parameters = token if isinstance(token, list) and token else [token]
        said = _text(word)
        if said.lower() in _DISPOSITIONS or (said and len(parameters) == 1 and isinstance(parameters[0], list | None)):
            return said + _parameters(*parameters[:1])
    return b""


def _parameters(listed: Token = None) -> bytes:
    """Alternating names and values, as they follow a header's value; b"" for NIL."""
    written = b""
    tokens = iter(listed if isinstance(listed, list) else [])
    for name, value in zip(tokens, tokens, strict=False):
        if len(written) > _LONGEST:
            break
        if isinstance(name, bytes) and isinstance(value, bytes) and _NAME.fullmatch(name):
            written += b'; %s="%s"' % (name, _ESCAPED.sub(rb"\\\g<0>", value[:_LONGEST]))
    return written


def _text(token: Token) -> bytes:
    return token[:_LONGEST] if isinstance(token, bytes) else b""


def _number(token: Token) -> int:
    return int(token) if isinstance(token, bytes) and token.isdigit() and len(token) <= 15 else 0
