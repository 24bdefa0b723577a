"""Programs under the launcher and live devices: counters as files, the tool ``rdma``, programs of one node.

test ── Context 127.13.2.1 ── UDP 4791 ── Context 127.13.2.2      launched: cat, rdma, python3, ctypes on libibverbs.so
"""

import json
import os
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdma_verbs import CQ, MR, PD, QP, AccessFlags, Context, QPInitAttr, QpType, SendWR, WrOpcode
from rdma_verbs._native_congestion import preset_names
from rdma_verbs.agent.left import LEFT_NAME
from rdma_verbs.agent.rundir import Address
from rdma_verbs.agent.status import list_nodes
from rdma_verbs.counters import counter_names
from rdma_verbs.ibverbs import TOOL, library
from rdma_verbs.launch import RECOVERIES, Launch, Transport, congestion_name, make_environment, recovery_names

# Addresses of this run: another run on the machine has others.
NET = f"127.13.{20 + os.getpid() % 200}"
PORT = "/sys/class/infiniband/dpu0/ports/1"
BYTES = 100_000


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of the test's own, agents that leave soon, and none left behind."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for n in (1, 2):
        subprocess.run([sys.executable, "-m", "rdma_verbs.agent", f"{NET}.{n}", "--idle-s", "0.5"], check=True)
    yield tmp_path
    no_agents()


def no_agents() -> None:
    until = time.monotonic() + 15
    while list_nodes():
        assert time.monotonic() < until, "agents left by themselves"
        time.sleep(0.05)


def launched(*argv: str, node: int = 1) -> str:
    environment = make_environment(Launch(Address(f"{NET}.{node}")), os.environ)
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


def counters(*names: str, node: int = 1) -> list[int]:
    return [int(n) for n in launched("cat", *(f"{PORT}/{name}" for name in names), node=node).split()]


def write(a: Context, b: Context) -> tuple[QP, QP]:
    """One RDMA write of BYTES from a to b, completed, and published for readers."""
    pd_a, cq_a, pd_b, cq_b = PD(a), CQ(a), PD(b), CQ(b)
    qp_a, qp_b = QP(pd_a, QPInitAttr(QpType.RC, cq_a)), QP(pd_b, QPInitAttr(QpType.RC, cq_b))
    qp_a.connect(qp_b.endpoint)
    qp_b.connect(qp_a.endpoint)
    source = MR(pd_a, b"x" * BYTES, AccessFlags(0))
    target = MR(pd_b, BYTES, AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE)
    qp_a.post_send(SendWR(opcode=WrOpcode.RDMA_WRITE, sg=[source.sge()], remote_addr=target.addr, rkey=target.rkey))
    until = time.monotonic() + 10
    while not cq_a.poll():
        assert time.monotonic() < until
        time.sleep(0.001)
    time.sleep(0.3)  # counters of queue pairs are published now and then
    return qp_a, qp_b


