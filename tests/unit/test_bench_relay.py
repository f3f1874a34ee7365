"""The relay that counts round trips."""

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator

import pytest

from bench.relay import CountingRelay, Traffic


class _Echo(socketserver.StreamRequestHandler):
    """Answers each line with "ok " and the line."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            for line in self.rfile:
                self.wfile.write(b"ok " + line)


@pytest.fixture
def echo() -> Iterator[int]:
    """A server for as many as come; its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_each_question_that_waits_for_its_answer_is_a_round_trip(echo: int) -> None:
    with CountingRelay(echo) as relay:
        for _connection in range(2):
            with socket.create_connection(("127.0.0.1", relay.port)) as client, client.makefile("rwb") as stream:
                for _question in range(3):
                    stream.write(b"hello\n")
                    stream.flush()
                    assert stream.readline() == b"ok hello\n"
        assert relay.settle() == Traffic(connections=2, round_trips=6, octets=36 + 54)


def test_questions_sent_together_are_one_round_trip(echo: int) -> None:
    with (
        CountingRelay(echo) as relay,
        socket.create_connection(("127.0.0.1", relay.port)) as client,
        client.makefile("rwb") as stream,
    ):
        stream.write(b"one\ntwo\n")
        stream.flush()
        assert [stream.readline(), stream.readline()] == [b"ok one\n", b"ok two\n"]
        stream.close()
        assert relay.traffic().round_trips == 1


def test_connections_at_the_same_time_are_carried_side_by_side(echo: int) -> None:
    with CountingRelay(echo) as relay:
        before = relay.traffic()
        with contextlib.ExitStack() as stack:
            streams = []
            for _ in range(2):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", relay.port)))
                streams.append(stack.enter_context(client.makefile("rwb")))
            for stream in reversed(streams):
                stream.write(b"hello\n")
                stream.flush()
                assert stream.readline() == b"ok hello\n"
        assert relay.settle() - before == Traffic(connections=2, round_trips=2, octets=2 * (6 + 9))


def test_a_client_that_resets_leaves_the_relay_in_order(echo: int) -> None:
    with CountingRelay(echo) as relay:
        with socket.create_connection(("127.0.0.1", relay.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"hello\n")
            assert client.recv(3) == b"ok "
        assert relay.settle().connections == 1
