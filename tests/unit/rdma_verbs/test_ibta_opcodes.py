"""What the responder does with each request opcode, and with requests that do not follow one another."""

from collections.abc import Callable

import pytest

from rdma_verbs import AccessFlags, Mtu, QpState, QpType, WcFlags, WcOpcode, WcStatus
from rdma_verbs.wire import OPCODES
from tests.unit.rdma_verbs.wirepeer import ACK, ALL, MASK24, NAK_INVALID, OP, Fields, WirePeer

MakePeer = Callable[..., WirePeer]
FULL = bytes(range(256))

SENDS = {
    "SEND_ONLY": (b"hello", [("SEND_ONLY", b"hello")]),
    "SEND_ONLY empty": (b"", [("SEND_ONLY", b"")]),
    "SEND_ONLY full": (FULL, [("SEND_ONLY", FULL)]),
    "SEND_ONLY_WITH_IMMEDIATE": (b"hello", [("SEND_ONLY_WITH_IMMEDIATE", b"hello")]),
    "SEND_ONLY_WITH_IMMEDIATE empty": (b"", [("SEND_ONLY_WITH_IMMEDIATE", b"")]),
    "SEND of two": (FULL + b"x", [("SEND_FIRST", FULL), ("SEND_LAST", b"x")]),
    "SEND of two full": (FULL * 2, [("SEND_FIRST", FULL), ("SEND_LAST", FULL)]),
    "SEND of four": (
        FULL * 3 + b"abc",
        [("SEND_FIRST", FULL), ("SEND_MIDDLE", FULL), ("SEND_MIDDLE", FULL), ("SEND_LAST", b"abc")],
    ),
    "SEND_LAST_WITH_IMMEDIATE": (
        FULL * 2 + b"x",
        [("SEND_FIRST", FULL), ("SEND_MIDDLE", FULL), ("SEND_LAST_WITH_IMMEDIATE", b"x")],
    ),
}
WRITES = {name.replace("SEND", "RDMA_WRITE"): case for name, case in SENDS.items()}
SERVICES = [QpType.RC, QpType.UC]


def write_names(packets: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(name.replace("SEND", "RDMA_WRITE"), payload) for name, payload in packets]


@pytest.mark.ibta("9.4.1", "SEND of every packet shape is received once, whole, in order (RC, UC)")
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("case", SENDS)
def test_send_is_received(make_peer: MakePeer, service: QpType, case: str) -> None:
    data, packets = SENDS[case]
    peer = make_peer(service, recvs=1, peer_psn=7)
    answers = []
    for name, payload in packets:
        answers += peer.request(f"{service.name}_{name}", payload, imm=0xCAFE0001)
    (wc,) = peer.arrived()
    assert (wc.status, wc.opcode, wc.byte_len, wc.qp_num) == (
        WcStatus.SUCCESS,
        WcOpcode.RECV,
        len(data),
        peer.qp.qp_num,
    )
    immediate = "IMMEDIATE" in case
    assert wc.wc_flags == (WcFlags.WITH_IMM if immediate else WcFlags(0))
    assert wc.imm_data == (0xCAFE0001 if immediate else 0)
    assert peer.received[0].read(len(data)) == data
    assert peer.received[0].read(offset=len(data)) == bytes(4096 - len(data))
    if service is QpType.RC:
        last = len(packets) - 1
        assert [(a.name, a.syndrome, a.psn, a.msn) for a in answers] == [
            ("RC_ACKNOWLEDGE", ACK, 7 + i, 1 if i == last else 0) for i in range(len(packets))
        ]
    else:
        assert answers == []
    assert peer.context.drops() == {}
    assert peer.events() == []


