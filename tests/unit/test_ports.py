import socket
import subprocess
import sys

from syncfarm.embedded import ports

CHOOSE = "import sys; from syncfarm.embedded import ports; print(ports.choose(int(sys.argv[1])), flush=True); input()"


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_farms_that_start_together_choose_different_ports_before_either_listens() -> None:
    wanted = unused_port()
    other = subprocess.Popen(
        [sys.executable, "-c", CHOOSE, str(wanted)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert int(other.stdout.readline()) == wanted
    assert ports.is_free(wanted), "nobody listens there yet"
    assert ports.choose(wanted) != wanted
    other.communicate("end\n", timeout=20)
    assert ports.choose(wanted) == wanted, "a claim ends with its process"


def test_a_claim_is_kept_by_its_own_process() -> None:
    port = ports.choose(0)
    assert ports.claim(port)
    assert ports.choose(port) == port


def test_a_port_where_somebody_listens_is_not_chosen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert ports.choose(taken) != taken
