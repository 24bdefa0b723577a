import struct
from pathlib import Path

import pytest

from datapath.errors import CallerError
from datapath.pcapfile import Frame, read_capture, write_capture

FRAMES = [Frame(b"\x01" * 60, 1_700_000_000_123_456_789, 0), Frame(b"\x02\x03\x04", 1_700_000_001_000_000_001, 1)]


def test_pcapng_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    write_capture(path, FRAMES, ["port 3", "port 7"])
    assert read_capture(path) == FRAMES


def test_pcap_comes_back_without_interfaces(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    write_capture(path, FRAMES)
    assert read_capture(path) == [Frame(f.data, f.ts_ns) for f in FRAMES]


def test_scapy_reads_both(tmp_path: Path) -> None:
    scapy = pytest.importorskip("scapy.utils")
    for name in ("a.pcap", "a.pcapng"):
        write_capture(tmp_path / name, FRAMES, ["a", "b"])
        found = scapy.rdpcap(str(tmp_path / name))
        assert [bytes(p) for p in found] == [f.data for f in FRAMES]
        assert int(found[0].time * 1_000_000) == FRAMES[0].ts_ns // 1000


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_pcap_of_any_byte_order_and_unit(tmp_path: Path, order: str, magic: int, unit: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(
        struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 1) + struct.pack(order + "IIII", 5, 7, 2, 2) + b"ab"
    )
    assert read_capture(path) == [Frame(b"ab", 5_000_000_000 + 7 * unit)]


def block(order: str, kind: int, body: bytes) -> bytes:
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


@pytest.mark.parametrize(
    ("option", "ns"),
    [(b"", 2000), (b"\x03", 2_000_000), (b"\x09", 2), (b"\x81", 1_000_000_000)],
)
def test_pcapng_of_the_other_byte_order_with_any_unit(tmp_path: Path, option: bytes, ns: int) -> None:
    path = tmp_path / "x"
    options = struct.pack(">HH", 9, 1) + option + bytes(3) if option else b""
    path.write_bytes(
        block(">", 0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1))
        + block(">", 1, struct.pack(">HHI", 1, 0, 0) + options)
        + block(">", 0x0BAD, b"1234")
        + block(">", 6, struct.pack(">IIIII", 0, 0, 2, 3, 3) + b"abc\0")
        + block(">", 3, struct.pack(">I", 2) + b"de\0\0")
    )
    assert read_capture(path) == [Frame(b"abc", ns), Frame(b"de")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xd4\xc3",
        b"hello world, this is no capture",
        b"\xd4\xc3\xb2\xa1" + bytes(10),
        b"\xd4\xc3\xb2\xa1" + bytes(20) + bytes(5),
        b"\xd4\xc3\xb2\xa1" + bytes(20) + struct.pack("<IIII", 0, 0, 9, 9) + b"abc",
        b"\xd4\xc3\xb2\xa1" + bytes(20) + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 9),
        block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + b"\x06\0\0\0",
        block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block("<", 6, bytes(20)),
        block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block("<", 6, b"ab"),
        block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + struct.pack("<II", 6, 0) + bytes(8),
        block("<", 0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + struct.pack("<II", 6, 999) + bytes(8),
    ],
)
def test_what_is_no_capture(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(CallerError, match=str(path)):
        read_capture(path)
