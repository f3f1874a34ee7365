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
    local_part, _, domain = email.rpartition("@")
    try:
        domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        domain = ""
    if not local_part or not domain:
        raise DetectionFailed(f"{email!r} is not an e-mail address.")
    email = f"{local_part}@{domain}"
    if preset := presets.by_domain(domain):
        return _offered(preset, email, "preset")
    found, tried = _by_dns(email, domain, resolver)
    if found is None:
        found, failures = autoconfig.find(email, _AUTOCONFIG_LIMIT, urls, context)
        tried += f"; autoconfig: {'; '.join(failures)}"
    if found is None:
        raise DetectionFailed(
            f"No mail server is known for {domain} ({tried}). Check the address, or give imap_host and smtp_host."
        )
    return found


def _by_dns(email: str, domain: str, resolver: Resolver | None) -> tuple[Servers | None, str]:
    """What DNS tells, and in words what was tried."""
    try:
        resolver = resolver or Resolver()
        imap, smtp = srv.find(domain, resolver, _SRV_LIMIT)
        if imap is not None:
            return servers(imap, smtp, (email, email), "srv"), ""
        exchanger = srv.exchanger(domain, resolver, _MX_LIMIT)
    except DNSException as error:
        return None, f"DNS: {str(error) or type(error).__name__}"
    if preset := presets.by_exchanger(exchanger):
        return _offered(preset, email, "mx"), ""
    return (
        None,
        f"no SRV records; mail exchanger {exchanger} of no known provider" if exchanger else "no SRV or MX records",
    )


def _offered(preset: presets.Preset, email: str, source: str) -> Servers:
    found = presets.apply(preset, email, source)
    if found is None:
        raise DetectionFailed(f"{email} cannot be connected. {preset.note}")
    return found
