"""Text without what it quotes, its signature and closing phrase."""

import re
from itertools import takewhile

from mail.clean import phrases

CAP = 200_000  # characters of text that are read
CANDIDATES = 100  # lines that are compared with the introductions of quotations
SIGNATURE_LINES = 30  # a longer rest below two dashes is no signature
DEVICE_LINES = 4  # from "Sent from my telephone" on
CLOSING_LINES = 8  # below a closing phrase: name, position, telephone
FOOTER = re.compile(r"[_=*-]{25,}")
LIST = re.compile(r"mailing list|unsubscribe|mailman|listinfo|-request@|yahoogroups", re.IGNORECASE)
SENTENCE = re.compile(r"\s*(?:On|Am|Le|El|Il|Op|Em|Den|Dne|Dnia|At|In|\*|\d{4}|[A-Z][a-z]+, )\b")  # of an introduction
BLANKS = re.compile(r"\n{3,}")


def clean(text: str, *, closings: bool) -> str:
    """The author's lines; all lines where none would be left."""
    lines = text[:CAP].splitlines()
    own = _above_separator(_unquoted(lines))
    kept = own[: _end(own, closings=closings)]
    said = BLANKS.sub("\n\n", "\n".join(line.rstrip() for line in kept)).strip("\n")
    return said if said.strip() else text[:CAP].strip()


def _end(lines: list[str], *, closings: bool) -> int:
    """How many of these lines come before the signature or closing phrase."""
    end = _footer(lines[: _signature(lines)])
    end = next((at for at in _last(lines[:end], DEVICE_LINES) if phrases.is_sent_from(lines[at].strip())), end)
    return _closing(lines[:end]) if closings else end


def _unquoted(lines: list[str]) -> list[str]:
    """Without the lines that begin with > and what introduces them."""
    own: list[str] = []
    quoting = False
    candidates = 0
    for line in lines:
        quoted = line.lstrip(" ").startswith(">") and not line.startswith(">From ")
        if quoted and not quoting and candidates < CANDIDATES:
            candidates += 1
            _drop_introduction(own)
        if not quoted:
            own.append(line)
            quoting = quoting and not line.strip()
        else:
            quoting = True
    return own


def _drop_introduction(own: list[str]) -> None:
    """Who wrote what, in the one to three lines above, perhaps after a blank line."""
    end = len(own)
    while end and end > len(own) - 2 and not own[end - 1].strip():
        end -= 1
    above = list(takewhile(str.strip, reversed(own[max(0, end - 3) : end])))
    for count in range(1, len(above) + 1):
        text = "\n".join(line.strip() for line in reversed(above[:count]))
        if not phrases.introduces(text):
            continue
        if (
            count < len(above)
            and not _begins_sentence(above[count - 1])
            and phrases.introduces("\n".join(line.strip() for line in reversed(above[: count + 1])))
        ):
            continue  # the line above may belong to it
        del own[end - count :]
        return


def _begins_sentence(line: str) -> bool:
    return bool(SENTENCE.match(line))


def _above_separator(lines: list[str]) -> list[str]:
    """Without what comes below a separator, if anything comes above it. What is forwarded stays."""
    spoken = False
    candidates = 0
    for at, line in enumerate(lines):
        stripped = line.strip()
        if not stripped or len(stripped) > phrases.LINE:
            spoken = spoken or bool(stripped)
            continue
        if phrases.is_forward(stripped):
            return lines
        found = _separates(lines, at, stripped) if candidates < CANDIDATES else None
        candidates += found is not None
        if found and spoken:
            return lines[:at]
        spoken = spoken or not found
    return lines


def _separates(lines: list[str], at: int, line: str) -> bool | None:
    """Whether all from this line on is quoted; None: it does not look like it at all."""
    if phrases.is_separator(line):
        return True
    if FOOTER.fullmatch(line):
        below = [each.strip() for each in lines[at + 1 : at + 4] if each.strip()]
        return bool(below) and phrases.is_from(below[0]) and phrases.begins_header(_joined(lines, at + 1, 10))
    if phrases.is_from(line):
        return phrases.begins_header(_joined(lines, at, 8))
    for count in (1, 2, 3):
        below = lines[at : at + count]
        if below[-1].rstrip().endswith((":", "：")) and len(below) == count:
            return phrases.is_attribution("\n".join(each.strip() for each in below))
    return None


def _joined(lines: list[str], at: int, count: int) -> str:
    return "\n".join(each.strip()[: phrases.LINE] for each in lines[at : at + count] if each.strip())


def _signature(lines: list[str]) -> int:
    """Where the signature begins that two dashes set off (RFC 3676 §4.3)."""
    for at in range(max(0, len(lines) - SIGNATURE_LINES - 1), len(lines)):
        if lines[at].rstrip() == "--":
            return at
    return len(lines)


def _footer(lines: list[str]) -> int:
    """Where the lines begin that a mailing list appends."""
    for at in _last(lines, CLOSING_LINES):
        if FOOTER.fullmatch(lines[at].strip()) and LIST.search("\n".join(lines[at:])):
            return at
    return len(lines)


def _closing(lines: list[str]) -> int:
    """Where a closing phrase begins with nothing but short lines below."""
    for at in _last(lines, CLOSING_LINES):
        if phrases.is_closing(lines[at].strip()) and all(len(line) <= phrases.SHORT for line in lines[at:]):
            return at
    return len(lines)


def is_footer(text: str) -> bool:
    """Whether a text that stands alone is what a mailing list appends."""
    return bool(FOOTER.match(text.lstrip())) and len(text) < CLOSING_LINES * phrases.LINE and bool(LIST.search(text))


def _last(lines: list[str], count: int) -> list[int]:
    """Places of the last lines that are not blank, in order."""
    found: list[int] = []
    for at in range(len(lines) - 1, -1, -1):
        if lines[at].strip():
            found.append(at)
        if len(found) >= count:
            break
    return found[::-1]
