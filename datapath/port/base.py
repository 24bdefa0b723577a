"""What all ports have in common: an owner, counters, and the wrapper's seam."""

import weakref
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeAlias

from datapath import _native
from datapath.errors import CallerError

__all__ = ["Owner", "Port", "Wrapper", "wrap"]

Owner: TypeAlias = AbstractContextManager[Any]
"""What drives a port; entering it keeps others from driving it."""


class Port:
    """A port that nobody uses yet. ``Port.mem_pair`` makes base ports; wrappers take one and return another."""

    def __init__(self, handle: _native.Handle, inner: "Port | None" = None) -> None:
        """Own a port of the C library; for the constructors."""
        self.inner = inner
        """The port that this one wraps."""
        self._raw = handle
        self._owner: Port | Owner | None = None
        self._free = weakref.finalize(self, _native.port_free, handle)
        if inner:
            inner.take(self)

    @classmethod
    def mem_pair(cls, *, depth: int = 4096, latency_ns: int = 1000) -> "tuple[Port, Port]":
        """Return two ports joined back to back; a frame takes ``latency_ns``, and ``depth`` of them fit on the way.

        Raises:
            CallerError: ``depth`` is zero or too large.
        """
        first, second = _native.port_mem_pair(depth, latency_ns)
        return Port(first), Port(second)

    @property
    def handle(self) -> _native.Handle:
        """The C library's object.

        Raises:
            CallerError: the device that had the port is closed.
        """
        if self._raw is None:
            raise CallerError(f"{type(self).__name__}: its device is closed")
        return self._raw

    @property
    def mtu(self) -> int:
        """The largest IP packet, in bytes."""
        return _native.port_mtu(self.handle)

    def stats(self) -> dict[str, int]:
        """Return the counters of this layer: frames and bytes from the IP header on, and what was lost."""
        return _native.port_stats(self.handle)

    def send(self, ip_packet: bytes, now_ns: int) -> bool:
        """Put a packet on the port, from the IP header on and whatever is in it; false when there is no room.

        With ``recv`` it lets a script play a device, at the other end of a pair.

        Raises:
            CallerError: the port belongs to a device, or takes no packet of that length.
        """
        self.check_free()
        return _native.port_send(self.handle, ip_packet, now_ns * 1000)

    def recv(self, now_ns: int) -> tuple[int, bytes] | None:
        """Return the oldest packet that has arrived, from the IP header on, and its time in ns; or ``None``.

        Raises:
            CallerError: the port belongs to a device.
        """
        self.check_free()
        packet = _native.port_recv(self.handle, now_ns * 1000)
        return packet and (packet[0] // 1000, packet[1])

    def take(self, owner: "Port | Owner") -> _native.Handle:
        """Give the port to a device's driver or to a wrapper, which frees it.

        Raises:
            CallerError: it was given away already.
        """
        self.check_free()
        self._owner = owner
        self._free.detach()
        return self.handle

    def check_free(self) -> None:
        """Raise ``CallerError`` if the port was given away."""
        if self._owner is not None:
            raise CallerError(f"{type(self).__name__}: already belongs to a device or a wrapper")

    def guard(self) -> "Owner":
        """Return a context manager that keeps the driver's thread off the port."""
        owner = self._owner
        return nullcontext() if owner is None else owner.guard() if isinstance(owner, Port) else owner

    def freed(self) -> None:
        """Say that the port and what it wraps exist no more; for the owner."""
        self._raw = None
        if self.inner:
            self.inner.freed()


class Wrapper(Protocol):
    """Something that goes around a port, such as ``Faults``."""

    def around(self, port: Port) -> Port:
        """Return the wrapped port; ``port`` belongs to it."""


def wrap(port: Port, wrappers: Iterable[Wrapper]) -> Port:
    """Return ``port`` with wrappers around it, the first one innermost."""
    for wrapper in wrappers:
        port = wrapper.around(port)
    return port
