"""Memory windows and invalidation between Soft-RoCE and us: the windows of either opened to the other, and taken back.

The stage is that of :mod:`tests.e2e.ends`. The responder binds a window of its own region; the region itself gives no
remote right, so that whatever passes passes by the window.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.ends import Ends, Stage, ends_of, statuses
from tests.e2e.rxe import PeerMr, PeerQp, recv, send

REGION = ("LOCAL_WRITE", "MW_BIND")
BOTH = ("REMOTE_WRITE", "REMOTE_READ")
SIZE, START, LENGTH = 16384, 1000, 9000  # of the region; of the window in it


@dataclass(frozen=True)
class Opened:
    """A connection, and a window that the responder has bound for it."""

    ends: Ends
    qp: PeerQp
    far: PeerQp
    mine: PeerMr
    theirs: PeerMr
    rkey: int

    def access(self, opcode: str, *, rkey: int | None = None, at: int = START, length: int = LENGTH) -> str:
        """One RDMA WRITE or READ of a range of the responder's region; return how it ended."""
        key = self.rkey if rkey is None else rkey
        there = {"remote_addr": self.theirs.addr + at, "rkey": key}
        self.ends.requester.post_send(self.qp, send(1, opcode, self.mine.sge(0, length), **there))
        return self.ends.requester.poll(self.qp.send_cq)[0].status

    def works(self, rkey: int | None = None, at: int = START) -> None:
        """The whole window is written and read, every byte compared."""
        ends = self.ends
        data = ends.requester.write_pattern(self.mine, 0, LENGTH, seed=at)
        assert self.access("RDMA_WRITE", rkey=rkey, at=at) == "SUCCESS"
        assert ends.responder.read_mr(self.theirs, at, LENGTH) == data
        data = ends.responder.write_pattern(self.theirs, at, LENGTH, seed=at + 1)
        assert self.access("RDMA_READ", rkey=rkey, at=at) == "SUCCESS"
        assert ends.requester.read_mr(self.mine, 0, LENGTH) == data

    def refused(self, opcode: str, *, rkey: int | None = None, at: int = START, length: int = LENGTH) -> None:
        """Access ends in an error on both sides, and moves nothing."""
        ends = self.ends
        mine, theirs = ends.requester.read_mr(self.mine, 0, SIZE), ends.responder.read_mr(self.theirs, 0, SIZE)
        assert self.access(opcode, rkey=rkey, at=at, length=length) == "REM_ACCESS_ERR"
        assert (ends.requester.qp_state(self.qp), ends.responder.qp_state(self.far)) == ("ERR", "ERR")
        assert ends.requester.read_mr(self.mine, 0, SIZE) == mine
        assert ends.responder.read_mr(self.theirs, 0, SIZE) == theirs

    def invalidate(self, wr_id: int = 5) -> None:
        """The responder itself takes the window back."""
        ends = self.ends
        ends.responder.post_send(self.far, send(wr_id, "LOCAL_INV", invalidate_rkey=self.rkey))
        [done] = ends.responder.poll(self.far.send_cq)
        assert (done.wr_id, done.status, done.opcode) == (wr_id, "SUCCESS", "LOCAL_INV")


@pytest.fixture
def rxe_requests(stage: Stage) -> Iterator[Ends]:
    """The window is ours."""
    made = ends_of(stage, "rxe", 4)
    yield made
    made.reset()


def opened(ends: Ends, kind: int = 2, access: tuple[str, ...] = BOTH) -> Opened:
    qp, far = ends.connected("RC", far={"bind_mw": kind == 2})
    mine, theirs = ends.requester.create_mr("m", SIZE), ends.responder.create_mr("m", SIZE, REGION)
    first = ends.responder.create_mw("w", kind)
    rkey = (first & ~0xFF | (first + 7) & 0xFF) if kind == 2 else None
    given = ends.responder.bind_mw(far, 3, "w", theirs.sge(START, LENGTH), access, rkey)
    assert given != first
    [done] = ends.responder.poll(far.send_cq)
    assert (done.wr_id, done.status, done.opcode) == (3, "SUCCESS", "BIND_MW")
    return Opened(ends, qp, far, mine, theirs, given)