@pytest.mark.ibta("9.4.3", "RDMA WRITE of every packet shape lands at its address and nowhere else (RC, UC)")
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("case", WRITES)
def test_write_lands(make_peer: MakePeer, service: QpType, case: str) -> None:
    data, packets = WRITES[case]
    immediate = "IMMEDIATE" in case
    peer = make_peer(service, recvs=1, peer_psn=MASK24)
    region = peer.region(4096)
    region.write(b"\xee" * 4096)
    answers = []
    for name, payload in write_names(packets):
        answers += peer.request(
            f"{service.name}_{name}", payload, imm=5, va=region.addr + 100, rkey=region.rkey, dma_len=len(data)
        )
    assert region.read() == b"\xee" * 100 + data + b"\xee" * (3996 - len(data))
    completions = peer.arrived()
    if immediate:
        (wc,) = completions
        assert (wc.status, wc.opcode, wc.byte_len, wc.imm_data, wc.wc_flags) == (
            WcStatus.SUCCESS,
            WcOpcode.RECV_RDMA_WITH_IMM,
            len(data),
            5,
            WcFlags.WITH_IMM,
        )
    else:
        assert completions == []
    if service is QpType.RC:
        peer.expect(answers[-1:], ACK, len(packets) - 2 & MASK24, 1)
    else:
        assert answers == []
    assert peer.context.drops() == {}


@pytest.mark.ibta("9.4.4", "RDMA READ is answered by Only, or First, Middles without AETH, Last, at consecutive PSNs")
@pytest.mark.parametrize(
    ("length", "names"),
    [
        (0, ["ONLY"]),
        (1, ["ONLY"]),
        (256, ["ONLY"]),
        (257, ["FIRST", "LAST"]),
        (512, ["FIRST", "LAST"]),
        (1024, ["FIRST", "MIDDLE", "MIDDLE", "LAST"]),
    ],
)
def test_read_is_answered(make_peer: MakePeer, length: int, names: list[str]) -> None:
    peer = make_peer(peer_psn=MASK24)
    region = peer.region(4096)
    region.write(bytes(i % 251 for i in range(4096)))
    answers = peer.request("RC_RDMA_READ_REQUEST", va=region.addr + 3, rkey=region.rkey, dma_len=length)
    assert [a.name for a in answers] == [f"RC_RDMA_READ_RESPONSE_{name}" for name in names]
    assert [a.psn for a in answers] == [(MASK24 + i) & MASK24 for i in range(len(names))]
    assert b"".join(a.payload for a in answers) == region.read(length, 3)
    assert [(a.syndrome, a.msn) for a in answers] == [(0, 0) if n == "MIDDLE" else (ACK, 1) for n in names]
    # The next request comes after the PSNs of the responses.
    peer.post_recv()
    after = (MASK24 + len(names)) & MASK24
    peer.expect(peer.request("RC_SEND_ONLY", b"x", psn=after), ACK, after, 2)


@pytest.mark.ibta("9.4.5", "compare and swap returns the old value, and swaps only if it was equal")
@pytest.mark.parametrize(("compare", "after"), [(41, 7), (42, 41)])
def test_compare_and_swap(peer: WirePeer, compare: int, after: int) -> None:
    region = peer.region(16)
    region.write((41).to_bytes(8, "little"), 8)
    (answer,) = peer.request("RC_COMPARE_SWAP", va=region.addr + 8, rkey=region.rkey, compare=compare, swap_add=7)
    assert (answer.name, answer.psn, answer.syndrome, answer.msn, answer.swap_add) == (
        "RC_ATOMIC_ACKNOWLEDGE",
        0,
        ACK,
        1,
        41,
    )
    assert region.read() == bytes(8) + after.to_bytes(8, "little")


@pytest.mark.ibta("9.4.5", "fetch and add returns the old value and wraps at 64 bits")
def test_fetch_and_add(peer: WirePeer) -> None:
    region = peer.region(8)
    region.write(((1 << 64) - 1).to_bytes(8, "little"))
    (answer,) = peer.request("RC_FETCH_ADD", va=region.addr, rkey=region.rkey, swap_add=3)
    assert (answer.name, answer.swap_add, answer.msn) == ("RC_ATOMIC_ACKNOWLEDGE", (1 << 64) - 1, 1)
    assert region.read() == (2).to_bytes(8, "little")


