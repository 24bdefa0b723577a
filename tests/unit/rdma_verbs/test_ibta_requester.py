"""What the requester sends, and what it makes of each answer, of a wrong one, and of none."""

from collections.abc import Callable

import pytest

from rdma_verbs import DeviceConfig, EventType, QpState, QpType, SendFlags, WcOpcode, WcStatus, WrOpcode
from rdma_verbs.enums import QpAttrMask as Mask
from rdma_verbs.wire import Packet
from tests.unit.rdma_verbs.wirepeer import (
    ACK,
    MASK24,
    NAK_ACCESS,
    NAK_INVALID,
    NAK_OPERATIONAL,
    NAK_SEQUENCE,
    RNR,
    RNR_NS,
    WirePeer,
)

MakePeer = Callable[..., WirePeer]
FULL = bytes(range(256))
QUIET = SendFlags(0)
READ_ONLY = "RC_RDMA_READ_RESPONSE_ONLY"
ATOMIC_ACK = "RC_ATOMIC_ACKNOWLEDGE"
FOREVER = 7


def psns(packets: list[Packet]) -> list[int]:
    return [p.psn for p in packets]


def post_eight(peer: WirePeer, opcode: WrOpcode, **fields: int) -> None:
    peer.post(opcode, bytes(8), remote_addr=0x1000, rkey=7, **fields)


# What is on the wire

MESSAGES = [
    (WrOpcode.SEND, "SEND", ""),
    (WrOpcode.SEND_WITH_IMM, "SEND", "_WITH_IMMEDIATE"),
    (WrOpcode.RDMA_WRITE, "RDMA_WRITE", ""),
    (WrOpcode.RDMA_WRITE_WITH_IMM, "RDMA_WRITE", "_WITH_IMMEDIATE"),
]


@pytest.mark.ibta("9.7.3.2", "a message is cut at the path MTU into Only, or First, Middles, Last (RC, UC)")
@pytest.mark.parametrize("service", [QpType.RC, QpType.UC])
@pytest.mark.parametrize(("opcode", "name", "suffix"), MESSAGES)
@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 512, 513, 1024])
def test_packets_of_a_message(
    make_peer: MakePeer, service: QpType, opcode: WrOpcode, name: str, suffix: str, length: int
) -> None:
    data = bytes(i % 251 for i in range(length))
    peer = make_peer(service, psn=MASK24 - 1)
    peer.post(opcode, data, imm_data=0xABCD, remote_addr=0x123456789ABC, rkey=0xFEDCBA98)
    packets = peer.collect()
    n = max(1, -(-length // 256))
    shapes = ["ONLY" + suffix] if n == 1 else ["FIRST", *["MIDDLE"] * (n - 2), "LAST" + suffix]
    assert [p.name for p in packets] == [f"{service.name}_{name}_{shape}" for shape in shapes]
    assert psns(packets) == [(MASK24 - 1 + i) & MASK24 for i in range(n)]
    assert b"".join(p.payload for p in packets) == data
    assert packets[-1].imm == (0xABCD if suffix else 0)
    if name == "RDMA_WRITE":
        assert (packets[0].va, packets[0].rkey, packets[0].dma_len) == (0x123456789ABC, 0xFEDCBA98, length)
    assert packets[-1].ackreq is (service is QpType.RC)
    assert {(p.pkey, p.dqpn) for p in packets} == {(0xFFFF, 0x123)}
    if service is QpType.UC:
        assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS]
    else:
        assert peer.done() == []
        peer.ack(packets[-1].psn)
        assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS]


@pytest.mark.ibta("9.7.3.2", "a READ is one request packet that takes a PSN for each of its responses")
@pytest.mark.parametrize(("length", "n"), [(0, 1), (1, 1), (256, 1), (257, 2), (1024, 4)])
def test_read_request(peer: WirePeer, length: int, n: int) -> None:
    peer.post(WrOpcode.RDMA_READ, bytes(length), remote_addr=5, rkey=6)
    peer.post(WrOpcode.SEND, b"x")
    read, send = peer.collect()
    assert (read.name, read.psn, read.va, read.rkey, read.dma_len) == ("RC_RDMA_READ_REQUEST", 0, 5, 6, length)
    assert send.psn == n


