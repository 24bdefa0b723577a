"""Network namespaces for tests: veth pairs, taps, bridges, addresses, and sockets in them.

    with Namespace.create("left") as left, Namespace.create("right") as right:
        left.veth("v0", right, "v0", mtu=4300)
        left.address("v0", "10.0.0.1/24")
        right.address("v0", "10.0.0.2/24")
        sock = left.socket(socket.AF_INET, socket.SOCK_DGRAM)

Traffic never leaves them. Leaving the context removes the namespace and all the
devices that were made in it. Needs root.
"""

import contextlib
import ctypes
import ipaddress
import os
import secrets
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyroute2  # type: ignore[import-untyped, unused-ignore]
import pyroute2.netns  # type: ignore[import-untyped, unused-ignore]

from dpu_emu.lab.errors import LabError

_CLONE_NEWNET = 0x40000000
_FOLDER = Path("/run/netns")


class Namespace:
    """One network namespace, named as ``ip netns`` shows it."""

    def __init__(self, name: str) -> None:
        """Refer to a namespace that exists already; :meth:`create` makes one."""
        self.name = name
        self._netlink: Any = pyroute2.NetNS(name, flags=0)

    @classmethod
    def create(cls, prefix: str) -> Self:
        """Return a new namespace with a name of its own that starts with ``prefix``; loopback is up.

        Raises:
            LabError: this user may not make namespaces.
        """
        name = f"{prefix}-{secrets.token_hex(3)}"
        try:
            pyroute2.netns.create(name)
        except OSError as error:
            raise LabError(f"cannot make the network namespace {name}: {error}") from error
        space = cls(name)
        space.up("lo")
        return space

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.remove()

    @property
    def path(self) -> Path:
        """Return the file that stands for the namespace, for ``nsenter --net=``."""
        return _FOLDER / self.name

    def close(self) -> None:
        """Close the netlink socket and keep the namespace."""
        self._netlink.close()

    def remove(self) -> None:
        """Remove the namespace with its devices; one that is gone already is no error."""
        self._netlink.close()
        with contextlib.suppress(FileNotFoundError):
            pyroute2.netns.remove(self.name)

    def index(self, device: str) -> int:
        """Return a device's interface index.

        Raises:
            LabError: no such device here.
        """
        found = self._netlink.link_lookup(ifname=device)
        if not found:
            raise LabError(f"namespace {self.name}: no device {device}")
        return int(found[0])

    def has(self, device: str) -> bool:
        """Return whether the device exists here."""
        return bool(self._netlink.link_lookup(ifname=device))

    def up(self, device: str, mtu: int = 0) -> None:
        """Set a device up, first setting its MTU if one is given."""
        if mtu:
            self._netlink.link("set", index=self.index(device), mtu=mtu)
        self._netlink.link("set", index=self.index(device), state="up")

    def address(self, device: str, address: str) -> None:
        """Give a device an address such as ``10.0.0.1/24`` or ``fd00::1/64``; usable at once."""
        interface = ipaddress.ip_interface(address)
        # IFA_F_NODAD: no duplicate address detection, so that a bind succeeds at once.
        options = {"flags": 0x02} if interface.version == 6 else {}
        self._netlink.addr(
            "replace",
            index=self.index(device),
            address=str(interface.ip),
            prefixlen=interface.network.prefixlen,
            **options,
        )

    def tap(self, device: str, mtu: int = 0, bridge: str = "") -> None:
        """Make a tap that outlives its opener, as a port of ``bridge`` if one is named."""
        self._netlink.link("add", ifname=device, kind="tuntap", mode="tap")
        if bridge:
            self._netlink.link("set", index=self.index(device), master=self.index(bridge))
        self.up(device, mtu)

    def bridge(self, device: str) -> None:
        """Make a bridge and set it up; it forwards at once, without spanning tree."""
        self._netlink.link("add", ifname=device, kind="bridge", br_forward_delay=0, br_stp_state=0)
        self.up(device)

    def veth(self, device: str, peer: "Namespace", peer_device: str, mtu: int = 0) -> None:
        """Make a veth pair between this namespace and another (or the same), both ends up."""
        end = {"ifname": peer_device}
        if peer.name != self.name:
            end["net_ns_fd"] = peer.name
        self._netlink.link("add", ifname=device, kind="veth", peer=end)
        self.up(device, mtu)
        peer.up(peer_device, mtu)

    def delete(self, device: str) -> None:
        """Delete a device; one that is gone already is no error."""
        if self.has(device):
            self._netlink.link("del", index=self.index(device))

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket that belongs to this namespace, for use from any thread of any namespace."""
        made: list[socket.socket] = []
        failures: list[OSError] = []

        def make() -> None:
            try:
                enter(self.path)
                made.append(socket.socket(family, kind, protocol))
            except OSError as error:
                failures.append(error)

        # setns(2) moves one thread: a short-lived one, so that no other notices.
        thread = threading.Thread(target=make, name=f"socket-in-{self.name}")
        thread.start()
        thread.join()
        if failures:
            raise failures[0]
        return made[0]

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that runs ``argv`` in this namespace."""
        return ["nsenter", f"--net={self.path}", *argv]

    def run(self, *argv: str) -> str:
        """Run a program here to its end and return its standard output."""
        return subprocess.run(self.command(argv), check=True, stdout=subprocess.PIPE, text=True).stdout


def enter(path: Path) -> None:
    """Move the calling thread, and it alone, into the namespace that the file stands for."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"setns({path}): {os.strerror(number)}")
    finally:
        os.close(descriptor)
