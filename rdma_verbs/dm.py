"""Device memory: a small memory on the device, reached by copies, and by the network through regions of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from datapath.errors import CallerError, expect
from rdma_verbs._native import Kind
from rdma_verbs.enums import AccessFlags
from rdma_verbs.mr import MR, Buffer
from rdma_verbs.resource import Resource

if TYPE_CHECKING:
    from rdma_verbs.device import Context
    from rdma_verbs.pd import PD

__all__ = ["DM", "DMMR", "AllocDmAttr"]


@dataclass(frozen=True, slots=True)
class AllocDmAttr:
    """How much device memory, in bytes, and how it lies: at a multiple of ``2**log_align_req`` bytes."""

    length: int
    log_align_req: int = 0


class DM(Resource):
    """Memory of the device, zeroed. ``DeviceConfig.max_dm_size`` limits all of a device's together.

    Raises:
        CallerError: no length, or more than the device has; an alignment above 4096 bytes.
        DpuError: not so much is left (ENOMEM).
    """

    def __init__(self, context: "Context", dm_attr: AllocDmAttr) -> None:
        from rdma_verbs.device import Context

        expect(context, Context, "DM: context")
        expect(dm_attr, AllocDmAttr, "DM: dm_attr")
        with context.engine as engine:
            context.check_open()
            made = engine.dm_alloc(dm_attr.length, dm_attr.log_align_req)
            super().__init__(engine, Kind.DM, made, f"DM of {dm_attr.length} bytes")
        self.length = dm_attr.length
        """Bytes."""
        context.adopt(self)

    def copy_to_dm(self, dm_offset: int, data: Buffer, length: int | None = None) -> None:
        """Copy ``length`` bytes of ``data``, by default all, to ``dm_offset``.

        Raises:
            CallerError: they run past the end.
        """
        view = memoryview(data).cast("B")
        if length is not None and not 0 <= length <= len(view):
            raise CallerError(f"{self.name}: length {length} of data of {len(view)} bytes")
        with self._engine as engine:
            engine.dm_copy_to(self.handle, dm_offset, view[:length])

    def copy_from_dm(self, dm_offset: int, length: int) -> bytes:
        """Return a copy of ``length`` bytes at ``dm_offset``.

        Raises:
            CallerError: they run past the end.
        """
        if length > self.length:
            raise CallerError(f"{self.name}: length {length} exceeds its own")
        with self._engine as engine:
            return engine.dm_copy_from(self.handle, dm_offset, length)


class DMMR(MR):
    """A region of device memory: ``length`` bytes from ``offset`` on, at addresses from 0 on.

    ``access`` holds ``ZERO_BASED``; windows and on-demand paging are not for device memory.

    Raises:
        CallerError: it runs past the memory's end; the flags are not those of device memory.
        DpuError: the device has ``max_mr`` already (ENOMEM).
    """

    def __init__(self, pd: "PD", length: int, access: AccessFlags | int, dm: DM, offset: int = 0) -> None:
        from rdma_verbs.pd import PD

        expect(pd, PD, "MR: pd")
        expect(dm, DM, "MR: dm")
        access = AccessFlags(access)
        with pd.context.engine as engine:
            made = engine.dm_reg_mr(pd.handle, dm.handle, offset, length, access)
            self._made(engine, pd, made, 0, length, access)
        self.dm = dm
        dm.adopt(self)
