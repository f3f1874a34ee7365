"""Before an IMAP server: it knows which command changes the mailbox, and now and then holds it, or its answer, back."""

import asyncio
import contextlib
import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench.kills.moments import Moments

QUEUE = "action"
SLOW = 0.4  # of these commands
LONGEST = 0.8  # seconds
_COMMAND = re.compile(rb"(?:^|\n)\S+ (UID MOVE|UID COPY|UID EXPUNGE|UID STORE|APPEND) ")


class Gate:
    """Listens on a free port of 127.0.0.1 for one server."""

    def __init__(self, target: int, seed: str, moments: Moments) -> None:
        self.port = 0
        self.calm = False
        self._target = target
        self._chance = random.Random(seed)
        self._moments = moments

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """One connection. What a client that died has sent reaches the server all the same."""
        server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        held: list[str] = []
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._asked(client, to_server, held))
                both.create_task(self._answered(server, to_client, held))
        finally:
            for writer in (to_client, to_server):
                writer.close()

    async def _asked(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, held: list[str]) -> None:
        with contextlib.suppress(OSError):
            while data := await client.read(65_536):
                found = _COMMAND.search(data)
                if found and not self.calm and self._chance.random() < SLOW:
                    verb = found.group(1).decode()
                    if self._chance.random() < 0.5:
                        await self._rest(f"before {verb}")
                    else:
                        held.append(f"after {verb}")
                to_server.write(data)
                await to_server.drain()
        with contextlib.suppress(OSError):
            to_server.write_eof()

    async def _answered(self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter, held: list[str]) -> None:
        with contextlib.suppress(OSError):
            while data := await server.read(65_536):
                if held:
                    await self._rest(held.pop())
                to_client.write(data)
                await to_client.drain()
        with contextlib.suppress(OSError):
            to_client.write_eof()

    async def _rest(self, point: str) -> None:
        self._moments.announce(QUEUE, point)
        await asyncio.sleep(self._chance.uniform(0.02, LONGEST))


@contextmanager
def before(target: int, seed: str, moments: Moments) -> Iterator[Gate]:
    """The gate, open."""
    gate = Gate(target, seed, moments)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(gate.serve, "127.0.0.1", 0))
    gate.port = int(server.sockets[0].getsockname()[1])
    thread = threading.Thread(target=loop.run_forever, name="gate", daemon=True)
    thread.start()
    try:
        yield gate
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        open_ = asyncio.all_tasks(loop)
        for task in open_:
            task.cancel()
        if open_:
            loop.run_until_complete(asyncio.wait(open_))
        loop.close()
