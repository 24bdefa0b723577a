"""Captures of Linux's Soft-RoCE: every packet parses, its ICRC verifies, building it again gives the same bytes."""

import zlib
from pathlib import Path

import pytest

from rdma_verbs import wire
from tests import captures

FILES = sorted([*captures.GOLDEN.glob("*.pcap"), *captures.GOLDEN.glob("*.pcapng")])


def zlib_icrc(ip: bytes) -> int:
    """The ICRC by IBTA's words and zlib, for comparison with the C code."""
    head = bytearray(ip[:-4])
    if ip[0] >> 4 == 4:
        head[1] = head[8] = head[10] = head[11] = 0xFF
        udp = 20
    else:
        head[0] |= 0x0F
        head[1:4] = b"\xff\xff\xff"
        head[7] = 0xFF
        udp = 40
    head[udp + 6] = head[udp + 7] = head[udp + 12] = 0xFF
    return zlib.crc32(b"\xff" * 8 + head)


def test_there_are_captures() -> None:
    assert len(FILES) >= 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_capture_parses_verifies_and_is_built_again(path: Path) -> None:
    packets = captures.roce_packets(path)
    assert packets
    for number, ip in enumerate(packets):
        packet = wire.parse(ip)
        assert wire.icrc(ip) == zlib_icrc(ip) == int.from_bytes(ip[-4:], "little"), f"packet {number}"
        assert wire.build(packet) == ip, f"packet {number}: {packet}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_capture_with_a_broken_packet_is_noticed(path: Path) -> None:
    for ip in captures.roce_packets(path):
        broken = bytearray(ip)
        broken[-5] ^= 1
        with pytest.raises(wire.WireError) as caught:
            wire.parse(bytes(broken))
        assert caught.value.reason == "drop_bad_icrc"
