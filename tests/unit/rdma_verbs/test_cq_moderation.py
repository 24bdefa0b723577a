"""Notifications that wait for more (``ibv_modify_cq``), to the picosecond; and what a completion's time means."""

import asyncio
import time
from collections.abc import Callable

import pytest

from rdma_verbs import (
    CQ,
    HCA_CORE_CLOCK_KHZ,
    CallerError,
    Context,
    Port,
    SendFlags,
    VirtualNet,
)
from rdma_verbs.driver import run
from tests.unit.rdma_verbs.pair import Pair

MakePair = Callable[..., Pair]
US = 1000


def fires(pair: Pair, until_ns: int) -> list[int]:
    """When b's queue notified, in ns, looking every 100 ns."""
    found = []
    while pair.now_ns < until_ns:
        pair.run_until(pair.now_ns + 100)
        if pair.b.context.notified():
            found.append(pair.now_ns)
    return found


def test_the_event_comes_after_so_many_completions(pair: Pair) -> None:
    pair.b.cq.modify(cq_count=3)
    pair.b.cq.req_notify()
    for i in range(1, 5):
        pair.a.post_send(b"x")
        # One way is 1 us; the third of them fires it, the fourth finds it disarmed.
        assert fires(pair, i * 2 * US) == ([5 * US] if i == 3 else [])


def test_the_event_comes_a_period_after_the_first_completion(pair: Pair) -> None:
    pair.b.cq.modify(cq_count=10, cq_period=5)
    pair.b.cq.req_notify()
    pair.a.post_send(b"x")
    pair.run_until(2 * US)
    pair.a.post_send(b"x")  # no new beginning
    assert fires(pair, 20 * US) == [1 * US + 5 * US]


def test_the_count_is_reached_before_the_period_ends(pair: Pair) -> None:
    pair.b.cq.modify(cq_count=2, cq_period=5)
    pair.b.cq.req_notify()
    pair.a.post_send(b"x")
    pair.a.post_send(b"x")
    assert fires(pair, 20 * US) == [1 * US]


def test_what_came_before_the_request_does_not_count(pair: Pair) -> None:
    pair.b.cq.modify(cq_count=2)
    pair.b.cq.req_notify()
    pair.a.post_send(b"x")
    pair.a.post_send(b"x")
    pair.a.post_send(b"x")
    assert fires(pair, 3 * US) == [1 * US]
    pair.b.cq.req_notify()
    pair.a.post_send(b"x")
    assert fires(pair, 6 * US) == []
    pair.a.post_send(b"x")
    assert fires(pair, 9 * US) == [7 * US]


def test_asking_again_keeps_what_counted_already(pair: Pair) -> None:
    pair.b.cq.modify(cq_count=2)
    pair.b.cq.req_notify()
    pair.a.post_send(b"x")
    pair.run_until(2 * US)
    pair.b.cq.req_notify()
    pair.a.post_send(b"x")
    assert fires(pair, 5 * US) == [3 * US]


def test_only_what_was_asked_for_counts(pair: Pair) -> None:
    pair.b.cq.modify(cq_count=2)
    pair.b.cq.req_notify(solicited_only=True)
    for flags in (SendFlags.SOLICITED, SendFlags.SIGNALED, SendFlags.SOLICITED):
        pair.a.post_send(b"x", send_flags=flags | SendFlags.SIGNALED)
        pair.run_until(pair.now_ns + 2 * US)
    assert pair.b.context.notified() == [pair.b.cq]
    assert pair.b.poll_all()[-1].timestamp_ps == 5_000_000


def test_a_change_counts_for_what_waits(pair: Pair) -> None:
    pair.b.cq.modify(cq_count=5, cq_period=100)
    pair.b.cq.req_notify()
    pair.a.post_send(b"x")
    pair.run_until(2 * US)
    pair.b.cq.modify(cq_count=5, cq_period=3)
    assert fires(pair, 10 * US) == [4 * US]
    pair.b.cq.req_notify()
    pair.a.post_send(b"x")
    pair.run_until(12 * US)
    assert pair.b.context.notified() == []
    pair.b.cq.modify()
    assert pair.b.context.notified() == [pair.b.cq]


def test_a_queue_that_closes_takes_its_period_along(pair: Pair) -> None:
    pair.b.cq.modify(cq_count=5, cq_period=5)
    pair.b.cq.req_notify()
    pair.a.post_send(b"x")
    pair.run_until(2 * US)
    pair.b.cq.close()
    pair.run_until(20 * US)
    assert pair.b.context.notified() == []


@pytest.mark.parametrize("name", ["cq_count", "cq_period"])
@pytest.mark.parametrize("value", [-1, 1 << 16])
def test_a_number_out_of_range_is_named(name: str, value: int) -> None:
    cq = CQ(VirtualNet().pair()[0])
    with pytest.raises(CallerError, match=f"CQ {cq.num}: {name} {value} "):
        cq.modify(**{name: value})


# Timestamps


def test_a_completion_relates_to_now_in_virtual_time(pair: Pair) -> None:
    pair.a.post_send(b"x")
    pair.run_until(7 * US)
    values = pair.b.context.query_rt_values()
    assert (values.raw_clock_ps, values.wallclock_ns) == (7_000_000, 7_000)
    assert values.wallclock_of(pair.b.poll().timestamp_ps) == 1_000
    assert HCA_CORE_CLOCK_KHZ * 1000 == 10**12  # ps


def test_a_live_device_knows_the_time_of_day() -> None:
    with Context.over(Port.mem_pair()[0], "10.0.0.1") as context:
        before = time.time_ns()
        first, second = context.query_rt_values(), context.query_rt_values()
        after = time.time_ns()
    assert before <= first.wallclock_ns <= second.wallclock_ns <= after
    assert 0 < first.raw_clock_ps < second.raw_clock_ps
    assert first.wallclock_of(first.raw_clock_ps - 5_000) == first.wallclock_ns - 5


# Fairness


def test_waits_that_never_wait_let_other_tasks_run(make_pair: MakePair) -> None:
    pair = make_pair(recvs=100)
    for _ in range(100):
        pair.a.post_send(b"x")
    pair.run()

    async def main() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        for _ in range(100):
            assert len(await pair.b.cq.wait(1)) == 1
        task.cancel()
        return turns

    assert 10 <= run(main()) <= 25


def test_a_task_cancelled_in_its_turn_loses_no_completion(make_pair: MakePair) -> None:
    pair = make_pair(recvs=100)
    for _ in range(100):
        pair.a.post_send(b"x")
    pair.run()
    got = 0

    async def take() -> None:
        nonlocal got
        while True:
            got += len(await pair.b.cq.wait(1))

    async def main() -> None:
        task = asyncio.create_task(take())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()

    run(main())
    assert 0 < got < 100
    assert got + len(pair.b.cq.poll(200)) == 100