@pytest.mark.ibta("9.8.3", "a UD message arrives behind 40 bytes of GRH, with the sender's QPN, and is not answered")
@pytest.mark.parametrize("immediate", [False, True])
@pytest.mark.parametrize("data", [b"", b"hello", FULL])
def test_datagram_is_received(make_peer: MakePeer, immediate: bool, data: bytes) -> None:
    peer = make_peer(QpType.UD, recvs=1, mtu=Mtu.MTU_4096)
    name = "UD_SEND_ONLY_WITH_IMMEDIATE" if immediate else "UD_SEND_ONLY"
    assert peer.request(name, data, imm=9, sqpn=0xABCDEF) == []
    (wc,) = peer.arrived()
    assert (wc.status, wc.opcode, wc.byte_len, wc.src_qp) == (
        WcStatus.SUCCESS,
        WcOpcode.RECV,
        40 + len(data),
        0xABCDEF,
    )
    assert wc.wc_flags == WcFlags.GRH | (WcFlags.WITH_IMM if immediate else WcFlags(0))
    assert wc.imm_data == (9 if immediate else 0)
    assert peer.received[0].read(len(data), 40) == data


BETWEEN = ["SEND_MIDDLE", "SEND_LAST", "SEND_LAST_WITH_IMMEDIATE"]
BETWEEN += [name.replace("SEND", "RDMA_WRITE") for name in BETWEEN]
STARTS = ["SEND_FIRST", "SEND_ONLY", "SEND_ONLY_WITH_IMMEDIATE"]
STARTS += [name.replace("SEND", "RDMA_WRITE") for name in STARTS]
ALONE = ["RDMA_READ_REQUEST", "COMPARE_SWAP", "FETCH_ADD"]


def legal_payload(name: str) -> bytes:
    return FULL if name.endswith(("FIRST", "MIDDLE")) else b"" if name in ALONE else b"data"


@pytest.mark.ibta("9.7.4.1.2", "Middle or Last without First: NAK invalid request, QP to error, event (RC)")
@pytest.mark.parametrize("name", BETWEEN)
def test_rc_message_without_beginning_is_refused(make_peer: MakePeer, name: str) -> None:
    peer = make_peer(recvs=1, peer_psn=9)
    peer.refused(peer.request(f"RC_{name}", legal_payload(name)), NAK_INVALID, 9)
    assert [wc.status for wc in peer.arrived()] == [WcStatus.WR_FLUSH_ERR]


@pytest.mark.ibta("9.7.4.1.2", "First, Only, READ, atomic or another operation within a message: as above (RC)")
@pytest.mark.parametrize("kind", ["SEND", "RDMA_WRITE"])
@pytest.mark.parametrize("name", STARTS + ALONE + BETWEEN)
def test_rc_message_without_end_is_refused(make_peer: MakePeer, kind: str, name: str) -> None:
    if name in BETWEEN and name.startswith(kind):
        return  # that one continues the message
    peer = make_peer(recvs=2)
    region = peer.region(4096)
    reth: Fields = {"va": region.addr, "rkey": region.rkey}
    peer.expect(peer.request(f"RC_{kind}_FIRST", FULL, dma_len=1024, **reth), ACK, 0, 0)
    dma_len = 1024 if name.endswith("FIRST") else len(legal_payload(name))
    peer.refused(peer.request(f"RC_{name}", legal_payload(name), dma_len=dma_len, **reth), NAK_INVALID, 1)
    assert {wc.status for wc in peer.arrived()} == {WcStatus.WR_FLUSH_ERR}


