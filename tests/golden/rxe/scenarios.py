"""What is captured: one function per golden.

Each posts a handful of requests from guest ``a`` to guest ``b``, waits for the
completions it expects, and lets :mod:`tests.golden.rxe.capture` keep the packets.
Path MTU is 256 unless said otherwise, so that few bytes make First, Middle, Last.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.e2e.guest.commands import pattern
from tests.e2e.rxe import PeerMr, RxePeer, recv, send
from tests.golden.rxe.bench import Bench, Packet

OK = "SUCCESS"
FLUSHED = "WR_FLUSH_ERR"

# BTH opcodes that scenarios lose (IBTA vol 1, 9.2).
SEND_MIDDLE, READ_RESPONSE_MIDDLE, ACKNOWLEDGE, ATOMIC_ACKNOWLEDGE = 0x01, 0x0E, 0x11, 0x12
UC_SEND_MIDDLE = 0x21


@dataclass(frozen=True, slots=True)
class Scenario:
    """One golden: its name, what it holds, how it is made, and which packets the wire loses."""

    name: str
    what: str
    run: Callable[[Bench], None]
    lose: Callable[[Packet], bool]


#: Filled by the decorator, in the order of this file.
SCENARIOS: list[Scenario] = []


def never(_: Packet) -> bool:
    """Lose nothing."""
    return False


def all_from_b(packet: Packet) -> bool:
    """Lose all that the responder sends."""
    return not packet.from_a


def once(opcode: int) -> Callable[[Packet], bool]:
    """Lose each packet of this opcode the first time that its PSN passes."""
    return lambda packet: packet.opcode == opcode and packet.count == 0


def once_at(opcode: int, psn: int) -> Callable[[Packet], bool]:
    """Lose the packet of this opcode and PSN once."""
    return lambda packet: packet.opcode == opcode and packet.psn == psn and packet.count == 0


def scenario(lose: Callable[[Packet], bool] = never) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Enter a function into the table; its docstring says what the golden holds."""

    def enter(run: Callable[[Bench], None]) -> Callable[[Bench], None]:
        SCENARIOS.append(Scenario(run.__name__, run.__doc__ or "", run, lose))
        return run

    return enter


def regions(bench: Bench, length: int = 4096) -> tuple[PeerMr, PeerMr]:
    """Return a region at each end; that of ``a`` holds pattern 1."""
    one, two = bench.a.create_mr("m", length), bench.b.create_mr("m", length)
    bench.a.write_pattern(one, 0, length, seed=1)
    return one, two


def same(bench: Bench, mr: PeerMr, length: int, offset: int = 0, source: int = 0) -> None:
    """Check that ``b`` holds what ``a`` sent from offset ``source``."""
    assert bench.b.read_mr(mr, offset, length) == pattern(1, 4096)[source : source + length]


@scenario()
def rc_cas(bench: Bench) -> None:
    """Compare-and-swap that matches, one that does not, fetch-and-add."""
    one, two = regions(bench)
    q, _ = bench.pair("RC")
    bench.b.write_mr(two, 64, (5).to_bytes(8, "little"))
    there = {"remote_addr": two.addr + 64, "rkey": two.rkey}
    bench.a.post_send(q, send(1, "ATOMIC_CMP_AND_SWP", one.sge(0, 8), compare_add=5, swap=0x0123456789ABCDEF, **there))
    bench.a.post_send(q, send(2, "ATOMIC_CMP_AND_SWP", one.sge(8, 8), compare_add=5, swap=7, **there))
    bench.a.post_send(q, send(3, "ATOMIC_FETCH_AND_ADD", one.sge(16, 8), compare_add=1, **there))
    bench.expect("a", q.send_cq, OK, OK, OK)
    assert bench.b.read_mr(two, 64, 8) == (0x0123456789ABCDF0).to_bytes(8, "little")


