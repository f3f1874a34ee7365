"""Who reads nothing of an answer for a minute is hung up on: it holds memory, and a stream, and can come again."""

import asyncio

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope

SECONDS = 60.0


class Patient:
    """An ASGI application in front of another."""

    def __init__(self, application: ASGI3Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """uvicorn's `send` waits until the client took what was sent before, but for 64 kB."""

        async def patient(event: ASGISendEvent) -> None:
            try:
                async with asyncio.timeout(SECONDS):
                    await send(event)
            except TimeoutError:
                _hang_up(send)

        await self._application(scope, receive, patient)


def _hang_up(send: ASGISendCallable) -> None:
    """What is not sent yet is dropped. To close it politely would wait for the client to take it."""
    connection = getattr(send, "__self__", None)  # uvicorn's; another server has to have a limit of its own
    if transport := getattr(connection, "transport", None):
        transport.abort()