# Packets after a First, their payload, RETH length: each breaks one rule of length.
LENGTHS: dict[str, tuple[list[tuple[str, bytes]], int]] = {
    "First shorter than the MTU": ([("SEND_FIRST", FULL[:252])], 0),
    "First empty": ([("SEND_FIRST", b"")], 0),
    "First longer than the MTU": ([("SEND_FIRST", FULL + b"abcd")], 0),
    "Middle shorter than the MTU": ([("SEND_FIRST", FULL), ("SEND_MIDDLE", FULL[:-1])], 0),
    "Middle longer than the MTU": ([("SEND_FIRST", FULL), ("SEND_MIDDLE", FULL + b"x")], 0),
    "Last empty": ([("SEND_FIRST", FULL), ("SEND_LAST", b"")], 0),
    "Last with immediate empty": ([("SEND_FIRST", FULL), ("SEND_LAST_WITH_IMMEDIATE", b"")], 0),
    "Last longer than the MTU": ([("SEND_FIRST", FULL), ("SEND_LAST", FULL + b"x")], 0),
    "Only longer than the MTU": ([("SEND_ONLY", FULL + b"x")], 0),
    "WRITE First shorter than the MTU": ([("RDMA_WRITE_FIRST", FULL[:-1])], 512),
    "WRITE First whose RETH says one packet": ([("RDMA_WRITE_FIRST", FULL)], 256),
    "WRITE First whose RETH says less": ([("RDMA_WRITE_FIRST", FULL)], 100),
    "WRITE First whose RETH says nothing": ([("RDMA_WRITE_FIRST", FULL)], 0),
    "WRITE Only shorter than its RETH": ([("RDMA_WRITE_ONLY", FULL)], 257),
    "WRITE Only longer than its RETH": ([("RDMA_WRITE_ONLY", FULL)], 255),
    "WRITE Only with data, RETH none": ([("RDMA_WRITE_ONLY", b"x")], 0),
    "WRITE Only with immediate, RETH longer": ([("RDMA_WRITE_ONLY_WITH_IMMEDIATE", b"x")], 2),
    "WRITE Middle past its RETH": ([("RDMA_WRITE_FIRST", FULL), ("RDMA_WRITE_MIDDLE", FULL)], 511),
    "WRITE Middle where the RETH ends": ([("RDMA_WRITE_FIRST", FULL), ("RDMA_WRITE_MIDDLE", FULL)], 512),
    "WRITE Last shorter than its RETH": ([("RDMA_WRITE_FIRST", FULL), ("RDMA_WRITE_LAST", b"abc")], 260),
    "WRITE Last longer than its RETH": ([("RDMA_WRITE_FIRST", FULL), ("RDMA_WRITE_LAST", b"abcde")], 260),
    "WRITE Last empty": ([("RDMA_WRITE_FIRST", FULL), ("RDMA_WRITE_LAST", b"")], 300),
}


@pytest.mark.ibta("9.7.4.1.6", "payload lengths that do not fit opcode, MTU or RETH: NAK invalid request (RC)")
@pytest.mark.parametrize("case", LENGTHS)
def test_rc_wrong_length_is_refused(make_peer: MakePeer, case: str) -> None:
    packets, dma_len = LENGTHS[case]
    peer = make_peer(recvs=1)
    region = peer.region(4096)
    region.write(b"\xee" * 4096)
    answers = []
    for name, payload in packets:
        answers = peer.request(f"RC_{name}", payload, va=region.addr, rkey=region.rkey, dma_len=dma_len)
    peer.refused(answers, NAK_INVALID, len(packets) - 1)
    accepted = len(packets) - 1 if "WRITE" in case else 0
    assert region.read() == FULL * accepted + b"\xee" * (4096 - 256 * accepted)
    assert [wc.status for wc in peer.arrived()] == [WcStatus.WR_FLUSH_ERR]


@pytest.mark.ibta("9.8.2.2", "a packet that does not follow abandons the message; the next whole one is received (UC)")
@pytest.mark.parametrize("case", LENGTHS)
def test_uc_wrong_length_is_dropped_and_the_next_message_received(make_peer: MakePeer, case: str) -> None:
    packets, dma_len = LENGTHS[case]
    peer = make_peer(QpType.UC, recvs=1)
    region = peer.region(4096)
    for name, payload in packets:
        assert peer.request(f"UC_{name}", payload, va=region.addr, rkey=region.rkey, dma_len=dma_len) == []
    assert peer.context.drops() == {"bad_length": 1}
    assert peer.arrived() == []
    peer.request("UC_SEND_ONLY", b"next")
    assert [wc.byte_len for wc in peer.arrived()] == [4]
    assert peer.received[0].read(4) == b"next"
    assert (peer.qp.state, peer.events()) == (QpState.RTS, [])