@scenario()
def rc_send_imm(bench: Bench) -> None:
    """SEND_ONLY_IMM; SEND_FIRST to SEND_LAST_IMM with the solicited bit."""
    one, two = regions(bench)
    q, r = bench.pair("RC")
    bench.b.post_recv(r, recv(1, two.sge(0, 1024)), recv(2, two.sge(1024, 1024)))
    bench.a.post_send(q, send(1, "SEND_WITH_IMM", one.sge(0, 100), imm=0xCAFE0001))
    bench.a.post_send(q, send(2, "SEND_WITH_IMM", one.sge(0, 700), imm=0xCAFE0002, flags=["SIGNALED", "SOLICITED"]))
    bench.expect("a", q.send_cq, OK, OK)
    done = bench.expect("b", r.recv_cq, OK, OK)
    assert [entry.imm for entry in done] == [0xCAFE0001, 0xCAFE0002]
    same(bench, two, 700, offset=1024)


@scenario()
def rc_write_imm(bench: Bench) -> None:
    """WRITE_ONLY_IMM; WRITE_FIRST to WRITE_LAST_IMM."""
    one, two = regions(bench)
    q, r = bench.pair("RC")
    bench.b.post_recv(r, recv(1), recv(2))
    there = {"remote_addr": two.addr, "rkey": two.rkey}
    bench.a.post_send(q, send(1, "RDMA_WRITE_WITH_IMM", one.sge(0, 100), imm=0xCAFE0003, **there))
    bench.a.post_send(q, send(2, "RDMA_WRITE_WITH_IMM", one.sge(0, 700), imm=0xCAFE0004, **there))
    bench.expect("a", q.send_cq, OK, OK)
    bench.expect("b", r.recv_cq, OK, OK)
    same(bench, two, 700)


@scenario()
def rc_pad(bench: Bench) -> None:
    """Send 1, 2, 3, 4, 5, 255, 256 and 257 bytes: every pad count."""
    one, two = regions(bench)
    q, r = bench.pair("RC")
    lengths = (1, 2, 3, 4, 5, 255, 256, 257)
    for wr_id, length in enumerate(lengths):
        bench.b.post_recv(r, recv(wr_id, two.sge(0, 512)))
        bench.a.post_send(q, send(wr_id, "SEND", one.sge(wr_id, length)))
    bench.expect("a", q.send_cq, *[OK] * len(lengths))
    done = bench.expect("b", r.recv_cq, *[OK] * len(lengths))
    assert [entry.byte_len for entry in done] == list(lengths)


@scenario()
def rc_zero_length(bench: Bench) -> None:
    """SEND, SEND_IMM, WRITE, WRITE_IMM and READ of no bytes."""
    one, two = regions(bench)
    q, r = bench.pair("RC")
    bench.b.post_recv(r, *[recv(wr_id, two.sge(0, 64)) for wr_id in range(3)])
    there = {"remote_addr": 0, "rkey": 0}
    bench.a.post_send(q, send(1, "SEND"), send(2, "SEND_WITH_IMM", imm=1), send(3, "RDMA_WRITE", **there))
    bench.a.post_send(q, send(4, "RDMA_WRITE_WITH_IMM", imm=2, **there))
    bench.a.post_send(q, send(5, "RDMA_READ", one.sge(0, 0), remote_addr=two.addr, rkey=two.rkey))
    bench.expect("a", q.send_cq, OK, OK, OK, OK, OK)
    bench.expect("b", r.recv_cq, OK, OK, OK)


@scenario()
def rc_psn_wrap(bench: Bench) -> None:
    """WRITE and SENDs of both ends whose PSNs pass 2^24."""
    one, two = regions(bench)
    q, r = bench.pair("RC", psn_a=0xFFFFFD, psn_b=0xFFFFFF)
    there = {"remote_addr": two.addr + 2048, "rkey": two.rkey}
    bench.b.post_recv(r, recv(1, two.sge(0, 2048)))
    bench.a.post_send(q, send(1, "RDMA_WRITE", one.sge(0, 300), **there), send(2, "SEND", one.sge(0, 1000)))
    bench.expect("a", q.send_cq, OK, OK)
    bench.expect("b", r.recv_cq, OK)
    same(bench, two, 1000)
    bench.a.post_recv(q, recv(3, one.sge(2048, 1024)))
    bench.b.post_send(r, send(3, "SEND", two.sge(0, 600)))
    bench.expect("b", r.send_cq, OK)
    bench.expect("a", q.recv_cq, OK)


