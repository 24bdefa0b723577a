"""The port on a UDP socket, and its credit in the memory of nodes."""

from mmap import mmap

from datapath import _native
from datapath.port.base import Port

__all__ = ["UdpPort"]


class UdpPort(Port):
    """A port on a bound UDP socket, which stays the caller's and must outlive the port."""

    def __init__(self, fd: int) -> None:
        super().__init__(_native.udp_new(fd))
        self.sport = _native.port_sport(self.handle)
        """The UDP source port of every packet, the socket's own."""
        self.pins: list[object] = []
        """What keeps node memory mapped; to be cleared when the port is freed."""

    def set_self(self, memory: mmap, slot: int) -> None:
        """Release credit in the node's memory, whose ``slot`` this is, for what is received."""
        with self.guard():
            self.pins.append(_native.udp_set_self(self.handle, memory, slot))

    def set_peer(self, ip: bytes, memory: memoryview, sender: int) -> None:
        """Let packets to ``ip`` (16 bytes) wait for credit of the node with this memory, as its ``sender``."""
        with self.guard():
            self.pins.append(_native.udp_set_peer(self.handle, ip, memory, sender))

    def stats(self) -> dict[str, int]:
        """Return the counters of this layer, and those that only a UDP port has."""
        return super().stats() | _native.udp_stats(self.handle)
