"""Soft-RoCE in a guest answers as the tests of our own engine rely on.

    namespace --- tap --- guest: rxe_peer.py; QPs of the guest talk to one another,
                          or to a plain UDP socket of the namespace on port 4791

Not a test of our code but of the peer: a failure here explains all others.
Needs root and the lab's image (`make peers`).
"""

import ipaddress
import socket
import struct
import zlib
from collections.abc import Callable, Iterator

import pytest

from dpu_emu.lab.netns import Namespace
from tests.e2e.rxe import (
    GUEST_IPV4,
    GUEST_IPV6,
    HOST_IPV4,
    HOST_IPV6,
    LOCAL,
    PeerAddress,
    PeerCommandError,
    PeerQp,
    RxePeer,
    gid_of,
    recv,
    send,
)

ROCE_PORT = 4791
SEND_ONLY, ACKNOWLEDGE = 0x04, 0x11
# Linux, absent from Python 3.11's socket module.
IP_MTU_DISCOVER, IP_PMTUDISC_DO, SO_NO_CHECK = 10, 2, 11
UDP_NO_CHECK6_TX, UDP_NO_CHECK6_RX = 101, 102


@pytest.fixture(scope="module")
def space(require_peer: Callable[..., None]) -> Iterator[Namespace]:
    require_peer("guest", "qemu", "root")
    with Namespace.create("rxe-test") as made:
        yield made


@pytest.fixture(scope="module")
def booted(space: Namespace) -> Iterator[RxePeer]:
    with RxePeer(space) as peer:
        yield peer


@pytest.fixture
def peer(booted: RxePeer) -> Iterator[RxePeer]:
    yield booted
    booted.destroy_all()


def connected(peer: RxePeer, kind: str, own: str, mtu: int = 1024) -> tuple[PeerQp, PeerQp]:
    """Return two QPs of the guest, connected to one another across the PSN wrap."""
    a, b = peer.create_qp("a", kind), peer.create_qp("b", kind)
    gid = gid_of(own)
    peer.connect(a, PeerAddress(gid, b.qpn), sq_psn=0xFFFFFE, rq_psn=5, own=own, mtu=mtu)
    peer.connect(b, PeerAddress(gid, a.qpn), sq_psn=5, rq_psn=0xFFFFFE, own=own, mtu=mtu)
    return a, b


@pytest.mark.parametrize("own", [GUEST_IPV4, GUEST_IPV6])
def test_rc_operations_between_two_qps(peer: RxePeer, own: str) -> None:
    mr = peer.create_mr("m", 65536)
    data = peer.write_pattern(mr, 0, 20000, seed=7)
    a, b = connected(peer, "RC", own)
    word = {"remote_addr": mr.addr + 61000, "rkey": mr.rkey}
    peer.post_recv(b, recv(1, mr.sge(30000, 20000)), recv(2))
    peer.post_send(
        a,
        send(11, "SEND", mr.sge(0, 12000), mr.sge(12000, 8000)),
        send(12, "RDMA_WRITE_WITH_IMM", mr.sge(0, 100), imm=0xDEADBEEF, remote_addr=mr.addr + 60000, rkey=mr.rkey),
        send(13, "ATOMIC_CMP_AND_SWP", mr.sge(62000, 8), compare_add=0, swap=77, **word),
        send(14, "ATOMIC_FETCH_AND_ADD", mr.sge(62008, 8), compare_add=3, **word),
        send(15, "RDMA_READ", mr.sge(62016, 8), **word),
    )
    received = peer.poll(b.recv_cq, 2)
    assert [entry.opcode for entry in received] == ["RECV", "RECV_RDMA_WITH_IMM"]
    assert (received[0].byte_len, received[1].imm) == (20000, 0xDEADBEEF)
    sent = peer.poll(a.send_cq, 5)
    assert [(entry.wr_id, entry.status) for entry in sent] == [(wr_id, "SUCCESS") for wr_id in range(11, 16)]
    assert peer.read_mr(mr, 30000, 20000) == data
    assert peer.read_mr(mr, 60000, 100) == data[:100]
    words = [int.from_bytes(peer.read_mr(mr, 62000 + 8 * i, 8), "little") for i in range(3)]
    assert words == [0, 77, 80]


def test_uc_write_and_send(peer: RxePeer) -> None:
    mr = peer.create_mr("m", 16384)
    data = peer.write_pattern(mr, 0, 4000, seed=8)
    a, b = connected(peer, "UC", GUEST_IPV4)
    peer.post_recv(b, recv(1, mr.sge(8192, 4000)))
    peer.post_send(a, send(1, "RDMA_WRITE", mr.sge(0, 4000), remote_addr=mr.addr + 4096, rkey=mr.rkey))
    peer.post_send(a, send(2, "SEND", mr.sge(0, 4000)))
    assert [entry.status for entry in peer.poll(b.recv_cq)] == ["SUCCESS"]
    assert peer.read_mr(mr, 4096, 4000) == data
    assert peer.read_mr(mr, 8192, 4000) == data


