"""Pages of a region that are gone when the engine comes for them: access errors on the side that IBTA names."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rdma_verbs import (
    MR,
    AccessFlags,
    CallerError,
    EventType,
    QpState,
    QpType,
    RecvWR,
    SendFlags,
    SendWR,
    WcOpcode,
    WcStatus,
    WrOpcode,
)
from tests.pages import WAYS, Pages
from tests.unit.rdma_verbs.pair import ALL, UD_QKEY, Pair, Side

MakePair = Callable[..., Pair]
PAGE = 4096
BOTH = pytest.mark.parametrize("how", WAYS)


@pytest.fixture
def pages() -> Iterator[Pages]:
    memory = Pages(3)
    yield memory
    memory.close()


def region(side: Side, pages: Pages) -> MR:
    return MR(side.pd, pages.size, ALL, address=pages.address)


def requests(side: Side) -> list[tuple[int, WcStatus]]:
    """Completions of the send queue."""
    return [(wc.wr_id, wc.status) for wc in side.poll_all() if wc.opcode is not WcOpcode.RECV]


Ending = tuple[list[WcStatus], QpState, QpState, list[EventType]]


def ended(pair: Pair) -> Ending:
    """What a's requests completed with, the states, and b's events."""
    pair.run()
    events = []
    while event := pair.b.context.next_event():
        events.append(event.type)
    errors: list[EventType] = [event for event in events if event is not EventType.COMM_EST]
    return [status for _, status in requests(pair.a)], pair.a.qp.state, pair.b.qp.state, errors


REMOTE: Ending = ([WcStatus.REM_ACCESS_ERR], QpState.ERR, QpState.ERR, [EventType.QP_ACCESS_ERR])
OPERATIONS = (WrOpcode.RDMA_WRITE, WrOpcode.RDMA_WRITE_WITH_IMM, WrOpcode.RDMA_READ)


@pytest.mark.ibta("9.7.4.1.5", "memory of the responder that is gone is a remote access error, wherever it begins")
@BOTH
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_remote_memory_is_gone(pair: Pair, pages: Pages, operation: WrOpcode, first: int, how: str) -> None:
    mr = region(pair.b, pages)
    pages.vanish(how, first)
    pair.a.post_send(bytes(2 * PAGE), operation, remote_addr=mr.addr, rkey=mr.rkey)
    assert ended(pair) == REMOTE
    assert pair.b.context.drops().keys() <= {"bad_state"}  # what was on its way
    # The pages before it were answered for: the NAK is for the packet that met the hole.
    naks = [p for p in pair.answered if p.opcode == 0x11 and p.data[12] == 0x62]
    assert [p.psn for p in naks] == [first * PAGE // 1024]


@pytest.mark.ibta("9.7.4.1.5", "memory that vanishes between packets of a READ: what was sent stays, then a NAK")
@BOTH
def test_memory_vanishes_in_the_middle_of_a_read(pair: Pair, pages: Pages, how: str) -> None:
    mr = region(pair.b, pages)
    pair.drop(opcode=0x0E, source="b")  # a middle response, so that the rest is asked for again
    pair.a.post_read(3 * PAGE, mr)
    pair.run_until(pair.now_ns + 1500)
    pages.vanish(how, 0)
    assert ended(pair) == REMOTE


@pytest.mark.ibta("9.7.4.1.5", "the READ that cannot be answered is the one that fails, not what was refused after it")
@BOTH
def test_a_later_request_was_refused_already(pair: Pair, pages: Pages, how: str) -> None:
    mr = region(pair.b, pages)
    pages.vanish(how)
    pair.a.post_read(8, mr)
    pair.a.post_send(b"x", WrOpcode.RDMA_WRITE, remote_addr=mr.addr, rkey=mr.rkey ^ 1)
    assert ended(pair)[0] == [WcStatus.REM_ACCESS_ERR, WcStatus.WR_FLUSH_ERR]


@pytest.mark.ibta("9.7.4.1.5", "an atomic on memory that is gone is a remote access error, and nothing is changed")
@BOTH
@pytest.mark.parametrize(
    "operation", [WrOpcode.ATOMIC_CMP_AND_SWP, WrOpcode.ATOMIC_FETCH_AND_ADD, WrOpcode.ATOMIC_WRITE]
)
@pytest.mark.parametrize("offset", [0, 4])
def test_atomic_on_memory_that_is_gone(pair: Pair, pages: Pages, operation: WrOpcode, offset: int, how: str) -> None:
    mr = MR(pair.b.pd, 8, ALL, address=pages.address + PAGE + offset, iova=0)
    pages.vanish(how, 1)
    result = pair.a.post_send(b"untouchd", operation, remote_addr=0, rkey=mr.rkey, compare_add=0)
    assert ended(pair) == REMOTE
    assert result.read() == b"untouchd"


@pytest.mark.ibta("9.7.4.1.5", "memory that the process may only read is read, a write is a remote access error")
def test_memory_that_may_only_be_read(make_pair: MakePair, pages: Pages) -> None:
    pages.fill(b"constant")
    pages.protect()
    pair = make_pair()
    into = pair.a.post_read(8, region(pair.b, pages))
    pair.run()
    assert into.read() == b"constant"
    pair.a.poll()
    pair.a.post_write(b"x", region(pair.b, pages))
    assert ended(pair) == REMOTE


LOCAL: Ending = ([WcStatus.LOC_PROT_ERR], QpState.ERR, QpState.RTS, [])


@pytest.mark.ibta(
    "10.7.3.2", "an ATOMIC WRITE from memory that is gone: local protection error, the peer hears nothing"
)
@BOTH
def test_atomic_write_from_memory_that_is_gone(pair: Pair, pages: Pages, how: str) -> None:
    mr, target = region(pair.a, pages), pair.b.region(8)
    pages.vanish(how, 1)
    pair.a.qp.post_send(SendWR(1, WrOpcode.ATOMIC_WRITE, [mr.sge(PAGE, 8)], remote_addr=target.addr, rkey=target.rkey))
    assert ended(pair) == LOCAL
    assert pair.sent_psns == []


def post_from(pair: Pair, pages: Pages, operation: WrOpcode) -> None:
    mr, target = region(pair.a, pages), pair.b.region(2 * PAGE)
    sge = mr.sge(0, 2 * PAGE)
    pair.a.qp.post_send(
        SendWR(1, operation, [sge], send_flags=SendFlags.SIGNALED, remote_addr=target.addr, rkey=target.rkey)
    )


@pytest.mark.ibta("10.7.3.2", "memory of the requester that is gone: local protection error, the peer hears nothing")
@BOTH
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("operation", [WrOpcode.SEND, WrOpcode.RDMA_WRITE, WrOpcode.RDMA_READ])
def test_local_memory_is_gone(pair: Pair, pages: Pages, operation: WrOpcode, first: int, how: str) -> None:
    post_from(pair, pages, operation)
    pages.vanish(how, first)
    assert ended(pair) == LOCAL
    if operation is not WrOpcode.RDMA_READ:
        assert pair.sent_psns == list(range(first * PAGE // 1024))


@pytest.mark.ibta("10.7.3.2", "what was posted before completes, the bad request fails, what follows is flushed")
@BOTH
def test_requests_around_the_bad_one(pair: Pair, pages: Pages, how: str) -> None:
    pages.fill(b"first")
    mr = region(pair.a, pages)
    pair.drop(psn=0)  # so that the bad one waits for the first to be sent again
    for i, sge in enumerate([mr.sge(0, 5), mr.sge(PAGE, 5), mr.sge(0, 5)]):
        pair.a.qp.post_send(SendWR(i, WrOpcode.SEND, [sge], send_flags=SendFlags.SIGNALED))
    pages.vanish(how, 1)
    pair.run()
    assert requests(pair.a) == [(0, WcStatus.SUCCESS), (1, WcStatus.LOC_PROT_ERR), (2, WcStatus.WR_FLUSH_ERR)]
    assert pair.b.poll().status is WcStatus.SUCCESS
    assert pair.b.received[0].read(5) == b"first"
    assert pair.b.poll_all() == []


@pytest.mark.ibta("10.7.3.2", "a request found bad stays bad, even if its memory is there again when it is met again")
def test_memory_that_comes_back(pair: Pair, pages: Pages) -> None:
    mr = region(pair.a, pages)
    pair.drop(psn=0)
    for i, sge in enumerate([mr.sge(0, 5), mr.sge(PAGE, 5)]):
        pair.a.qp.post_send(SendWR(i, WrOpcode.SEND, [sge], send_flags=SendFlags.SIGNALED))
    pages.vanish("truncate", 1)
    pair.run_until(pair.now_ns + 100)
    pages.come_back()
    pair.run()
    assert requests(pair.a) == [(0, WcStatus.SUCCESS), (1, WcStatus.LOC_PROT_ERR)]
    assert pair.sent_psns == [0, 0]


@pytest.mark.ibta("10.7.3.2", "more pieces than a packet refers to are gathered: one that is gone is an error, too")
@BOTH
@pytest.mark.parametrize("gone", [0, 5])
def test_many_pieces(make_pair: MakePair, pages: Pages, gone: int, how: str) -> None:
    from rdma_verbs import QPCap

    pair = make_pair(cap=QPCap(16, 16, max_send_sge=6))
    here, there = pair.a.region(8), region(pair.a, pages)
    pieces = [there.sge(PAGE, 8) if i == gone else here.sge() for i in range(6)]
    pair.a.qp.post_send(SendWR(1, WrOpcode.SEND, pieces, send_flags=SendFlags.SIGNALED))
    pages.vanish(how, 1)
    assert ended(pair) == LOCAL


@pytest.mark.ibta("9.9.3", "a receive buffer that is gone: local protection error, and an operational error for")
@BOTH
@pytest.mark.parametrize("first", [0, 1])
def test_receive_buffer_is_gone(make_pair: MakePair, pages: Pages, first: int, how: str) -> None:
    pair = make_pair(recvs=0)
    mr = region(pair.b, pages)
    pair.b.qp.post_recv(RecvWR(7, [mr.sge()]))
    pages.vanish(how, first)
    pair.a.post_send(bytes(2 * PAGE))
    assert ended(pair)[:3] == ([WcStatus.REM_OP_ERR], QpState.ERR, QpState.ERR)
    assert [(wc.wr_id, wc.status) for wc in pair.b.poll_all()] == [(7, WcStatus.LOC_PROT_ERR)]


@pytest.mark.ibta("9.9.2", "where an atomic's result was to go is gone: local protection error")
@BOTH
def test_atomic_result_is_gone(pair: Pair, pages: Pages, how: str) -> None:
    mr, target = region(pair.a, pages), pair.b.region(8)
    pages.vanish(how)
    pair.a.qp.post_send(
        SendWR(1, WrOpcode.ATOMIC_FETCH_AND_ADD, [mr.sge(0, 8)], remote_addr=target.addr, rkey=target.rkey)
    )
    assert ended(pair) == LOCAL


@pytest.mark.ibta("9.8.2", "an unreliable request whose memory is gone does not complete as sent: the send queue stops")
@BOTH
@pytest.mark.parametrize("service", [QpType.UC, QpType.UD])
def test_unreliable_send(make_pair: MakePair, pages: Pages, service: QpType, how: str) -> None:
    pair = make_pair(service)
    pages.vanish(how)
    to: dict[str, Any] = (
        {"ah": pair.ah(), "remote_qpn": pair.b.qp.qp_num, "remote_qkey": UD_QKEY} if service is QpType.UD else {}
    )
    sge = region(pair.a, pages).sge(0, 100)
    pair.a.qp.post_send(SendWR(1, WrOpcode.SEND, [sge], send_flags=SendFlags.SIGNALED, **to))
    assert ended(pair) == ([WcStatus.LOC_PROT_ERR], QpState.SQE, QpState.RTS, [])
    assert pair.sent_psns == []


@pytest.mark.ibta("9.8.2", "an unreliable receive into memory that is gone: local protection error, the QP is in error")
@BOTH
@pytest.mark.parametrize("service", [QpType.UC, QpType.UD])
def test_unreliable_receive(make_pair: MakePair, pages: Pages, service: QpType, how: str) -> None:
    pair = make_pair(service, recvs=0)
    to: dict[str, Any] = (
        {"ah": pair.ah(), "remote_qpn": pair.b.qp.qp_num, "remote_qkey": UD_QKEY} if service is QpType.UD else {}
    )
    pair.b.qp.post_recv(RecvWR(1, [region(pair.b, pages).sge()]))
    pages.vanish(how)
    pair.a.post_send(b"x", **to)
    assert ended(pair) == ([WcStatus.SUCCESS], QpState.RTS, QpState.ERR, [EventType.QP_FATAL])
    assert [wc.status for wc in pair.b.poll_all()] == [WcStatus.LOC_PROT_ERR]


@pytest.mark.ibta("10.6.3", "copies out of and into a region find out, too, that memory is gone")
@BOTH
def test_the_region_itself_is_read_and_written_safely(pair: Pair, pages: Pages, how: str) -> None:
    mr = region(pair.a, pages)
    mr.write(b"abc", 1)
    assert (mr.read(4), pages.read(4)) == (b"\0abc", b"\0abc")
    with pytest.raises(CallerError, match="its memory is no Python object's"):
        mr.buf  # noqa: B018
    pages.vanish(how, 1)
    for call in (lambda: mr.read(2, PAGE - 1), lambda: mr.write(b"xy", PAGE - 1)):
        with pytest.raises(CallerError, match=f"{mr.name}: of 2 bytes at 4095 not all are there"):
            call()


@pytest.mark.ibta("10.6.3", "memory need not be there to be registered, but to be used")
def test_a_region_of_memory_that_is_not_there_is_registered_all_the_same(pair: Pair, pages: Pages) -> None:
    pages.vanish("munmap")
    mr = MR(pair.b.pd, pages.size, AccessFlags.REMOTE_READ, address=pages.address)
    pair.a.post_read(8, mr)
    assert ended(pair) == REMOTE
