"""Python's view of a node's shared memory is C's."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from datapath.errors import DpuError
from rdma_verbs.agent import shm
from rdma_verbs.agent.group import steering_program

CSRC = Path(__file__).resolve().parents[3] / "datapath/csrc"


@pytest.fixture
def memory() -> Iterator[shm.NodeMemory]:
    fd = shm.create_memfd(4)
    view = shm.NodeMemory(fd, fresh=True)
    yield view
    view.close()
    os.close(fd)


def test_offsets_are_those_that_c_asserts() -> None:
    text = (CSRC / "port_udp_credit.c").read_text(encoding="utf-8")
    in_c = {name: int(offset) for offset, name in re.findall(r'== (\d+), "((?:hdr|sender|slot)\.\w+)"\)', text)}
    ours = {
        f"{struct}.{name}": offset
        for struct, table in (("hdr", shm.HDR), ("sender", shm.SENDER), ("slot", shm.SLOT))
        for name, offset in table.items()
        if (struct, name) != ("sender", "pid")
    }
    assert in_c
    assert in_c == ours


def test_constants_are_those_of_the_header() -> None:
    text = (CSRC / "node_shm.h").read_text(encoding="utf-8")
    in_c = {name: int(value, 0) for name, value in re.findall(r"#define DP_NODE_(\w+)\s+(\w+?)u?\b", text)}
    names = ("MAGIC", "VERSION", "SENDERS", "SENDERS_OFF", "SENDER_BYTES", "SLOTS_OFF", "SLOT_BYTES")
    for name in (*names, "COUNTERS", "QPS", "QP_WORDS"):
        assert in_c[name] == getattr(shm, name), name


# The same table stands in tests/c/test_port_udp_credit.c.
@pytest.mark.parametrize(
    ("length", "segments", "bytes_"),
    [
        (0, 1, 1408),
        (512, 1, 1408),
        (513, 1, 2432),
        (4112, 1, 8576),
        (15360, 1, 16768),
        (15361, 1, 16641),
        (62000, 15, 63280),
        (32, 2, 1312),
    ],
)
def test_estimate_is_the_one_of_c(length: int, segments: int, bytes_: int) -> None:
    assert shm.credit_estimate(length, segments) == bytes_
    assert shm.credit_estimate(length, segments, 64) == bytes_ + 64


def test_words_are_where_they_were_put(memory: shm.NodeMemory) -> None:
    memory.set_slot(2, "limit", 2**64 - 1)
    memory.set_hdr("closed", 1)
    memory.gid = bytes(range(16))
    assert memory.slot(2, "limit") == 2**64 - 1
    assert (memory.slot(1, "limit"), memory.slot(3, "limit")) == (0, 0)
    assert (memory.hdr("closed"), memory.hdr("nslots"), memory.hdr("credit_extra")) == (1, 4, 0)
    assert memory.gid == bytes(range(16))


def test_dead_sender_has_nothing_pending(memory: shm.NodeMemory) -> None:
    for sender, value in ((0, 5), (7, 70), (255, 900)):
        first = shm.SENDERS_OFF + sender * shm.SENDER_BYTES + shm.SENDER["pending"]
        memory.map[first + 4 * 3 : first + 4 * 3 + 4] = value.to_bytes(4, "little")
    assert memory.pending(3) == 975
    assert memory.pending(2) == 0
    memory.clear_pending(7)
    assert memory.pending(3) == 905


def test_a_new_sender_is_told_to_the_receivers(memory: shm.NodeMemory) -> None:
    before = memory.hdr("senders_epoch")
    memory.set_sender(9, 4242, 17, b"x" * 16)
    assert memory.hdr("senders_epoch") == before + 1
    assert (memory.sender(9, "pid"), memory.sender(9, "start"), memory.sender_gid(9)) == (4242, 17, b"x" * 16)


def test_other_memory_is_refused(tmp_path: Path) -> None:
    loose = os.memfd_create("x", os.MFD_CLOEXEC)
    os.ftruncate(loose, shm.SLOTS_OFF + shm.SLOT_BYTES)
    blank = shm.create_memfd(2)
    for fd in (loose, blank):
        with pytest.raises(DpuError, match="node memory"):
            shm.NodeMemory(fd)
        os.close(fd)


def run_program(program: list[tuple[int, int, int, int]], payload: bytes) -> int:
    """A classic BPF machine with the instructions that we use."""
    a = pc = 0
    while True:
        code, jt, jf, k = program[pc]
        pc += 1
        if code == 0x80:
            a = len(payload)
        elif code == 0x30:
            a = payload[k]
        elif code == 0x35:
            pc += jt if a >= k else jf
        elif code == 0x16:
            return a
        else:
            assert code == 0x06
            return k


@pytest.mark.parametrize(
    ("payload", "slot"),
    [
        (b"", 0),
        (bytes(5) + b"\x03" + bytes(5), 0),
        (bytes(5) + b"\x03" + bytes(6), 3),
        (bytes(5) + b"\x07\xff\xff" + bytes(100), 7),
        (bytes(5) + b"\x08\x00\x00" + bytes(100), 0),
        (bytes(5) + b"\xff\xff\xff" + bytes(100), 0),
        (bytes(5) + b"\x00\x00\x01" + bytes(100), 0),
    ],
)
def test_steering(payload: bytes, slot: int) -> None:
    assert run_program(steering_program(8), payload) == slot