def test_counters_are_those_of_the_node_at_the_moment_of_opening() -> None:
    names = ("hw_counters/sent_pkts", "hw_counters/sent_bytes", "counters/port_xmit_packets", "counters/port_xmit_data")
    assert counters(*names) == [0, 0, 0, 0]
    with Context.open(f"{NET}.1") as a, Context.open(f"{NET}.2") as b:
        write(a, b)
        told = a.counters()
        packets = -(-BYTES // 4096)
        assert counters(*names) == [packets, BYTES, packets, told["tx_prio0_bytes"] // 4]
        assert counters("counters/port_rcv_packets", "hw_counters/rcvd_pkts", node=2) == [packets, packets]
        with Context.open(f"{NET}.1") as c, Context.open(f"{NET}.2") as d:
            write(c, d)
            assert counters("hw_counters/sent_pkts") == [2 * packets], "both processes' devices"
    assert counters("hw_counters/sent_pkts") == [2 * packets], "those that have left, too"


def test_counters_outlive_the_agent() -> None:
    with Context.open(f"{NET}.1") as a, Context.open(f"{NET}.2") as b:
        write(a, b)
    no_agents()
    packets = -(-BYTES // 4096)
    assert counters("hw_counters/sent_pkts", "counters/port_xmit_packets") == [packets, packets]
    with Context.open(f"{NET}.1") as a, Context.open(f"{NET}.2") as b:
        assert counters("hw_counters/sent_pkts") == [packets]
        write(a, b)
        assert counters("hw_counters/sent_pkts") == [2 * packets]


def test_recipes_are_followed_to_the_packet(runtime: Path) -> None:
    """With counters that were written by hand, as an agent leaves them."""
    no_agents()
    names = counter_names()
    values = array("Q", [0] * 256)
    for i, name in enumerate(names):
        values[i] = 1_000_003 * (i + 1)
        if name.startswith("tx_prio") and name.endswith("_bytes"):
            values[i] = 10
    make_environment(Launch(Address(f"{NET}.1")), os.environ)
    (folder,) = runtime.glob(f"dpu-emu/*-{NET}.1")
    (folder / LEFT_NAME).write_bytes(values.tobytes())
    known = dict(zip(names, values, strict=False))
    unicast = sum(known[f"rx_prio{n}_packets"] for n in range(8)) - known["multicast_rcv_packets"]
    assert counters("counters/port_xmit_data", "counters/unicast_rcv_packets") == [8 * 10 // 4, unicast]
    assert counters("hw_counters/out_of_sequence") == [known["out_of_seq_request"]]


def test_an_agent_that_does_not_answer_is_an_io_error(runtime: Path) -> None:
    import socket

    no_agents()
    make_environment(Launch(Address(f"{NET}.1")), os.environ)
    (folder,) = runtime.glob(f"dpu-emu/*-{NET}.1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        os.chdir(folder)
        listener.bind("agent.sock")
        listener.listen()
        environment = make_environment(Launch(Address(f"{NET}.1")), os.environ)
        done = subprocess.run(["cat", f"{PORT}/hw_counters/sent_pkts"], env=environment, capture_output=True, text=True)
    (folder / "agent.sock").unlink()
    assert done.returncode == 1
    assert "Input/output error" in done.stderr


def test_a_counter_is_a_file_that_is_read_only_and_can_be_read_again() -> None:
    code = f"""
import os, stat
path = "{PORT}/hw_counters/sent_pkts"
fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
assert os.read(fd, 100) == b"0\\n" == os.pread(fd, 100, 0) and os.read(fd, 100) == b""
assert stat.S_ISREG(os.fstat(fd).st_mode) and not os.get_inheritable(fd)
assert open(path).read() == "0\\n"
for flags in (os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC):
    try:
        os.open(path, flags)
    except PermissionError:
        continue
    raise AssertionError(flags)
os.chdir("{PORT}/hw_counters")
assert {{open(name).read() for name in os.listdir(".")}} == {{"0\\n"}}
print("done", len(os.listdir(".")))
"""
    assert launched(sys.executable, "-c", code).startswith("done ")


def test_rdma_link_and_dev_say_what_sysfs_says() -> None:
    link = "link dpu0/1 state ACTIVE physical_state LINK_UP netdev lo"
    for argv in (["link"], ["link", "show"], ["li", "sh", "dpu0"], ["link", "show", "dpu0/1"]):
        assert launched("rdma", *argv).strip() == link
    assert launched("rdma", "-d", "link").strip() == f"{link} netdev_index 1"
    whole = [
        {
            "ifindex": 0,
            "ifname": "dpu0",
            "port": 1,
            "state": "ACTIVE",
            "physical_state": "LINK_UP",
            "netdev": "lo",
            "netdev_index": 1,
        }
    ]
    for argv in (["link", "show", "-j"], ["-j", "link"], ["-jp", "link"], ["--json", "link", "show", "dpu0/1"]):
        assert json.loads(launched("rdma", *argv)) == whole
    guid = Path(make_environment(Launch(Address(f"{NET}.1")), os.environ)["DPU_EMU_SYSFS"])
    text = (guid / "sys/class/infiniband/dpu0/node_guid").read_text().strip()
    (dev,) = json.loads(launched("rdma", "dev", "-j"))
    assert (dev["ifname"], dev["node_type"], dev["node_guid"]) == ("dpu0", "ca", text)
    assert launched("rdma", "dev").startswith("0: dpu0: node_type ca fw ")
    assert launched("rdma", "system").strip() == "netns shared copy-on-fork on"
    assert json.loads(launched("rdma", "-j", "system")) == [{"netns": "shared", "copy-on-fork": True}]


def test_rdma_statistic_and_resource_see_traffic_and_queue_pairs() -> None:
    with Context.open(f"{NET}.1") as a, Context.open(f"{NET}.2") as b:
        qp, _ = write(a, b)
        told = a.counters()
        (found,) = json.loads(launched("rdma", "statistic", "show", "link", "dpu0/1", "-j"))
        assert (found.pop("ifname"), found.pop("port")) == ("dpu0", 1)
        assert found["sent_pkts"] > 0
        assert found == {name: told[name] for name in found}
        text = launched("rdma", "stat")
        assert text.startswith("link dpu0/1 ack_deferred 0 ")
        assert f" sent_pkts {told['sent_pkts']} " in text
        (row,) = json.loads(launched("rdma", "-j", "statistic", "qp", "show"))
        assert {name: row[name] for name in ("ifname", "port", "pid", "lqpn")} == {
            "ifname": "dpu0",
            "port": 1,
            "pid": os.getpid(),
            "lqpn": qp.qp_num,
        }
        assert row["sent_pkts"] == told["sent_pkts"]
        assert launched("rdma", "resource").strip() == "0: dpu0: qp 1 ctx 1"
        (entry,) = json.loads(launched("rdma", "res", "show", "qp", "-j"))
        assert (entry["lqpn"], entry["pid"]) == (qp.qp_num, os.getpid())
        assert entry["comm"] == Path("/proc/self/comm").read_text().strip()


def test_rdma_of_what_is_not_there_is_an_error_or_the_real_tools_matter(tmp_path: Path) -> None:
    environment = make_environment(Launch(Address(f"{NET}.1")), os.environ)

    def fails(*argv: str, **more: str) -> str:
        done = subprocess.run(["rdma", *argv], env=environment | more, capture_output=True, text=True)
        assert done.returncode == 1
        return done.stderr

    assert fails("link", "show", "dpu1") == "Wrong device name\n"
    assert fails("dev", "show", "mlx5_0") == "Wrong device name\n"
    other = tmp_path / "bin" / "rdma"
    other.parent.mkdir()
    other.write_text('#!/bin/sh\necho "real $*" >&2; exit 1\n', encoding="ascii")
    other.chmod(0o755)
    path = f"{environment['PATH'].split(':')[0]}:{other.parent}:/usr/bin:/bin"
    for argv in (["link", "add", "rxe0", "type", "rxe"], ["monitor"], ["-V"], ["-b", "x"], ["system", "set", "netns"]):
        assert fails(*argv, PATH=path) == f"real {' '.join(argv)}\n"


def test_without_the_launcher_the_tool_shows_the_systems_devices() -> None:
    found = subprocess.run([library(TOOL), "link"], capture_output=True, text=True)
    assert found.returncode == 0
    assert "dpu0" not in found.stdout


def test_a_program_finds_the_library_by_both_names_and_the_device_in_it() -> None:
    code = """
import ctypes
for name in ("libibverbs.so", "libibverbs.so.1"):
    lib = ctypes.CDLL(name)
    lib.ibv_get_device_list.restype = ctypes.POINTER(ctypes.c_void_p)
    lib.ibv_get_device_name.restype = ctypes.c_char_p
    lib.ibv_get_device_name.argtypes = [ctypes.c_void_p]
    n = ctypes.c_int()
    devices = lib.ibv_get_device_list(ctypes.byref(n))
    print(n.value, lib.ibv_get_device_name(devices[0]).decode())
"""
    assert launched(sys.executable, "-c", code) == "1 dpu0\n1 dpu0\n"


def test_the_library_takes_every_name_that_the_launcher_takes() -> None:
    """Names are checked twice: the launcher's message is for people, the library's for those without a launcher."""
    count = "import ctypes; n = ctypes.c_int(); ctypes.CDLL('libibverbs.so').ibv_get_device_list(ctypes.byref(n))"
    for cc in ("none", "dcqcn", *preset_names()):
        recovery = recovery_names(",".join(RECOVERIES))
        said = Launch(Address(f"{NET}.1"), Transport.UDP, 1, None, congestion_name(cc), recovery, (1 << 64) - 1, True)
        environment = make_environment(said, os.environ)
        done = subprocess.run([sys.executable, "-c", f"{count}; print(n.value)"], env=environment, capture_output=True)
        assert (done.stdout, done.stderr) == (b"1\n", b"")


def test_a_launcher_in_a_launched_program_gives_another_node() -> None:
    code = f"""
import os, subprocess
from rdma_verbs._native_congestion import preset_names
from rdma_verbs.agent.left import LEFT_NAME
from rdma_verbs.agent.rundir import Address
from rdma_verbs.launch import Launch, make_environment
environment = make_environment(Launch(Address("{NET}.2")), os.environ)
subprocess.run(["cat", "{PORT}/gids/0"], env=environment, check=True)
"""
    inner = launched(sys.executable, "-c", code).strip()
    assert inner == launched("cat", f"{PORT}/gids/0", node=2).strip() != launched("cat", f"{PORT}/gids/0").strip()
