"""The compiled module, for a device's way to processes of this machine (``rdma_verbs/csrc/local.h``)."""

import errno
from mmap import mmap
from typing import Any, Self

from datapath.errors import from_errno
from rdma_verbs._roce_cffi import ffi, lib

Handle = Any


class LocalPath:
    """A device's way to processes of this machine (``rdma_verbs/csrc/local.h``)."""

    def __init__(self, local: Handle, pin: object) -> None:
        self._local = local
        self._pins = [pin]

    @classmethod
    def make(cls, device: Handle, live: Handle, memory: mmap, slot: int, *, packets: bool, check: bool) -> Self | None:
        """Return the way of a device that has ``slot`` of the node with this memory, if there can be one."""
        pin = ffi.from_buffer(memory, require_writable=True)
        how = (lib.ROCE_LOCAL_PACKETS if packets else 0) | (lib.ROCE_LOCAL_CHECK if check else 0)
        local = lib.roce_local_new(device, pin, len(memory), slot, how)
        if not local:
            if ffi.errno == errno.EOPNOTSUPP:
                return None
            raise from_errno(ffi.errno, "local path")
        lib.roce_live_set_local(live, local)
        return cls(local, pin)

    def add_node(self, gid: bytes, memory: mmap | memoryview) -> None:
        """Make queue pairs of the node with this address reachable; from now on this memory is its."""
        pin = ffi.from_buffer(memory, require_writable=True)
        code = lib.roce_local_add_node(self._local, gid, pin, len(memory))
        if code:
            raise from_errno(-code, "local path: node")
        self._pins.append(pin)

    @property
    def links(self) -> int:
        """How many processes queue pairs have been connected to by it."""
        return int(lib.roce_local_links(self._local))

    def close(self) -> None:
        """Free it; the device must be gone."""
        lib.roce_local_free(self._local)
        self._pins.clear()
