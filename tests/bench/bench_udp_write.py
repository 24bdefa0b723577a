"""64 KiB RDMA writes over UDP loopback between two processes, beside a raw GSO/GRO loop and iperf3 in the same run.

Gigabits per CPU-second, both sides' CPU added: the share of the machine that a transfer costs. Engine and raw loops
alternate, and the ratio is the median over pairs, because the machine's speed drifts.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import time
from typing import Any

from tests.bench.machine import measure, programs, report, spread

ROUNDS = 5
SECONDS = "1"
MODES = {
    "engine": ("engine",),
    "raw": ("raw",),
    "raw and place": ("raw", "place"),
    "same datagrams": ("same",),
    "same datagrams and place": ("same", "place"),
}


def free_port() -> int:
    """Return a TCP port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def iperf3(*arguments: str) -> dict[str, Any] | None:
    """Return iperf3's own figure for one second on loopback, CPU of both sides added; None: it is not installed."""
    if not shutil.which("iperf3"):
        return None
    port = str(free_port())
    before = os.times()
    server = subprocess.Popen(["iperf3", "-s", "-1", "-p", port], stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    command = ["iperf3", "-c", "127.0.0.1", "-p", port, "-t", SECONDS, "-J", *arguments]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=30)
        server.wait(10)
    finally:
        server.kill()
        server.wait()
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    end = json.loads(done.stdout).get("end", {})
    received = end.get("sum_received") or end.get("sum", {})
    gbits = received.get("bytes", 0) * 8e-9 * (1 - received.get("lost_percent", 0) / 100)
    return {
        "command": " ".join(command),
        "gbit_per_cpu_s": round(gbits / cpu_s, 3) if cpu_s else None,
        "cpu_s": round(cpu_s, 3),
        "lost_percent": received.get("lost_percent", 0),
    }


def main() -> None:
    """Print the figures."""
    programs()
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in MODES}
    for _ in range(ROUNDS):
        for name, (mode, *more) in MODES.items():
            runs[name].append(measure("bench_udp_write", mode, SECONDS, *more))
    figures = {name: [run["gbit_per_cpu_s"] for run in of] for name, of in runs.items()}
    report(
        unit="Gb/s per CPU-second, both sides",
        targets={"engine / raw": 0.55},
        ratio={
            f"engine / {name}": round(statistics.median(e / r for e, r in zip(figures["engine"], of, strict=True)), 3)
            for name, of in figures.items()
            if name != "engine"
        },
        **{name: {**of[-1], "gbit_per_cpu_s": spread(figures[name])} for name, of in runs.items()},
        iperf3_tcp=iperf3(),
        iperf3_udp=iperf3("-u", "-b", "0", "-l", "61440"),
    )


if __name__ == "__main__":
    main()
