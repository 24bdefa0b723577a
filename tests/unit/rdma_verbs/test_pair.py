"""The helper itself, and a few behaviours of the protocol as the examples of how to use it."""

from collections.abc import Callable

from datapath.port import Direction, FaultAction, Faults, Rule
from rdma_verbs import Mtu, QpState, QpType, RecvWR, SendFlags, WcOpcode, WcStatus, WrOpcode
from tests.unit.rdma_verbs.pair import UD_QKEY, Pair

SEND_LAST_ACKED = 0x11


def test_lost_last_packet_is_resent_after_timeout(pair: Pair) -> None:
    pair.a.post_send(b"x" * 3000)
    pair.drop(psn=2)
    pair.run_until(now_ns=1_000_000)
    assert pair.sent_psns == [0, 1, 2, 2]
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert pair.b.poll().byte_len == 3000
    assert pair.b.received[0].read(3000) == b"x" * 3000


def test_lost_first_packet_is_resent_after_nak_with_all_that_followed(pair: Pair) -> None:
    pair.drop(psn=0)
    pair.a.post_send(b"x" * 3000)
    pair.run_until(now_ns=20_000)
    assert pair.sent_psns == [0, 1, 2, 0, 1, 2]
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert pair.a.context.counters()["timeouts"] == 0


def test_lost_ack_does_not_deliver_twice(pair: Pair) -> None:
    pair.drop(opcode=SEND_LAST_ACKED, source="b")
    pair.a.post_send(b"once")
    pair.run()
    assert [wc.byte_len for wc in pair.b.poll_all()] == [4]
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert pair.sent_psns == [0, 0]
    assert pair.b.context.counters()["duplicate_request"] == 1


def test_a_corrupt_packet_is_dropped_and_counted(pair: Pair) -> None:
    pair.fault(Rule.on_packet(psn=0, action=FaultAction.CORRUPT))
    pair.a.post_send(b"x" * 100)
    pair.run()
    assert sum(pair.b.context.drops().values()) == 1
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert pair.b.received[0].read(100) == b"x" * 100


