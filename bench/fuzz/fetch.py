"""The FETCH reader: split anywhere, both of its ways and imapclient's parser read the same; nothing else is raised."""

import io
import random
import re
import zlib
from collections.abc import Iterator

from bench.fuzz.targets import Target
from mail.imap.reader import ConnectionEnded, ProtocolBroken, ResponseReader
from tests import corpus, fetch_answers

LARGEST = 8_192
SMALL = 1_500  # bytes of a real mail that is put into an answer
ANSWER = re.compile(rb"\* \d{1,10} FETCH \(", re.IGNORECASE)
# What stands outside of literals where imapclient can be asked: it ends words at other characters, and takes an
# opening bracket or quotation mark amid a word for the beginning of something.
STRING = rb'"(?:[^"\\\0-\x1f\x7f]|\\["\\])*"(?=[ )]|$)'
PLAIN = re.compile(rb"(?:[A-Za-z0-9 ()\\$_.:+/=-]|(?<=[ (])(?:" + STRING + rb"|BODY\[[A-Z.]*\](?= )|\{\d+\}$))*")
PIECE = re.compile(rb"\* \d+ FETCH \(|[A-Z][A-Z0-9.-]+(?:\[[A-Z]*\])? (?:\([^()]*\)|\"[^\"]*\"|\d+)|\{\d+\}\r\n|\)\r\n")
TOKENS = (
    b"(", b")", b" ", b'"', b"\\", b"\r\n", b"\n", b"NIL", b"nil", b"{0}\r\n", b"{1}\r\nx", b"{3+}\r\nabc",
    b"~{2}\r\n\x00\xff", b"{300000000}\r\n", b"* 1 EXISTS\r\n", b"* BYE\r\n", b"F1 OK [UIDNEXT 5] done\r\n",
    b"+ go on\r\n", b"UID 7", b"UID NIL", b"FLAGS ()", b"FLAGS NIL", b'INTERNALDATE "17-Jul-1996 02:44:25 -0700"',
    b"MODSEQ (7)", b"EMAILID (M1)", b"THREADID NIL", b"X-GM-MSGID 1278455344230334865", b'X-GM-LABELS (\\Inbox "a b")',
    b"RFC822.SIZE 3", b"BODY[] {3}\r\nabc", b"BODY[] NIL", b"BODY[HEADER] {2}\r\n\r\n",
    b'BODY[HEADER.FIELDS (SUBJECT)] "x"', b"BODY[]<0> {1}\r\nx", b'BODY[] "a\\"b"',
)  # fmt: skip


class Split(io.RawIOBase):
    """A connection whose packets end anywhere; the same for the same octets."""

    def __init__(self, octets: bytes) -> None:
        self._octets, self._at = octets, 0
        self._chance = random.Random(zlib.crc32(octets))

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]  # narrower than io's
        """Some of the octets, up to where the next packet ends."""
        size = min(len(buffer), self._chance.choice((1, 2, 3, 7, 40, 2_000)))
        packet = self._octets[self._at : self._at + size]
        buffer[: len(packet)] = packet
        self._at += len(packet)
        return len(packet)


def faults(octets: bytes) -> Iterator[str]:
    """What is wrong with the reading of a connection's octets."""
    fast = fetch_answers.read_all(io.BufferedReader(Split(octets), 64))
    general = fetch_answers.read_all(io.BytesIO(octets), general=True)
    if fast != general:
        yield next(
            f"both ways differ: the fast one reads {a!s:.300}, the general one {b!s:.300}"
            for a, b in zip([*fast, None], [*general, None], strict=False)
            if a != b
        )
    for answer in answers(octets):
        wrong = fetch_answers.disagreement(answer)
        if wrong:
            yield f"imapclient differs: {answer[:200]!r} is here {wrong:.600}"


def answers(octets: bytes) -> Iterator[bytes]:
    """The FETCH responses among the octets that may be compared, each with its literals."""
    stream, start = io.BytesIO(octets), 0
    reader = ResponseReader(stream)
    while True:
        try:
            reader.next()
        except (ConnectionEnded, ProtocolBroken):
            return
        start, answer = stream.tell(), octets[start : stream.tell()].lstrip(b"\r\n \t")
        if ANSWER.match(answer) and answer.endswith(b")\r\n") and _is_plain(answer):
            yield answer


def _is_plain(answer: bytes) -> bool:
    """Whether there is nothing but words, strings, lists and literals in it."""
    try:
        records = fetch_answers.as_imaplib_has_it(answer.removesuffix(b"\r\n"))
    except ValueError:
        return False
    lines = [record if isinstance(record, bytes) else record[0] for record in records]
    return all(map(PLAIN.fullmatch, [lines[0].removeprefix(b"* "), *lines[1:]]))


def seeds() -> Iterator[bytes]:
    """Answers as large servers write them, one by one and one after another."""
    usual = (fetch_answers.DOVECOT, fetch_answers.GMAIL, fetch_answers.EXCHANGE)
    yield from usual
    yield b"".join(usual) + b"F1 OK Fetch completed.\r\n"
    for token in TOKENS:
        yield b"* 7 FETCH (UID 12 " + token + b")\r\n"


def real() -> Iterator[bytes]:
    """Real mails in such answers."""
    small = (raw for number, (_, raw) in enumerate(corpus.messages()) if not number % 20 and len(raw) <= SMALL)
    for number, raw in enumerate(small):
        head, tail = ((b"", b" UID 12 FLAGS ()"), (b"UID 12 FLAGS (\\Seen) ", b""))[number % 2]
        yield b"* 7 FETCH (%sRFC822.SIZE %d BODY[] {%d}\r\n%s%s)\r\n" % (head, len(raw), len(raw), raw, tail)


def pieces(inputs: Iterator[bytes]) -> list[bytes]:
    """The tokens, and the items of real answers."""
    return sorted({*TOKENS, *(piece for octets in inputs for piece in PIECE.findall(octets))})


TARGET = Target("fetch", LARGEST, faults, seeds, real, pieces)
