"""Memory windows, invalidation by the owner and by the peer, and the requests that do it."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from datapath.errors import CallerError, DpuError
from rdma_verbs import (
    MR,
    MW,
    PD,
    QP,
    SGE,
    AccessFlags,
    DeviceConfig,
    MWBind,
    MWBindInfo,
    MwType,
    QPInitAttr,
    QpState,
    QpType,
    SendFlags,
    SendWR,
    WcFlags,
    WcOpcode,
    WcStatus,
    WrOpcode,
    inc_rkey,
)
from tests.unit.rdma_verbs.wirepeer import ACK, ALL, NAK_ACCESS, NAK_INVALID, RNR, Fields, WirePeer

MakePeer = Callable[..., WirePeer]
FULL = bytes(range(256))
WRITE, READ, ATOMIC = AccessFlags.REMOTE_WRITE, AccessFlags.REMOTE_READ, AccessFlags.REMOTE_ATOMIC
BINDABLE = AccessFlags.LOCAL_WRITE | AccessFlags.MW_BIND
OK, BAD = WcStatus.SUCCESS, WcStatus.MW_BIND_ERR
T1, T2 = MwType.TYPE_1, MwType.TYPE_2


def info(mr: MR, offset: int = 0, length: int = 64, access: AccessFlags = WRITE | READ) -> MWBindInfo:
    return MWBindInfo(mr, mr.addr + offset, length, access)


def bind(peer: WirePeer, mw: MW, bound: MWBindInfo, rkey: int | None = None) -> int:
    """Post a bind that must be legal to post; returns the key it asks for."""
    if mw.mw_type is T1:
        return peer.qp.bind_mw(mw, MWBind(bound))
    key = inc_rkey(mw.rkey) if rkey is None else rkey
    peer.qp.post_send(SendWR(opcode=WrOpcode.BIND_MW, mw=mw, bind=bound, rkey=key))
    return key


def opened(peer: WirePeer, kind: MwType = T2, **bound: Any) -> tuple[MW, MR, int]:
    """A window on bytes 64 to 127 of a region of 4096, bound, with its key."""
    mw, mr = MW(peer.pd, kind), peer.region(4096, BINDABLE)
    key = bind(peer, mw, info(mr, 64, **bound))
    assert peer.collect() == []
    (wc,) = peer.done()
    assert (wc.status, wc.opcode) == (OK, WcOpcode.BIND_MW)
    return mw, mr, key


def write(peer: WirePeer, va: int, key: int, data: bytes = b"12345678", **fields: Any) -> list[Any]:
    return peer.request("RC_RDMA_WRITE_ONLY", data, va=va, rkey=key, dma_len=len(data), **fields)


def invalidate(peer: WirePeer, key: int) -> None:
    peer.qp.post_send(SendWR(opcode=WrOpcode.LOCAL_INV, invalidate_rkey=key))
    assert peer.collect() == []


@pytest.mark.ibta("10.6.7.2", "a bound window opens its bytes, to the last, with its own key (both types)")
@pytest.mark.parametrize("kind", list(MwType))
def test_window_opens_its_bytes(peer: WirePeer, kind: MwType) -> None:
    _, mr, key = opened(peer, kind, access=WRITE | READ | ATOMIC)
    peer.expect(write(peer, mr.addr + 64, key), ACK, 0, 1)
    peer.expect(write(peer, mr.addr + 120, key), ACK, 1, 2)
    (answer,) = peer.request("RC_RDMA_READ_REQUEST", va=mr.addr + 120, rkey=key, dma_len=8)
    assert answer.payload == b"12345678"
    (answer,) = peer.request("RC_FETCH_ADD", va=mr.addr + 64, rkey=key, swap_add=1)
    assert answer.name == "RC_ATOMIC_ACKNOWLEDGE"
    assert mr.read(8, 64) == b"22345678"


CLOSED: dict[str, tuple[AccessFlags, Callable[[WirePeer, int, int], list[Any]]]] = {
    "a byte before": (WRITE, lambda p, va, key: write(p, va - 1, key)),
    "a byte after": (WRITE, lambda p, va, key: write(p, va + 57, key)),
    "write": (READ | ATOMIC, write),
    "read": (WRITE | ATOMIC, lambda p, va, key: p.request("RC_RDMA_READ_REQUEST", va=va, rkey=key, dma_len=8)),
    "atomic": (WRITE | READ, lambda p, va, key: p.request("RC_FETCH_ADD", va=va, rkey=key)),
    "no right at all": (AccessFlags(0), write),
    "another consumer byte": (WRITE, lambda p, va, key: write(p, va, inc_rkey(key))),
    "another key of the owner's": (WRITE, lambda p, va, key: write(p, va, key ^ 0x100)),
}


@pytest.mark.ibta("10.6.7.2", "a window's bounds, rights and key are its own, whatever its region: NAK access error")
@pytest.mark.parametrize("kind", list(MwType))
@pytest.mark.parametrize("case", CLOSED)
def test_window_opens_nothing_else(peer: WirePeer, case: str, kind: MwType) -> None:
    access, use = CLOSED[case]
    mw, mr = MW(peer.pd, kind), peer.region(4096, ALL | BINDABLE)
    key = bind(peer, mw, info(mr, 64, access=access))
    peer.collect()
    peer.refused(use(peer, mr.addr + 64, key), NAK_ACCESS, 0)


@pytest.mark.ibta("10.6.7.2.1", "a window that is not bound opens nothing")
@pytest.mark.parametrize("kind", list(MwType))
def test_window_that_is_not_bound(peer: WirePeer, kind: MwType) -> None:
    mw = MW(peer.pd, kind)
    peer.refused(write(peer, 0, mw.rkey), NAK_ACCESS, 0)


@pytest.mark.ibta("10.6.7.2", "a zero-based window of type 2 begins at address 0")
def test_zero_based_window(peer: WirePeer) -> None:
    _, mr, key = opened(peer, access=WRITE | AccessFlags.ZERO_BASED)
    peer.expect(write(peer, 56, key), ACK, 0, 1)
    assert mr.read(8, 120) == b"12345678"
    peer.refused(write(peer, 57, key), NAK_ACCESS, 1, 1)


@pytest.mark.ibta("10.6.7.2.2", "each bind of a type 1 window makes a new key, the old one is worth nothing")
def test_bind_again(peer: WirePeer) -> None:
    mw, mr, old = opened(peer, T1)
    key = bind(peer, mw, info(mr, 128))
    assert (key == mw.rkey, key >> 8, key != old) == (True, old >> 8, True)
    peer.collect()
    peer.expect(write(peer, mr.addr + 128, key), ACK, 0, 1)
    peer.refused(write(peer, mr.addr + 128, old), NAK_ACCESS, 1, 1)


@pytest.mark.ibta("10.6.7.2.2", "binding a type 1 window to no bytes takes back what it opened")
def test_unbind(peer: WirePeer) -> None:
    mw, mr, _ = opened(peer, T1)
    key = bind(peer, mw, MWBindInfo())
    peer.collect()
    assert [wc.status for wc in peer.done()] == [OK]
    first = mr.addr
    mr.close()
    peer.refused(write(peer, first + 64, key), NAK_ACCESS, 0)


@pytest.mark.ibta("10.6.7.2.6", "a type 2 window is its QP's: through another QP of the domain, NAK access error")
@pytest.mark.parametrize("kind", list(MwType))
def test_window_through_another_qp(peer: WirePeer, kind: MwType) -> None:
    _, mr, key = opened(peer, kind)
    first = peer.qp  # lives on, and its window with it
    peer.qp = QP(peer.pd, QPInitAttr(QpType.RC, peer.cq, peer.recv_cq))
    peer.to(QpState.RTS)
    answers = write(peer, mr.addr + 64, key)
    if kind is T1:
        peer.expect(answers, ACK, 0, 1)
    else:
        peer.refused(answers, NAK_ACCESS, 0)
    assert first.state is QpState.RTS


def _other(peer: WirePeer) -> PD:
    return PD(peer.context)


BAD_BINDS: dict[str, tuple[tuple[MwType, ...], Callable[[WirePeer], tuple[MW, MWBindInfo]]]] = {
    "region without MW_BIND": ((T1, T2), lambda p: (MW(p.pd, T1), info(p.region(64, ALL)))),
    "write without local write": (
        (T1, T2),
        lambda p: (MW(p.pd, T1), info(p.region(64, AccessFlags.MW_BIND | READ), access=WRITE)),
    ),
    "atomic without local write": (
        (T1, T2),
        lambda p: (MW(p.pd, T1), info(p.region(64, AccessFlags.MW_BIND | READ), access=ATOMIC)),
    ),
    "a byte too long": ((T1, T2), lambda p: (MW(p.pd, T1), info(p.region(64, BINDABLE), 1))),
    "a byte before": ((T1, T2), lambda p: (MW(p.pd, T1), info(p.region(64, BINDABLE), -1))),
    "local right": (
        (T1, T2),
        lambda p: (MW(p.pd, T1), info(p.region(64, BINDABLE), access=AccessFlags.LOCAL_WRITE)),
    ),
    "zero-based": (
        (T1,),
        lambda p: (MW(p.pd, T1), info(p.region(64, BINDABLE), access=READ | AccessFlags.ZERO_BASED)),
    ),
    "no bytes": ((T2,), lambda p: (MW(p.pd, T1), info(p.region(64, BINDABLE), length=0))),
    "region of another domain": ((T1, T2), lambda p: (MW(p.pd, T1), info(MR(_other(p), 64, BINDABLE)))),
    "window of another domain": ((T1, T2), lambda p: (MW(_other(p), T1), info(p.region(64, BINDABLE)))),
}


@pytest.mark.ibta("10.6.7.2.1", "a bind that is not allowed: MW_BIND_ERR after what was before it, QP to error")
@pytest.mark.parametrize(
    ("case", "kind"), [(case, kind) for case, (kinds, _) in BAD_BINDS.items() for kind in kinds], ids=str
)
def test_bad_bind(peer: WirePeer, case: str, kind: MwType) -> None:
    mw, bound = BAD_BINDS[case][1](peer)
    mw = MW(mw.pd, kind)
    peer.qp.post_send(SendWR(7, data=b"before"))
    bind(peer, mw, bound)
    peer.qp.post_send(SendWR(9, data=b"after"))
    assert [p.payload for p in peer.collect()] == [b"before"]
    assert peer.done() == []
    peer.ack(0)
    assert [wc.status for wc in peer.done()] == [OK, BAD, WcStatus.WR_FLUSH_ERR]
    assert peer.qp.state is QpState.ERR


@pytest.mark.ibta("10.6.7.2.1", "a type 2 window that is bound, or a key that is not the window's: MW_BIND_ERR")
@pytest.mark.parametrize("case", ["bound", "key of another", "region gone", "window gone"])
def test_bind_that_came_too_late(peer: WirePeer, case: str) -> None:
    mw, mr, key = opened(peer)
    other, region = MW(peer.pd, T2), peer.region(64, BINDABLE)
    if case == "bound":
        bind(peer, mw, info(mr))
    elif case == "key of another":
        bind(peer, other, info(mr), key)
    else:  # behind a READ, which must be answered first
        peer.post_read(send_flags=SendFlags(0))
        bound = SendWR(
            opcode=WrOpcode.BIND_MW, mw=other, bind=info(region), rkey=other.rkey, send_flags=SendFlags.FENCE
        )
        peer.qp.post_send(bound)
        peer.collect()
        (region if case == "region gone" else other).close()
        peer.ack(0, name="RC_RDMA_READ_RESPONSE_ONLY", payload=bytes(8))
    peer.collect()
    assert [wc.status for wc in peer.done()] == [BAD]


@pytest.mark.ibta("10.6.7.2.5", "a region is busy while windows are bound to it, and free once they are gone")
@pytest.mark.parametrize("how", ["LOCAL_INV", "dealloc", "QP destroyed", "domain closed"])
def test_region_is_busy(peer: WirePeer, how: str) -> None:
    mw, mr, key = opened(peer)
    with pytest.raises(CallerError, match=re.escape(f"MR {mr.lkey:#010x}: 1 windows are bound to it")):
        mr.close()
    assert not mr.closed
    if how == "LOCAL_INV":
        invalidate(peer, key)
    elif how == "dealloc":
        mw.close()
    elif how == "QP destroyed":
        peer.qp.close()
    else:
        peer.pd.close()
        assert mw.closed
    mr.close()


@pytest.mark.ibta("10.8.3.3", "local operations take effect in order, each before what is posted behind it")
def test_bind_and_send_in_one_go(peer: WirePeer) -> None:
    mw, mr = MW(peer.pd, T2), peer.region(64, BINDABLE)
    key = inc_rkey(mw.rkey)
    again = inc_rkey(key)
    peer.qp.post_send(
        [
            SendWR(0, WrOpcode.BIND_MW, mw=mw, bind=info(mr), rkey=key),
            SendWR(1, data=b"bound"),
            SendWR(2, WrOpcode.LOCAL_INV, invalidate_rkey=key),
            SendWR(3, WrOpcode.BIND_MW, mw=mw, bind=info(mr), rkey=again),
            SendWR(4, data=b"again"),
            SendWR(5, WrOpcode.LOCAL_INV, invalidate_rkey=again, send_flags=SendFlags(0)),
        ]
    )
    assert [(p.payload, p.psn) for p in peer.collect()] == [(b"bound", 0), (b"again", 1)]
    assert [(wc.wr_id, wc.opcode) for wc in peer.done()] == [(0, WcOpcode.BIND_MW)]
    peer.ack(0)
    done = [(2, WcOpcode.LOCAL_INV), (3, WcOpcode.BIND_MW)]
    assert [(wc.wr_id, wc.opcode) for wc in peer.done()] == [(1, WcOpcode.SEND), *done]
    peer.ack(1)
    assert [wc.wr_id for wc in peer.done()] == [4]
    peer.refused(write(peer, mr.addr, again), NAK_ACCESS, 0)


@pytest.mark.ibta("9.7.5.2.6", "what was executed locally is not executed again when the requester goes back")
def test_going_back_over_local_operations(peer: WirePeer) -> None:
    mw, mr = MW(peer.pd, T2), peer.region(64, BINDABLE)
    peer.qp.post_send(SendWR(0, data=b"a"))
    key = bind(peer, mw, info(mr))
    invalidate_wr = SendWR(2, WrOpcode.LOCAL_INV, invalidate_rkey=key)
    peer.qp.post_send([invalidate_wr, SendWR(3, data=b"b"), SendWR(4, data=b"c")])
    assert [p.payload for p in peer.collect()] == [b"a", b"b", b"c"]
    assert [p.payload for p in peer.ack(0, 0x60)] == [b"a", b"b", b"c"]
    assert [p.payload for p in peer.ack(1, 0x60)] == [b"b", b"c"]
    peer.ack(2)
    assert [wc.status for wc in peer.done()] == [OK] * 5


@pytest.mark.ibta("9.7.5.1.2", "a READ response completes what was executed locally before it")
def test_local_operation_before_a_read(peer: WirePeer) -> None:
    peer.qp.post_send(SendWR(0, data=b"a"))
    bind(peer, MW(peer.pd, T2), info(peer.region(64, BINDABLE)))
    peer.post_read(wr_id=2)
    peer.collect()
    peer.ack(1, name="RC_RDMA_READ_RESPONSE_ONLY", payload=bytes(8))
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [(0, OK), (0, OK), (2, OK)]


@pytest.mark.ibta("10.6.5", "a fence holds a local operation back until READs before it are answered")
def test_fenced_invalidate(peer: WirePeer) -> None:
    _, mr, key = opened(peer)
    peer.post_read()
    peer.qp.post_send(
        SendWR(1, WrOpcode.LOCAL_INV, invalidate_rkey=key, send_flags=SendFlags.FENCE | SendFlags.SIGNALED)
    )
    peer.collect()
    peer.expect(write(peer, mr.addr + 64, key), ACK, 0, 1)
    peer.ack(0, name="RC_RDMA_READ_RESPONSE_ONLY", payload=bytes(8))
    assert [wc.status for wc in peer.done()] == [OK, OK]
    peer.refused(write(peer, mr.addr + 64, key), NAK_ACCESS, 1, 1)


@pytest.mark.ibta("10.3.1.5", "SQD begins no local operation; back in RTS it is executed")
def test_local_operation_in_sqd(peer: WirePeer) -> None:
    peer.to(QpState.SQD)
    bind(peer, MW(peer.pd, T1), info(peer.region(64, BINDABLE)))
    peer.collect()
    assert peer.done() == []
    peer.qp.modify(peer.qp.query().__class__(qp_state=QpState.RTS), 1)
    peer.collect()
    assert [wc.status for wc in peer.done()] == [OK]


@pytest.mark.ibta("10.6.7.2.6", "LOCAL_INV closes a type 2 window, which can then be bound again")
def test_local_invalidate(peer: WirePeer) -> None:
    mw, mr, key = opened(peer)
    invalidate(peer, key)
    (wc,) = peer.done()
    assert (wc.status, wc.opcode) == (OK, WcOpcode.LOCAL_INV)
    key = bind(peer, mw, info(mr))
    peer.collect()
    peer.expect(write(peer, mr.addr, key), ACK, 0, 1)
    invalidate(peer, key)
    peer.refused(write(peer, mr.addr, key), NAK_ACCESS, 1, 1)


def _through_another_qp(peer: WirePeer) -> int:
    _, _, key = opened(peer)
    peer.received_by = peer.qp  # type: ignore[attr-defined]  # lives on, and its window with it
    peer.qp = QP(peer.pd, QPInitAttr(QpType.RC, peer.cq, peer.recv_cq))
    peer.to(QpState.RTS)
    peer.post_recv()
    return key


def _twice(peer: WirePeer) -> int:
    _, _, key = opened(peer)
    invalidate(peer, key)
    peer.done()
    return key


NOT_TO_BE_INVALIDATED: dict[str, Callable[[WirePeer], int]] = {
    "no such key": lambda p: 0x12345678,
    "region": lambda p: p.region(64, ALL).rkey,
    "type 1": lambda p: opened(p, T1)[2],
    "not bound": lambda p: MW(p.pd, T2).rkey,
    "another consumer byte": lambda p: inc_rkey(opened(p)[2]),
    "another QP's": _through_another_qp,
    "a second time": _twice,
}


@pytest.mark.ibta("10.6.7.2.6", "LOCAL_INV of what is not a bound type 2 window of this QP: MW_BIND_ERR")
@pytest.mark.parametrize("case", NOT_TO_BE_INVALIDATED)
def test_bad_local_invalidate(peer: WirePeer, case: str) -> None:
    invalidate(peer, NOT_TO_BE_INVALIDATED[case](peer))
    assert [wc.status for wc in peer.done()] == [BAD]
    assert peer.qp.state is QpState.ERR


@pytest.mark.ibta("9.4.1.1", "the peer's SEND with invalidate closes a type 2 window; the receive tells the key")
@pytest.mark.parametrize("packets", [1, 2])
def test_remote_invalidate(peer: WirePeer, packets: int) -> None:
    mw, mr, key = opened(peer)
    peer.post_recv()
    if packets == 2:
        peer.request("RC_SEND_FIRST", FULL)
        peer.expect(peer.request("RC_SEND_LAST_WITH_INVALIDATE", b"end", imm=key), ACK, 1, 1)
    else:
        peer.expect(peer.request("RC_SEND_ONLY_WITH_INVALIDATE", b"end", imm=key), ACK, 0, 1)
    (wc,) = peer.arrived()
    assert (wc.status, wc.opcode, wc.wc_flags, wc.invalidated_rkey) == (OK, WcOpcode.RECV, WcFlags.WITH_INV, key)
    assert peer.received[0].read(wc.byte_len) == (FULL if packets == 2 else b"") + b"end"
    bind(peer, mw, info(mr))
    peer.collect()
    assert [wc.status for wc in peer.done()] == [OK]
    peer.refused(write(peer, mr.addr, key), NAK_ACCESS, packets, 1)


@pytest.mark.ibta("9.4.1.1", "a SEND with invalidate that finds no receive (RNR NAK) has invalidated nothing")
def test_remote_invalidate_without_receive(peer: WirePeer) -> None:
    _, mr, key = opened(peer)
    peer.expect(peer.request("RC_SEND_ONLY_WITH_INVALIDATE", imm=key), RNR | 1, 0, 0)
    peer.next_psn = 0
    peer.expect(write(peer, mr.addr + 64, key), ACK, 0, 1)
    peer.post_recv()
    peer.expect(peer.request("RC_SEND_ONLY_WITH_INVALIDATE", imm=key), ACK, 1, 2)
    peer.expect(write(peer, mr.addr + 64, key), NAK_ACCESS, 2, 2)


@pytest.mark.ibta("9.4.1.1", "a SEND with invalidate that was received is not executed again when it is duplicated")
def test_duplicate_remote_invalidate(peer: WirePeer) -> None:
    mw, mr, key = opened(peer)
    peer.post_recv(count=2)
    peer.request("RC_SEND_ONLY_WITH_INVALIDATE", imm=key)
    bind(peer, mw, info(mr), key)
    peer.collect()
    peer.expect(peer.request("RC_SEND_ONLY_WITH_INVALIDATE", imm=key, psn=0), ACK, 0, 1)
    peer.expect(write(peer, mr.addr, key), ACK, 1, 2)


@pytest.mark.ibta("9.9.3", "SEND with invalidate of what is no type 2 window of this QP: NAK access error, flushed")
@pytest.mark.parametrize("case", NOT_TO_BE_INVALIDATED)
def test_bad_remote_invalidate(make_peer: MakePeer, case: str) -> None:
    peer = make_peer(recvs=1)
    key = NOT_TO_BE_INVALIDATED[case](peer)
    peer.refused(peer.request("RC_SEND_ONLY_WITH_INVALIDATE", b"x", imm=key), NAK_ACCESS, 0)
    assert [wc.status for wc in peer.arrived()] == [WcStatus.WR_FLUSH_ERR]
    assert peer.received[-1].read(1) == b"\0"


@pytest.mark.ibta("9.4.1", "SEND with invalidate leaves as First, Middle, Last or Only, the key in the last packet")
@pytest.mark.parametrize("length", [0, 5, 256, 257, 700])
def test_send_with_invalidate(peer: WirePeer, length: int) -> None:
    data = (FULL * 3)[:length]
    peer.post(WrOpcode.SEND_WITH_INV, data, invalidate_rkey=0x12345678, send_flags=SendFlags(6))
    packets = peer.collect()
    names = ["FIRST", *["MIDDLE"] * (len(packets) - 2), "LAST_WITH_INVALIDATE"]
    names = names if length > 256 else ["ONLY_WITH_INVALIDATE"]
    assert [p.name for p in packets] == [f"RC_SEND_{name}" for name in names]
    assert b"".join(p.payload for p in packets) == data
    assert (packets[-1].imm, packets[-1].solicited) == (0x12345678, True)
    peer.ack(len(packets) - 1)
    assert [(wc.opcode, wc.status) for wc in peer.done()] == [(WcOpcode.SEND, OK)]


@pytest.mark.ibta("9.4.1", "inline data with SEND with invalidate")
def test_inline_send_with_invalidate(peer: WirePeer) -> None:
    peer.qp.post_send(SendWR(opcode=WrOpcode.SEND_WITH_INV, data=b"inline", invalidate_rkey=1))
    (packet,) = peer.collect()
    assert (packet.payload, packet.imm) == (b"inline", 1)


BAD_CALLS: dict[str, tuple[QpType, Callable[[WirePeer], Any], str]] = {
    "UC invalidate": (
        QpType.UC,
        lambda p: p.qp.post_send(SendWR(opcode=WrOpcode.SEND_WITH_INV)),
        "SEND with invalidate is not an operation of its transport service",
    ),
    "UD bind": (QpType.UD, lambda p: bind(p, MW(p.pd, T1), MWBindInfo()), "bind is not an operation"),
    "UD local invalidate": (
        QpType.UD,
        lambda p: p.qp.post_send(SendWR(opcode=WrOpcode.LOCAL_INV)),
        "local invalidate is not an operation",
    ),
    "no window": (
        QpType.RC,
        lambda p: p.qp.post_send(SendWR(opcode=WrOpcode.BIND_MW)),
        "BIND_MW without a window of this device",
    ),
    "window of another device": (
        QpType.RC,
        lambda p: p.qp.bind_mw(MW(WirePeer().pd, T1), MWBind(MWBindInfo())),
        "BIND_MW without a window of this device",
    ),
    "no region": (
        QpType.RC,
        lambda p: bind(p, MW(p.pd, T2), MWBindInfo(None, 0, 8)),
        "BIND_MW without a region of this device",
    ),
    "type 1 posted": (
        QpType.RC,
        lambda p: p.qp.post_send(SendWR(opcode=WrOpcode.BIND_MW, mw=MW(p.pd, T1))),
        "window of type 1, post_send binds those of type 2",
    ),
    "type 2 by bind_mw": (
        QpType.RC,
        lambda p: p.qp.bind_mw(MW(p.pd, T2), MWBind(MWBindInfo())),
        "window of type 2, bind_mw binds those of type 1",
    ),
    "with data": (
        QpType.RC,
        lambda p: p.qp.post_send(SendWR(opcode=WrOpcode.LOCAL_INV, sg=[SGE(0, 1, 2)])),
        "local invalidate with data",
    ),
    "inline": (
        QpType.RC,
        lambda p: p.qp.post_send(SendWR(opcode=WrOpcode.LOCAL_INV, data=b"x")),
        "local invalidate with data",
    ),
}


@pytest.mark.ibta("11.4.1.1", "binds and invalidations that make no sense are refused at once, naming the QP")
@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_calls(make_peer: MakePeer, case: str) -> None:
    service, call, text = BAD_CALLS[case]
    peer = make_peer(service)
    with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}: {re.escape(text)}"):
        call(peer)
    assert peer.collect() == []
    assert peer.done() == []


@pytest.mark.ibta("10.6.7.2", "UC: binds complete in their turn; a bad one stops the send queue only (SQE)")
def test_bind_on_uc(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UC)
    mr = peer.region(64, BINDABLE)
    key = bind(peer, MW(peer.pd, T2), info(mr))
    peer.qp.post_send(SendWR(data=b"x"))
    assert [p.payload for p in peer.collect()] == [b"x"]
    assert [wc.status for wc in peer.done()] == [OK, OK]
    peer.request("UC_RDMA_WRITE_ONLY", b"abc", va=mr.addr, rkey=key, dma_len=3)
    assert mr.read(3) == b"abc"
    bind(peer, MW(peer.pd, T2), info(mr, 1))
    peer.collect()
    assert [wc.status for wc in peer.done()] == [BAD]
    assert peer.qp.state is QpState.SQE


@pytest.mark.ibta("10.6.7.2", "a window's key is no L_Key, and nothing can be bound to a window")
def test_window_key_is_no_lkey(peer: WirePeer) -> None:
    _, mr, key = opened(peer)
    peer.qp.post_send(SendWR(sg=[SGE(mr.addr + 64, 8, key)]))
    assert peer.collect() == []
    assert [wc.status for wc in peer.done()] == [WcStatus.LOC_PROT_ERR]


@pytest.mark.ibta("9.7.4.1.5", "a window that is taken back within a WRITE, or while a READ is answered: NAK access")
def test_invalidated_in_the_middle(peer: WirePeer) -> None:
    mw, mr = MW(peer.pd, T2), peer.region(4096, BINDABLE)
    key = bind(peer, mw, info(mr, length=4096))
    assert peer.collect() == []
    reth: Fields = {"va": mr.addr, "rkey": key, "dma_len": 512}
    peer.request("RC_RDMA_WRITE_FIRST", FULL, **reth)
    invalidate(peer, key)
    peer.refused(peer.request("RC_RDMA_WRITE_LAST", FULL), NAK_ACCESS, 1)
    assert mr.read(512) == FULL + bytes(256)


@pytest.mark.ibta("10.8.3.3", "signalled or not, and retried or not, a local operation completes once")
def test_local_operation_completes_once(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=1)
    peer.qp.post_send(SendWR(0, data=b"a"))
    mw, mr = MW(peer.pd, T2), peer.region(64, BINDABLE)
    bind(peer, mw, info(mr))
    bind(peer, mw, info(mr))  # bad: it is bound
    assert len(peer.collect(8_192 * 3)) > 1
    assert peer.done() == []
    peer.ack(0)
    assert [wc.status for wc in peer.done()] == [OK, OK, BAD]


@pytest.mark.ibta("11.2.1.2", "windows count as keys of the device; one forgotten stays with its domain")
def test_limit_of_windows(make_peer: MakePeer) -> None:
    peer = make_peer(config=DeviceConfig(max_mr=2))
    MW(peer.pd, T1)
    mw = MW(peer.pd, T2)
    with pytest.raises(DpuError, match="MW: the device's limit of 2 is reached"):
        MW(peer.pd, T1)
    with pytest.raises(ValueError, match="3 is not a valid MwType"):
        MW(peer.pd, 3)  # type: ignore[arg-type]
    mw.close()
    with pytest.raises(CallerError, match="is closed"):
        _ = mw.rkey
    MW(peer.pd, T1).close()


@pytest.mark.ibta("10.6.7.2", "a QP without remote write refuses what a window would allow")
def test_rights_of_the_qp_count_too(make_peer: MakePeer) -> None:
    peer = make_peer(access=READ)
    _, mr, key = opened(peer)
    peer.refused(write(peer, mr.addr + 64, key), NAK_INVALID, 0)


@pytest.mark.ibta("9.7.6.1.3", "a local operation found bad stays bad, even if it were good when its turn comes again")
def test_bad_bind_is_not_tried_again(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=1, recvs=1)
    mw, mr, key = opened(peer)
    peer.qp.post_send(SendWR(1, data=b"a"))
    bind(peer, mw, info(mr))
    peer.collect()
    peer.request("RC_SEND_ONLY_WITH_INVALIDATE", imm=key)
    assert [p.payload for p in peer.collect(peer.now_ns + 9_000)] == [b"a"]
    peer.ack(0)
    assert [wc.status for wc in peer.done()] == [OK, BAD]
