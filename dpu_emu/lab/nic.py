"""Descriptions of a guest's NICs, as values and as one-line specs.

A spec is ``KIND:PLACE[,OPTION...]``:

=======================  =====================================================
``tap:NAME``             a tap in the guest's namespace, removed with the guest
``dgram:LOCAL,REMOTE``   one Ethernet frame per AF_UNIX datagram: QEMU binds
                         LOCAL and sends to REMOTE; needs no root
``stream-listen:PATH``   QEMU's stream framing (32-bit length, frame), AF_UNIX
``stream-connect:PATH``  the same from the other end
``vhost-user:PATH``      a vhost-user-net back end that listens on PATH
=======================  =====================================================

Options: ``ip=ADDRESS/LEN`` (the guest's, may be given more than once),
``host=ADDRESS/LEN`` (on the tap's host side, or on its bridge; tap only),
``bridge=NAME`` (tap only: the tap becomes a port of it), ``mac=``, ``mtu=``,
``rxe`` (make a Soft-RoCE device on it), ``offload`` (keep checksum and
segmentation offloads; without them a capture looks as on a wire), ``queues=``.
"""

import ipaddress
import re
import zlib
from dataclasses import dataclass, field, replace

from dpu_emu.lab.errors import SpecError

KINDS = ("tap", "dgram", "stream-listen", "stream-connect", "vhost-user")

_OFFLOADS = [
    "csum",
    "gso",
    "host_tso4",
    "host_tso6",
    "host_ecn",
    "host_ufo",
    "guest_csum",
    "guest_tso4",
    "guest_tso6",
    "guest_ecn",
    "guest_ufo",
]
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_IFNAME_MAX = 15  # IFNAMSIZ - 1
_UNIX_PATH_MAX = 107  # sizeof(sockaddr_un.sun_path) - 1
_MTU_RANGE = range(68, 65536)


@dataclass(frozen=True, slots=True)
class Nic:
    """One virtio NIC of a guest.

    ``place`` is the tap's name or the socket's path, ``remote`` the peer's path
    for dgram. Without ``mac`` one is derived from the other fields, so that the
    same description always gives the same address.
    """

    kind: str
    place: str
    remote: str = ""
    addresses: tuple[str, ...] = ()
    host_addresses: tuple[str, ...] = ()
    bridge: str = ""
    mac: str = field(default="")
    mtu: int = 0
    rxe: bool = False
    offload: bool = False
    queues: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SpecError(f"NIC kind {self.kind!r} is none of {', '.join(KINDS)}")
        if not self.place:
            raise SpecError(f"NIC kind {self.kind} needs a {'name' if self.kind == 'tap' else 'path'}")
        if self.kind == "tap" and not _is_ifname(self.place):
            raise SpecError(f"tap {self.place!r} is no interface name (1 to {_IFNAME_MAX} characters, no / or space)")
        if self.kind != "tap" and len(self.place.encode()) > _UNIX_PATH_MAX:
            raise SpecError(f"socket path of {len(self.place.encode())} bytes exceeds {_UNIX_PATH_MAX}: {self.place}")
        if (self.kind == "dgram") != bool(self.remote):
            raise SpecError("a remote path belongs to dgram NICs, which need one")
        if self.kind != "tap" and (self.host_addresses or self.bridge):
            raise SpecError(f"host= and bridge= belong to tap NICs, not to {self.kind}")
        for address in self.addresses + self.host_addresses:
            if "/" not in address:
                raise SpecError(f"address {address!r} lacks its prefix length")
            try:
                ipaddress.ip_interface(address)
            except ValueError as error:
                raise SpecError(f"address {address!r}: {error}") from error
        if self.mtu and self.mtu not in _MTU_RANGE:
            raise SpecError(f"mtu {self.mtu} is outside {_MTU_RANGE.start} to {_MTU_RANGE.stop - 1}")
        if self.queues < 1:
            raise SpecError(f"queues {self.queues} is less than 1")
        if not self.mac:
            object.__setattr__(self, "mac", _derived_mac(self))
        elif not _MAC.fullmatch(self.mac):
            raise SpecError(f"mac {self.mac!r} is not six pairs of lower-case hexadecimal digits")


def parse_nic(spec: str) -> Nic:
    """Return the NIC that a one-line spec describes.

    Raises:
        SpecError: unknown kind or option, or a value out of its range.
    """
    kind, _, rest = spec.partition(":")
    words = rest.split(",")
    nic = Nic(kind, words.pop(0), words.pop(0) if kind == "dgram" and words else "")
    changes: dict[str, object] = {}
    repeated: dict[str, tuple[str, ...]] = {"addresses": (), "host_addresses": ()}
    for word in words:
        key, equals, value = word.partition("=")
        if key in ("rxe", "offload") and not equals:
            changes[key] = True
        elif key in ("ip", "host") and value:
            repeated[{"ip": "addresses", "host": "host_addresses"}[key]] += (value,)
        elif key in ("mtu", "queues") and value.isdecimal():
            changes[key] = int(value)
        elif key in ("mac", "bridge") and value:
            changes[key] = value
        else:
            raise SpecError(f"NIC option {word!r} in {spec!r} is unknown or has no proper value")
    return replace(nic, **{"mac": "", **changes, **repeated})  # type: ignore[arg-type]


def guest_line(nic: Nic) -> str:
    """Return what the guest's init reads: ``mac|address,address|mtu|rxe``."""
    return "|".join((nic.mac, ",".join(nic.addresses), str(nic.mtu or ""), "1" if nic.rxe else ""))


def qemu_arguments(nic: Nic, index: int) -> list[str]:
    """Return QEMU's arguments for the guest's NIC number ``index``."""
    name = f"nic{index}"
    device = f"virtio-net-pci,netdev={name},mac={nic.mac},romfile="
    if nic.queues > 1:
        device += ",mq=on"
    if nic.kind == "vhost-user":
        device += ",vectors=0"  # QEMU 7.2 without KVM crashes in the MSI-X masking of a vhost-user NIC
    elif nic.queues > 1:
        device += f",vectors={2 * nic.queues + 2}"
    if not nic.offload and nic.kind != "vhost-user":
        device += "".join(f",{name}=off" for name in _OFFLOADS)
    return [*_backend(nic, name), "-device", device]


def _backend(nic: Nic, name: str) -> list[str]:
    match nic.kind:
        case "tap":
            return ["-netdev", f"tap,id={name},ifname={nic.place},script=no,downscript=no"]
        case "dgram":
            ends = f"local.type=unix,local.path={nic.place},remote.type=unix,remote.path={nic.remote}"
            return ["-netdev", f"dgram,id={name},{ends}"]
        case "vhost-user":
            socket = f"socket,id={name}c,path={nic.place}"
            return ["-chardev", socket, "-netdev", f"vhost-user,id={name},chardev={name}c,queues={nic.queues}"]
        case _:
            server = "on" if nic.kind == "stream-listen" else "off"
            return ["-netdev", f"stream,id={name},server={server},addr.type=unix,addr.path={nic.place}"]


def _is_ifname(name: str) -> bool:
    return 0 < len(name.encode()) <= _IFNAME_MAX and not re.search(r"[/\s:,]", name) and name not in (".", "..")


def _derived_mac(nic: Nic) -> str:
    """Return a locally administered address that depends on the description alone."""
    digest = zlib.crc32("|".join((nic.kind, nic.place, nic.remote, *nic.addresses)).encode())
    return "52:54:" + ":".join(f"{byte:02x}" for byte in digest.to_bytes(4, "big"))
