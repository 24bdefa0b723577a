"""ATOMIC WRITE and FLUSH, the Memory Placement Extensions of annex A19, from both ends of the wire."""

from collections.abc import Callable
from typing import Any

import pytest

from datapath.port import FaultAction, Rule
from rdma_verbs import (
    MR,
    MW,
    AccessFlags,
    CallerError,
    MWBind,
    MWBindInfo,
    MwType,
    PlacementType,
    PostError,
    QpState,
    QpType,
    SelectivityLevel,
    SendFlags,
    SendWR,
    WcOpcode,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.wire import build
from tests.unit.rdma_verbs.pair import Pair
from tests.unit.rdma_verbs.wirepeer import (
    ACK,
    ALL,
    NAK_ACCESS,
    NAK_INVALID,
    NAK_OPERATIONAL,
    NAK_SEQUENCE,
    Fields,
    WirePeer,
)

MakePeer = Callable[..., WirePeer]
MakePair = Callable[..., Pair]

BOTH = PlacementType.GLOBAL | PlacementType.PERSISTENT
FLUSHES = AccessFlags.FLUSH_GLOBAL | AccessFlags.FLUSH_PERSISTENT
FLUSHABLE = ALL | FLUSHES
READ_ONLY = "RC_RDMA_READ_RESPONSE_ONLY"
OPERATIONS = {WrOpcode.ATOMIC_WRITE: WcOpcode.ATOMIC_WRITE, WrOpcode.FLUSH: WcOpcode.FLUSH}
each_operation = pytest.mark.parametrize("operation", OPERATIONS)
each_type = pytest.mark.parametrize("kind", [PlacementType.GLOBAL, PlacementType.PERSISTENT, BOTH])


def access_of(kind: PlacementType) -> AccessFlags:
    return AccessFlags(kind << 8)


def post(peer: WirePeer, operation: WrOpcode, **fields: Any) -> None:
    data = bytes(range(1, 9)) if operation is WrOpcode.ATOMIC_WRITE else b""
    peer.post(operation, data, remote_addr=0x1122334455667788, rkey=0x99AABBCC, **fields)


# Requester


@pytest.mark.ibta("A19", "ATOMIC WRITE is one packet: BTH, RETH of length 8, eight bytes (inline or not)")
@pytest.mark.parametrize("inline", [False, True])
def test_atomic_write_on_the_wire(peer: WirePeer, inline: bool) -> None:
    wr = SendWR(opcode=WrOpcode.ATOMIC_WRITE, data=bytes(range(8)), remote_addr=0x1122334455667788, rkey=0x99AABBCC)
    if inline:
        peer.qp.post_send(wr)
    else:
        peer.post(wr.opcode, bytes(range(8)), remote_addr=wr.remote_addr, rkey=wr.rkey)
    (packet,) = peer.collect()
    # IPv4 and UDP headers are 28 bytes; flags: migrated; P_Key; QPN; ack request, PSN; RETH; payload.
    expected = "1d 40 ffff 00 000123 80 000000 1122334455667788 99aabbcc 00000008 0001020304050607"
    assert build(packet)[28:-4].hex() == expected.replace(" ", "")


@pytest.mark.ibta("A19", "FLUSH is one packet: BTH, FETH of type and level, RETH (each type and level)")
@each_type
@pytest.mark.parametrize("level", SelectivityLevel)
def test_flush_on_the_wire(peer: WirePeer, kind: PlacementType, level: SelectivityLevel) -> None:
    post(peer, WrOpcode.FLUSH, flush_type=kind, flush_level=level, flush_length=0x10002)
    (packet,) = peer.collect()
    expected = f"1c 40 ffff 00 000123 80 000000 000000{level}{int(kind)} 1122334455667788 99aabbcc 00010002"
    assert build(packet)[28:-4].hex() == expected.replace(" ", "")


@pytest.mark.ibta("A19", "an empty READ response completes it, names its operation and changes no local memory")
@each_operation
def test_completion(peer: WirePeer, operation: WrOpcode) -> None:
    post(peer, operation, wr_id=7)
    peer.collect()
    assert peer.done() == []
    peer.ack(0, name=READ_ONLY)
    assert [(wc.wr_id, wc.status, wc.opcode) for wc in peer.done()] == [
        (7, WcStatus.SUCCESS, OPERATIONS[operation]),
    ]


@pytest.mark.ibta("A19", "an ACK does not stand for the response of an ATOMIC WRITE or FLUSH: sent again, once")
@each_operation
def test_ack_is_an_implied_nak(peer: WirePeer, operation: WrOpcode) -> None:
    post(peer, operation, wr_id=0)
    peer.post(WrOpcode.SEND, b"x", wr_id=1)
    first = peer.collect()
    assert peer.ack(1) == first
    assert (peer.done(), peer.count("implied_nak_seq_err")) == ([], 1)
    assert peer.ack(1) == []
    peer.ack(0, name=READ_ONLY)
    peer.ack(1)
    assert [wc.wr_id for wc in peer.done()] == [0, 1]


@pytest.mark.ibta("A19", "its response acknowledges all SENDs and WRITEs before it")
@each_operation
def test_response_acknowledges(peer: WirePeer, operation: WrOpcode) -> None:
    peer.post(WrOpcode.SEND, b"x", wr_id=0)
    peer.post(WrOpcode.RDMA_WRITE, bytes(512), rkey=1, wr_id=1)
    post(peer, operation, wr_id=2)
    peer.collect()
    peer.ack(3, name=READ_ONLY)
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [(i, WcStatus.SUCCESS) for i in range(3)]


@pytest.mark.ibta("9.9.2", "a response to ATOMIC WRITE or FLUSH that has data, or is an atomic's: BAD_RESP_ERR")
@pytest.mark.parametrize(("name", "payload"), [(READ_ONLY, bytes(8)), ("RC_ATOMIC_ACKNOWLEDGE", b"")])
@each_operation
def test_response_of_another_kind(peer: WirePeer, operation: WrOpcode, name: str, payload: bytes) -> None:
    post(peer, operation)
    peer.collect()
    peer.ack(0, name=name, payload=payload)
    assert [wc.status for wc in peer.done()] == [WcStatus.BAD_RESP_ERR]
    assert peer.qp.state is QpState.ERR


FATAL = {
    NAK_INVALID: WcStatus.REM_INV_REQ_ERR,
    NAK_ACCESS: WcStatus.REM_ACCESS_ERR,
    NAK_OPERATIONAL: WcStatus.REM_OP_ERR,
}


@pytest.mark.ibta("9.7.5.2", "a fatal NAK fails an ATOMIC WRITE or FLUSH, what follows is flushed (each NAK)")
@pytest.mark.parametrize("syndrome", FATAL)
@each_operation
def test_fatal_nak(peer: WirePeer, operation: WrOpcode, syndrome: int) -> None:
    for i in range(3):
        post(peer, operation, wr_id=i)
    peer.collect()
    peer.ack(0, name=READ_ONLY)
    peer.ack(1, syndrome)
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [
        (0, WcStatus.SUCCESS),
        (1, FATAL[syndrome]),
        (2, WcStatus.WR_FLUSH_ERR),
    ]


@pytest.mark.ibta("9.7.6.1.3", "an ATOMIC WRITE or FLUSH without an answer: as many retries as asked for, all alike")
@each_operation
@pytest.mark.parametrize("retry_cnt", [0, 3])
def test_retries(make_peer: MakePeer, operation: WrOpcode, retry_cnt: int) -> None:
    peer = make_peer(timeout=1, retry_cnt=retry_cnt)
    post(peer, operation)
    sent = peer.collect(10**9)
    assert len(sent) == 1 + retry_cnt
    assert all(p == sent[0] for p in sent)
    assert [wc.status for wc in peer.done()] == [WcStatus.RETRY_EXC_ERR]


@pytest.mark.ibta("A19", "ATOMIC WRITE and FLUSH count as READs: max_rd_atomic limits them, and a fence waits for them")
@each_operation
def test_outstanding(make_peer: MakePeer, operation: WrOpcode) -> None:
    peer = make_peer(max_rd_atomic=2)
    for _ in range(3):
        post(peer, operation)
    peer.post(WrOpcode.SEND, b"fenced", send_flags=SendFlags.SIGNALED | SendFlags.FENCE)
    assert [p.psn for p in peer.collect()] == [0, 1]
    assert [p.psn for p in peer.ack(0, name=READ_ONLY)] == [2]
    assert peer.ack(1, name=READ_ONLY) == []
    assert [p.payload for p in peer.ack(2, name=READ_ONLY)] == [b"fenced"]


@pytest.mark.ibta("A19", "its eight bytes no longer count as in flight once it is answered: a window does not close")
def test_atomic_writes_leave_the_window(make_pair: MakePair) -> None:
    from rdma_verbs import CongestionControl, DeviceConfig

    pair = make_pair(config=DeviceConfig(cc=CongestionControl.window(1 << 12)), timeout=0)
    target = pair.b.region(8)
    for i in range(600):
        pair.a.qp.post_send(
            SendWR(
                opcode=WrOpcode.ATOMIC_WRITE,
                data=i.to_bytes(8, "little"),
                remote_addr=target.addr,
                rkey=target.rkey,
                send_flags=SendFlags(0),
            )
        )
        pair.run()
    pair.a.post_send(bytes(1024))
    pair.a.post_send(bytes(1024))
    pair.run()
    assert [wc.status for wc in pair.a.poll_all()] == [WcStatus.SUCCESS] * 2
    assert target.read() == (599).to_bytes(8, "little")


# Responder


def request(name: str, region: MR, **changes: Any) -> tuple[str, bytes, Fields]:
    fields: Fields = {"va": region.addr, "rkey": region.rkey, "dma_len": 8}
    if name == "flush":
        return "RC_FLUSH", b"", fields | {"imm": int(BOTH)} | changes
    return "RC_ATOMIC_WRITE", b"12345678", fields | changes


def ask(peer: WirePeer, name: str, region: MR, **changes: Any) -> Any:
    opcode, payload, fields = request(name, region, **changes)
    return peer.request(opcode, payload, **fields)


each_request = pytest.mark.parametrize("name", ["atomic write", "flush"])


@pytest.fixture
def peer(make_peer: MakePeer) -> WirePeer:
    """An RC queue pair in RTS that grants everything."""
    return make_peer(access=FLUSHABLE)


@pytest.mark.ibta(
    "A19", "a good ATOMIC WRITE or FLUSH is answered by an empty READ Response Only, with its PSN and MSN"
)
@each_request
def test_answer(peer: WirePeer, name: str) -> None:
    region = peer.region(64, FLUSHABLE)
    (answer,) = ask(peer, name, region, va=region.addr + 16)
    assert (answer.name, answer.psn, answer.msn, answer.syndrome, answer.payload) == (READ_ONLY, 0, 1, ACK, b"")
    assert region.read(24, 8) == bytes(8) + (b"12345678" if name == "atomic write" else bytes(8)) + bytes(8)


@pytest.mark.ibta(
    "A19.4.2", "ATOMIC WRITE stores its bytes as they came, also into memory that is not aligned as its key"
)
def test_atomic_write_to_memory_at_an_odd_address(peer: WirePeer) -> None:
    memory = bytearray(24)
    region = MR(peer.pd, memoryview(memory)[3:19], FLUSHABLE, iova=0x8000)
    ask(peer, "atomic write", region, va=0x8008)
    assert bytes(memory) == bytes(11) + b"12345678" + bytes(5)


@pytest.mark.ibta("A19.4.2", "an ATOMIC WRITE to an address that is no multiple of 8: NAK invalid request")
@pytest.mark.parametrize("off", range(1, 8))
def test_unaligned_atomic_write(peer: WirePeer, off: int) -> None:
    region = peer.region(64)
    peer.refused(ask(peer, "atomic write", region, va=region.addr + off), NAK_INVALID, 0)
    assert region.read() == bytes(64)


@pytest.mark.ibta("A19", "an ATOMIC WRITE whose RETH names another length than 8: NAK invalid request")
@pytest.mark.parametrize("length", [0, 7, 9, 16])
def test_atomic_write_of_another_length(peer: WirePeer, length: int) -> None:
    region = peer.region(64)
    peer.refused(ask(peer, "atomic write", region, dma_len=length), NAK_INVALID, 0)
    assert region.read() == bytes(64)


@pytest.mark.ibta("A19", "ATOMIC WRITE needs remote write of the QP, FLUSH the right of each type: NAK invalid request")
@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("atomic write", AccessFlags.REMOTE_WRITE),
        ("flush", AccessFlags.FLUSH_GLOBAL),
        ("flush", AccessFlags.FLUSH_PERSISTENT),
    ],
)
def test_qp_without_the_right(make_peer: MakePeer, name: str, missing: AccessFlags) -> None:
    peer = make_peer(access=FLUSHABLE & ~missing)
    region = peer.region(64, FLUSHABLE)
    peer.refused(ask(peer, name, region), NAK_INVALID, 0)
    assert region.read() == bytes(64)


