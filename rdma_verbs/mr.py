"""Memory regions: memory of any Python object that exports it, registered without a copy."""

import errno
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from datapath.errors import CallerError, expect
from rdma_verbs._native import Kind
from rdma_verbs.enums import AccessFlags
from rdma_verbs.resource import Resource
from rdma_verbs.wr import SGE

if TYPE_CHECKING:
    from rdma_verbs.pd import PD

__all__ = ["MR", "Buffer", "Source"]


class Buffer(Protocol):
    """An object with the buffer protocol (PEP 688; ``collections.abc.Buffer`` from Python 3.12 on)."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """Return the object's memory."""


Source: TypeAlias = int | str | os.PathLike[str] | Buffer

_WRITES = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_ATOMIC


class MR(Resource):
    """Registered memory.

    ``source`` is an object with a contiguous buffer (numpy array, bytearray, mmap, memoryview; bytes too, without
    write access), a path, whose whole file is mapped (shared, so that what is written reaches the file), or a number of
    bytes to allocate, zeroed. The region pins the object: until it is closed a bytearray cannot be resized nor an
    mmap be closed.

    ``addr`` is the region's first address, for SGEs and for the peer: the memory's own, or ``iova``, or zero with
    ``AccessFlags.ZERO_BASED``.

    Raises:
        CallerError: the buffer is read-only and ``access`` would write, or is not contiguous; the flags contradict.
        DpuError: the device has ``max_mr`` already (ENOMEM).
        OSError: the file cannot be opened or mapped.
    """

    def __init__(self, pd: "PD", source: Source, access: AccessFlags | int, *, iova: int | None = None) -> None:
        from rdma_verbs.pd import PD

        expect(pd, PD, "MR: pd")
        try:
            access = AccessFlags(access)
        except (TypeError, ValueError):
            raise CallerError(f"MR: access {access!r} is no combination of AccessFlags") from None
        if iova is not None and access & AccessFlags.ZERO_BASED:
            raise CallerError(f"MR: iova {iova:#x} with ZERO_BASED, whose first address is 0")
        view = _view(source, access)
        self.length = len(view)
        """Bytes."""
        self.access = access
        with pd.context.engine as engine:
            made, self.lkey, self.rkey, self.addr, pin = engine.mr_reg(pd.handle, view, self.length, iova, access)
            super().__init__(engine, Kind.MR, made, f"MR {self.lkey:#010x}", pin)
        self.pd = pd
        self._view: memoryview | None = view
        pd.add_region(self)

    @property
    def buf(self) -> memoryview:
        """The registered bytes themselves; read-only if the source was."""
        if self._view is None:
            raise CallerError(f"{self.name} is closed")
        return self._view

    def read(self, length: int | None = None, offset: int = 0) -> bytes:
        """Return a copy of ``length`` bytes from ``offset`` on, by default all.

        Raises:
            CallerError: that runs past the region's end.
        """
        start, end = self._bounds(offset, length)
        return bytes(self.buf[start:end])

    def write(self, data: Buffer, offset: int = 0) -> None:
        """Copy ``data`` into the region at ``offset``.

        Raises:
            CallerError: it runs past the region's end, or the region's memory is read-only.
        """
        new = memoryview(data).cast("B")
        start, end = self._bounds(offset, len(new))
        if self.buf.readonly:
            raise CallerError(f"{self.name}: its memory is read-only")
        self.buf[start:end] = new

    def sge(self, offset: int = 0, length: int | None = None) -> SGE:
        """Return the SGE for ``length`` bytes from ``offset`` on, by default all.

        Raises:
            CallerError: that runs past the region's end.
        """
        start, end = self._bounds(offset, length)
        return SGE(self.addr + start, end - start, self.lkey)

    def _bounds(self, offset: int, length: int | None) -> tuple[int, int]:
        if self._view is None:
            raise CallerError(f"{self.name} is closed")
        end = self.length if length is None else offset + length
        if not 0 <= offset <= end <= self.length:
            raise CallerError(f"{self.name}: bytes {offset} to {end} are not within its {self.length}")
        return offset, end

    def _on_closed(self) -> None:
        self._view = None
        self.pd.drop_region(self)


def _view(source: Source, access: AccessFlags) -> memoryview:
    """Return the bytes of ``source``, writable if ``access`` needs that."""
    writes = bool(access & _WRITES)
    if isinstance(source, bool):
        raise CallerError("MR: a bool is neither a length nor a buffer")
    if isinstance(source, int):
        if source <= 0:
            raise CallerError(f"MR: length {source} is not positive")
        try:
            return memoryview(mmap.mmap(-1, source))
        except (OverflowError, ValueError, OSError) as error:
            raise CallerError(f"MR: cannot allocate {source} bytes: {error}", errno.ENOMEM) from None
    if isinstance(source, str | os.PathLike):
        return memoryview(_map(Path(source), writes))
    try:
        view = memoryview(source)
    except TypeError:
        raise CallerError(f"MR: {type(source).__name__} has no buffer; give a buffer, a path or a length") from None
    if not view.c_contiguous:
        raise CallerError(f"MR: {type(source).__name__} of shape {view.shape}, strides {view.strides}: not contiguous")
    if writes and view.readonly:
        wanted = " | ".join(str(flag.name) for flag in access & _WRITES)
        raise CallerError(f"MR: {type(source).__name__} is read-only, access {wanted} would write")
    # memoryview.cast refuses a shape with a zero in it.
    return view.cast("B") if view.nbytes else memoryview(b"" if view.readonly else bytearray())


def _map(path: Path, writes: bool) -> mmap.mmap:
    with path.open("r+b" if writes else "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise CallerError(f"MR: {path} is empty")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_WRITE if writes else mmap.ACCESS_READ)
