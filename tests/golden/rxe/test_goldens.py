"""The captures themselves: listed, small, and nothing in them but packets with a right ICRC.

The ICRC here is a few lines of its own, so that the engine's is judged by packets
that another implementation made and a third one checked.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.rxe.bench import roce_bth
from tests.golden.rxe.scenarios import SCENARIOS

HERE = Path(__file__).resolve().parent
CAPTURES = sorted(HERE.glob("*.pcap"))
LIMIT_BYTES = 30_000


def frames(capture: Path) -> Iterator[bytes]:
    data = capture.read_bytes()
    assert data[:4] == b"\xd4\xc3\xb2\xa1"
    offset = 24
    while offset < len(data):
        (length,) = struct.unpack_from("<I", data, offset + 8)
        yield data[offset + 16 : offset + 16 + length]
        offset += 16 + length


def icrc(frame: bytes) -> bytes:
    """Return the ICRC that belongs at a frame's end (IBTA Annex A17.4.8: variant fields count as ones)."""
    covered = bytearray(frame[14:-4])
    if covered[0] >> 4 == 4:
        udp = 20
        covered[1] = covered[8] = 0xFF  # TOS, TTL
        covered[10:12] = b"\xff\xff"  # header checksum
    else:
        udp = 40
        covered[0] |= 0x0F  # traffic class and flow label
        covered[1:4] = b"\xff\xff\xff"
        covered[7] = 0xFF  # hop limit
    covered[udp + 6 : udp + 8] = b"\xff\xff"  # UDP checksum
    covered[udp + 12] = 0xFF  # BTH: FECN, BECN, reserved
    return struct.pack("<I", zlib.crc32(b"\xff" * 8 + covered))


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_only_roce_packets_with_a_right_icrc(capture: Path) -> None:
    assert capture.stat().st_size <= LIMIT_BYTES
    seen = list(frames(capture))
    assert seen
    for frame in seen:
        assert roce_bth(frame) is not None
        assert frame[-4:] == icrc(frame)


def test_every_capture_is_in_the_readme() -> None:
    readme = (HERE / "README.md").read_text()
    assert [path.stem for path in CAPTURES if f"`{path.stem}`" not in readme] == []


def test_every_scenario_has_its_capture_and_outcome() -> None:
    outcomes = json.loads((HERE / "outcomes.json").read_text())
    assert list(outcomes) == sorted(scenario.name for scenario in SCENARIOS)
    for scenario in SCENARIOS:
        assert (HERE / f"{scenario.name}.pcap").exists()
        assert outcomes[scenario.name]["what"] == scenario.what
