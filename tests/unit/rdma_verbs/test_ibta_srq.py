"""Shared receive queues: who takes which entry when, and the events about it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from datapath.errors import CallerError, DpuError
from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    SRQ,
    AccessFlags,
    DeviceConfig,
    EventType,
    QPCap,
    QPInitAttr,
    QpState,
    QpType,
    RecvWR,
    SrqAttr,
    SrqAttrMask,
    SrqInitAttr,
    WcOpcode,
    WcStatus,
)
from rdma_verbs.enums import QpAttrMask as Mask
from rdma_verbs.errors import QueueFullError
from tests.unit.rdma_verbs.wirepeer import ACK, NAK_INVALID, NAK_OPERATIONAL, REQUIRED, RNR, SERVICES, WirePeer

MakePeer = Callable[..., WirePeer]
FULL = bytes(range(256))
CAP = QPCap(8, 0, 2, 0)


class Shared:
    """The peer's device with a shared receive queue and queue pairs on it, each with the script as its peer."""

    def __init__(self, peer: WirePeer, count: int = 2, service: QpType = QpType.RC, **attr: int) -> None:
        self.peer = peer
        self.srq = SRQ(peer.pd, SrqInitAttr(SrqAttr(**({"max_wr": 16, "max_sge": 3} | attr))))
        self.memory: list[MR] = []
        self.psns = [0] * count
        self.qps = [QP(peer.pd, QPInitAttr(service, peer.cq, peer.recv_cq, CAP, srq=self.srq)) for _ in range(count)]
        for qp in self.qps:
            for state in (QpState.INIT, QpState.RTR, QpState.RTS):
                peer.qp, own = qp, peer.qp
                peer.modify(state, REQUIRED[state][service])
                peer.qp = own

    def post(self, count: int = 1, length: int = 4096, pd: PD | None = None) -> None:
        for _ in range(count):
            self.memory.append(MR(pd or self.peer.pd, length, AccessFlags.LOCAL_WRITE))
            self.srq.post_recv(RecvWR(len(self.memory) - 1, [self.memory[-1].sge()]))

    def send(self, i: int, name: str, payload: bytes = b"", **fields: Any) -> list[Any]:
        """Send the next packet to queue pair ``i``; returns the answers."""
        self.psns[i] += 1
        return self.peer.request(name, payload, dqpn=self.qps[i].qp_num, psn=self.psns[i] - 1, **fields)

    def arrived(self) -> list[tuple[int, int, WcStatus]]:
        """Which entry completed on which queue pair, and how."""
        numbers = [qp.qp_num for qp in self.qps]
        return [(wc.wr_id, numbers.index(wc.qp_num), wc.status) for wc in self.peer.arrived()]

    def limit(self, limit: int) -> None:
        self.srq.modify(SrqAttr(srq_limit=limit), SrqAttrMask.LIMIT)


def ok(*pairs: tuple[int, int]) -> list[tuple[int, int, WcStatus]]:
    return [(entry, qp, WcStatus.SUCCESS) for entry, qp in pairs]


@pytest.mark.ibta("10.2.9", "QPs of any service take the entries of their SRQ in the order in which messages begin")
@pytest.mark.parametrize("service", SERVICES)
def test_entries_go_to_whoever_comes_first(make_peer: MakePeer, service: QpType) -> None:
    shared = Shared(make_peer(service), service=service)
    shared.post(4)
    for i, text in ((1, b"one"), (0, b"two"), (0, b"three")):
        shared.send(i, f"{service.name}_SEND_ONLY", text)
    assert shared.arrived() == ok((0, 1), (1, 0), (2, 0))
    start = 40 if service is QpType.UD else 0
    assert [mr.read(5, start).rstrip(b"\0") for mr in shared.memory] == [b"one", b"two", b"three", b""]


@pytest.mark.ibta("10.2.9.2", "an entry belongs to a QP from the first packet of its message to the last")
@pytest.mark.parametrize("service", [QpType.RC, QpType.UC])
def test_entry_is_kept_until_the_message_ends(make_peer: MakePeer, service: QpType) -> None:
    shared = Shared(make_peer(service), service=service)
    shared.post(3)
    name = service.name
    shared.send(0, f"{name}_SEND_FIRST", FULL)
    shared.send(1, f"{name}_SEND_FIRST", FULL[::-1])
    shared.send(1, f"{name}_SEND_ONLY" if service is QpType.UC else "RC_SEND_MIDDLE", FULL)
    shared.send(0, f"{name}_SEND_LAST", b"end 0")
    if service is QpType.RC:
        shared.send(1, "RC_SEND_LAST", b"end 1")
        assert shared.memory[1].read(517) == FULL[::-1] + FULL + b"end 1"
    else:  # the abandoned message's entry is the next one's
        assert shared.memory[1].read(256) == FULL
    assert sorted(shared.arrived()) == ok((0, 0), (1, 1))
    assert shared.memory[0].read(261) == FULL + b"end 0"
    shared.send(0, f"{name}_SEND_ONLY")
    assert shared.arrived() == ok((2, 0))


