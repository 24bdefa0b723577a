"""Linux's Soft-RoCE in a guest attached to our AF_UNIX datagram port: no tap, no bridge, no root.

    this process                                      guest (QEMU, Linux rdma_rxe)
    +----------------------------------+              +---------------------------------+
    | device 10.77.0.1, fd77::1        |    frames    | eth0 10.77.0.2, fd77::2         |
    |   DgramPort: ARP, ND  -- socket--+--------------+-- rxe0: RC, UD                  |
    | control client 127.0.0.1 --------+--QEMU's user-+-- eth1 10.0.2.15                |
    |                                  |  mode network|   rxe_peer.py: TCP 18515        |
    +----------------------------------+              +---------------------------------+

Our user-space ARP and neighbour discovery answer Linux's, and ask it. The path MTU is 4096.
"""

import dataclasses
import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from datapath.port import Capture, CapturePort, DgramPort, FaultPort, Faults
from dpu_emu.lab.guest import Guest
from dpu_emu.lab.netns import Namespace
from dpu_emu.lab.nic import Nic
from rdma_verbs import (
    CQ,
    GID,
    MR,
    MULTICAST_QPN,
    PD,
    QP,
    AccessFlags,
    AHAttr,
    Context,
    DeviceConfig,
    Mtu,
    QPCap,
    QPEndpoint,
    QPInitAttr,
    QpType,
    RecvWR,
    SendWR,
    WcFlags,
    WrOpcode,
)
from rdma_verbs.ah import AH
from tests import dissect
from tests.e2e.guest.commands import pattern
from tests.e2e.rxe import (
    CONTROL_PORT,
    GUEST_IPV4,
    GUEST_IPV6,
    HOST_IPV4,
    HOST_IPV6,
    PeerAddress,
    RxePeer,
    gid_of,
    recv,
    send,
)
from tests.exchange import ALL, LONG, QKEY, RECV, RESULTS, WORD, WRITTEN, End

LINK_MTU = 4300
TIMEOUT = 17  # 0.5 s: a guest without hardware virtualisation is slow at times
GROUP = "239.1.2.3"
RDMA_UDP_QKEY = 0x01234567  # of every group that rdma_cm joins
OUR_PSN, GUEST_PSN = 0xFFFFFD, 0xFFFFFE  # both wrap on the way


class Loopback:
    """What the peer asks of a namespace, without one."""

    name = ""

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        return socket.socket(family, kind)


class UserNetPeer(RxePeer):
    """The peer with a dgram NIC, reached for control through QEMU's own user-mode network."""

    def __init__(self, nic: Nic) -> None:
        super().__init__(cast("Namespace", Loopback()), nics=(nic,), control="127.0.0.1", name="dgram")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config = self.guest.config
        forward = f"hostfwd=tcp:127.0.0.1:{port}-:{CONTROL_PORT}"
        self.guest = Guest(
            dataclasses.replace(
                config,
                script=f"ip link set eth1 up\nip addr add 10.0.2.15/24 dev eth1\n{config.script}",
                qemu_arguments=(
                    *("-netdev", f"user,id=control,restrict=on,ipv6=off,{forward}"),
                    *("-device", "virtio-net-pci,netdev=control,mac=52:54:00:00:00:01,romfile="),
                ),
            )
        )
        self._control = ("127.0.0.1", port)


@dataclass(frozen=True, slots=True)
class Family:
    """The addresses of one IP version, and the index of ours among the device's GIDs."""

    ours: str
    theirs: str
    sgid_index: int

    @property
    def path(self) -> AHAttr:
        return AHAttr(dgid=GID.of(self.theirs), sgid_index=self.sgid_index)


V4, V6 = Family(HOST_IPV4, GUEST_IPV4, 0), Family(HOST_IPV6, GUEST_IPV6, 1)


@dataclass(frozen=True, slots=True)
class Lab:
    """The guest, and our device with its port, the innermost of faults and a capture."""

    peer: RxePeer
    context: Context
    port: DgramPort
    faults: FaultPort
    capture: CapturePort


