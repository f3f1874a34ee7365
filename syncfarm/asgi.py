"""What an ASGI server serves: uvicorn syncfarm.asgi:application."""

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import IO, Any, cast

import django
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.core.signals import request_started
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import get_resolver, set_script_prefix

from syncfarm.bodies import Bounded
from syncfarm.patience import Patient

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")

THREADS = 200  # requests at once: some wait half a minute for a mail server, without a connection to the database
FILE_PIECE = 64 * 1024  # octets of a file that are sent together


class OneThread(ASGIHandler):
    """Django's handler, with all that is made of a request in one thread of a pool, as under WSGI.

    Django's own takes signals, each middleware and the end of a request to a new thread and back: half of the CPU of a
    small answer (docs/decisions/0015).
    """

    chunk_size = 1024 * 1024  # what is in memory already is sent in few pieces

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002 -- Django's signature
        """As for WSGI, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def handle(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """One request. An answer is made to its end even where the client has left, as under WSGI."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with closing(body):
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._threads, self._answer, scope, body)
            if response.streaming:
                try:
                    await self._stream(response, receive, send)
                finally:
                    await loop.run_in_executor(self._threads, response.close)
            else:
                await self.send_response(response, send)

    def _answer(self, scope: dict[str, Any], body: IO[bytes]) -> HttpResponseBase:
        """What is in memory is closed before it is sent: who reads slowly holds no connection to the database."""
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        response = refusal or self.get_response(cast("ASGIRequest", request))
        response._handler_class = type(self)  # type: ignore[attr-defined]  # noqa: SLF001 -- the sender of request_finished
        if isinstance(response, FileResponse):
            response.block_size = FILE_PIECE
        if not response.streaming:
            response.close()
        return response

    async def _stream(self, response: HttpResponseBase, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        """Pieces as they are made, until the client leaves: that is all that can be received after the body."""
        tasks = [asyncio.ensure_future(self.send_response(response, send)), asyncio.ensure_future(receive())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        ended = (await asyncio.gather(*tasks, return_exceptions=True))[0]
        if isinstance(ended, Exception):
            raise ended


django.setup(set_prefix=False)
application = Patient(Bounded(OneThread()))  # type: ignore[arg-type]  # django-stubs takes scopes for plain dicts

# What was imported stays: to look for garbage in it again and again held up one answer in some hundreds for 100 ms.
get_resolver().url_patterns  # noqa: B018 -- imports all views
gc.collect()
gc.freeze()
