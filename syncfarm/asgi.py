"""What an ASGI server serves: uvicorn syncfarm.asgi:application."""

import os

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from syncfarm.bodies import Bounded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")


class OneThread(ASGIHandler):
    """Django's handler, with all middleware and the view in one thread, as under WSGI.

    Django's own takes each middleware to a thread and back, before and after the view: a quarter of the CPU of a small
    answer (docs/decisions/0015).
    """

    def load_middleware(self, is_async: bool = False) -> None:  # noqa: ARG002 -- Django's signature
        """As for WSGI, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """One hop to the request's thread."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


django.setup(set_prefix=False)
application = Bounded(OneThread())  # type: ignore[arg-type]  # django-stubs takes scopes for plain dicts