@pytest.mark.ibta("9.4.5", "an atomic carries address, key and both operands, and takes one PSN")
def test_atomic_requests(peer: WirePeer) -> None:
    post_eight(peer, WrOpcode.ATOMIC_CMP_AND_SWP, compare_add=3, swap=4)
    post_eight(peer, WrOpcode.ATOMIC_FETCH_AND_ADD, compare_add=(1 << 64) - 1)
    cas, add = peer.collect()
    assert (cas.name, cas.psn, cas.va, cas.rkey, cas.compare, cas.swap_add) == ("RC_COMPARE_SWAP", 0, 0x1000, 7, 3, 4)
    assert (add.name, add.psn, add.compare, add.swap_add) == ("RC_FETCH_ADD", 1, 0, (1 << 64) - 1)


@pytest.mark.ibta(
    "9.2.4", "solicited is set on the last packet of SENDs and WRITEs with immediate that ask for it only"
)
@pytest.mark.parametrize(("opcode", "name", "suffix"), MESSAGES)
def test_solicited_bit(peer: WirePeer, opcode: WrOpcode, name: str, suffix: str) -> None:
    peer.post(opcode, FULL * 2, rkey=7, send_flags=SendFlags.SOLICITED)
    peer.post(opcode, FULL * 2, rkey=7)
    possible = opcode is not WrOpcode.RDMA_WRITE
    assert [p.solicited for p in peer.collect()] == [False, possible, False, False]


@pytest.mark.ibta("9.7.3.2", "an ACK is asked for by the last packet, and in between as often as configured")
def test_ack_request_bits(make_peer: MakePeer) -> None:
    peer = make_peer(config=DeviceConfig(ack_every=3))
    peer.post(WrOpcode.SEND, FULL * 8)
    peer.post(WrOpcode.SEND, b"x")
    assert [p.ackreq for p in peer.collect()] == [False, False, True, False, False, True, False, True, True]


@pytest.mark.ibta("9.7.2", "no more packets than the window are outstanding, and the last of them asks for an ACK")
def test_window(make_peer: MakePeer) -> None:
    peer = make_peer(config=DeviceConfig(tx_window=4, ack_every=100))
    peer.post(WrOpcode.SEND, FULL * 6)
    packets = peer.collect()
    assert psns(packets) == [0, 1, 2, 3]
    assert [p.ackreq for p in packets] == [False, False, False, True]
    assert psns(peer.ack(1)) == [4, 5]


# Completions

OPERATIONS = {
    WrOpcode.SEND: (WcOpcode.SEND, "RC_ACKNOWLEDGE"),
    WrOpcode.SEND_WITH_IMM: (WcOpcode.SEND, "RC_ACKNOWLEDGE"),
    WrOpcode.RDMA_WRITE: (WcOpcode.RDMA_WRITE, "RC_ACKNOWLEDGE"),
    WrOpcode.RDMA_WRITE_WITH_IMM: (WcOpcode.RDMA_WRITE, "RC_ACKNOWLEDGE"),
    WrOpcode.RDMA_READ: (WcOpcode.RDMA_READ, READ_ONLY),
    WrOpcode.ATOMIC_CMP_AND_SWP: (WcOpcode.COMP_SWAP, ATOMIC_ACK),
    WrOpcode.ATOMIC_FETCH_AND_ADD: (WcOpcode.FETCH_ADD, ATOMIC_ACK),
}


@pytest.mark.ibta("11.4.2.1", "a success names its request and operation (each operation)")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_completion_of_each_operation(peer: WirePeer, operation: WrOpcode) -> None:
    opcode, answer = OPERATIONS[operation]
    mr = peer.post(operation, bytes(8), wr_id=0xFFFFFFFFFFFFFFFF, remote_addr=0x1000, rkey=7)
    peer.collect()
    assert peer.done() == []
    payload = b"12345678" if operation is WrOpcode.RDMA_READ else b""
    peer.ack(0, name=answer, payload=payload, swap_add=0x0102030405060708)
    (wc,) = peer.done()
    assert (wc.wr_id, wc.status, wc.opcode, wc.byte_len, wc.qp_num) == (
        0xFFFFFFFFFFFFFFFF,
        WcStatus.SUCCESS,
        opcode,
        8,
        peer.qp.qp_num,
    )
    assert mr is not None
    expected = {READ_ONLY: b"12345678", ATOMIC_ACK: bytes(range(8, 0, -1))}.get(answer, bytes(8))
    assert mr.read() == expected


