"""Guarded sockets, against sockets of this machine."""

import contextlib
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from accounts.network import HostRefused, HostUnreachable, is_public, is_trusted, open_socket, tls_context


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.0.0.1",
            "172.16.9.9",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
        ),
        *(
            "192.0.2.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "fe80::1",
            "fe80::1%1",
            "fec0::1",
        ),
        *(
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "100::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
        ),
        *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "2002:c0a8:101::1", "2001:0:7f00:1::1"),
    ],
)
def test_an_address_of_no_public_network_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "2a00:1450:4001::6d", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "::1", "::ffff:127.0.0.1"]
)
def test_every_spelling_of_this_machine_is_refused_unless_trusted(host: str, listener: socket.socket) -> None:
    with pytest.raises(HostRefused, match="SYNCFARM_TRUSTED_HOSTS"):
        open_socket(host, port_of(listener), timeout=5, trusted=False)
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()  # nobody knocked


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_trusted_host_is_connected_to(host: str, listener: socket.socket) -> None:
    with open_socket(host, port_of(listener), timeout=5, trusted=True) as connection:
        assert connection.getpeername() == ("127.0.0.1", port_of(listener))
        assert connection.gettimeout() == 5


def test_a_port_where_nobody_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = port_of(gone)
    with pytest.raises(HostUnreachable, match=rf"127\.0\.0\.1, port {port}: nobody listens"):
        open_socket("127.0.0.1", port, timeout=5, trusted=True)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "bad\0name", "a..b"])
def test_a_host_that_cannot_exist_is_named(host: str) -> None:
    with pytest.raises(HostUnreachable, match="not the name of any host"):
        open_socket(host, 993, timeout=5, trusted=True)


@pytest.mark.parametrize(
    ("code", "words"), [(socket.EAI_NONAME, "Check its spelling"), (socket.EAI_AGAIN, "cannot be looked up now")]
)
def test_an_unknown_name_is_told_from_silent_name_servers(
    monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def answer(*_: Any, **__: Any) -> None:
        raise socket.gaierror(code, "as the system's resolver says it")

    monkeypatch.setattr(socket, "getaddrinfo", answer)  # which of the two is real depends on the machine's network
    with pytest.raises(HostUnreachable, match=words):
        open_socket("mail.example", 993, timeout=5, trusted=True)


def test_a_name_reserved_for_nobody_is_not_reached() -> None:
    with pytest.raises(HostUnreachable, match=r"no-such-host\.invalid"):
        open_socket("no-such-host.invalid", 993, timeout=5, trusted=True)


def test_an_empty_host_is_refused() -> None:
    with pytest.raises(HostUnreachable, match="No host"):
        open_socket("", 993, timeout=5, trusted=True)


def test_a_host_that_does_not_answer_costs_no_more_than_the_limit() -> None:
    with socket.socket() as deaf, contextlib.ExitStack() as callers:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):  # more than its queue holds: the kernel drops what comes after
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port_of(deaf)))
        began = time.monotonic()
        with pytest.raises(HostUnreachable, match=r"no answer within 0\.5 seconds"):
            open_socket("127.0.0.1", port_of(deaf), timeout=0.5, trusted=True)
        assert time.monotonic() - began < 5


def test_a_silent_name_server_costs_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    # The system's resolver cannot be told to ask another server for the time of a test.
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30) and [])
    with pytest.raises(HostUnreachable, match="could not be looked up within"):
        open_socket("slow.example", 993, timeout=0.2, trusted=True)
    over.set()


def test_of_several_addresses_the_private_ones_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 993)) for address in ("127.0.0.1", "8.8.8.8")]
    tried: list[Any] = []

    def connect(self: socket.socket, sockaddr: Any) -> None:
        tried.append(sockaddr)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    monkeypatch.setattr(socket.socket, "connect", connect, raising=False)  # no test calls the internet
    with pytest.raises(HostUnreachable):
        open_socket("two-faced.example", 993, timeout=5, trusted=False)
    assert tried == [("8.8.8.8", 993)]


def test_hosts_are_trusted_by_their_whole_name_in_any_case(settings: Any) -> None:
    settings.SYNCFARM_TRUSTED_HOSTS = ["Mail.Example.Test"]
    assert is_trusted("mail.example.test")
    assert is_trusted("MAIL.example.TEST")
    assert not is_trusted("evil.mail.example.test")
    assert not is_trusted("example.test")


def shake_hands(context: ssl.SSLContext, authority: trustme.CA, name: str) -> None:
    """A TLS handshake as `localhost` with a server that has a certificate for `name`."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(server_side)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with contextlib.suppress(OSError), server_side.wrap_socket(theirs, server_side=True):
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with ours, context.wrap_socket(ours, server_hostname="localhost"):
        pass
    thread.join(10)


def test_an_unknown_authority_is_accepted_from_trusted_hosts_only() -> None:
    authority = trustme.CA()
    shake_hands(tls_context(True), authority, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tls_context(False), authority, "localhost")


def test_a_certificate_for_another_name_is_refused() -> None:
    authority = trustme.CA()
    context = tls_context.__wrapped__(False)
    authority.configure_trust(context)
    shake_hands(context, authority, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(context, authority, "other.example")


def test_sockets_open_and_are_refused_under_gevent(listener: socket.socket) -> None:
    script = f"""
        from gevent import monkey
        monkey.patch_all()
        import gevent
        from accounts.network import HostRefused, open_socket
        one, two = (gevent.spawn(open_socket, "localhost", {port_of(listener)}, timeout=5, trusted=True) for _ in range(2))
        gevent.joinall([one, two], raise_error=True)
        assert type(one.value).__module__.startswith("gevent"), type(one.value)
        assert one.value.getpeername()[1] == two.value.getpeername()[1] == {port_of(listener)}
        try:
            open_socket("localhost", {port_of(listener)}, timeout=5, trusted=False)
        except HostRefused:
            print("refused")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "refused\n", done.stderr
