"""A raw message, read: header and parts put together into mail.types.Parsed."""

from collections.abc import Callable, Iterator

from mail.mime import addresses, attachments, bodies, charsets, contents, dates, fields, identifiers, structure, words
from mail.mime.contents import Content
from mail.mime.structure import Leaf
from mail.types import Address, Attachment, Octets, Parsed

SHOWN = 1_000_000  # characters of HTML in which the pictures that it shows are looked for
PEOPLE = (b"from", b"to", b"cc", b"bcc", b"reply-to")


def parse(raw: Octets) -> Parsed:
    """Read a message of any bytes; never raises. `problem` says what could not be read."""
    return _caught(_with_newlines(raw), read)


def headline(raw: Octets) -> Parsed:
    """parse() without `text` and `html`, which take half of its time: body() gives them."""
    return _caught(_with_newlines(raw), read_headline)


def body(raw: Octets) -> tuple[str, str]:
    """`text` and `html` of parse(); empty where the message cannot be read, as headline() tells."""
    raw = _with_newlines(raw)
    try:
        content = read_body(raw)
    except Exception:  # noqa: BLE001 -- as in parse()
        return "", ""
    return content.text, content.html


def _caught(raw: Octets, reader: Callable[[Octets], Parsed]) -> Parsed:
    try:
        return reader(raw)
    except Exception as error:  # noqa: BLE001 -- whatever one mail holds, the mailbox goes on; tests call the reader
        subject = next((value for name, value in fields.decoded(raw[:65_536]) if name.lower() == "subject"), "")
        return Parsed(subject=subject, problem=f"the message could not be read ({type(error).__name__})")


def read(raw: Octets) -> Parsed:
    """parse() without its net."""
    tree, chosen = _structure(raw)
    return _parsed(raw, tree, chosen, contents.whole(raw, tree.leaves, chosen))


def read_headline(raw: Octets) -> Parsed:
    """headline() without its net."""
    tree, chosen = _structure(raw)
    if any(leaf.content_id for leaf in tree.leaves):  # which of them the HTML shows is to be told
        return _parsed(raw, tree, chosen, contents.whole(raw, tree.leaves, chosen))._replace(text="", html="")
    return _parsed(raw, tree, chosen, contents.beginning(raw, tree.leaves, chosen))


def read_body(raw: Octets) -> Content:
    """body() without its net."""
    tree, chosen = _structure(raw)
    return contents.whole(raw, tree.leaves, chosen)


def _structure(raw: Octets) -> tuple[structure.Tree, list[int]]:
    """Header and leaves, and which of these are the body, no longer than it is read."""
    charsets.begin()
    tree = structure.read(raw)
    chosen = bodies.chosen(tree.leaves)
    if len(raw) > bodies.CAP and bodies.shorten(tree.leaves, chosen):
        tree.problems.append(f"only the first {bodies.CAP:,} bytes of the body are read")
    return tree, chosen


def _parsed(raw: Octets, tree: structure.Tree, chosen: list[int], content: Content) -> Parsed:
    """What the message says, its body said already."""
    problems = tree.problems
    if not content.intact:
        problems.append("the encoding of the body is damaged")
    listed = _attachments(raw, tree.leaves, chosen, content.html, problems) if len(chosen) < len(tree.leaves) else ()
    hint = tree.leaves[0].content_type.parameters.get("charset", "")
    from_, to, cc, bcc, reply_to = (_people(tree, name, hint, problems) for name in PEOPLE)
    header_id = identifiers.message_id(_first(tree, b"message-id"))
    return Parsed(
        header_id=header_id,
        references=identifiers.references(
            tree.fields.get(b"references", []), tree.fields.get(b"in-reply-to", []),
            [address.email for address in (*from_, *to, *cc, *bcc, *reply_to)], header_id,
        ),
        subject=" ".join(words.text(_first(tree, b"subject"), hint).split()),
        from_=from_, to=to, cc=cc, bcc=bcc, reply_to=reply_to,
        date=dates.parse(_first(tree, b"date")[:400].decode("ascii", "replace")),
        text=content.text, html=content.html, snippet=content.snippet, attachments=listed,
        problem="; ".join(problems),
    )  # fmt: skip


def _people(tree: structure.Tree, name: bytes, hint: str, problems: list[str]) -> tuple[Address, ...]:
    """The addresses of a header."""
    values = tree.fields.get(name)
    if values is None:
        return ()
    found, whole = addresses.parse(values[:1] if name == b"from" else values, hint)
    if not whole:
        problems.append(f"only the first addresses of {name.decode().title()} are listed")
    return found


def _attachments(
    raw: Octets, leaves: list[Leaf], chosen: list[int], html: str, problems: list[str]
) -> tuple[Attachment, ...]:
    """The leaves that are not the body."""
    listed = []
    body = frozenset(chosen)
    html = html[:SHOWN] if "cid:" in html else ""
    for index, leaf in enumerate(leaves):
        if index not in body:
            attachment, intact = attachments.describe(raw, index, leaf, html)
            listed.append(attachment)
            if not intact:
                problems.append(f"the encoding of part {index} is damaged")
    return tuple(listed)


def attachment_bytes(raw: Octets, part: int) -> bytes:
    """The decoded bytes of the part that Attachment.part names. Raises IndexError where there is none."""
    return b"".join(attachment_pieces(raw, part)[1])


def attachment_pieces(raw: Octets, part: int) -> tuple[int, Iterator[bytes]]:
    """The same, as how many they are, and piece by piece. Raises IndexError at once."""
    if part < 0:
        raise IndexError(part)
    raw = _with_newlines(raw)
    charsets.begin()
    leaf = structure.read(raw).leaves[part]
    return leaf.size(raw)[0], leaf.pieces(raw)


def headers(raw: Octets) -> list[tuple[str, str]]:
    """The header fields in order: (name as written, value unfolded with its encoded words decoded)."""
    charsets.begin()
    return fields.decoded(_with_newlines(raw))


def _first(tree: structure.Tree, name: bytes) -> bytes:
    """A field's first value that says something."""
    for value in tree.fields.get(name, ()):
        if value.strip():
            return value
    return b""


def _with_newlines(raw: Octets) -> Octets:
    """A message whose lines end in CR alone, as old Macintosh software wrote them, with LF instead."""
    return raw[:].replace(b"\r", b"\n") if raw.find(b"\n") < 0 else raw
