"""Shared receive queues: receive requests for many queue pairs in one place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datapath.errors import CallerError, expect
from rdma_verbs._native import Kind
from rdma_verbs.cq import CQ
from rdma_verbs.enums import SrqAttrMask, SrqType
from rdma_verbs.resource import Resource
from rdma_verbs.wr import RecvWR

if TYPE_CHECKING:
    from rdma_verbs.pd import PD
    from rdma_verbs.xrcd import XRCD

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
    """What a shared receive queue is made with. A limit is set by ``modify`` only.

    One of type XRC needs its domain, and the completion queue that its receives complete to.
    """

    attr: SrqAttr = field(default_factory=SrqAttr)
    srq_type: SrqType = SrqType.BASIC
    xrcd: "XRCD | None" = None
    cq: CQ | None = None


class SRQ(Resource):
    """A shared receive queue; ``QPInitAttr(srq=...)`` makes queue pairs that receive from it.

    A queue pair takes a request when a message begins and keeps it until the message ends. Closing the queue closes
    the queue pairs first.

    One of type XRC is served by the targets of its XRC domain, to which peers name it by its ``num``.

    Raises:
        CallerError: a size is zero or exceeds the device's limit; XRC without a domain or a completion queue of the
            same device, or one of these without XRC.
    """

    def __init__(self, pd: "PD", init_attr: SrqInitAttr | None = None) -> None:
        init = init_attr or SrqInitAttr()
        _check(pd, init)
        with pd.context.engine as engine:
            number = engine.number()
            xrcd, cq = (part.handle if part else None for part in (init.xrcd, init.cq))
            made = engine.srq_create(pd.handle, init.attr, number, xrcd, cq)
            self.num = engine.srq_num(made)
            super().__init__(engine, Kind.SRQ, made, f"SRQ {self.num}")
            engine.register(number, self)
        self.pd = pd
        self.context = pd.context
        self.xrcd = init.xrcd
        self.cq = init.cq
        for owner in (pd, init.xrcd, init.cq):
            if owner:
                owner.adopt(self)

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


def _check(pd: "PD", init: SrqInitAttr) -> None:
    from rdma_verbs.xrcd import XRCD

    if init.srq_type == SrqType.XRC:
        expect(init.xrcd, XRCD, "SRQ: xrcd")
        expect(init.cq, CQ, "SRQ: cq")
    elif init.xrcd or init.cq:
        raise CallerError("SRQ: xrcd and cq are for srq_type XRC only")
    for part in (init.xrcd, init.cq):
        if part and part.context is not pd.context:
            raise CallerError(f"SRQ: {part.name} belongs to {part.context.name}, its PD to {pd.context.name}")
