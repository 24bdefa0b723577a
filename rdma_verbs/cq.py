"""Completion queues: where the end of every work request is told."""

from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from datapath.errors import CallerError, expect
from rdma_verbs._native import Kind
from rdma_verbs.resource import Resource
from rdma_verbs.wr import WC

if TYPE_CHECKING:
    from rdma_verbs.device import Context

__all__ = ["CQ"]


class CQ(Resource):
    """A completion queue with room for at least ``cqe`` entries. Closing it closes the queue pairs that use it.

    Raises:
        CallerError: ``cqe`` is zero or above the device's limit.
    """

    def __init__(self, context: "Context", cqe: int = 256) -> None:
        from rdma_verbs.device import Context

        expect(context, Context, "CQ: context")
        with context.engine as engine:
            context.check_open()
            number = engine.number()
            made = engine.cq_create(cqe, number)
            self.num = engine.cq_num(made)
            super().__init__(engine, Kind.CQ, made, f"CQ {self.num}")
            engine.register(number, self)
        self.context = context
        self._kept: deque[WC] = deque()
        context.adopt(self)

    @property
    def cqe(self) -> int:
        """How many entries it holds at most."""
        with self._engine as engine:
            return engine.cq_size(self.handle)

    def resize(self, cqe: int) -> None:
        """Make room for at least ``cqe`` entries.

        Raises:
            CallerError: it holds more than that, or the device's limit is lower.
        """
        with self._engine as engine:
            engine.cq_resize(self.handle, cqe)

    def poll(self, n: int = 16) -> list[WC]:
        """Return and remove up to ``n`` completions, the oldest first; an empty list when there is none.

        On a live device this also makes progress: it sends and receives what is due.

        Raises:
            CallerError: ``n`` is not positive.
            DpuError: the queue overflowed (EIO); it is lost, and so are the queue pairs that use it.
        """
        if expect(n, int, f"{self.name}: poll for") < 1:
            raise CallerError(f"{self.name}: poll for {n} completions, at least 1")
        self._engine.tidy()
        with self._engine.lock:
            handle = self.handle
            kept = [self._kept.popleft() for _ in range(min(n, len(self._kept)))]
            return kept + self._engine.cq_poll(handle, n - len(kept)) if len(kept) < n else kept

    def keep(self, marker: int, qp_num: int) -> None:
        """Take everything out, for ``poll`` to find, but the markers of a queue pair; for ``QP.drain``."""
        with self._engine.lock:
            while batch := self._engine.cq_poll(self.handle, 256):
                self._kept += [wc for wc in batch if (wc.wr_id, wc.qp_num) != (marker, qp_num)]

    def req_notify(self, *, solicited_only: bool = False) -> None:
        """Arm the queue: the next completion (that is solicited, or failed) fires it, see ``Context.notified``.

        What is in the queue already does not fire it: poll again afterwards.
        """
        with self._engine as engine:
            engine.cq_req_notify(self.handle, solicited_only)

    def modify(self, *, cq_count: int = 0, cq_period: int = 0) -> None:
        """Moderate the notification: it fires after ``cq_count`` completions, or ``cq_period`` us after the first.

        Whichever is sooner; 0: not by this, both 0: at the first, as a new queue does. Those count that came after
        ``req_notify`` and that it asked for. As ``ibv_modify_cq`` with ``IBV_CQ_ATTR_MODERATE``.

        Raises:
            CallerError: a number exceeds 16 bits.
        """
        with self._engine as engine:
            engine.cq_modify(self.handle, cq_count, cq_period)

    async def wait(self, n: int = 16, *, solicited_only: bool = False) -> list[WC]:
        """Return up to ``n`` completions, waiting for the first; needs a running asyncio loop.

        In virtual time, time passes instead: the net runs until a queue that somebody waits for has an entry.

        Raises:
            CallerError: the queue is or gets closed.
            DpuError: as ``poll``.
        """
        from rdma_verbs.driver import driver_of

        return await driver_of(self.context).wait_cq(self, n, solicited_only=solicited_only)

    async def __aiter__(self) -> AsyncIterator[WC]:
        """Every completion from now on, one by one, until the queue is closed."""
        while True:
            try:
                batch = await self.wait()
            except CallerError:
                if self.closed:
                    return
                raise
            for wc in batch:
                yield wc

    def _on_closed(self) -> None:
        self.context.wake()
