"""``QP.drain``: when it returns, every request has its completion, and every other completion is still there."""

from collections.abc import Callable

import pytest

from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    SRQ,
    AccessFlags,
    DpuError,
    EventType,
    QPCap,
    QPInitAttr,
    QpState,
    QpType,
    RecvWR,
    SrqAttr,
    SrqInitAttr,
    VirtualNet,
    WcStatus,
)
from rdma_verbs.driver import run
from tests.unit.rdma_verbs.pair import Pair
from tests.unit.rdma_verbs.wirepeer import WirePeer

MakePair = Callable[..., Pair]
MakePeer = Callable[..., WirePeer]
OK, FLUSHED = WcStatus.SUCCESS, WcStatus.WR_FLUSH_ERR


@pytest.mark.parametrize("service", [QpType.RC, QpType.UC, QpType.UD])
def test_every_request_completes_in_order(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service, recvs=3)
    if service is QpType.RC:
        for i in range(4):
            peer.post(data=b"x", wr_id=i)
        peer.collect()
        peer.ack(0)
    peer.qp.drain()
    assert peer.qp.state is QpState.ERR
    assert [(wc.wr_id, wc.status) for wc in peer.arrived()] == [(i, FLUSHED) for i in range(3)]
    sent = [(0, OK), *((i, FLUSHED) for i in (1, 2, 3))] if service is QpType.RC else []
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == sent


def test_completions_of_others_on_the_queue_are_kept_in_order(pair: Pair) -> None:
    a = pair.a
    other = QP(a.pd, QPInitAttr(QpType.UC, a.cq, cap=QPCap()))
    other.to_init()
    inbox = MR(a.pd, 64, AccessFlags.LOCAL_WRITE)
    other.post_recv([RecvWR(700 + i, [inbox.sge()]) for i in range(3)])
    a.post_send(b"x", wr_id=100)
    pair.run()
    other.drain()
    a.qp.drain()
    found = [(wc.qp_num, wc.wr_id) for wc in a.cq.poll(2)]
    found += [(wc.qp_num, wc.wr_id) for wc in run(a.cq.wait(3))]
    other.post_recv(RecvWR(999))  # what came later follows in the same poll
    found += [(wc.qp_num, wc.wr_id) for wc in a.cq.poll(64)]
    mine, its = a.qp.qp_num, other.qp_num
    assert found == [(mine, 100), *((its, 700 + i) for i in range(3)), *((mine, i) for i in range(16)), (its, 999)]
    assert a.cq.poll() == []


def test_draining_again_and_in_reset_does_nothing(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1)
    peer.qp.drain()
    peer.qp.drain()
    assert len(peer.arrived()) == 1
    peer.to(QpState.RESET)
    peer.qp.drain()
    assert peer.qp.state is QpState.RESET
    assert peer.arrived() == peer.done() == []


def test_a_full_queue_is_no_reason_to_lose_it() -> None:
    a, _ = VirtualNet().pair()
    cq = CQ(a, 2)
    qp = QP(PD(a), QPInitAttr(QpType.RC, cq, cap=QPCap(max_send_wr=1, max_recv_wr=2)))
    qp.to_init()
    inbox = MR(qp.pd, 64, AccessFlags.LOCAL_WRITE)
    qp.post_recv([RecvWR(i, [inbox.sge()]) for i in range(2)])
    qp.drain()
    assert [wc.wr_id for wc in cq.poll()] == [0, 1]


def test_a_queue_that_overflows_is_told() -> None:
    a, _ = VirtualNet().pair()
    cq = CQ(a, 1)
    qp = QP(PD(a), QPInitAttr(QpType.RC, cq, cap=QPCap(max_recv_wr=3)))
    qp.to_init()
    inbox = MR(qp.pd, 64, AccessFlags.LOCAL_WRITE)
    qp.post_recv([RecvWR(i, [inbox.sge()]) for i in range(3)])
    with pytest.raises(DpuError, match="overflowed"):
        qp.drain()


def test_a_shared_receive_queue_keeps_its_receives() -> None:
    a, _ = VirtualNet().pair()
    pd, cq = PD(a), CQ(a)
    srq = SRQ(pd, SrqInitAttr(SrqAttr(max_wr=4, max_sge=1)))
    qp = QP(pd, QPInitAttr(QpType.RC, cq, srq=srq))
    qp.to_init()
    srq.post_recv(RecvWR(1))
    qp.drain()
    assert cq.poll() == []
    events = []
    while event := a.next_event():
        events.append(event.type)
    assert events == [EventType.QP_LAST_WQE_REACHED]
