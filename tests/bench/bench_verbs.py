"""Unmodified verbs programs over the drop-in, beside the peers of the field at their best flags, in one run.

Local: perftest between two processes, beside a bare process_vm_writev() ping-pong and UCX over POSIX shared memory.
UDP: perftest beside iperf3 and UCX over TCP, in bandwidth per CPU-second of both sides. Rounds alternate, since the
machine's speed drifts; ratios are medians over the rounds.
"""

import itertools
import json
import os
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rdma_verbs.agent.rundir import Address
from rdma_verbs.launch import Launch, Transport, make_environment
from tests.bench.machine import measure, programs, report, spread
from tests.e2e.pair import wait_for_listener

ROUNDS = 5
NODES = ("127.18.0.1", "127.18.0.2")
_ports = itertools.count(21000)


@dataclass(frozen=True, slots=True)
class Pair:
    """A server and a client that ran to their end."""

    output: str
    cpu_s: float
    wall_s: float
    command: str


def _wait(process: "subprocess.Popen[str]") -> float:
    """Return the CPU seconds of a process at its end."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def pair(
    server: Sequence[str], client: Sequence[str], port: int, environments: tuple[Mapping[str, str], Mapping[str, str]]
) -> Pair:
    """Run both to their end; CPU time is both sides', wall time the client's with its start."""
    first = subprocess.Popen(
        server, env=environments[0], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )
    wait_for_listener(port, first)
    start = time.monotonic()
    second = subprocess.Popen(client, env=environments[1], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert second.stdout is not None
    said = second.stdout.read()
    cpu_s = _wait(second)
    wall_s = time.monotonic() - start
    cpu_s += _wait(first)
    if first.returncode or second.returncode:
        raise RuntimeError(f"{' '.join(client)}: {second.returncode}, server {first.returncode}\n{said}")
    return Pair(said, cpu_s, wall_s, " ".join(client))


def perftest(tool: str, transport: str, *options: str) -> Pair:
    """Run a perftest tool between the two nodes."""
    port = next(_ports)
    argv = [tool, "-F", "-d", "dpu0", "-p", str(port), *options]
    one, two = (make_environment(Launch(Address.parse(node), Transport(transport)), os.environ) for node in NODES)
    return pair(argv, [*argv, "127.0.0.1"], port, (one, two))


def table_row(output: str) -> list[float]:
    """Return the numbers of the last line that has numbers only."""
    rows = [line.split() for line in output.splitlines()]
    numbers = [row for row in rows if row and all(re.fullmatch(r"[\d.]+", cell) for cell in row)]
    return [float(cell) for cell in numbers[-1]]


def write_bw(size: int, transport: str, iterations: int) -> dict[str, Any]:
    """Return bandwidth of RDMA writes: #bytes, #iterations, peak, average Gb/s, message rate."""
    run = perftest("ib_write_bw", transport, "-s", str(size), "-n", str(iterations), "--report_gbits", "-N", "-t", "64")
    gbits = table_row(run.output)[3]
    moved = size * iterations * 8e-9
    return {
        "gigabytes_per_s": gbits / 8,
        "gbit_per_cpu_s": moved / run.cpu_s,
        "cpu_s": run.cpu_s,
        "command": run.command,
    }


def latency(tool: str, transport: str) -> dict[str, Any]:
    """Return the typical and 99th percentile latency of 8 bytes, us."""
    run = perftest(tool, transport, "-s", "8", "-n", "20000", *(("-I", "8") if tool != "ib_read_lat" else ()))
    row = table_row(run.output)
    return {"typical_us": row[4], "average_us": row[5], "p99_us": row[7], "cpu_s": run.cpu_s, "command": run.command}


def ucx(tls: str, test: str, size: int, iterations: int) -> dict[str, Any] | None:
    """Return ucx_perftest's figures over one transport; None: it is not installed."""
    if not shutil.which("ucx_perftest"):
        return None
    port = next(_ports)
    environment = {**os.environ, "UCX_TLS": tls, "UCX_NET_DEVICES": "lo" if tls == "tcp" else "all"}
    base = ["ucx_perftest", "-p", str(port)]
    run = pair(base, [*base, "127.0.0.1", "-t", test, "-s", str(size), "-n", str(iterations)], port, (environment,) * 2)
    final = [line for line in run.output.splitlines() if line.startswith("Final:")][-1].split()
    values = [float(cell) for cell in final[1:]]
    # iterations, percentile or typical, average, overall latency us, bandwidth average and overall MB/s, rates
    return {
        "typical_us": values[1],
        "gigabytes_per_s": values[5] * (1 << 20) / 1e9,
        "gbit_per_cpu_s": size * values[0] * 8e-9 / run.cpu_s,
        "cpu_s": run.cpu_s,
        "command": f"UCX_TLS={tls} {run.command}",
    }


