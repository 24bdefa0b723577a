"""The capture that `dpu-emu demo` leaves behind holds the file: its distinct RDMA WRITE payload bytes are the file's.

dpu-emu demo --file F --out D -> D/loss.pcapng -> our parser -> WRITE packets by PSN -> bytes by address == F
                                               -> tshark    ->
"""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dpu_emu.demo import node_address
from rdma_verbs import wire
from rdma_verbs.wire import OPCODES, Header
from tests import captures, dissect

FILE_BYTES = 3_000_001  # the last packet has pad
TARGET = node_address(2)
# RC RDMA WRITE: First, Middle, Last, Last with Immediate, Only, Only with Immediate.
WRITES = range(0x06, 0x0C)


class Write(NamedTuple):
    """What a WRITE packet carries; ``va`` is -1 without a RETH."""

    psn: int
    va: int
    payload: bytes


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    """The file that the demo moved, and its capture."""
    folder = tmp_path_factory.mktemp("demo")
    data = random.Random(2).randbytes(FILE_BYTES)
    (folder / "file").write_bytes(data)
    argv = [sys.executable, "-m", "control_plane.cli", "demo", "--json", "--loss", "0.02"]
    argv += ["--out", str(folder), "--file", str(folder / "file")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["acts"][1]["retransmitted_pkts"] > 0, "the capture shall hold packets that were sent twice"
    return data, Path(said["capture"])


def by_our_parser(path: Path) -> Iterator[Write]:
    for ip in captures.roce_packets(path):
        packet = wire.parse(ip)
        if packet.opcode in WRITES and str(packet.dst) == TARGET:
            has_reth = OPCODES[packet.opcode].headers & Header.RETH
            yield Write(packet.psn, packet.va if has_reth else -1, packet.payload)


def by_tshark(path: Path) -> Iterator[Write]:
    names = ["infiniband.bth.psn", "infiniband.bth.padcnt", "infiniband.reth.va", "data.data"]
    argv = [
        "tshark",
        "-n",
        "-r",
        str(path),
        "-T",
        "fields",
        "-Y",
        f"ip.dst == {TARGET} && infiniband.bth.opcode in {{6..11}}",
    ]
    argv += [word for name in names for word in ("-e", name)]
    argv += [word for name in dissect.GUESSERS for word in ("--disable-protocol", name)]
    for line in subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines():
        psn, pad, va, payload = line.split("\t")
        padded = bytes.fromhex(payload)
        yield Write(int(psn, 0), int(va, 0) if va else -1, padded[: len(padded) - int(pad, 0)])


def assembled(writes: Iterable[Write]) -> bytes:
    """The bytes that the packets write, from the lowest address on; each PSN counts once, and none may be missing."""
    found: dict[int, Write] = {}
    copies = 0
    for write in writes:
        assert found.setdefault(write.psn, write) == write, f"PSN {write.psn:#x} came with two contents"
        copies += 1
    assert copies > len(found), "nothing was sent twice"
    # The one PSN without a predecessor is the first: PSNs are a circle.
    [psn] = [psn for psn in found if (psn - 1) % (1 << 24) not in found]
    pieces: list[tuple[int, bytes]] = []
    va = -1
    for _ in range(len(found)):
        write = found[psn]
        va = write.va if write.va >= 0 else va
        pieces.append((va, write.payload))
        va += len(write.payload)
        psn = (psn + 1) % (1 << 24)
    pieces.sort()
    end = pieces[0][0]
    for va, payload in pieces:
        assert va == end, "the pieces neither overlap nor leave a gap"
        end += len(payload)
    return b"".join(payload for _, payload in pieces)


def test_distinct_payload_bytes_are_the_file(demo: tuple[bytes, Path]) -> None:
    data, capture = demo
    assert assembled(by_our_parser(capture)) == data


def test_distinct_payload_bytes_are_the_file_by_tshark(
    demo: tuple[bytes, Path], require_peer: Callable[..., None]
) -> None:
    require_peer("tshark")
    data, capture = demo
    assert assembled(by_tshark(capture)) == data
