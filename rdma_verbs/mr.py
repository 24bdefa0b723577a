"""Memory regions: memory of any Python object that exports it, registered without a copy."""

import errno
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from datapath.errors import CallerError, expect
from rdma_verbs._native import Engine, Handle, Kind
from rdma_verbs.enums import AccessFlags, ReregMrFlags
from rdma_verbs.resource import Resource
from rdma_verbs.wr import SGE

if TYPE_CHECKING:
    from rdma_verbs.pd import PD

__all__ = ["MR", "Buffer", "NullMR", "Source"]


class Buffer(Protocol):
    """An object with the buffer protocol (PEP 688; ``collections.abc.Buffer`` from Python 3.12 on)."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """Return the object's memory."""


Source: TypeAlias = int | str | os.PathLike[str] | Buffer

# The length of all of the address space.
_ALL = (1 << 64) - 1
_WRITES = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_ATOMIC


class MR(Resource):
    """Registered memory.

    ``source`` is an object with a contiguous buffer (numpy array, bytearray, mmap, memoryview; bytes too, without
    write access), a path, whose whole file is mapped (shared, so that what is written reaches the file), or a number of
    bytes to allocate, zeroed. The region pins the object: until it is closed a bytearray cannot be resized nor an
    mmap be closed.

    With ``address``, ``source`` is a number of bytes from there on, in this process. Nothing pins them: a work request
    that does not find them completes with a protection error, and the peer's with a remote access error. With
    ``implicit`` and ``AccessFlags.ON_DEMAND`` the region is the process's whole address space, and ``source`` is 0.

    ``addr`` is the region's first address, for SGEs and for the peer: the memory's own, or ``iova``, or zero with
    ``AccessFlags.ZERO_BASED``.

    Raises:
        CallerError: the buffer is read-only and ``access`` would write, or is not contiguous; the flags contradict.
        DpuError: the device has ``max_mr`` already (ENOMEM).
        OSError: the file cannot be opened or mapped.
    """

    def __init__(
        self,
        pd: "PD",
        source: Source,
        access: AccessFlags | int,
        *,
        iova: int | None = None,
        address: int | None = None,
        implicit: bool = False,
    ) -> None:
        _check_pd(pd)
        access = _flags(access)
        if iova is not None and access & AccessFlags.ZERO_BASED:
            raise CallerError(f"MR: iova {iova:#x} with ZERO_BASED, whose first address is 0")
        memory: memoryview | int | None
        if implicit:
            if source != 0 or address is not None or not access & AccessFlags.ON_DEMAND:
                raise CallerError("MR: an implicit region has source 0, no address, and access ON_DEMAND")
            memory, length = None, _ALL
        elif address is not None:
            memory, length = _at(address, source)
        else:
            memory = _view(source, access)
            length = len(memory)
        with pd.context.engine as engine:
            made, addr, pin = engine.mr_reg(pd.handle, memory, length, iova, access)
            self._made(engine, pd, made, addr, length, access, memory, pin)

    def _made(
        self,
        engine: Engine,
        pd: "PD",
        made: Handle,
        addr: int,
        length: int,
        access: AccessFlags,
        memory: memoryview | int | None = None,
        pin: object = None,
    ) -> None:
        """Become the region that the engine has just made."""
        self._lkey, self._rkey = engine.mr_keys(made)
        super().__init__(engine, Kind.MR, made, f"MR {self._lkey:#010x}", pin)
        self.length = length
        """Bytes."""
        self.access = access
        self.pd = pd
        self._addr = addr
        self._view = memory if isinstance(memory, memoryview) else None
        pd.add_region(self)

    @property
    def lkey(self) -> int:
        """The key for SGEs."""
        self._check_open()
        return self._lkey

    @property
    def rkey(self) -> int:
        """The key for the peer."""
        self._check_open()
        return self._rkey

    @property
    def addr(self) -> int:
        """The first address."""
        self._check_open()
        return self._addr

    @property
    def buf(self) -> memoryview:
        """The registered bytes themselves; read-only if the source was.

        Raises:
            CallerError: no Python object holds them (``address``, device memory); ``read`` and ``write`` copy.
        """
        self._check_open()
        if self._view is None:
            raise CallerError(f"{self.name}: its memory is no Python object's; read and write copy")
        return self._view

    def read(self, length: int | None = None, offset: int = 0) -> bytes:
        """Return a copy of ``length`` bytes from ``offset`` on, by default all.

        Raises:
            CallerError: that runs past the region's end, or not all of it is there.
        """
        start, end = self._bounds(offset, length)
        with self._engine as engine:
            return engine.mr_read(self.handle, start, end - start)

    def write(self, data: Buffer, offset: int = 0) -> None:
        """Copy ``data`` into the region at ``offset``.

        Raises:
            CallerError: it runs past the region's end, or the region's memory is read-only or not there.
        """
        new = memoryview(data).cast("B")
        start, _ = self._bounds(offset, len(new))
        if self._view is not None and self._view.readonly:
            raise CallerError(f"{self.name}: its memory is read-only")
        with self._engine as engine:
            engine.mr_write(self.handle, start, new)

    def rereg(
        self,
        flags: ReregMrFlags | int,
        pd: "PD | None" = None,
        addr: int = 0,
        length: int = 0,
        access: AccessFlags | int = 0,
        *,
        source: Source | None = None,
        iova: int | None = None,
    ) -> None:
        """Change what ``flags`` name: domain, access, or memory, ``length`` bytes at ``addr`` or those of ``source``.

        New memory and a new domain come with new keys. When it raises, the region is what it was.

        Raises:
            CallerError: windows are bound to it (EBUSY); an argument is illegal, or the region has no memory to change.
        """
        flags = ReregMrFlags(flags)
        now = _flags(access) if flags & ReregMrFlags.CHANGE_ACCESS else self.access
        if flags & ReregMrFlags.CHANGE_PD:
            _check_pd(pd)
        moved = bool(flags & ReregMrFlags.CHANGE_TRANSLATION)
        memory: memoryview | int | None = self._view
        if moved and source is not None:
            memory = _view(source, now)
            length = len(memory)
        elif moved:
            memory, length = _at(addr, length)
        elif self._view is not None and self._view.readonly and now & _WRITES:
            raise CallerError(f"{self.name}: its memory is read-only, access {now!r} would write")
        home = pd if pd is not None and flags & ReregMrFlags.CHANGE_PD else self.pd
        with self._engine as engine:
            first, pin = engine.mr_rereg(self.handle, flags, home.handle, memory, length, iova, now)
            self._lkey, self._rkey = engine.mr_keys(self.handle)
            self.name = f"MR {self._lkey:#010x}"
            self.access = now
            if moved:
                self.length, self._addr = length, first
                self._view = memory if isinstance(memory, memoryview) else None
                self._repin(pin)
            if home is not self.pd:
                self.pd.drop_region(self)
                self.pd = home
                home.add_region(self)

    def sge(self, offset: int = 0, length: int | None = None) -> SGE:
        """Return the SGE for ``length`` bytes from ``offset`` on, by default all.

        Raises:
            CallerError: that runs past the region's end.
        """
        start, end = self._bounds(offset, length)
        return SGE(self.addr + start, end - start, self.lkey)

    def _check_open(self) -> None:
        if self.closed:
            raise CallerError(f"{self.name} is closed")

    def _bounds(self, offset: int, length: int | None) -> tuple[int, int]:
        self._check_open()
        end = self.length if length is None else offset + length
        if not 0 <= offset <= end <= self.length:
            raise CallerError(f"{self.name}: bytes {offset} to {end} are not within its {self.length}")
        return offset, end

    def _on_closed(self) -> None:
        self._view = None
        self.pd.drop_region(self)


