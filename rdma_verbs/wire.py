"""RoCEv2 packets as Python values: bytes of an IP packet to a ``Packet`` and back.

A thin face of ``csrc/wire.h``, for tests, captures and tools: the engine itself never leaves C. ``OPCODES`` is the
opcode table that drives it (IBTA vol 1, table 39; A14, A17, A19).
"""

from dataclasses import dataclass
from enum import IntFlag
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from datapath.errors import CallerError, PeerError
from rdma_verbs import _native_wire as _native

UDP_PORT = 4791


class Header(IntFlag):
    """The extension headers, in the order in which they follow the BTH."""

    RDETH = 1 << 0
    DETH = 1 << 1
    XRCETH = 1 << 2
    FETH = 1 << 3
    RETH = 1 << 4
    ATOMICETH = 1 << 5
    AETH = 1 << 6
    ATOMICACKETH = 1 << 7
    IMMDT = 1 << 8
    IETH = 1 << 9
    CNP = 1 << 10
    SACK = 1 << 11
    """Ours; see ``csrc/reorder.c``."""


@dataclass(frozen=True, slots=True)
class Opcode:
    """One row of the opcode table; ``header_bytes`` counts the BTH, too."""

    value: int
    name: str
    headers: Header
    header_bytes: int
    has_payload: bool


def _opcodes() -> dict[int, Opcode]:
    payload = _native.enum_values("roce_opf")["ROCE_OPF_PAYLOAD"]
    return {
        value: Opcode(value, name, Header(headers), header_bytes, bool(flags & payload))
        for value, (name, headers, flags, header_bytes) in _native.opcode_table().items()
    }


OPCODES = _opcodes()


class WireError(PeerError):
    """A packet that a RoCEv2 device drops; ``reason`` is the name of the counter."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One RoCEv2 packet. What its opcode has no header for is zero; lengths, pad and checksums follow from the rest.

    ``imm`` is the immediate data, the R_Key of an IETH or an FETH; ``swap_add`` also what an atomic acknowledge
    returns. The IPv4 header has DF set, as every RoCEv2 sender sets it.
    """

    src: IPv4Address | IPv6Address
    dst: IPv4Address | IPv6Address
    opcode: int
    dqpn: int
    psn: int = 0
    payload: bytes = b""
    # IP and UDP
    tos: int = 0
    ttl: int = 64
    ip_id: int = 0
    flow_label: int = 0
    sport: int = 0xC000
    # BTH
    solicited: bool = False
    migreq: bool = False
    ackreq: bool = False
    fecn: bool = False
    becn: bool = False
    ext: bool = False
    """The sender has our extension; a reserved bit of the BTH."""
    pkey: int = 0xFFFF
    # Extension headers
    qkey: int = 0
    sqpn: int = 0
    xrc_srqn: int = 0
    va: int = 0
    rkey: int = 0
    dma_len: int = 0
    swap_add: int = 0
    compare: int = 0
    syndrome: int = 0
    msn: int = 0
    imm: int = 0
    sack_psn: int = 0
    ce_bytes: int = 0
    sack: int = 0
    """Bit i: the packet with PSN ``sack_psn + i`` is held."""

    @property
    def name(self) -> str:
        """IBTA's name of the opcode, such as ``RC_SEND_ONLY``."""
        return OPCODES[self.opcode].name

    @property
    def pad(self) -> int:
        """Bytes between payload and ICRC (IBTA vol 1, 9.2.4)."""
        return -len(self.payload) % 4


# How wide each field is on the wire; a value that does not fit is refused, not cut.
FIELD_BITS = {
    "opcode": 8, "dqpn": 24, "psn": 24, "tos": 8, "ttl": 8, "ip_id": 16, "flow_label": 20, "sport": 16, "pkey": 16,
    "qkey": 32, "sqpn": 24, "xrc_srqn": 24, "va": 64, "rkey": 32, "dma_len": 32, "swap_add": 64, "compare": 64,
    "syndrome": 8, "msn": 24, "imm": 32, "sack_psn": 24, "ce_bytes": 32,
    "sack": 256,
}  # fmt: skip
_FLAG_BITS = {"solicited": 1 << 0, "migreq": 1 << 1, "ackreq": 1 << 2, "fecn": 1 << 3, "becn": 1 << 4, "ext": 1 << 5}


def _address(gid: bytes) -> IPv4Address | IPv6Address:
    v6 = IPv6Address(gid)
    return v6.ipv4_mapped or v6


def _gid(address: IPv4Address | IPv6Address) -> bytes:
    return address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed


def parse(ip_packet: bytes, *, check_icrc: bool = True) -> Packet:
    """Return the packet in ``ip_packet``, which starts at the IP header and ends with the ICRC.

    Raises:
        WireError: a device would drop it; ``reason`` says why.
    """
    reason, fields, sgid, dgid, payload = _native.wire_parse(ip_packet, check_icrc)
    if reason:
        raise WireError(reason, f"packet of {len(ip_packet)} bytes: {reason}")
    flags = fields.pop("bth_flags")
    bits: dict[str, Any] = {name: bool(flags & bit) for name, bit in _FLAG_BITS.items()}
    return Packet(src=_address(sgid), dst=_address(dgid), payload=payload, **(bits | fields))


def build(packet: Packet) -> bytes:
    """Return the bytes from the IP header to the ICRC.

    Raises:
        CallerError: a value does not fit its field, or the opcode has no such packet.
    """
    fields = {name: int(getattr(packet, name)) for name in FIELD_BITS}
    for name, bits in FIELD_BITS.items():
        if not 0 <= fields[name] < 1 << bits:
            raise CallerError(f"packet: {name} {fields[name]} does not fit {bits} bits")
    if packet.opcode not in OPCODES:
        raise CallerError(f"packet: opcode {packet.opcode:#x} is not valid")
    if packet.src.version != packet.dst.version:
        raise CallerError(f"packet: {packet.src} and {packet.dst} are of two families")
    for address in (packet.src, packet.dst):
        if address.version == 6 and address.ipv4_mapped:
            raise CallerError(f"packet: {address} must be given as the IPv4 address that it is")
    if packet.payload and not OPCODES[packet.opcode].has_payload:
        raise CallerError(f"packet: {packet.name} carries no payload, got {len(packet.payload)} bytes")
    fields["bth_flags"] = sum(bit for name, bit in _FLAG_BITS.items() if getattr(packet, name))
    return _native.wire_build(fields, _gid(packet.src), _gid(packet.dst), packet.payload)


def icrc(ip_packet: bytes) -> int:
    """Return the ICRC that ``ip_packet`` should end with (four bytes, little-endian), whatever it ends with now.

    Raises:
        WireError: it is too short to have one.
    """
    value = _native.wire_icrc(ip_packet)
    if value is None:
        raise WireError("drop_truncated", f"packet of {len(ip_packet)} bytes: too short for an ICRC")
    return value
