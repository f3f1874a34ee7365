"""Opens connections to hosts that customers name, and to no address inside the farm's own network.

The address is checked where it is used: the name is resolved once and the socket goes to the very address that
was checked, so that a name which changes its mind in between (DNS rebinding) gains nothing.
"""

import functools
import ipaddress
import socket
import ssl
import threading
import time
from typing import Any

from django.conf import settings

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that is reached
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")  # all global unicast that IANA has given out


class HostError(OSError):
    """No connection to a host. The message names the host and the cure."""


class HostRefused(HostError):
    """The farm does not go there: the host has only private, loopback, link-local or other special addresses."""


class HostUnreachable(HostError):
    """The name is unknown, nobody listens, or no answer came in time."""


def is_trusted(host: str) -> bool:
    """Whether the operator vouches for exactly this host (SYNCFARM_TRUSTED_HOSTS), in any case."""
    return host.lower() in {trusted.lower() for trusted in settings.SYNCFARM_TRUSTED_HOSTS}


@functools.cache  # reading the system's certificates takes 10 ms and more
def tls_context(trusted: bool) -> ssl.SSLContext:
    """The TLS settings for a host: TLS 1.2 or later, certificate and name verified unless it is `trusted`."""
    context = ssl.create_default_context()
    if trusted:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; IPv6 forms that carry an IPv4 address are opened."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _PUBLIC_IPV6 or ip.teredo:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def open_socket(host: str, port: int, *, timeout: float, trusted: bool) -> socket.socket:
    """Connect to the first address of `host` that answers, within `timeout` seconds for all of them together.

    Only public addresses are tried unless the host is `trusted`. The socket keeps `timeout` for its reads and
    writes. Raises HostRefused or HostUnreachable.
    """
    deadline = time.monotonic() + timeout
    addresses = _resolve(host, port, timeout)
    allowed = [(family, sockaddr) for family, sockaddr in addresses if trusted or is_public(sockaddr[0])]
    if not allowed:
        raise HostRefused(
            f"{host} has no address on the public internet, and the farm opens no other. If the host is the "
            f"operator's own, {host} can be added to SYNCFARM_TRUSTED_HOSTS."
        )
    failure = OSError()
    for position, (family, sockaddr) in enumerate(allowed):
        # A fair share of what is left, so that one black hole does not use up the others' time.
        share = max((deadline - time.monotonic()) / (len(allowed) - position), 0.001)
        try:
            connection = _connect(family, sockaddr, share)
        except OSError as error:
            failure = error
        else:
            connection.settimeout(timeout)
            return connection
    raise HostUnreachable(f"{host}, port {port}: {_words(failure, timeout)}") from failure


def _connect(family: int, sockaddr: tuple[Any, ...], timeout: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(sockaddr)
    except BaseException:  # gevent's Timeout is none of Exception's
        connection.close()
        raise
    return connection


def _resolve(host: str, port: int, timeout: float) -> list[tuple[int, tuple[Any, ...]]]:
    """(family, sockaddr) of each address of a host.

    In a thread, for getaddrinfo knows no time limit and takes 30 s to give up on a silent name server.
    """
    found: list[tuple[int, tuple[Any, ...]]] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            answer = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:  # ValueError: NUL in the name, or an impossible label
            failures.append(error)
        else:
            found.extend((family, sockaddr) for family, _, _, _, sockaddr in answer)

    if not host:
        raise HostUnreachable("No host is given.")
    thread = threading.Thread(target=ask, name="getaddrinfo", daemon=True)
    thread.start()
    thread.join(timeout)
    if found:
        return found
    if not failures:
        raise HostUnreachable(f"The name {host} could not be looked up within {timeout:g} seconds. Try again later.")
    if failures[0].args[:1] == (socket.EAI_AGAIN,):  # name servers do not answer: says nothing about the name
        raise HostUnreachable(f"The name {host} cannot be looked up now. Try again later.") from failures[0]
    raise HostUnreachable(f"{host!r} is not the name of any host. Check its spelling.") from failures[0]


def _words(failure: OSError, timeout: float) -> str:
    if isinstance(failure, ConnectionRefusedError):
        return "nobody listens there. Check host and port."
    if isinstance(failure, TimeoutError):
        return f"no answer within {timeout:g} seconds. Check host and port, or whether a firewall is in between."
    return f"{failure.strerror or 'cannot be reached'}. Check host and port."