@pytest.mark.ibta("A19", "ATOMIC WRITE needs remote write of the region, not remote atomic; FLUSH needs neither")
@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("atomic write", AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE),
        ("flush", FLUSHES),
    ],
)
def test_least_rights(peer: WirePeer, name: str, needed: AccessFlags) -> None:
    region = peer.region(64, needed)
    (answer,) = ask(peer, name, region)
    assert answer.syndrome == ACK


@pytest.mark.ibta(
    "A19", "a region without the right that ATOMIC WRITE or a type of FLUSH needs: NAK remote access error"
)
@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("atomic write", AccessFlags.REMOTE_WRITE),
        ("flush", AccessFlags.FLUSH_GLOBAL),
        ("flush", AccessFlags.FLUSH_PERSISTENT),
    ],
)
@pytest.mark.parametrize("level", SelectivityLevel)
def test_region_without_the_right(peer: WirePeer, name: str, missing: AccessFlags, level: SelectivityLevel) -> None:
    region = peer.region(64, FLUSHABLE & ~missing)
    changes = {"imm": int(BOTH) | level << 4} if name == "flush" else {}
    peer.refused(ask(peer, name, region, **changes), NAK_ACCESS, 0)
    assert region.read() == bytes(64)


@pytest.mark.ibta("A19", "a type that is granted does not need the rights of the other type (each type)")
@each_type
def test_rights_of_one_type(make_peer: MakePeer, kind: PlacementType) -> None:
    peer = make_peer(access=access_of(kind))
    (answer,) = ask(peer, "flush", peer.region(64, access_of(kind)), imm=int(kind))
    assert answer.syndrome == ACK


