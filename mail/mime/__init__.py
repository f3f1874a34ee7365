"""MIME: the bytes of a message to what it says (mail.types.Parsed). Pure; see docs/decisions/0002-mime-parsing.md."""

from mail.mime.parts import listed
from mail.mime.reading import attachment_bytes, attachment_pieces, body, headers, headline, parse
from mail.mime.visible import from_html as words_of
from mail.mime.visible import is_deep, plain_text, visible_text

__all__ = [
    "attachment_bytes",
    "attachment_pieces",
    "body",
    "headers",
    "headline",
    "is_deep",
    "listed",
    "parse",
    "plain_text",
    "visible_text",
    "words_of",
]
