"""Captures as files: pcap and pcapng read, pcapng and pcap written. Ethernet frames with nanosecond times.

Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. For a capture of live traffic see
:class:`datapath.port.Capture`.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datapath.errors import CallerError

_SHB, _IDB, _PB, _SPB, _EPB = 0x0A0D0D0A, 1, 2, 3, 6
_ORDER_MAGIC = 0x1A2B3C4D
# The magic number as little-endian: byte order of the file, and nanoseconds in a unit of its times.
_PCAP_MAGIC = {0xA1B2C3D4: ("<", 1000), 0xD4C3B2A1: (">", 1000), 0xA1B23C4D: ("<", 1), 0x4D3CB2A1: (">", 1)}
_ETHERNET = 1
MAX_FRAME_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Frame:
    """A captured frame; ``interface`` counts from 0, and is 0 in a pcap."""

    data: bytes
    ts_ns: int = 0
    interface: int = 0


@dataclass(slots=True)
class _Section:
    """A section of a pcapng: byte order; nanoseconds in a unit (numerator, denominator) of each interface."""

    order: str = "<"
    units: list[tuple[int, int]] = field(default_factory=list)


def read_capture(path: Path) -> list[Frame]:
    """Return the frames of a pcap or pcapng file.

    Raises:
        CallerError: it is neither, or cut off within a frame.
    """
    data = path.read_bytes()
    if len(data) >= 4:
        (magic,) = struct.unpack_from("<I", data)
        if magic in _PCAP_MAGIC:
            return list(_read_pcap(path, data, *_PCAP_MAGIC[magic]))
        if magic == _SHB:
            return list(_read_pcapng(path, data))
    raise CallerError(f"{path}: neither a pcap nor a pcapng file")


def _read_pcap(path: Path, data: bytes, order: str, unit_ns: int) -> Iterator[Frame]:
    if len(data) < 24:
        raise CallerError(f"{path}: its header is cut off at {len(data)} bytes")
    at = 24
    while at < len(data):
        if at + 16 > len(data):
            raise CallerError(f"{path}: cut off within the header of a frame at byte {at}")
        seconds, fraction, length, _ = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if length > MAX_FRAME_BYTES or at + length > len(data):
            raise CallerError(f"{path}: a frame of {length} bytes at byte {at} goes beyond the file or the limit")
        yield Frame(data[at : at + length], seconds * 1_000_000_000 + fraction * unit_ns)
        at += length


def _read_pcapng(path: Path, data: bytes) -> Iterator[Frame]:
    section = _Section()
    at = 0
    while at < len(data):
        if at + 12 > len(data):
            raise CallerError(f"{path}: cut off within a block at byte {at}")
        if struct.unpack_from("<I", data, at)[0] == _SHB:
            section = _Section("<" if struct.unpack_from("<I", data, at + 8)[0] == _ORDER_MAGIC else ">")
        kind, length = struct.unpack_from(section.order + "II", data, at)
        if length < 12 or length % 4 or at + length > len(data):
            raise CallerError(f"{path}: a block of {length} bytes at byte {at} goes beyond the file")
        body = data[at + 8 : at + length - 4]
        frame = None
        try:
            if kind == _IDB:
                section.units.append(_unit(section.order, body))
            elif kind in (_EPB, _PB, _SPB):
                frame = _packet(section, kind, body)
        except (struct.error, IndexError):
            raise CallerError(f"{path}: the block at byte {at} is broken") from None
        if frame is not None:
            yield frame
        at += length


def _unit(order: str, body: bytes) -> tuple[int, int]:
    """The option if_tsresol (9): a power of ten, or of two with the top bit."""
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            break
        if code == 9 and length == 1:
            exponent = body[at + 4]
            return 1_000_000_000, 1 << (exponent & 0x7F) if exponent & 0x80 else 10 ** (exponent & 0x7F)
        at += 4 + (length + 3) // 4 * 4
    return 1000, 1


def _packet(section: _Section, kind: int, body: bytes) -> Frame:
    if kind == _SPB:
        (length,) = struct.unpack_from(section.order + "I", body)
        return Frame(body[4 : 4 + length])
    if kind == _PB:
        interface, _, high, low, captured = struct.unpack_from(section.order + "HHIII", body)
    else:
        interface, high, low, captured = struct.unpack_from(section.order + "IIII", body)
    numerator, denominator = section.units[interface]
    if 20 + captured > len(body):
        raise IndexError
    return Frame(body[20 : 20 + captured], (high << 32 | low) * numerator // denominator, interface)


def write_capture(path: Path, frames: Sequence[Frame], interfaces: Sequence[str] = ("port",)) -> None:
    """Write frames; a name that ends in ``.pcap`` gives a pcap, which knows no interfaces, another a pcapng."""
    if path.suffix == ".pcap":
        parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, MAX_FRAME_BYTES, _ETHERNET)]
        for f in frames:
            seconds, fraction = divmod(f.ts_ns, 1_000_000_000)
            parts += [struct.pack("<IIII", seconds & 0xFFFFFFFF, fraction, len(f.data), len(f.data)), f.data]
    else:
        parts = [_block(_SHB, struct.pack("<IHHq", _ORDER_MAGIC, 1, 0, -1))]
        for name in interfaces:
            options = _option(2, name.encode()[:255]) + _option(9, b"\x09") + _option(0, b"")
            parts.append(_block(_IDB, struct.pack("<HHI", _ETHERNET, 0, MAX_FRAME_BYTES) + options))
        for f in frames:
            head = struct.pack("<IIIII", f.interface, f.ts_ns >> 32, f.ts_ns & 0xFFFFFFFF, len(f.data), len(f.data))
            parts.append(_block(_EPB, head + _pad(f.data)))
    path.write_bytes(b"".join(parts))


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _pad(value)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length