@scenario()
def rc_read_psn_wrap(bench: Bench) -> None:
    """READ whose response PSNs pass 2^24."""
    one, two = regions(bench)
    q, _ = bench.pair("RC", psn_a=0xFFFFFE)
    bench.b.write_pattern(two, 0, 1000, seed=2)
    bench.a.post_send(q, send(1, "RDMA_READ", one.sge(0, 1000), remote_addr=two.addr, rkey=two.rkey))
    bench.a.post_send(q, send(2, "RDMA_READ", one.sge(1000, 10), remote_addr=two.addr, rkey=two.rkey))
    bench.expect("a", q.send_cq, OK, OK)
    assert bench.a.read_mr(one, 0, 1000) == pattern(2, 1000)


@scenario()
def rc_send_inv(bench: Bench) -> None:
    """WRITE to a type 2 window, SEND with invalidate of it, WRITE refused."""
    one, _ = regions(bench)
    q, r = bench.pair("RC", create={"bind_mw": True})
    two = bench.b.create_mr("w", 4096, ("LOCAL_WRITE", "MW_BIND", "REMOTE_WRITE"))
    old = bench.b.create_mw("mw", 2)
    rkey = old & ~0xFF | (old + 1) & 0xFF
    bench.b.bind_mw(r, 1, "mw", two.sge(0, 1024), ["REMOTE_WRITE"], rkey)
    bench.expect("b", r.send_cq, OK)
    bench.b.post_recv(r, recv(2, two.sge(2048, 512)))
    bench.a.post_send(q, send(3, "RDMA_WRITE", one.sge(0, 300), remote_addr=two.addr, rkey=rkey))
    bench.a.post_send(q, send(4, "SEND_WITH_INV", one.sge(0, 500), invalidate_rkey=rkey))
    bench.expect("a", q.send_cq, OK, OK)
    bench.expect("b", r.recv_cq, OK)
    bench.a.post_send(q, send(5, "RDMA_WRITE", one.sge(0, 10), remote_addr=two.addr, rkey=rkey))
    bench.expect("a", q.send_cq, "REM_ACCESS_ERR")


@scenario(once_at(SEND_MIDDLE, 0x101))
def rc_nak_seq(bench: Bench) -> None:
    """Lose the first SEND_MIDDLE: NAK sequence error, go-back-N."""
    one, two = regions(bench)
    q, r = bench.pair("RC", timeout=18)
    bench.b.post_recv(r, *[recv(wr_id, two.sge(0, 1024)) for wr_id in range(2)])
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 1000)), send(2, "SEND", one.sge(0, 100)))
    bench.expect("a", q.send_cq, OK, OK)
    bench.expect("b", r.recv_cq, OK, OK)


def failing_write(bench: Bench, status: str, two: PeerMr, **fields: Any) -> None:
    """Post a write that fails and a send after it that is flushed."""
    one = bench.a.create_mr("x", 4096)
    q, _ = bench.pair("RC", **fields.pop("pair", {}))
    there = {"remote_addr": two.addr, "rkey": two.rkey, **fields}
    bench.a.post_send(q, send(1, "RDMA_WRITE", one.sge(0, 300), **there), send(2, "SEND", one.sge(0, 10)))
    bench.expect("a", q.send_cq, status, FLUSHED)


@scenario()
def rc_nak_access_rkey(bench: Bench) -> None:
    """WRITE with a wrong rkey: NAK remote access error."""
    _, two = regions(bench)
    failing_write(bench, "REM_ACCESS_ERR", two, rkey=two.rkey ^ 0x01)


@scenario()
def rc_nak_access_bounds(bench: Bench) -> None:
    """READ one byte past the region: NAK remote access error."""
    one, two = regions(bench)
    q, _ = bench.pair("RC")
    bench.a.post_send(q, send(1, "RDMA_READ", one.sge(0, 64), remote_addr=two.addr + two.length - 63, rkey=two.rkey))
    bench.expect("a", q.send_cq, "REM_ACCESS_ERR")


@scenario()
def rc_nak_access_flags(bench: Bench) -> None:
    """WRITE to a read-only region: NAK remote access error."""
    two = bench.b.create_mr("r", 4096, ("REMOTE_READ",))
    failing_write(bench, "REM_ACCESS_ERR", two)


@scenario()
def rc_nak_invalid_request(bench: Bench) -> None:
    """WRITE to a QP without REMOTE_WRITE."""
    _, two = regions(bench)
    failing_write(bench, "REM_INV_REQ_ERR", two, pair={"access_b": ("REMOTE_READ",)})


