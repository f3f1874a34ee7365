"""A letter to the octets of a message: 7-bit MIME, lines that end in CRLF and have at most 998 octets."""

import re
from email.utils import format_datetime

from flanker.mime.message.part import MimePart

from mail.compose import headers, parts
from mail.compose.custom import check_headers
from mail.mime import charsets, plain_text
from mail.types import File, Letter, LetterRefused

SUBJECT = 10_000  # characters
FILES = 500  # of a message; readers list 1,000 parts
REFERENCES = 50  # the first, which names the thread, and the latest
_ID = re.compile(r"[!-;=?-~]{1,900}")  # without angle brackets; a line of the header has to hold it
_NEWLINE = re.compile(r"\r\n|\r|\n")


def compose(letter: Letter, *, bcc: bool) -> bytes:
    """The message, always the same for the same letter. Raises LetterRefused.

    `bcc`: with a Bcc field, as the author keeps it; what is sent has none. Lone surrogates are replaced, NUL is left
    out, line breaks in what is one line are blanks. A sender or recipient that is not ASCII before the @ is written in
    UTF-8 (RFC 6532), all else in ASCII. Takes the memory of what it returns and little more beside the letter.
    """
    _check(letter)
    return parts.written(_root(letter), _header(letter, bcc=bcc), letter.files)


def _check(letter: Letter) -> None:
    if not _ID.fullmatch(letter.header_id):
        raise LetterRefused("The Message-ID is not of ASCII letters, digits and signs without blanks or brackets.")
    if len(letter.subject) > SUBJECT:
        raise LetterRefused(f"The subject has {len(letter.subject):,} characters. It can have {SUBJECT:,}: shorten it.")
    if len(letter.files) > FILES:
        raise LetterRefused(f"A message can have {FILES} files, and this one has {len(letter.files):,}.")
    if complaints := check_headers(letter.headers):
        raise LetterRefused(" ".join(complaints))


def _header(letter: Letter, *, bcc: bool) -> str:
    """All fields but those of the root part."""
    replied = [letter.in_reply_to] if _ID.fullmatch(letter.in_reply_to) else []
    return "".join(
        [
            headers.of_people("From", [letter.sender]),
            headers.of_people("To", letter.to),
            headers.of_people("Cc", letter.cc),
            headers.of_people("Bcc", letter.bcc if bcc else ()),
            headers.of_people("Reply-To", letter.reply_to),
            headers.of_text("Subject", letter.subject),
            f"Date: {format_datetime(letter.date)}\r\n",
            headers.of_ids("Message-ID", [letter.header_id]),
            headers.of_ids("In-Reply-To", replied),
            headers.of_ids("References", _references(letter.references, replied)),
            *(headers.of_text(name, value) for name, value in letter.headers),
        ]
    )


def _references(references: tuple[str, ...], replied: list[str]) -> list[str]:
    """Ids as others wrote them: what would break the field is left out, and so is the middle of a long list."""
    ids = [each for each in dict.fromkeys(references) if _ID.fullmatch(each) and each not in replied] + replied
    return ids if len(ids) <= REFERENCES else [ids[0], *ids[-REFERENCES + 1 :]]


def _root(letter: Letter) -> MimePart:
    """mixed(alternative(text, related(html, inline files)), attachments), without what would hold one part only."""
    body = _NEWLINE.sub("\r\n", charsets.clean(letter.body))
    if letter.is_plaintext or not body.strip():
        shown, enclosed = parts.text("plain", body), list(letter.files)
    else:
        inline = [file for file in letter.files if file.is_inline and file.content_id]
        enclosed = [file for file in letter.files if not (file.is_inline and file.content_id)]
        shown = _alternatives(letter.header_id, body, inline)
    if not enclosed:
        return shown
    return parts.multipart("mixed", [shown, *map(parts.enclosed, enclosed)], letter.header_id)


def _alternatives(seed: str, body: str, inline: list[File]) -> MimePart:
    html = parts.text("html", body)
    if inline:
        html = parts.multipart("related", [html, *map(parts.enclosed, inline)], seed, type="text/html")
    words = parts.text("plain", _NEWLINE.sub("\r\n", plain_text(body)))
    return parts.multipart("alternative", [words, html], seed)
