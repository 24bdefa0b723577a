"""Congestion control and PFC at queue pairs in virtual time: CE marks, CNPs, rates, windows, pauses."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from datapath.port import FaultAction, FaultPort, Faults, Rule
from rdma_verbs import (
    CQ,
    PD,
    QP,
    CallerError,
    CcAlgorithm,
    CongestionControl,
    DeviceConfig,
    QPCap,
    QPInitAttr,
    QpType,
    SendWR,
    VirtualNet,
    WcStatus,
)
from tests.unit.rdma_verbs.pair import Pair

MakePair = Callable[..., Pair]

CNP = 0x81
MARK = Rule.on_packet(count=0, action=FaultAction.MARK_CE)
MTU = 1024
WRITE_MIDDLE_BYTES = 20 + 8 + 12 + MTU + 4
"""IPv4, UDP, BTH, payload, ICRC."""
MS = 1_000_000


def make_dcqcn(
    make_pair: MakePair, max_rate: int = 1000, *, pair: dict[str, Any] | None = None, **changes: float
) -> Pair:
    changes = {"rpg_min_rate": min(10, max_rate), **changes}
    cc = CongestionControl.dcqcn("paper", max_rate=max_rate, **changes)
    return make_pair(config=DeviceConfig(cc=cc), **{"timeout": 14, **(pair or {})})


def stream(pair: Pair, length: int = 2 << 20) -> None:
    """One long write from a to b."""
    pair.a.post_write(bytes(length), pair.b.region(length))


def gaps(times: list[int]) -> list[int]:
    return [b - a for a, b in pairwise(times)]


def cnp_times(pair: Pair) -> list[int]:
    return [p.time_ns for p in pair.trace if p.opcode == CNP]


def data_times(pair: Pair) -> list[int]:
    return [p.time_ns for p in pair.trace if p.source == "a" and 6 <= p.opcode <= 8]


@pytest.mark.parametrize("rate", [7, 333, 1000, 39_989])
def test_a_queue_pair_sends_at_its_rate_within_a_packet(make_pair: MakePair, rate: int) -> None:
    pair = make_dcqcn(make_pair, rate)
    stream(pair, 48 << 20 if rate > 1000 else 2 << 20)
    pair.run_until(10 * MS)
    times = data_times(pair)
    # The n-th packet (from 0) leaves when n packets have had their time on the wire.
    # At 39 989 Mb/s a packet's is 213 658.76 ps: cut to whole ones, 46 000 packets would drift by 35 ns.
    step_ps = (WRITE_MIDDLE_BYTES + 16) * 8 * 1_000_000 // rate, WRITE_MIDDLE_BYTES * 8 * 1_000_000 / rate
    expected = [0] + [int(step_ps[0] + n * step_ps[1]) // 1000 for n in range(len(times) - 1)]
    assert max(abs(t - e) for t, e in zip(times, expected, strict=True)) <= 1
    assert abs(len(times) - 10 * MS * 1000 / step_ps[1]) <= 1.1


def test_a_late_queue_pair_may_catch_up_by_the_burst_and_no_more(make_pair: MakePair) -> None:
    pair = make_dcqcn(make_pair, 100, burst_bytes=3 * WRITE_MIDDLE_BYTES)
    stream(pair)
    pair.run_until(MS)
    pair.a.context.pause(0)
    pair.run_until(3 * MS)
    pair.a.context.pause()
    before = len(data_times(pair))
    pair.run_until(3 * MS)
    assert len(data_times(pair)) - before in (3, 4)


def test_marked_packets_lead_to_cnps_and_the_rate_falls_and_recovers(make_pair: MakePair) -> None:
    pair = make_dcqcn(make_pair, 1000, T=55, rpg_ai_rate=20, rpg_hai_rate=100)
    stream(pair, 8 << 20)
    pair.run_until(2 * MS)
    faults = pair.a.context.port.inner
    assert isinstance(faults, FaultPort)
    full = len(data_times(pair))
    assert full == pytest.approx(2 * MS / (WRITE_MIDDLE_BYTES * 8), rel=0.01)
    faults.set_rules([MARK])
    pair.run_until(4 * MS)
    marked = len(data_times(pair)) - full
    assert marked < full // 4
    faults.set_rules([])
    pair.run_until(20 * MS)
    before = len(data_times(pair))
    pair.run_until(22 * MS)
    assert len(data_times(pair)) - before == pytest.approx(full, rel=0.02)
    a, b = pair.a.context.counters(), pair.b.context.counters()
    assert 0 <= marked - b["np_ecn_marked_roce_packets"] <= 1 or marked + 1 == b["np_ecn_marked_roce_packets"]
    assert b["np_cnp_sent"] == len(cnp_times(pair)) == a["rp_cnp_handled"] > 10
    assert a["rp_cnp_ignored"] == a["retransmitted_pkts"] == 0


def test_cnps_of_a_queue_pair_are_never_closer_than_the_interval(make_pair: MakePair) -> None:
    # Marks come every 10.7 us and do not slow the sender: at most 20 000 CNPs a second at 50 us.
    pair = make_dcqcn(make_pair, 800, rpg_min_dec_fac=100)
    pair.fault(MARK)
    stream(pair, 8 << 20)
    pair.run_until(50 * MS)
    times = cnp_times(pair)
    assert min(gaps(times)) >= 50_000
    assert max(gaps(times)) <= 50_000 + WRITE_MIDDLE_BYTES * 10
    assert 900 <= len(times) <= 1000


def test_cnps_are_exactly_at_the_interval_when_a_mark_comes_then(make_pair: MakePair) -> None:
    # A packet of 1068 bytes at 1 Mb/s takes 8544 us: one arrives just when the interval is over.
    pair = make_dcqcn(make_pair, 1, rpg_min_rate=1, rpg_min_dec_fac=100, N=8544)
    pair.fault(MARK)
    stream(pair, 64 << 10)
    pair.run_until(200 * MS)
    times = cnp_times(pair)
    assert len(times) > 10
    assert set(gaps(times[1:])) == {8_544_000}


def test_marks_are_seen_over_ipv6(make_pair: MakePair) -> None:
    cc = CongestionControl.dcqcn("paper", max_rate=1000)
    a, b = VirtualNet().pair(
        addresses=("fd00::1", "fd00::2"), config=DeviceConfig(cc=cc), wrappers=([Faults(rules=[MARK])], [])
    )
    qps = [QP(PD(c), QPInitAttr(QpType.RC, CQ(c), cap=QPCap(max_inline_data=64)), psn=0) for c in (a, b)]
    qps[0].connect(qps[1].endpoint)
    qps[1].connect(qps[0].endpoint)
    qps[0].post_send(SendWR(data=b"x"))
    assert a.net
    a.net.run_until(now_ns=5_000)
    assert b.counters()["np_ecn_marked_roce_packets"] == a.counters()["rp_cnp_handled"] == 1


def test_packets_are_marked_as_ecn_capable_only_with_dcqcn(make_pair: MakePair) -> None:
    for cc, marked in ((None, 0), (CongestionControl.window(4096), 0), (CongestionControl.dcqcn(max_rate=1000), 3)):
        config = DeviceConfig(cc=cc) if cc else DeviceConfig()
        pair = make_pair(config=config, faults=Faults(rules=[MARK]))
        pair.a.post_send(b"x" * 3000)
        pair.run()
        assert pair.b.context.counters()["np_ecn_marked_roce_packets"] == marked


@pytest.mark.parametrize("packets", [1, 3, 8])
def test_a_fixed_window_limits_the_bytes_outstanding(make_pair: MakePair, packets: int) -> None:
    pair = make_pair(config=DeviceConfig(cc=CongestionControl.window(packets * MTU + MTU // 2)), latency_ns=10_000)
    stream(pair, 64 * MTU)
    pair.run()
    times = data_times(pair)
    # A window each round trip; the last of each asks for the ACK.
    assert times == [n // packets * 20_000 for n in range(64)]
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert pair.a.context.counters()["timeouts"] == 0


def test_a_window_is_right_again_after_loss(make_pair: MakePair) -> None:
    pair = make_pair(config=DeviceConfig(cc=CongestionControl.window(4 * MTU)), faults=Faults(loss=0.1, seed=3))
    for _ in range(20):
        stream(pair, 10 * MTU + 7)
    pair.run()
    assert [wc.status for wc in pair.a.poll_all()] == [WcStatus.SUCCESS] * 20
    stream(pair, 8 * MTU)
    before = len(data_times(pair))
    faults = pair.a.context.port.inner
    assert isinstance(faults, FaultPort)
    faults.set(Faults())
    start = pair.now_ns
    pair.run()
    assert [t - start for t in data_times(pair)[before:]] == [0] * 4 + [2000] * 4


def test_read_responses_are_paced_and_acks_are_not(make_pair: MakePair) -> None:
    pair = make_dcqcn(make_pair, 100)
    pair.a.post_read(64 * MTU, pair.b.region(64 * MTU))
    pair.run_until(2 * MS)
    responses = [p.time_ns for p in pair.answered]
    assert len(responses) == pytest.approx(2 * MS / (WRITE_MIDDLE_BYTES * 80), abs=2)
    assert min(gaps(responses[1:])) >= WRITE_MIDDLE_BYTES * 80
    pair.run_until(20 * MS)
    assert pair.a.poll().status is WcStatus.SUCCESS


def test_a_low_rate_is_no_reason_for_a_timeout(make_pair: MakePair) -> None:
    pair = make_dcqcn(make_pair, 1, rpg_min_rate=1, pair={"timeout": 5})  # a packet takes 8.5 ms, the timer 131 us
    stream(pair, 20 * MTU)
    pair.drop(psn=3)
    pair.run_until(400 * MS)
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert pair.a.context.counters()["timeouts"] <= 1


def test_an_rnr_wait_and_the_pacer_share_the_wheel(make_pair: MakePair) -> None:
    pair = make_dcqcn(make_pair, 10, pair={"recvs": 0, "min_rnr_timer": 14})  # 1 ms
    pair.a.post_send(b"x" * 100)
    pair.b.post_read(8 * MTU, pair.a.region(8 * MTU))  # a's responses, 0.87 ms each, during a's RNR wait
    pair.run_until(8 * MS)
    assert pair.a.context.counters()["rcvd_rnr_err"] >= 3
    sends = [p.time_ns for p in pair.trace if p.source == "a" and p.opcode == 4]
    waits = gaps(sends)
    assert waits
    assert all(wait >= 960_000 for wait in waits)
    pair.b.post_recv()
    pair.run_until(40 * MS)
    assert pair.b.poll().status is WcStatus.SUCCESS
    assert pair.a.poll().status is WcStatus.SUCCESS


# PFC


def test_a_paused_priority_stops_at_once_and_resumes(pair: Pair) -> None:
    pair.a.context.pause(0)
    pair.a.post_send(b"x" * 3000)
    pair.run_until(MS)
    assert pair.sent_psns == []
    pair.a.context.pause()
    pair.run_until(2 * MS)
    assert pair.sent_psns == [0, 1, 2]
    assert pair.a.poll().status is WcStatus.SUCCESS


def test_other_priorities_go_on(pair: Pair) -> None:
    pair.a.context.pause(1, 2, 3, 4, 5, 6, 7)
    pair.a.post_send(b"x")
    pair.run_until(MS)
    assert pair.a.poll().status is WcStatus.SUCCESS


def test_a_pause_makes_no_transport_timer_expire(make_pair: MakePair) -> None:
    pair = make_pair(retry_cnt=1, timeout=5, latency_ns=50_000)  # 131 us, and a round trip of 100
    pair.a.post_send(b"x" * 100)
    pair.run_until(1000)
    pair.a.context.pause(0)
    pair.drop(opcode=0x11, source="b", count=1)  # the ACK is lost: only the timer can help
    pair.run_until(10 * MS)
    assert pair.a.context.counters()["timeouts"] == 0
    pair.a.context.pause()
    pair.run_until(10 * MS + 130_000)
    assert pair.a.context.counters()["timeouts"] == 0
    pair.run_until(10 * MS + 132_000)
    assert pair.a.context.counters()["timeouts"] == 1
    pair.run_until(11 * MS)
    assert pair.a.poll().status is WcStatus.SUCCESS


def test_cnps_have_a_priority_of_their_own(make_pair: MakePair) -> None:
    pair = make_dcqcn(make_pair, np_cnp_802p_prio=6)
    pair.fault(MARK)
    pair.b.context.pause(0)
    stream(pair, 1000)
    pair.run_until(MS)
    assert [p.opcode for p in pair.trace if p.source == "b"] == [CNP]
    pair.b.context.pause(6)
    stream(pair, 1000)
    pair.run_until(2 * MS)
    assert len(cnp_times(pair)) == 1


def test_priorities_are_checked(pair: Pair) -> None:
    with pytest.raises(CallerError, match="priority 8 is not between 0 and 7"):
        pair.a.context.pause(8)


# Configuration


def test_parameters_go_by_both_names() -> None:
    ours = CongestionControl.dcqcn("paper", max_rate=40_000, R_AI=7, F=3, g=1 / 256, T=9)
    assert ours == CongestionControl.dcqcn(
        "paper", max_rate=40_000, rpg_ai_rate=7, rpg_threshold=3, dce_tcp_g=1020, rpg_time_reset=9
    )
    assert ours.algorithm is CcAlgorithm.DCQCN


def test_a_device_tells_its_congestion_control(make_pair: MakePair) -> None:
    cc = CongestionControl.dcqcn("hpcc_dcqcn", max_rate=100_000)
    assert make_pair(config=DeviceConfig(cc=cc)).a.context.config.cc == cc
    assert make_pair().a.context.config.cc == CongestionControl.none()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rpg_min_rate": 2000}, "rpg_min_rate 2000 exceeds rpg_max_rate 1000"),
        ({"initial_alpha_value": 1025}, "initial_alpha_value 1025 is not an integer from 1 to 1024"),
        ({"np_cnp_dscp": 64}, "np_cnp_dscp 64 is not an integer from 0 to 63"),
        ({"rpg_gd": 9}, "rpg_gd 9 is not an integer from 10 to 31"),
        ({"T": 0, "B": 0}, "no rate would ever rise"),
        ({"R_XX": 1}, "no parameter 'R_XX'"),
        ({"g": 0.3}, "dce_tcp_g 716.8 is not an integer"),
    ],
)
def test_values_that_cannot_be(changes: dict[str, float], message: str) -> None:
    with pytest.raises(CallerError, match=message):
        CongestionControl.dcqcn("paper", max_rate=1000, **changes)
    with pytest.raises(CallerError, match="there are nvidia, paper"):
        CongestionControl.dcqcn("none such", max_rate=1000)
    with pytest.raises(CallerError, match="window_bytes 0 is not an integer from 1"):
        CongestionControl.window(0)
