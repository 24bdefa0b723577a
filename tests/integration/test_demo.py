"""The demo end to end, as a user starts it.

source process, node_address(1) ---- UDP 4791, loopback ---- target process, node_address(2)
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dpu_emu.demo import make_checkpoint
from rdma_verbs import CQ, PD, QP, Context, QPCap, QPInitAttr, QpType, RecvWR, SendWR
from rdma_verbs.agent.status import list_nodes
from rdma_verbs.counters import counter_names
from rdma_verbs.driver import run as run_loop
from tests import captures

CLI = [sys.executable, "-m", "control_plane.cli"]


def cli(*argv: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*CLI, *map(str, argv)], capture_output=True, text=True, timeout=100)


def nodes_of(pid: int) -> dict[str, int]:
    """The node processes of a demo, by role of their address; empty until they are started."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if b"dpu_emu.demo.node" in command:
            found["target" if "target" not in found else "source"] = int(child)
    return found


def wait_for(what: Callable[[], bool], timeout_s: float = 30) -> None:
    until = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_file_crosses_in_each_act_and_the_capture_holds_it(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    make_checkpoint(file, 3_000_001)
    done = cli("demo", "--file", file, "--out", tmp_path / "out", "--loss", "0.03", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    clean, lossy, selective = said["acts"]
    assert (clean["sha256_equal"], lossy["sha256_equal"], selective["sha256_equal"]) == (True, True, True)
    assert selective["drops"]["fault_loss"] > 0
    assert selective["retransmitted_pkts"] < lossy["retransmitted_pkts"]
    assert (clean["retransmitted_pkts"], clean["drops"], clean["bytes"]) == (0, {}, 3_000_001)
    assert lossy["drops"]["fault_loss"] > 0
    assert lossy["retransmitted_pkts"] > 0
    for name in ("received-clean.bin", "received-loss.bin", "received-selective.bin"):
        assert (tmp_path / "out" / name).read_bytes() == file.read_bytes()
    assert len(captures.roce_packets(Path(said["capture"]))) > 3_000_001 // 4096
    assert said["datapath"]["forwarded"] == said["datapath"]["packets"] > 0
    assert said["datapath"]["before"] != said["datapath"]["after"]


@pytest.mark.parametrize("role", ["source", "target"])
def test_a_node_that_is_killed_is_named_at_once_and_nothing_is_left(role: str, tmp_path: Path) -> None:
    with started(tmp_path) as demo:
        victims = running_nodes(demo)
        os.kill(victims[role], signal.SIGKILL)
        _, error = demo.communicate(timeout=30)
        assert error == f"dpu-emu: demo: the {role} node ended: killed by SIGKILL\n"
        assert demo.returncode == 1
        wait_for(lambda: all(gone(pid) for pid in victims.values()))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_demo_that_is_stopped_leaves_no_process(how: signal.Signals, tmp_path: Path) -> None:
    """Only the command gets the signal, not its nodes, as they would from a terminal."""
    with started(tmp_path) as demo:
        nodes = running_nodes(demo)
        demo.send_signal(how)
        demo.communicate(timeout=30)
        assert demo.returncode != 0
        wait_for(lambda: all(gone(pid) for pid in nodes.values()))


@contextmanager
def started(folder: Path) -> "Iterator[subprocess.Popen[str]]":
    """A demo whose first transfer takes long enough to be disturbed."""
    file = folder / "big.bin"
    with file.open("wb") as big:
        big.truncate(256 << 20)
    command = [*CLI, "demo", "--file", str(file), "--out", str(folder), "--json"]
    # A shell's job in the background ignores SIGINT, and so would all that it starts, if we did not handle it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        signal.signal(signal.SIGINT, before)
        try:
            yield demo
        finally:
            demo.kill()


def running_nodes(demo: "subprocess.Popen[str]") -> dict[str, int]:
    """The nodes of a demo, once packets arrive."""
    nodes: dict[str, int] = {}

    def both() -> bool:
        nodes.update(nodes_of(demo.pid))
        return len(nodes) == 2

    wait_for(both)
    received = counter_names().index("rcvd_pkts")
    wait_for(
        lambda: any(
            slot.counters[received] > 100 for node in list_nodes() for slot in node.slots if slot.pid == nodes["target"]
        )
    )
    return nodes


def test_rdma_commands_show_a_device_while_it_lives_and_its_counters_after() -> None:
    with Context.open("127.78.1.1") as a, Context.open("127.78.1.2") as b:
        qps = [QP(PD(c), QPInitAttr(QpType.RC, CQ(c), cap=QPCap(max_inline_data=8))) for c in (a, b)]
        qps[0].connect(qps[1].endpoint)
        qps[1].connect(qps[0].endpoint)
        qps[1].post_recv(RecvWR())
        qps[0].post_send(SendWR())

        async def main() -> None:
            await qps[0].send_cq.wait()

        run_loop(main())
        devices = [one for one in json.loads(cli("rdma", "devices", "--json").stdout) if one["pid"] == os.getpid()]
        assert [one["node"] for one in devices] == ["127.78.1.1", "127.78.1.2"]
        first, last = (int(number, 16) for number in devices[0]["qpn"].split("-"))
        assert first <= qps[0].qp_num <= last
        assert "127.78.1.2" in cli("rdma", "devices").stdout
        (live, left) = json.loads(cli("rdma", "stat", "127.78.1.1", "--json").stdout)
        assert (live["pid"], left["pid"]) == (str(os.getpid()), "left")
        assert live["counters"] == a.counters()
        assert live["counters"]["rdma_sends"] == 1
        already = left["counters"]["rdma_sends"]
        refused = cli("rdma", "stat", "127.78.1.9")
        assert refused.returncode == 2
        assert "no node 127.78.1.9; there are " in refused.stderr
    said = json.loads(cli("rdma", "stat", "--json").stdout)
    (left,) = [one for one in said if (one["node"], one["pid"]) == ("127.78.1.1", "left")]
    assert left["counters"]["rdma_sends"] == already + 1