@scenario()
def rc_nak_length(bench: Bench) -> None:
    """SEND longer than the receive."""
    one, two = regions(bench)
    q, r = bench.pair("RC")
    bench.b.post_recv(r, recv(1, two.sge(0, 100)))
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 200)))
    bench.expect("a", q.send_cq, "REM_OP_ERR")
    bench.expect("b", r.recv_cq, "LOC_QP_OP_ERR")


@scenario()
def rc_nak_remote_op(bench: Bench) -> None:
    """SEND into a receive with a wrong lkey."""
    one, two = regions(bench)
    q, r = bench.pair("RC")
    bench.b.post_recv(r, recv(1, two.sge(0, 1024, lkey=two.lkey ^ 0x01)))
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 200)))
    bench.expect("a", q.send_cq, "REM_OP_ERR")
    bench.expect("b", r.recv_cq, "LOC_QP_OP_ERR")


@scenario()
def rc_rnr(bench: Bench) -> None:
    """SEND before the receive is posted: RNR NAK (timer 26), then resent."""
    one, two = regions(bench)
    q, r = bench.pair("RC", min_rnr_timer=26, timeout=20)  # 26: 81.92 ms
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 600)))
    time.sleep(0.04)
    bench.b.post_recv(r, recv(1, two.sge(0, 1024)))
    bench.expect("a", q.send_cq, OK)
    bench.expect("b", r.recv_cq, OK)
    same(bench, two, 600)


@scenario()
def rc_rnr_exhausted(bench: Bench) -> None:
    """No receive is posted, rnr_retry 2."""
    one, _ = regions(bench)
    q, _ = bench.pair("RC", min_rnr_timer=22, rnr_retry=2, timeout=20)  # 22: 20.48 ms
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 100)), send(2, "SEND", one.sge(0, 10)))
    bench.expect("a", q.send_cq, "RNR_RETRY_EXC_ERR", FLUSHED)


@scenario(all_from_b)
def rc_retry_exhausted(bench: Bench) -> None:
    """READ whose responses are all lost, retry_cnt 2."""
    one, two = regions(bench)
    q, _ = bench.pair("RC", retry_cnt=2, timeout=14)  # 14: 67.1 ms
    there = {"remote_addr": two.addr, "rkey": two.rkey}
    bench.a.post_send(q, send(1, "RDMA_READ", one.sge(0, 100), **there), send(2, "RDMA_WRITE", one.sge(0, 10), **there))
    bench.expect("a", q.send_cq, "RETRY_EXC_ERR", FLUSHED)


@scenario(once(ACKNOWLEDGE))
def rc_dup_send(bench: Bench) -> None:
    """Lose the ACK of a SEND: duplicates are acknowledged."""
    one, two = regions(bench)
    q, r = bench.pair("RC")
    bench.b.post_recv(r, recv(1, two.sge(0, 1024)))
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 600)))
    bench.expect("a", q.send_cq, OK)
    bench.expect("b", r.recv_cq, OK)


@scenario(once(ATOMIC_ACKNOWLEDGE))
def rc_dup_atomic(bench: Bench) -> None:
    """Lose an ATOMIC_ACK: it is replayed, the memory changes once."""
    one, two = regions(bench)
    q, _ = bench.pair("RC")
    there = {"remote_addr": two.addr, "rkey": two.rkey}
    bench.a.post_send(q, send(1, "ATOMIC_FETCH_AND_ADD", one.sge(0, 8), compare_add=3, **there))
    bench.expect("a", q.send_cq, OK)
    assert bench.b.read_mr(two, 0, 8) == (3).to_bytes(8, "little")


@scenario(once_at(READ_RESPONSE_MIDDLE, 0x102))
def rc_dup_read(bench: Bench) -> None:
    """Lose a READ_RESP_MIDDLE: the rest is read again from there."""
    one, two = regions(bench)
    q, _ = bench.pair("RC")
    bench.b.write_pattern(two, 0, 1000, seed=2)
    bench.a.post_send(q, send(1, "RDMA_READ", one.sge(0, 1000), remote_addr=two.addr, rkey=two.rkey))
    bench.expect("a", q.send_cq, OK)
    assert bench.a.read_mr(one, 0, 1000) == pattern(2, 1000)


