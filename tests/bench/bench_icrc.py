"""CRC-32 (the ICRC's) in GB/s of one core: carry-less multiplication and tables, update and copy, memcpy and zlib."""

import time
import zlib

from tests.bench.machine import measure, programs, report


def zlib_gbytes_per_s(length: int, cpu_s: float = 0.05) -> float:
    """Return the speed of zlib.crc32 over buffers of ``length`` bytes; short ones pay for the call from Python."""
    data = bytes(i * 31 & 255 for i in range(length))
    rounds, done = 1 + (1 << 20) // length, 0
    start = time.thread_time()
    while (spent := time.thread_time() - start) < cpu_s or not done:
        for _ in range(rounds):
            zlib.crc32(data)
        done += rounds
    return round(done * length / spent * 1e-9, 3)


def main() -> None:
    """Print the figures."""
    programs()
    ours = measure("bench_icrc")
    report(
        unit="GB/s per core",
        targets={"update at 4096": 12, "update_portable at 4096": 1},
        results={**ours, "zlib": {str(n): zlib_gbytes_per_s(n) for n in (64, 256, 1024, 4096, 16384, 65536)}},
    )


if __name__ == "__main__":
    main()
