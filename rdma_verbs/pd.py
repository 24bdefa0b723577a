"""Protection domains: regions and queue pairs of one domain may be used together, others may not."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from datapath.errors import expect
from rdma_verbs._native import Kind
from rdma_verbs.enums import AdviseMrAdvice, AdviseMrFlags
from rdma_verbs.resource import Resource
from rdma_verbs.wr import SGE

if TYPE_CHECKING:
    from rdma_verbs.device import Context
    from rdma_verbs.mr import MR
    from rdma_verbs.mw import MW

__all__ = ["PD"]


class PD(Resource):
    """A protection domain. It holds its regions: one that you forget lives on until the domain is closed.

    So a work request in flight never loses its memory. Closing the domain closes its queue pairs, then its regions.

    Raises:
        DpuError: the device has ``max_pd`` already.
    """

    def __init__(self, context: "Context") -> None:
        from rdma_verbs.device import Context

        expect(context, Context, "PD: context")
        with context.engine as engine:
            context.check_open()
            super().__init__(engine, Kind.PD, engine.pd_alloc(), f"PD of {context.name}")
        self.context: Context = context
        self._regions: set[MR] = set()
        self._windows: set[MW] = set()
        context.adopt(self)

    def close(self) -> None:
        """Close the queue pairs of the domain, then its windows, its regions, and the domain."""
        if self._engine.forked:
            return  # it is the parent's
        with self._engine:
            for child in [*self._children, *self._windows, *self._regions]:
                child.close()
            super().close()

    def advise_mr(self, advise: AdviseMrAdvice, flags: AdviseMrFlags | int = 0, sg_list: Sequence[SGE] = ()) -> None:
        """Bring in the pages of regions that are paged on demand (``ibv_advise_mr``).

        Raises:
            CallerError: no ranges; a key, a range or a right is wrong, or a page is not there (EFAULT).
        """
        with self._engine as engine:
            engine.advise_mr(self.handle, advise, flags, sg_list)

    def add_region(self, region: "MR") -> None:
        """Hold a region; for ``MR``."""
        self._regions.add(region)

    def add_window(self, window: "MW") -> None:
        """Hold a window; for ``MW``."""
        self._windows.add(window)

    def drop_window(self, window: "MW") -> None:
        """No longer hold a window; for ``MW``."""
        self._windows.discard(window)

    def drop_region(self, region: "MR") -> None:
        """No longer hold a region; for ``MR``."""
        self._regions.discard(region)