def iperf3() -> dict[str, Any] | None:
    """Return iperf3's TCP figure on loopback; None: it is not installed."""
    if not shutil.which("iperf3"):
        return None
    port = next(_ports)
    base = ["iperf3", "-p", str(port)]
    run = pair([*base, "-s", "-1"], [*base, "-c", "127.0.0.1", "-t", "2", "-J"], port, (os.environ, os.environ))
    received = json.loads(run.output)["end"]["sum_received"]
    return {
        "gigabytes_per_s": received["bits_per_second"] / 8e9,
        "gbit_per_cpu_s": received["bytes"] * 8e-9 / run.cpu_s,
        "cpu_s": run.cpu_s,
        "command": run.command,
    }


def pvm() -> dict[str, Any]:
    """Return the bare ping-pong's figure."""
    done = measure("bench_pvm", "200000")
    return {**done, "average_us": done["half_round_trip_ns"] / 1000}


def bare_bw(size: int, copies: int) -> dict[str, Any]:
    """Return what the kernel alone copies into another process, and what a mapping that both share would bring."""
    return measure("bench_pvm", str(copies), str(size))


FIGURES: dict[str, tuple[Callable[[], dict[str, Any] | None], str]] = {
    "local ib_write_bw 64 KiB": (lambda: write_bw(1 << 16, "local", 100_000), "gigabytes_per_s"),
    "local ib_write_bw 1 MiB": (lambda: write_bw(1 << 20, "local", 10_000), "gigabytes_per_s"),
    "ucx posix put_bw 1 MiB": (lambda: ucx("posix", "ucp_put_bw", 1 << 20, 10_000), "gigabytes_per_s"),
    "local ib_write_lat 8 B": (lambda: latency("ib_write_lat", "local"), "average_us"),
    "local ib_send_lat 8 B": (lambda: latency("ib_send_lat", "local"), "average_us"),
    "local ib_read_lat 8 B": (lambda: latency("ib_read_lat", "local"), "average_us"),
    "process_vm_writev ping-pong 8 B": (
        pvm,
        "average_us",
    ),
    "process_vm_writev 64 KiB": (lambda: bare_bw(1 << 16, 50_000), "process_vm_writev_gigabytes_per_s"),
    "process_vm_writev 1 MiB": (lambda: bare_bw(1 << 20, 5_000), "process_vm_writev_gigabytes_per_s"),
    "shared mapping 64 KiB": (lambda: bare_bw(1 << 16, 50_000), "shared_mapping_gigabytes_per_s"),
    "shared mapping 1 MiB": (lambda: bare_bw(1 << 20, 5_000), "shared_mapping_gigabytes_per_s"),
    "ucx posix put_lat 8 B": (lambda: ucx("posix", "ucp_put_lat", 8, 200_000), "typical_us"),
    "udp ib_write_bw 64 KiB": (lambda: write_bw(1 << 16, "udp", 60_000), "gbit_per_cpu_s"),
    "iperf3 tcp": (iperf3, "gbit_per_cpu_s"),
    "ucx tcp tag_bw 64 KiB": (lambda: ucx("tcp", "tag_bw", 1 << 16, 60_000), "gbit_per_cpu_s"),
    "ucx tcp tag_bw 1 MiB": (lambda: ucx("tcp", "tag_bw", 1 << 20, 6_000), "gbit_per_cpu_s"),
    "udp ib_write_lat 8 B": (lambda: latency("ib_write_lat", "udp"), "average_us"),
    "udp ib_send_lat 8 B": (lambda: latency("ib_send_lat", "udp"), "average_us"),
}
RATIOS = (
    ("local ib_write_bw 1 MiB", "ucx posix put_bw 1 MiB", "at least 1.5"),
    ("local ib_write_lat 8 B", "process_vm_writev ping-pong 8 B", "at most 1.3"),
    ("local ib_send_lat 8 B", "process_vm_writev ping-pong 8 B", "at most 2"),
    ("udp ib_write_bw 64 KiB", "iperf3 tcp", "at least 0.45"),
    ("udp ib_write_bw 64 KiB", "ucx tcp tag_bw 64 KiB", "at least 3"),
    ("udp ib_write_bw 64 KiB", "ucx tcp tag_bw 1 MiB", "at least 3"),
)


def main() -> None:
    """Print the figures."""
    programs()
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in FIGURES}
    for _ in range(ROUNDS):
        for name, (figure, _) in FIGURES.items():
            got = figure()
            if got:
                runs[name].append(got)
    values = {name: [run[FIGURES[name][1]] for run in of] for name, of in runs.items() if of}
    report(
        targets={"local ib_write_bw 64 KiB": "at least 8 GB/s"},
        ratios={
            f"{a} / {b}": {
                "median": round(statistics.median(x / y for x, y in zip(values[a], values[b], strict=True)), 3),
                "target": target,
            }
            for a, b, target in RATIOS
            if a in values and b in values
        },
        **{
            name: {"unit": FIGURES[name][1], **spread([round(v, 3) for v in values[name]]), "last run": of[-1]}
            for name, of in runs.items()
            if of
        },
    )


if __name__ == "__main__":
    main()
