import pytest

from rdma_verbs import (
    CQ,
    PD,
    QP,
    CallerError,
    DpuError,
    EventType,
    QPCap,
    QPInitAttr,
    QpState,
    QpType,
    SendFlags,
    SendWR,
    VirtualNet,
)
from tests.unit.rdma_verbs.pair import Pair


def test_polling_takes_the_oldest_first_and_at_most_n(pair: Pair) -> None:
    for i in range(5):
        pair.a.post_send(b"x", wr_id=i)
    pair.run()
    assert [wc.wr_id for wc in pair.a.cq.poll(2)] == [0, 1]
    assert [wc.wr_id for wc in pair.a.cq.poll()] == [2, 3, 4]
    assert pair.a.cq.poll() == []


def test_polling_for_more_than_there_can_be_takes_what_there_is(pair: Pair) -> None:
    pair.a.post_send(b"x", wr_id=7)
    pair.run()
    assert [wc.wr_id for wc in pair.a.cq.poll(1 << 62)] == [7]


@pytest.mark.parametrize("n", [0, -1])
def test_polling_for_nothing_is_refused(pair: Pair, n: int) -> None:
    with pytest.raises(CallerError, match=f"poll for {n}"):
        pair.a.cq.poll(n)


@pytest.mark.parametrize("cqe", [0, -1, 1 << 32, 4194304])
def test_a_size_out_of_range_is_named(cqe: int) -> None:
    with pytest.raises(CallerError, match=str(cqe)):
        CQ(VirtualNet().pair()[0], cqe)


def test_notification_fires_once_for_what_comes_after_arming(pair: Pair) -> None:
    pair.b.cq.req_notify()
    for _ in range(2):
        pair.a.post_send(b"x")
    pair.run()
    assert pair.b.context.notified() == [pair.b.cq]
    assert pair.b.context.notified() == []
    assert pair.a.context.notified() == []


def test_solicited_only_waits_for_a_solicited_message(pair: Pair) -> None:
    pair.b.cq.req_notify(solicited_only=True)
    pair.a.post_send(b"x")
    pair.run()
    assert pair.b.context.notified() == []
    pair.a.post_send(b"x", send_flags=SendFlags.SIGNALED | SendFlags.SOLICITED)
    pair.run()
    assert pair.b.context.notified() == [pair.b.cq]


def test_an_overflow_is_an_event_and_an_error() -> None:
    a, b = VirtualNet().pair()
    net = a.net
    assert net is not None
    ends = []
    for context in (a, b):
        cq = CQ(context, 2)
        cap = QPCap(max_send_wr=16, max_recv_wr=1, max_inline_data=8)
        ends.append((QP(PD(context), QPInitAttr(QpType.UC, cq, cap=cap)), cq))
    (qa, ca), (qb, _) = ends
    qa.connect(qb.endpoint)
    qb.connect(qa.endpoint)
    qa.post_send([SendWR(i, data=b"x") for i in range(ca.cqe + 2)])
    net.run()
    assert len(ca.poll(100)) == ca.cqe
    with pytest.raises(DpuError, match=f"CQ {ca.num}: overflowed its {ca.cqe} entries"):
        ca.poll()
    event = a.next_event()
    assert event is not None
    assert (event.type, event.element) == (EventType.CQ_ERR, ca)
    assert qa.state is QpState.ERR


def test_resizing_keeps_what_is_there(pair: Pair) -> None:
    for i in range(5):
        pair.a.post_send(b"x", wr_id=i)
    pair.run()
    pair.a.cq.resize(2000)
    assert pair.a.cq.cqe >= 2000
    assert len(pair.a.cq.poll()) == 5


def test_a_completion_knows_when_it_was_made(pair: Pair) -> None:
    pair.a.post_send(b"x")
    pair.run()
    # One way there, one way back; the wire takes 1 us.
    assert (pair.b.poll().timestamp_ps, pair.a.poll().timestamp_ps) == (1_000_000, 2_000_000)