def test_a_silent_peer_ends_in_retry_exceeded_after_all_retries(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(retry_cnt=3, recvs=0)
    pair.drop(count=0)
    pair.a.post_send(b"x", wr_id=1)
    pair.a.post_send(b"y", wr_id=2)
    pair.run()
    assert [(wc.wr_id, wc.status) for wc in pair.a.poll_all()] == [
        (1, WcStatus.RETRY_EXC_ERR),
        (2, WcStatus.WR_FLUSH_ERR),
    ]
    assert pair.sent_psns == [0, 1] * 4
    assert pair.a.qp.state is QpState.ERR


def test_no_receive_is_answered_by_rnr_nak_until_there_is_one(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(recvs=0)
    pair.a.post_send(b"late")
    pair.run_until(now_ns=5_000)
    assert pair.a.context.counters()["rcvd_rnr_err"] == 1
    pair.b.post_recv()
    pair.run()
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert pair.b.received[0].read(4) == b"late"


def test_psn_wraps(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(psn=0xFFFFFE)
    pair.drop(psn=0xFFFFFF)
    pair.a.post_send(b"x" * 3000)
    pair.run()
    assert pair.sent_psns == [0xFFFFFE, 0xFFFFFF, 0, 0xFFFFFF, 0]
    assert pair.b.received[0].read(3000) == b"x" * 3000


def test_write_read_and_atomics_move_the_peers_memory(pair: Pair) -> None:
    remote = pair.b.region(8192)
    pair.a.post_write(b"w" * 5000, remote)
    got = pair.a.post_read(5000, remote)
    pair.run()
    assert got.read() == b"w" * 5000
    remote.write((41).to_bytes(8, "little"))
    old = pair.a.post_send(
        bytes(8), WrOpcode.ATOMIC_FETCH_AND_ADD, remote_addr=remote.addr, rkey=remote.rkey, compare_add=1
    )
    swapped = pair.a.post_send(
        bytes(8), WrOpcode.ATOMIC_CMP_AND_SWP, remote_addr=remote.addr, rkey=remote.rkey, compare_add=42, swap=7
    )
    pair.run()
    assert [wc.opcode for wc in pair.a.poll_all()] == [
        WcOpcode.RDMA_WRITE,
        WcOpcode.RDMA_READ,
        WcOpcode.FETCH_ADD,
        WcOpcode.COMP_SWAP,
    ]
    assert [int.from_bytes(mr.read(), "little") for mr in (old, swapped)] == [41, 42]
    assert int.from_bytes(remote.read(8), "little") == 7
    assert pair.b.cq.poll() == []


def test_a_write_outside_the_region_changes_nothing(pair: Pair) -> None:
    remote = pair.b.region(4096)
    pair.a.post_write(b"x" * 100, remote, offset=4000)
    pair.run()
    assert pair.a.poll().status is WcStatus.REM_ACCESS_ERR
    assert remote.read() == bytes(4096)


def test_uc_drops_a_message_with_a_hole(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(QpType.UC)
    pair.drop(psn=1)
    pair.a.post_send(b"x" * 3000)
    pair.a.post_send(b"whole")
    pair.run()
    assert [wc.status for wc in pair.a.poll_all()] == [WcStatus.SUCCESS, WcStatus.SUCCESS]
    assert [wc.byte_len for wc in pair.b.poll_all()] == [5]
    assert pair.answered == []


def test_ud_puts_the_grh_before_the_message(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(QpType.UD)
    pair.a.post_send(b"hello", ah=pair.ah(), remote_qpn=pair.b.qp.qp_num, remote_qkey=UD_QKEY)
    pair.run()
    wc = pair.b.poll()
    assert (wc.byte_len, wc.src_qp) == (45, pair.a.qp.qp_num)
    grh = pair.b.received[0].read(40)
    assert (grh[32:36], grh[36:40]) == (bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    assert pair.b.received[0].read(5, offset=40) == b"hello"


def test_a_reordered_packet_is_seen_in_the_order_of_arrival(pair: Pair) -> None:
    pair.fault(Rule.on_packet(psn=1, action=FaultAction.DELAY, delay_ns=300, direction=Direction.TX))
    pair.a.post_send(b"x" * 3000)
    pair.run()
    assert pair.sent_psns[:3] == [0, 1, 2]
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert pair.b.context.counters()["out_of_seq_request"] == 1


def test_a_run_repeats_to_the_packet(make_pair: Callable[..., Pair]) -> None:
    def trace() -> list[tuple[int, int, int]]:
        pair = make_pair(faults=Faults(loss=0.1, duplicate=0.05, reorder=0.05, seed=7), mtu=Mtu.MTU_256)
        for _ in range(10):
            pair.a.post_send(b"x" * 2000, send_flags=SendFlags(0))
        pair.run()
        return [(p.time_ns, p.opcode, p.psn) for p in pair.trace]

    first = trace()
    assert len(first) > 80
    assert trace() == first


def test_two_nets_do_not_meet(make_pair: Callable[..., Pair]) -> None:
    one, two = make_pair(), make_pair()
    one.a.post_send(b"one")
    one.run()
    assert one.now_ns > 0
    assert (two.now_ns, two.trace, two.b.context.counters()["rcvd_pkts"]) == (0, [], 0)


def test_receives_are_taken_in_order(pair: Pair) -> None:
    for text in (b"1", b"22", b"333"):
        pair.a.post_send(text)
    pair.run()
    done = pair.b.poll_all()
    assert [(wc.wr_id, wc.byte_len, wc.opcode) for wc in done] == [(i, i + 1, WcOpcode.RECV) for i in range(3)]
    pair.b.qp.post_recv([RecvWR(99, [pair.b.received[0].sge()])])


def test_responses_that_still_come_hold_the_timer_back() -> None:
    """A slow peer is not given up, nor asked again, while it works off what it was asked (READ, timeout 131 us)."""
    first, middle = 0x0D, 0x0E
    pair = Pair(retry_cnt=1)
    remote = pair.b.region(5000)
    remote.write(b"r" * 5000)
    delay = FaultAction.DELAY
    pair.fault(Rule.on_packet(opcode=first, action=delay, delay_ns=350_000), source="b")
    pair.drop(opcode=first, nth=2, source="b")
    for nth in (1, 2, 3):
        pair.fault(Rule.on_packet(opcode=middle, nth=nth, action=delay, delay_ns=nth * 100_000), source="b")
    mr = pair.a.post_read(5000, remote)
    pair.run_until(now_ns=345_000)
    # Once for the gap that the Last showed, and then no more.
    assert pair.sent_psns == [0, 0]
    pair.run()
    assert pair.a.poll().status is WcStatus.SUCCESS
    assert mr.read() == b"r" * 5000
    pair.close()
