"""Closing and forgetting, in every order."""

import gc
import itertools
import weakref
from collections.abc import Callable

import pytest

from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    AccessFlags,
    CallerError,
    Context,
    DeviceConfig,
    QPCap,
    QPInitAttr,
    QpType,
    SendWR,
    VirtualNet,
)
from tests.unit.rdma_verbs.pair import Pair


class Objects:
    """One of each kind on a fresh device."""

    def __init__(self) -> None:
        self.net = VirtualNet()
        self.context, self.peer = self.net.pair()
        self.pd = PD(self.context)
        self.cq = CQ(self.context, 16)
        self.mr = MR(self.pd, 64, AccessFlags.LOCAL_WRITE)
        self.qp = QP(self.pd, QPInitAttr(QpType.RC, self.cq))


@pytest.mark.parametrize("order", [*itertools.permutations(["context", "pd", "cq", "mr", "qp"])])
def test_every_order_of_closing_is_legal(order: tuple[str, ...]) -> None:
    all_of_them = Objects()
    for name in order:
        getattr(all_of_them, name).close()
    assert all(getattr(all_of_them, name).closed for name in order)


@pytest.mark.parametrize("order", [*itertools.permutations(["context", "pd", "cq", "mr", "qp"])][::4])
def test_every_order_of_forgetting_is_safe(order: tuple[str, ...]) -> None:
    all_of_them = Objects()
    engine = weakref.ref(all_of_them.context.engine)
    del all_of_them.net
    for name in order:
        delattr(all_of_them, name)
        all_of_them.peer.counters()
    all_of_them.peer.close()
    del all_of_them
    gc.collect()
    assert engine() is None


def test_closing_a_domain_closes_what_stands_on_it() -> None:
    o = Objects()
    with o.pd:
        pass
    assert (o.qp.closed, o.mr.closed, o.cq.closed, o.context.closed) == (True, True, False, False)


def test_closing_a_queue_closes_its_queue_pairs() -> None:
    o = Objects()
    o.cq.close()
    assert (o.qp.closed, o.mr.closed) == (True, False)


def test_a_closed_object_names_itself() -> None:
    o = Objects()
    calls: dict[str, Callable[[], object]] = {
        f"QP {o.qp.qp_num} is closed": lambda: o.qp.post_send(SendWR()),
        f"CQ {o.cq.num} is closed": o.cq.poll,
        "device 10.0.0.1 is closed": o.context.counters,
        "PD of device 10.0.0.1 is closed": lambda: MR(o.pd, 1, AccessFlags.LOCAL_WRITE),
    }
    o.context.close()
    for words, call in calls.items():
        with pytest.raises(CallerError, match=words):
            call()
    for make in (lambda: PD(o.context), lambda: CQ(o.context), o.context.next_event, o.context.drops):
        with pytest.raises(CallerError, match=r"device 10\.0\.0\.1 is closed"):
            make()


def test_forgotten_objects_make_room_for_new_ones() -> None:
    context, _ = VirtualNet().pair(config=DeviceConfig(max_cq=4, qpn_count=4, max_pd=4))
    cq, pd = CQ(context), PD(context)
    for _ in range(50):
        QP(pd, QPInitAttr(QpType.RC, cq))
        QP(PD(context), QPInitAttr(QpType.UD, CQ(context)))
        gc.collect()


def test_a_closed_device_of_a_running_net_swallows_what_comes(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(retry_cnt=1)
    pair.a.post_send(b"x" * 3000)
    pair.run_until(500)
    pair.b.context.close()
    pair.run()
    assert pair.a.poll().status.name == "RETRY_EXC_ERR"


def test_memory_of_requests_in_flight_is_kept(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    pair.a.post_send(b"kept" * 1000)  # the region that this returns is forgotten
    gc.collect()
    pair.a.context.counters()
    pair.run()
    assert pair.b.received[0].read(4000) == b"kept" * 1000


def test_closing_in_the_middle_of_everything_is_safe(make_pair: Callable[..., Pair]) -> None:
    for stop_ns in range(500, 12_000, 500):
        pair = make_pair(recvs=4)
        remote = pair.b.region(4096)
        pair.a.post_write(b"w" * 4096, remote)
        pair.a.post_read(4096, remote)
        pair.a.post_send(b"s" * 2000)
        pair.run_until(stop_ns)
        pair.b.pd.close()
        pair.run_until(stop_ns + 3_000)
        pair.a.qp.close()
        pair.run()


def test_capacity_is_at_least_what_was_asked() -> None:
    o = Objects()
    qp = QP(o.pd, QPInitAttr(QpType.RC, o.cq, cap=QPCap(100, 50, 3, 2, 33)))
    assert (qp.cap.max_send_wr >= 100, qp.cap.max_recv_wr >= 50, qp.cap.max_inline_data >= 33) == (True, True, True)
    assert isinstance(o.context, Context)
