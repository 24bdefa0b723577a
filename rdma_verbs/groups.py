"""Multicast groups of a node's UDP socket, which by itself receives none: a socket for each (``csrc/groups.h``)."""

from collections.abc import Callable

from datapath.port import UdpPort
from rdma_verbs import _native_node
from rdma_verbs.addr import GID

__all__ = ["Groups"]


class Groups:
    """The groups that a device on a UDP port is a member of; each as often as queue pairs are attached."""

    def __init__(self, port: UdpPort, fd: int, address: GID) -> None:
        """Let the socket ``fd`` of a node's ``address`` send to groups."""
        self._port = port
        self._address = address
        self._raw = _native_node.groups_init(port.handle, fd, address.raw, f"groups on {address}")

    def join(self, group: GID) -> None:
        """Be a member once more.

        Raises:
            DpuError: the system refuses (too many groups, no such interface).
        """
        with self._port.guard():
            _native_node.groups_join(self._raw, group.raw, f"group {group} on {self._address}")

    def leave(self, group: GID) -> None:
        """Be a member once less."""
        with self._port.guard():
            _native_node.groups_leave(self._raw, group.raw, f"group {group} on {self._address}")

    def closer(self) -> Callable[[], None]:
        """Return what closes the sockets once the port is gone, and does not hold the port."""
        raw = self._raw
        return lambda: _native_node.groups_fini(raw)
