"""An answer that is made while it is sent ends when its client leaves."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from django.http import StreamingHttpResponse

from syncfarm.asgi import OneThread


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"piece"


async def _sent_to_a_client_that_leaves_after(pieces: int) -> int:
    """How many pieces of an endless answer were sent."""
    left, sent = asyncio.Event(), 0

    async def receive() -> Mapping[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(event: Mapping[str, Any]) -> None:
        nonlocal sent
        sent += bool(event.get("body"))
        if sent >= pieces:
            left.set()
        await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await OneThread()._stream(StreamingHttpResponse(_endless()), receive, send)
    return sent


def test_an_endless_answer_ends_when_its_client_leaves() -> None:
    assert 5 <= asyncio.run(_sent_to_a_client_that_leaves_after(5)) < 20