@pytest.mark.ibta("A19", "R_Key, domain and bounds of ATOMIC WRITE and of FLUSH of a range: NAK remote access error")
@pytest.mark.parametrize("wrong", ["key", "before", "after", "domain"])
@each_request
def test_key_and_bounds(peer: WirePeer, name: str, wrong: str) -> None:
    from rdma_verbs import PD

    region = MR(PD(peer.context) if wrong == "domain" else peer.pd, 64, FLUSHABLE, iova=0x8000)
    va = {"before": 0x8000 - 8, "after": 0x8000 + 64}.get(wrong, 0x8000)
    peer.refused(ask(peer, name, region, va=va, rkey=region.rkey ^ (wrong == "key")), NAK_ACCESS, 0)


@pytest.mark.ibta("A19", "the key of a window: ATOMIC WRITE with remote write, no FLUSH, which no window can grant")
@each_request
def test_key_of_a_window(peer: WirePeer, name: str) -> None:
    region = peer.region(64, FLUSHABLE | AccessFlags.MW_BIND)
    window = MW(peer.pd, MwType.TYPE_1)
    rkey = peer.qp.bind_mw(window, MWBind(MWBindInfo(region, region.addr, 64, AccessFlags.REMOTE_WRITE)))
    peer.collect()
    answers = ask(peer, name, region, rkey=rkey)
    if name == "flush":
        peer.refused(answers, NAK_ACCESS, 0)
    else:
        assert [(a.name, a.syndrome, region.read(8)) for a in answers] == [(READ_ONLY, ACK, b"12345678")]


