import gc
import mmap
import weakref
from array import array
from pathlib import Path

import pytest

from rdma_verbs import CQ, MR, PD, AccessFlags, CallerError, Context, VirtualNet
from rdma_verbs._native import address_of

WRITE = AccessFlags.LOCAL_WRITE
READ = AccessFlags.REMOTE_READ


@pytest.fixture
def pd() -> PD:
    return PD(VirtualNet().pair()[0])


def test_a_bytearray_is_registered_without_a_copy(pd: PD) -> None:
    memory = bytearray(b"abc")
    mr = MR(pd, memory, WRITE)
    mr.write(b"X", offset=1)
    assert memory == b"aXc"
    memory[0] = ord("Y")
    assert mr.read() == b"YXc"
    assert (mr.addr, mr.length) == (address_of(memory), 3)


def test_the_region_pins_the_object_until_closed(pd: PD) -> None:
    memory = bytearray(8)
    mr = MR(pd, memory, WRITE)
    with pytest.raises(BufferError):
        memory.extend(b"x")
    mr.close()
    memory.extend(b"x")


def test_a_forgotten_region_lives_as_long_as_its_domain(pd: PD) -> None:
    class Memory(bytearray):
        pass

    memory = Memory(8)
    gone = weakref.ref(memory)
    MR(pd, memory, WRITE)
    del memory
    gc.collect()
    pd.context.counters()  # what is forgotten is released by the next call into the device
    assert gone() is not None
    pd.close()
    gc.collect()
    assert gone() is None


def test_numpy_arrays_of_any_type_are_bytes(pd: PD) -> None:
    numpy = pytest.importorskip("numpy")
    matrix = numpy.arange(12, dtype=numpy.int64).reshape(3, 4)
    mr = MR(pd, matrix, WRITE)
    assert mr.length == 96
    mr.write((99).to_bytes(8, "little"), offset=8)
    assert matrix[0, 1] == 99
    with pytest.raises(CallerError, match="not contiguous"):
        MR(pd, matrix[:, ::2], WRITE)


def test_arrays_mmaps_and_views_are_taken(pd: PD) -> None:
    anonymous = mmap.mmap(-1, 4096)
    for source, length in ((array("d", [1.0, 2.0]), 16), (anonymous, 4096), (memoryview(bytearray(9))[2:5], 3)):
        mr = MR(pd, source, WRITE)
        assert mr.length == length
    mr.write(b"zz")


def test_a_read_only_object_is_registered_only_for_reading(pd: PD) -> None:
    mr = MR(pd, b"constant", READ)
    assert mr.buf.readonly
    with pytest.raises(CallerError, match="read-only"):
        mr.write(b"x")
    for access in (WRITE, WRITE | AccessFlags.REMOTE_WRITE):
        with pytest.raises(CallerError, match=r"bytes is read-only, access .*LOCAL_WRITE"):
            MR(pd, b"constant", access)


def test_a_file_is_mapped_and_what_is_written_reaches_it(pd: PD, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with MR(pd, path, WRITE) as mr:
        mr.write(b"ab", offset=4)
    assert path.read_bytes() == b"0123ab6789"
    path.chmod(0o400)
    assert MR(pd, str(path), READ).read(3) == b"012"
    (tmp_path / "empty").touch()
    with pytest.raises(CallerError, match="is empty"):
        MR(pd, tmp_path / "empty", READ)
    with pytest.raises(FileNotFoundError):
        MR(pd, tmp_path / "none", READ)


def test_a_length_allocates_zeroed_memory(pd: PD) -> None:
    assert MR(pd, 5000, WRITE).read() == bytes(5000)
    with pytest.raises(CallerError, match="length -1 is negative"):
        MR(pd, -1, WRITE)


def test_a_region_of_no_bytes_is_a_region_however_it_is_made(pd: PD) -> None:
    for source in (0, b"", bytearray(), memoryview(b"")):
        mr = MR(pd, source, READ)
        assert (mr.length, mr.read(), mr.sge().length) == (0, b"", 0)
        with pytest.raises(CallerError, match="are not within its 0"):
            mr.read(1)


def test_addresses_follow_iova_and_zero_based(pd: PD) -> None:
    assert MR(pd, 64, WRITE, iova=0x1000).sge(8, 16).addr == 0x1008
    assert MR(pd, 64, WRITE | AccessFlags.ZERO_BASED).addr == 0
    with pytest.raises(CallerError, match="ZERO_BASED"):
        MR(pd, 64, WRITE | AccessFlags.ZERO_BASED, iova=1)
    for iova in (-1, 1 << 64):
        with pytest.raises(CallerError, match="64-bit"):
            MR(pd, 64, WRITE, iova=iova)
    with pytest.raises(CallerError, match="runs past 2\\^64"):
        MR(pd, 64, WRITE, iova=(1 << 64) - 8)


def test_bounds_are_checked_and_named(pd: PD) -> None:
    mr = MR(pd, 16, WRITE)
    for call in (lambda: mr.read(17), lambda: mr.read(1, -1), lambda: mr.write(b"12", 15), lambda: mr.sge(17)):
        with pytest.raises(CallerError, match="are not within its 16"):
            call()
    assert mr.sge().length == 16


@pytest.mark.parametrize("source", [object(), 1.5, True, None])
def test_what_has_no_memory_is_refused(pd: PD, source: object) -> None:
    with pytest.raises(CallerError, match="MR: "):
        MR(pd, source, WRITE)  # type: ignore[arg-type]


def test_flags_that_contradict_are_refused(pd: PD) -> None:
    with pytest.raises(CallerError, match="without local write"):
        MR(pd, bytearray(8), AccessFlags.REMOTE_WRITE)
    with pytest.raises(CallerError, match="unknown bits"):
        MR(pd, bytearray(8), 1 << 15)


def test_keys_differ_and_a_closed_region_says_so(pd: PD) -> None:
    keys = {MR(pd, 8, WRITE).rkey for _ in range(50)}
    assert len(keys) == 50
    mr = MR(pd, 8, WRITE)
    mr.close()
    mr.close()
    for call in (
        mr.read,
        mr.sge,
        lambda: mr.buf,
        lambda: mr.write(b""),
        lambda: mr.lkey,
        lambda: mr.rkey,
        lambda: mr.addr,
    ):
        with pytest.raises(CallerError, match=r"MR 0x[0-9a-f]{8} is closed"):
            call()
    assert mr.closed
    pd.close()
    with pytest.raises(CallerError, match=r"PD of device .* is closed"):
        MR(pd, 8, WRITE)


def test_queues_take_no_domain() -> None:
    context: Context = VirtualNet().pair()[0]
    assert CQ(context, 10).cqe >= 10
