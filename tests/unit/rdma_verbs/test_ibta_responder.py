"""What the responder answers to requests that it must not or cannot execute now, and to those it executed before."""

from collections.abc import Callable

import pytest

from rdma_verbs import MR, PD, AccessFlags, EventType, QpState, QpType, RecvWR, WcStatus
from rdma_verbs.wr import SGE
from tests.unit.rdma_verbs.wirepeer import (
    ACK,
    ALL,
    MASK24,
    NAK_ACCESS,
    NAK_INVALID,
    NAK_OPERATIONAL,
    NAK_SEQUENCE,
    RNR,
    SLOW,
    Fields,
    WirePeer,
)

MakePeer = Callable[..., WirePeer]
FULL = bytes(range(256))

# Each remote access: opcode, payload, bytes it touches, the right that it needs.
REMOTE = {
    "write": ("RDMA_WRITE_ONLY", b"x" * 8, 8, AccessFlags.REMOTE_WRITE),
    "write with immediate": ("RDMA_WRITE_ONLY_WITH_IMMEDIATE", b"x" * 8, 8, AccessFlags.REMOTE_WRITE),
    "write first": ("RDMA_WRITE_FIRST", FULL, 512, AccessFlags.REMOTE_WRITE),
    "read": ("RDMA_READ_REQUEST", b"", 8, AccessFlags.REMOTE_READ),
    "long read": ("RDMA_READ_REQUEST", b"", 2000, AccessFlags.REMOTE_READ),
    "compare and swap": ("COMPARE_SWAP", b"", 8, AccessFlags.REMOTE_ATOMIC),
    "fetch and add": ("FETCH_ADD", b"", 8, AccessFlags.REMOTE_ATOMIC),
}
each_access = pytest.mark.parametrize("case", REMOTE)


def refused_access(peer: WirePeer, case: str, va: int, rkey: int) -> None:
    name, payload, length, _ = REMOTE[case]
    answers = peer.request(f"RC_{name}", payload, va=va, rkey=rkey, dma_len=length, swap_add=1)
    peer.refused(answers, NAK_ACCESS, 0)


@pytest.mark.ibta("9.7.4.1.5", "R_Key of no region: NAK remote access error, QP to error, event")
@each_access
def test_unknown_rkey(peer: WirePeer, case: str) -> None:
    region = peer.region()
    refused_access(peer, case, region.addr, region.rkey ^ 1)
    assert region.read() == bytes(4096)


@pytest.mark.ibta("9.7.4.1.5", "any single bit of an R_Key flipped: NAK remote access error")
@pytest.mark.parametrize("bit", range(32))
def test_every_bit_of_the_rkey_counts(peer: WirePeer, bit: int) -> None:
    region = peer.region()
    refused_access(peer, "write", region.addr, region.rkey ^ 1 << bit)
    assert region.read() == bytes(4096)


@pytest.mark.ibta("10.6.2", "R_Key of a region in another protection domain: NAK remote access error")
@each_access
def test_rkey_of_another_pd(peer: WirePeer, case: str) -> None:
    region = MR(PD(peer.context), 4096, ALL)
    refused_access(peer, case, region.addr, region.rkey)
    assert region.read() == bytes(4096)


@pytest.mark.ibta("9.7.4.1.5", "an access that begins one byte before, or ends one after the region: NAK access error")
@pytest.mark.parametrize("end", ["before", "after"])
@each_access
def test_out_of_bounds_by_one(peer: WirePeer, case: str, end: str) -> None:
    _, _, length, _ = REMOTE[case]
    step = 8 if case in ("compare and swap", "fetch and add") else 1
    inner = memoryview(bytearray(4096 + 16))[8 : 4096 + 8]
    region = MR(peer.pd, inner, ALL, iova=0x10000)
    refused_access(peer, case, 0x10000 - step if end == "before" else 0x11000 - length + step, region.rkey)
    assert bytes(inner.obj) == bytes(4096 + 16)


@pytest.mark.ibta("9.7.4.1.5", "the last bytes of a region can be reached")
@each_access
def test_last_bytes_of_a_region(peer: WirePeer, case: str) -> None:
    name, payload, length, _ = REMOTE[case]
    peer.post_recv()
    region = MR(peer.pd, 4096, ALL, iova=0x10000)
    answers = peer.request(f"RC_{name}", payload, va=0x11000 - length, rkey=region.rkey, dma_len=length, swap_add=1)
    assert {a.syndrome for a in answers} <= {ACK, 0}
    assert peer.qp.state is QpState.RTS


