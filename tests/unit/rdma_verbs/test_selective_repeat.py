"""Selective repeat: who uses it with whom, what the responder holds and tells, what the requester sends again."""

from collections.abc import Callable
from typing import Any

import pytest

from datapath.errors import CallerError
from rdma_verbs import DeviceConfig, QpState, Recovery, SendFlags, WcStatus, WrOpcode
from rdma_verbs.wire import Packet
from tests.unit.rdma_verbs.wirepeer import ACK, ALL, MASK24, NAK_ACCESS, NAK_SEQUENCE, RNR, RNR_NS, Fields, WirePeer

MakePeer = Callable[..., WirePeer]
SELECTIVE = Recovery.SELECTIVE_REPEAT
OOO = SELECTIVE | Recovery.OOO
FULL = bytes(range(256))
EXT_ACK = "RC_EXT_ACKNOWLEDGE"


def config(recovery: Recovery = SELECTIVE, **options: Any) -> DeviceConfig:
    return DeviceConfig(ack_every=1, recovery=recovery, **options)


@pytest.fixture
def peer(make_peer: MakePeer) -> WirePeer:
    """With selective repeat, 8 receives of 4096 bytes, and PSNs that go round."""
    return make_peer(config=config(), recvs=8, psn=MASK24, peer_psn=MASK24)


def arrive(peer: WirePeer, offset: int, data: bytes = b"x", **fields: Any) -> list[Packet]:
    """A SEND ``offset`` PSNs after the first, from a peer that has the extension; what the device answers."""
    psn = (MASK24 + offset) & MASK24
    return peer.request("RC_SEND_ONLY", data, psn=psn, ext=True, **fields)


def held(answer: Packet) -> tuple[str, int, int, list[int]]:
    """An extended ACK: (opcode, last PSN executed, first bit's PSN, bits that are set)."""
    return answer.name, answer.psn, answer.sack_psn, [i for i in range(256) if answer.sack >> i & 1]


# Who has it


@pytest.mark.parametrize(("recovery", "ext"), [(SELECTIVE, True), (Recovery.NAK_REARM, False)])
def test_only_a_device_with_the_option_says_so(make_peer: MakePeer, recovery: Recovery, ext: bool) -> None:
    peer = make_peer(config=config(recovery), recvs=1)
    peer.post(data=b"x")
    assert [p.ext for p in peer.collect()] == [ext]
    assert [p.ext for p in peer.request("RC_SEND_ONLY", b"x")] == [ext]


@pytest.mark.parametrize(("recovery", "ext"), [(SELECTIVE, False), (Recovery.GO_BACK_N, True)])
def test_with_a_peer_that_lacks_it_a_gap_is_naked_once(make_peer: MakePeer, recovery: Recovery, ext: bool) -> None:
    peer = make_peer(config=config(recovery), recvs=4)
    answers = [a for psn in (1, 2, 3) for a in peer.request("RC_SEND_ONLY", b"x", psn=psn, ext=ext)]
    assert [(a.name, a.syndrome, a.psn) for a in answers] == [("RC_ACKNOWLEDGE", NAK_SEQUENCE, 0)]
    assert peer.context.drops() == {"out_of_sequence": 3}


def test_a_requester_whose_peer_lacks_it_goes_back(make_peer: MakePeer) -> None:
    peer = make_peer(config=config())
    peer.post(data=FULL * 4)
    peer.collect()
    assert [p.psn for p in peer.ack(1, NAK_SEQUENCE)] == [1, 2, 3]


def test_opcodes_of_the_extension_are_unknown_without_it(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.GO_BACK_N), recvs=1)
    peer.post(data=b"x")
    peer.collect()
    for name in (EXT_ACK, "RC_EXT_RDMA_WRITE_LAST"):
        assert peer.request(name, b"x" if "WRITE" in name else b"", psn=0, ext=True) == []
    assert peer.context.drops() == {"bad_opcode": 2}


def test_reset_forgets_the_peers_extension(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(), recvs=4)
    assert held(peer.request("RC_SEND_ONLY", b"x", psn=1, ext=True)[0])[0] == EXT_ACK
    peer.to(QpState.RESET)
    peer.to(QpState.RTS)
    assert [a.syndrome for a in peer.request("RC_SEND_ONLY", b"x", psn=1)] == [NAK_SEQUENCE]


# The responder


