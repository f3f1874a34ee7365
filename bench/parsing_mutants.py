"""Parses the corpus of real mail, damaged at random: `python -m bench.parsing_mutants [MUTANTS] [SEED] [FIRST]`.

Nothing may raise, take over a second, need over 200 MB beyond the mail, or give what PostgreSQL cannot store. Each
mutant is a mail of the corpus with a few wounds; the same for a seed. Prints what failed, with what makes it again.
"""

import contextlib
import random
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mail.mime import attachment_bytes, headers
from mail.mime.reading import read, read_body, read_headline
from tests import corpus

MUTANTS, SEED = 100_000, 20_240
SECONDS, MEGABYTES = 1.0, 200
LARGEST = 2_000_000  # bytes of a mail that is damaged: larger ones are slow to copy and show nothing else
WOUNDS = (1, 1, 1, 2, 3, 8)
TOKENS = (
    b"\r", b"\n", b"\r\n\r\n", b"--", b"\0", b"\xff", b"=", b"=?utf-8?q?", b"?=", b'"', b"(", b"<", b">", b";", b",",
    b":", b"\\", b"\x1b$B", b"<!--", b"<style>", b"&#", b"\xed\xa0\x80", b"+2AA-", b"; filename*0*=",
    b"Content-Type: multipart/mixed; boundary=", b"Content-Type: message/rfc822\n",
    b"Content-Type: text/html; charset=utf-7\n", b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: x-uuencode\n",
)  # fmt: skip

Wound = Callable[[random.Random, bytes], bytes]


def flipped(chance: random.Random, raw: bytes) -> bytes:
    """One byte is another."""
    at = chance.randrange(len(raw))
    return raw[:at] + bytes((chance.randrange(256),)) + raw[at + 1 :]


def shortened(chance: random.Random, raw: bytes) -> bytes:
    """Some bytes are gone."""
    at = chance.randrange(len(raw))
    return raw[:at] + raw[at + _length(chance, raw) :]


def doubled(chance: random.Random, raw: bytes) -> bytes:
    """Some bytes are there twice, or in another place."""
    at, to = chance.randrange(len(raw)), chance.randrange(len(raw))
    piece = raw[at : at + _length(chance, raw)]
    return raw[:to] + piece * chance.choice((1, 1, 2, 50)) + raw[to:]


def truncated(chance: random.Random, raw: bytes) -> bytes:
    """The end is gone, or the beginning."""
    at = chance.randrange(len(raw))
    return raw[:at] if chance.random() < 0.8 else raw[at:]


def meddled(chance: random.Random, raw: bytes) -> bytes:
    """Something that means something is where it should not be."""
    at = chance.randrange(len(raw))
    return raw[:at] + chance.choice(TOKENS) + raw[at:]


def unbounded(chance: random.Random, raw: bytes) -> bytes:
    """A line that begins with two dashes, or a header line, is damaged."""
    start = raw.find(chance.choice((b"\n--", b"boundary", b"\nContent-", b"charset=")), chance.randrange(len(raw)))
    at = start + chance.randrange(12)
    return raw[:at] + chance.choice((b"", b"-", b"\n", b"x", b" ", b'"')) + raw[at + chance.randrange(3) :]


def relined(chance: random.Random, raw: bytes) -> bytes:
    """Lines end otherwise."""
    old, new = chance.choice(((b"\r\n", b"\n"), (b"\n", b"\r\n"), (b"\n", b"\r"), (b"\r\n", b"\n\r"), (b"\n\n", b"\n")))
    return raw.replace(old, new, chance.choice((1, 20, -1)))


KINDS: tuple[Wound, ...] = (flipped, shortened, doubled, truncated, meddled, unbounded, unbounded, relined)


def mutant(mails: list[tuple[str, bytes]], seed: int, number: int) -> tuple[str, bytes]:
    """(path within the corpus, bytes) of the mutant of that number."""
    chance = random.Random(f"{seed} {number}")
    name, raw = chance.choice(mails)
    for _ in range(chance.choice(WOUNDS)):
        raw = chance.choice(KINDS)(chance, raw) or b"\n"
    return name, raw


def _length(chance: random.Random, raw: bytes) -> int:
    return min(int(chance.paretovariate(0.6)), len(raw), 50_000)


def faults(raw: bytes) -> Iterator[str]:
    """What is wrong with the reading of a mail; raises what the readers raise."""
    raw = raw if b"\n" in raw else raw.replace(b"\r", b"\n")  # as parse() does before it reads
    started = time.process_time()
    parsed = read(raw)
    took = time.process_time() - started
    if took > SECONDS:
        yield f"took {took:.1f} s"
    headline, body = read_headline(raw), read_body(raw)
    if (body.text, body.html) != (parsed.text, parsed.html):
        yield "another body by itself"
    if headline._replace(snippet="") != parsed._replace(text="", html="", snippet=""):
        yield "another headline by itself"
    if not _begin_alike(headline.snippet, parsed.snippet):
        yield f"another snippet by itself: {headline.snippet!r}, of the whole {parsed.snippet!r}"
    if any("\0" in text or not _encodable(text) for text in _texts((parsed, headers(raw)))):
        yield "no text for PostgreSQL"
    for attachment in parsed.attachments[:5]:
        if len(attachment_bytes(raw, attachment.part)) != attachment.size:
            yield f"part {attachment.part} has another size than is said"


def _begin_alike(*snippets: str) -> bool:
    """Whether snippets say the same in ASCII. Damage further on makes the whole of a text another charset's."""
    shorter, longer = sorted((re.sub("[^!-~]", "", snippet) for snippet in snippets), key=len)
    return longer.startswith(shorter) and (bool(shorter) or not longer)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _texts(item)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def main(mutants: int, seed: int, first: int) -> int:
    """How many of so many mutants, from the first on, failed."""
    if not corpus.ARCHIVE.exists():
        print(f"There is nothing to damage: the corpus of real mail is not at {corpus.ARCHIVE}.")
        return 0
    mails = [(name, raw) for name, raw in corpus.messages() if 0 < len(raw) <= LARGEST]
    before, failed, slowest = _peak_from_now(), 0, (0.0, "")
    for number in range(first, first + mutants):
        name, raw = mutant(mails, seed, number)
        started = time.process_time()
        try:
            found = list(faults(raw))
        except Exception as error:  # noqa: BLE001 -- which is what is looked for
            found = [f"{type(error).__name__}: {error}"]
        slowest = max(slowest, (time.process_time() - started, f"{name}, mutant {number}"))
        if found:
            failed += 1
            print(f"seed {seed} mutant {number} of {name}: {'; '.join(found)}", flush=True)
    grown = _peak() - before
    print(f"{mutants:,} mutants, {failed} failed; slowest, read four times: {slowest[0]:.2f} s ({slowest[1]}); "
          f"memory grew by {grown:.0f} MB{'' if grown < MEGABYTES else f', over {MEGABYTES}'}")  # fmt: skip
    return failed + (grown >= MEGABYTES)


def _peak_from_now() -> float:
    """_peak() once Linux has forgotten what loading the corpus took; elsewhere it hides what is less than that."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> float:
    """Megabytes that this process held at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1_024 * (1_024 if sys.platform == "darwin" else 1))


if __name__ == "__main__":
    given = list(map(int, sys.argv[1:4]))
    sys.exit(min(main(*given, *(MUTANTS, SEED, 0)[len(given) :]), 1))
