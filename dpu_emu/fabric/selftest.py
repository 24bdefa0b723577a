"""Does the simulator listen? Each knob of congestion must change what comes out, and nothing else must."""

from typing import Any

from dpu_emu.fabric.plan import make_plan
from dpu_emu.fabric.run import run
from dpu_emu.fabric.scenario import loads

__all__ = ["KNOBS", "selftest"]

_BASE = """
name: selftest
seed: 3
topology: {kind: star, hosts: 5, rate: 40Gb/s, delay: 1us}
hosts: {mtu: 1024, cc: {preset: paper}}
switches: {classes: {3: {alpha: 0.125, kmin: 5kB, kmax: 200kB, pmax: 1%}}}
workload: [{kind: incast, senders: 4, size: 15MB}]
"""

# What is changed -> by which words of the file.
KNOBS: dict[str, tuple[str, str]] = {
    "dcqcn off": ("{preset: paper}", "{algorithm: none}"),
    "preset": ("preset: paper", "preset: nvidia"),
    "R_AI": ("preset: paper", "preset: paper, parameters: {R_AI: 400}"),
    "g": ("preset: paper", "preset: paper, parameters: {g: 0.0625}"),
    "alpha timer": ("preset: paper", "preset: paper, parameters: {K: 5}"),
    "increase timer": ("preset: paper", "preset: paper, parameters: {T: 300}"),
    "byte counter": ("preset: paper", "preset: paper, parameters: {B: 100000}"),
    "CNP interval": ("preset: paper", "preset: paper, parameters: {N: 4}"),
    "kmin": ("kmin: 5kB", "kmin: 100kB"),
    "kmax": ("kmax: 200kB", "kmax: 20kB"),
    "pmax": ("pmax: 1%", "pmax: 50%"),
    "marking at enqueue": ("pmax: 1%", "pmax: 1%, ecn: enqueue"),
    "Xoff": ("alpha: 0.125", "alpha: 0, xoff: 20kB"),
    "CNP delay": ("mtu: 1024", "mtu: 1024, cnp_delay: 20us"),
    "seed": ("seed: 3", "seed: 4"),
}


def _outcome(text: str) -> str:
    return run(make_plan(loads(text))).hash


def selftest() -> list[dict[str, Any]]:
    """Return a row for each knob, with the outcome's hash and whether it is as it should be."""
    base = _outcome(_BASE)
    again = _outcome(_BASE)
    rows: list[dict[str, Any]] = [{"check": "same again", "hash": again, "ok": again == base}]
    for name, (old, new) in KNOBS.items():
        assert old in _BASE
        found = _outcome(_BASE.replace(old, new))
        rows.append({"check": name, "hash": found, "ok": found != base})
    return rows
