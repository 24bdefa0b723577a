"""Addresses: a GID, the address attributes of a path, and the address handle that UD sends through."""

import ipaddress
from dataclasses import dataclass, field
from typing import Self

from datapath.errors import CallerError

__all__ = ["GID", "AHAttr"]

_V4_PREFIX = b"\x00" * 10 + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class GID:
    """16 bytes that name a port. In RoCEv2 it is an IP address, IPv4 as ``::ffff:a.b.c.d`` (IBTA vol 1, A17.4)."""

    raw: bytes = bytes(16)

    def __post_init__(self) -> None:
        if not isinstance(self.raw, bytes) or len(self.raw) != 16:
            raise CallerError(f"GID: {self.raw!r} is not 16 bytes")

    @classmethod
    def of(cls, address: "GID | str | ipaddress.IPv4Address | ipaddress.IPv6Address") -> Self:
        """Return the GID of an IP address.

        Raises:
            CallerError: the text is not an IPv4 or IPv6 address.
        """
        if isinstance(address, GID):
            return cls(address.raw)
        if not isinstance(address, str | ipaddress.IPv4Address | ipaddress.IPv6Address):
            raise CallerError(f"GID: {address!r} is not the text of an IP address")  # ip_address(1) is 0.0.0.1
        try:
            ip = ipaddress.ip_address(address)
        except ValueError as error:
            raise CallerError(f"GID: {error}") from None
        return cls(_V4_PREFIX + ip.packed if ip.version == 4 else ip.packed)

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
        """The IP address that this GID stands for."""
        if self.raw.startswith(_V4_PREFIX):
            return ipaddress.IPv4Address(self.raw[12:])
        return ipaddress.IPv6Address(self.raw)

    def __str__(self) -> str:
        """The address in its usual spelling: ``127.0.0.2``, ``fe80::1``."""
        return str(self.ip)


@dataclass(frozen=True, slots=True)
class AHAttr:
    """The way to a destination: ``ibv_ah_attr``, of which RoCEv2 always uses the global routing part."""

    dgid: GID = field(default_factory=GID)
    sgid_index: int = 0
    flow_label: int = 0
    traffic_class: int = 0
    """DSCP << 2 | ECN."""
    hop_limit: int = 64
    sl: int = 0
    """Service level, used as priority, 0 to 7."""
    port_num: int = 1
