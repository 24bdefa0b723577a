"""Multicast groups of a node's UDP socket, which by itself receives none: a socket for each, bound to the group."""

import ipaddress
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from datapath.errors import from_errno
from datapath.port import UdpPort
from rdma_verbs.addr import GID

__all__ = ["Groups"]

_HOP_LIMIT = 64  # as that of everything else which the socket sends


class Groups:
    """The groups that a device on a UDP port is a member of; each as often as queue pairs are attached."""

    def __init__(self, port: UdpPort, fd: int, address: GID) -> None:
        """Let the socket ``fd`` of a node's ``address`` send to groups."""
        self._port = port
        self._ip = address.ip
        self._members: dict[GID, tuple[socket.socket, int]] = {}
        with socket.socket(fileno=socket.dup(fd)) as node:
            if self._ip.version == 4:
                node.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, self._ip.packed)
                node.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _HOP_LIMIT)
            else:
                node.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, _interface(self._ip))
                node.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, _HOP_LIMIT)

    def join(self, group: GID) -> None:
        """Be a member once more.

        Raises:
            DpuError: the system refuses (too many groups, no such interface).
        """
        sock, times = self._members.get(group, (None, 0))
        if sock is None:
            try:
                sock = self._open(group)
            except OSError as error:
                raise from_errno(error.errno or 0, f"group {group} on {self._ip}") from None
            try:
                self._port.join(sock.fileno())
            except BaseException:
                sock.close()
                raise
        self._members[group] = sock, times + 1

    def leave(self, group: GID) -> None:
        """Be a member once less."""
        sock, times = self._members[group]
        if times > 1:
            self._members[group] = sock, times - 1
            return
        del self._members[group]
        self._port.leave(sock.fileno())
        sock.close()

    def closer(self) -> Callable[[], None]:
        """Return what closes the sockets once the port is gone, and does not hold the port."""
        members = self._members

        def close() -> None:
            for sock, _ in members.values():
                sock.close()
            members.clear()

        return close

    def _open(self, group: GID) -> socket.socket:
        ip = group.ip
        family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # every process has one; each gets a copy
            if ip.version == 4:
                sock.bind((str(ip), self._port.sport))
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, ip.packed + self._ip.packed)
            else:
                index = _interface(self._ip)
                sock.bind((str(ip), self._port.sport, 0, index))
                membership = ip.packed + struct.pack("=I", index)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
        except BaseException:
            sock.close()
            raise
        return sock


def _interface(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """Return the index of the interface that has the IPv6 address; 0, the system's choice, if none has."""
    for line in Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines():
        address, index, *_ = line.split()
        if bytes.fromhex(address) == ip.packed:
            return int(index, 16)
    return 0
