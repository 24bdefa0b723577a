"""Address handles: where a UD request goes, checked and translated once."""

from typing import TYPE_CHECKING

from datapath.errors import expect
from rdma_verbs._native_values import Handle, new_ah
from rdma_verbs.addr import AHAttr

if TYPE_CHECKING:
    from rdma_verbs.pd import PD

__all__ = ["AH"]


class AH:
    """The address of a UD destination. It holds nothing of the device, so there is nothing to close.

    Raises:
        CallerError: a field of ``attr`` does not fit. Whether the device can reach it is checked when a request is
            posted.
    """

    __slots__ = ("attr", "native", "pd")

    def __init__(self, pd: "PD", attr: AHAttr) -> None:
        from rdma_verbs.pd import PD

        self.pd = expect(pd, PD, "AH: pd")
        expect(attr, AHAttr, "AH: attr")
        self.attr = attr
        self.native: Handle = new_ah(attr)
        pd.context.reach(attr.dgid)

    def __repr__(self) -> str:
        return f"<AH {self.attr.dgid}>"
