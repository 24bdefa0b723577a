"""The local path between real processes: memory that goes while others write to it, and processes that are killed.

local_member.py, 127.15.2.2 ---- shared memory, process_vm_writev() ----> this process, 127.15.2.1
"""

import mmap
import random
import time
from collections.abc import Iterator

import numpy as np
import pytest

from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    AccessFlags,
    Context,
    QPCap,
    QPInitAttr,
    QpType,
    RecvWR,
    SendWR,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.agent import list_nodes
from tests.integration.local_peer import Peer

HERE, THERE = "127.15.2.1", "127.15.2.2"
ALL = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ
SENTINEL = 0xEE
KILLS = 50


@pytest.fixture
def context() -> Iterator[Context]:
    with Context.open(HERE, transport="local") as context:
        if context.local is None:
            pytest.skip("processes of this machine may not copy from and to each other")
        yield context


def statuses(cq: CQ, n: int, seconds: float = 20) -> list[WcStatus]:
    until, seen = time.monotonic() + seconds, list[WcStatus]()
    while len(seen) < n:
        seen += [wc.status for wc in cq.poll(n)]
        assert time.monotonic() < until, f"{len(seen)} of {n} completions"
    return seen


@pytest.mark.parametrize("behind", [False, True], ids=["direct", "packets"])
@pytest.mark.parametrize("size", [64, 65536, 3 << 20])
def test_nothing_lands_after_dereg_has_returned(context: Context, size: int, behind: bool) -> None:
    peer, pd = Peer(THERE), PD(context)
    rounds = 0
    try:
        for i in range(8):
            memory = mmap.mmap(-1, size)
            mr = MR(pd, memory, ALL)
            qp = peer.begin(context, pd, mr, do="write", size=size, behind=behind)
            time.sleep(0.004 + 0.001 * (i % 7))
            mr.close()
            landed = np.frombuffer(memory, dtype=np.uint8)
            landed[:] = SENTINEL
            time.sleep(0.003)
            assert (landed == SENTINEL).all()
            del landed
            memory.close()
            again = mmap.mmap(-1, size)  # most likely at the same place
            heard = peer.hear()
            assert heard["status"] == "REM_ACCESS_ERR"
            rounds += heard["rounds"]
            assert not any(np.frombuffer(again, dtype=np.uint8))
            again.close()
            qp.close()
    finally:
        peer.close()
    assert rounds > 8


class Pair:
    """Two devices of this process, which go on whatever happens to others."""

    def __init__(self, first: Context, second: Context) -> None:
        self.ends = []
        for context in (first, second):
            pd, cq = PD(context), CQ(context, 64)
            qp = QP(pd, QPInitAttr(QpType.RC, cq, cap=QPCap(max_send_wr=8, max_recv_wr=8)))
            self.ends.append((qp, cq, MR(pd, 100000, ALL)))
        (a, _, _), (b, _, _) = self.ends
        a.connect(b.endpoint, timeout=14)
        b.connect(a.endpoint, timeout=14)

    def works(self) -> None:
        for (qp, cq, near), (other, other_cq, far) in (self.ends, self.ends[::-1]):
            other.post_recv(RecvWR(0, [far.sge()]))
            qp.post_send(
                [
                    SendWR(0, WrOpcode.RDMA_WRITE, [near.sge()], remote_addr=far.addr, rkey=far.rkey),
                    SendWR(1, WrOpcode.SEND, [near.sge()]),
                ]
            )
            assert statuses(cq, 2) == [WcStatus.SUCCESS] * 2
            assert statuses(other_cq, 1) == [WcStatus.SUCCESS]


def test_killed_processes_leave_nothing_behind(context: Context) -> None:
    dice, pd, size = random.Random(5), PD(context), 2 << 20
    with Context.open(THERE, transport="local") as second:
        pair = Pair(context, second)
        waiting = [Peer(THERE) for _ in range(3)]  # they take a while to start
        for kill in range(KILLS):
            peer = waiting.pop(0)
            mr = MR(pd, size, ALL)
            source = MR(pd, size, ALL)
            qp = peer.begin(context, pd, mr, do="mixed", size=dice.choice([64, 5000, size]))
            # Our own requests to it are under way, too, when it dies.
            qp.post_send(SendWR(opcode=WrOpcode.SEND, sg=[source.sge()]))
            time.sleep(dice.random() * 0.01)
            peer.process.kill()
            begin = time.monotonic()
            mr.close()  # waits for no dead process
            assert time.monotonic() - begin < 1
            pair.works()
            peer.close()
            qp.close()
            source.close()
            if kill + len(waiting) + 1 < KILLS:
                waiting.append(Peer(THERE))
        pair.works()
        assert context.local
        assert context.local.links <= 3
        until = time.monotonic() + 10
        while [len(node.slots) for node in list_nodes() if node.ip == THERE] != [2]:  # the agent's and ours
            assert time.monotonic() < until, "slots of dead processes stay"
            time.sleep(0.02)