def test_what_comes_after_a_gap_is_held_told_and_executed_in_order(peer: WirePeer) -> None:
    assert held(arrive(peer, 2, b"third")[0]) == (EXT_ACK, MASK24 - 1, MASK24, [2])
    assert held(arrive(peer, 1, b"second")[0]) == (EXT_ACK, MASK24 - 1, MASK24, [1, 2])
    assert peer.arrived() == []
    assert peer.received[0].read(5) == bytes(5)
    (answer,) = arrive(peer, 0, b"first")
    assert (answer.name, answer.psn, answer.msn) == ("RC_ACKNOWLEDGE", 1, 3)
    assert [(wc.wr_id, wc.byte_len) for wc in peer.arrived()] == [(0, 5), (1, 6), (2, 5)]
    assert [mr.read(6) for mr in peer.received[:3]] == [b"first\0", b"second", b"third\0"]


def test_what_is_held_comes_twice(peer: WirePeer) -> None:
    arrive(peer, 1, b"once")
    assert held(arrive(peer, 1, b"more")[0])[3] == [1]
    arrive(peer, 0)
    assert [wc.byte_len for wc in peer.arrived()] == [1, 4]
    assert peer.received[1].read(4) == b"once"
    assert peer.count("duplicate_request") == 1


def test_no_more_is_held_than_the_window(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(rx_window=4), recvs=8, peer_psn=MASK24)
    assert [held(arrive(peer, i)[0])[3] for i in (3, 4, 1000)] == [[3], [3], [3]]
    assert peer.context.drops() == {"out_of_sequence": 2}
    assert held(arrive(peer, 1)[0])[3] == [1, 3]


def test_bits_are_the_last_256_before_what_came(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(rx_window=1024), recvs=8, peer_psn=MASK24)
    assert held(arrive(peer, 255)[0]) == (EXT_ACK, MASK24 - 1, MASK24, [255])
    assert held(arrive(peer, 256)[0]) == (EXT_ACK, MASK24 - 1, 0, [254, 255])
    assert held(arrive(peer, 600)[0]) == (EXT_ACK, MASK24 - 1, 600 - 1 - 255, [255])


def test_requests_with_a_response_wait_for_their_turn(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(), recvs=1)
    mr = peer.region(8)
    mr.write(b"original")
    fields: Fields = {"va": mr.addr, "rkey": mr.rkey, "ext": True}
    assert held(peer.request("RC_RDMA_READ_REQUEST", psn=2, dma_len=8, **fields)[0])[3] == [2]
    assert held(peer.request("RC_RDMA_WRITE_ONLY", b"modified", psn=1, dma_len=8, **fields)[0])[3] == [1, 2]
    assert mr.read(8) == b"original"
    answers = peer.request("RC_SEND_ONLY", b"x", psn=0, ext=True)
    assert [(a.name, a.psn, a.payload) for a in answers] == [("RC_RDMA_READ_RESPONSE_ONLY", 2, b"modified")]


def test_a_held_request_that_fails_fails_in_its_turn(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(), recvs=1)
    assert held(peer.request("RC_RDMA_WRITE_ONLY", b"x", psn=1, va=0, rkey=1, dma_len=1, ext=True)[0])[3] == [1]
    assert peer.qp.state is QpState.RTS
    peer.refused(peer.request("RC_SEND_ONLY", b"x", psn=0, ext=True), NAK_ACCESS, 1, 1)
    assert len(peer.arrived()) == 1


def test_rnr_nak_of_what_was_held(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(), recvs=1)
    peer.request("RC_SEND_ONLY", b"b", psn=1, ext=True)
    peer.request("RC_SEND_ONLY", b"c", psn=2, ext=True)
    (answer,) = peer.request("RC_SEND_ONLY", b"a", psn=0, ext=True)
    assert (answer.syndrome, answer.psn) == (RNR | 1, 1)
    peer.post_recv(count=2)
    (answer,) = peer.request("RC_SEND_ONLY", b"b", psn=1, ext=True)
    assert (answer.syndrome, answer.psn) == (ACK, 2)
    assert [mr.read(1) for mr in peer.received] == [b"a", b"b", b"c"]


