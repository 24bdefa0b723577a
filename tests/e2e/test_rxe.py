"""Linux's Soft-RoCE and our engine on a UDP socket talk to each other: every operation, both ways, data compared.

The stage and what a test of it may use is in :mod:`tests.e2e.ends`.
"""

import contextlib
import ipaddress
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from datapath.port import Direction
from dpu_emu.lab.netns import Namespace
from rdma_verbs import wire
from tests import captures, dissect
from tests.e2e.dpu import DpuPeer
from tests.e2e.ends import Ends, Stage, ends_of, exchange, statuses
from tests.e2e.rxe import (
    HOST_IPV4,
    HOST_IPV6,
    PeerAddress,
    gid_of,
    recv,
    send,
)

QKEY = 0x1234_5678


def sizes_of(mtu: int) -> list[int]:
    return [0, 1, 7, mtu - 1, mtu, mtu + 1, (64 << 10) + 3, 1 << 20]


RC_OPCODES = ["SEND", "SEND_WITH_IMM", "RDMA_WRITE", "RDMA_WRITE_WITH_IMM", "RDMA_READ"]


# The requester's PSNs wrap within the message of 64 KiB.
@pytest.mark.parametrize("mtu", [1024, 4096])
@pytest.mark.parametrize("opcode", RC_OPCODES)
def test_rc_of_every_size(ends: Ends, opcode: str, mtu: int) -> None:
    exchange(ends, "RC", opcode, sizes_of(mtu), mtu, seed=mtu + len(opcode))


@pytest.mark.parametrize("opcode", RC_OPCODES)
def test_rc_of_every_size_over_ipv6(ends6: Ends, opcode: str) -> None:
    exchange(ends6, "RC", opcode, sizes_of(1024), 1024, seed=len(opcode))


def atomics(ends: Ends) -> None:
    """Compare-and-swap that matches and that does not, fetch-and-add that wraps; over a PSN wrap."""
    qp, far = ends.connected("RC", psn=0xFFFFFE)
    mine, theirs = ends.requester.create_mr("m", 64), ends.responder.create_mr("m", 64)
    first, second = 0x0123_4567_89AB_CDEF, (1 << 64) - 3
    ends.responder.write_mr(theirs, 0, first.to_bytes(8, "little") + second.to_bytes(8, "little"))
    word = [{"remote_addr": theirs.addr + at, "rkey": theirs.rkey} for at in (0, 8)]
    ends.requester.post_send(
        qp,
        send(0, "ATOMIC_CMP_AND_SWP", mine.sge(0, 8), compare_add=first, swap=0xFEDC_BA98_7654_3210, **word[0]),
        send(1, "ATOMIC_CMP_AND_SWP", mine.sge(8, 8), compare_add=first, swap=5, **word[0]),
        send(2, "ATOMIC_FETCH_AND_ADD", mine.sge(16, 8), compare_add=10, **word[1]),
        send(3, "ATOMIC_FETCH_AND_ADD", mine.sge(24, 8), compare_add=1, **word[1]),
    )
    done = ends.requester.poll(qp.send_cq, 4)
    assert [(entry.status, entry.opcode) for entry in done] == [
        ("SUCCESS", name) for name in ("COMP_SWAP", "COMP_SWAP", "FETCH_ADD", "FETCH_ADD")
    ]
    got = ends.requester.read_mr(mine, 0, 32)
    before = [int.from_bytes(got[at : at + 8], "little") for at in range(0, 32, 8)]
    assert before == [first, 0xFEDC_BA98_7654_3210, second, 7]
    left = ends.responder.read_mr(theirs, 0, 16)
    assert [int.from_bytes(left[at : at + 8], "little") for at in (0, 8)] == [0xFEDC_BA98_7654_3210, 8]
    assert ends.responder.qp_state(far) == "RTS"


def test_rc_atomics(ends: Ends) -> None:
    atomics(ends)


def test_rc_atomics_over_ipv6(ends6: Ends) -> None:
    atomics(ends6)


