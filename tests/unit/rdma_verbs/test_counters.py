"""Every counter counts one event, at the device and, where it has one, at the queue pair; nothing else moves it."""

import mmap
from collections.abc import Callable

import pytest

from rdma_verbs import (
    CQ,
    QP,
    SGE,
    AccessFlags,
    AHAttr,
    CallerError,
    DeviceConfig,
    EventType,
    QPInitAttr,
    QpState,
    QpType,
    Recovery,
    SendWR,
    WcStatus,
)
from rdma_verbs._native import Kind
from rdma_verbs.addr import GID
from rdma_verbs.agent import shm
from rdma_verbs.counters import counter_aliases, counter_names, qp_counter_names
from tests.unit.rdma_verbs.pair import Pair
from tests.unit.rdma_verbs.wirepeer import (
    ACK,
    NAK_ACCESS,
    NAK_INVALID,
    NAK_SEQUENCE,
    REQUIRED,
    RNR,
    Fields,
    WirePeer,
)

MakePair = Callable[..., Pair]
MakePeer = Callable[..., WirePeer]
QP_NAMES = set(qp_counter_names())
ALIASES = counter_aliases()


class Moved:
    """What the counters of a device and a queue pair gained since; both must agree."""

    def __init__(self, peer: WirePeer) -> None:
        self._peer = peer
        self._device = peer.context.counters()
        self._qp = peer.qp.counters()

    def __call__(self, *, of: tuple[str, ...] = ()) -> dict[str, int]:
        """The gains but for traffic; ``of``: only names that begin so."""
        device = gains(self._device, self._peer.context.counters())
        assert {name: device.get(name, 0) for name in self._qp} == {
            name: value - self._qp[name] for name, value in self._peer.qp.counters().items()
        }
        quiet = ("sent_", "rcvd_pkts", "rcvd_bytes", "tx_prio", "rx_prio", "rdma_")
        return {
            name: n
            for name, n in device.items()
            if name not in ALIASES and (name.startswith(of) if of else not name.startswith(quiet))
        }


def gains(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: value - before[name] for name, value in after.items() if value != before[name]}


# What a responder counts


def test_requests_are_counted_by_message_and_once(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1)
    mr = peer.region()
    moved = Moved(peer)
    address: Fields = {"va": mr.addr, "rkey": mr.rkey}
    peer.request("RC_RDMA_WRITE_FIRST", bytes(256), dma_len=300, **address)
    peer.request("RC_RDMA_WRITE_LAST", bytes(44))
    peer.request("RC_RDMA_READ_REQUEST", dma_len=8, **address)
    peer.request("RC_FETCH_ADD", **address)
    peer.request("RC_FETCH_ADD", **address)
    assert moved() == {"rx_write_requests": 1, "rx_read_requests": 1, "rx_atomic_requests": 2}
    peer.request("RC_FETCH_ADD", psn=3, **address)
    assert moved() == {"rx_write_requests": 1, "rx_read_requests": 1, "rx_atomic_requests": 2, "duplicate_request": 1}


def test_a_gap_is_out_of_sequence(peer: WirePeer) -> None:
    moved = Moved(peer)
    peer.request("RC_SEND_ONLY", b"x", psn=2)
    assert moved() == {"out_of_seq_request": 1, "drop_out_of_sequence": 1}


def test_a_gap_is_out_of_sequence_where_nothing_answers(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UC, recvs=1)
    moved = Moved(peer)
    peer.request("UC_SEND_ONLY", b"x", psn=2)
    assert moved() == {"out_of_seq_request": 1}


def test_no_receive_is_out_of_buffer(peer: WirePeer) -> None:
    moved = Moved(peer)
    peer.request("RC_SEND_ONLY", b"x")
    assert moved(of=("out_of_b", "send_rnr", "drop")) == {"out_of_buffer": 1, "send_rnr_err": 1}


@pytest.mark.parametrize("service", [QpType.UC, QpType.UD])
def test_no_receive_is_out_of_buffer_where_nothing_answers(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service)
    moved = Moved(peer)
    peer.request(f"{service.name}_SEND_ONLY", b"x")
    assert moved() == {"out_of_buffer": 1, "drop_no_recv_wqe": 1}


@pytest.mark.parametrize("service", [QpType.UC, QpType.UD])
def test_too_long_a_message_is_a_local_length_error(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service, recvs=1, recv_bytes=8)
    moved = Moved(peer)
    peer.request(f"{service.name}_SEND_ONLY", bytes(9))
    assert moved() == {"resp_local_length_error": 1, "drop_recv_too_small": 1}


