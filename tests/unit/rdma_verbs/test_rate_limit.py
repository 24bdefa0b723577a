"""A queue pair's rate limit (``ibv_modify_qp_rate_limit``), to the picosecond of virtual time."""

from collections.abc import Callable

import pytest

from rdma_verbs import CallerError, CongestionControl, DeviceConfig, QpState, QpType, WrOpcode
from rdma_verbs.addr import GID, AHAttr
from rdma_verbs.ah import AH
from rdma_verbs.enums import QpAttrMask as Mask
from tests.unit.rdma_verbs.wirepeer import ACK, REQUIRED, WirePeer

MakePeer = Callable[..., WirePeer]
# IP, UDP, BTH, 256 bytes, ICRC: 300 bytes are 2400 bits, at 1 Mb/s 2.4 ms.
PACKET_BYTES = 28 + 12 + 256 + 4
PACKET_NS = 2_400_000


def post(peer: WirePeer, packets: int) -> None:
    """One message of that many full packets; over UD, which has none so long, messages."""
    if peer.qp.qp_type is not QpType.UD:
        peer.post(data=bytes(256 * packets))
        return
    for _ in range(packets):
        peer.post(data=bytes(248), ah=AH(peer.pd, AHAttr(dgid=GID.of("10.0.0.2"))), remote_qpn=1)


def times(peer: WirePeer, until_ns: int) -> list[int]:
    peer.collect(until_ns)
    return peer.times


@pytest.mark.parametrize("service", [QpType.RC, QpType.UC, QpType.UD])
def test_packets_keep_their_distance(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service)
    peer.qp.modify_rate_limit(1000)
    post(peer, 5)
    assert times(peer, 20_000_000) == [i * PACKET_NS for i in range(5)]


def test_datagrams_of_another_priority_keep_their_distance(make_peer: MakePeer) -> None:
    """A UD queue pair has no priority of its own: its requests have."""
    peer = make_peer(QpType.UD)
    peer.qp.modify_rate_limit(1000)
    for _ in range(2):
        peer.post(data=bytes(248), ah=AH(peer.pd, AHAttr(dgid=GID.of("10.0.0.2"), sl=3)), remote_qpn=1)
    assert times(peer, 20_000_000) == [0, PACKET_NS]


def test_the_limit_may_come_with_the_state(make_peer: MakePeer) -> None:
    peer = make_peer(state=QpState.RTR)
    peer.modify(QpState.RTS, REQUIRED[QpState.RTS][QpType.RC] | Mask.RATE_LIMIT, rate_limit=1000)
    assert peer.qp.query().rate_limit == 1000
    post(peer, 3)
    assert times(peer, 20_000_000) == [0, PACKET_NS, 2 * PACKET_NS]


@pytest.mark.parametrize("state", [QpState.INIT, QpState.RTR, QpState.SQD])
def test_the_limit_is_refused_in_other_states(make_peer: MakePeer, state: QpState) -> None:
    peer = make_peer(state=state)
    with pytest.raises(CallerError, match=f"{state.name} to {state.name}|no transition"):
        peer.qp.modify_rate_limit(1000)


def test_a_rate_that_does_not_divide_loses_nothing(make_peer: MakePeer) -> None:
    """2400 bits at 7 Mb/s are 342857 1/7 ns: after seven packets the sevenths make a whole one."""
    peer = make_peer()
    peer.qp.modify_rate_limit(7000)
    post(peer, 15)
    assert times(peer, 20_000_000)[::7] == [0, 2_400_000, 4_800_000]


def test_a_burst_goes_at_once_and_then_the_rate_holds(make_peer: MakePeer) -> None:
    peer = make_peer()
    peer.qp.modify_rate_limit(1000, max_burst_sz=3 * PACKET_BYTES, typical_pkt_sz=PACKET_BYTES)
    peer.collect(100_000_000)
    post(peer, 5)
    start = peer.now_ns
    assert times(peer, start + 20_000_000) == [start] * 3 + [start + PACKET_NS, start + 2 * PACKET_NS]
    # A silence of two packets' time is good for two: with the one whose time it is, three are due again.
    peer.ack(4, ACK)
    later = start + 5 * PACKET_NS
    assert peer.now_ns > later
    post(peer, 4)
    now = peer.now_ns
    assert times(peer, now + 20_000_000)[:3] == [now] * 3