@pytest.mark.ibta("10.7.3.1", "an unsignalled request completes silently, unless the QP signals all")
@pytest.mark.parametrize("sig_all", [False, True])
def test_unsignalled(make_peer: MakePeer, sig_all: bool) -> None:
    peer = make_peer(sig_all=sig_all)
    peer.post(WrOpcode.SEND, b"x", send_flags=QUIET)
    peer.collect()
    peer.ack(0)
    assert len(peer.done()) == sig_all


@pytest.mark.ibta("10.7.3.1", "an unsignalled request that fails completes all the same, and so do those flushed")
def test_unsignalled_failure_is_reported(peer: WirePeer) -> None:
    for i in range(3):
        peer.post(WrOpcode.SEND, b"x", wr_id=i, send_flags=QUIET)
    peer.collect()
    peer.ack(0, NAK_INVALID)
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [
        (0, WcStatus.REM_INV_REQ_ERR),
        (1, WcStatus.WR_FLUSH_ERR),
        (2, WcStatus.WR_FLUSH_ERR),
    ]


@pytest.mark.ibta("9.7.5.1.2", "an ACK completes every SEND and WRITE up to its PSN, in order")
def test_coalesced_ack(peer: WirePeer) -> None:
    for i in range(5):
        peer.post(WrOpcode.SEND if i % 2 else WrOpcode.RDMA_WRITE, FULL * 2, wr_id=i, rkey=7)
    assert len(peer.collect()) == 10
    peer.ack(6)  # the first packet of the fourth
    assert [wc.wr_id for wc in peer.done()] == [0, 1, 2]
    peer.ack(9)
    assert [wc.wr_id for wc in peer.done()] == [3, 4]


@pytest.mark.ibta("9.7.5.1.5", "an ACK for what was acknowledged, or was never sent, is a ghost: dropped and counted")
@pytest.mark.parametrize("psn", [-1, 1, 5, 1000, 1 << 22, 1 << 23])
def test_ghost_ack(peer: WirePeer, psn: int) -> None:
    peer.post(WrOpcode.SEND, b"x")
    peer.collect()
    peer.ack(psn)
    assert peer.done() == []
    assert peer.context.drops() == {"ghost": 1}
    peer.ack(0)
    peer.ack(0)
    assert len(peer.done()) == 1
    assert peer.context.drops() == {"ghost": 2}


RESERVED = [s for s in range(256) if s & 0xE0 not in (0x00, 0x20, 0x60)] + [0x60 | code for code in range(4, 32)]


@pytest.mark.ibta("9.7.5.2", "a reserved AETH syndrome is dropped and counted (all 188)")
def test_reserved_syndromes(peer: WirePeer) -> None:
    peer.post(WrOpcode.SEND, b"x")
    peer.collect()
    for syndrome in RESERVED:
        assert peer.ack(0, syndrome) == []
    assert peer.context.drops() == {"bad_syndrome": len(RESERVED)}
    assert (peer.done(), peer.qp.state, len(RESERVED)) == ([], QpState.RTS, 188)


@pytest.mark.ibta("9.7.5.2", "the credits of an ACK do not matter without end-to-end flow control (all 32)")
def test_credits_are_ignored(peer: WirePeer) -> None:
    for credit in range(32):
        peer.post(WrOpcode.SEND, b"x")
        peer.collect()
        peer.ack(credit, credit)
        assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS]


# NAKs

FATAL = {
    NAK_INVALID: WcStatus.REM_INV_REQ_ERR,
    NAK_ACCESS: WcStatus.REM_ACCESS_ERR,
    NAK_OPERATIONAL: WcStatus.REM_OP_ERR,
}


