"""Reading captures in tests, by scapy's readers: pcap and pcapng, Ethernet, VLAN tags, padded short frames."""

import struct
from collections.abc import Iterator
from pathlib import Path

from scapy.utils import RawPcapReader

GOLDEN = Path(__file__).parent / "golden" / "rxe"


def frames(path: Path) -> Iterator[bytes]:
    """Each frame of a capture."""
    with RawPcapReader(str(path)) as reader:
        for frame, _ in reader:
            yield frame


def ip_packet(frame: bytes) -> bytes | None:
    """The IP packet in an Ethernet frame, without the frame's padding; None when there is none."""
    at, kind = 14, frame[12:14]
    while kind in (b"\x81\x00", b"\x88\xa8"):
        at, kind = at + 4, frame[at + 2 : at + 4]
    if kind == b"\x08\x00":
        return frame[at : at + struct.unpack_from(">H", frame, at + 2)[0]]
    if kind == b"\x86\xdd":
        return frame[at : at + 40 + struct.unpack_from(">H", frame, at + 4)[0]]
    return None


def is_roce(ip: bytes) -> bool:
    """Whether an IP packet goes to UDP port 4791."""
    protocol, at = (ip[9], 20) if ip[0] >> 4 == 4 else (ip[6], 40)
    return protocol == 17 and ip[at + 2 : at + 4] == (4791).to_bytes(2)


def roce_packets(path: Path) -> list[bytes]:
    """The RoCEv2 packets of a capture, from the IP header on."""
    found = (ip_packet(frame) for frame in frames(path))
    return [ip for ip in found if ip is not None and is_roce(ip)]