@pytest.mark.ibta("9.7.4.1.5", "an address range that wraps at 2^64: NAK remote access error")
@pytest.mark.parametrize("case", ["write", "read", "long read"])
def test_range_that_wraps(peer: WirePeer, case: str) -> None:
    refused_access(peer, case, (1 << 64) - 4, peer.region(4096, iova=0).rkey)


@pytest.mark.ibta("10.6.3.1", "a region without the right that the access needs: NAK remote access error")
@each_access
def test_region_without_the_right(peer: WirePeer, case: str) -> None:
    region = peer.region(4096, ALL & ~REMOTE[case][3])
    refused_access(peer, case, region.addr, region.rkey)
    assert region.read() == bytes(4096)


@pytest.mark.ibta("10.6.7.2", "the key of a region that was deregistered: NAK remote access error")
@each_access
def test_deregistered_region(peer: WirePeer, case: str) -> None:
    region = peer.region()
    address, rkey = region.addr, region.rkey
    region.close()
    refused_access(peer, case, address, rkey)


@pytest.mark.ibta("9.7.4.1.5", "no key is checked for an access of no bytes")
@pytest.mark.parametrize("name", ["RDMA_WRITE_ONLY", "RDMA_READ_REQUEST"])
def test_no_bytes_need_no_key(peer: WirePeer, name: str) -> None:
    (answer,) = peer.request(f"RC_{name}", va=1, rkey=0xDEAD, dma_len=0)
    assert (answer.syndrome, answer.payload, answer.msn) == (ACK, b"", 1)
    assert peer.qp.state is QpState.RTS


@pytest.mark.ibta("9.9.3", "a region that goes away between First and Last: NAK remote access error")
def test_region_vanishes_in_the_middle_of_a_write(peer: WirePeer) -> None:
    region = peer.region()
    peer.request("RC_RDMA_WRITE_FIRST", FULL, va=region.addr, rkey=region.rkey, dma_len=512)
    region.close()
    peer.refused(peer.request("RC_RDMA_WRITE_LAST", FULL), NAK_ACCESS, 1)


@pytest.mark.ibta(
    "9.9.3", "a region that goes away while a READ is answered: NAK access error at the first PSN missing"
)
def test_region_vanishes_under_a_read(make_peer: MakePeer) -> None:
    peer = make_peer(wrappers=SLOW)
    region = peer.region(25_600)
    answers = peer.request("RC_RDMA_READ_REQUEST", va=region.addr, rkey=region.rkey, dma_len=25_600)
    region.close()
    answers += peer.collect(10**9)
    assert [a.psn for a in answers] == list(range(len(answers)))
    assert {a.name for a in answers[1:-1]} == {"RC_RDMA_READ_RESPONSE_MIDDLE"}
    assert 2 < len(answers) < 100
    peer.refused(answers[-1:], NAK_ACCESS, len(answers) - 1, 1)


@pytest.mark.ibta("9.7.5.1.3", "a duplicate READ that comes while the first is answered starts the answer again there")
def test_duplicate_read_while_answering(make_peer: MakePeer) -> None:
    peer = make_peer(wrappers=SLOW)
    region = peer.region(25_600)
    first = peer.request("RC_RDMA_READ_REQUEST", va=region.addr, rkey=region.rkey, dma_len=25_600)
    peer.send("RC_RDMA_READ_REQUEST", psn=10, va=region.addr + 2560, rkey=region.rkey, dma_len=23_040)
    psns = [a.psn for a in first + peer.collect(10**9)]
    again = psns.index(10, psns.index(10) + 1)
    assert psns[:again] == list(range(again))
    assert psns[again:] == list(range(10, 100))


@pytest.mark.ibta("9.9.3", "unreliable: what the key does not allow is dropped and counted, the QP goes on (UC)")
@pytest.mark.parametrize("wrong", ["key", "right", "bounds"])
def test_uc_access_error_is_dropped(make_peer: MakePeer, wrong: str) -> None:
    peer = make_peer(QpType.UC)
    region = peer.region(4096, ALL & ~AccessFlags.REMOTE_WRITE if wrong == "right" else ALL)
    rkey = region.rkey ^ (wrong == "key")
    va = region.addr + (4089 if wrong == "bounds" else 0)
    assert peer.request("UC_RDMA_WRITE_ONLY", b"x" * 8, va=va, rkey=rkey, dma_len=8) == []
    assert peer.context.drops() == {"access": 1}
    assert (region.read(), peer.qp.state, peer.events()) == (bytes(4096), QpState.RTS, [])


