"""What a device may do beyond the specification to recover from loss: NAK again, time out sooner, never give up."""

from collections.abc import Callable

import pytest

from datapath.errors import CallerError
from rdma_verbs import DeviceConfig, QpState, Recovery, WcStatus
from rdma_verbs.wire import Packet
from tests.unit.rdma_verbs.wirepeer import ACK, NAK_SEQUENCE, RNR, RNR_NS, WirePeer

MakePeer = Callable[..., WirePeer]
TIMEOUT_NS = 4096 << 8
RTT_NS = 10_000


def config(recovery: Recovery, rto_min_us: int = 0) -> DeviceConfig:
    return DeviceConfig(ack_every=1, recovery=recovery, rto_min_us=rto_min_us)


def naks(answers: list[Packet]) -> list[tuple[int, int]]:
    return [(a.syndrome, a.psn) for a in answers]


# NAK again


def arrive(peer: WirePeer, *psns: int) -> list[tuple[int, int]]:
    """SENDs with these PSNs, one after the other; what the device answers."""
    answers: list[Packet] = []
    for psn in psns:
        answers += peer.request("RC_SEND_ONLY", b"x", psn=psn, ackreq=False)
    return naks(answers)


SEQUENCE_0 = (NAK_SEQUENCE, 0)


def test_nak_rearm_answers_a_resent_stream_that_skips_the_expected_psn_again(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.NAK_REARM), recvs=8)
    assert arrive(peer, 1, 2, 3) == [SEQUENCE_0]
    assert arrive(peer, 1) == [SEQUENCE_0]
    assert arrive(peer, 2, 3) == []
    # The second packet of the next try is lost, too.
    assert arrive(peer, 2) == [SEQUENCE_0]
    assert arrive(peer, 3, 4) == []
    # The same packet again is the stream again.
    assert arrive(peer, 4) == [SEQUENCE_0]
    assert arrive(peer, 0, 1, 2, 3, 4) == []
    assert peer.count("sent_naks") == 4
    assert len(peer.arrived()) == 5


def test_without_nak_rearm_there_is_one_nak(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.GO_BACK_N), recvs=8)
    assert arrive(peer, 1, 2, 3) == [SEQUENCE_0]
    assert arrive(peer, 1, 2, 3, 3, 1) == []


def test_nak_rearm_over_the_end_of_the_psn_circle(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.NAK_REARM), recvs=8, peer_psn=0xFFFFFE)
    assert arrive(peer, 0xFFFFFF, 0, 1) == [(NAK_SEQUENCE, 0xFFFFFE)]
    assert arrive(peer, 2) == []
    assert arrive(peer, 0xFFFFFF) == [(NAK_SEQUENCE, 0xFFFFFE)]
    assert arrive(peer, 0, 1) == []


def test_nak_rearm_after_an_rnr_nak_waits_for_the_stream_to_come_again(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.NAK_REARM))
    assert arrive(peer, 0, 1, 2) == [(RNR | 1, 0)]
    assert arrive(peer, 1) == [SEQUENCE_0]


# Adaptive timeout


def answer_after(peer: WirePeer, delay_ns: int, psn: int) -> None:
    peer.post(data=b"x")
    assert [p.psn for p in peer.collect()] == [psn]
    peer.collect(peer.now_ns + delay_ns)
    peer.ack(psn)


def silent(peer: WirePeer, until_ns: int) -> list[int]:
    """When the device sends while nobody answers, counted from now."""
    start_ns = peer.now_ns
    peer.collect(start_ns + until_ns)
    return [time - start_ns for time in peer.times]


def test_adaptive_timeout_follows_the_round_trip_and_doubles(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.ADAPTIVE_TIMEOUT, 1), timeout=8, retry_cnt=7)
    answer_after(peer, RTT_NS, 0)
    peer.post(data=b"x")
    # RFC 6298, 2.2: RTO = R + 4 * R/2, then twice as long after each.
    rto_ns = 3 * RTT_NS
    assert silent(peer, 16 * rto_ns) == [0, rto_ns, 3 * rto_ns, 7 * rto_ns, 15 * rto_ns]
    assert peer.count("timeouts") == 4