@pytest.mark.ibta("9.7.5.2", "a fatal NAK fails its request with the matching status; others are flushed (each NAK)")
@pytest.mark.parametrize("syndrome", FATAL)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_fatal_nak(make_peer: MakePeer, operation: WrOpcode, syndrome: int) -> None:
    peer = make_peer(recvs=2)
    for i in range(3):
        post_eight(peer, operation, wr_id=i)
    assert len(peer.collect()) == 3
    answer = OPERATIONS[operation][1]
    peer.ack(0, name=answer, payload=bytes(8) if answer == READ_ONLY else b"")
    peer.ack(1, syndrome)
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [
        (0, WcStatus.SUCCESS),
        (1, FATAL[syndrome]),
        (2, WcStatus.WR_FLUSH_ERR),
    ]
    assert [wc.status for wc in peer.arrived()] == [WcStatus.WR_FLUSH_ERR] * 2
    assert peer.qp.state is QpState.ERR
    assert peer.count("rcvd_naks") == 1


@pytest.mark.ibta("9.7.5.2", "a NAK acknowledges every SEND and WRITE before its PSN")
@pytest.mark.parametrize("syndrome", [*FATAL, NAK_SEQUENCE, RNR | 1])
def test_nak_acknowledges_what_came_before(peer: WirePeer, syndrome: int) -> None:
    for i in range(4):
        peer.post(WrOpcode.SEND, b"x", wr_id=i)
    peer.collect()
    peer.ack(2, syndrome)
    assert [(wc.wr_id, wc.status) for wc in peer.done()[:2]] == [(0, WcStatus.SUCCESS), (1, WcStatus.SUCCESS)]


@pytest.mark.ibta("9.7.5.2.6", "a sequence NAK: everything from its PSN on is sent again (go-back-N), at once")
def test_sequence_nak(peer: WirePeer) -> None:
    peer.post(WrOpcode.SEND, FULL * 3)
    peer.post(WrOpcode.RDMA_WRITE, FULL * 2, remote_addr=5, rkey=6)
    first = peer.collect()
    again = peer.ack(2, NAK_SEQUENCE)
    assert [(p.name, p.psn, p.payload, p.dma_len) for p in again] == [
        (p.name, p.psn, p.payload, p.dma_len) for p in first[2:]
    ]
    assert peer.count("retransmitted_pkts") == 3
    assert peer.count("rcvd_seq_err") == 1


@pytest.mark.ibta("9.7.6.1.3", "retry_cnt sequence NAKs in a row are survived, one more is RETRY_EXC_ERR (each count)")
@pytest.mark.parametrize("retry_cnt", range(8))
def test_retry_count_of_naks(make_peer: MakePeer, retry_cnt: int) -> None:
    peer = make_peer(retry_cnt=retry_cnt, recvs=1)
    peer.post(WrOpcode.SEND, b"x")
    assert psns(peer.collect()) == [0]
    for _ in range(retry_cnt):
        assert psns(peer.ack(0, NAK_SEQUENCE)) == [0]
    assert peer.done() == []
    assert peer.ack(0, NAK_SEQUENCE) == []
    assert [wc.status for wc in peer.done()] == [WcStatus.RETRY_EXC_ERR]
    assert [wc.status for wc in peer.arrived()] == [WcStatus.WR_FLUSH_ERR]
    assert peer.qp.state is QpState.ERR
    assert peer.count("retry_exceeded_err") == 1


@pytest.mark.ibta("9.7.5.2.8", "RNR NAK: nothing is sent for the time of its code, then from its PSN on (each code)")
@pytest.mark.parametrize("code", range(32))
def test_rnr_time(make_peer: MakePeer, code: int) -> None:
    peer = make_peer(timeout=0)
    peer.post(WrOpcode.SEND, FULL * 2)
    peer.post(WrOpcode.SEND, b"x")
    peer.collect()
    assert peer.ack(1, RNR | code) == []
    peer.post(WrOpcode.SEND, b"not before")
    assert peer.collect(RNR_NS[code] - 1) == []
    assert psns(peer.collect(RNR_NS[code])) == [1, 2, 3]
    assert peer.times == [RNR_NS[code]] * 3
    assert peer.count("rcvd_rnr_err") == 1