@pytest.mark.ibta("9.9.3", "a receive buffer that L_Key or rights do not allow: NAK remote operational error")
@pytest.mark.parametrize("wrong", ["key", "bounds", "read-only", "pd", "gone"])
def test_bad_receive_buffer(peer: WirePeer, wrong: str) -> None:
    mr = peer.region(64, AccessFlags(0) if wrong == "read-only" else ALL)
    if wrong == "pd":
        mr = MR(PD(peer.context), 64, ALL)
    sge = SGE(mr.addr + (60 if wrong == "bounds" else 0), 64, mr.lkey ^ (wrong == "key"))
    peer.qp.post_recv(RecvWR(5, [sge]))
    if wrong == "gone":
        mr.close()
    peer.refused(peer.request("RC_SEND_ONLY", b"x" * 8), NAK_OPERATIONAL, 0)
    assert [(wc.wr_id, wc.status) for wc in peer.arrived()] == [(5, WcStatus.LOC_PROT_ERR)]


@pytest.mark.ibta("9.9.3", "a message longer than the receive buffer: NAK invalid request, LOC_LEN_ERR")
@pytest.mark.parametrize("room", [0, 1, 299])
def test_receive_buffer_too_small(make_peer: MakePeer, room: int) -> None:
    peer = make_peer(recvs=0)
    peer.qp.post_recv([RecvWR(1, [peer.region(room).sge()] if room else []), RecvWR(2)])
    data = b"x" * 300
    first = peer.request("RC_SEND_FIRST", data[:256])
    if room < 256:
        peer.refused(first, NAK_INVALID, 0)
    else:
        peer.expect(first, ACK, 0, 0)
        peer.refused(peer.request("RC_SEND_LAST", data[256:]), NAK_INVALID, 1)
    assert [(wc.wr_id, wc.status) for wc in peer.arrived()] == [
        (1, WcStatus.LOC_LEN_ERR),
        (2, WcStatus.WR_FLUSH_ERR),
    ]


@pytest.mark.ibta("9.7.4.1.7", "a message is scattered over the pieces of its receive buffer, empty ones too")
def test_scatter(peer: WirePeer) -> None:
    region = peer.region(1024)
    pieces = [region.sge(0, 1), region.sge(0, 0), region.sge(10, 300), region.sge(500, 9)]
    peer.qp.post_recv(RecvWR(1, pieces))
    peer.request("RC_SEND_FIRST", FULL)
    peer.request("RC_SEND_LAST", b"y" * 54)
    assert [wc.byte_len for wc in peer.arrived()] == [310]
    assert (region.read(1), region.read(300, 10), region.read(9, 500)) == (FULL[:1], FULL[1:] + b"y" * 45, b"y" * 9)


@pytest.mark.ibta(
    "9.7.5.2.6", "a gap is answered by one NAK with the expected PSN, and by no other until that has come"
)
@pytest.mark.parametrize("ahead", [1, 2, 1000, (1 << 23) - 3])
def test_one_nak_for_each_gap(make_peer: MakePeer, ahead: int) -> None:
    peer = make_peer(recvs=4, peer_psn=0xFFFFFF)
    psn = (0xFFFFFF + ahead) & MASK24
    peer.expect(peer.request("RC_SEND_ONLY", b"late", psn=psn), NAK_SEQUENCE, 0xFFFFFF, 0)
    for i in range(3):
        assert peer.request("RC_SEND_ONLY", b"later", psn=(psn + i) & MASK24) == []
    assert peer.context.drops() == {"out_of_sequence": 4}
    assert peer.count("out_of_seq_request") == 4
    assert peer.count("sent_naks") == 1
    # It comes, so the next gap is a new one.
    peer.expect(peer.request("RC_SEND_ONLY", b"expected", psn=0xFFFFFF), ACK, 0xFFFFFF, 1)
    peer.expect(peer.request("RC_SEND_ONLY", b"late", psn=1), NAK_SEQUENCE, 0, 1)
    assert [wc.byte_len for wc in peer.arrived()] == [8]
    assert peer.qp.state is QpState.RTS


@pytest.mark.ibta("9.7.1", "2^23 PSNs ahead is the past: a duplicate, not a gap")
def test_half_the_circle_is_the_past(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1)
    peer.expect(peer.request("RC_SEND_ONLY", b"x", psn=1 << 23), ACK, MASK24, 0)
    assert peer.count("duplicate_request") == 1
    assert peer.arrived() == []


