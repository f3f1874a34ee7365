"""As many requests as a web process answers: `python -m bench.load PORT KEY SECONDS CLIENTS PATH …` in a process of its
own, which prints how many were answered and in how long."""

import json
import sys
import threading
import time

from bench.web import Client


def main() -> None:
    """Every client asks for one path after the other, over a connection that is kept."""
    port, key, seconds, clients, *paths = sys.argv[1:]
    times: list[float] = []
    until = time.perf_counter() + float(seconds)

    def ask(number: int) -> None:
        client, turn = Client(int(port), key), number
        while time.perf_counter() < until:
            times.append(client.timed(paths[turn % len(paths)]))
            turn += 1

    threads = [threading.Thread(target=ask, args=[number]) for number in range(int(clients))]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"wall": time.perf_counter() - started, "times": times}))


if __name__ == "__main__":
    main()