def test_ud_send_delivers_a_grh(peer: RxePeer) -> None:
    mr = peer.create_mr("m", 4096)
    data = peer.write_pattern(mr, 0, 100, seed=9)
    a, b = peer.create_qp("a", "UD"), peer.create_qp("b", "UD")
    for qp in (a, b):
        peer.connect(qp, PeerAddress("::"), sq_psn=1, qkey=0x11111111)
    peer.create_ah("to", PeerAddress(gid_of(GUEST_IPV4)))
    peer.post_recv(b, recv(1, mr.sge(2048, 140)))
    there = {"ah": "to", "remote_qpn": b.qpn, "remote_qkey": 0x11111111}
    peer.post_send(a, send(2, "SEND_WITH_IMM", mr.sge(0, 100), imm=5, **there))
    [done] = peer.poll(b.recv_cq)
    assert (done.status, done.byte_len, done.src_qpn, done.imm) == ("SUCCESS", 140, a.qpn, 5)
    assert peer.read_mr(mr, 2048 + 40, 100) == data
    assert peer.read_mr(mr, 2048 + 20, 2) == b"\x45\x00"  # IPv4 header in the second half of the GRH


def test_a_wrong_rkey_fails_and_flushes(peer: RxePeer) -> None:
    mr = peer.create_mr("m", 4096)
    local = peer.create_mr("l", 4096, LOCAL)
    a, _ = connected(peer, "RC", GUEST_IPV4)
    peer.post_send(a, send(1, "RDMA_WRITE", mr.sge(0, 8), remote_addr=local.addr, rkey=local.rkey))
    peer.post_send(a, send(2, "SEND", mr.sge(0, 8)))
    assert [entry.status for entry in peer.poll(a.send_cq, 2)] == ["REM_ACCESS_ERR", "WR_FLUSH_ERR"]
    assert peer.qp_state(a) == "ERR"


def test_a_refused_command_carries_the_errno(peer: RxePeer) -> None:
    with pytest.raises(PeerCommandError) as refusal:
        peer.create_qp("q", "RC", max_send_sge=1000)
    assert refusal.value.errno == 22


def udp_socket(space: Namespace, address: str) -> socket.socket:
    """Return a socket on the namespace's RoCE port whose packets rxe takes, and that gets rxe's."""
    if ":" in address:
        made = space.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        made.setsockopt(socket.IPPROTO_UDP, UDP_NO_CHECK6_RX, 1)
    else:
        made = space.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # The IP id is under the ICRC: with DF an unconnected socket sends id 0.
        made.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    made.bind((address, ROCE_PORT))
    made.settimeout(10)
    return made


def sealed(source: str, destination: str, packet: bytes) -> bytes:
    """Return a BTH and payload with the ICRC of a packet between these addresses' RoCE ports (IBTA A17.4.8)."""
    udp_len = 8 + len(packet) + 4
    ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    if ":" in source:
        ip = struct.pack(">IHBB", 0x6FFFFFFF, udp_len, 17, 0xFF) + ends
    else:
        ip = struct.pack(">BBHHHBBH", 0x45, 0xFF, 20 + udp_len, 0, 0x4000, 0xFF, 17, 0xFFFF) + ends
    udp = struct.pack(">HHHH", ROCE_PORT, ROCE_PORT, udp_len, 0xFFFF)
    bth = packet[:4] + b"\xff" + packet[5:]
    return packet + struct.pack("<I", zlib.crc32(b"\xff" * 8 + ip + udp + bth))


@pytest.mark.parametrize(("mine", "theirs"), [(HOST_IPV4, GUEST_IPV4), (HOST_IPV6, GUEST_IPV6)])
def test_a_plain_udp_socket_gets_the_packets(peer: RxePeer, space: Namespace, mine: str, theirs: str) -> None:
    mr = peer.create_mr("m", 4096)
    with udp_socket(space, mine) as sock:
        qp = peer.create_qp("a", "RC")
        peer.connect(qp, PeerAddress(gid_of(mine), 0x1234), sq_psn=0xABCDEF, own=theirs, retry_cnt=0, timeout=10)
        peer.post_send(qp, send(1, "SEND", mr.sge(0, 20)))
        packet, source = sock.recvfrom(9000)
        assert source[0] == theirs
        assert (packet[0], packet[5:8], packet[9:12]) == (SEND_ONLY, b"\x00\x12\x34", b"\xab\xcd\xef")
        assert len(packet) == 12 + 20 + 4
        assert [entry.status for entry in peer.poll(qp.send_cq)] == ["RETRY_EXC_ERR"]


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize(("mine", "theirs"), [(HOST_IPV4, GUEST_IPV4), (HOST_IPV6, GUEST_IPV6)])
def test_rxe_takes_the_packets_of_a_plain_udp_socket(
    peer: RxePeer, space: Namespace, mine: str, theirs: str, checksum: bool
) -> None:
    mr = peer.create_mr("m", 4096)
    with udp_socket(space, mine) as sock:
        if not checksum and ":" in mine:
            sock.setsockopt(socket.IPPROTO_UDP, UDP_NO_CHECK6_TX, 1)
        elif not checksum:
            sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        qp = peer.create_qp("a", "RC")
        peer.connect(qp, PeerAddress(gid_of(mine), 0x1234), sq_psn=1, rq_psn=0x200, own=theirs)
        peer.post_recv(qp, recv(1, mr.sge(0, 64)))
        bth = struct.pack(">BBHII", SEND_ONLY, 0, 0xFFFF, qp.qpn, 0x8000_0200)
        sock.sendto(sealed(mine, theirs, bth + b"sixteen octets.."), (theirs, ROCE_PORT))
        [done] = peer.poll(qp.recv_cq)
        assert (done.status, done.byte_len) == ("SUCCESS", 16)
        assert peer.read_mr(mr, 0, 16) == b"sixteen octets.."
        answer = sock.recv(9000)
        assert (answer[0], answer[9:12], answer[12]) == (ACKNOWLEDGE, b"\x00\x02\x00", 0x1F)