@pytest.mark.ibta("9.7.5.2.8", "rnr_retry RNR NAKs in a row are survived, one more is RNR_RETRY_EXC_ERR; 7 is for ever")
@pytest.mark.parametrize("rnr_retry", range(8))
def test_rnr_retry_count(make_peer: MakePeer, rnr_retry: int) -> None:
    peer = make_peer(rnr_retry=rnr_retry, retry_cnt=0)
    peer.post(WrOpcode.SEND, b"x")
    peer.collect()
    for _ in range(100 if rnr_retry == FOREVER else rnr_retry):
        assert peer.ack(0, RNR | 1) == []
        assert psns(peer.collect(peer.now_ns + 10_000)) == [0]
    assert peer.done() == []
    if rnr_retry != FOREVER:
        peer.ack(0, RNR | 1)
        assert [wc.status for wc in peer.done()] == [WcStatus.RNR_RETRY_EXC_ERR]
        assert peer.count("retry_rnr_exceeded_err") == 1
        assert peer.qp.state is QpState.ERR


@pytest.mark.ibta("9.7.5.2.8", "during an RNR wait further RNR NAKs change nothing, and an ACK still counts")
def test_answers_during_an_rnr_wait(make_peer: MakePeer) -> None:
    peer = make_peer(rnr_retry=1, retry_cnt=0)
    for i in range(3):
        peer.post(WrOpcode.SEND, b"x", wr_id=i)
    peer.collect()
    peer.ack(0, RNR | 1)
    peer.collect(5_000)
    peer.ack(0, RNR | 20)
    assert peer.ack(1) == []
    assert [wc.wr_id for wc in peer.done()] == [0, 1]
    assert psns(peer.collect(10_000)) == [2]


@pytest.mark.ibta("9.7.6.1.3", "retry_cnt and rnr_retry count anew after every progress")
@pytest.mark.parametrize("syndrome", [NAK_SEQUENCE, RNR | 1])
def test_counters_reload_on_progress(make_peer: MakePeer, syndrome: int) -> None:
    peer = make_peer(retry_cnt=1, rnr_retry=1)
    for i in range(4):
        peer.post(WrOpcode.SEND, b"x", wr_id=i)
    peer.collect()
    for psn in range(4):
        peer.ack(psn, syndrome)
        peer.collect(peer.now_ns + 10_000)
        assert peer.qp.state is QpState.RTS
    peer.ack(3, syndrome)
    assert peer.qp.state is QpState.ERR


# Lost answers of READs and atomics


@pytest.mark.ibta("9.7.5.2.1", "an ACK beyond an unanswered READ or atomic is an implied NAK: that one is sent again")
@pytest.mark.parametrize("operation", [WrOpcode.RDMA_READ, WrOpcode.ATOMIC_CMP_AND_SWP, WrOpcode.ATOMIC_FETCH_AND_ADD])
def test_implied_nak(peer: WirePeer, operation: WrOpcode) -> None:
    post_eight(peer, operation, wr_id=0)
    peer.post(WrOpcode.SEND, b"x", wr_id=1)
    first = peer.collect()
    again = peer.ack(1)
    assert again == first
    assert peer.done() == []
    assert peer.count("implied_nak_seq_err") == 1
    # Only once for one place: late ACKs do not multiply it.
    assert peer.ack(1) == []
    answer = OPERATIONS[operation][1]
    peer.ack(0, name=answer, payload=bytes(8) if answer == READ_ONLY else b"")
    assert [wc.wr_id for wc in peer.done()] == [0]
    peer.ack(1)
    assert [wc.wr_id for wc in peer.done()] == [1]