@scenario()
def rc_mtu_1024(bench: Bench) -> None:
    """SEND, WRITE and READ at path MTU 1024."""
    one, two = regions(bench)
    q, r = bench.pair("RC", mtu=1024)
    there = {"remote_addr": two.addr, "rkey": two.rkey}
    bench.b.post_recv(r, recv(1, two.sge(0, 4096)))
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 1500)), send(2, "RDMA_WRITE", one.sge(0, 2049), **there))
    bench.a.post_send(q, send(3, "RDMA_READ", one.sge(0, 3000), **there))
    bench.expect("a", q.send_cq, OK, OK, OK)
    bench.expect("b", r.recv_cq, OK)


@scenario()
def uc_write(bench: Bench) -> None:
    """UC WRITE and WRITE_IMM, single and multi-packet."""
    one, two = regions(bench)
    q, r = bench.pair("UC")
    bench.b.post_recv(r, recv(1), recv(2))
    there = {"remote_addr": two.addr, "rkey": two.rkey}
    bench.a.post_send(q, send(1, "RDMA_WRITE", one.sge(0, 100), **there))
    bench.a.post_send(q, send(2, "RDMA_WRITE", one.sge(0, 900), **there))
    bench.a.post_send(q, send(3, "RDMA_WRITE_WITH_IMM", one.sge(0, 64), imm=0xCAFE0005, **there))
    bench.a.post_send(q, send(4, "RDMA_WRITE_WITH_IMM", one.sge(0, 600), imm=0xCAFE0006, **there))
    bench.expect("a", q.send_cq, OK, OK, OK, OK)
    bench.expect("b", r.recv_cq, OK, OK)
    same(bench, two, 900)


@scenario()
def uc_send_imm(bench: Bench) -> None:
    """UC SEND_IMM, PSNs pass 2^24."""
    one, two = regions(bench)
    q, r = bench.pair("UC", psn_a=0xFFFFFE)
    bench.b.post_recv(r, recv(1, two.sge(0, 1024)), recv(2, two.sge(1024, 1024)))
    bench.a.post_send(q, send(1, "SEND_WITH_IMM", one.sge(0, 100), imm=0xCAFE0007))
    bench.a.post_send(q, send(2, "SEND_WITH_IMM", one.sge(0, 700), imm=0xCAFE0008))
    bench.expect("a", q.send_cq, OK, OK)
    bench.expect("b", r.recv_cq, OK, OK)


@scenario(once_at(UC_SEND_MIDDLE, 0x102))
def uc_loss(bench: Bench) -> None:
    """Lose a UC SEND_MIDDLE: rxe delivers neither that message nor the next, but those after."""
    one, two = regions(bench)
    q, r = bench.pair("UC")
    bench.b.post_recv(r, *[recv(wr_id, two.sge(wr_id * 1024, 1024)) for wr_id in range(4)])
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 1000)), send(2, "SEND", one.sge(100, 100)))
    bench.a.post_send(q, send(3, "SEND", one.sge(0, 700)), send(4, "SEND", one.sge(0, 300)))
    bench.expect("a", q.send_cq, OK, OK, OK, OK)
    # rxe loses the message after the broken one too, and then recovers.
    done = bench.expect("b", r.recv_cq, OK, OK)
    assert [entry.byte_len for entry in done] == [700, 300]


@scenario()
def ud_imm(bench: Bench) -> None:
    """UD SEND_IMM of 101 and 0 bytes, SEND of 300."""
    one, two = regions(bench)
    q, r = bench.datagram_pair()
    bench.b.post_recv(r, *[recv(wr_id, two.sge(wr_id * 1024, 1024)) for wr_id in range(3)])
    there = {"ah": "to_b", "remote_qpn": r.qpn, "remote_qkey": 0x11223344}
    bench.a.post_send(q, send(1, "SEND_WITH_IMM", one.sge(0, 101), imm=0xCAFE0009, **there))
    bench.a.post_send(q, send(2, "SEND_WITH_IMM", imm=0xCAFE000A, **there))
    bench.a.post_send(q, send(3, "SEND", one.sge(0, 300), **there))
    bench.expect("a", q.send_cq, OK, OK, OK)
    bench.expect("b", r.recv_cq, OK, OK, OK)
    bench.outcome["b.grh"] = bench.b.read_mr(two, 0, 40).hex()


