"""A mailbox on its server, as the mirror asks about it: folders, what changed, bodies."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from mail import spool
from mail.imap import asking, fetching, listing, names, pieces, searching, selecting, uidsets
from mail.imap.asking import BODY, ENTRY, HEADER, STRUCTURED, Asking
from mail.imap.capabilities import Extensions
from mail.imap.compression import Compression
from mail.imap.editing import Editor
from mail.imap.offer import Offer, Way, may_be_the_extension, says_gone
from mail.imap.opening import open_connection
from mail.imap.reader import Status
from mail.imap.wire import CommandRefused, Wire
from mail.line.watch import Meter
from mail.types import (
    Changes,
    ConnectionFailed,
    Entry,
    Fetched,
    FolderFailed,
    FolderVanished,
    Login,
    MailError,
    RemoteFolder,
    Selected,
    SyncPoint,
)

_SECONDS_TO_LOG_IN = 60.0
_SECONDS_TO_LEAVE = 2.0


class MailSession:
    """One logged-in connection. Every method raises ConnectionFailed when it breaks; the session is of no use then.

    Folders are only examined, so that not even \\Recent changes, but by `editor`.
    """

    def __init__(self, wire: Wire, login: Login, offer: Offer) -> None:
        self._wire = wire
        self._login = login
        self._folder = ""
        self._uidvalidity = 0
        self._offer = offer
        self._asking = Asking(offer)
        self.meter = Meter(wire.watch)
        self._compression = Compression(offer, self.meter)
        self.editor = Editor(offer, self._note_opened)
        wire.heed = self._heed
        self.capabilities = frozenset(name for name in offer.offered if len(name) <= 64 and name.isprintable())

    @classmethod
    def open(
        cls,
        login: Login,
        *,
        timeout: float = 30.0,
        seconds: float | None = None,
        begun: Callable[[Callable[[str], None]], None] = lambda _cut: None,
        without: frozenset[str] = frozenset(),
    ) -> Self:
        """Connect and log in; `timeout` is the longest wait for any one piece of an answer, in seconds.

        `seconds`: after so many from now the connection is cut. None: the login has a minute, and then the session may
        last as long as the server gets ahead (mail.line.watch). `begun` is given, before the first octet, what makes
        the session fail for a reason, from any thread. `without`: extensions that are not to be used even if they are
        offered (`failed` of an earlier session). Raises AuthenticationFailed or ConnectionFailed.
        """
        connection = open_connection(login, timeout, _SECONDS_TO_LOG_IN if seconds is None else seconds, begun)
        wire = Wire(connection, login, timeout)
        try:
            session = cls(wire, login, Offer(wire, Extensions(wire, connection.announced()), without))
        except BaseException:
            wire.close()
            raise
        if seconds is None:
            wire.pace()
        return session

    def stop(self, reason: str) -> None:
        """Break the connection, from any thread: the method that waits for the server fails for this reason."""
        self._wire.stop(reason)

    @property
    def strategy(self) -> str:
        """How changes are found: "qresync", "condstore" or "full". May become humbler when the server fails at one."""
        return self._offer.strategy

    @property
    def numbers_messages(self) -> bool:
        """Whether the server has ids of its own for messages."""
        return any(map(self._offer.has, ("X-GM-EXT-1", "OBJECTID")))

    @property
    def failed(self) -> frozenset[str]:
        """Extensions that the server offers and failed at in this session; other ways were taken."""
        return self._offer.failed | self._compression.failed | self._asking.failed

    def folders(self) -> list[RemoteFolder]:
        """All folders with their counts; a count is None where the server does not tell it. Raises MailError."""
        try:
            return listing.folders(listing.ask(self._offer))
        except CommandRefused as refused:
            raise MailError(f"{self._login.host} does not list the folders: {refused}") from refused

    def select(self, wire_name: str, since: SyncPoint | None = None) -> Selected:
        """Examine a folder; with QRESYNC and a sync point also learn what changed. Raises FolderFailed."""
        self._asking.forget_orders()
        self._folder = names.decode(wire_name.encode("latin-1"))
        self._uidvalidity = 0
        name = names.quote(wire_name)
        known = since if since and since.highestmodseq and self.strategy == "qresync" else None
        with self._refusals(gone=says_gone):
            responses = list(self._offer.ask(*asking.to_examine(self._offer, name, known)))
            chosen = selecting.selected(responses, known if self._offer.has("QRESYNC") else None)
            if not chosen.uidnext:  # RFC 3501 §6.3.1 lets a server leave it out
                chosen = selecting.with_uidnext(chosen, self._wire.run(b"STATUS", name, b"(UIDNEXT)"))
        if not (chosen.uidvalidity and chosen.uidnext):
            raise FolderFailed(f"The server gives {self._folder} no lasting UIDs, so it cannot be mirrored.")
        self._uidvalidity = chosen.uidvalidity
        return replace(chosen, highestmodseq=0) if self.strategy == "full" else chosen

    def uids(self, low: int, high: int | None = None) -> list[int]:
        """The UIDs in low..high (no end: all from `low` on), ascending. Raises FolderFailed."""
        wanted = b"UID %d:%s" % (low, b"*" if high is None else b"%d" % high)
        extended, plain = (b"UID SEARCH RETURN (ALL)", wanted), (b"UID SEARCH", wanted)
        with self._refusals():
            return searching.uids(self._asking.responses(("ESEARCH", extended), ("", plain)), low, high)

    def flags(self, low: int, high: int) -> dict[int, frozenset[str]]:
        """The flags of every message in low..high. Raises FolderFailed."""
        with self._refusals():
            answers = self._asking.fetch(b"%d:%d" % (low, high), [b"UID FLAGS"])
            return {
                uid: fetching.flags(told) for uid, told in answers if low <= uid <= high and fetching.tells_flags(told)
            }

    def changes(self, since: SyncPoint) -> Changes:
        """What changed in the selected folder since, VANISHED with QRESYNC only. Raises FolderFailed.

        All flags, where the server fails at telling what changed.
        """
        fetch, modseq = b"UID FETCH 1:* (UID FLAGS)", max(since.highestmodseq, 1)
        ways: list[Way] = [("CONDSTORE", (fetch, b"(CHANGEDSINCE %d)" % modseq)), ("", (fetch,))]
        if self.strategy == "qresync":
            ways.insert(0, ("QRESYNC", (fetch, b"(CHANGEDSINCE %d VANISHED)" % modseq)))
        with self._refusals():
            return selecting.changes(self._asking.responses(*ways), since)

    def entries(self, uids: Sequence[int]) -> list[Entry]:
        """Size, flags and ids of the messages that exist, ascending. Raises FolderFailed."""
        wanted = set(uids)
        found = {}
        with self.meter.measured(), self._refusals():
            for uid, items in self._asking.fetched(wanted, ENTRY):
                if uid in wanted and b"RFC822.SIZE" in items:
                    found[uid] = fetching.entry(uid, items)
        return [found[uid] for uid in sorted(found)]

    def order_entries(self, uids: Sequence[int]) -> None:
        """Have the server begin with what `entries` is going to be asked for. Never fails; whatever is asked for until
        then is answered as well."""
        if not self._compression.is_due:
            self._asking.order(uids, ENTRY)

    def order_bodies(self, uids: Sequence[int], *, headers_only: bool = False) -> None:
        """The same for `bodies`."""
        if not self._compression.is_due:
            self._asking.order(uids, STRUCTURED if headers_only else BODY)

    def bodies(self, uids: Sequence[int], *, headers_only: bool = False) -> Iterator[Fetched]:
        """The messages as the server sends them, each as it arrives; it may leave some out. One whose size is not as
        the server says is asked for once more at the end. `headers_only`: with their parts, as far as it tells them.

        Whoever stops half way loses the connection. Raises FolderFailed after what came, and ConnectionFailed.
        """
        self._compression.switch_on_if_due()
        wanted = set(uids)
        doubted: dict[int, bytes] = {}
        for message in self._messages(wanted, STRUCTURED if headers_only else BODY):
            if headers_only or not self._is_doubtful(message):
                yield message
            else:
                doubted[message.uid] = spool.digest(message.raw or b"")
        yield from self._messages_again(doubted)

    def headers(self, uids: Sequence[int]) -> Iterator[Fetched]:
        """`bodies` with the headers alone, not even their parts: it may be these at which the server hangs up."""
        yield from self._messages(set(uids), HEADER)

    def large(self, uid: int) -> Iterator[Fetched]:
        """One message as bodies() gives it, its octets in a temporary file where the server sends it in pieces.

        Raises NoRoom as well."""
        self._compression.switch_on_if_due()
        message = self._in_pieces(uid) if self._offer.believes(pieces.PARTIAL) else None
        if message and not self._is_doubtful(message):
            yield message
            return
        digest, message = message.digest if message else b"", None  # its file goes
        for whole in self.bodies([uid]):
            if whole.raw is not None and spool.digest(whole.raw) != digest:
                self._offer.blame(pieces.PARTIAL)
            yield whole

    def _in_pieces(self, uid: int) -> Fetched | None:
        with self.meter.measured(), self._refusals():
            try:
                return pieces.fetched(uid, self._asking.fetch, self._asking.all)
            except CommandRefused as refused:
                if not may_be_the_extension(refused):
                    raise
        return None

    def _messages(self, wanted: set[int], asked: tuple[bytes, ...]) -> Iterator[Fetched]:
        with self.meter.measured(), self._refusals():
            for uid, items in self._asking.fetched(wanted, asked):
                message = fetching.fetched(uid, items, complete=asked == BODY) if uid in wanted else None
                if message:
                    wanted.discard(uid)
                    yield message

    def _is_doubtful(self, message: Fetched) -> bool:
        """Whether a body has another size than the server says: the line may have changed it, or the server may be
        wrong about its mails' sizes, as Exchange is."""
        return message.raw is not None and len(message.raw) != message.size and self._offer.believes("RFC822.SIZE")

    def _messages_again(self, doubted: dict[int, bytes]) -> Iterator[Fetched]:
        """The messages, given with their bodies' hashes, if they have the right size now, or are the same again."""
        for message in self._messages(set(doubted), BODY):
            same = spool.digest(message.raw or b"") == doubted[message.uid]
            if same:
                self._offer.blame("RFC822.SIZE")
            if same or not self._is_doubtful(message):
                yield message

    def close(self) -> None:
        """Log out if the server listens, and close the connection."""
        self._wire.log_out(_SECONDS_TO_LEAVE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _note_opened(self, name: str, uidvalidity: int) -> None:
        self._asking.forget_orders()
        self._folder, self._uidvalidity = name, uidvalidity

    def _heed(self, status: Status) -> None:
        """Raises ConnectionFailed if the selected folder is renumbered: its UIDs mean something else from then on, and
        so might those that came before."""
        if status.code == b"UIDVALIDITY" and self._uidvalidity not in {0, fetching.number(status.argument)}:
            raise ConnectionFailed(f"The server renumbered the folder {self._folder} while it was read.")

    @contextmanager
    def _refusals(self, gone: Callable[[CommandRefused], bool] = lambda _: False) -> Iterator[None]:
        """Turns the server's NO into a fact about the folder; `gone` tells whether it means that there is none."""
        try:
            yield
        except CommandRefused as refused:
            kind = FolderVanished if gone(refused) else FolderFailed
            raise kind(f"The server refuses the folder {self._folder}: {refused}") from refused
        except uidsets.SetTooLarge as error:
            raise FolderFailed(f"The server names more messages in {self._folder} than a folder can hold.") from error
