"""One rank of a ring, run by the system's Python with mpi4py: messages of all protocols, one-sided access, a reduction.

Every rank sends to the next what only it can have made, and checks what it gets from the one before.
"""

from mpi4py import MPI  # type: ignore[import-not-found, unused-ignore]

SIZES = (0, 1, 1000, 8192, 65_536, 1 << 20)


def pattern(rank: int, length: int) -> bytes:
    """Return bytes that tell the rank and their place."""
    return bytes((rank * 31 + i * 7 + length) % 251 for i in range(251)) * (length // 251 + 1)


def main() -> None:
    """Play the ring; an assertion fails when a byte differs."""
    comm = MPI.COMM_WORLD
    rank, size = comm.Get_rank(), comm.Get_size()
    after, before = (rank + 1) % size, (rank - 1) % size
    for length in SIZES:
        got = bytearray(length)
        comm.Sendrecv([pattern(rank, length)[:length], MPI.BYTE], after, 0, [got, MPI.BYTE], before)
        assert got == pattern(before, length)[:length], length
    assert comm.allreduce(rank + 1) == size * (size + 1) // 2
    mine = bytearray(65_536)
    window = MPI.Win.Create(mine, comm=comm)
    window.Fence()
    window.Put([pattern(rank, len(mine))[: len(mine)], MPI.BYTE], after)
    window.Fence()
    assert mine == pattern(before, len(mine))[: len(mine)]
    window.Free()
    print(f"rank {rank} of {size} is content", flush=True)


main()
