"""The queue pair's state machine: every transition with its attributes, every limit, and what each state does."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from datapath.errors import CallerError
from rdma_verbs import (
    AccessFlags,
    AHAttr,
    DeviceConfig,
    EventType,
    Mtu,
    QpState,
    QpType,
    RecvWR,
    SendWR,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.addr import GID
from rdma_verbs.ah import AH
from rdma_verbs.enums import QpAttrMask as Mask
from rdma_verbs.wr import SGE
from tests.unit.rdma_verbs.wirepeer import ACK, PEER_QPN, QKEY, REQUIRED, SERVICES, Fields, WirePeer

MakePeer = Callable[..., WirePeer]
S = QpState
NONE = Mask(0)

# Optional attributes (IBTA vol 1, 11.2.5.2, without alternate paths): by transition, then by service.
_RTS = {
    QpType.RC: Mask.ACCESS_FLAGS | Mask.MIN_RNR_TIMER,
    QpType.UC: Mask.ACCESS_FLAGS,
    QpType.UD: Mask.QKEY,
    QpType.XRC_SEND: Mask.ACCESS_FLAGS,
    QpType.XRC_RECV: Mask.ACCESS_FLAGS | Mask.MIN_RNR_TIMER,
}
_SQD = Mask.AV | Mask.ACCESS_FLAGS | Mask.PKEY_INDEX
_SQD_SENDS = _SQD | Mask.PORT | Mask.TIMEOUT | Mask.RETRY_CNT | Mask.RNR_RETRY | Mask.MAX_QP_RD_ATOMIC
_SQD_RECEIVES = _SQD | Mask.PORT | Mask.TIMEOUT | Mask.MAX_DEST_RD_ATOMIC | Mask.MIN_RNR_TIMER
OPTIONAL: dict[tuple[QpState, QpState], dict[QpType, Mask]] = {
    (S.RESET, S.INIT): dict.fromkeys(QpType, NONE),
    (S.INIT, S.INIT): REQUIRED[S.INIT],
    (S.INIT, S.RTR): {
        QpType.RC: Mask.ACCESS_FLAGS | Mask.PKEY_INDEX,
        QpType.UC: Mask.ACCESS_FLAGS | Mask.PKEY_INDEX,
        QpType.UD: Mask.QKEY | Mask.PKEY_INDEX,
        QpType.XRC_SEND: Mask.ACCESS_FLAGS | Mask.PKEY_INDEX,
        QpType.XRC_RECV: Mask.ACCESS_FLAGS | Mask.PKEY_INDEX,
    },
    (S.RTR, S.RTS): {service: mask | Mask.RATE_LIMIT for service, mask in _RTS.items()},
    (S.RTS, S.RTS): {service: mask | Mask.RATE_LIMIT for service, mask in _RTS.items()},
    (S.SQD, S.RTS): _RTS,
    (S.SQE, S.RTS): {QpType.UC: Mask.ACCESS_FLAGS, QpType.UD: Mask.QKEY},
    (S.RTS, S.SQD): dict.fromkeys(QpType, Mask.EN_SQD_ASYNC_NOTIFY),
    (S.SQD, S.SQD): {
        QpType.RC: _SQD_SENDS | _SQD_RECEIVES,
        QpType.UC: _SQD,
        QpType.UD: Mask.PKEY_INDEX | Mask.QKEY,
        QpType.XRC_SEND: _SQD_SENDS,
        QpType.XRC_RECV: _SQD_RECEIVES,
    },
}
UNSUPPORTED = Mask.ALT_PATH | Mask.PATH_MIG_STATE | Mask.CAP
ATTRIBUTES = [m for m in Mask if m not in (Mask.STATE, Mask.CUR_STATE)]


def required(start: QpState, end: QpState, service: QpType) -> Mask:
    return REQUIRED[end][service] if (start, end) in [(S.RESET, S.INIT), (S.INIT, S.RTR), (S.RTR, S.RTS)] else NONE


def put_in(peer: WirePeer, state: QpState) -> None:
    """Bring the queue pair from RESET to ``state``."""
    if state is not S.SQE:
        peer.to(state)
        return
    peer.to(S.RTS)
    ah = AH(peer.pd, AHAttr(dgid=GID.of("10.0.0.2"))) if peer.qp.qp_type is QpType.UD else None
    peer.qp.post_send(SendWR(99, sg=[SGE(0x10, 4, 0)], ah=ah, remote_qpn=PEER_QPN))
    peer.collect()
    assert [wc.status for wc in peer.done()] == [WcStatus.LOC_PROT_ERR]
    assert peer.qp.state is S.SQE


def states(service: QpType) -> list[QpState]:
    return [s for s in S if service in (QpType.UC, QpType.UD) or s is not S.SQE]


def transitions(valid: bool) -> Iterator[tuple[QpType, QpState, QpState]]:
    for service in QpType:
        for start in states(service):
            for end in S:
                if ((start, end) in OPTIONAL or end in (S.RESET, S.ERR)) is valid:
                    yield service, start, end


def name_of(value: object) -> str:
    return getattr(value, "name", str(value))


VALID = pytest.mark.parametrize(("service", "start", "end"), list(transitions(True)), ids=name_of)
INVALID = pytest.mark.parametrize(("service", "start", "end"), list(transitions(False)), ids=name_of)


@pytest.mark.ibta("11.2.5.2", "every legal transition is possible with its required attributes alone")
@VALID
def test_transition_with_required_attributes(
    make_peer: MakePeer, service: QpType, start: QpState, end: QpState
) -> None:
    peer = make_peer(service, state=S.RESET)
    put_in(peer, start)
    peer.modify(end, required(start, end, service))
    assert peer.qp.state is end


@pytest.mark.ibta("11.2.5.2", "... is refused when any one of them is missing, naming it, and changes nothing")
@VALID
def test_transition_without_a_required_attribute(
    make_peer: MakePeer, service: QpType, start: QpState, end: QpState
) -> None:
    peer = make_peer(service, state=S.RESET)
    put_in(peer, start)
    before = peer.qp.query()
    for missing in required(start, end, service):
        mask = required(start, end, service) & ~missing
        with pytest.raises(
            CallerError, match=f"QP {peer.qp.qp_num}: .*{start.name} to {end.name} needs.* {missing.name}$"
        ):
            peer.modify(end, mask, qkey=0xBAD, rq_psn=77, timeout=9)
        assert peer.qp.query() == before


@pytest.mark.ibta("11.2.5.2", "... takes every optional attribute, alone and all at once")
@VALID
def test_transition_with_optional_attributes(
    make_peer: MakePeer, service: QpType, start: QpState, end: QpState
) -> None:
    optional = OPTIONAL[start, end][service] if (start, end) in OPTIONAL else NONE
    for extra in [*optional, optional]:
        peer = make_peer(service, state=S.RESET)
        put_in(peer, start)
        peer.modify(end, required(start, end, service) | extra)
        assert peer.qp.state is end
        peer.close()


@pytest.mark.ibta("11.2.5.2", "... refuses every other attribute, naming it, and changes nothing")
@VALID
def test_transition_with_an_attribute_too_many(
    make_peer: MakePeer, service: QpType, start: QpState, end: QpState
) -> None:
    peer = make_peer(service, state=S.RESET)
    put_in(peer, start)
    before = peer.qp.query()
    needed = required(start, end, service)
    allowed = needed | (OPTIONAL[start, end][service] if (start, end) in OPTIONAL else NONE)
    for extra in ATTRIBUTES:
        if extra in allowed:
            continue
        with pytest.raises(CallerError, match=f"^QP {peer.qp.qp_num}: .*{extra.name}\\b"):
            peer.modify(end, needed | extra)
        assert peer.qp.query() == before


@pytest.mark.ibta("10.3.1", "every other transition is refused, naming both states, and changes nothing")
@INVALID
def test_no_such_transition(make_peer: MakePeer, service: QpType, start: QpState, end: QpState) -> None:
    peer = make_peer(service, state=S.RESET)
    put_in(peer, start)
    before = peer.qp.query()
    wanted = "qp_state 5 cannot be asked for" if end is S.SQE else f"no transition from {start.name} to {end.name}"
    with pytest.raises(CallerError, match=f"^QP {peer.qp.qp_num}: {wanted}"):
        peer.modify(end, REQUIRED.get(end, {}).get(service, NONE))
    assert peer.qp.query() == before


@pytest.mark.ibta("11.2.5.2", "a state that does not exist is refused")
@pytest.mark.parametrize("state", [7, 8, 255, 0xFFFFFFFF])
def test_unknown_state(peer: WirePeer, state: int) -> None:
    with pytest.raises(CallerError, match=f"qp_state {state} cannot be asked for"):
        peer.modify(state, NONE)  # type: ignore[arg-type]
    assert peer.qp.state is S.RTS


@pytest.mark.ibta("11.2.5.2", "without STATE the attributes are those of staying in the state")
@pytest.mark.parametrize("state", [S.INIT, S.RTS, S.SQD])
def test_modify_without_a_state(make_peer: MakePeer, state: QpState) -> None:
    peer = make_peer(state=state)
    peer.modify(None, Mask.ACCESS_FLAGS, qp_access_flags=AccessFlags.REMOTE_READ)
    assert peer.qp.query().qp_access_flags is AccessFlags.REMOTE_READ
    with pytest.raises(CallerError, match="does not take attribute DEST_QPN"):
        peer.modify(None, Mask.DEST_QPN)


@pytest.mark.ibta("11.2.5.2", "CUR_STATE that is not so refuses the call; that is so, it changes nothing")
@pytest.mark.parametrize("service", SERVICES)
def test_current_state(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service)
    for state in S:
        if state is not S.RTS:
            with pytest.raises(CallerError, match=f"cur_qp_state {state.name}, it is in RTS"):
                peer.modify(S.ERR, Mask.CUR_STATE, cur_qp_state=state)
    assert peer.qp.state is S.RTS
    peer.modify(S.RTS, Mask.CUR_STATE, cur_qp_state=S.RTS)


_STEP = {S.INIT: S.RESET, S.RTR: S.INIT, S.RTS: S.RTR}
LIMITS: list[tuple[QpState, str, int, int | None]] = [
    # transition to, attribute, largest value, smallest that is refused
    (S.INIT, "pkey_index", 0, 1),
    (S.RTR, "path_mtu", 5, 6),
    (S.RTR, "rq_psn", 0xFFFFFF, 0x1000000),
    (S.RTR, "dest_qp_num", 0xFFFFFF, 0x1000000),
    (S.RTR, "max_dest_rd_atomic", 128, 129),
    (S.RTR, "min_rnr_timer", 31, 32),
    (S.RTS, "timeout", 31, 32),
    (S.RTS, "retry_cnt", 7, 8),
    (S.RTS, "rnr_retry", 7, 8),
    (S.RTS, "sq_psn", 0xFFFFFF, 0x1000000),
    (S.RTS, "max_rd_atomic", 128, 129),
    (S.RTS, "max_rd_atomic", 0, 255),
]


@pytest.mark.ibta("11.2.5.1", "each attribute takes its largest value; one more is refused, naming attribute and value")
@pytest.mark.parametrize(("end", "name", "largest", "refused"), LIMITS, ids=name_of)
def test_limits(make_peer: MakePeer, end: QpState, name: str, largest: int, refused: int) -> None:
    peer = make_peer(state=_STEP[end])
    before = peer.qp.query()
    with pytest.raises(CallerError, match=f"^QP {peer.qp.qp_num}: {name} {refused} exceeds "):
        peer.modify(end, REQUIRED[end][QpType.RC], **{name: refused})
    assert peer.qp.query() == before
    peer.modify(end, REQUIRED[end][QpType.RC], **{name: largest})
    assert getattr(peer.qp.query(), name) == largest


ILLEGAL: list[tuple[QpState, dict[str, Any], str]] = [
    (S.INIT, {"port_num": 0}, "port_num 0"),
    (S.INIT, {"port_num": 2}, "port_num 2"),
    (S.INIT, {"qp_access_flags": 16}, "qp_access_flags 0x10 hold unknown bits 0x10"),
    (S.INIT, {"qp_access_flags": 0x80000001}, "qp_access_flags 0x80000001 hold unknown bits 0x80000000"),
    (S.RTR, {"path_mtu": 0}, "path_mtu 0 is below 1"),
    (S.RTR, {"ah_attr": AHAttr()}, "dgid is all zeros"),
    (S.RTR, {"ah_attr": AHAttr(GID.of("10.0.0.2"), sgid_index=1)}, "sgid_index 1 exceeds the last GID index 0"),
    (S.RTR, {"ah_attr": AHAttr(GID.of("10.0.0.2"), sl=8)}, "sl 8 exceeds 7"),
    (S.RTR, {"ah_attr": AHAttr(GID.of("10.0.0.2"), port_num=3)}, "port_num 3"),
    (S.RTR, {"ah_attr": AHAttr(GID.of("10.0.0.2"), flow_label=1 << 20)}, "flow_label 0x100000 exceeds 20 bits"),
    (S.RTR, {"ah_attr": AHAttr(GID.of("fe80::2"))}, "dgid and the GID at index 0 are of different IP families"),
]


@pytest.mark.ibta("11.2.5.1", "values that name nothing are refused, naming attribute, value and limit")
@pytest.mark.parametrize(("end", "values", "text"), ILLEGAL, ids=[text for _, _, text in ILLEGAL])
def test_illegal_values(make_peer: MakePeer, end: QpState, values: dict[str, Any], text: str) -> None:
    peer = make_peer(state=_STEP[end])
    before = peer.qp.query()
    with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}: {text}"):
        peer.modify(end, REQUIRED[end][QpType.RC], max_dest_rd_atomic=9, **values)
    assert peer.qp.query() == before


@pytest.mark.ibta("11.2.5.1", "a path MTU above the device's own is refused")
def test_mtu_of_the_device(make_peer: MakePeer) -> None:
    peer = make_peer(state=S.INIT, config=DeviceConfig(max_mtu=Mtu.MTU_1024))
    with pytest.raises(CallerError, match="path_mtu 4 exceeds 3"):
        peer.modify(S.RTR, REQUIRED[S.RTR][QpType.RC], path_mtu=Mtu.MTU_2048)
    peer.modify(S.RTR, REQUIRED[S.RTR][QpType.RC], path_mtu=Mtu.MTU_1024)


@pytest.mark.ibta("11.2.5.3", "query returns what was set")
def test_query(make_peer: MakePeer) -> None:
    peer = make_peer(psn=5, peer_psn=6, timeout=14, retry_cnt=3, rnr_retry=2, min_rnr_timer=12)
    attr = peer.qp.query()
    expected = dataclasses.replace(
        peer.attr, qp_state=S.RTS, cur_qp_state=S.RTS, cap=attr.cap, qkey=attr.qkey, ah_attr=attr.ah_attr
    )
    assert attr == expected
    assert attr.ah_attr.dgid == GID.of("10.0.0.2")


# What the states do


@pytest.mark.ibta("10.3.1", "posting a send is refused before RTS, a receive in RESET; the message names the state")
@pytest.mark.parametrize("service", SERVICES)
def test_posting_in_each_state(make_peer: MakePeer, service: QpType) -> None:
    for state in (S.RESET, S.INIT, S.RTR):
        peer = make_peer(service, state=state)
        with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}: post_send in state {state.name}, it needs RTS"):
            peer.qp.post_send(SendWR())
        if state is S.RESET:
            with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}: post_recv in state RESET, it needs INIT"):
                peer.qp.post_recv(RecvWR())
        else:
            peer.qp.post_recv(RecvWR())
        peer.close()
    for state in states(service)[3:]:
        peer = make_peer(service, state=S.RESET)
        put_in(peer, state)
        ah = AH(peer.pd, AHAttr(dgid=GID.of("10.0.0.2"))) if service is QpType.UD else None
        peer.qp.post_send(SendWR(7, ah=ah))
        peer.qp.post_recv(RecvWR(8))
        flushed = [(wc.wr_id, wc.status) for wc in peer.done()]
        assert flushed == ([(7, WcStatus.WR_FLUSH_ERR)] if state in (S.SQE, S.ERR) else [])
        flushed = [(wc.wr_id, wc.status) for wc in peer.arrived()]
        assert flushed == ([(8, WcStatus.WR_FLUSH_ERR)] if state is S.ERR else [])
        peer.close()


@pytest.mark.ibta("10.3.1", "packets are received in RTR, RTS, SQD and SQE, and dropped in RESET, INIT and ERR")
@pytest.mark.parametrize("service", SERVICES)
def test_receiving_in_each_state(make_peer: MakePeer, service: QpType) -> None:
    for state in states(service):
        peer = make_peer(service, state=S.RESET)
        put_in(peer, state)
        if state not in (S.RESET, S.ERR):
            peer.post_recv()
        answers = peer.request(f"{service.name}_SEND_ONLY", b"x")
        receives = state not in (S.RESET, S.INIT, S.ERR)
        assert len(peer.arrived()) == receives
        assert peer.context.drops() == ({} if receives else {"bad_state": 1})
        if receives and service is QpType.RC:
            peer.expect(answers, ACK, 0, 1)
        else:
            assert answers == []
        peer.close()


@pytest.mark.ibta("10.3.1.1", "RESET forgets queues, PSNs, attributes and what was owed, without a completion")
@pytest.mark.parametrize("start", [S.INIT, S.RTR, S.RTS, S.SQD, S.ERR])
def test_reset_clears(make_peer: MakePeer, start: QpState) -> None:
    peer = make_peer(recvs=3, timeout=1, state=S.INIT)
    fresh = make_peer(state=S.RESET).qp.query()
    put_in(peer, start)
    if start in (S.RTS, S.SQD):
        peer.post(WrOpcode.SEND, b"x")
        peer.collect()
    flushed = len(peer.arrived())
    peer.send("RC_SEND_ONLY", b"x", psn=5)
    peer.to(S.RESET)
    assert peer.qp.query() == dataclasses.replace(fresh, cap=peer.qp.cap)
    assert peer.collect(10**9) == []
    assert (peer.done(), peer.arrived(), peer.events()) == ([], [], [])
    assert flushed == (3 if start is S.ERR else 0)
    # It can be used again, from other PSNs.
    peer.attr = dataclasses.replace(peer.attr, rq_psn=900, sq_psn=800)
    peer.to(S.RTS)
    peer.post_recv()
    peer.expect(peer.request("RC_SEND_ONLY", b"x", psn=900), ACK, 900, 1)
    peer.post(WrOpcode.SEND, b"y")
    assert [p.psn for p in peer.collect()] == [800]


@pytest.mark.ibta("10.3.1.7", "to ERR: sends and receives are flushed in order, nothing more is sent, no event")
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("start", [S.RTS, S.SQD])
def test_error_flushes_in_order(make_peer: MakePeer, service: QpType, start: QpState) -> None:
    peer = make_peer(service, recvs=3, timeout=1)
    ah = AH(peer.pd, AHAttr(dgid=GID.of("10.0.0.2"))) if service is QpType.UD else None
    if start is S.SQD:
        peer.to(S.SQD)
    for i in range(4):
        peer.qp.post_send(SendWR(i, ah=ah, remote_qkey=QKEY, remote_qpn=PEER_QPN))
    peer.to(S.ERR)
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [(i, WcStatus.WR_FLUSH_ERR) for i in range(4)]
    assert [(wc.wr_id, wc.status) for wc in peer.arrived()] == [(i, WcStatus.WR_FLUSH_ERR) for i in range(3)]
    assert peer.collect(10**9) == []
    assert peer.events() == []


@pytest.mark.ibta("10.3.1.7", "the request that failed completes first, before what is flushed")
def test_failure_comes_first(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=2)
    for i in range(3):
        peer.qp.post_send(SendWR(i, sg=[] if i != 1 else [SGE(0x10, 4, 0)]))
    peer.collect()
    peer.ack(0)
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [
        (0, WcStatus.SUCCESS),
        (1, WcStatus.LOC_PROT_ERR),
        (2, WcStatus.WR_FLUSH_ERR),
    ]
    assert peer.qp.state is S.ERR


@pytest.mark.ibta("10.3.1.6", "unreliable: a failed send stops the send queue (SQE); RTS starts it again")
@pytest.mark.parametrize("service", [QpType.UC, QpType.UD])
def test_send_queue_error(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service, recvs=1, psn=10)
    ah = AH(peer.pd, AHAttr(dgid=GID.of("10.0.0.2"))) if service is QpType.UD else None
    for i in range(4):
        sg = [SGE(0x10, 4, 0)] if i == 1 else []
        peer.qp.post_send(SendWR(i, sg=sg, ah=ah, remote_qkey=QKEY, remote_qpn=PEER_QPN))
    assert [p.psn for p in peer.collect()] == [10]
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [
        (0, WcStatus.SUCCESS),
        (1, WcStatus.LOC_PROT_ERR),
        (2, WcStatus.WR_FLUSH_ERR),
        (3, WcStatus.WR_FLUSH_ERR),
    ]
    assert peer.qp.state is S.SQE
    assert peer.arrived() == []
    peer.modify(S.RTS, NONE)
    peer.qp.post_send(SendWR(4, ah=ah, remote_qkey=QKEY, remote_qpn=PEER_QPN))
    assert [p.psn for p in peer.collect()] == [11]
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [(4, WcStatus.SUCCESS)]


@pytest.mark.ibta("10.3.1.5", "SQD: the requester's attributes change, and hold for what is sent in RTS again")
def test_attributes_change_in_sqd(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=1, retry_cnt=7)
    peer.to(S.SQD)
    path = AHAttr(GID.of("10.0.0.2"), sl=5, traffic_class=0x68, hop_limit=9)
    peer.modify(S.SQD, Mask.TIMEOUT | Mask.RETRY_CNT | Mask.AV, timeout=4, retry_cnt=1, ah_attr=path)
    peer.modify(S.RTS, NONE)
    peer.post(WrOpcode.SEND, b"x")
    sent = peer.collect(10**9)
    assert [(p.tos, p.ttl) for p in sent] == [(0x68, 9)] * 2
    assert peer.times == [0, 65_536]
    assert [wc.status for wc in peer.done()] == [WcStatus.RETRY_EXC_ERR]


@pytest.mark.ibta("10.3.1.4", "access flags changed in RTS hold at once")
def test_access_flags_change_in_rts(peer: WirePeer) -> None:
    region = peer.region(8)
    reth: Fields = {"va": region.addr, "rkey": region.rkey, "dma_len": 1}
    assert peer.request("RC_RDMA_WRITE_ONLY", b"x", **reth)[0].syndrome == ACK
    peer.modify(S.RTS, Mask.ACCESS_FLAGS, qp_access_flags=AccessFlags.REMOTE_READ)
    peer.request("RC_RDMA_WRITE_ONLY", b"y", **reth)
    assert region.read(1) == b"x"
    assert peer.events() == [EventType.QP_REQ_ERR]
