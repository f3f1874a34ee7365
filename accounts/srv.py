"""What a domain's DNS says of its mail servers: SRV records (RFC 6186, RFC 8314 §5.1) and mail exchangers."""

import time

from dns.name import root
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.IN.SRV import SRV
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from accounts.servers import Endpoint

_IMAP = (("_imaps._tcp", "tls"), ("_imap._tcp", "starttls"))  # RFC 8314 §3: TLS from the first byte comes first
_SMTP = (("_submissions._tcp", "tls"), ("_submission._tcp", "starttls"))


def find(domain: str, resolver: Resolver, limit: float) -> tuple[Endpoint | None, Endpoint | None]:
    """(IMAP, submission) by SRV records, asked for at most `limit` seconds. Raises dns.exception.DNSException."""
    deadline = time.monotonic() + limit
    imap = _first(_IMAP, domain, resolver, deadline)
    smtp = _first(_SMTP, domain, resolver, deadline) if imap else None
    return imap, smtp


def exchanger(domain: str, resolver: Resolver, limit: float) -> str:
    """The name of the domain's preferred mail exchanger, "" if it has none. Raises dns.exception.DNSException."""
    try:
        answer = resolver.resolve(_absolute(domain), "MX", lifetime=limit, search=False)
    except (NXDOMAIN, NoAnswer):
        return ""
    best = min((record for record in answer if isinstance(record, MX)), key=lambda record: record.preference)
    return best.exchange.to_text(omit_final_dot=True)


def _first(services: tuple[tuple[str, str], ...], domain: str, resolver: Resolver, deadline: float) -> Endpoint | None:
    for service, security in services:
        remaining = max(deadline - time.monotonic(), 0.001)
        try:
            answer = resolver.resolve(_absolute(f"{service}.{domain}"), "SRV", lifetime=remaining, search=False)
        except (NXDOMAIN, NoAnswer):
            continue
        assert answer.rrset is not None
        # Lowest priority first; within it at random by weight (RFC 2782), as the domain wishes its load to be spread.
        record = answer.rrset.processing_order()[0]
        if isinstance(record, SRV) and record.target != root:  # "." says: decidedly not available
            return Endpoint(record.target.to_text(omit_final_dot=True).lower(), record.port, security)
    return None


def _absolute(name: str) -> str:
    return f"{name.rstrip('.')}."
