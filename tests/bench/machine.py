"""What every measuring script does: builds the C programs as they ship, runs them, says on what machine."""

import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from datapath.build import build

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench-c"


def facts() -> dict[str, Any]:
    """Return what a figure depends on: CPU, kernel, compiler, version, and how busy the machine was."""
    cpu: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        cpu.setdefault(key.strip(), value.strip())
    flags = cpu.get("flags", "").split()
    ours = build()
    return {
        "cpu": cpu.get("model name", platform.machine()),
        "pclmulqdq": "pclmulqdq" in flags,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load_average": os.getloadavg(),
        "version": ours.version,
        "compiler": ours.compiler,
    }


def programs() -> Path:
    """Return the folder of the programs, built from the sources as they are now."""
    cmake = Path(sys.executable).with_name("cmake")
    command = [str(cmake) if cmake.exists() else "cmake"]
    for step in (
        [*command, "-S", str(ROOT), "-B", str(BUILD), "-DDPU_BENCH=ON", "-DDPU_SANITIZE="],
        [*command, "--build", str(BUILD)],
    ):
        subprocess.run(step, check=True, stdout=subprocess.DEVNULL)
    return BUILD


def measure(name: str, *arguments: str) -> dict[str, Any]:
    """Run one of the programs and return its JSON, with the command line that gave it."""
    done = subprocess.run([str(BUILD / name), *arguments], check=True, stdout=subprocess.PIPE, text=True, timeout=300)
    return {"command": " ".join([f"build/bench-c/{name}", *arguments]), **json.loads(done.stdout)}


def spread(values: list[float]) -> dict[str, float]:
    """Return the median of some runs, and between what they lay."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def report(**results: Any) -> None:
    """Print the results and the machine as one JSON object."""
    print(json.dumps({"machine": facts(), **results}, indent=2))