@pytest.mark.ibta("A19", "FLUSH of a region: address and length say nothing, the key does")
@pytest.mark.parametrize("good", [True, False])
def test_flush_of_a_region(peer: WirePeer, good: bool) -> None:
    region = peer.region(64, FLUSHABLE)
    changes: Fields = {"va": 1, "dma_len": 0xFFFFFFFF, "imm": int(BOTH) | 0x10}
    answers = ask(peer, "flush", region, rkey=region.rkey ^ (not good), **changes)
    if good:
        assert [(a.name, a.syndrome) for a in answers] == [(READ_ONLY, ACK)]
    else:
        peer.refused(answers, NAK_ACCESS, 0)


@pytest.mark.ibta(
    "A19", "reserved placement types and selectivity levels: NAK invalid request; reserved bits are ignored"
)
@pytest.mark.parametrize("feth", [0x00, 0x04, 0x08, 0x0F, 0x21, 0x31, 0xFFFFFFC1])
def test_reserved_bits_of_the_feth(peer: WirePeer, feth: int) -> None:
    answers = ask(peer, "flush", peer.region(64, FLUSHABLE), imm=feth)
    if feth == 0xFFFFFFC1:
        assert [(a.name, a.syndrome) for a in answers] == [(READ_ONLY, ACK)]
    else:
        peer.refused(answers, NAK_INVALID, 0)