@pytest.fixture(scope="module")
def booted(require_peer: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    require_peer("qemu", "guest")
    folder = tmp_path_factory.mktemp("link")
    nic = Nic(
        "dgram",
        str(folder / "guest"),
        str(folder / "ours"),
        addresses=(f"{GUEST_IPV4}/24", f"{GUEST_IPV6}/64"),
        mtu=LINK_MTU,
        rxe=True,
    )
    # Ours comes first: what it sends is lost until QEMU has bound its end.
    port = DgramPort(folder / "ours", folder / "guest", [HOST_IPV4, HOST_IPV6], mtu=LINK_MTU)
    faults = Faults().around(port)
    capture = Capture(folder / "link.pcapng").around(faults)
    config = DeviceConfig(gids=(GID.of(HOST_IPV4), GID.of(HOST_IPV6)))
    with Context.over(capture, HOST_IPV4, config) as context, UserNetPeer(nic) as peer:
        yield Lab(peer, context, port, faults, capture)


@pytest.fixture
def lab(booted: Lab) -> Iterator[Lab]:
    yield booted
    booted.faults.set(Faults())
    booted.peer.destroy_all()


class Pair:
    """An RC connection of ours with the guest, and a region on either side."""

    def __init__(self, lab: Lab, family: Family) -> None:
        self.end = End(lab.context)
        self.end.qp.psn = OUR_PSN
        self.mr = lab.peer.create_mr("m", self.end.mr.length)
        self.qp = lab.peer.create_qp("q", "RC", max_send_wr=32, max_recv_wr=32)
        lab.peer.connect(
            self.qp,
            PeerAddress(gid_of(family.ours), self.end.qp.qp_num),
            sq_psn=GUEST_PSN,
            rq_psn=OUR_PSN,
            mtu=4096,
            own=family.theirs,
            timeout=TIMEOUT,
        )
        theirs = QPEndpoint(GID.of(family.theirs), self.qp.qpn, GUEST_PSN, Mtu.MTU_4096)
        self.end.qp.connect(theirs, ah_attr=family.path, timeout=TIMEOUT)


def touch(lab: Lab, family: Family) -> None:
    """A word goes to the guest and comes back."""
    pair = Pair(lab, family)
    pair.end.mr.write(b"eight by", 0)
    pair.end.qp.post_send(
        [
            SendWR(1, WrOpcode.RDMA_WRITE, [pair.end.mr.sge(0, 8)], remote_addr=pair.mr.addr, rkey=pair.mr.rkey),
            SendWR(2, WrOpcode.RDMA_READ, [pair.end.mr.sge(8, 8)], remote_addr=pair.mr.addr, rkey=pair.mr.rkey),
        ]
    )
    pair.end.completions(2)
    assert pair.end.mr.read(8, 8) == b"eight by"
    lab.peer.destroy_all()


both_families = pytest.mark.parametrize("family", [V4, V6], ids=["ipv4", "ipv6"])


@both_families
def test_every_rc_operation_of_ours_arrives(lab: Lab, family: Family) -> None:
    pair = Pair(lab, family)
    end, peer, mr, qp = pair.end, lab.peer, pair.mr, pair.qp
    assert (lab.context.active_mtu, peer.mtu) == (Mtu.MTU_4096, 4096)
    data = os.urandom(LONG)
    source, back = MR(end.pd, data, AccessFlags(0)), MR(end.pd, LONG, ALL)
    peer.write_mr(mr, WORD, (5).to_bytes(8, "little"))
    peer.post_recv(qp, recv(1, mr.sge(RECV, LONG)), recv(2, mr.sge(RECV + LONG, 100)), recv(3))
    there, word = mr.addr + WRITTEN, mr.addr + WORD
    results = [[end.mr.sge(RESULTS + 8 * i, 8)] for i in range(2)]
    end.qp.post_send(
        [
            SendWR(1, WrOpcode.SEND, [source.sge(0, 9_999), source.sge(9_999)]),
            SendWR(2, WrOpcode.SEND_WITH_IMM, imm_data=0xDEADBEEF, data=b"inline"),
            SendWR(3, WrOpcode.RDMA_WRITE, [source.sge()], remote_addr=there, rkey=mr.rkey),
            SendWR(4, WrOpcode.RDMA_WRITE_WITH_IMM, [source.sge(0, 7)], imm_data=4, remote_addr=there, rkey=mr.rkey),
            SendWR(5, WrOpcode.ATOMIC_CMP_AND_SWP, results[0], compare_add=5, swap=12, remote_addr=word, rkey=mr.rkey),
            SendWR(6, WrOpcode.ATOMIC_FETCH_AND_ADD, results[1], compare_add=7, remote_addr=word, rkey=mr.rkey),
            SendWR(7, WrOpcode.RDMA_READ, [back.sge()], remote_addr=there, rkey=mr.rkey),
        ]
    )
    assert [wc.wr_id for wc in end.completions(7, timeout_s=60)] == [1, 2, 3, 4, 5, 6, 7]
    assert back.read() == data
    assert [int.from_bytes(end.mr.read(8, RESULTS + 8 * i), "little") for i in range(2)] == [5, 12]
    received = peer.poll(qp.recv_cq, 3)
    assert [(wc.status, wc.opcode, wc.imm) for wc in received] == [
        ("SUCCESS", "RECV", None),
        ("SUCCESS", "RECV", 0xDEADBEEF),
        ("SUCCESS", "RECV_RDMA_WITH_IMM", 4),
    ]
    assert [wc.byte_len for wc in received[:2]] == [LONG, 6]
    assert peer.read_mr(mr, RECV, LONG) == peer.read_mr(mr, WRITTEN, LONG) == data
    assert peer.read_mr(mr, RECV + LONG, 6) == b"inline"
    assert int.from_bytes(peer.read_mr(mr, WORD, 8), "little") == 19


@both_families
def test_every_rc_operation_of_the_guest_arrives(lab: Lab, family: Family) -> None:
    pair = Pair(lab, family)
    end, peer, mr, qp = pair.end, lab.peer, pair.mr, pair.qp
    data = peer.write_pattern(mr, 0, LONG, seed=family.sgid_index)
    ours = {"remote_addr": end.mr.addr + WRITTEN, "rkey": end.mr.rkey}
    word = {"remote_addr": end.mr.addr + WORD, "rkey": end.mr.rkey}
    end.mr.write((5).to_bytes(8, "little"), WORD)
    end.post_receives(3)
    peer.post_send(
        qp,
        send(1, "SEND", mr.sge(0, 9_999), mr.sge(9_999, LONG - 9_999)),
        send(2, "SEND_WITH_IMM", mr.sge(0, 6), imm=0xDEADBEEF),
        send(3, "RDMA_WRITE", mr.sge(0, LONG), **ours),
        send(4, "RDMA_WRITE_WITH_IMM", mr.sge(0, 7), imm=4, **ours),
        send(5, "ATOMIC_CMP_AND_SWP", mr.sge(RESULTS, 8), compare_add=5, swap=12, **word),
        send(6, "ATOMIC_FETCH_AND_ADD", mr.sge(RESULTS + 8, 8), compare_add=7, **word),
        send(7, "RDMA_READ", mr.sge(RECV, LONG), **ours),
    )
    sent = peer.poll(qp.send_cq, 7, timeout_ms=30_000)
    assert [(wc.wr_id, wc.status) for wc in sent] == [(i, "SUCCESS") for i in range(1, 8)]
    received = end.completions(3)
    assert [wc.opcode.name for wc in received] == ["RECV", "RECV", "RECV_RDMA_WITH_IMM"]
    assert [wc.byte_len for wc in received] == [LONG, 6, 7]
    assert [wc.imm_data for wc in received[1:]] == [0xDEADBEEF, 4]
    assert end.mr.read(LONG, RECV) == end.mr.read(LONG, WRITTEN) == data
    assert int.from_bytes(end.mr.read(8, WORD), "little") == 19
    assert peer.read_mr(mr, RECV, LONG) == data
    assert [int.from_bytes(peer.read_mr(mr, RESULTS + 8 * i, 8), "little") for i in range(2)] == [5, 12]


@both_families
def test_ud_goes_both_ways(lab: Lab, family: Family) -> None:
    peer, end = lab.peer, End(lab.context, QpType.UD)
    end.qp.start(qkey=QKEY)
    end.post_receives(1)
    mr, qp = peer.create_mr("m", 20_000), peer.create_qp("q", "UD")
    peer.connect(qp, PeerAddress("::"), sq_psn=GUEST_PSN, qkey=QKEY, own=family.theirs)
    peer.post_recv(qp, recv(1, mr.sge(0, 5000)))
    data = os.urandom(4096)
    source = MR(end.pd, data, AccessFlags(0))
    end.qp.post_send(SendWR(1, sg=[source.sge()], ah=AH(end.pd, family.path), remote_qpn=qp.qpn, remote_qkey=QKEY))
    end.completions(1)
    (got,) = peer.poll(qp.recv_cq)
    assert (got.status, got.byte_len, got.src_qpn) == ("SUCCESS", 40 + 4096, end.qp.qp_num)
    assert peer.read_mr(mr, 40, 4096) == data
    answer = peer.write_pattern(mr, 8192, 4096, seed=3)
    peer.create_ah("to", PeerAddress(gid_of(family.ours)), own=family.theirs)
    there = {"ah": "to", "remote_qpn": end.qp.qp_num, "remote_qkey": QKEY}
    peer.post_send(qp, send(2, "SEND_WITH_IMM", mr.sge(8192, 4096), imm=9, **there))
    (wc,) = end.completions(1)
    assert (wc.byte_len, wc.src_qp, wc.imm_data) == (40 + 4096, qp.qpn, 9)
    assert wc.wc_flags & WcFlags.GRH
    assert end.mr.read(4096, RECV + 40) == answer
    place = RECV + (40 - 8 if family is V4 else 8)
    assert GID.of(family.theirs).ip.packed == end.mr.read(len(GID.of(family.theirs).ip.packed), place)


def test_a_group_has_members_on_either_side(lab: Lab) -> None:
    """Linux's mckey is the guest's member: it joins by rdma_cm, which on RoCE means IGMP and a Q_Key of its own."""
    ours = QP(PD(lab.context), QPInitAttr(QpType.UD, CQ(lab.context), cap=QPCap(max_inline_data=64)))
    ours.start(qkey=RDMA_UDP_QKEY)
    ours.attach_mcast(GROUP)
    inbox = MR(ours.pd, 8 * 4096, AccessFlags.LOCAL_WRITE)
    ours.post_recv([RecvWR(i, [inbox.sge(4096 * i, 4096)]) for i in range(8)])
    options = ("mckey", "-m", GROUP, "-b", GUEST_IPV4, "-C", "4", "-S", "64")

    code, text = lab.peer.run(*options, "-s", timeout_s=30)
    assert code == 0, text
    received = [wc for wc in ours.recv_cq.poll(64) if wc.wc_flags & WcFlags.GRH]
    assert [wc.byte_len for wc in received] == [40 + 64] * 4
    destination = socket.inet_aton(GROUP)
    assert {inbox.read(40, 4096 * wc.wr_id)[36:40] for wc in received} == {destination}

    with ThreadPoolExecutor(1) as pool:
        member = pool.submit(lab.peer.run, *options, timeout_s=30)
        ah = AH(ours.pd, AHAttr(dgid=GID.of(GROUP)))
        request = SendWR(data=bytes(64), ah=ah, remote_qpn=MULTICAST_QPN, remote_qkey=RDMA_UDP_QKEY)
        while not member.done():  # it says nothing when it has joined
            ours.post_send(request)
            time.sleep(0.2)
            ours.send_cq.poll(64)
        code, text = member.result()
    assert code == 0, text


def test_rc_recovers_from_loss_on_the_link(lab: Lab) -> None:
    pair = Pair(lab, V4)
    end, peer, mr, qp = pair.end, lab.peer, pair.mr, pair.qp
    size = end.mr.length
    data = os.urandom(size)
    source = MR(end.pd, data, AccessFlags(0))
    lab.faults.set(Faults(loss=0.05, duplicate=0.02, reorder=0.02, seed=7))
    end.qp.post_send(SendWR(1, WrOpcode.RDMA_WRITE, [source.sge()], remote_addr=mr.addr, rkey=mr.rkey))
    end.completions(1, timeout_s=60)
    assert peer.read_mr(mr, 0, size) == data
    there = pattern(11, size)
    assert peer.write_pattern(mr, 0, size, seed=11) == there
    peer.post_send(qp, send(2, "RDMA_WRITE", mr.sge(), remote_addr=end.mr.addr, rkey=end.mr.rkey))
    (done,) = peer.poll(qp.send_cq, timeout_ms=30_000)
    assert done.status == "SUCCESS"
    assert end.mr.read() == there
    assert lab.faults.stats()["fault_dropped"] > 0


def test_linux_knows_us_by_arp_and_neighbour_discovery(lab: Lab) -> None:
    for family in (V4, V6):
        touch(lab, family)
        code, table = lab.peer.run("ip", "neigh", "show", "to", family.ours)
        assert code == 0
        assert lab.port.mac in table
    stats = lab.port.stats()
    assert stats["neigh_replies"] >= 2
    assert (stats["neigh_requests"] >= 2, stats["neigh_conflicts"], stats["neigh_malformed"]) == (True, 0, 0)
    assert lab.context.drops().get("bad_icrc", 0) == 0


def test_another_mac_address_behind_our_ip_is_ignored(lab: Lab) -> None:
    """The guest claims one of our addresses: it is counted, and traffic goes on."""
    before = lab.port.neighbour_stats()["conflicts"]
    code, said = lab.peer.run("ip", "addr", "add", f"{HOST_IPV4}/32", "dev", "eth0")
    assert code == 0, said
    try:
        code, said = lab.peer.run("busybox", "arping", "-U", "-c", "2", "-I", "eth0", HOST_IPV4)
        assert code == 0, said
    finally:
        assert lab.peer.run("ip", "addr", "del", f"{HOST_IPV4}/32", "dev", "eth0")[0] == 0
    assert lab.port.neighbour_stats()["conflicts"] > before
    touch(lab, V4)


def test_every_captured_packet_is_as_tshark_sees_it(lab: Lab, require_peer: Callable[..., None]) -> None:
    """Runs last: all that passed between the two, faults and retransmissions included."""
    require_peer("tshark")
    lab.capture.flush()
    assert dissect.check_capture(Path(lab.capture.path)) > 100