class NullMR(MR):
    """A region at every address that holds nothing: what is written vanishes, what is read is zeros.

    For local use: an SGE with its ``lkey`` drops a part of a message, or sends zeros. Its ``rkey`` opens nothing.

    Raises:
        DpuError: the device has ``max_mr`` already (ENOMEM).
    """

    def __init__(self, pd: "PD") -> None:
        _check_pd(pd)
        with pd.context.engine as engine:
            made = engine.mr_alloc_null(pd.handle)
            self._made(engine, pd, made, 0, _ALL, AccessFlags.LOCAL_WRITE)


def _check_pd(pd: object) -> None:
    from rdma_verbs.pd import PD

    expect(pd, PD, "MR: pd")


def _flags(access: AccessFlags | int) -> AccessFlags:
    try:
        return AccessFlags(access)
    except (TypeError, ValueError):
        raise CallerError(f"MR: access {access!r} is no combination of AccessFlags") from None


def _at(address: int, length: Source) -> tuple[int, int]:
    """Return address and length of memory that belongs to nobody here."""
    if not isinstance(address, int) or not 0 < address < 1 << 64:
        raise CallerError(f"MR: address {address!r} is not a 64-bit address")
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length < 1 << 64:
        raise CallerError(f"MR: length {length!r} at an address is not a number of bytes")
    return address, length


def _view(source: Source, access: AccessFlags) -> memoryview:
    """Return the bytes of ``source``, writable if ``access`` needs that."""
    writes = bool(access & _WRITES)
    if isinstance(source, bool):
        raise CallerError("MR: a bool is neither a length nor a buffer")
    if isinstance(source, int):
        if source < 0:
            raise CallerError(f"MR: length {source} is negative")
        if source == 0:
            return memoryview(bytearray())
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
