"""Finds the servers of an address: presets, SRV records, mail exchangers, autoconfiguration, in this order.

SRV records come before mail exchangers because they are the domain's own word; exchangers before autoconfiguration
because web hosts answer the latter for domains whose mail lives elsewhere.
"""

import ssl
from collections.abc import Sequence

from dns.exception import DNSException
from dns.resolver import Resolver

from accounts import autoconfig, presets, srv
from accounts.servers import Servers, servers

# Seconds. A person waits: all of it is over in 14 at the worst.
_SRV_LIMIT = 3.0
_MX_LIMIT = 2.0
_AUTOCONFIG_LIMIT = 9.0


class DetectionFailed(Exception):
    """No servers were found; the message says what was tried and the cure."""


def detect(
    email: str,
    *,
    resolver: Resolver | None = None,
    urls: Sequence[str] = autoconfig.URLS,
    context: ssl.SSLContext | None = None,
) -> Servers:
    """Where the address has its mailbox. Raises DetectionFailed.

    Whoever controls the domain's DNS or web server can name the host that will see the password, as in any mail
    program. `resolver`, `urls` and `context` replace the system's resolver, the addresses and the TLS settings.
    """
    email, domain = _in_ascii(email)
    if preset := presets.by_domain(domain):
        return _offered(preset, email, "preset")
    tried: list[str] = []
    for look in (_by_srv, _by_exchanger):
        try:
            found = look(email, domain, resolver or Resolver(), tried)
        except DNSException as error:  # some name servers keep silent on SRV and answer the rest
            tried.append(str(error) or type(error).__name__)
        else:
            if found is not None:
                return found
    found, failures = autoconfig.find(email, _AUTOCONFIG_LIMIT, urls, context)
    if found is not None:
        return found
    raise DetectionFailed(
        f"No mail server is known for {domain} ({'; '.join([*tried, *failures])}). "
        f"Check the address, or give imap_host and smtp_host."
    )


def _in_ascii(email: str) -> tuple[str, str]:
    """The address and its domain, the latter as DNS spells it."""
    local_part, _, domain = email.rpartition("@")
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        domain = ""
    if not local_part or "." not in domain or not autoconfig.HOST.fullmatch(domain):  # it becomes part of URLs
        raise DetectionFailed(f"{email!r} is not an e-mail address.")
    return f"{local_part}@{domain}", domain


def _by_srv(email: str, domain: str, resolver: Resolver, tried: list[str]) -> Servers | None:
    imap, smtp = srv.find(domain, resolver, _SRV_LIMIT)
    if imap is None:
        tried.append("no SRV records")
        return None
    return servers(imap, smtp, (email, email), "srv")


def _by_exchanger(email: str, domain: str, resolver: Resolver, tried: list[str]) -> Servers | None:
    exchanger = srv.exchanger(domain, resolver, _MX_LIMIT)
    preset = presets.by_exchanger(exchanger)
    if preset is None:
        tried.append(f"mail exchanger {exchanger} of no known provider" if exchanger else "no mail exchanger")
        return None
    return _offered(preset, email, "mx")


def _offered(preset: presets.Preset, email: str, source: str) -> Servers:
    found = presets.apply(preset, email, source)
    if found is None:
        raise DetectionFailed(f"{email} cannot be connected. {preset.note}")
    return found
