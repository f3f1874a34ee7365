"""Commands that are sent before anybody reads their answers, so that the server is never idle (RFC 3501 §5.5)."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from mail.imap.regular import Items

T = TypeVar("T")  # a response


class _Order:
    """`end`: what ended its answer, None if nothing did; it counts once the answer `is_read`."""

    def __init__(self, command: tuple[object, ...], tag: bytes) -> None:
        self.command = command
        self.tag = tag
        self.is_read = False
        self.end: Exception | None = None


class Orders(Generic[T]):
    """What was ordered on one connection. What comes in the answers is given to whoever reads at that time."""

    def __init__(self, read: Callable[[bytes], Iterator[T]], refusal: type[Exception]) -> None:
        """`read`: gives the responses up to a tagged one, and raises `refusal` where that is NO or BAD."""
        self._read = read
        self._refusal = refusal
        self._orders: deque[_Order] = deque()

    @property
    def are_read(self) -> bool:
        """Whether no answer is still to come."""
        return all(order.is_read for order in self._orders)

    def add(self, command: tuple[object, ...], tag: bytes) -> None:
        """The command is on its way with this tag."""
        self._orders.append(_Order(command, tag))

    def taken(self, command: tuple[object, ...]) -> Iterator[T] | None:
        """All that is still to come up to the end of a command that was ordered, and that end; None: it was not."""
        order = next((order for order in self._orders if order.command == command), None)
        return None if order is None else self._take(order)

    def rest(self) -> Iterator[T]:
        """All that comes before the answer to a command that was sent just now and not ordered."""
        for order in tuple(self._orders):  # more may be ordered meanwhile, and come later
            yield from self._read_to(order)

    def forget(self) -> None:
        """Nobody asks any more; all is read."""
        self._orders.clear()

    def _take(self, wanted: _Order) -> Iterator[T]:
        for order in tuple(self._orders):
            yield from self._read_to(order)
            if order is wanted:
                break
        self._orders.remove(wanted)
        if wanted.end is not None:
            raise wanted.end

    def _read_to(self, order: _Order) -> Iterator[T]:
        """Until the order's answer is complete."""
        if order.is_read:
            return
        try:
            yield from self._read(order.tag)
        except Exception as error:
            if not isinstance(error, self._refusal):
                raise
            order.end = error
        order.is_read = True


class Early:
    """What comes before it is asked for. Dovecot answers several FETCHes of the same items that it finds waiting in one
    go, so that the messages of the second come with the first."""

    def __init__(self) -> None:
        self._due: dict[bytes, set[int]] = {}
        self._came: dict[bytes, dict[int, Items]] = {}

    def expect(self, item: bytes, uids: Iterable[int]) -> None:
        """This item of these messages was ordered."""
        self._due.setdefault(item, set()).update(uids)

    def note(self, uid: int, items: Items) -> None:
        """Keep what came if it was ordered."""
        for item, due in self._due.items():
            if uid in due and item in items:
                self._came.setdefault(item, {})[uid] = items

    def taken(self, item: bytes, uids: Iterable[int]) -> list[tuple[int, Items]]:
        """What came of these; from now on whoever asks for them looks himself."""
        due, came = self._due.get(item, set()), self._came.get(item, {})
        asked = [uid for uid in uids if uid in due]
        due.difference_update(asked)
        return [(uid, came.pop(uid)) for uid in asked if uid in came]

    def forget(self) -> None:
        """Nobody asks any more."""
        self._due.clear()
        self._came.clear()
