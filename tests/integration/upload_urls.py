"""An URLconf of two endpoints that say what api.uploads read: nothing but the reading is asked."""

import json
from typing import Any

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from api.uploads import read_mime, read_outgoing
from api.views.contract import IdentifiedView
from mail import spool
from mail.types import Octets


class Echo(IdentifiedView):
    """A draft whose subject tells what came in."""

    authentication_classes = ()

    def post(self, request: Request, **_path: str) -> Response:
        """As JSON: the fields, and of each file the digest of its content in the content's place."""
        if request.query_params.get("type") == "mime":
            mime, fields = read_mime(request)
            return self.tell({"fields": fields, "mime": digest(mime)})
        told, files = read_outgoing(request)
        return self.tell({"fields": told, "files": [file._replace(content=digest(file.content)) for file in files]})  # type: ignore[arg-type]  # told as text

    put = post

    def tell(self, echo: Any) -> Response:
        """In the contract's envelope, so that SDKs read it."""
        data = {"id": "d", "grant_id": "g", "object": "draft", "subject": json.dumps(echo)}
        return Response({"request_id": self.request_id, "data": data})


def digest(content: Octets) -> str:
    """Of octets wherever they lie, a stretch in memory at a time."""
    return spool.digest(content).hex()


urlpatterns = [
    path("v3/grants/<str:grant>/drafts", Echo.as_view()),
    path("v3/grants/<str:grant>/drafts/<str:draft>", Echo.as_view()),
    path("v3/grants/<str:grant>/messages/send", Echo.as_view()),
]
