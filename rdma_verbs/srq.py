"""Shared receive queues: receive requests for many queue pairs in one place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rdma_verbs._native import Kind
from rdma_verbs.enums import SrqAttrMask
from rdma_verbs.resource import Resource
from rdma_verbs.wr import RecvWR

if TYPE_CHECKING:
    from rdma_verbs.pd import PD

__all__ = ["SRQ", "SrqAttr", "SrqInitAttr"]


@dataclass(frozen=True, slots=True)
class SrqAttr:
    """Size of a shared receive queue: requests, pieces of memory a request; and when to tell that it runs empty."""

    max_wr: int = 256
    max_sge: int = 4
    srq_limit: int = 0
    """``SRQ_LIMIT_REACHED`` comes once when fewer requests than this are left; 0: it does not."""


@dataclass(frozen=True, slots=True)
class SrqInitAttr:
    """What a shared receive queue is made with. A limit is set by ``modify`` only."""

    attr: SrqAttr = field(default_factory=SrqAttr)


class SRQ(Resource):
    """A shared receive queue; ``QPInitAttr(srq=...)`` makes queue pairs that receive from it.

    A queue pair takes a request when a message begins and keeps it until the message ends. Closing the queue closes
    the queue pairs first.

    Raises:
        CallerError: a size is zero or exceeds the device's limit.
    """

    def __init__(self, pd: "PD", init_attr: SrqInitAttr | None = None) -> None:
        with pd.context.engine as engine:
            number = engine.number()
            made = engine.srq_create(pd.handle, (init_attr or SrqInitAttr()).attr, number)
            self.num = engine.srq_num(made)
            super().__init__(engine, Kind.SRQ, made, f"SRQ {self.num}")
            engine.register(number, self)
        self.pd = pd
        self.context = pd.context
        pd.adopt(self)

    def query(self) -> SrqAttr:
        """Return its sizes and the limit; a limit that fired, or was never set, is 0."""
        with self._engine as engine:
            return SrqAttr(*engine.srq_query(self.handle))

    def modify(self, attr: SrqAttr, mask: SrqAttrMask | int) -> None:
        """Set the size or the limit. A limit above what the queue holds fires at once.

        Raises:
            CallerError: the size is below what the queue holds or above the device's limit, the limit above the size.
        """
        with self._engine as engine:
            engine.srq_modify(self.handle, attr, int(mask))

    def post_recv(self, wr: RecvWR | Sequence[RecvWR]) -> None:
        """Post one receive request or several, in order.

        Raises:
            QueueFullError: no room for one of them; ``error.posted`` were taken.
            PostError: one is illegal; likewise.
        """
        self._engine.tidy()
        with self._engine.lock:
            self._engine.post_srq_recv(self.handle, (wr,) if isinstance(wr, RecvWR) else wr)