@pytest.mark.ibta("9.7.4.1.4", "ATOMIC WRITE or FLUSH between First and Last of a message: NAK invalid request")
@each_request
def test_within_a_message(peer: WirePeer, name: str) -> None:
    region = peer.region(1024, FLUSHABLE)
    peer.request("RC_RDMA_WRITE_FIRST", bytes(256), va=region.addr, rkey=region.rkey, dma_len=512)
    peer.refused(ask(peer, name, region), NAK_INVALID, 1)


@pytest.mark.ibta("A19", "a duplicate ATOMIC WRITE or FLUSH is answered again and not executed again")
@each_request
def test_duplicate(peer: WirePeer, name: str) -> None:
    region = peer.region(64, FLUSHABLE)
    first = ask(peer, name, region)
    region.write(b"kept kep")
    for _ in range(2):
        again = ask(peer, name, region, psn=0)
        assert [(a.name, a.psn, a.msn, a.payload) for a in again] == [(READ_ONLY, 0, 1, b"")]
        assert again == first
    assert region.read(8) == b"kept kep"
    assert peer.count("duplicate_request") == 2


@pytest.mark.ibta("A19", "what has the PSN of another operation that was executed is no duplicate of it: dropped")
@pytest.mark.parametrize("other", ["RC_FLUSH", "RC_RDMA_READ_REQUEST", "RC_COMPARE_SWAP", "RC_FETCH_ADD"])
def test_duplicate_of_another_operation(peer: WirePeer, other: str) -> None:
    region = peer.region(64, FLUSHABLE)
    ask(peer, "atomic write", region)
    fields: Fields = {"va": region.addr, "rkey": region.rkey, "dma_len": 0, "swap_add": 5, "imm": 1}
    assert peer.request(other, psn=0, **fields) == []
    assert (peer.context.drops(), region.read(8)) == ({"duplicate": 1}, b"12345678")


@pytest.mark.ibta("A19", "more outstanding than max_dest_rd_atomic 0: NAK invalid request")
@each_request
def test_none_outstanding_allowed(make_peer: MakePeer, name: str) -> None:
    peer = make_peer(access=FLUSHABLE, max_dest_rd_atomic=0)
    region = peer.region(64, FLUSHABLE)
    peer.refused(ask(peer, name, region), NAK_INVALID, 0)


@pytest.mark.ibta("9.7.5.2.6", "an ATOMIC WRITE or FLUSH after a gap is not executed: NAK sequence error")
@each_request
def test_after_a_gap(peer: WirePeer, name: str) -> None:
    region = peer.region(64, FLUSHABLE)
    peer.expect(ask(peer, name, region, psn=1), NAK_SEQUENCE, 0, 0)
    assert region.read() == bytes(64)


