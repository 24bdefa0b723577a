r"""rdma-core's example programs (ibverbs-utils) over the drop-in; their buffers are validated by them and by our check.

ibv_*_pingpong, node 127.22.2.2 ──── dpu0: shared memory or UDP 4791 ──── 127.22.2.1, ibv_*_pingpong
             \──────────── TCP 127.0.0.1:PORT: QPN, PSN and GID ─────────────/
"""

import re
import subprocess
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.e2e.pair import Run, TransportName, environment, play_pair, ports

SERVER, CLIENT = "127.22.2.1", "127.22.2.2"


class Case(NamedTuple):
    service: str
    options: str = ""

    def run(self, transport: TransportName, nodes: tuple[str, str] = (SERVER, CLIENT)) -> Run:
        """Run server and client to their end."""
        port = next(ports)
        argv = [f"ibv_{self.service}_pingpong", "-d", "dpu0", "-g", "0", "-p", str(port), *self.options.split()]
        return play_pair(argv, [*argv, "127.0.0.1"], nodes, transport, port, timeout_s=60)


# -c validates the received buffer (of XRC's, it is the number of clients); -o, -O and -P are of on-demand paging.
# Not -t with -e: that program takes an event whose completion it has had already for an error; any device gives such.
CASES = (
    Case("rc", "-c -n 200"),
    Case("rc", "-c -n 200 -e"),
    Case("rc", "-c -n 10 -s 1048576 -m 4096"),
    Case("rc", "-c -n 20 -s 1048576 -m 256 -e"),
    Case("rc", "-c -n 100 -s 1"),
    Case("rc", "-c -n 100 -m 2048 -r 8"),
    Case("rc", "-c -n 100 -o"),
    Case("rc", "-c -n 100 -o -P"),
    Case("rc", "-c -n 100 -O"),
    Case("rc", "-c -n 100 -t"),
    Case("rc", "-c -n 100 -j"),
    Case("rc", "-c -n 100 -N"),
    Case("rc", "-c -n 100 -N -j -t"),
    Case("rc", "-c -n 100 -l 3"),
    Case("uc", "-c -n 200"),
    Case("uc", "-c -n 200 -e"),
    Case("uc", "-c -n 10 -s 1048576 -m 4096"),
    Case("ud", "-c -n 200"),
    Case("ud", "-c -n 200 -e"),
    Case("ud", "-c -n 100 -s 4096"),
    Case("srq", "-c -n 50"),
    Case("srq", "-c -n 50 -e"),
    Case("srq", "-c -n 20 -q 4 -s 65536 -m 4096"),
    Case("srq", "-c -n 20 -o"),
    Case("xsrq", "-n 20"),
    Case("xsrq", "-n 20 -e"),
    Case("xsrq", "-n 5 -s 1048576"),
    Case("xsrq", "-n 20 -o"),
)


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: "".join((case.service, *case.options.split())))
def test_pingpong(case: Case, transport: TransportName, require_peer: Callable[..., None]) -> None:
    require_peer("ibv_devinfo")
    run = case.run(transport)
    assert run.mismatches == 0, run
    assert run.checked > 0, run
    assert "invalid data" not in run.output, run


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("service", ["rc", "uc", "ud", "srq", "xsrq"])
def test_pingpong_within_a_node(service: str, transport: TransportName, require_peer: Callable[..., None]) -> None:
    require_peer("ibv_devinfo")
    run = Case(service, "-n 50").run(transport, (SERVER, SERVER))
    assert run.mismatches == 0, run
    assert run.checked > 0, run


def test_several_clients_share_one_xrc_receive_queue(require_peer: Callable[..., None]) -> None:
    require_peer("ibv_devinfo")
    port = next(ports)
    argv = ["ibv_xsrq_pingpong", "-d", "dpu0", "-g", "0", "-p", str(port), "-n", "20"]
    both = "exec 2>&1; {client} & first=$!; {client} & second=$!; wait $first && wait $second"
    client = ["bash", "-c", both.format(client=" ".join([*argv, "127.0.0.1"]))]
    run = play_pair([*argv, "-c", "2"], client, (SERVER, CLIENT), "local", port, timeout_s=60)
    assert run.mismatches == 0, run
    assert run.checked > 0, run


# ---- what looks at the device ----


def say(*argv: str) -> str:
    done = subprocess.run(argv, env=environment(SERVER), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def test_ibv_devices_lists_one_device(require_peer: Callable[..., None]) -> None:
    require_peer("ibv_devinfo")
    rows = [line.split() for line in say("ibv_devices").splitlines()[2:]]
    assert [row[0] for row in rows] == ["dpu0"]
    assert re.fullmatch("[0-9a-f]{16}", rows[0][1])


def test_ibv_devinfo_tells_limits_and_port(require_peer: Callable[..., None]) -> None:
    require_peer("ibv_devinfo")
    said = say("ibv_devinfo", "-v")
    facts = dict(re.findall(r"^\s*([\w\[\] ]+):\s+(\S.*?)\s*$", said, re.MULTILINE))
    assert facts["hca_id"] == "dpu0"
    assert facts["transport"] == "InfiniBand (0)"
    assert facts["phys_port_cnt"] == "1"
    assert facts["state"] == "PORT_ACTIVE (4)"
    assert facts["phys_state"] == "LINK_UP (5)"
    assert facts["link_layer"] == "Ethernet"
    assert facts["max_mtu"] == facts["active_mtu"] == "4096 (5)"
    assert facts["max_qp"] == "65535"
    assert facts["atomic_cap"].startswith("ATOMIC_")
    assert facts["GID[  0]"] == f"::ffff:{SERVER}, RoCE v2"
    assert facts["hca_core_clock"] == "1000000kHZ"
    for capability in ("XRC", "MEM_WINDOW", "ODP_SUPPORT_IMPLICIT", "SUPPORT_ATOMIC"):
        assert re.search(rf"^\s+{capability}$", said, re.MULTILINE), said


def test_ibv_asyncwatch_waits_for_events_of_its_device(require_peer: Callable[..., None]) -> None:
    require_peer("ibv_devinfo")
    argv = ["stdbuf", "-oL", "ibv_asyncwatch", "-d", "dpu0"]
    with subprocess.Popen(argv, env=environment(SERVER), stdout=subprocess.PIPE, text=True) as watch:
        assert watch.stdout
        try:
            assert re.fullmatch(r"dpu0: async event FD \d+\n", watch.stdout.readline())
            time.sleep(0.3)
            assert watch.poll() is None
        finally:
            watch.terminate()