@pytest.mark.ibta("9.7.5.1.2", "a READ or atomic response acknowledges all SENDs and WRITEs before it")
@pytest.mark.parametrize("operation", [WrOpcode.RDMA_READ, WrOpcode.ATOMIC_CMP_AND_SWP, WrOpcode.ATOMIC_FETCH_AND_ADD])
def test_response_acknowledges(peer: WirePeer, operation: WrOpcode) -> None:
    peer.post(WrOpcode.SEND, b"x", wr_id=0)
    peer.post(WrOpcode.RDMA_WRITE, FULL * 2, rkey=1, wr_id=1)
    post_eight(peer, operation, wr_id=2)
    peer.collect()
    answer = OPERATIONS[operation][1]
    peer.ack(3, name=answer, payload=bytes(8) if answer == READ_ONLY else b"")
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [(i, WcStatus.SUCCESS) for i in range(3)]


@pytest.mark.ibta("9.7.6.1", "a READ whose responses break off is asked for again from the first one missing")
@pytest.mark.parametrize("got", range(4))
def test_read_resumes(make_peer: MakePeer, got: int) -> None:
    peer = make_peer(timeout=1)
    data = bytes(i % 251 for i in range(1000))
    mr = peer.post_read(1000)
    (request,) = peer.collect()
    assert (request.va, request.dma_len) == (0x1000, 1000)
    for i in range(got):
        peer.ack(i, name=f"RC_RDMA_READ_RESPONSE_{'MIDDLE' if i else 'FIRST'}", payload=data[i * 256 :][:256])
    (again,) = peer.collect(8_192)
    assert (again.psn, again.va, again.dma_len) == (got, 0x1000 + 256 * got, 1000 - 256 * got)
    names = ["FIRST", "MIDDLE", "MIDDLE", "LAST"][got:] if got < 3 else ["ONLY"]
    names[0] = "ONLY" if got == 3 else "FIRST"
    for i, name in enumerate(names, got):
        peer.ack(i, name=f"RC_RDMA_READ_RESPONSE_{name}", payload=data[i * 256 :][:256])
    assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS]
    assert mr.read() == data


@pytest.mark.ibta("9.7.6.1", "a response after a missing one is an implied NAK, and is not taken")
def test_read_response_gap(peer: WirePeer) -> None:
    mr = peer.post_read(1000)
    peer.collect()
    peer.ack(0, name="RC_RDMA_READ_RESPONSE_FIRST", payload=b"a" * 256)
    (again,) = peer.ack(2, name="RC_RDMA_READ_RESPONSE_MIDDLE", payload=b"c" * 256)
    assert (again.psn, again.dma_len) == (1, 744)
    assert mr.read() == b"a" * 256 + bytes(744)


BAD_RESPONSES = {
    "Last that is too short": (300, 1, "LAST", b"x" * 43),
    "Last that is too long": (300, 1, "LAST", b"x" * 45),
    "Middle in the place of Last": (300, 1, "MIDDLE", b"x" * 44),
    "Only in the place of First": (300, 0, "ONLY", b"x" * 256),
    "First that is too short": (300, 0, "FIRST", b"x" * 255),
    "First that is too long": (300, 0, "FIRST", b"x" * 257),
    "Only that is too short": (8, 0, "ONLY", b"x" * 7),
    "Only that is too long": (8, 0, "ONLY", b"x" * 9),
    "Only that is empty": (8, 0, "ONLY", b""),
    "First in the place of Only": (8, 0, "FIRST", b"x" * 8),
}


@pytest.mark.ibta("9.9.2", "a READ response of the wrong shape or length: BAD_RESP_ERR, QP to error, nothing stored")
@pytest.mark.parametrize("case", BAD_RESPONSES)
def test_bad_read_response(peer: WirePeer, case: str) -> None:
    length, psn, name, payload = BAD_RESPONSES[case]
    mr = peer.post_read(length)
    peer.collect()
    if psn:
        peer.ack(0, name="RC_RDMA_READ_RESPONSE_FIRST", payload=bytes(256))
    peer.ack(psn, name=f"RC_RDMA_READ_RESPONSE_{name}", payload=payload)
    assert [wc.status for wc in peer.done()] == [WcStatus.BAD_RESP_ERR]
    assert (mr.read(), peer.qp.state) == (bytes(length), QpState.ERR)