def test_adaptive_timeout_takes_mean_and_deviation_as_rfc_6298(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.ADAPTIVE_TIMEOUT, 1), timeout=12)
    mean, deviation = 0, 0
    for psn, rtt_ns in enumerate([10_000, 10_000, 18_000, 6_000, 25_000, 10_000]):
        answer_after(peer, rtt_ns, psn)
        rtt = rtt_ns * 1000  # ps, in integers as the engine
        if psn == 0:
            mean, deviation = rtt, rtt // 2
        else:
            deviation += abs(mean - rtt) // 4 - deviation // 4
            mean += rtt // 8 - mean // 8
    peer.post(data=b"x")
    first, second = silent(peer, (mean + 4 * deviation) * 3 // 2 // 1000)
    assert first == 0
    # ``times`` are whole nanoseconds.
    assert second == (mean + 4 * deviation) // 1000


def test_adaptive_timeout_is_no_longer_than_the_queue_pairs(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.ADAPTIVE_TIMEOUT, 1), timeout=8)
    answer_after(peer, TIMEOUT_NS // 2, 0)
    peer.post(data=b"x")
    assert silent(peer, TIMEOUT_NS * 2) == [0, TIMEOUT_NS, TIMEOUT_NS * 2]


def test_adaptive_timeout_has_a_least_value(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.ADAPTIVE_TIMEOUT, 100), timeout=8)
    answer_after(peer, 1000, 0)
    peer.post(data=b"x")
    assert silent(peer, 150_000) == [0, 100_000]


def test_adaptive_timeout_does_not_give_up_sooner(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.ADAPTIVE_TIMEOUT, 1), timeout=8, retry_cnt=2)
    answer_after(peer, RTT_NS, 0)
    peer.post(data=b"x")
    times = silent(peer, TIMEOUT_NS * 6)
    assert len(times) > 6
    # Each retry lasts the queue pair's timeout or more, none as long as two.
    assert TIMEOUT_NS * 2 < times[-1] < TIMEOUT_NS * 6
    assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS, WcStatus.RETRY_EXC_ERR]
    assert peer.qp.state is QpState.ERR


def test_progress_ends_the_doubling(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.ADAPTIVE_TIMEOUT, 1), timeout=8)
    answer_after(peer, RTT_NS, 0)
    peer.post(data=b"x")
    silent(peer, 10 * RTT_NS)
    peer.ack(1)
    peer.post(data=b"x")
    # Its answer was to a packet sent twice, so it said nothing about the round trip (Karn).
    assert silent(peer, 4 * RTT_NS) == [0, 3 * RTT_NS]


def test_reads_tell_the_round_trip_too(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.ADAPTIVE_TIMEOUT, 1), timeout=8)
    peer.post_read(8)
    peer.collect()
    peer.collect(peer.now_ns + RTT_NS)
    peer.ack(0, name="RC_RDMA_READ_RESPONSE_ONLY", payload=bytes(8))
    peer.post(data=b"x")
    assert silent(peer, 4 * RTT_NS) == [0, 3 * RTT_NS]


def test_rnr_wait_counts_for_no_timeout(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.ADAPTIVE_TIMEOUT, 1), timeout=8, retry_cnt=0)
    answer_after(peer, RTT_NS, 0)
    peer.post(data=b"x")
    peer.collect()
    code = 20
    assert RNR_NS[code] > 2 * TIMEOUT_NS
    peer.ack(1, RNR | code)
    sent = [p.psn for p in peer.collect(peer.now_ns + RNR_NS[code] + 4 * RTT_NS)]
    assert sent == [1, 1]
    assert peer.qp.state is QpState.RTS


# Never give up


def test_retry_forever_outlives_any_outage(make_peer: MakePeer) -> None:
    peer = make_peer(config=config(Recovery.RETRY_FOREVER), timeout=8, retry_cnt=0)
    peer.post(data=b"x")
    assert len(silent(peer, TIMEOUT_NS * 100)) == 101
    peer.ack(0, ACK)
    assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS]


@pytest.mark.parametrize("recovery", [1 << 20, 1 << 31])
def test_unknown_options_are_refused(make_peer: MakePeer, recovery: int) -> None:
    with pytest.raises(CallerError, match=f"recovery {recovery:#x} holds unknown bits"):
        make_peer(config=DeviceConfig(recovery=Recovery(recovery)))
