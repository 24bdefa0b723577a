"""Live devices over the AF_UNIX datagram port, with ARP and neighbour discovery between them.

device a --- socket a <=== frames ===> socket b --- device b        (in one process, or b in another)
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from datapath.port import Capture, CapturePort, DgramPort, Faults, Rate, Wrapper, wrap
from rdma_verbs import (
    CQ,
    MR,
    MULTICAST_QPN,
    PD,
    QP,
    AccessFlags,
    AHAttr,
    CallerError,
    Context,
    Mtu,
    QPCap,
    QPEndpoint,
    QPInitAttr,
    QpType,
    RecvWR,
    SendWR,
)
from rdma_verbs.addr import GID
from rdma_verbs.ah import AH
from tests import captures
from tests.exchange import (
    LONG,
    QKEY,
    RECV,
    End,
    Region,
    prepare_all,
    rc_both_ways,
    request_all,
    ud_both_ways,
    ud_send,
    verify_all,
)

V4, V6 = ("10.9.0.1", "10.9.0.2"), ("fd09::1", "fd09::2")


class Link:
    """Two ports that point to one another, and the devices over them."""

    def __init__(
        self,
        folder: Path,
        addresses: tuple[str, str] = V4,
        *,
        mtu: int = 4300,
        vlan: int | None = None,
        wrappers: Sequence[Wrapper] = (),
        b_reached_as: str = "b",
    ) -> None:
        self.ports = (
            DgramPort(folder / "a", folder / b_reached_as, addresses[:1], mtu=mtu, vlan=vlan),
            DgramPort(folder / "b", folder / "a", addresses[1:], mtu=mtu, vlan=vlan),
        )
        self.contexts = (
            Context.over(wrap(self.ports[0], wrappers), addresses[0]),
            Context.over(self.ports[1], addresses[1]),
        )

    def ends(self, timeout: int = 14) -> tuple[End, End]:
        a, b = End(self.contexts[0]), End(self.contexts[1])
        a.qp.connect(b.qp.endpoint, timeout=timeout)
        b.qp.connect(a.qp.endpoint, timeout=timeout)
        return a, b

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def link(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Link]:
    made = Link(tmp_path, **getattr(request, "param", {}))
    yield made
    made.close()


@pytest.mark.parametrize(
    "link",
    [{}, {"addresses": V6}, {"vlan": 0}, {"vlan": 42, "addresses": V6}, {"mtu": 1500}, {"mtu": 9216}],
    ids=["ipv4", "ipv6", "priority-tag", "vlan", "mtu-1500", "mtu-9216"],
    indirect=True,
)
def test_rc_and_ud_operations_arrive(link: Link) -> None:
    assert link.contexts[0].active_mtu is (Mtu.MTU_1024 if link.ports[0].mtu == 1500 else Mtu.MTU_4096)
    rc_both_ways(*link.ends())
    ud_both_ways(*link.contexts)
    for port in link.ports:
        stats = port.stats()
        assert (stats["tx_errors"], stats["rx_invalid"], stats["neigh_wait_dropped"]) == (0, 0, 0)
        assert stats["neigh_requests"] == stats["neigh_replies"] == 1


def test_frames_of_another_vlan_are_counted_and_go_no_further(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "b"))
        wire.settimeout(10)
        port = DgramPort(tmp_path / "a", tmp_path / "b", ["10.9.0.1"], vlan=5, mac="02:00:00:00:00:0a")
        request = bytes.fromhex("0001080006040001 020000000002 0a090002 000000000000 0a090001")
        ethernet = b"\xff" * 6 + bytes.fromhex("020000000002")
        with Context.over(port, "10.9.0.1"):
            for tag in ("", "81000006", "81006005"):
                wire.sendto(ethernet + bytes.fromhex(tag) + b"\x08\x06" + request, str(tmp_path / "a"))
            answer = wire.recv(2000)
            assert answer[:18] == bytes.fromhex("020000000002 02000000000a 81000005 0806")
            wire.settimeout(0.1)
            with pytest.raises(TimeoutError):
                wire.recv(2000)
            assert (port.stats()["rx_invalid"], port.neighbour_stats()["replies"]) == (2, 1)


def test_rc_recovers_when_the_other_side_comes_later(tmp_path: Path) -> None:
    link = Link(tmp_path, b_reached_as="later")
    a, b = link.ends(timeout=16)  # 0.27 s
    prepare_all(b)
    plug = threading.Timer(0.3, lambda: (tmp_path / "later").symlink_to("b"))
    plug.start()
    start = time.monotonic()
    verify_all(b, request_all(a, b.region))
    assert time.monotonic() - start > 0.3
    assert link.ports[0].stats()["tx_errors"] > 0
    plug.join()
    link.close()


def test_faults_rate_and_capture_go_around_it(tmp_path: Path) -> None:
    capture = tmp_path / "a.pcapng"
    faults = Faults(loss=0.05, duplicate=0.02, reorder=0.02, corrupt=0.02, seed=5, spare_headers=True)
    link = Link(tmp_path, V6, wrappers=[faults, Rate(500_000_000), Capture(capture)])
    a, b = link.ends(timeout=8)
    for _ in range(5):
        rc_both_ways(a, b)
    port = link.contexts[0].port
    assert isinstance(port, CapturePort)
    rate = port.inner
    assert rate is not None
    assert rate.inner is not None
    assert rate.inner.stats()["fault_dropped"] > 0
    assert link.contexts[0].counters()["retransmitted_pkts"] + link.contexts[1].counters()["retransmitted_pkts"] > 0
    frames = port.frames
    link.close()
    assert len(captures.roce_packets(capture)) == frames > 5 * 2 * LONG // 4096


@pytest.mark.parametrize("addresses", [V4, V6], ids=["ipv4", "ipv6"])
def test_two_processes_exchange_everything(addresses: tuple[str, str], tmp_path: Path) -> None:
    port = DgramPort(tmp_path / "a", tmp_path / "b", addresses[:1], mtu=4300)
    with Context.over(port, addresses[0]) as context:
        a, datagrams = End(context), End(context, QpType.UD)
        datagrams.qp.start(qkey=QKEY)
        datagrams.post_receives(1)
        task = {"local": str(tmp_path / "b"), "remote": str(tmp_path / "a"), "address": addresses[1], "mtu": 4300}
        task |= {"peer": addresses[0], "endpoint": a.qp.endpoint.to_json()}
        command = [sys.executable, "-m", "tests.integration.dgram_member"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdin is not None
            assert other.stdout is not None

            def tell(words: dict[str, object]) -> None:
                assert other.stdin is not None
                other.stdin.write(json.dumps(words) + "\n")
                other.stdin.flush()

            tell(task)
            there = json.loads(other.stdout.readline())
            a.qp.connect(QPEndpoint.from_json(there["endpoint"]))
            data = request_all(a, Region(there["addr"], there["rkey"]))
            ud_send(datagrams, addresses[1], there["ud_qpn"], data[:4096])
            tell({"data": data.hex()})
            (wc,) = datagrams.completions(1)
            assert (wc.byte_len, wc.src_qp) == (4136, there["ud_qpn"])
            assert datagrams.mr.read(4096, RECV + 40) == data[:4096]
            assert json.loads(other.stdout.readline())["neighbours"]["replies"] == 1
            tell({})
        assert other.returncode == 0
        assert not (tmp_path / "b").exists()


def test_a_peer_that_was_killed_and_started_again_is_reached(tmp_path: Path) -> None:
    """The port does not connect its socket, so a new process at the same path takes over."""
    port = DgramPort(tmp_path / "a", tmp_path / "b", V4[:1])
    with Context.over(port, V4[0]) as context:
        for _ in range(2):
            with Context.over(DgramPort(tmp_path / "b", tmp_path / "a", V4[1:]), V4[1]) as other:
                a, b = End(context), End(other)
                a.qp.connect(b.qp.endpoint)
                b.qp.connect(a.qp.endpoint)
                rc_both_ways(a, b)


def test_neighbour_counts_are_read_beside_traffic_and_not_after_the_end(tmp_path: Path) -> None:
    link = Link(tmp_path)
    a, b = link.ends()
    prepare_all(b)
    request_all(a, b.region)
    assert link.ports[0].neighbour_stats() == {**link.ports[0].neighbour_stats(), "requests": 1, "failed": 0}
    link.close()
    with pytest.raises(CallerError, match="its device is closed"):
        link.ports[0].neighbour_stats()


@pytest.mark.parametrize("link", [{}, {"addresses": V6}], ids=["ipv4", "ipv6"], indirect=True)
def test_a_group_is_reached_without_asking_for_its_address(link: Link) -> None:
    group = GID.of("239.1.2.3" if link.contexts[0].gids[0].ip.version == 4 else "ff15::1:2")
    cap = QPCap(max_inline_data=64)
    sender, receiver = (QP(PD(c), QPInitAttr(QpType.UD, CQ(c), cap=cap)) for c in link.contexts)
    for qp in (sender, receiver):
        qp.start(qkey=QKEY)
        qp.attach_mcast(group)
    inbox = MR(receiver.pd, 4096, AccessFlags.LOCAL_WRITE)
    receiver.post_recv(RecvWR(1, [inbox.sge()]))
    ah = AH(sender.pd, AHAttr(dgid=group))
    sender.post_send(SendWR(data=b"all of you", ah=ah, remote_qpn=MULTICAST_QPN, remote_qkey=QKEY))
    until = time.monotonic() + 10
    while not (done := receiver.recv_cq.poll()):
        assert time.monotonic() < until
    assert inbox.read(done[0].byte_len)[40:] == b"all of you"
    assert link.ports[0].neighbour_stats()["requests"] == 0
