"""Outgoing mail: what somebody writes (mail.types.Letter), or a message of their own, to octets and addresses. Pure."""

from mail.compose.custom import check_headers
from mail.compose.letter import compose
from mail.compose.raw import Envelope, completed, raw_recipients, without_bcc
from mail.compose.recipients import BadAddress, check_addresses, new_header_id, recipients, routable

__all__ = [
    "BadAddress",
    "Envelope",
    "check_addresses",
    "check_headers",
    "completed",
    "compose",
    "new_header_id",
    "raw_recipients",
    "recipients",
    "routable",
    "without_bcc",
]
