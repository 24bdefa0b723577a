"""Waiting with asyncio in virtual time: no socket, no real clock."""

import asyncio
from collections.abc import Callable

import pytest

from rdma_verbs import CQ, CallerError, SendWR, VirtualNet
from rdma_verbs.driver import driver_of, run
from tests.unit.rdma_verbs.pair import Pair


def test_waiting_moves_the_clock(pair: Pair) -> None:
    async def main() -> int:
        pair.a.post_send(b"x" * 3000)
        (wc,) = await pair.b.cq.wait()
        return wc.byte_len

    assert run(main()) == 3000
    assert pair.now_ns == 1000


def test_two_tasks_talk(pair: Pair) -> None:
    said: list[int] = []

    async def echo() -> None:
        for _ in range(5):
            (wc,) = await pair.b.cq.wait(1)
            said.append(wc.byte_len)
            if said[-1] < 5:
                pair.b.qp.post_send(SendWR(data=b"x" * (wc.byte_len + 1)))
                await pair.b.cq.wait(1)

    async def main() -> None:
        task = asyncio.create_task(echo())
        for length in range(1, 6):
            pair.a.qp.post_send(SendWR(data=b"x" * length))
            done = 0
            while done < (2 if length < 5 else 1):
                done += len(await pair.a.cq.wait())
        await task

    asyncio.run(main())
    assert said == [1, 2, 3, 4, 5]


def test_a_queue_is_read_until_it_closes(pair: Pair) -> None:
    async def main() -> list[int]:
        lengths = []
        for length in (1, 2, 3):
            pair.a.post_send(b"x" * length)
        async for wc in pair.b.cq:
            lengths.append(wc.byte_len)
            if len(lengths) == 3:
                asyncio.get_running_loop().call_soon(pair.b.cq.close)
        return lengths

    assert asyncio.run(main()) == [1, 2, 3]


def test_closing_wakes_the_waiter_with_an_error(pair: Pair) -> None:
    async def main() -> None:
        waiter = asyncio.create_task(pair.a.cq.wait())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        pair.a.cq.close()
        with pytest.raises(CallerError, match="is closed"):
            await asyncio.wait_for(waiter, 5)

    asyncio.run(main())


def test_a_waiter_can_be_cancelled(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(pair.b.cq.wait(), 0.01)
        pair.a.post_send(b"x")
        assert len(await pair.a.cq.wait()) == 1

    asyncio.run(main())


def test_a_net_can_be_used_in_one_loop_after_another(pair: Pair) -> None:
    async def one() -> None:
        pair.a.post_send(b"x")
        await pair.a.cq.wait()

    asyncio.run(one())
    asyncio.run(one())


def test_nothing_waits_for_a_closed_device() -> None:
    context, _ = VirtualNet().pair()
    cq = CQ(context)
    context.close()

    async def main() -> None:
        with pytest.raises(CallerError, match="is closed"):
            await cq.wait()
        with pytest.raises(CallerError, match="is closed"):
            driver_of(context)

    asyncio.run(main())