def test_errors_of_a_reliable_responder(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=3, recv_bytes=8)
    moved = Moved(peer)
    peer.request("RC_SEND_ONLY", bytes(9))
    assert [wc.status for wc in peer.arrived()] == [WcStatus.LOC_LEN_ERR] + 2 * [WcStatus.WR_FLUSH_ERR]
    assert moved() == {"resp_local_length_error": 1, "resp_cqe_error": 3, "resp_cqe_flush_error": 2}


@pytest.mark.parametrize("service", [QpType.RC, QpType.UC])
def test_a_bad_key_is_a_remote_access_error_at_the_responder(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service)
    moved = Moved(peer)
    peer.request(f"{service.name}_RDMA_WRITE_ONLY", b"x", va=0, rkey=1, dma_len=1)
    drops = {"drop_access": 1} if service is QpType.UC else {}
    assert moved() == {"resp_remote_access_errors": 1} | drops


# What a requester counts


@pytest.mark.parametrize(
    ("syndrome", "name"), [(NAK_ACCESS, "req_remote_access_errors"), (NAK_INVALID, "req_remote_invalid_request")]
)
def test_a_refusal_is_counted_by_its_code(peer: WirePeer, syndrome: int, name: str) -> None:
    for _ in range(2):
        peer.post(data=b"x")
    peer.collect()
    moved = Moved(peer)
    peer.ack(0, syndrome)
    assert moved() == {name: 1, "rcvd_naks": 1, "req_cqe_error": 2, "req_cqe_flush_error": 1}


def test_naks_that_are_retried(peer: WirePeer) -> None:
    for _ in range(2):
        peer.post(data=b"x")
    peer.collect()
    moved = Moved(peer)
    peer.ack(1, NAK_SEQUENCE)
    assert moved() == {"rcvd_seq_err": 1, "rcvd_naks": 1, "completer_retry_err": 1, "retransmitted_pkts": 1}
    peer.ack(1, RNR | 1)
    assert moved(of=("rcvd_rnr", "rcvd_seq")) == {"rcvd_rnr_err": 1, "rcvd_seq_err": 1}


def test_an_answer_beyond_a_read_implies_its_loss(peer: WirePeer) -> None:
    peer.post_read()
    peer.post(data=b"x")
    peer.collect()
    moved = Moved(peer)
    peer.ack(1, ACK)
    assert moved(of=("implied",)) == {"implied_nak_seq_err": 1}


def test_a_timer_that_expires(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=1)
    peer.post(data=b"x")
    peer.collect()
    moved = Moved(peer)
    peer.collect(peer.now_ns + 8_192)
    assert moved() == {"timeouts": 1, "retransmitted_pkts": 1}


def test_timers_shorter_than_the_queue_pairs(make_peer: MakePeer) -> None:
    """The round trip was 1 us, the queue pair's timeout is 1048 us: 3, 6, 12 ... us take no retry, the last does."""
    config = DeviceConfig(ack_every=1, recovery=Recovery.ADAPTIVE_TIMEOUT, rto_min_us=1)
    peer = make_peer(timeout=8, config=config)
    peer.post(data=b"x")
    peer.collect(1_000)
    peer.ack(0)
    peer.post(data=b"x")
    moved = Moved(peer)
    peer.collect(1_000_000)
    assert moved(of=("roce", "timeouts")) == {"roce_adp_retrans": 8, "timeouts": 8}
    peer.collect(2_000_000)
    assert moved(of=("roce", "timeouts")) == {"roce_adp_retrans": 8, "roce_adp_retrans_to": 1, "timeouts": 9}


# Traffic


def test_traffic_is_counted_by_priority_and_queue_pair(make_peer: MakePeer) -> None:
    peer = make_peer(state=QpState.INIT)
    path = AHAttr(dgid=GID.of("10.0.0.2"), sl=3)
    peer.modify(QpState.RTR, REQUIRED[QpState.RTR][QpType.RC], ah_attr=path)
    peer.to(QpState.RTS)
    peer.post_recv()
    moved = Moved(peer)
    peer.post(data=bytes(257))
    sent = peer.collect()
    peer.request("RC_SEND_ONLY", b"abc", ackreq=False)
    got = moved(of=("tx_", "rx_", "sent_", "rcvd_"))
    # IP, UDP, BTH, payload with pad, ICRC.
    assert got == {
        "sent_pkts": 2,
        "sent_bytes": 257,
        "rcvd_pkts": 1,
        "rcvd_bytes": 3,
        "tx_prio3_packets": 2,
        "tx_prio3_bytes": (28 + 12 + 256 + 4) + (28 + 12 + 4 + 4),
        "rx_prio0_packets": 1,  # the script's wire has no priorities
        "rx_prio0_bytes": 28 + 12 + 4 + 4,
    }
    assert len(sent) == 2