@pytest.mark.ibta("10.2.9.2", "RDMA WRITE with immediate takes an entry, RDMA WRITE none")
def test_write_with_immediate_takes_an_entry(peer: WirePeer) -> None:
    shared = Shared(peer)
    shared.post(2)
    target = peer.region(8)
    reth = {"va": target.addr, "rkey": target.rkey, "dma_len": 4}
    shared.send(0, "RC_RDMA_WRITE_ONLY", b"abcd", **reth)
    shared.send(1, "RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE", b"efgh", imm=5, **reth)
    (wc,) = peer.arrived()
    assert (wc.wr_id, wc.opcode, wc.imm_data) == (0, WcOpcode.RECV_RDMA_WITH_IMM, 5)
    assert target.read(4) == b"efgh"


@pytest.mark.ibta("9.7.5.2.8", "an empty SRQ: RNR NAK; the same request is taken once an entry is there")
@pytest.mark.parametrize("name", ["RC_SEND_ONLY", "RC_SEND_FIRST", "RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE"])
def test_empty_srq_is_not_ready(peer: WirePeer, name: str) -> None:
    shared = Shared(peer)
    payload = FULL if "FIRST" in name else b""
    peer.expect(shared.send(0, name, payload), RNR | 1, 0, 0)
    peer.expect(shared.send(1, name, payload), RNR | 1, 0, 0)
    shared.post()
    shared.psns = [0, 0]
    peer.expect(shared.send(1, name, payload), ACK, 0, 0 if payload else 1)
    peer.expect(shared.send(0, name, payload), RNR | 1, 0, 0)
    assert all(qp.state is QpState.RTS for qp in shared.qps)


@pytest.mark.ibta("9.8.3", "an empty SRQ, or an entry too small for it, drops a datagram; the entry stays for others")
def test_datagram_without_entry(make_peer: MakePeer) -> None:
    shared = Shared(make_peer(QpType.UD), service=QpType.UD)
    shared.send(0, "UD_SEND_ONLY", b"lost")
    shared.post(length=50)
    shared.send(0, "UD_SEND_ONLY", b"eleven byte")
    assert shared.peer.context.drops() == {"no_recv_wqe": 1, "recv_too_small": 1}
    shared.send(1, "UD_SEND_ONLY", b"ten bytes!")
    assert shared.arrived() == ok((0, 1))


@pytest.mark.ibta("10.2.9.3", "SRQ_LIMIT_REACHED comes once when fewer entries than the limit are left, then is off")
def test_limit_event(peer: WirePeer) -> None:
    shared = Shared(peer)
    shared.post(4)
    shared.limit(3)
    assert shared.srq.query() == SrqAttr(16, 3, 3)
    shared.send(0, "RC_SEND_ONLY")
    assert peer.events() == []
    shared.send(1, "RC_SEND_ONLY")
    while (event := peer.context.next_event()) and event.type is EventType.COMM_EST:
        pass
    assert event
    assert (event.type, event.num, event.element) == (EventType.SRQ_LIMIT_REACHED, shared.srq.num, shared.srq)
    shared.send(1, "RC_SEND_ONLY")
    assert peer.events() == []
    assert shared.srq.query().srq_limit == 0
    shared.limit(1)
    shared.send(0, "RC_SEND_ONLY")
    assert peer.events() == [EventType.SRQ_LIMIT_REACHED]


@pytest.mark.ibta("10.2.9.3", "a limit above what the queue holds fires at once; limit 0 disarms")
def test_limit_that_is_reached_already(peer: WirePeer) -> None:
    shared = Shared(peer)
    shared.post(2)
    shared.limit(3)
    assert peer.events() == [EventType.SRQ_LIMIT_REACHED]
    shared.limit(2)
    shared.limit(0)
    shared.send(0, "RC_SEND_ONLY")
    assert peer.events() == []