@pytest.mark.ibta("A19", "no operation of unreliable services: the packet is dropped, the request refused")
@pytest.mark.parametrize("service", [QpType.UC, QpType.UD])
@each_operation
def test_only_reliable(make_peer: MakePeer, service: QpType, operation: WrOpcode) -> None:
    peer = make_peer(service)
    with pytest.raises(PostError, match="is not an operation of its transport service"):
        post(peer, operation)
    name, payload, fields = request("flush" if operation is WrOpcode.FLUSH else "atomic write", peer.region(64))
    assert peer.request(name, payload, **fields) == []
    assert peer.context.drops() == {"bad_service": 1}


# Both ends


@pytest.mark.ibta("A19", "lost, doubled or late, request or response: executed once, completed once (each packet)")
@pytest.mark.parametrize("action", [FaultAction.DROP, FaultAction.DUPLICATE])
@pytest.mark.parametrize("source", ["a", "b"])
@each_operation
def test_faults_of_each_packet(make_pair: MakePair, operation: WrOpcode, source: str, action: FaultAction) -> None:
    pair = make_pair()
    target = MR(pair.b.pd, 64, FLUSHABLE)
    pair.fault(Rule.on_packet(nth=2, action=action), source=source)
    for i in range(3):
        data = bytes([i + 1]) * 8 if operation is WrOpcode.ATOMIC_WRITE else b""
        pair.a.post_send(data, operation, remote_addr=target.addr + 8 * i, rkey=target.rkey, flush_length=8)
    pair.run()
    assert [(wc.wr_id, wc.status) for wc in pair.a.poll_all()] == [(i, WcStatus.SUCCESS) for i in (1, 2, 3)]
    if operation is WrOpcode.ATOMIC_WRITE:
        assert target.read(24) == bytes([1] * 8 + [2] * 8 + [3] * 8)
    assert pair.a.qp.state is QpState.RTS


@pytest.mark.ibta("A19", "an ATOMIC WRITE that is sent again does not undo what was written since")
def test_lost_response_of_an_atomic_write(make_pair: MakePair) -> None:
    pair = make_pair()
    target = pair.b.region(8)
    pair.drop(source="b")
    pair.a.post_send(b"12345678", WrOpcode.ATOMIC_WRITE, remote_addr=target.addr, rkey=target.rkey)
    pair.run_until(3000)
    assert target.read() == b"12345678"
    target.write(b"87654321")
    pair.run()
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert target.read() == b"87654321"
    assert pair.sent_psns == [0, 0]


# Illegal calls


@pytest.mark.ibta("A19", "posting is refused: not 8 bytes, no type, an unknown type or level, FLUSH with data")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"opcode": WrOpcode.ATOMIC_WRITE}, "buffer of 0 bytes, it needs 8"),
        ({"opcode": WrOpcode.ATOMIC_WRITE, "data": b"1234567"}, "buffer of 7 bytes, it needs 8"),
        ({"opcode": WrOpcode.FLUSH, "flush_type": 0}, "flush_type 0"),
        ({"opcode": WrOpcode.FLUSH, "flush_type": 4}, "flush_type 0x4"),
        ({"opcode": WrOpcode.FLUSH, "flush_level": 2}, "flush_level 2 is neither"),
        ({"opcode": WrOpcode.FLUSH, "flush_length": 1 << 32}, "flush_length 4294967296 is not an unsigned"),
        ({"opcode": WrOpcode.FLUSH, "data": b"x"}, "FLUSH with data"),
        ({"opcode": 10}, "opcode 10 is not supported"),
    ],
)
def test_bad_requests(peer: WirePeer, fields: dict[str, Any], words: str) -> None:
    with pytest.raises((PostError, CallerError), match=words):
        peer.qp.post_send(SendWR(**fields))
    assert peer.collect() == []


@pytest.mark.ibta("A19", "posting is refused with max_rd_atomic 0")
@each_operation
def test_no_outstanding(make_peer: MakePeer, operation: WrOpcode) -> None:
    with pytest.raises(PostError, match="with max_rd_atomic 0"):
        post(make_peer(max_rd_atomic=0), operation)
