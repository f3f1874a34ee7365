"""Address headers (RFC 5322 §3.4) as people and programs write them: nothing is refused, what can be read is."""

import re
from functools import lru_cache

from mail.mime import words
from mail.types import Address

CACHED = 300  # bytes of a header value, or of one mailbox of it, that are worth remembering
VALUE_CAP = 262_144  # bytes read of one address header
FIELDS = 100  # occurrences read of one address header
LIMIT = 2_000  # addresses kept of one header
ODD = re.compile(rb"[^\x20-\x7e]|[(:;\\[]")
# One mailbox of a plain list: "Name" <a@b> or Name <a@b> or a@b.
PLAIN = re.compile(
    r"""\s*(?:(?:"([^"]*)"|([^<>@",]*?))\s*<(?!')([^<>@\s",]+@[^<>@\s",]+)>|(?!')([^<>@\s",]+@[^<>@\s",]+))\s*"""
)
TOKEN = re.compile(
    r"""(?P<quoted>"(?P<content>(?:[^"\\]|\\.)*+)(?P<end>"?))
      | (?P<word>=\?[^?\s]{1,60}\?[bBqQ]\?[^?]{0,998}\?=)
      | (?P<comment>\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+\))
      | <++(?P<angle>[^<>]*)>+ | <++(?P<open>[^<>,;]*)
      | (?P<mark>[,;:]) | (?P<blank>\s+)
      | (?P<atom>[^\s",;:<>()]+|.)""",
    re.VERBOSE | re.DOTALL,
)
QUOTING = re.compile(r'\\(.)|"', re.DOTALL)
INSIDE = re.compile(r"(.*?)\s*<([^<>\s]+@[^<>\s]+)>\s*", re.DOTALL)
COMMENT = re.compile(r"\([^()]*\)")  # <jane(work)@example.org>, RFC 5322 §3.2.3
ROUTE = re.compile(r"(?:@[^:,@]*,?)+:")  # <@relay,@relay:user@host>, RFC 5322 §4.4


def parse(values: list[bytes], hint: str = "") -> tuple[tuple[Address, ...], bool]:
    """The addresses of all occurrences of a header, in order, groups flattened; False when there were over LIMIT."""
    if not values:
        return (), True
    found: list[Address] = []
    whole = len(values) <= FIELDS
    for value in values[:FIELDS]:
        whole = whole and len(value) <= VALUE_CAP
        found += _cached(value, hint) if len(value) <= CACHED else _list(value[:VALUE_CAP], hint)
    return tuple(found[:LIMIT]), whole and len(found) <= LIMIT


def _list(value: bytes, hint: str) -> tuple[Address, ...]:
    """The addresses of one header field."""
    line = words.unfold(value, VALUE_CAP)
    return _plain(line) or tuple(_Reader().read(words.raw(line, hint)))


_cached = lru_cache(maxsize=1_024)(_list)  # a mailbox's mail is from and to the same people over and over


def _plain(line: bytes) -> tuple[Address, ...]:
    """The addresses of a list with nothing odd in it, nothing if there is. Nine headers in ten."""
    found: list[Address] = []
    mailbox = b""
    for piece in line.split(b","):
        mailbox = mailbox + b"," + piece if mailbox else piece
        if len(mailbox) > CACHED:
            return ()
        if mailbox.count(b'"') % 2:  # a comma within quotation marks
            continue
        address = _mailbox(mailbox)
        if address is None:
            return ()
        found.append(address)
        mailbox = b""
    return () if mailbox else tuple(found)


@lru_cache(maxsize=2_048)
def _mailbox(mailbox: bytes) -> Address | None:
    """One mailbox of a list; None where it is not plain."""
    match = None if ODD.search(mailbox) else PLAIN.fullmatch(mailbox.decode("ascii"))
    if match is None:
        return None
    quoted, name, email, bare = match.groups()
    if bare:
        return None if "=?" in bare else Address("", bare)
    return Address(_text(quoted or name or ""), email)


