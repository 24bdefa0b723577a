"""Memory that is rewritten, unmapped or cut off under live traffic: data as it was at one moment, or an error.

127.77.0.1 ---- UDP 4791, loopback ---- 127.77.0.2        (or a memory pair, or the local path)

Each test is also one of the process surviving: a signal would end pytest.
"""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from rdma_verbs import MR, AccessFlags, Context, QpState, RecvWR, SendWR, WcOpcode, WcStatus, WrOpcode
from tests.integration.test_live import ALL, End, contexts
from tests.pages import WAYS, Pages

PAGES = 16
WAIT_S = 20


@pytest.fixture(params=["mem", "udp", "local"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[End, End]]:
    first, second = contexts(request.param)
    with first, second:
        a, b = End(first), End(second)
        a.qp.connect(b.qp.endpoint, timeout=14)
        b.qp.connect(a.qp.endpoint, timeout=14)
        yield a, b


@pytest.fixture
def pages() -> Iterator[Pages]:
    memory = Pages(PAGES)
    yield memory
    memory.close()


def next_status(end: End) -> WcStatus:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if done := end.cq.poll(1):
            return done[0].status
    raise AssertionError("no completion")


def no_bad_icrc(*ends: Context) -> bool:
    return not any("bad_icrc" in context.drops() for context in ends)


@pytest.mark.ibta("7.8.1", "a buffer that its owner rewrites meanwhile never gives a packet with a wrong ICRC")
@pytest.mark.parametrize("operation", [WrOpcode.RDMA_READ, WrOpcode.RDMA_WRITE])
def test_the_owner_rewrites_what_is_sent(ends: tuple[End, End], operation: WrOpcode) -> None:
    a, b = ends
    size = 64 * 1024
    near, far = MR(a.pd, size, ALL), MR(b.pd, size, ALL)
    rewritten = (far if operation is WrOpcode.RDMA_READ else near).buf
    patterns = [bytes([i]) * size for i in range(256)]
    stop = threading.Event()
    rounds = 0

    def rewrite() -> None:
        while not stop.is_set():
            for pattern in patterns:
                rewritten[:] = pattern

    owner = threading.Thread(target=rewrite)
    owner.start()
    try:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            a.qp.post_send(SendWR(0, operation, [near.sge()], remote_addr=far.addr, rkey=far.rkey))
            assert next_status(a) is WcStatus.SUCCESS
            rounds += 1
    finally:
        stop.set()
        owner.join()
    assert rounds > 1
    assert no_bad_icrc(a.context, b.context)


Ending = tuple[WcStatus, WcStatus | None]
Prepare = Callable[[End, End, Pages], Callable[[], None]]


def _remote(operation: WrOpcode) -> Prepare:
    def prepare(a: End, b: End, pages: Pages) -> Callable[[], None]:
        far = MR(b.pd, pages.size, ALL, address=pages.address)
        length = 8 if operation is WrOpcode.ATOMIC_FETCH_AND_ADD else pages.size
        near = MR(a.pd, length, ALL).sge()
        at = far.addr + pages.size - length
        return lambda: a.qp.post_send(SendWR(0, operation, [near], remote_addr=at, rkey=far.rkey))

    return prepare


def _local(operation: WrOpcode) -> Prepare:
    def prepare(a: End, b: End, pages: Pages) -> Callable[[], None]:
        near, far = MR(a.pd, pages.size, ALL, address=pages.address), MR(b.pd, pages.size, ALL)

        def post() -> None:
            if operation is WrOpcode.SEND:
                b.qp.post_recv(RecvWR(0, [far.sge()]))
            a.qp.post_send(SendWR(0, operation, [near.sge()], remote_addr=far.addr, rkey=far.rkey))

        return post

    return prepare


def _received(a: End, b: End, pages: Pages) -> Callable[[], None]:
    near, far = MR(a.pd, pages.size, ALL), MR(b.pd, pages.size, ALL, address=pages.address)

    def post() -> None:
        b.qp.post_recv(RecvWR(0, [far.sge()]))
        a.qp.post_send(SendWR(0, WrOpcode.SEND, [near.sge()]))

    return post


CASES: dict[str, tuple[Prepare, Ending]] = {
    "write target": (_remote(WrOpcode.RDMA_WRITE), (WcStatus.REM_ACCESS_ERR, None)),
    "read source": (_remote(WrOpcode.RDMA_READ), (WcStatus.REM_ACCESS_ERR, None)),
    "atomic": (_remote(WrOpcode.ATOMIC_FETCH_AND_ADD), (WcStatus.REM_ACCESS_ERR, None)),
    "write source": (_local(WrOpcode.RDMA_WRITE), (WcStatus.LOC_PROT_ERR, None)),
    "send source": (_local(WrOpcode.SEND), (WcStatus.LOC_PROT_ERR, None)),
    "read target": (_local(WrOpcode.RDMA_READ), (WcStatus.LOC_PROT_ERR, None)),
    "receive buffer": (_received, (WcStatus.REM_OP_ERR, WcStatus.LOC_PROT_ERR)),
}


def check_alive(first: Context, second: Context) -> None:
    """Other queue pairs of the same devices work."""
    a, b = End(first), End(second)
    a.qp.connect(b.qp.endpoint)
    b.qp.connect(a.qp.endpoint)
    source, target = MR(a.pd, b"still ok", AccessFlags(0)), MR(b.pd, 8, ALL)
    a.qp.post_send(SendWR(0, WrOpcode.RDMA_WRITE, [source.sge()], remote_addr=target.addr, rkey=target.rkey))
    assert next_status(a) is WcStatus.SUCCESS
    assert target.read() == b"still ok"


@pytest.mark.ibta("9.7.4.1.5", "memory that vanishes under traffic ends it with the error of its role")
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("case", CASES)
def test_memory_vanishes_under_traffic(ends: tuple[End, End], pages: Pages, case: str, how: str) -> None:
    a, b = ends
    prepare, (expected, of_receive) = CASES[case]
    post = prepare(a, b, pages)
    thief = threading.Timer(0.05, pages.vanish, (how, PAGES // 2))
    thief.start()
    status = WcStatus.SUCCESS
    deadline = time.monotonic() + WAIT_S
    received: list[WcStatus] = []
    while status is WcStatus.SUCCESS:
        assert time.monotonic() < deadline
        post()
        status = next_status(a)
        received += [wc.status for wc in b.cq.poll(64) if wc.opcode is WcOpcode.RECV]
    thief.join()
    assert (status, a.qp.state) == (expected, QpState.ERR)
    while of_receive and of_receive not in received:
        received.append(next_status(b))
    assert no_bad_icrc(a.context, b.context)
    check_alive(a.context, b.context)
