"""Programs poll the last bytes of a buffer: who sees them new finds all before them new, too.

local_member.py, 127.15.3.2 ---- WRITEs, the local path or UDP ----> this process, 127.15.3.1, which polls in C
"""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from rdma_verbs import MR, PD, AccessFlags, Context
from tests.integration.local_peer import Peer

HERE, THERE = "127.15.3.1", "127.15.3.2"
ALL = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE
PAGE = 4096
SECONDS = 0.8

# Message n is bytes of value n; the next one comes when this one was looked at. Whoever has read n at the end must find
# nothing else before it.
WATCH = """
#include <stdint.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

void watch(volatile uint8_t *buf, uint64_t size, double seconds, volatile uint64_t *seen, uint64_t out[3])
{
	volatile uint8_t *end = buf + size - 8;
	double until = now() + seconds;
	uint64_t before = 0, last;

	while (now() < until) {
		for (int spin = 0; spin < 4000; spin++) {
			uint8_t value;

			last = *(volatile uint64_t *)end;
			if (last == before)
				continue;
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			value = (uint8_t)last;
			if (last != value * 0x0101010101010101ull) { /* half of it: no program takes that for a message */
				out[2]++;
				continue;
			}
			before = last;
			out[0]++;
			for (uint64_t i = 0; i < size; i++) {
				if (buf[i] != value) {
					out[1]++;
					break;
				}
			}
			__atomic_store_n(seen, *seen + 1, __ATOMIC_RELEASE);
		}
	}
}
"""


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> "ctypes.CDLL":
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler for the program that polls")
    folder: Path = tmp_path_factory.mktemp("watch")
    source = folder / "watch.c"
    source.write_text(WATCH)
    library = folder / "watch.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    found = ctypes.CDLL(str(library))
    found.watch.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p]
    return found


@pytest.mark.parametrize("behind", [False, True], ids=["alone", "behind"])
@pytest.mark.parametrize("transport", ["local", "udp"])
def test_the_last_bytes_are_the_last(watch: "ctypes.CDLL", transport: str, behind: bool) -> None:
    seen, report = 0, []
    peer = Peer(THERE, transport)
    try:
        with Context.open(HERE, transport="local" if transport == "local" else "udp") as context:
            if transport == "local" and context.local is None:
                pytest.skip("processes of this machine may not copy from and to each other")
            pd = PD(context)
            memory = (ctypes.c_uint8 * (32 * PAGE))()
            mr = MR(pd, memory, ALL)
            start = -ctypes.addressof(memory) % PAGE
            for size, offset in ((256, 0), (256, 4093), (1000, 3), (4096, 1), (16384, 13), (65536, 0), (65536, 4091)):
                ctypes.memset(ctypes.addressof(memory), 0, len(memory))
                qp = peer.begin(
                    context, pd, mr, start + offset, do="count", size=size, behind=behind, seconds=SECONDS + 0.2
                )
                out = (ctypes.c_uint64 * 3)()
                seen_at = ctypes.addressof(ctypes.c_uint64.from_buffer(peer.seen.buf))
                watch.watch(ctypes.addressof(memory) + start + offset, size, SECONDS, seen_at, out)
                heard = peer.hear()
                assert heard["status"] == "SUCCESS"
                report.append((size, offset, heard["rounds"], *out))
                seen += out[0]
                qp.close()
    finally:
        peer.close()
    print("size, offset, written, seen, too early, half:", *report, sep="\n")
    assert not any(early for *_, early, _ in report), report
    assert seen > 100, report