class _Reader:
    """One pass over the tokens of an address list; what is read of the current mailbox is in `phrase` and `angle`."""

    def __init__(self) -> None:
        self.found: list[Address] = []
        self.held = ""  # "Doe" of an unquoted `Doe, John <a@b>`: two mailboxes by the standard, one in Outlook
        self.in_group = False
        self.clear()

    def clear(self) -> None:
        """Begin the next mailbox."""
        self.phrase: list[str] = []
        self.comment = ""
        self.angle: str | None = None
        self.quoted = False

    def read(self, line: str) -> list[Address]:
        """The mailboxes of an unfolded header value."""
        for match in TOKEN.finditer(line):
            if match.lastgroup == "quoted" and not match["end"]:
                self.read(match["content"].replace('"', " "))  # a quotation mark that nothing closes is none
                return self.found
            self.token(match.lastgroup, match)
        self.flush("")
        return self.found

    def token(self, kind: str | None, match: re.Match[str]) -> None:
        """Take one token into the current mailbox, or end it."""
        if kind == "mark":
            self.mark(match[0])
        elif kind in {"angle", "open"}:
            self.angle = self.angle or _bare(match[kind])
        elif kind == "comment":
            self.comment = self.comment or match[0].strip("() ")
            self.phrase.append(" ")
        elif kind == "quoted":
            self.quoted = True
            self.phrase.append(match[0])
        elif match[0] not in {"<", ">"}:  # left over from brackets that do not pair
            self.phrase.append(match[0])

    def mark(self, mark: str) -> None:
        """A comma or semicolon ends a mailbox; a colon ends a group's name (RFC 5322 §3.4), which is dropped."""
        if mark != ":":
            self.flush(mark)
            self.in_group = self.in_group and mark != ";"
        elif self.angle is None and not any("@" in piece for piece in self.phrase):
            self.clear()
            self.in_group = True
        else:
            self.phrase.append(mark)

    def flush(self, mark: str) -> None:
        """The current mailbox is complete."""
        joined = " ".join("".join(self.phrase).split())
        name, email = self.with_angle(joined) if self.angle is not None else _without_angle(joined, self.comment)
        lone = mark == "," and self.angle is None and "@" not in email and not (self.quoted or self.in_group)
        if self.held and self.angle is not None and name and not self.quoted:
            name, self.held = f"{self.held}, {name}", ""
        self.release()
        if lone:
            self.held = name or email
        elif name or email:
            self.found.append(Address(name, email))
        self.clear()

    def with_angle(self, joined: str) -> tuple[str, str]:
        """Name and address of `name <address>`, the name from a comment where there is no other."""
        assert self.angle is not None
        email = self.angle if "@" in self.angle or self.angle.isalnum() else ""
        return _text(joined) or _text(self.comment), email

    def release(self) -> None:
        """What was held was a mailbox of its own."""
        if self.held:
            lone = " " not in self.held
            self.found.append(Address("", self.held) if lone else Address(self.held, ""))
            self.held = ""


def _without_angle(joined: str, comment: str) -> tuple[str, str]:
    """Name and address of a mailbox without angle brackets: `a@b (name)`, `name a@b`, `root`, or a name alone."""
    if "@" in joined:
        return _around_at(joined.replace(" @", "@").replace("@ ", "@").replace(" . ", "."), comment)
    name = _text(joined)
    inside = INSIDE.fullmatch(name) if "@" in name and "<" in name and len(name) < 1_000 else None
    if inside:  # the whole mailbox within one encoded word
        return inside[1].strip('" '), inside[2]
    if "@" in name and " " not in name:
        return _text(comment), name
    lone = name and " " not in name and name.isascii() and not joined.startswith(('"', "=?"))
    return (_text(comment), name) if lone else (name, "")


def _around_at(joined: str, comment: str) -> tuple[str, str]:
    """The word with the @ is the address, the rest or else the comment is the name."""
    if joined.startswith('"') and '"@' in joined:  # "john doe"@example.com
        cut = joined.index('"@') + 1
        domain, _, rest = joined[cut:].partition(" ")
        return _text(rest) or _text(comment), joined[:cut] + domain
    pieces = joined.split(" ")
    at = next(index for index, piece in enumerate(pieces) if "@" in piece)
    rest = " ".join(pieces[:at] + pieces[at + 1 :])
    email = words.decoded(pieces[at].encode()) if "=?" in pieces[at] else pieces[at]
    return _text(rest) or _text(comment), _bare(email.strip('"<>'))


def _bare(content: str) -> str:
    """The address between angle brackets: no route, no blanks, no quotation marks around it, no `mailto:`."""
    content = content[:1_000]
    email = "".join((COMMENT.sub("", content) if "(" in content else content).split())
    if ":" in email:
        email = ROUTE.sub("", email.removeprefix("mailto:"), count=1)
    if email[:1] in "'\"" and email[-1:] == email[:1]:
        email = email[1:-1]
    return email


def _text(phrase: str) -> str:
    """A display name: quotation marks and escapes undone, encoded words decoded (also where they are forbidden)."""
    if '"' in phrase:
        phrase = QUOTING.sub(r"\1", phrase)
    if "=?" in phrase:
        phrase = words.decoded(phrase.encode())
    return " ".join(phrase.split())