# An unreliable message must fit the receiver's socket buffer, so: no 1 MiB, and one at a time.
@pytest.mark.parametrize("opcode", ["SEND", "SEND_WITH_IMM", "RDMA_WRITE", "RDMA_WRITE_WITH_IMM"])
def test_uc_of_every_size(ends: Ends, opcode: str) -> None:
    qp, far = ends.connected("UC")
    sizes = sizes_of(1024)[:-1]
    mine, theirs = ends.requester.create_mr("m", max(sizes)), ends.responder.create_mr("m", max(sizes))
    for i, size in enumerate(sizes):
        data = ends.requester.write_pattern(mine, 0, size, seed=i)
        fields: dict[str, Any] = {"imm": i} if opcode.endswith("WITH_IMM") else {}
        if opcode.startswith("RDMA"):
            fields |= {"remote_addr": theirs.addr, "rkey": theirs.rkey}
        # After a plain WRITE nothing tells that it came: an empty message behind it does, the order is kept.
        ends.responder.post_recv(far, recv(i, *([] if opcode.startswith("RDMA") else [theirs.sge(0, size)])))
        marker = [send(99, "SEND")] if opcode == "RDMA_WRITE" else []
        ends.requester.post_send(qp, send(i, opcode, mine.sge(0, size), **fields), *marker)
        assert statuses(ends.requester.poll(qp.send_cq, 1 + len(marker))) == ["SUCCESS"] * (1 + len(marker))
        [done] = ends.responder.poll(far.recv_cq)
        length = 0 if opcode == "RDMA_WRITE" else size
        assert (done.wr_id, done.status, done.byte_len) == (i, "SUCCESS", length)
        assert done.imm == (i if "imm" in fields else None)
        assert ends.responder.read_mr(theirs, 0, size) == data


def unreliable_datagrams(ends: Ends) -> Iterator[tuple[int, bytes]]:
    """Send datagrams of every size, with immediate and without, and yield each size and the receiver's 40 bytes."""
    qp, far = ends.requester.create_qp("q", "UD"), ends.responder.create_qp("q", "UD")
    ends.requester.connect(qp, PeerAddress("::"), sq_psn=0xFFFFFD, qkey=QKEY, own=ends.requester_ip)
    ends.responder.connect(far, PeerAddress("::"), sq_psn=1, qkey=QKEY, own=ends.responder_ip)
    there = PeerAddress(gid_of(ends.responder_ip), traffic_class=0x2E, hop_limit=33)
    ends.requester.create_ah("to", there, own=ends.requester_ip)
    mine, theirs = ends.requester.create_mr("m", 4096), ends.responder.create_mr("m", 4096 + 40)
    for i, size in enumerate([0, 1, 7, 1023, 1024, 1025, 4096]):
        fields: dict[str, Any] = {"ah": "to", "remote_qpn": far.qpn, "remote_qkey": QKEY}
        fields |= {"imm": 0xF00D_0000 + i} if i % 2 else {}
        data = ends.requester.write_pattern(mine, 0, size, seed=i)
        ends.responder.post_recv(far, recv(i, theirs.sge(0, size + 40)))
        opcode = "SEND_WITH_IMM" if i % 2 else "SEND"
        ends.requester.post_send(qp, send(i, opcode, mine.sge(0, size), **fields))
        assert statuses(ends.requester.poll(qp.send_cq)) == ["SUCCESS"]
        [done] = ends.responder.poll(far.recv_cq)
        assert (done.wr_id, done.status, done.byte_len, done.src_qpn) == (i, "SUCCESS", size + 40, qp.qpn)
        assert done.imm == fields.get("imm")
        assert done.wc_flags & 1, "the GRH is there"
        got = ends.responder.read_mr(theirs, 0, size + 40)
        assert got[40:] == data
        # DETH and the immediate, pad, ICRC
        yield 8 + 12 + 8 + 4 * (i % 2) + size + -size % 4 + 4, got[:40]


def test_ud_with_the_ipv4_header_in_front(ends: Ends) -> None:
    for udp_len, grh in unreliable_datagrams(ends):
        ip = grh[20:]
        assert ip[:2] == b"\x45\x2e"
        assert int.from_bytes(ip[2:4]) == 20 + udp_len
        assert (ip[6:8], ip[8], ip[9]) == (b"\x40\x00", ends.ttl, 17)
        assert (
            ip[12:] == ipaddress.ip_address(ends.requester_ip).packed + ipaddress.ip_address(ends.responder_ip).packed
        )
        total = sum(int.from_bytes(ip[at : at + 2]) for at in range(0, 20, 2))
        assert (total & 0xFFFF) + (total >> 16) == 0xFFFF, "a valid header checksum"
        if ends.responder is ends.ours:
            assert grh[:20] == bytes(20)