@pytest.mark.ibta("11.6.3.4", "a QP on an SRQ that goes to error: QP_LAST_WQE_REACHED, the SRQ and its others go on")
def test_last_wqe_event(peer: WirePeer) -> None:
    shared = Shared(peer)
    shared.post(2)
    peer.modify(QpState.ERR, Mask(0))  # one with a receive queue of its own
    assert peer.events() == []
    peer.qp = shared.qps[0]
    peer.modify(QpState.ERR, Mask(0))
    peer.modify(QpState.ERR, Mask(0))
    assert peer.events() == [EventType.QP_LAST_WQE_REACHED]
    assert peer.arrived() == []
    shared.send(1, "RC_SEND_ONLY")
    assert shared.arrived() == ok((0, 1))


@pytest.mark.ibta("10.2.9.2", "the entry of a message cut off by an error is flushed, those still shared are not")
@pytest.mark.parametrize("cause", ["modify", "peer"])
def test_interrupted_message_is_flushed(peer: WirePeer, cause: str) -> None:
    shared = Shared(peer)
    shared.post(3)
    shared.send(0, "RC_SEND_FIRST", FULL)
    peer.qp = shared.qps[0]
    if cause == "modify":
        peer.modify(QpState.ERR, Mask(0))
        events = [EventType.QP_LAST_WQE_REACHED]
    else:
        peer.expect(shared.send(0, "RC_SEND_ONLY"), NAK_INVALID, 1, 0)
        events = [EventType.QP_REQ_ERR, EventType.QP_LAST_WQE_REACHED]
    assert peer.events() == events
    assert shared.arrived() == [(0, 0, WcStatus.WR_FLUSH_ERR)]
    shared.send(1, "RC_SEND_ONLY")
    assert shared.arrived() == ok((1, 1))


@pytest.mark.ibta("9.9.3", "a message longer than the SRQ's entry: LOC_LEN_ERR on its QP, NAK invalid request")
def test_entry_too_small(peer: WirePeer) -> None:
    shared = Shared(peer)
    shared.post(2, length=4)
    peer.expect(shared.send(1, "RC_SEND_ONLY", b"12345"), NAK_INVALID, 0, 0)
    assert shared.arrived() == [(0, 1, WcStatus.LOC_LEN_ERR)]
    assert (shared.qps[0].state, shared.qps[1].state) == (QpState.RTS, QpState.ERR)


@pytest.mark.ibta("10.2.9.1", "entries are checked against the domain of the SRQ, not of the QP")
def test_domain_of_the_srq_counts(peer: WirePeer) -> None:
    shared = Shared(peer)
    other = PD(peer.context)
    shared.srq = SRQ(other)
    init = QPInitAttr(QpType.RC, peer.cq, peer.recv_cq, srq=shared.srq)
    shared.qps = [QP(peer.pd, init)]
    peer.qp = shared.qps[0]
    peer.to(QpState.RTS)
    shared.post(pd=other)
    shared.post(pd=peer.pd)
    peer.expect(shared.send(0, "RC_SEND_ONLY", b"x"), ACK, 0, 1)
    peer.expect(shared.send(0, "RC_SEND_ONLY", b"y"), NAK_OPERATIONAL, 1, 1)
    assert shared.arrived() == [(0, 0, WcStatus.SUCCESS), (1, 0, WcStatus.LOC_PROT_ERR)]


@pytest.mark.ibta("11.2.3.3", "an SRQ can be resized while it holds entries, not below them; the order stays")
def test_resize(peer: WirePeer) -> None:
    shared = Shared(peer, max_wr=4)
    shared.post(3)
    shared.send(0, "RC_SEND_ONLY")
    shared.post(2)  # the ring has wrapped
    with pytest.raises(CallerError, match=f"SRQ {shared.srq.num}: max_wr 3 is below the 4 entries"):
        shared.srq.modify(SrqAttr(max_wr=3), SrqAttrMask.MAX_WR)
    shared.srq.modify(SrqAttr(max_wr=9, srq_limit=2), SrqAttrMask.MAX_WR | SrqAttrMask.LIMIT)
    assert shared.srq.query() == SrqAttr(9, 3, 2)
    shared.post(5)
    for _ in range(9):
        shared.send(1, "RC_SEND_ONLY")
    assert shared.arrived() == ok((0, 0), *((i, 1) for i in range(1, 10)))


@pytest.mark.ibta("10.2.9.2", "RESET of a QP takes the entry of its unfinished message along")
def test_reset_forgets_the_entry(peer: WirePeer) -> None:
    shared = Shared(peer)
    shared.post(2)
    shared.send(0, "RC_SEND_FIRST", FULL)
    peer.qp = shared.qps[0]
    peer.to(QpState.RESET)
    peer.to(QpState.RTS)
    shared.psns[0] = 0
    shared.send(0, "RC_SEND_ONLY")
    assert shared.arrived() == ok((1, 0))