@pytest.mark.ibta("9.8.2.2", "Middle or Last without First, or of another operation, is dropped and counted (UC)")
@pytest.mark.parametrize("begun", ["", "SEND", "RDMA_WRITE"])
@pytest.mark.parametrize("name", BETWEEN)
def test_uc_message_without_beginning_is_dropped(make_peer: MakePeer, begun: str, name: str) -> None:
    if begun and name.startswith(begun):
        return  # that one continues the message
    peer = make_peer(QpType.UC, recvs=1)
    region = peer.region(4096)
    if begun:
        peer.request(f"UC_{begun}_FIRST", FULL, va=region.addr, rkey=region.rkey, dma_len=1024)
    peer.request(f"UC_{name}", legal_payload(name))
    assert peer.context.drops() == {"bad_sequence": 1}
    # Nor does what continues the message that was abandoned.
    if begun:
        peer.request(f"UC_{begun}_MIDDLE", FULL)
        assert peer.context.drops() == {"bad_sequence": 2}
    peer.request("UC_SEND_ONLY", b"next")
    assert [wc.byte_len for wc in peer.arrived()] == [4]
    assert peer.qp.state is QpState.RTS


@pytest.mark.ibta("9.8.2.2", "First or Only within a message abandons that one and is received itself (UC)")
@pytest.mark.parametrize("kind", ["SEND", "RDMA_WRITE"])
def test_uc_only_within_a_message_is_received(make_peer: MakePeer, kind: str) -> None:
    peer = make_peer(QpType.UC, recvs=1)
    region = peer.region(4096)
    peer.request(f"UC_{kind}_FIRST", FULL, va=region.addr, rkey=region.rkey, dma_len=512)
    peer.request("UC_SEND_ONLY", b"whole")
    peer.request(f"UC_{kind}_LAST", FULL)
    assert [(wc.byte_len, wc.status) for wc in peer.arrived()] == [(5, WcStatus.SUCCESS)]
    assert peer.received[0].read(5) == b"whole"


@pytest.mark.ibta("9.8.2.2", "a gap in the PSNs abandons the message; the next First or Only is received (UC)")
@pytest.mark.parametrize("gap", [1, 2, 1000, 0x7FFFFE])
def test_uc_gap_abandons_the_message(make_peer: MakePeer, gap: int) -> None:
    peer = make_peer(QpType.UC, recvs=2, peer_psn=0xFFFFF0)
    peer.request("UC_SEND_FIRST", FULL)
    peer.next_psn = (peer.next_psn + gap) & MASK24
    peer.request("UC_SEND_LAST", b"x")
    assert peer.arrived() == []
    assert peer.context.drops() == {"bad_sequence": 1}
    assert peer.count("out_of_seq_request") == 1
    peer.next_psn = (peer.next_psn + 5) & MASK24
    peer.request("UC_SEND_ONLY", b"after a gap between messages")
    assert [wc.byte_len for wc in peer.arrived()] == [28]


@pytest.mark.ibta(
    "9.8.2.2", "a message that has been received is not received again when its packet is duplicated (UC)"
)
def test_uc_duplicate_is_dropped(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UC, recvs=2)
    peer.request("UC_SEND_ONLY", b"once")
    peer.request("UC_SEND_ONLY", b"once", psn=0)
    assert [wc.byte_len for wc in peer.arrived()] == [4]
    assert peer.context.drops() == {"duplicate": 1}


@pytest.mark.ibta("9.7.4.1.3", "an opcode of another service, or a response that no QP of this one gets, is dropped")
@pytest.mark.parametrize("service", [*SERVICES, QpType.UD])
def test_opcodes_of_other_services_are_dropped(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service, recvs=1)
    ours = {"CNP", *(name for name in OP if name.startswith("RC_EXT"))}
    others = [o for o in OPCODES.values() if not o.name.startswith(service.name) and o.name not in ours]
    for opcode in others:
        payload = bytes(8) if opcode.has_payload else b""
        assert peer.request(opcode.name, payload, psn=0, qkey=0x11111111) == []
    drops = peer.context.drops()
    assert set(drops) == {"bad_service"}
    assert sum(drops.values()) == len(others)
    assert (peer.arrived(), peer.qp.state, peer.events()) == ([], QpState.RTS, [])