def test_ud_with_the_ipv6_header_in_front(ends6: Ends) -> None:
    for udp_len, grh in unreliable_datagrams(ends6):
        assert (grh[0] >> 4, (grh[0] & 15) << 4 | grh[1] >> 4) == (6, 0x2E)
        assert (int.from_bytes(grh[4:6]), grh[6], grh[7]) == (udp_len, 17, ends6.ttl)
        assert grh[8:24] == ipaddress.ip_address(ends6.requester_ip).packed
        assert grh[24:] == ipaddress.ip_address(ends6.responder_ip).packed


def test_a_receive_posted_late_is_waited_for(ends: Ends) -> None:
    """RNR NAKs (timer 20: 10 ms) until the receive is there; a burst of three messages."""
    qp, far = ends.connected("RC", min_rnr_timer=20)
    mine, theirs = ends.requester.create_mr("m", 12000), ends.responder.create_mr("m", 12000)
    data = ends.requester.write_pattern(mine, 0, 12000, seed=5)
    ends.requester.post_send(qp, *(send(i, "SEND", mine.sge(4000 * i, 4000)) for i in range(3)))
    for i in range(3):
        time.sleep(0.1)
        assert ends.requester.poll(qp.send_cq, 1, timeout_ms=0) == []
        ends.responder.post_recv(far, recv(i, theirs.sge(4000 * i, 4000)))
        [done] = ends.responder.poll(far.recv_cq)
        assert (done.wr_id, done.status, done.byte_len) == (i, "SUCCESS", 4000)
        assert statuses(ends.requester.poll(qp.send_cq)) == ["SUCCESS"]
    assert ends.responder.read_mr(theirs, 0, 12000) == data


def test_a_receive_never_posted_exhausts_rnr_retry(ends: Ends) -> None:
    qp, far = ends.connected("RC", min_rnr_timer=18, rnr_retry=2)
    mine = ends.requester.create_mr("m", 100)
    ends.requester.post_send(qp, send(1, "SEND", mine.sge()), send(2, "SEND", mine.sge()))
    assert statuses(ends.requester.poll(qp.send_cq, 2)) == ["RNR_RETRY_EXC_ERR", "WR_FLUSH_ERR"]
    assert (ends.requester.qp_state(qp), ends.responder.qp_state(far)) == ("ERR", "RTS")


@pytest.mark.parametrize("opcode", ["RDMA_WRITE", "RDMA_READ", "ATOMIC_FETCH_AND_ADD"])
@pytest.mark.parametrize("wrong", ["rkey", "bounds", "flags"])
def test_a_bad_remote_access_is_refused(ends: Ends, opcode: str, wrong: str) -> None:
    qp, far = ends.connected("RC")
    mine = ends.requester.create_mr("m", 4096)
    theirs = ends.responder.create_mr(
        "m",
        4096,
        ("LOCAL_WRITE",) if wrong == "flags" else ("LOCAL_WRITE", "REMOTE_WRITE", "REMOTE_READ", "REMOTE_ATOMIC"),
    )
    data = ends.responder.write_pattern(theirs, 0, 4096, seed=3)
    ends.responder.post_recv(far, recv(7, theirs.sge(0, 8)))
    atomic = opcode.startswith("ATOMIC")
    length = 8 if atomic else 2500
    place = {"rkey": theirs.rkey ^ (0x5A5A00 if wrong == "rkey" else 0)}
    place["remote_addr"] = theirs.addr + (4096 if atomic else 1597) * (wrong == "bounds")
    extra = {"compare_add": 1} if atomic else {}
    ends.requester.post_send(
        qp, send(1, opcode, mine.sge(0, length), **place, **extra), send(2, "SEND", mine.sge(0, 8))
    )
    assert statuses(ends.requester.poll(qp.send_cq, 2)) == ["REM_ACCESS_ERR", "WR_FLUSH_ERR"]
    assert statuses(ends.responder.poll(far.recv_cq)) == ["WR_FLUSH_ERR"]
    assert (ends.requester.qp_state(qp), ends.responder.qp_state(far)) == ("ERR", "ERR")
    assert ends.responder.read_mr(theirs, 0, 4096) == data