def test_a_burst_below_a_packet_is_one_packet(make_peer: MakePeer) -> None:
    peer = make_peer()
    peer.qp.modify_rate_limit(1000, max_burst_sz=PACKET_BYTES + 1)
    peer.collect(100_000_000)
    post(peer, 2)
    first, second = times(peer, 200_000_000)
    assert second - first == PACKET_NS - 8_000  # one byte of credit: 8 bits


def test_a_silence_saves_up_nothing_without_a_burst(make_peer: MakePeer) -> None:
    peer = make_peer()
    peer.qp.modify_rate_limit(1000)
    peer.collect(100_000_000)
    post(peer, 2)
    first, second = times(peer, 200_000_000)
    assert second - first == PACKET_NS


def test_read_responses_are_limited_and_acks_are_not(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=2)
    peer.qp.modify_rate_limit(1000)
    mr = peer.region()
    peer.send("RC_RDMA_READ_REQUEST", va=mr.addr, rkey=mr.rkey, dma_len=512)
    answers = peer.collect(20_000_000)
    assert peer.times == [0, (PACKET_BYTES + 4) * 8_000]  # with AETH
    assert len(answers) == 2
    now = peer.now_ns
    for _ in range(2):
        assert [a.name for a in peer.request("RC_SEND_ONLY", b"x", psn=2 + _)] == ["RC_ACKNOWLEDGE"]
    assert peer.now_ns == now


@pytest.mark.parametrize(("kbps", "expected"), [(500, 2 * PACKET_NS), (4000, PACKET_NS // 2)])
def test_the_lower_of_limit_and_congestion_control_holds(make_peer: MakePeer, kbps: int, expected: int) -> None:
    """DCQCN begins at 2 Mb/s."""
    cc = CongestionControl.dcqcn("paper", max_rate=2, rpg_min_rate=1)
    peer = make_peer(config=DeviceConfig(ack_every=1, cc=cc))
    peer.qp.modify_rate_limit(kbps)
    post(peer, 3)
    first, second, third = times(peer, 100_000_000)
    assert (second - first, third - second) == (expected, expected)


def test_a_change_counts_for_what_still_waits(make_peer: MakePeer) -> None:
    peer = make_peer()
    peer.qp.modify_rate_limit(1000)
    post(peer, 4)
    assert times(peer, 400_000) == [0]  # 2 ms of the first packet's time are left
    peer.qp.modify_rate_limit(4000)
    assert times(peer, 1_000_000) == [900_000]
    peer.qp.modify_rate_limit(1000)
    assert times(peer, 2_000_000) == []  # 0.5 ms became 2 ms
    peer.qp.modify_rate_limit(0)
    assert times(peer, 2_000_000) == [2_000_000, 2_000_000]
    peer.qp.modify_rate_limit(1000)
    post(peer, 1)
    assert times(peer, 3_000_000) == [2_000_000]


def test_reset_ends_the_limit(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UC)
    peer.qp.modify_rate_limit(1000, max_burst_sz=600)
    peer.to(QpState.RESET)
    peer.to(QpState.RTS)
    assert peer.qp.query().rate_limit == 0
    peer.post(WrOpcode.SEND, bytes(1024))
    assert times(peer, 0) == [0] * 4


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rate_limit": 0, "max_burst_sz": 1}, "max_burst_sz 1 and typical_pkt_sz 0 need a rate_limit"),
        ({"rate_limit": 0, "typical_pkt_sz": 5}, "max_burst_sz 0 and typical_pkt_sz 5 need a rate_limit"),
        ({"rate_limit": 1, "max_burst_sz": (1 << 21) + 1}, "max_burst_sz 2097153 exceeds 2097152"),
        ({"rate_limit": 1 << 32}, "rate_limit 4294967296"),
        ({"rate_limit": 1, "typical_pkt_sz": 1 << 16}, "typical_pkt_sz 65536"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(peer: WirePeer, values: dict[str, int], words: str) -> None:
    with pytest.raises(CallerError, match=words):
        peer.qp.modify_rate_limit(**values)
    assert peer.qp.query().rate_limit == 0
