"""The drop-in over UDP beside Linux's Soft-RoCE in one guest: perftest with the same command lines, by turns.

    guest (QEMU, 2 emulated processors)
    +---------------------------------------------------------------+
    | rxe:    rxe0 ==== veth, MTU 4300 ==== rxe1                    |     tests/e2e/guest/rxe_bench.py
    | ours: [ dpu0 ]=== veth, MTU 4300 ===[ dpu0 ]   two namespaces |
    +---------------------------------------------------------------+

The guest is emulated (TCG), so only ratios mean something. Lines with few messages in flight are there because a
receive buffer holds what they send; without them the ratio is that of losses. Needs root and the lab's image
(`make peers`).
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from dpu_emu.lab.guest import Guest
from dpu_emu.lab.programs import linked_libraries
from dpu_emu.lab.qemu import GuestConfig
from tests.bench.machine import ROOT, report, spread
from tests.peers import missing

MTU_BYTES = 4300
CPUS = 2
TIMEOUT_S = 120
COMMON = ("-F", "-u", "18")  # a timeout of 1 s: no retransmission because the other side had no processor
COMMANDS: dict[str, list[str]] = {
    "ib_write_bw 64 KiB": ["ib_write_bw", *COMMON, "-s", "65536", "-n", "400"],
    "ib_send_bw 4 KiB": ["ib_send_bw", *COMMON, "-s", "4096", "-n", "2000"],
    "ib_write_bw 64 KiB, 2 in flight": ["ib_write_bw", *COMMON, "-s", "65536", "-n", "400", "-t", "2"],
    "ib_send_bw 4 KiB, 16 in flight": ["ib_send_bw", *COMMON, "-s", "4096", "-n", "2000", "-t", "16"],
    "ib_send_lat 8 B": ["ib_send_lat", *COMMON, "-s", "8", "-n", "2000"],
    "ib_write_lat 8 B": ["ib_write_lat", *COMMON, "-s", "8", "-n", "2000"],
    "ib_send_lat 8 B, events": ["ib_send_lat", *COMMON, "-s", "8", "-n", "2000", "-e"],
}
#: What a program needs of our package in the guest; its tests need no more.
_PACKAGES = ("datapath", "rdma_verbs")
_BORROWED = ("cffi", "pyroute2")
_GUEST = ("tests/__init__.py", "tests/e2e/guest/programs.py", "tests/e2e/guest/rxe_bench.py")


def guest_files() -> dict[str, Path]:
    """Return our installation as files of the guest: Python, compiled modules, libraries, and what they link to."""
    site = Path(sysconfig.get_path("platlib"))
    sources = [(base, base / name) for name in _PACKAGES for base in (ROOT, site)]
    sources += [(site, site / name) for name in _BORROWED]
    found = [(base, file) for base, folder in sources for file in folder.rglob("*")]
    found += [(site, file) for file in site.glob("_cffi_backend*.so")]
    found += [(ROOT, ROOT / name) for name in _GUEST]
    files = {}
    for base, file in found:
        if file.is_file() and (file.suffix in (".py", ".pyc", ".so", ".1") or file.name == "rdma"):
            files[f"/lab/{file.relative_to(base)}"] = file
    for file in [file for file in files.values() if file.suffix in (".so", ".1")]:
        ldd = subprocess.run(["ldd", file], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for library in linked_libraries(ldd.stdout):
            files[library if library.startswith("/usr") else f"/usr{library}"] = Path(library)
    return files


def figure(name: str, output: str) -> float:
    """Return the average MB/s of a bandwidth test, the typical (median) us of a latency test."""
    rows = [line.split() for line in output.splitlines()]
    row = [row for row in rows if row and all(re.fullmatch(r"[\d.]+|inf|-?nan", cell) for cell in row)][-1]
    return float(row[3] if "_bw" in name else row[4])


def run_guest(rounds: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the guest's facts and its runs, in their order."""
    plan = {"mtu_bytes": MTU_BYTES, "rounds": rounds, "timeout_s": TIMEOUT_S, "commands": COMMANDS}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(plan, file)
        file.flush()
        config = GuestConfig(
            script="cd /lab && exec python3 -m tests.e2e.guest.rxe_bench plan.json\n",
            name="bench",
            parts=("py",),
            files={**guest_files(), "/lab/plan.json": Path(file.name)},
            cpus=CPUS,
        )
        with Guest(config) as guest:
            code = guest.wait(180 + rounds * len(COMMANDS) * 2 * TIMEOUT_S)
            output = guest.output
    if code:
        raise RuntimeError(f"guest: exit code {code}\n{output}")
    facts, *runs = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    if bad := [run for run in runs if any(run["codes"])]:
        raise RuntimeError(json.dumps(bad[0], indent=2))
    return facts["facts"], runs


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return each command's figures of both kinds, the ratios of neighbouring runs, and where the CPU time went."""
    results: dict[str, Any] = {}
    for name, command in COMMANDS.items():
        of = {kind: [run for run in runs if (run["name"], run["kind"]) == (name, kind)] for kind in ("ours", "rxe")}
        values = {kind: [figure(name, run["output"]) for run in kind_runs] for kind, kind_runs in of.items()}
        cpu = {kind: [sum(run["cpu_s"].values()) for run in kind_runs] for kind, kind_runs in of.items()}
        results[name] = {
            "command": " ".join(command),
            "unit": "MB/s, average" if "_bw" in name else "us, typical",
            "ours / rxe": spread([round(a / b, 3) for a, b in zip(values["ours"], values["rxe"], strict=True)]),
            "ours / rxe, CPU seconds": spread([round(a / b, 2) for a, b in zip(cpu["ours"], cpu["rxe"], strict=True)]),
            **{
                kind: {
                    **spread(values[kind]),
                    "cpu_s": {
                        part: round(statistics.median(run["cpu_s"][part] for run in of[kind]), 2)
                        for part in of[kind][0]["cpu_s"]
                    },
                    "frames": of[kind][-1]["frames"],
                    "counters": of[kind][-1]["counters"],
                }
                for kind in of
            },
        }
    return results


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for peer in ("root", "guest", "qemu", "perftest"):
        if reason := missing(peer):
            print(f"bench_rxe: {reason}", file=sys.stderr)
            report(skipped=reason)
            return
    facts, runs = run_guest(options.rounds)
    report(guest=facts, **summary(runs))


if __name__ == "__main__":
    main()
