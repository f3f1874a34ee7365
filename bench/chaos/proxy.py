"""A proxy between the farm and a mail server that cuts, resets, stalls and corrupts what goes through it."""

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from bench.chaos.faults import CORRUPTIONS, Corruption, Fault, draw

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, no time; closing sends RST


class _Broken(Exception):
    """The fault has struck: the connection is to end on both sides."""


class Proxy:
    """Listens on a free port of 127.0.0.1 while the context lasts. What strikes which connection follows from the seed
    and the connection's number."""

    def __init__(self, target: int, seed: str, odds: Mapping[str, float]) -> None:
        self.port = 0
        self.sessions = 0  # connections that were made to it
        self.struck: Counter[str] = Counter()
        self._target = target
        self._seed = seed
        self._odds = odds
        self._loop = asyncio.new_event_loop()
        self._calm = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def calm(self) -> None:
        """From now on it passes everything on, also on connections that are open."""
        self._loop.call_soon_threadsafe(self._calm.set)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = int(server.sockets[0].getsockname()[1])
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.sessions += 1
        chance = random.Random(f"{self._seed} {self.sessions}")
        fault = draw(chance, self._odds)
        writers = [to_client]
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
            writers.append(to_server)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(client, to_server, _of(fault, in_answers=False), chance))
                both.create_task(self._carry(server, to_client, _of(fault, in_answers=True), chance))
        except* (_Broken, OSError):
            if fault and fault.kind == "reset" and not self._calm.is_set():
                _reset(writers)
        finally:
            for writer in writers:
                writer.close()

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, fault: Fault | None, chance: random.Random
    ) -> None:
        corruption = Corruption(fault, chance) if fault and fault.kind in CORRUPTIONS else None
        passed = 0
        while data := await source.read(_CHUNK):
            if corruption:
                data = self._corrupted(corruption, data, fault)
            elif fault and not self._calm.is_set() and passed <= fault.after < passed + len(data):
                target.write(data[: fault.after - passed])
                await target.drain()
                await self._strike(fault)
                passed, data, fault = fault.after, data[fault.after - passed :], None
            passed += len(data)
            target.write(data)
            await target.drain()
        if corruption:
            target.write(corruption.rest())
        target.write_eof()

    def _corrupted(self, corruption: Corruption, data: bytes, fault: Fault | None) -> bytes:
        before = corruption.done
        data = corruption.feed(data, harmless=self._calm.is_set())
        if corruption.done and not before and fault:
            self.struck[fault.kind] += 1
        return data

    async def _strike(self, fault: Fault) -> None:
        self.struck[fault.kind] += 1
        if fault.kind != "stall":
            raise _Broken
        try:
            await asyncio.wait_for(self._calm.wait(), fault.seconds)
        except TimeoutError:
            return


def _of(fault: Fault | None, *, in_answers: bool) -> Fault | None:
    """The fault, where it strikes in this direction."""
    return fault if fault and fault.in_answers == in_answers else None


def _reset(writers: list[asyncio.StreamWriter]) -> None:
    for writer in writers:
        connection: socket.socket | None = writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()
