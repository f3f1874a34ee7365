"""Finds a port to listen on, and keeps other farms from it until the server does."""

import socket

_claims: dict[int, socket.socket] = {}  # kept open, so until this process ends


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port in TIME_WAIT is free
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def claim(port: int) -> bool:
    """Take the TCP port among farms, until this process ends. False if another farm has it.

    The server listens some seconds later. Farms that start together would all find the port free, and one would take
    the other's answers for its own: so they first bind the UDP port of that number, which nobody uses.
    """
    if port not in _claims:
        mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            mark.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            return False
        _claims[port] = mark
    return True


def choose(preferred: int) -> int:
    """The preferred port if it is free, else one that the system picks; claimed."""
    if preferred and is_free(preferred) and claim(preferred):
        return preferred
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if claim(port):
            return port