@pytest.mark.ibta("11.2.3.4", "an SRQ is busy while QPs use it; closing it closes them first")
def test_busy_srq(make_peer: MakePeer) -> None:
    peer = make_peer(config=DeviceConfig(max_srq=1))
    shared = Shared(peer)
    assert (shared.qps[0].cap.max_recv_wr, shared.qps[0].query().cap.max_recv_wr) == (0, 0)
    with pytest.raises(CallerError, match=f"SRQ {shared.srq.num}: still used by 2 queue pairs"):
        shared.srq._engine.release(shared.srq._kind, shared.srq.handle)
    shared.post(2)
    shared.limit(3)
    shared.srq.close()  # its event goes with it
    assert all(qp.closed for qp in shared.qps)
    assert peer.events() == []
    with pytest.raises(CallerError, match=f"SRQ {shared.srq.num} is closed"):
        shared.srq.query()
    # Forgotten with its queue pair, both are released; its domain closes it.
    init = QPInitAttr(QpType.UD, CQ(peer.context), srq=SRQ(peer.pd))
    qp = QP(peer.pd, init)
    del qp, init
    with PD(peer.context) as pd:
        srq = SRQ(pd)
        qp = QP(peer.pd, QPInitAttr(QpType.RC, peer.cq, srq=srq))
    assert srq.closed
    assert qp.closed


BAD: dict[str, tuple[Callable[[Shared], Any], str]] = {
    "no entries": (lambda s: SRQ(s.peer.pd, SrqInitAttr(SrqAttr(max_wr=0))), "SRQ: max_wr 0, the device takes 1 to 20"),
    "too many": (lambda s: SRQ(s.peer.pd, SrqInitAttr(SrqAttr(max_wr=21))), "SRQ: max_wr 21, the device takes 1 to 20"),
    "too wide": (lambda s: SRQ(s.peer.pd, SrqInitAttr(SrqAttr(8, 7))), "SRQ: max_sge 7 exceeds device limit 6"),
    "33 bits": (lambda s: SRQ(s.peer.pd, SrqInitAttr(SrqAttr(1 << 32))), "SRQ: max_wr 4294967296"),
    "one more": (lambda s: SRQ(s.peer.pd, SrqInitAttr(SrqAttr(8))), "SRQ: the device's limit of 1 is reached"),
    "grown too far": (lambda s: s.srq.modify(SrqAttr(max_wr=21), 1), "SRQ 1: max_wr 21, the device takes 1 to 20"),
    "limit above size": (lambda s: s.limit(17), "SRQ 1: srq_limit 17 exceeds max_wr 16"),
    "unknown attribute": (lambda s: s.srq.modify(SrqAttr(), 4), "SRQ 1: mask 0x4 holds unknown bits"),
    "wide receive": (lambda s: s.srq.post_recv(RecvWR(sg=[s.peer.region(8).sge()] * 4)), "SRQ 1: num_sge 4 exceeds"),
    "post_recv": (lambda s: s.qps[0].post_recv(RecvWR()), "post_recv, but its receives come from SRQ 1"),
    "another device": (
        lambda s: QP(WirePeer().pd, QPInitAttr(QpType.RC, s.peer.cq, srq=s.srq)),
        "belongs to device 10.0.0.1",
    ),
}


@pytest.mark.ibta("11.2.3.1", "what an SRQ cannot be or do is refused, naming value and limit")
@pytest.mark.parametrize("case", BAD)
def test_bad_srq_calls(make_peer: MakePeer, case: str) -> None:
    config = DeviceConfig(max_srq=1, max_qp_wr=20, max_sge=6)
    shared = Shared(make_peer(config=config, cap=QPCap(8, 8, 2, 2)))
    call, text = BAD[case]
    with pytest.raises(DpuError, match=re.escape(text)):
        call(shared)


@pytest.mark.ibta("11.4.1.2", "a full SRQ refuses, naming its size; a message that begins makes room")
def test_full_srq(peer: WirePeer) -> None:
    shared = Shared(peer, max_wr=2)
    shared.post(2)
    with pytest.raises(QueueFullError, match=f"SRQ {shared.srq.num}: full, max_wr 2") as caught:
        shared.srq.post_recv([RecvWR(9)])
    assert caught.value.posted == 0
    shared.send(0, "RC_SEND_FIRST", FULL)
    shared.srq.post_recv(RecvWR(9))