@pytest.mark.ibta("9.9.2", "a response of another kind than its request asked for: BAD_RESP_ERR")
@pytest.mark.parametrize(
    ("operation", "name", "syndrome"),
    [
        (WrOpcode.SEND, READ_ONLY, ACK),
        (WrOpcode.SEND, ATOMIC_ACK, ACK),
        (WrOpcode.RDMA_READ, ATOMIC_ACK, ACK),
        (WrOpcode.ATOMIC_FETCH_AND_ADD, READ_ONLY, ACK),
        (WrOpcode.RDMA_READ, READ_ONLY, NAK_SEQUENCE),
        (WrOpcode.ATOMIC_FETCH_AND_ADD, ATOMIC_ACK, RNR),
    ],
)
def test_response_of_another_kind(peer: WirePeer, operation: WrOpcode, name: str, syndrome: int) -> None:
    post_eight(peer, operation)
    peer.collect()
    peer.ack(0, syndrome, name=name, payload=bytes(8) if name == READ_ONLY else b"")
    assert [wc.status for wc in peer.done()] == [WcStatus.BAD_RESP_ERR]
    assert peer.qp.state is QpState.ERR


# Timeouts


@pytest.mark.ibta("9.7.6.1.3", "no answer: sent again after exactly 4.096 us * 2^timeout (each of 1 to 31)")
@pytest.mark.parametrize("code", range(1, 32))
def test_timeout(make_peer: MakePeer, code: int) -> None:
    period_ns = 4096 << code
    peer = make_peer(timeout=code, retry_cnt=2)
    peer.post(WrOpcode.SEND, b"x")
    assert len(peer.collect()) == 1
    assert peer.collect(period_ns - 1) == []
    assert len(peer.collect(4 * period_ns)) == 2
    assert peer.times == [period_ns, 2 * period_ns]
    assert peer.count("timeouts") == 3
    (wc,) = peer.done()
    assert (wc.status, wc.timestamp_ps) == (WcStatus.RETRY_EXC_ERR, 3 * period_ns * 1000)


@pytest.mark.ibta("9.7.6.1.3", "timeout 0 switches the timer off")
def test_no_timeout(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=0)
    peer.post(WrOpcode.SEND, b"x")
    peer.collect()
    assert peer.collect(10**16) == []  # 115 days
    assert peer.count("timeouts") == 0
    peer.ack(0)
    assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS]


@pytest.mark.ibta("9.7.6.1.3", "retry_cnt timeouts in a row are survived, one more is RETRY_EXC_ERR (each count)")
@pytest.mark.parametrize("retry_cnt", range(8))
@pytest.mark.parametrize("operation", [WrOpcode.SEND, WrOpcode.RDMA_READ, WrOpcode.ATOMIC_FETCH_AND_ADD])
def test_retry_count_of_timeouts(make_peer: MakePeer, operation: WrOpcode, retry_cnt: int) -> None:
    peer = make_peer(timeout=1, retry_cnt=retry_cnt)
    post_eight(peer, operation)
    sent = peer.collect(10**9)
    assert len(sent) == 1 + retry_cnt
    assert all(p == sent[0] for p in sent)
    assert [wc.status for wc in peer.done()] == [WcStatus.RETRY_EXC_ERR]
    assert peer.qp.state is QpState.ERR


@pytest.mark.ibta("9.7.6.1.3", "the timer starts anew with every progress, and stops when nothing is outstanding")
def test_timer_restarts(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=1)
    peer.post(WrOpcode.SEND, b"x")
    peer.post(WrOpcode.SEND, b"y")
    peer.collect(8_000)
    assert peer.ack(0) == []
    assert peer.collect(8_000 + 8_191) == []
    assert psns(peer.collect(8_000 + 8_192)) == [1]
    peer.ack(1)
    assert peer.collect(10**9) == []
    assert peer.count("timeouts") == 1


@pytest.mark.ibta("9.7.6.1.3", "the transport timer does not run during an RNR wait")
def test_no_timeout_during_an_rnr_wait(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=1, retry_cnt=0)
    peer.post(WrOpcode.SEND, b"x")
    peer.collect()
    peer.ack(0, RNR | 10)  # 320 us, the timer would be 8 us
    assert psns(peer.collect(320_000)) == [0]
    assert peer.done() == []
    assert peer.collect(320_000 + 8_192) == []
    assert [wc.status for wc in peer.done()] == [WcStatus.RETRY_EXC_ERR]


