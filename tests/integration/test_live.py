"""Live devices in one process, on the real clock: over a memory pair, and over UDP 4791 on loopback addresses.

127.77.0.1 ---- UDP 4791, loopback ---- 127.77.0.2        (or a memory pair)
"""

import asyncio
import gc
import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from datapath.port import Capture, CapturePort, Faults, Rate, Wrapper
from rdma_verbs import (
    CQ,
    GID,
    MR,
    MULTICAST_QPN,
    PD,
    QP,
    AccessFlags,
    AHAttr,
    CallerError,
    Context,
    DpuError,
    EventType,
    Port,
    QPCap,
    QPInitAttr,
    QpType,
    RecvWR,
    SendWR,
    WcOpcode,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.agent.status import list_nodes
from rdma_verbs.ah import AH
from rdma_verbs.counters import named_counters, qp_counter_names
from rdma_verbs.driver import driver_of, run

ALL = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ | AccessFlags.REMOTE_ATOMIC
CAP = QPCap(max_send_wr=64, max_recv_wr=64, max_inline_data=64)


class End:
    """A device with one queue pair."""

    def __init__(self, context: Context, qp_type: QpType = QpType.RC) -> None:
        self.context = context
        self.pd = PD(context)
        self.cq = CQ(context)
        self.qp = QP(self.pd, QPInitAttr(qp_type, self.cq, cap=CAP))


def contexts(kind: str, wrappers: Sequence[Wrapper] = ()) -> tuple[Context, Context]:
    if kind == "mem":
        first, second = Port.mem_pair()
        for wrapper in wrappers:
            first = wrapper.around(first)
        return Context.over(first, "10.0.0.1"), Context.over(second, "10.0.0.2")
    return Context.open("127.77.0.1", wrappers=wrappers), Context.open("127.77.0.2")


@pytest.fixture(params=["mem", "udp"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[End, End]]:
    first, second = contexts(request.param)
    with first, second:
        a, b = End(first), End(second)
        a.qp.connect(b.qp.endpoint)
        b.qp.connect(a.qp.endpoint)
        yield a, b


def test_a_write_is_awaited_on_both_sides(ends: tuple[End, End]) -> None:
    a, b = ends
    data = os.urandom(3_000_000)
    source, target = MR(a.pd, data, AccessFlags.REMOTE_READ), MR(b.pd, len(data), ALL)
    b.qp.post_recv(RecvWR(7))

    async def main() -> None:
        a.qp.post_send(
            SendWR(
                opcode=WrOpcode.RDMA_WRITE_WITH_IMM,
                imm_data=99,
                sg=[source.sge()],
                remote_addr=target.addr,
                rkey=target.rkey,
            )
        )
        (told,), (sent,) = await asyncio.gather(b.cq.wait(), a.cq.wait())
        assert (told.wr_id, told.imm_data, sent.status) == (7, 99, WcStatus.SUCCESS)

    run(main())
    assert target.buf == data


def test_two_tasks_play_ping_pong(ends: tuple[End, End]) -> None:
    rounds = 200

    async def play(end: End, *, serve: bool) -> int:
        mr = MR(end.pd, 64 * 64, ALL)
        end.qp.post_recv([RecvWR(i, [mr.sge(i * 64, 64)]) for i in range(64)])
        if serve:
            end.qp.post_send(SendWR(data=b"ball"))
        got = 0
        async for wc in end.cq:
            assert wc.status is WcStatus.SUCCESS
            if wc.opcode.name != "RECV":
                continue
            got += 1
            end.qp.post_recv(RecvWR(wc.wr_id, [mr.sge(wc.wr_id * 64, 64)]))
            if got < rounds or not serve:
                end.qp.post_send(SendWR(data=b"ball"))
            if got == rounds:
                break
        return got

    async def main() -> tuple[int, int]:
        return await asyncio.gather(play(ends[0], serve=True), play(ends[1], serve=False))

    assert tuple(run(main())) == (rounds, rounds)


def test_events_are_awaited(ends: tuple[End, End]) -> None:
    a, b = ends
    remote = MR(b.pd, 4096, AccessFlags.REMOTE_READ)

    async def main() -> None:
        waiter = asyncio.create_task(b.context.event())
        a.qp.post_send(
            SendWR(opcode=WrOpcode.RDMA_WRITE, sg=[MR(a.pd, 64, ALL).sge()], remote_addr=remote.addr, rkey=remote.rkey)
        )
        (wc,) = await a.cq.wait()
        assert wc.status is WcStatus.REM_ACCESS_ERR
        event = await asyncio.wait_for(waiter, 10)
        while event.type is EventType.COMM_EST:
            event = await asyncio.wait_for(b.context.event(), 10)
        assert (event.type, event.element) == (EventType.QP_ACCESS_ERR, b.qp)

    run(main())


def test_closing_wakes_who_waits(ends: tuple[End, End]) -> None:
    a, _ = ends

    async def main() -> None:
        waiters = [asyncio.create_task(a.cq.wait()), asyncio.create_task(a.context.event())]
        await asyncio.sleep(0.01)
        threading.Thread(target=a.context.close).start()
        for waiter in waiters:
            with pytest.raises(CallerError, match="is closed"):
                await asyncio.wait_for(waiter, 10)

    run(main())


def test_a_device_serves_one_loop_after_another(ends: tuple[End, End]) -> None:
    a, b = ends
    b.qp.post_recv([RecvWR(), RecvWR()])

    async def once() -> None:
        a.qp.post_send(SendWR())
        await a.cq.wait()

    asyncio.run(once())
    run(once())


def test_threads_share_a_device(ends: tuple[End, End]) -> None:
    a, b = ends
    per_thread, threads = 50, 4
    b.qp.post_recv([RecvWR(i) for i in range(64)])

    def send() -> None:
        for _ in range(per_thread):
            while True:
                try:
                    a.qp.post_send(SendWR())
                    break
                except DpuError:
                    time.sleep(0.0005)

    workers = [threading.Thread(target=send) for _ in range(threads)]
    for worker in workers:
        worker.start()
    sent = received = 0
    until = time.monotonic() + 20
    while (sent, received) != (200, 200) and time.monotonic() < until:
        sent += len(a.cq.poll())
        for wc in b.cq.poll():
            received += 1
            b.qp.post_recv(RecvWR(wc.wr_id))
    for worker in workers:
        worker.join()
    assert (sent, received) == (200, 200)


@pytest.mark.parametrize("kind", ["mem", "udp"])
def test_a_file_arrives_whole_in_spite_of_loss(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(2_000_000))
    target = tmp_path / "target"
    target.write_bytes(bytes(2_000_000))
    capture = tmp_path / "a.pcapng"
    first, second = contexts(kind, [Faults(loss=0.01, seed=3), Capture(capture)])
    with first, second:
        a, b = End(first), End(second)
        a.qp.connect(b.qp.endpoint, timeout=8)
        b.qp.connect(a.qp.endpoint, timeout=8)
        there = MR(b.pd, target, ALL)
        here = MR(a.pd, source, AccessFlags.REMOTE_READ)

        async def main() -> None:
            a.qp.post_send(SendWR(opcode=WrOpcode.RDMA_WRITE, sg=[here.sge()], remote_addr=there.addr, rkey=there.rkey))
            (wc,) = await a.cq.wait()
            assert wc.status is WcStatus.SUCCESS

        run(main())
        port = first.port
        assert isinstance(port, CapturePort)
        assert port.inner is not None
        assert port.inner.stats()["fault_dropped"] > 0
        assert first.counters()["retransmitted_pkts"] > 0
        assert port.frames > 2_000_000 // 4096
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(source.read_bytes()).digest()
    assert capture.stat().st_size > 2_000_000


def test_ud_goes_to_any_address() -> None:
    first, second = contexts("udp")
    with first, second:
        a, b = End(first, QpType.UD), End(second, QpType.UD)
        a.qp.start(qkey=5)
        b.qp.start(qkey=5)
        mr = MR(b.pd, 100, ALL)
        b.qp.post_recv(RecvWR(1, [mr.sge()]))
        ah = AH(a.pd, AHAttr(dgid=second.gids[0]))
        a.qp.post_send(SendWR(data=b"datagram", ah=ah, remote_qpn=b.qp.qp_num, remote_qkey=5))

        async def main() -> None:
            (wc,) = await asyncio.wait_for(b.cq.wait(), 10)
            assert (wc.byte_len, wc.src_qp) == (48, a.qp.qp_num)

        run(main())
        assert mr.read(8, 40) == b"datagram"


def held() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return len(list(Path("/proc/self/fd").iterdir())), len(list(Path("/proc/self/task").iterdir()))


@pytest.mark.parametrize("kind", ["mem", "udp"])
def test_a_forgotten_device_leaves_no_thread_and_no_descriptor(kind: str) -> None:
    def use() -> None:
        first, second = contexts(kind)
        a, b = End(first), End(second)
        a.qp.connect(b.qp.endpoint)
        b.qp.connect(a.qp.endpoint)
        MR(a.pd, bytearray(4096), ALL)

        async def main() -> None:
            b.qp.post_recv(RecvWR())
            a.qp.post_send(SendWR())
            await a.cq.wait()

        run(main())

    use()
    gc.collect()
    before = held()
    for _ in range(3):
        use()
        gc.collect()
    until = time.monotonic() + 5
    while held() > before and time.monotonic() < until:
        time.sleep(0.01)  # the kernel takes a moment to let a joined thread go
    assert held() <= before


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(DpuError):
        Context.open("192.0.2.1")
    with pytest.raises(CallerError, match="GID"):
        Context.open("nowhere")


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"])
def test_an_address_that_is_no_hosts_is_refused(address: str) -> None:
    with pytest.raises(CallerError, match=f"device {address}: not an address of one host"):
        Context.open(address)


def in_a_fork(child: Callable[[], object]) -> tuple[str, int]:
    """Return what ``child`` printed or raised in a forked process, and its wait status."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10)  # a hang is a failure
        try:
            child()
            os.write(into, b"nothing")
        except CallerError as error:
            os.write(into, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out) as pipe:
        said = pipe.read()
    return said, os.waitpid(pid, 0)[1]


@pytest.mark.parametrize(
    "use",
    [
        lambda end: end.context.counters(),
        lambda end: end.cq.poll(),
        lambda end: end.qp.post_send(SendWR(data=b"x")),
        lambda end: PD(end.context),
        lambda end: end.context.event_fd(),
    ],
    ids=["counters", "poll", "post_send", "PD", "event_fd"],
)
def test_a_forked_child_is_told_that_the_device_is_its_parents(
    ends: tuple[End, End], use: Callable[[End], object]
) -> None:
    said, status = in_a_fork(lambda: use(ends[0]))
    assert said.startswith("CallerError: device: it was opened before fork()")
    assert status == 0


def test_a_forked_child_may_close_and_end_and_the_parent_goes_on(ends: tuple[End, End]) -> None:
    a, b = ends

    def child() -> None:
        a.qp.close()
        a.context.close()

    assert in_a_fork(child) == ("nothing", 0)
    inbox = MR(b.pd, 16, ALL)
    b.qp.post_recv(RecvWR(sg=[inbox.sge()]))
    a.qp.post_send(SendWR(data=b"after the fork"))

    async def received() -> int:
        return (await asyncio.wait_for(b.cq.wait(), 10))[0].byte_len

    assert inbox.read(run(received())) == b"after the fork"


def test_fork_while_threads_are_inside(ends: tuple[End, End]) -> None:
    """A thread that has the engine must get the interpreter's lock to leave it, and fork() waits for it to leave."""
    a, b = ends
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            a.context.counters()
            b.cq.poll()

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    slow = 0
    for _ in range(100):
        started = time.monotonic()
        assert in_a_fork(lambda: None) == ("nothing", 0)
        slow += time.monotonic() - started > 0.9
    done.set()
    for thread in threads:
        thread.join()
    assert slow < 3, "a fork that waits in vain waits a second"


def test_a_task_that_never_sleeps_closes_descriptors_too() -> None:
    async def main() -> int:
        before = held()[0]
        for _ in range(20):
            async with contexts("mem")[0] as context:
                driver_of(context)
        return held()[0] - before

    assert run(main()) < 10


def test_a_device_that_waits_for_its_rate_sleeps() -> None:
    """The socket is writable all the while, which must not wake it."""
    first, second = contexts("udp", [Rate(10_000_000, burst_bytes=10_000)])
    with first, second:
        a, b = End(first), End(second)
        a.qp.connect(b.qp.endpoint, timeout=19)
        b.qp.connect(a.qp.endpoint)
        here, there = MR(a.pd, 1_000_000, ALL), MR(b.pd, 1_000_000, ALL)

        async def main() -> None:
            a.qp.post_send(SendWR(opcode=WrOpcode.RDMA_WRITE, sg=[here.sge()], remote_addr=there.addr, rkey=there.rkey))
            (wc,) = await a.cq.wait()
            assert wc.status is WcStatus.SUCCESS

        started_s, used_s = time.monotonic(), time.process_time()
        run(main())
        passed_s, used_s = time.monotonic() - started_s, time.process_time() - used_s
    assert passed_s > 0.8, "a megabyte at 10 Mb/s"
    assert used_s < passed_s / 4


def test_another_process_sees_counters_of_a_queue_pair_while_it_lives() -> None:
    """Through the node's shared memory, as `dpu-emu rdma stat` does; the next owner of the slot begins with none."""

    def shown(ip: str) -> list[tuple[int, dict[str, int]]]:
        (node,) = (node for node in list_nodes() if node.ip == ip)
        names = qp_counter_names()
        return [(row[0], named_counters(names, row[1:])) for slot in node.slots for row in slot.qps]

    with Context.open("127.77.3.1") as a, Context.open("127.77.3.2") as b:
        ends = End(a), End(b)
        ends[0].qp.connect(ends[1].qp.endpoint)
        ends[1].qp.connect(ends[0].qp.endpoint)
        target = MR(ends[1].pd, 4096, ALL)
        source = MR(ends[0].pd, bytes(4096), AccessFlags(0))
        ends[0].qp.post_send(
            SendWR(opcode=WrOpcode.RDMA_WRITE, sg=[source.sge()], remote_addr=target.addr, rkey=target.rkey)
        )
        while not ends[0].cq.poll():
            time.sleep(0.001)
        ((qpn, counters),) = shown("127.77.3.2")
        assert qpn == ends[1].qp.qp_num
        assert (counters["rx_write_requests"], counters["rcvd_bytes"]) == (1, 4096)
        assert counters == ends[1].qp.counters()
        ends[1].qp.close()
        assert shown("127.77.3.2") == []


def test_a_group_reaches_every_member_on_the_machine() -> None:
    """Two devices, two members on each. Over IPv6 the loopback interface has no multicast."""
    addresses, group = ("127.77.4.1", "127.77.4.2"), "239.77.4.1"

    def member(context: Context) -> tuple[End, MR]:
        end = End(context, QpType.UD)
        end.qp.start(qkey=7)
        end.qp.attach_mcast(group)
        inbox = MR(end.pd, 4096, ALL)
        end.qp.post_recv([RecvWR(i, [inbox.sge(i * 1024, 1024)]) for i in range(4)])
        return end, inbox

    def received(end: End) -> list[int]:
        return [wc.wr_id for wc in end.cq.poll(64) if wc.opcode is WcOpcode.RECV]

    with Context.open(addresses[0]) as a, Context.open(addresses[1]) as b:
        sender, near = member(a), member(a)
        far = member(b), member(b)
        ah = AH(sender[0].pd, AHAttr(dgid=GID.of(group)))

        def send() -> None:
            sender[0].qp.post_send(SendWR(data=b"all", ah=ah, remote_qpn=MULTICAST_QPN, remote_qkey=7))

        send()
        until = time.monotonic() + 10
        waiting = {end for end, _ in (sender, near, *far)}
        while waiting:
            waiting = {end for end in waiting if not received(end)}
            assert time.monotonic() < until
            time.sleep(0.001)
        assert {inbox.read(43)[40:] for _, inbox in (sender, near, *far)} == {b"all"}
        while not a.drops():  # our own copy that the network gave back
            assert time.monotonic() < until
            time.sleep(0.001)
        assert a.drops() == {"loopback": 1}
        assert b.counters()["multicast_rcv_packets"] == 1
        # The last member takes the socket with it, however it goes.
        descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
        far[0][0].qp.detach_mcast(group)
        assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == descriptors
        far[1][0].qp.close()
        assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == descriptors - 1
        send()
        time.sleep(0.05)
        assert b.counters()["multicast_rcv_packets"] == 1
        assert b.drops() == {}