@pytest.mark.ibta("9.7.4.1.3", "RDMA READ longer than the largest message: NAK invalid request")
@pytest.mark.parametrize("length", [(1 << 30) + 1, (1 << 31) + 1, (1 << 32) - 1])
def test_read_beyond_the_largest_message_is_refused(peer: WirePeer, length: int) -> None:
    region = peer.region(1 << 32)
    answers = peer.request("RC_RDMA_READ_REQUEST", va=region.addr, rkey=region.rkey, dma_len=length)
    peer.refused(answers, NAK_INVALID, 0)


@pytest.mark.ibta("9.7.4.1.6", "RDMA WRITE longer than the largest message: NAK invalid request")
@pytest.mark.parametrize("length", [(1 << 30) + 1, (1 << 31) + 1, (1 << 32) - 1])
def test_write_beyond_the_largest_message_is_refused(peer: WirePeer, length: int) -> None:
    region = peer.region(1 << 32)
    answers = peer.request("RC_RDMA_WRITE_FIRST", FULL, va=region.addr, rkey=region.rkey, dma_len=length)
    peer.refused(answers, NAK_INVALID, 0)


@pytest.mark.ibta("9.7.4.1.3", "an operation that the QP's access flags do not grant: NAK invalid request")
@pytest.mark.parametrize(
    ("name", "flag", "payload"),
    [
        ("RDMA_WRITE_ONLY", AccessFlags.REMOTE_WRITE, b"x"),
        ("RDMA_READ_REQUEST", AccessFlags.REMOTE_READ, b""),
        ("COMPARE_SWAP", AccessFlags.REMOTE_ATOMIC, b""),
        ("FETCH_ADD", AccessFlags.REMOTE_ATOMIC, b""),
    ],
)
def test_operation_that_the_qp_does_not_grant(
    make_peer: MakePeer, name: str, flag: AccessFlags, payload: bytes
) -> None:
    peer = make_peer(access=ALL & ~flag)
    region = peer.region(4096)
    answers = peer.request(f"RC_{name}", payload, va=region.addr, rkey=region.rkey, dma_len=len(payload))
    peer.refused(answers, NAK_INVALID, 0)
    assert region.read() == bytes(4096)


@pytest.mark.ibta("9.4.5", "an atomic whose address is not a multiple of 8: NAK invalid request, memory untouched")
@pytest.mark.parametrize("offset", range(1, 8))
@pytest.mark.parametrize("name", ["COMPARE_SWAP", "FETCH_ADD"])
def test_misaligned_atomic_is_refused(peer: WirePeer, name: str, offset: int) -> None:
    region = peer.region(64)
    answers = peer.request(f"RC_{name}", va=region.addr + offset, rkey=region.rkey, swap_add=1)
    peer.refused(answers, NAK_INVALID, 0)
    assert region.read() == bytes(64)


@pytest.mark.ibta("9.7.4.1.7", "more READs and atomics at once than max_dest_rd_atomic: NAK invalid request")
@pytest.mark.parametrize("limit", [0, 1, 3])
def test_more_reads_than_allowed(make_peer: MakePeer, limit: int) -> None:
    peer = make_peer(max_dest_rd_atomic=limit)
    region = peer.region(4096)
    for _ in range(limit + 1):  # all in one instant: none of them can be answered before the last has come
        peer.send("RC_RDMA_READ_REQUEST", va=region.addr, rkey=region.rkey, dma_len=8)
    answers = peer.collect()
    assert [a.name for a in answers[:-1]] == ["RC_RDMA_READ_RESPONSE_ONLY"] * limit
    peer.refused(answers[-1:], NAK_INVALID, limit, limit)