# Order


@pytest.mark.ibta("10.8.3.3", "a fence waits for the READs and atomics before it; requests without one do not")
@pytest.mark.parametrize("operation", [WrOpcode.RDMA_READ, WrOpcode.ATOMIC_FETCH_AND_ADD])
def test_fence(peer: WirePeer, operation: WrOpcode) -> None:
    post_eight(peer, operation)
    peer.post(WrOpcode.SEND, b"free")
    peer.post(WrOpcode.SEND, b"fenced", send_flags=SendFlags.SIGNALED | SendFlags.FENCE)
    peer.post(WrOpcode.SEND, b"behind")
    assert psns(peer.collect()) == [0, 1]
    answer = OPERATIONS[operation][1]
    sent = peer.ack(0, name=answer, payload=bytes(8) if answer == READ_ONLY else b"")
    assert [p.payload for p in sent] == [b"fenced", b"behind"]


@pytest.mark.ibta("11.2.5.1", "no more READs and atomics are outstanding than max_rd_atomic")
@pytest.mark.parametrize("limit", [1, 2, 4])
def test_max_rd_atomic(make_peer: MakePeer, limit: int) -> None:
    peer = make_peer(max_rd_atomic=limit)
    for i in range(6):
        post_eight(peer, WrOpcode.RDMA_READ if i % 2 else WrOpcode.ATOMIC_FETCH_AND_ADD)
    assert psns(peer.collect()) == list(range(limit))
    for i in range(6):
        name = READ_ONLY if i % 2 else ATOMIC_ACK
        more = peer.ack(i, name=name, payload=bytes(8) if i % 2 else b"")
        assert psns(more) == ([i + limit] if i + limit < 6 else [])
    assert len(peer.done()) == 6


@pytest.mark.ibta("9.7.1", "PSNs wrap from 2^24 - 1 to 0, in a message, its ACK and its retry")
def test_psn_wrap(make_peer: MakePeer) -> None:
    peer = make_peer(psn=MASK24, timeout=1)
    peer.post(WrOpcode.SEND, FULL * 3)
    assert psns(peer.collect()) == [MASK24, 0, 1]
    assert psns(peer.collect(8_192)) == [MASK24, 0, 1]
    assert psns(peer.ack(0, NAK_SEQUENCE)) == [0, 1]
    peer.ack(1)
    assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS]


@pytest.mark.ibta("10.3.1.5", "in SQD what has begun is finished and acknowledged, nothing new begins, then SQ_DRAINED")
def test_drain(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=1)
    peer.post(WrOpcode.SEND, FULL * 2, wr_id=0)
    peer.collect()
    peer.modify(QpState.SQD, Mask.EN_SQD_ASYNC_NOTIFY, en_sqd_async_notify=True)
    peer.post(WrOpcode.SEND, b"later", wr_id=1)
    assert peer.collect() == []
    assert peer.qp.query().sq_draining
    assert psns(peer.collect(8_192)) == [0, 1]  # a retry goes on
    assert peer.events() == []
    peer.ack(1)
    assert peer.events() == [EventType.SQ_DRAINED]
    assert not peer.qp.query().sq_draining
    assert peer.collect(peer.now_ns + 10**6) == []
    peer.modify(QpState.RTS, Mask(0))
    assert [p.payload for p in peer.collect()] == [b"later"]


@pytest.mark.ibta("10.3.1.5", "SQ_DRAINED comes at once when nothing is outstanding, and only if asked for")
@pytest.mark.parametrize("asked", [False, True])
def test_drain_of_an_idle_queue(peer: WirePeer, asked: bool) -> None:
    mask = Mask.EN_SQD_ASYNC_NOTIFY if asked else Mask(0)
    peer.modify(QpState.SQD, mask, en_sqd_async_notify=asked)
    assert peer.events() == ([EventType.SQ_DRAINED] if asked else [])