@scenario()
def ud_bad_qkey(bench: Bench) -> None:
    """UD SEND with a wrong Q_Key (dropped), then one with the right."""
    one, two = regions(bench)
    q, r = bench.datagram_pair()
    bench.b.post_recv(r, recv(1, two.sge(0, 1024)))
    there = {"ah": "to_b", "remote_qpn": r.qpn}
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 16), remote_qkey=0x11223345, **there))
    bench.a.post_send(q, send(2, "SEND", one.sge(0, 32), remote_qkey=0x11223344, **there))
    bench.expect("a", q.send_cq, OK, OK)
    assert bench.expect("b", r.recv_cq, OK)[0].byte_len == 40 + 32


@scenario()
def ipv6_rc(bench: Bench) -> None:
    """RC over IPv6: SEND, WRITE, READ, fetch-and-add, NAK remote access error."""
    one, two = regions(bench)
    q, r = bench.pair("RC", ipv6=True)
    there = {"remote_addr": two.addr, "rkey": two.rkey}
    bench.b.post_recv(r, recv(1, two.sge(2048, 1024)))
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 700)), send(2, "RDMA_WRITE", one.sge(0, 601), **there))
    bench.a.post_send(q, send(3, "RDMA_READ", one.sge(2048, 600), **there))
    bench.a.post_send(q, send(4, "ATOMIC_FETCH_AND_ADD", one.sge(0, 8), compare_add=1, **there))
    bench.a.post_send(q, send(5, "RDMA_WRITE", one.sge(0, 5), **{**there, "rkey": two.rkey ^ 0x01}))
    bench.expect("a", q.send_cq, OK, OK, OK, OK, "REM_ACCESS_ERR")
    bench.expect("b", r.recv_cq, OK)


@scenario()
def ipv6_uc(bench: Bench) -> None:
    """UC over IPv6: WRITE, SEND."""
    one, two = regions(bench)
    q, r = bench.pair("UC", ipv6=True)
    bench.b.post_recv(r, recv(1, two.sge(2048, 1024)))
    there = {"remote_addr": two.addr, "rkey": two.rkey}
    bench.a.post_send(q, send(1, "RDMA_WRITE", one.sge(0, 601), **there), send(2, "SEND", one.sge(0, 7)))
    bench.expect("a", q.send_cq, OK, OK)
    bench.expect("b", r.recv_cq, OK)


@scenario()
def ipv6_ud(bench: Bench) -> None:
    """UD over IPv6: SEND, SEND_IMM."""
    one, two = regions(bench)
    q, r = bench.datagram_pair(ipv6=True)
    bench.b.post_recv(r, *[recv(wr_id, two.sge(wr_id * 1024, 1024)) for wr_id in range(2)])
    there = {"ah": "to_b", "remote_qpn": r.qpn, "remote_qkey": 0x11223344}
    bench.a.post_send(q, send(1, "SEND", one.sge(0, 300), **there))
    bench.a.post_send(q, send(2, "SEND_WITH_IMM", one.sge(0, 1), imm=0xCAFE000B, **there))
    bench.expect("a", q.send_cq, OK, OK)
    bench.expect("b", r.recv_cq, OK, OK)
    bench.outcome["b.grh"] = bench.b.read_mr(two, 0, 40).hex()


@scenario()
def ud_multicast(bench: Bench) -> None:
    """Four UD SENDs to the multicast group 239.1.2.3, by mckey."""

    # mckey joins by rdma_cm: on RoCE that is IGMP and a fixed Q_Key, without a subnet manager.
    def receive() -> None:
        bench.outcome["b.mckey"] = mckey(bench.b, "10.78.0.3")

    receiver = threading.Thread(target=receive)
    receiver.start()
    time.sleep(3)
    bench.outcome["a.mckey"] = mckey(bench.a, "10.78.0.2", "-s")
    receiver.join()
    if bench.outcome["a.mckey"] or bench.outcome["b.mckey"]:
        raise AssertionError("mckey failed")


def mckey(peer: RxePeer, address: str, *options: str) -> int:
    """Exchange four datagrams of 64 bytes in a group; return mckey's exit code."""
    code, text = peer.run("mckey", "-m", "239.1.2.3", "-b", address, "-C", "4", "-S", "64", *options, timeout_s=30)
    if code:
        print(text)
    return code