def test_a_piece_of_a_read_is_answered_beside_the_rest(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(), wrappers=())
    mr = peer.region(1024)
    mr.write(FULL * 4)
    fields: Fields = {"rkey": mr.rkey, "ext": True}
    assert len(peer.request("RC_RDMA_READ_REQUEST", psn=0, va=mr.addr, dma_len=1024, **fields)) == 4
    answers = peer.request("RC_RDMA_READ_REQUEST", psn=1, va=mr.addr + 256, dma_len=512, **fields)
    assert [(a.name[8:], a.psn) for a in answers] == [("READ_RESPONSE_FIRST", 1), ("READ_RESPONSE_LAST", 2)]


def test_bytes_that_came_marked_are_told(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(), recvs=4)
    (answer,) = peer.request("RC_SEND_ONLY", b"12345", ext=True, tos=3)
    assert (answer.name, answer.psn, answer.ce_bytes) == (EXT_ACK, 0, 5)
    assert [a.name for a in peer.request("RC_SEND_ONLY", b"12", ext=True)] == ["RC_ACKNOWLEDGE"]
    (answer,) = peer.request("RC_SEND_ONLY", b"123", ext=True, tos=3)
    assert answer.ce_bytes == 8


# The requester


def selective_ack(peer: WirePeer, below: int, *held_psns: int) -> list[tuple[int, str]]:
    """ACK all PSNs before ``below`` and name others; what the device sends then, as (PSN, opcode)."""
    sack = sum(1 << (psn - below) for psn in held_psns)
    packets = peer.ack(below - 1, name=EXT_ACK, ext=True, sack_psn=below, sack=sack)
    return [(p.psn, p.name) for p in packets]


@pytest.fixture
def sender(make_peer: MakePeer) -> WirePeer:
    """A requester that knows of its peer's extension, next PSN 1."""
    peer = make_peer(config=config(tx_window=16), timeout=10)
    peer.post(data=b"x")
    peer.collect()
    assert peer.ack(0, ext=True) == []
    assert len(peer.done()) == 1
    return peer


def test_only_what_is_missing_is_sent_again_once(sender: WirePeer) -> None:
    sender.post(data=FULL * 6)
    assert [p.psn for p in sender.collect()] == [1, 2, 3, 4, 5, 6]
    assert selective_ack(sender, 2, 3) == [(2, "RC_SEND_MIDDLE")]
    assert selective_ack(sender, 2, 3, 4) == []
    assert selective_ack(sender, 2, 3, 4, 6) == [(5, "RC_SEND_MIDDLE")]
    assert sender.ack(6, ext=True) == []
    assert [wc.status for wc in sender.done()] == [WcStatus.SUCCESS]
    assert sender.count("retransmitted_pkts") == 2
    assert sender.count("timeouts") == 0


def test_what_is_lost_again_is_found_by_what_was_sent_later(sender: WirePeer) -> None:
    sender.post(data=FULL * 3)
    sender.collect()
    assert selective_ack(sender, 1, 2) == [(1, "RC_SEND_FIRST")]
    sender.post(data=b"later")
    sender.collect()
    # 3 was sent before 1 was sent again: that it arrived says nothing about it. 4 was sent after.
    assert selective_ack(sender, 1, 2, 3) == []
    assert selective_ack(sender, 1, 2, 3, 4) == [(1, "RC_SEND_FIRST")]


def test_reordering_up_to_a_limit_is_no_loss(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(reorder_pkts=2), timeout=10)
    peer.post(data=b"x")
    peer.collect()
    peer.ack(0, ext=True)
    peer.post(data=FULL * 5)
    peer.collect()
    assert selective_ack(peer, 1, 2, 3) == []
    assert selective_ack(peer, 1, 2, 3, 4) == [(1, "RC_SEND_FIRST")]


def test_an_older_selective_ack_does_no_harm(sender: WirePeer) -> None:
    sender.post(data=FULL * 4)
    sender.collect()
    sender.ack(2, ext=True)
    assert selective_ack(sender, 1, 2) == []
    assert selective_ack(sender, 3, 4) == [(3, "RC_SEND_MIDDLE")]


def test_a_selective_ack_of_what_was_never_sent_is_dropped(sender: WirePeer) -> None:
    sender.post(data=FULL * 2)
    sender.collect()
    assert selective_ack(sender, 4, 5) == []
    assert sender.context.drops() == {"ghost": 1}
    # Bits of PSNs that were not sent say nothing.
    assert selective_ack(sender, 2, 100) == []
    sender.ack(2, ext=True)
    assert len(sender.done()) == 1


