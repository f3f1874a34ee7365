"""G/messages/send: sends a message now, or keeps it until its time."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import letters, objects, sent
from api.openapi import Answer
from api.parameters import choice
from api.selection import FIELDS
from api.uploads import read_mime, read_outgoing
from api.views.contract import GrantView
from api.views.drafts import LETTER, answered
from mail import mailing


class Send(GrantView):
    """Sends by the grant's own server."""

    parameters = {"POST": (FIELDS, choice("type", "mime: the body is a form with the message itself.", "mime", "json"))}
    answers = {"POST": Answer(objects.Message)}
    takes = {"POST": objects.SendRequest}
    takes_files = True
    examples = {"POST": LETTER}

    def post(self, request: Request, **_path: str) -> Response:
        """Send a message, and answer once the server has it. With `send_at` it is sent then, and the answer is 202.

        With a header Idempotency-Key a request that is repeated within an hour is answered as before, and not sent
        again. An answer of 504 says that it is not known whether the message was sent."""
        key = request.headers.get("Idempotency-Key")
        if self.query.get("type") == "mime":
            octets, _others = read_mime(request)
            asked = sent.mime_fingerprint(octets)
            return sent.replayed(self, key, asked) or sent.send(self, mailing.of_message(octets), None, key, asked)
        given, files = read_outgoing(request)
        asked = sent.fingerprint(given, files)
        if before := sent.replayed(self, key, asked):
            return before
        fields = letters.read(given)
        send_at = letters.send_time(fields)
        letter = letters.written(self.account, fields, files, answered(self.account, fields))
        mail = mailing.of_letter(letter, starred=fields.get("starred", False), metadata=fields.get("metadata"))
        return sent.send(self, mail, send_at, key, asked)
