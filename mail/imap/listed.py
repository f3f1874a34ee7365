"""The regular LIST and STATUS response, as nearly every server writes them: one compiled expression each.

An account with fifty folders has a hundred of them at every look, which is half of what a look costs if each is read
token by token. What they do not match goes the reader's general way, which gives the same tokens.
"""

import re

from mail.imap.regular import Token

# Neither quotes with escapes nor literals, nor atoms that need thought: NIL, brackets, octets beyond ASCII.
_NAME = rb'(?:"([^"\\\r\n]{0,1000})"|((?!(?i:NIL)[ \r])[A-Za-z0-9&+,./_-]{1,1000}))'
_LIST = re.compile(rb'\* LIST \(((?:\\[A-Za-z]{1,40} ?){0,20})(?<! )\) (?:NIL|"([^"\\\r\n]?)") ' + _NAME + rb"\r\n")
_STATUS = re.compile(rb"\* STATUS " + _NAME + rb" \(((?:(?!NIL)[A-Z]{3,40} [0-9]{1,20} ?){0,12})(?<! )\)\r\n")


def tokens(line: bytes) -> tuple[bytes, list[Token]] | None:
    """(kind, tokens) of a response's line, as the reader has them; None where the line is not regular."""
    if line.startswith(b"* STATUS "):
        match = _STATUS.fullmatch(line)
        if match:
            quoted, atom, counts = match.groups()
            return b"STATUS", [atom if quoted is None else quoted, [*counts.split()]]
    elif line.startswith(b"* LIST "):
        match = _LIST.fullmatch(line)
        if match:
            attributes, delimiter, quoted, atom = match.groups()
            return b"LIST", [[*attributes.split()], delimiter, atom if quoted is None else quoted]
    return None