@pytest.mark.parametrize("size", [0, 700, 5000])
def test_the_peer_takes_a_window_back_by_a_send(ends: Ends, size: int) -> None:
    """SEND_ONLY and SEND_LAST with invalidate: the receiver's completion names the key, which opens nothing more."""
    to = opened(ends)
    to.works()
    data = ends.requester.write_pattern(to.mine, 0, size, seed=9)
    ends.responder.post_recv(to.far, recv(20, to.theirs.sge(0, size)))
    ends.requester.post_send(to.qp, send(4, "SEND_WITH_INV", to.mine.sge(0, size), invalidate_rkey=to.rkey))
    assert statuses(ends.requester.poll(to.qp.send_cq)) == ["SUCCESS"]
    [done] = ends.responder.poll(to.far.recv_cq)
    assert (done.wr_id, done.status, done.opcode, done.byte_len) == (20, "SUCCESS", "RECV", size)
    assert (done.invalidated_rkey, done.imm) == (to.rkey, None)
    assert ends.responder.read_mr(to.theirs, 0, size) == data
    to.refused("RDMA_WRITE")


def test_our_window_taken_back_may_be_bound_again(rxe_requests: Ends) -> None:
    """Of ours only: librxe wants the application to note a type 2 window's new key, and pyverbs cannot."""
    to, ends = opened(rxe_requests), rxe_requests
    to.invalidate()
    rkey = to.rkey & ~0xFF | (to.rkey + 1) & 0xFF
    ends.responder.bind_mw(to.far, 6, "w", to.theirs.sge(5000, LENGTH), BOTH, rkey)
    assert statuses(ends.responder.poll(to.far.send_cq)) == ["SUCCESS"]
    to.works(rkey, at=5000)
    to.refused("RDMA_READ", length=100)


@pytest.mark.parametrize("opcode", ["RDMA_WRITE", "RDMA_READ"])
def test_the_owner_takes_a_window_back(ends: Ends, opcode: str) -> None:
    to = opened(ends)
    to.works()
    to.invalidate()
    to.refused(opcode)


def test_a_window_gives_no_more_than_it_was_bound_for(ends: Ends) -> None:
    opened(ends, access=("REMOTE_READ",)).refused("RDMA_WRITE", length=8)
    ends.reset()
    to = opened(ends)
    to.refused("RDMA_READ", rkey=to.theirs.rkey, length=8)


@pytest.mark.parametrize("at", [START - 1, START + 1])
def test_our_windows_end_where_they_were_bound_to(rxe_requests: Ends, at: int) -> None:
    """Of ours only: rxe 6.1 checks an access by the bounds of the region, not of the window."""
    opened(rxe_requests).refused("RDMA_WRITE", at=at)


def test_a_type_1_window_is_bound_again_by_another_key(ends: Ends) -> None:
    to = opened(ends, kind=1)
    to.works()
    rkey = ends.responder.bind_mw(to.far, 6, "w", to.theirs.sge(5000, LENGTH), BOTH)
    assert rkey != to.rkey
    assert statuses(ends.responder.poll(to.far.send_cq)) == ["SUCCESS"]
    to.works(rkey, at=5000)
    to.refused("RDMA_WRITE")


def test_a_key_that_is_no_window_of_the_qp_is_not_invalidated(rxe_requests: Ends) -> None:
    """The peer's send fails, our receive is flushed with the connection, nothing is placed.

    To us only: rxe 6.1 acknowledges such a send, then puts its QP into the error state.
    """
    to, ends = opened(rxe_requests), rxe_requests
    ends.responder.post_recv(to.far, recv(20, to.theirs.sge(0, 64)))
    ends.requester.write_pattern(to.mine, 0, 64, seed=2)
    ends.requester.post_send(to.qp, send(4, "SEND_WITH_INV", to.mine.sge(0, 64), invalidate_rkey=to.rkey ^ 0x33))
    assert statuses(ends.requester.poll(to.qp.send_cq)) == ["REM_ACCESS_ERR"]
    assert statuses(ends.responder.poll(to.far.recv_cq)) == ["WR_FLUSH_ERR"]
    assert (ends.requester.qp_state(to.qp), ends.responder.qp_state(to.far)) == ("ERR", "ERR")