@pytest.mark.ibta("9.7.5.2.8", "no receive posted: RNR NAK with the QP's timer code; nothing is executed (each code)")
@pytest.mark.parametrize("code", range(32))
@pytest.mark.parametrize("name", ["SEND_ONLY", "SEND_FIRST", "RDMA_WRITE_ONLY_WITH_IMMEDIATE"])
def test_receiver_not_ready(make_peer: MakePeer, name: str, code: int) -> None:
    peer = make_peer(min_rnr_timer=code, peer_psn=3)
    region = peer.region(512)
    payload = FULL
    reth: Fields = {"va": region.addr, "rkey": region.rkey, "dma_len": 256}
    peer.expect(peer.request(f"RC_{name}", payload, **reth), RNR | code, 3, 0)
    # What follows before the peer comes back gets no answer (it is not a gap to report).
    assert peer.request("RC_SEND_ONLY", b"next") == []
    assert region.read() == bytes(512)
    assert peer.count("send_rnr_err") == 1
    peer.post_recv()
    peer.expect(peer.request(f"RC_{name}", payload, psn=3, **reth), ACK, 3, 0 if name == "SEND_FIRST" else 1)


@pytest.mark.ibta("9.7.5.2.8", "only the packet that ends a WRITE with immediate needs a receive")
def test_write_with_immediate_needs_a_receive_at_its_end(peer: WirePeer) -> None:
    region = peer.region(512)
    peer.expect(peer.request("RC_RDMA_WRITE_FIRST", FULL, va=region.addr, rkey=region.rkey, dma_len=512), ACK, 0, 0)
    peer.expect(peer.request("RC_RDMA_WRITE_LAST_WITH_IMMEDIATE", FULL), RNR | 1, 1, 0)
    assert region.read(256, 256) == bytes(256)
    peer.post_recv()
    peer.expect(peer.request("RC_RDMA_WRITE_LAST_WITH_IMMEDIATE", FULL, psn=1), ACK, 1, 1)
    assert region.read() == FULL * 2


@pytest.mark.ibta("9.7.5.1.3", "a SEND or WRITE that was executed before is acknowledged again and not executed")
@pytest.mark.parametrize("name", ["SEND_ONLY", "RDMA_WRITE_ONLY", "RDMA_WRITE_ONLY_WITH_IMMEDIATE"])
def test_duplicate_message(make_peer: MakePeer, name: str) -> None:
    peer = make_peer(recvs=3)
    region = peer.region(64)
    reth: Fields = {"va": region.addr, "rkey": region.rkey, "dma_len": 4}
    peer.expect(peer.request(f"RC_{name}", b"good", **reth), ACK, 0, 1)
    peer.expect(peer.request(f"RC_{name}", b"good", **reth), ACK, 1, 2)
    region.write(b"kept")
    done = len(peer.arrived())
    # The ACK names the last PSN executed, not the duplicate's.
    for psn in (0, 1, 0):
        peer.expect(peer.request(f"RC_{name}", b"evil", psn=psn, **reth), ACK, 1, 2)
    assert peer.count("duplicate_request") == 3
    assert (peer.arrived(), region.read(4)) == ([], b"kept")
    assert done == (0 if name == "RDMA_WRITE_ONLY" else 2)
    assert peer.context.drops() == {}


@pytest.mark.ibta("9.7.5.1.3", "duplicates are recognised across the wrap, and in the middle of a message")
def test_duplicate_in_the_middle_of_a_message(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1, peer_psn=MASK24)
    peer.request("RC_SEND_FIRST", FULL)
    peer.request("RC_SEND_MIDDLE", FULL)
    peer.expect(peer.request("RC_SEND_FIRST", FULL, psn=MASK24), ACK, 0, 0)
    peer.expect(peer.request("RC_SEND_LAST", b"end"), ACK, 1, 1)
    assert [wc.byte_len for wc in peer.arrived()] == [515]
    assert peer.received[0].read(515) == FULL * 2 + b"end"


