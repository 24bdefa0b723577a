"""Every RC operation and UD sends between two live devices, verified: what tests of ports have in common."""

import os
import time
from dataclasses import dataclass

from rdma_verbs import (
    CQ,
    GID,
    MR,
    PD,
    QP,
    WC,
    AccessFlags,
    AHAttr,
    Context,
    QPCap,
    QPInitAttr,
    QpType,
    RecvWR,
    SendWR,
    WcOpcode,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.ah import AH

ALL = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ | AccessFlags.REMOTE_ATOMIC
QKEY = 0x22222222
REGION_BYTES = 300_000
# Where things lie in either side's region; received messages from RECV on, RECV_BYTES each.
WRITTEN, WRITTEN_IMM, WORD, RESULTS, RECV = 0, 70_000, 140_000, 140_016, 150_000
RECV_BYTES = 50_000
LONG = 33_333
"""Bytes of a message: several packets at any path MTU, and a last one that needs padding."""


@dataclass(frozen=True, slots=True)
class Region:
    """What a requester must know of the other side's region."""

    addr: int
    rkey: int


class End:
    """A device with one queue pair and one region."""

    def __init__(self, context: Context, qp_type: QpType = QpType.RC) -> None:
        self.context = context
        self.pd = PD(context)
        self.cq = CQ(context)
        self.qp = QP(self.pd, QPInitAttr(qp_type, self.cq, cap=QPCap(max_inline_data=64)))
        self.mr = MR(self.pd, REGION_BYTES, ALL)
        self._polled: list[WC] = []

    @property
    def region(self) -> Region:
        return Region(self.mr.addr, self.mr.rkey)

    def completions(self, count: int, timeout_s: float = 30) -> list[WC]:
        """The next ``count`` completions; all must be successful."""
        until = time.monotonic() + timeout_s
        while len(self._polled) < count:
            self._polled += self.cq.poll()
            if time.monotonic() > until:
                raise AssertionError(f"{self.context}: {len(self._polled)} completions of {count}: {self._polled}")
        done, self._polled = self._polled[:count], self._polled[count:]
        assert {wc.status for wc in done} == {WcStatus.SUCCESS}, done
        return done

    def post_receives(self, count: int = 2) -> None:
        """Receives with wr_id 0, 1, ... into the region."""
        for i in range(count):
            self.qp.post_recv(RecvWR(i, [self.mr.sge(RECV + i * RECV_BYTES, RECV_BYTES)]))


def request_all(end: End, to: Region) -> bytes:
    """Post every RC operation to the other side, which has posted three receives; returns the bytes that were sent.

    Its word at WORD must be 5; afterwards it is 19.
    """
    data = os.urandom(LONG)
    mr = MR(end.pd, data, AccessFlags(0))
    word = to.addr + WORD
    result = [[end.mr.sge(RESULTS + 8 * i, 8)] for i in range(2)]
    back = MR(end.pd, LONG, ALL)
    end.qp.post_send(
        [
            SendWR(1, WrOpcode.SEND, [mr.sge(0, 10_000), mr.sge(10_000)]),
            SendWR(2, WrOpcode.SEND_WITH_IMM, imm_data=0xDEADBEEF, data=b"inline"),
            SendWR(3, WrOpcode.RDMA_WRITE, [mr.sge()], remote_addr=to.addr + WRITTEN, rkey=to.rkey),
            SendWR(
                4,
                WrOpcode.RDMA_WRITE_WITH_IMM,
                [mr.sge()],
                imm_data=4,
                remote_addr=to.addr + WRITTEN_IMM,
                rkey=to.rkey,
            ),
            SendWR(5, WrOpcode.ATOMIC_CMP_AND_SWP, result[0], compare_add=5, swap=12, remote_addr=word, rkey=to.rkey),
            SendWR(6, WrOpcode.ATOMIC_FETCH_AND_ADD, result[1], compare_add=7, remote_addr=word, rkey=to.rkey),
            SendWR(7, WrOpcode.RDMA_READ, [back.sge()], remote_addr=to.addr + WRITTEN, rkey=to.rkey),
        ]
    )
    assert [wc.wr_id for wc in end.completions(7)] == [1, 2, 3, 4, 5, 6, 7]
    assert back.read() == data
    assert [int.from_bytes(end.mr.read(8, RESULTS + 8 * i), "little") for i in range(2)] == [5, 12]
    return data


def prepare_all(end: End) -> None:
    """Make a side ready for ``request_all`` of the other."""
    end.mr.write((5).to_bytes(8, "little"), WORD)
    end.post_receives(3)


def verify_all(end: End, data: bytes) -> None:
    """Check what ``request_all`` has done to this side."""
    done = end.completions(3)
    assert [(wc.wr_id, wc.byte_len) for wc in done] == [(0, LONG), (1, 6), (2, LONG)]
    assert [wc.opcode for wc in done] == [WcOpcode.RECV, WcOpcode.RECV, WcOpcode.RECV_RDMA_WITH_IMM]
    assert [wc.imm_data for wc in done[1:]] == [0xDEADBEEF, 4]
    for place in (WRITTEN, WRITTEN_IMM, RECV):
        assert end.mr.read(LONG, place) == data
    assert end.mr.read(6, RECV + RECV_BYTES) == b"inline"
    assert int.from_bytes(end.mr.read(8, WORD), "little") == 19


def rc_both_ways(a: End, b: End) -> None:
    """Connected ends: all RC operations from a to b, then from b to a."""
    for one, other in ((a, b), (b, a)):
        prepare_all(other)
        verify_all(other, request_all(one, other.region))


def ud_send(a: End, to: str | GID, qpn: int, data: bytes) -> None:
    """Send a datagram to a queue pair that takes QKEY, at an address."""
    mr = MR(a.pd, data, AccessFlags(0))
    ah = AH(a.pd, AHAttr(dgid=GID.of(to)))
    a.qp.post_send(SendWR(1, WrOpcode.SEND_WITH_IMM, [mr.sge()], imm_data=3, ah=ah, remote_qpn=qpn, remote_qkey=QKEY))
    a.completions(1)


def ud_both_ways(a: Context, b: Context) -> None:
    """A UD datagram of the largest size from a to b, then from b to a."""
    one, other = End(a, QpType.UD), End(b, QpType.UD)
    for end in (one, other):
        end.qp.start(qkey=QKEY)
    for source, target in ((one, other), (other, one)):
        target.post_receives(1)
        data = os.urandom(source.context.active_mtu.bytes)
        ud_send(source, target.context.gids[0], target.qp.qp_num, data)
        (wc,) = target.completions(1)
        assert (wc.byte_len, wc.src_qp, wc.imm_data) == (40 + len(data), source.qp.qp_num, 3)
        assert target.mr.read(len(data), RECV + 40) == data
        # IBTA A17.4.5.2: an IPv4 header takes the GRH's last 20 bytes.
        version = target.mr.read(1, RECV + (20 if source.context.gids[0].ip.version == 4 else 0))[0] >> 4
        assert version == source.context.gids[0].ip.version
