"""The port that sends Ethernet frames in AF_UNIX datagrams, one each, as QEMU's ``-netdev dgram`` does."""

import hashlib
import ipaddress
import os
import re
from collections.abc import Sequence
from typing import TypeAlias

from datapath import _native
from datapath.errors import CallerError
from datapath.port.base import Port

__all__ = ["DgramPort"]

_Address: TypeAlias = str | ipaddress.IPv4Address | ipaddress.IPv6Address

_MAC = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}")
_PATH_BYTES = 107  # sockaddr_un, less the closing 0
_MTUS = range(576, 9217)
_VLANS = range(4095)
_ADDRESSES_MAX = 16
_TABLE_MAX = 1 << 20


class DgramPort(Port):
    """An Ethernet link over AF_UNIX datagrams: no root, no interface, and a guest or a switch at the other end.

    ``local`` is bound, and removed when the port is freed; ``remote`` may come later, or go and come again: frames
    are lost meanwhile and counted as ``tx_errors``. ``addresses`` are those that the port answers ARP and neighbour
    solicitations for and takes packets to; a device on it has to use one of them. ``mac`` is derived from the first
    address if not given, always the same. ``mtu`` is the largest IP packet: a RoCEv2 path MTU of 4096 needs 4188.
    ``vlan`` None sends untagged frames and takes untagged ones and those with a mere priority; 0 sends 802.1Q tags
    that carry only the priority; 1 to 4094 is that VLAN alone. ``max_neighbours`` bounds the table of addresses,
    ``max_waiting`` the frames that wait for one. ``rate_bps`` is the speed of the link, which PFC frames count their
    pauses in: with it they are honoured, with 0 they are not for us.

    Raises:
        CallerError: a value is illegal, a path's folder does not exist or may not be written to.
        DpuError: a living process has ``local``, or it is a file.
    """

    def __init__(
        self,
        local: str | os.PathLike[str],
        remote: str | os.PathLike[str],
        addresses: Sequence[_Address],
        *,
        mac: str | None = None,
        mtu: int = 1500,
        vlan: int | None = None,
        max_neighbours: int = 1024,
        max_waiting: int = 256,
        rate_bps: int = 0,
    ) -> None:
        what = f"DgramPort {os.fspath(local)}"
        ips = [_ip(what, address) for address in addresses]
        if not 1 <= len(set(ips)) == len(ips) <= _ADDRESSES_MAX:
            raise CallerError(f"{what}: {len(ips)} addresses, not 1 to {_ADDRESSES_MAX} different ones")
        if mtu not in _MTUS:
            raise CallerError(f"{what}: mtu {mtu} is not within {_MTUS[0]} and {_MTUS[-1]}")
        if vlan is not None and vlan not in _VLANS:
            raise CallerError(f"{what}: vlan {vlan} is not within 0 and {_VLANS[-1]}")
        for name, size in (("max_neighbours", max_neighbours), ("max_waiting", max_waiting)):
            if not 1 <= size <= _TABLE_MAX:
                raise CallerError(f"{what}: {name} {size} is not within 1 and {_TABLE_MAX}")
        if not 0 <= rate_bps < 1 << 63:
            raise CallerError(f"{what}: rate_bps {rate_bps} is not within 0 and {(1 << 63) - 1}")
        ethernet = _derived_mac(ips[0]) if mac is None else _mac(what, mac)
        handle = _native.dgram_new(
            _path(what, local),
            _path(what, remote),
            [_mapped(ip) for ip in ips],
            {
                "mac": ethernet,
                "tag": int(vlan is not None),
                "vlan_id": vlan or 0,
                "mtu": mtu,
                "max_entries": max_neighbours,
                "max_waiting": max_waiting,
                "rate_bps": rate_bps,
            },
            what,
        )
        super().__init__(handle)
        self.local = os.fspath(local)
        self.remote = os.fspath(remote)
        self.addresses = tuple(ips)
        self.mac = ethernet.hex(":")

    def pfc_frames(self) -> int:
        """Return how many PFC frames came and were honoured."""
        with self.guard():
            return _native.dgram_pfc_frames(self.handle)

    def neighbour_stats(self) -> dict[str, int]:
        """Return what ARP and neighbour discovery did: requests and replies sent, and what went wrong."""
        with self.guard():
            return _native.dgram_neigh_stats(self.handle)

    def stats(self) -> dict[str, int]:
        """Return the counters of this layer; those of ``neighbour_stats`` follow, each with ``neigh_`` before it."""
        return super().stats() | {f"neigh_{name}": count for name, count in self.neighbour_stats().items()}


def _path(what: str, path: str | os.PathLike[str]) -> bytes:
    raw = os.fsencode(path)
    if not 0 < len(raw) <= _PATH_BYTES or 0 in raw:
        raise CallerError(f"{what}: path {os.fspath(path)!r} has {len(raw)} bytes, not 1 to {_PATH_BYTES} without a 0")
    return raw


def _ip(what: str, address: _Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError as error:
        raise CallerError(f"{what}: {error}") from None
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped or ip.scope_id):
        raise CallerError(f"{what}: address {ip} is not a plain IPv4 or IPv6 one")
    if ip.is_multicast or ip.is_unspecified or ip == ipaddress.IPv4Address("255.255.255.255"):
        raise CallerError(f"{what}: address {ip} is not one of a single station")
    return ip


def _mapped(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    return bytes(10) + b"\xff\xff" + ip.packed if ip.version == 4 else ip.packed


def _mac(what: str, text: str) -> bytes:
    if not _MAC.fullmatch(text):
        raise CallerError(f"{what}: mac {text!r} is not six pairs of hexadecimal digits")
    mac = bytes.fromhex(text.replace(":", ""))
    if mac[0] & 1 or not any(mac):
        raise CallerError(f"{what}: mac {text} is not one of a single station")
    return mac


def _derived_mac(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    """Return a locally administered address: the same for the same IP address, and in IPv4 another for another."""
    return b"\x02" + hashlib.blake2b(ip.packed, digest_size=1).digest() + ip.packed[-4:]
