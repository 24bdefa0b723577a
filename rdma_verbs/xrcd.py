"""XRC domains: which shared receive queues a target queue pair serves (IBTA vol 1, A14)."""

from typing import TYPE_CHECKING

from datapath.errors import expect
from rdma_verbs._native import Kind
from rdma_verbs.resource import Resource

if TYPE_CHECKING:
    from rdma_verbs.device import Context

__all__ = ["XRCD"]


class XRCD(Resource):
    """A domain of the extended reliable connected service.

    ``QP(xrcd, QPInitAttr(QpType.XRC_RECV))`` is a target; it serves every ``SRQ`` of type XRC of the domain, and each
    request of an initiator, ``QpType.XRC_SEND``, names one of them by ``SendWR.remote_srqn``. Keys are good in the
    protection domain of that queue. Closing the domain closes its targets and queues. It is one device's: other
    processes cannot open it.
    """

    def __init__(self, context: "Context") -> None:
        from rdma_verbs.device import Context

        expect(context, Context, "XRCD: context")
        with context.engine as engine:
            context.check_open()
            super().__init__(engine, Kind.XRCD, engine.xrcd_alloc(), f"XRCD of {context.name}")
        self.context: Context = context
        context.adopt(self)