FAULTS = {
    "loss-1%": {"loss": 0.01},
    "loss-5%": {"loss": 0.05},
    # On receive only: a copy sent later has no place in a batch, whose identifications the ICRC covers.
    "mixed": {"duplicate": 0.05, "reorder": 0.05, "corrupt": 0.03, "loss": 0.03, "direction": Direction.RX},
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("opcode", ["SEND_WITH_IMM", "RDMA_WRITE", "RDMA_READ"])
def test_rc_recovers_from_faults(ends: Ends, opcode: str, faults: dict[str, Any]) -> None:
    """Our port loses packets of both directions, or disturbs what it receives; all is compared as ever."""
    before = ends.ours.stats()["outer"]
    ends.ours.faults(seed=len(opcode), **faults)
    try:
        exchange(ends, "RC", opcode, [1, 3000, 70000, 300000, *[500] * 80], 1024, seed=77, timeout=15)
    finally:
        ends.ours.faults()
    after = ends.ours.stats()["outer"]
    assert sum(after[name] - before[name] for name in after if name.startswith("fault_")) > 0


@contextlib.contextmanager
def tcpdump(space: Namespace, path: Path) -> Iterator[None]:
    """Capture the namespace's end of the tap, from before the block until after it."""
    argv = ["tcpdump", "-i", "rxe0", "-U", "-B", "16384", "-w", str(path), "udp", "port", str(wire.UDP_PORT)]
    with subprocess.Popen(space.command(argv), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            assert "listening" in process.stderr.readline()
            yield
            time.sleep(0.5)
        finally:
            process.send_signal(signal.SIGINT)


def comparable(ip: bytes) -> bytes:
    """A packet without what a UDP socket cannot know: the UDP checksum, and the flow label that the kernel makes up."""
    packet = bytearray(ip)
    udp = 20 if ip[0] >> 4 == 4 else 40
    packet[udp + 6 : udp + 8] = bytes(2)
    if udp == 40:
        packet[1:4] = bytes([ip[1] & 0xF0, 0, 0])
    return bytes(packet)


@pytest.mark.parametrize("family", [4, 6])
def test_our_capture_is_what_was_on_the_wire(
    stage: Stage, require_peer: Callable[..., None], tmp_path: Path, family: int
) -> None:
    """Our pcapng and tcpdump's hold the same packets; in ours every field is what tshark says, the ICRC scapy's."""
    require_peer("tcpdump", "tshark")
    mine, tap = tmp_path / "ours.pcapng", tmp_path / "tap.pcap"
    host = HOST_IPV4 if family == 4 else HOST_IPV6
    with tcpdump(stage.space, tap):
        with DpuPeer(stage.space, host, ["--capture", str(mine)]) as ours:
            for requester in ("ours", "rxe"):
                ends = ends_of(Stage(stage.space, stage.rxe, {family: ours}), requester, family)
                for opcode in RC_OPCODES:
                    exchange(ends, "RC", opcode, [0, 1, 7, 1023, 3000], 1024, seed=1, psn=0xFFFFFD)
                atomics(ends)
                ends.reset()
                for _ in unreliable_datagrams(ends):
                    pass
                ends.reset()
                test_a_receive_posted_late_is_waited_for(ends)
                ends.reset()
                test_a_bad_remote_access_is_refused(ends, "RDMA_WRITE", "rkey")
                ends.reset()
                # What we lose on purpose before the socket is in neither capture.
                ours.faults(loss=0.05, seed=3, direction=Direction.TX)
                exchange(ends, "RC", "RDMA_WRITE", [40000], 1024, seed=2, timeout=15)
                exchange(ends, "RC", "RDMA_READ", [40000], 1024, seed=2, timeout=15)
                ours.faults()
            time.sleep(0.3)
            assert ours.stats()["base"]["rx_overflow"] == 0
        # On a busy machine tcpdump comes later to what it has in its buffer.
        until = time.monotonic() + 10
        while len(captures.roce_packets(tap)) < len(captures.roce_packets(mine)) and time.monotonic() < until:
            time.sleep(0.2)
    seen, there = captures.roce_packets(mine), captures.roce_packets(tap)
    source = slice(12, 16) if family == 4 else slice(8, 24)
    own = ipaddress.ip_address(host).packed
    for ours_sent in (True, False):
        one = [comparable(ip) for ip in seen if (ip[source] == own) == ours_sent]
        other = [comparable(ip) for ip in there if (ip[source] == own) == ours_sent]
        assert len(one) == len(other) > 100
        assert one == other
    assert dissect.check_capture(mine) == len(seen)
    assert dissect.check_capture(tap) == len(there)