def test_of_a_read_only_the_missing_piece_is_asked_for_again(sender: WirePeer) -> None:
    mr = sender.post_read(256 * 6)
    sender.collect()
    for psn in (1, 2, 5):
        name = {1: "FIRST", 2: "MIDDLE", 5: "MIDDLE"}[psn]
        again = sender.ack(psn, name=f"RC_RDMA_READ_RESPONSE_{name}", payload=bytes([psn]) * 256, ext=True)
    (request,) = again
    assert (request.name, request.psn, request.va, request.dma_len) == ("RC_RDMA_READ_REQUEST", 3, 0x1000 + 512, 512)
    sender.ack(6, name="RC_RDMA_READ_RESPONSE_LAST", payload=bytes([6]) * 256, ext=True)
    assert sender.done() == []
    sender.ack(3, name="RC_RDMA_READ_RESPONSE_FIRST", payload=bytes([3]) * 256, ext=True)
    sender.ack(4, name="RC_RDMA_READ_RESPONSE_LAST", payload=bytes([4]) * 256, ext=True)
    assert [wc.status for wc in sender.done()] == [WcStatus.SUCCESS]
    assert mr.read() == b"".join(bytes([psn]) * 256 for psn in range(1, 7))


def test_a_response_that_comes_twice_is_placed_once(sender: WirePeer) -> None:
    mr = sender.post_read(512)
    sender.collect()
    last: Fields = {"name": "RC_RDMA_READ_RESPONSE_LAST", "ext": True}
    sender.ack(2, payload=b"a" * 256, **last)
    sender.ack(2, payload=b"b" * 256, **last)
    assert sender.context.drops() == {"ghost": 1}
    assert mr.read(1, 256) == b"a"


def test_a_read_request_that_was_lost_is_sent_whole(sender: WirePeer) -> None:
    sender.post_read(512)
    sender.post(data=b"after")
    sender.collect()
    assert selective_ack(sender, 1, 3) == [(1, "RC_RDMA_READ_REQUEST")]


def test_a_read_that_the_peer_holds_is_not_missing(sender: WirePeer) -> None:
    sender.post(data=b"lost")
    sender.post_read(512)
    sender.post(data=b"after")
    sender.collect()
    assert selective_ack(sender, 1, 2, 4) == [(1, "RC_SEND_ONLY")]
    assert selective_ack(sender, 2, 4) == []


def test_after_an_rnr_nak_the_refused_message_goes_again_alone(sender: WirePeer) -> None:
    for _ in range(3):
        sender.post(data=b"x")
    sender.collect()
    assert sender.ack(1, RNR | 1, ext=True) == []
    assert selective_ack(sender, 1, 2, 3) == []
    assert [p.psn for p in sender.collect(sender.now_ns + RNR_NS[1])] == [1]


def test_an_rnr_nak_of_what_the_peer_holds_brings_it_again(sender: WirePeer) -> None:
    for _ in range(3):
        sender.post(data=b"x")
    sender.collect()
    assert selective_ack(sender, 1, 2, 3) == [(1, "RC_SEND_ONLY")]
    # 1 has come, and 2 found no receive: it is held, and waits to be asked for again.
    assert sender.ack(2, RNR | 1, ext=True) == []
    assert [p.psn for p in sender.collect(sender.now_ns + RNR_NS[1])] == [2]


def test_a_timeout_sends_what_is_not_known_to_be_there(sender: WirePeer) -> None:
    sender.post(data=FULL * 4)
    sender.collect()
    selective_ack(sender, 2, 3)
    assert [p.psn for p in sender.collect(sender.now_ns + (4096 << 10))] == [2, 4]
    assert sender.count("timeouts") == 1


def test_marked_bytes_reach_congestion_control_without_progress(sender: WirePeer) -> None:
    sender.post(data=FULL * 2)
    sender.collect()
    sender.ack(0, name=EXT_ACK, ext=True, sack_psn=1, ce_bytes=256)
    assert sender.qp.state is QpState.RTS
    assert sender.context.drops() == {}


# RDMA WRITEs in any order