@pytest.mark.ibta(
    "9.7.5.1.3", "a duplicate READ is executed again, with the memory as it is now, from any of its packets"
)
@pytest.mark.parametrize("skip", range(4))
def test_duplicate_read(peer: WirePeer, skip: int) -> None:
    region = peer.region(1000)
    whole = peer.request("RC_RDMA_READ_REQUEST", va=region.addr, rkey=region.rkey, dma_len=1000)
    assert [a.psn for a in whole] == [0, 1, 2, 3]
    region.write(bytes(i % 253 for i in range(1000)))
    again = peer.request(
        "RC_RDMA_READ_REQUEST", psn=skip, va=region.addr + skip * 256, rkey=region.rkey, dma_len=1000 - skip * 256
    )
    assert [a.psn for a in again] == list(range(skip, 4))
    assert b"".join(a.payload for a in again) == region.read(offset=skip * 256)
    assert {a.msn for a in again if a.syndrome} == {1}
    assert peer.count("duplicate_request") == 1


@pytest.mark.ibta("9.7.5.1.3", "a duplicate READ that asks for more or for other memory than the first is dropped")
@pytest.mark.parametrize("change", ["longer", "before", "other key", "later"])
def test_duplicate_read_that_differs(peer: WirePeer, change: str) -> None:
    region, other = peer.region(4096), peer.region(4096)
    reth: Fields = {"va": region.addr + 512, "rkey": region.rkey, "dma_len": 512}
    peer.request("RC_RDMA_READ_REQUEST", **reth)
    reth |= {
        "longer": {"dma_len": 513},
        "before": {"va": region.addr},
        "other key": {"rkey": other.rkey},
        "later": {"va": region.addr + 1024, "dma_len": 1},
    }[change]
    assert peer.request("RC_RDMA_READ_REQUEST", psn=0, **reth) == []
    assert peer.context.drops() == {"duplicate": 1}
    assert peer.qp.state is QpState.RTS


@pytest.mark.ibta("9.7.5.1.3", "a duplicate atomic is answered with the saved value and not executed again")
@pytest.mark.parametrize("name", ["COMPARE_SWAP", "FETCH_ADD"])
def test_duplicate_atomic(peer: WirePeer, name: str) -> None:
    region = peer.region(8)
    atomic: Fields = {"va": region.addr, "rkey": region.rkey, "swap_add": 5}
    (first,) = peer.request(f"RC_{name}", **atomic)
    assert first.swap_add == 0
    region.write((99).to_bytes(8, "little"))
    for _ in range(2):
        (again,) = peer.request(f"RC_{name}", psn=0, **atomic)
        assert (again.name, again.swap_add, again.psn, again.msn) == ("RC_ATOMIC_ACKNOWLEDGE", 0, 0, 1)
    assert region.read() == (99).to_bytes(8, "little")


@pytest.mark.ibta("9.7.5.1.3", "a duplicate READ or atomic older than those kept (max_dest_rd_atomic) is dropped")
@pytest.mark.parametrize("name", ["RDMA_READ_REQUEST", "FETCH_ADD"])
def test_duplicate_too_old(make_peer: MakePeer, name: str) -> None:
    peer = make_peer(max_dest_rd_atomic=2)
    region = peer.region(8)
    request: Fields = {"va": region.addr, "rkey": region.rkey, "dma_len": 8, "swap_add": 1}
    for _ in range(3):
        assert len(peer.request(f"RC_{name}", **request)) == 1
    assert peer.request(f"RC_{name}", psn=0, **request) == []
    assert peer.context.drops() == {"duplicate": 1}
    assert [a.psn for a in peer.request(f"RC_{name}", psn=1, **request)] == [1]
    assert region.read()[0] == (3 if name == "FETCH_ADD" else 0)


@pytest.mark.ibta("9.7.5.1.3", "a duplicate of another kind than what had its PSN is dropped")
def test_duplicate_of_another_kind(peer: WirePeer) -> None:
    region = peer.region(8)
    peer.request("RC_FETCH_ADD", va=region.addr, rkey=region.rkey, swap_add=1)
    assert peer.request("RC_RDMA_READ_REQUEST", psn=0, va=region.addr, rkey=region.rkey, dma_len=8) == []
    assert peer.context.drops() == {"duplicate": 1}


@pytest.mark.ibta("9.7.5.1.2", "acknowledges coalesce: what arrived at once is acknowledged by the last PSN")
def test_acknowledges_coalesce(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=8)
    for _ in range(8):
        peer.send("RC_SEND_ONLY", b"x", ackreq=True)
    peer.expect(peer.collect(), ACK, 7, 8)
    assert (peer.count("sent_acks"), peer.count("ack_deferred")) == (1, 7)


