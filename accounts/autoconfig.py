"""Autoconfiguration files: XML in which a domain, or the public database of providers, names its mail servers."""

import re
import ssl
import time
from collections.abc import Sequence
from typing import NoReturn
from urllib.parse import quote
from xml.etree import ElementTree as ET

from accounts.https import FetchFailed, fetch
from accounts.servers import EMAIL, Endpoint, Servers, fill, servers

URLS = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={email}",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    "https://autoconfig.thunderbird.net/v1.1/{domain}",  # strangers learn the domain only
)
_SECURITY = {"SSL": "tls", "STARTTLS": "starttls"}  # "plain" is never chosen for anybody
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*", re.IGNORECASE)


class Unusable(ValueError):
    """The file is no autoconfiguration, or names no IMAP server with TLS."""


def find(
    email: str, limit: float, urls: Sequence[str] = URLS, context: ssl.SSLContext | None = None
) -> tuple[Servers | None, list[str]]:
    """What the first usable file says, within `limit` seconds, and why those before it were of no use, in words."""
    deadline = time.monotonic() + limit
    domain = email.rpartition("@")[2]
    failures: list[str] = []
    for position, template in enumerate(urls):
        share = (deadline - time.monotonic()) / (len(urls) - position)
        url = template.format(domain=domain, email=quote(email, safe=""))
        try:
            return read(fetch(url, max(share, 0.001), context), email), failures
        except (FetchFailed, Unusable) as error:
            failures.append(str(error))
    return None, failures


def read(document: bytes, email: str) -> Servers:
    """The servers that an autoconfiguration names for this address. Raises Unusable."""
    try:
        tree = ET.fromstring(document, ET.XMLParser(target=_Plain()))  # noqa: S314 -- _Plain refuses what is dangerous
    except (ET.ParseError, ValueError, LookupError) as error:  # LookupError: an encoding that nobody knows
        raise Unusable(f"not readable as XML ({error})") from error
    imap = _endpoint(tree.findall("emailProvider/incomingServer[@type='imap']"), email)
    if imap is None:
        raise Unusable("it names no IMAP server with TLS")
    smtp = _endpoint(tree.findall("emailProvider/outgoingServer[@type='smtp']"), email)
    out, out_username = smtp or (None, imap[1])
    return servers(imap[0], out, (imap[1], out_username), "autoconfig")


class _Plain(ET.TreeBuilder):
    """Builds the tree and refuses a DOCTYPE: without one there are no entities that could grow or read files."""

    def doctype(self, *_: object) -> NoReturn:
        raise Unusable("it has a DOCTYPE")


def _endpoint(elements: "list[ET.Element[str]]", email: str) -> tuple[Endpoint, str] | None:
    """The first server with TLS, in the file's order, which is its author's preference; and the user's name there."""
    for element in elements:
        host = fill((element.findtext("hostname") or "").strip(), email)
        port = (element.findtext("port") or "").strip()
        security = _SECURITY.get((element.findtext("socketType") or "").strip().upper())
        if security and HOST.fullmatch(host) and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536:
            username = fill((element.findtext("username") or EMAIL).strip(), email)
            return Endpoint(host.lower(), int(port), security), username
    return None
