"""Mail on its way out: what is to be sent along."""

from typing import NamedTuple

from mail.types.contents import Octets


class File(NamedTuple):
    """An attachment. content_id: without angle brackets, "" for none."""

    filename: str
    content_type: str
    content: Octets
    content_id: str = ""
    is_inline: bool = False