@pytest.mark.ibta("9.7.5.1.2", "without an ACK request nothing is acknowledged until one comes")
def test_no_ack_unless_asked(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=4)
    for _ in range(3):
        assert peer.request("RC_SEND_ONLY", b"x", ackreq=False) == []
    peer.expect(peer.request("RC_SEND_ONLY", b"x"), ACK, 3, 4)


@pytest.mark.ibta("9.7.5.1.2", "a READ's or an atomic's response stands for the ACK of what came before it")
@pytest.mark.parametrize("name", ["RDMA_READ_REQUEST", "FETCH_ADD"])
def test_response_acknowledges_what_came_before(make_peer: MakePeer, name: str) -> None:
    peer = make_peer(recvs=1)
    region = peer.region(8)
    peer.send("RC_SEND_ONLY", b"x", ackreq=True)
    peer.send(f"RC_{name}", va=region.addr, rkey=region.rkey, dma_len=8)
    (answer,) = peer.collect()
    assert (answer.psn, answer.msn, answer.syndrome) == (1, 2, ACK)
    assert answer.name != "RC_ACKNOWLEDGE"


@pytest.mark.ibta("9.7.5.1.1", "answers leave in the order of the requests: READ response, then the ACK after it")
def test_answers_keep_the_order(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1)
    region = peer.region(600)
    peer.send("RC_RDMA_READ_REQUEST", va=region.addr, rkey=region.rkey, dma_len=600)
    peer.send("RC_FETCH_ADD", va=region.addr, rkey=region.rkey, psn=3, swap_add=1)
    peer.send("RC_SEND_ONLY", b"x", psn=4, ackreq=True)
    answers = peer.collect()
    assert [a.psn for a in answers] == [0, 1, 2, 3, 4]
    assert [a.msn for a in answers] == [1, 0, 1, 2, 3]
    assert answers[-1].name == "RC_ACKNOWLEDGE"


@pytest.mark.ibta("9.7.5.1.1", "what was executed before a fatal request is still answered, then comes the NAK")
def test_read_is_answered_before_a_nak(peer: WirePeer) -> None:
    region = peer.region(600)
    peer.send("RC_RDMA_READ_REQUEST", va=region.addr, rkey=region.rkey, dma_len=600)
    peer.send("RC_SEND_LAST", b"x", psn=3)
    answers = peer.collect()
    assert [a.name for a in answers[:3]] == [f"RC_RDMA_READ_RESPONSE_{n}" for n in ("FIRST", "MIDDLE", "LAST")]
    peer.refused(answers[3:], NAK_INVALID, 3, 1)


@pytest.mark.ibta("9.7.5.1.4", "the MSN counts messages executed, wraps at 24 bits, and does not move within a message")
def test_msn(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=2)
    region = peer.region(8)
    msns = [
        peer.request("RC_SEND_FIRST", FULL)[0].msn,
        peer.request("RC_SEND_LAST", b"x")[0].msn,
        peer.request("RC_RDMA_WRITE_ONLY", b"x", va=region.addr, rkey=region.rkey, dma_len=1)[0].msn,
        peer.request("RC_RDMA_READ_REQUEST", va=region.addr, rkey=region.rkey, dma_len=1)[0].msn,
        peer.request("RC_FETCH_ADD", va=region.addr, rkey=region.rkey)[0].msn,
        peer.request("RC_SEND_ONLY", b"x", psn=0)[0].msn,
    ]
    assert msns == [0, 1, 2, 3, 4, 4]


@pytest.mark.ibta("9.7.4.1.1", "a QP in error answers nothing")
def test_error_state_answers_nothing(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1)
    peer.to(QpState.ERR)
    assert peer.request("RC_SEND_ONLY", b"x") == []
    assert peer.context.drops() == {"bad_state": 1}


@pytest.mark.ibta("10.3.1.3", "the first packet that arrives in RTR raises COMM_EST, once; it is executed and answered")
@pytest.mark.parametrize("service", [QpType.RC, QpType.UC])
def test_communication_established(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service, recvs=2, state=QpState.RTR)
    for _ in range(2):
        answers = peer.request(f"{service.name}_SEND_ONLY", b"x")
    assert [a.name for a in answers] == (["RC_ACKNOWLEDGE"] if service is QpType.RC else [])
    events = []
    while event := peer.context.next_event():
        events.append(event)
    assert [(e.type, e.num, e.element) for e in events] == [(EventType.COMM_EST, peer.qp.qp_num, peer.qp)]
    assert len(peer.arrived()) == 2
