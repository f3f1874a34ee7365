"""The relay that counts round trips."""

import socket
import threading
from collections.abc import Iterator

import pytest

from bench.relay import CountingRelay


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that answers each line with "ok " and the line; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            while True:
                connection, _ = listener.accept()
                with connection, connection.makefile("rwb") as stream:
                    for line in stream:
                        stream.write(b"ok " + line)
                        stream.flush()
        except OSError:
            return  # closed

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_each_question_that_waits_for_its_answer_is_a_round_trip(echo: int) -> None:
    with CountingRelay(echo) as relay:
        for _connection in range(2):
            with socket.create_connection(("127.0.0.1", relay.port)) as client, client.makefile("rwb") as stream:
                for _question in range(3):
                    stream.write(b"hello\n")
                    stream.flush()
                    assert stream.readline() == b"ok hello\n"
    assert (relay.round_trips, relay.sent, relay.received) == (6, 36, 54)


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
        assert relay.round_trips == 1