def test_each_packet_of_a_write_says_where_it_goes(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(OOO), timeout=10)
    peer.post(data=b"x")
    peer.collect()
    peer.ack(0, ext=True)
    peer.post(WrOpcode.RDMA_WRITE_WITH_IMM, FULL * 3, remote_addr=0x1000, rkey=7, imm_data=5)
    first, middle, last = peer.collect()
    assert [p.name for p in (first, middle, last)] == [
        "RC_RDMA_WRITE_FIRST",
        "RC_EXT_RDMA_WRITE_MIDDLE",
        "RC_EXT_RDMA_WRITE_LAST_WITH_IMMEDIATE",
    ]
    assert [(p.va, p.rkey, p.dma_len) for p in (first, middle, last)] == [
        (0x1000, 7, 768),
        (0x1100, 7, 512),
        (0x1200, 7, 256),
    ]
    assert last.imm == 5


def write(peer: WirePeer, part: str, psn: int, address: int, rkey: int, left: int) -> list[Packet]:
    ext = "" if part == "FIRST" else "EXT_"
    name = f"RC_{ext}RDMA_WRITE_{part}"
    return peer.request(name, bytes([psn + 1]) * 256, psn=psn, va=address, rkey=rkey, dma_len=left, ext=True)


def test_a_write_is_placed_as_it_comes_and_completes_in_order(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(OOO))
    mr = peer.region(768)
    write(peer, "LAST", 2, mr.addr + 512, mr.rkey, 256)
    assert mr.read() == bytes(512) + b"\3" * 256
    write(peer, "MIDDLE", 1, mr.addr + 256, mr.rkey, 512)
    mr.write(b"mine", 512)
    (answer,) = write(peer, "FIRST", 0, mr.addr, mr.rkey, 768)
    assert (answer.name, answer.psn) == ("RC_ACKNOWLEDGE", 2)
    # What was in place already is not placed a second time.
    assert mr.read() == b"\1" * 256 + b"\2" * 256 + b"mine" + b"\3" * 252


@pytest.mark.parametrize("wrong", ["key", "bounds", "access"])
def test_what_may_not_be_placed_early_fails_in_its_turn(make_peer: MakePeer, wrong: str) -> None:
    peer = make_peer(config=config(OOO))
    mr = peer.region(512, ALL if wrong != "access" else ALL & ~ALL.REMOTE_WRITE)
    start, rkey = mr.addr + (wrong == "bounds"), mr.rkey ^ (wrong == "key")
    write(peer, "LAST", 1, start + 256, rkey, 256)
    assert mr.read() == bytes(512)
    assert [a.syndrome for a in write(peer, "FIRST", 0, start, rkey, 512)] == [NAK_ACCESS]


def test_a_write_packet_that_contradicts_its_message_is_invalid(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(OOO))
    mr = peer.region(512)
    write(peer, "FIRST", 0, mr.addr, mr.rkey, 512)
    assert [hex(a.syndrome) for a in write(peer, "LAST", 1, mr.addr, mr.rkey, 256)] == ["0x61"]


def test_any_order_needs_selective_repeat(make_peer: MakePeer) -> None:
    with pytest.raises(CallerError, match="recovery OOO needs SELECTIVE_REPEAT"):
        make_peer(config=config(Recovery.OOO))


def test_inline_and_unsignalled_requests_are_sent_again_too(sender: WirePeer) -> None:
    sender.post(data=b"quiet", send_flags=SendFlags(0))
    sender.post(data=b"x")
    sender.collect()
    assert selective_ack(sender, 1, 2) == [(1, "RC_SEND_ONLY")]
    sender.ack(2, ext=True)
    assert len(sender.done()) == 1


@pytest.mark.parametrize(("recovery", "ext"), [(Recovery.GO_BACK_N, False), (SELECTIVE, True)])
def test_a_request_that_cannot_be_sent_again_stops_nothing_if_it_is_answered(
    make_peer: MakePeer, recovery: Recovery, ext: bool
) -> None:
    peer = make_peer(config=config(recovery), timeout=8)
    peer.post(data=b"x")
    peer.collect()
    peer.ack(0, ext=ext)
    peer.post(data=b"first")
    gone = peer.post(data=b"gone")
    assert gone is not None
    assert [p.psn for p in peer.collect()] == [1, 2]
    gone.close()
    assert [p.psn for p in peer.collect(peer.now_ns + (4096 << 8))] == [1]
    # The answer to what was sent first was only late.
    peer.ack(2, ext=ext)
    assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS] * 3
    peer.post(data=b"next")
    assert [p.psn for p in peer.collect()] == [3]
