"""Memory windows: R_Keys for a part of a region, given and taken back by work requests."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rdma_verbs._native import Kind
from rdma_verbs.enums import AccessFlags, MwType, SendFlags
from rdma_verbs.resource import Resource

if TYPE_CHECKING:
    from rdma_verbs.mr import MR
    from rdma_verbs.pd import PD

__all__ = ["MW", "MWBind", "MWBindInfo", "inc_rkey"]


@dataclass(frozen=True, slots=True)
class MWBindInfo:
    """What a window opens: ``length`` bytes at ``addr`` of a region that was registered with ``MW_BIND``."""

    mr: "MR | None" = None
    addr: int = 0
    length: int = 0
    """0 takes back what a window of type 1 opened."""
    access: AccessFlags = AccessFlags.REMOTE_READ


@dataclass(frozen=True, slots=True)
class MWBind:
    """A request that binds a window of type 1, for ``QP.bind_mw``."""

    info: MWBindInfo
    wr_id: int = 0
    send_flags: SendFlags = SendFlags.SIGNALED


class MW(Resource):
    """A memory window. Its domain holds it until it is closed; closing it takes back what it opened.

    Type 1 belongs to its domain: ``QP.bind_mw`` binds it, as often as you like, each time with a new ``rkey``. Type 2
    belongs to the queue pair that binds it, by a ``SendWR`` with opcode ``BIND_MW`` and an ``rkey`` whose low byte you
    choose (``inc_rkey``); ``LOCAL_INV``, or the peer's ``SEND_WITH_INV``, takes it back.

    Raises:
        DpuError: the device has ``max_mr`` regions and windows already.
    """

    def __init__(self, pd: "PD", mw_type: MwType) -> None:
        self.mw_type = MwType(mw_type)
        with pd.context.engine as engine:
            made = engine.mw_alloc(pd.handle, self.mw_type)
            super().__init__(engine, Kind.MW, made, f"MW {engine.mw_rkey(made) >> 8:#x}..")
        self.pd = pd
        pd.add_window(self)

    @property
    def rkey(self) -> int:
        """The key that the last bind posted gives it, once that completes."""
        with self._engine as engine:
            return engine.mw_rkey(self.handle)

    def _on_closed(self) -> None:
        self.pd.drop_window(self)


def inc_rkey(rkey: int) -> int:
    """Return the key with the next low byte, as ``ibv_inc_rkey``."""
    return rkey & ~0xFF | (rkey + 1) & 0xFF
