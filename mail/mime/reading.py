"""A raw message, read: header and parts put together into mail.types.Parsed."""

from mail.mime import addresses, attachments, bodies, dates, fields, identifiers, structure, visible, words
from mail.types import Address, Attachment, Parsed

PEOPLE = ("from", "to", "cc", "bcc", "reply-to")


def parse(raw: bytes) -> Parsed:
    """Read a message of any bytes; never raises. `problem` says what could not be read."""
    raw = _with_newlines(raw)
    try:
        return read(raw)
    except Exception as error:  # noqa: BLE001 -- whatever one mail holds, the mailbox goes on; tests call read()
        subject = next((value for name, value in fields.decoded(raw[:65_536]) if name.lower() == "subject"), "")
        return Parsed(subject=subject, problem=f"the message could not be read ({type(error).__name__})")


def read(raw: bytes) -> Parsed:
    """parse() without its net."""
    tree = structure.read(raw)
    problems = [tree.problem] if tree.problem else []
    hint = tree.leaves[0].content_type.parameters.get("charset", "")
    text, html, listed = _parts(raw, tree, problems)
    people: dict[str, tuple[Address, ...]] = {}
    for name in PEOPLE:
        values = tree.fields.get(name.encode(), [])
        people[name], whole = addresses.parse(values[:1] if name == "from" else values, hint)
        if not whole:
            problems.append(f"only the first addresses of {name.title()} are listed")
    header_id = identifiers.message_id(_first(tree, b"message-id"))
    return Parsed(
        header_id=header_id,
        references=identifiers.references(
            tree.fields.get(b"references", []), tree.fields.get(b"in-reply-to", []),
            frozenset(address.email.lower() for found in people.values() for address in found), header_id,
        ),
        subject=" ".join(words.text(_first(tree, b"subject"), hint).split()),
        from_=people["from"], to=people["to"], cc=people["cc"], bcc=people["bcc"], reply_to=people["reply-to"],
        date=dates.parse(_first(tree, b"date")[:400].decode("ascii", "replace")),
        text=text, html=html, snippet=visible.snippet(text, html), attachments=tuple(listed),
        problem="; ".join(problems),
    )  # fmt: skip


def _parts(raw: bytes, tree: structure.Tree, problems: list[str]) -> tuple[str, str, list[Attachment]]:
    """Text, HTML and attachments. Each part is decoded once and let go: a message may hold gigabytes."""
    body = bodies.chosen(tree.leaves)
    said = []
    for index in sorted(body):
        data, intact = tree.leaves[index].content(raw)
        said.append((tree.leaves[index], data))
        if not intact:
            problems.append("the encoding of the body is damaged")
    text, html = bodies.texts(said)
    listed = []
    for index, leaf in enumerate(tree.leaves):
        if index in body:
            continue
        data, intact = leaf.content(raw)
        listed.append(attachments.describe(index, leaf, data, html))
        if not intact:
            problems.append(f"the encoding of part {index} is damaged")
    return text, html, listed


def attachment_bytes(raw: bytes, part: int) -> bytes:
    """The decoded bytes of the part that Attachment.part names. Raises IndexError where there is none."""
    if part < 0:
        raise IndexError(part)
    raw = _with_newlines(raw)
    return structure.read(raw).leaves[part].content(raw)[0]


def headers(raw: bytes) -> list[tuple[str, str]]:
    """The header fields in order: (name as written, value unfolded with its encoded words decoded)."""
    return fields.decoded(_with_newlines(raw))


def _first(tree: structure.Tree, name: bytes) -> bytes:
    """A field's first value that says something."""
    return next((value for value in tree.fields.get(name, ()) if value.strip()), b"")


def _with_newlines(raw: bytes) -> bytes:
    """A message whose lines end in CR alone, as old Macintosh software wrote them, with LF instead."""
    return raw.replace(b"\r", b"\n") if b"\n" not in raw else raw
