"""Waiting with asyncio: the only file here that knows an event loop.

A live device has one descriptor for all its queues; the loop watches it. An awaited queue is polled, armed, polled
again (what came in between does not fire), and only then waited for. In virtual time waiting is what moves the clock.
"""

import asyncio
import os
import weakref
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from datapath.errors import CallerError
from rdma_verbs.cq import CQ
from rdma_verbs.device import AsyncEvent, Context
from rdma_verbs.virtual import VirtualNet
from rdma_verbs.wr import WC

__all__ = ["LiveDriver", "VirtualDriver", "driver_of", "run"]

T = TypeVar("T")


_IN_A_ROW = 8
"""Waits that end at once before the other tasks have their turn."""


class _Waiters:
    """Tasks that sleep until something may have changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._futures: set[asyncio.Future[None]] = set()
        self._in_a_row = 0

    async def turn(self) -> None:
        """Let the other tasks run now and then: a wait that never has to wait would keep the loop for itself.

        Before anything is taken, so that a task cancelled here loses nothing.
        """
        self._in_a_row += 1
        if self._in_a_row > _IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)

    async def sleep(self) -> None:
        self._in_a_row = 0
        future = self._loop.create_future()
        self._futures.add(future)
        try:
            await future
        finally:
            self._futures.discard(future)

    def wake(self) -> None:
        """Wake all. They look, and sleep again if it was not for them."""
        for future in self._futures:
            if not future.done():
                future.set_result(None)

    def wake_from_any_thread(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody sleeps there any more
            self._loop.call_soon_threadsafe(self.wake)


class LiveDriver:
    """Waits for a live device in one event loop."""

    def __init__(self, context: Context, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._context = context
        self._waiters = _Waiters(loop)
        # A duplicate: its number stays ours until the loop has let go of it, whenever the context closes.
        self._fd = os.dup(context.event_fd())
        self._unwatch = weakref.finalize(self, _unwatch, loop, self._fd)
        loop.add_reader(self._fd, _on_readable, weakref.ref(self))

    def readable(self) -> None:
        """Take what happened and wake those who wait for it."""
        with suppress(BlockingIOError):
            os.read(self._fd, 8)
        # It rings once until all was taken, whether or not somebody waits for it.
        if not self._context.closed:
            self._context.collect()
        self._waiters.wake()

    def wake(self) -> None:
        """Let every waiter look again."""
        self._waiters.wake_from_any_thread()

    def detach(self) -> None:
        """Stop watching the descriptor."""
        self._unwatch()

    async def wait_cq(self, cq: CQ, n: int, *, solicited_only: bool) -> list[WC]:
        """Return up to ``n`` completions, at least one.

        Raises:
            CallerError: the queue is or gets closed.
        """
        await self._waiters.turn()
        while True:
            if done := cq.poll(n):
                return done
            cq.req_notify(solicited_only=solicited_only)
            if done := cq.poll(n):
                return done
            await self._waiters.sleep()

    async def wait_event(self) -> AsyncEvent:
        """Return the next asynchronous event.

        Raises:
            CallerError: the context is or gets closed.
        """
        await self._waiters.turn()
        while True:
            if event := self._context.next_event():
                return event
            await self._waiters.sleep()


def _on_readable(driver: "weakref.ref[LiveDriver]") -> None:
    if alive := driver():
        alive.readable()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _unwatch(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    def drop() -> None:
        loop.remove_reader(fd)
        os.close(fd)

    try:
        if _running_loop() is loop:
            drop()  # at once: a task whose completions are always there already never lets the loop run
        else:
            loop.call_soon_threadsafe(drop)
    except RuntimeError:  # the loop is closed
        os.close(fd)


class VirtualDriver:
    """Waits in virtual time, for all devices of one net: when every task waits, the net runs."""

    def __init__(self, net: VirtualNet, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._net = net
        self._waiters = _Waiters(loop)
        self._awaited: Counter[CQ] = Counter()
        net.native.on_work.append(self.wake)

    def wake(self) -> None:
        """Let every waiter look again."""
        self._waiters.wake_from_any_thread()

    def detach(self) -> None:
        """No longer listen to the net."""
        self._net.native.on_work.remove(self.wake)

    async def wait_cq(self, cq: CQ, n: int, *, solicited_only: bool) -> list[WC]:
        """Return up to ``n`` completions, at least one; if nothing more can happen, wait for another task to post.

        Raises:
            CallerError: the queue is or gets closed.
        """
        del solicited_only  # nothing is armed: the net stops at the first completion
        await self._waiters.turn()
        self._awaited[cq] += 1
        try:
            idle = 0
            while not (done := cq.poll(n)):
                if idle == 2:
                    # Nothing will happen before a task posts, or takes the entries that stop the net.
                    await self._waiters.sleep()
                    idle = 0
                # What the other tasks do now they do before time passes: twice, for one that was only just woken.
                await asyncio.sleep(0)
                idle = 0 if self._advance() else idle + 1
            self._waiters.wake()  # the net was stopped by these entries
            return done
        finally:
            self._awaited -= Counter([cq])

    async def wait_event(self) -> AsyncEvent:
        """Return the next asynchronous event of any context's; virtual time passes only for queues.

        Raises:
            CallerError: the context is or gets closed.
        """
        raise CallerError("virtual net: events are taken with next_event(), nothing waits for them")

    def _advance(self) -> bool:
        """Let time pass up to the next entry of a queue that somebody waits for. Returns whether anything happened."""
        awaited = [cq for cq in self._awaited if not cq.closed]
        moved = bool(awaited) and self._net.run(awaited) > 0
        if moved:
            self._waiters.wake()
        return moved


def driver_of(context: Context) -> LiveDriver | VirtualDriver:
    """Return the driver of a context in the running loop; the contexts of one virtual net share theirs.

    Raises:
        CallerError: the context is closed, or another loop that still runs uses it.
    """
    context.check_open()
    loop = asyncio.get_running_loop()
    driver = context.driver
    if isinstance(driver, LiveDriver | VirtualDriver):
        if driver.loop is loop:
            return driver
        if driver.loop.is_running():
            raise CallerError(f"{context.name} is used by another event loop")
        driver.detach()
    new: LiveDriver | VirtualDriver
    if context.net is None:
        new = LiveDriver(context, loop)
        context.driver = new
    else:
        new = VirtualDriver(context.net, loop)
        for one in context.net.contexts:
            one.driver = new
    return new


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` as ``asyncio.run`` does, on uvloop if that is installed. Returns what ``main`` returns."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