def test_a_packet_counts_at_its_own_queue_pair_only(make_pair: MakePair) -> None:
    pair, other = make_pair(), make_pair()
    pair.a.post_send(b"x")
    pair.run()
    assert (pair.a.qp.counters()["sent_pkts"], pair.a.qp.counters()["rcvd_pkts"]) == (1, 1)
    assert set(other.a.qp.counters().values()) == {0}


def test_pauses_are_counted_with_their_time(pair: Pair) -> None:
    context = pair.a.context
    context.pause(3, 5)
    pair.run_until(2_500)
    context.pause(3)
    pair.run_until(4_000)
    context.pause()
    found = {name: n for name, n in context.counters().items() if "_pause" in name and n}
    assert found == {
        "rx_prio3_pause": 2,
        "rx_prio3_pause_duration": 4,  # us, no fraction is lost
        "rx_prio3_pause_transition": 1,
        "rx_prio5_pause": 1,
        "rx_prio5_pause_duration": 2,
        "rx_prio5_pause_transition": 1,
    }


# The link


def test_a_pulled_cable_is_an_event_and_loses_everything(make_pair: MakePair) -> None:
    pair = make_pair(timeout=5, config=DeviceConfig(ack_every=1))
    context = pair.a.context
    up = [context.link_up]
    context.set_link(False)
    context.set_link(False)
    pair.a.post_send(b"x")
    pair.b.post_send(b"y")
    pair.run_until(100_000)
    counters = context.counters()
    assert (counters["link_downed"], counters["sent_pkts"], counters["send_err"]) == (1, 0, 1)
    assert context.drops() == {"link_down": 1}
    up.append(context.link_up)
    context.set_link(True)
    assert [*up, context.link_up] == [True, False, True]
    pair.run()
    assert pair.a.poll().status is WcStatus.SUCCESS  # its timer found out
    events = []
    while event := context.next_event():
        if event.type is not EventType.COMM_EST:
            events.append((event.type, event.num))
    assert events == [(EventType.PORT_ERR, 1), (EventType.PORT_ACTIVE, 1)]
    assert context.counters()["link_downed"] == 1


def test_a_packet_that_cannot_become_bytes_is_a_send_error(peer: WirePeer) -> None:
    """A region of bounds without memory has nothing to put on a wire."""
    with peer.context.engine as engine:
        bounds, *_ = engine.mr_reg(peer.pd.handle, None, 64, 0, AccessFlags.LOCAL_WRITE)
        lkey, _ = engine.mr_keys(bounds)
    peer.qp.post_send(SendWR(sg=[SGE(0, 64, lkey)]))
    assert peer.collect() == []
    assert peer.count("send_err") == 1
    with peer.context.engine as engine:
        engine.release(Kind.MR, bounds)


# Names


def test_a_second_name_is_the_same_counter(make_peer: MakePeer) -> None:
    peer = make_peer()
    peer.request("RC_SEND_ONLY", b"x", psn=2)
    for counters in (peer.context.counters(), peer.qp.counters()):
        assert counters["out_of_sequence"] == counters["out_of_seq_request"] == 1
    assert set(ALIASES.values()) <= set(counter_names())
    assert not set(ALIASES) & set(counter_names())
    assert set(qp_counter_names()) <= set(counter_names())


# Shared memory


def test_queue_pairs_count_in_shared_rows_while_there_are_some(make_peer: MakePeer) -> None:
    memory = mmap.mmap(-1, 16384)
    peer = make_peer()
    first = peer.qp
    context = peer.context
    pin = context.engine.share_counters(memory, 0, 8192, 2)
    words = memoryview(memory).cast("Q")

    def rows() -> list[int]:
        return [words[1024 + i * shm.QP_WORDS] for i in range(3)]

    def new() -> QP:
        return QP(peer.pd, QPInitAttr(QpType.UD, CQ(context, 16)))

    a, b, c = new(), new(), new()
    assert rows() == [a.qp_num, b.qp_num, 0]
    a.close()
    assert rows() == [0, b.qp_num, 0]
    words[1024 + 1] = 77
    d = new()
    assert rows() == [d.qp_num, b.qp_num, 0]
    assert set(d.counters().values()) == {0}
    c.close()
    first.close()
    assert rows() == [d.qp_num, b.qp_num, 0]
    context.close()
    del pin
    words.release()


def test_a_closed_queue_pair_has_no_counters(pair: Pair) -> None:
    pair.a.qp.close()
    with pytest.raises(CallerError):
        pair.a.qp.counters()
