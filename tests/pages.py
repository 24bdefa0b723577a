"""Memory that can be taken away while somebody uses it: pages mapped by libc, which Python does not watch over."""

import ctypes
import mmap
import os

__all__ = ["WAYS", "Pages"]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

WAYS = ("munmap", "truncate")


class Pages:
    """``n`` pages of a file, shared, with their address."""

    def __init__(self, n: int) -> None:
        self.size = n * mmap.PAGESIZE
        self._fd = os.memfd_create("pages")
        os.ftruncate(self._fd, self.size)
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        self.address = int(_libc.mmap(None, self.size, protection, mmap.MAP_SHARED, self._fd, 0))
        assert self.address != ctypes.c_void_p(-1).value

    def vanish(self, how: str, first: int = 0) -> None:
        """Take away the pages from ``first`` on."""
        at = first * mmap.PAGESIZE
        if how == "munmap":
            assert _libc.munmap(self.address + at, self.size - at) == 0
        else:
            os.ftruncate(self._fd, at)

    def come_back(self) -> None:
        """After a ``truncate``: the pages are there again, zeroed."""
        os.ftruncate(self._fd, self.size)

    def protect(self) -> None:
        """Leave the pages readable only."""
        assert _libc.mprotect(self.address, self.size, mmap.PROT_READ) == 0

    def fill(self, data: bytes) -> None:
        """Write to the start of the pages."""
        ctypes.memmove(self.address, data, len(data))

    def read(self, length: int) -> bytes:
        """Return the first bytes."""
        return ctypes.string_at(self.address, length)

    def close(self) -> None:
        """Give the pages back."""
        _libc.munmap(self.address, self.size)
        os.close(self._fd)
