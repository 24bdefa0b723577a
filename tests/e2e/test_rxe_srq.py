"""Shared receive queues between Soft-RoCE and us: one of either fed by several QPs of the other, RC and UD.

The stage is that of :mod:`tests.e2e.ends`.
"""

from tests.e2e.ends import Ends, statuses
from tests.e2e.rxe import PeerAddress, PeerQp, gid_of, recv, send

QKEY = 0x1234_5678
SLOT = 4096  # of the region, for one receive
SHARED = "all.recv"
LIMIT = 6


def size_of(number: int, turn: int) -> int:
    """Bytes of a QP's message: one to three packets of RC, one of UD."""
    return 100 + 300 * turn + 7 * number if number == 3 else 200 + 900 * turn + 11 * number


def limit_events(ends: Ends) -> int:
    """How many limit events came; others, of QPs, may be among them."""
    found = 0
    while event := ends.responder.next_event(200):
        found += event == "SRQ_LIMIT_REACHED"
    return found


def queue_pairs(ends: Ends, srq: str) -> list[tuple[PeerQp, PeerQp, dict[str, object]]]:
    """Three connections of RC and one pair of UD QPs, with what a send of each needs."""
    far = {"srq": srq, "recv_cq": SHARED}
    made: list[tuple[PeerQp, PeerQp, dict[str, object]]] = []
    for number in range(3):
        made.append((*ends.connected("RC", name=f"rc{number}", far=far, min_rnr_timer=20), {}))
    qp, other = ends.requester.create_qp("ud", "UD"), ends.responder.create_qp("ud", "UD", **far)
    ends.requester.connect(qp, PeerAddress("::"), sq_psn=0xFFFFFE, qkey=QKEY, own=ends.requester_ip)
    ends.responder.connect(other, PeerAddress("::"), sq_psn=1, qkey=QKEY, own=ends.responder_ip)
    ends.requester.create_ah("to", PeerAddress(gid_of(ends.responder_ip)), own=ends.requester_ip)
    return [*made, (qp, other, {"ah": "to", "remote_qpn": other.qpn, "remote_qkey": QKEY})]


def test_a_shared_receive_queue_is_fed_by_several_qps(ends: Ends) -> None:
    """Each message is received once, whole, in its QP's order; the limit event comes once, and not too early."""
    srq = ends.responder.create_srq("s", 16)
    limit_events(ends)  # and those of earlier tests
    mine, theirs = ends.requester.create_mr("m", 16 * SLOT), ends.responder.create_mr("m", 16 * SLOT)
    ends.responder.post_srq_recv(srq, *(recv(i, theirs.sge(i * SLOT, SLOT)) for i in range(16)))
    ends.responder.arm_srq(srq, LIMIT)
    pairs = queue_pairs(ends, srq)
    received = []
    for turn in range(4):
        sent = []
        for number, (qp, _, fields) in enumerate(pairs):
            at, size = (4 * turn + number) * SLOT, size_of(number, turn)
            sent.append(ends.requester.write_pattern(mine, at, size, seed=at))
            ends.requester.post_send(qp, send(turn, "SEND", mine.sge(at, size), **fields))
        for qp, _, _ in pairs:
            assert statuses(ends.requester.poll(qp.send_cq)) == ["SUCCESS"]
        done = ends.responder.poll(SHARED, 4)
        received += done
        assert sorted(entry.qpn for entry in done) == sorted(far.qpn for _, far, _ in pairs)
        for entry in done:
            number = next(i for i, (_, far, _) in enumerate(pairs) if far.qpn == entry.qpn)
            grh = 40 * (number == 3)
            assert (entry.status, entry.byte_len) == ("SUCCESS", size_of(number, turn) + grh)
            got = ends.responder.read_mr(theirs, entry.wr_id * SLOT + grh, size_of(number, turn))
            assert got == sent[number]
        # 12, 8, 4 and 0 receives are left.
        assert limit_events(ends) == (1 if turn == 2 else 0)
    assert sorted(entry.wr_id for entry in received) == list(range(16))
    assert [entry.src_qpn for entry in received if entry.qpn == pairs[3][1].qpn] == [pairs[3][0].qpn] * 4


def test_an_empty_shared_receive_queue_makes_rc_wait(ends: Ends) -> None:
    """RNR NAKs to all, until receives are posted: then each of the messages takes one."""
    srq = ends.responder.create_srq("s", 16)
    mine, theirs = ends.requester.create_mr("m", 3 * SLOT), ends.responder.create_mr("m", 3 * SLOT)
    data = ends.requester.write_pattern(mine, 0, 3 * SLOT, seed=4)
    pairs = queue_pairs(ends, srq)[:3]
    for number, (qp, _, _) in enumerate(pairs):
        ends.requester.post_send(qp, send(number, "SEND", mine.sge(number * SLOT, SLOT)))
    assert ends.responder.poll(SHARED, 1, timeout_ms=100) == []
    for slot in range(3):
        ends.responder.post_srq_recv(srq, recv(slot, theirs.sge(slot * SLOT, SLOT)))
    done = ends.responder.poll(SHARED, 3)
    assert sorted((entry.wr_id, entry.status, entry.byte_len) for entry in done) == [
        (slot, "SUCCESS", SLOT) for slot in range(3)
    ]
    for entry in done:
        number = next(i for i, (_, far, _) in enumerate(pairs) if far.qpn == entry.qpn)
        assert ends.responder.read_mr(theirs, entry.wr_id * SLOT, SLOT) == data[number * SLOT :][:SLOT]
    for qp, far, _ in pairs:
        assert statuses(ends.requester.poll(qp.send_cq)) == ["SUCCESS"]
        assert (ends.requester.qp_state(qp), ends.responder.qp_state(far)) == ("RTS", "RTS")
