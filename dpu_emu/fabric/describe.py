"""A topology and a port's headroom in a few lines, for people."""

from typing import Any

import numpy as np

from datapath.errors import CallerError
from dpu_emu.fabric import units
from dpu_emu.fabric.buffers import cable_ps, headroom_bytes, response_ps, sonic_xoff_bytes
from dpu_emu.fabric.svg import topology_picture
from dpu_emu.fabric.topology import Topology
from dpu_emu.fabric.units import Quantity

__all__ = ["describe", "headroom_facts", "picture"]


def describe(topology: Topology) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return rows of nodes by tier, and of links by rate, delay and the tiers they join."""
    tiers = []
    for tier in np.unique(topology.tier).tolist():
        nodes = np.flatnonzero(topology.tier == tier)
        names = [topology.names[i] for i in nodes.tolist()]
        shown = ", ".join(names[:3]) + (f", ... {names[-1]}" if len(names) > 3 else "")
        tiers.append({"tier": tier, "what": "hosts" if tier == 0 else "switches", "count": len(names), "names": shown})
    kinds: dict[tuple[int, int, int, int], int] = {}
    for link in topology.links:
        ends = sorted((int(topology.tier[int(link["a"])]), int(topology.tier[int(link["b"])])))
        key = (ends[0], ends[1], int(link["rate_bps"]), int(link["delay_ps"]))
        kinds[key] = kinds.get(key, 0) + 1
    links = [
        {
            "tiers": f"{low}-{high}",
            "count": count,
            "rate": units.show(rate, Quantity.RATE),
            "delay": units.show(delay, Quantity.TIME),
        }
        for (low, high, rate, delay), count in sorted(kinds.items())
    ]
    return tiers, links


def picture(topology: Topology) -> str:
    """Return the topology as an SVG file; a note when it is too large to draw."""
    style = "<style>text{font:11px sans-serif}</style>"
    drawn = topology_picture(topology) or '<svg viewBox="0 0 400 40"><text x="10" y="24">too many nodes</text></svg>'
    head, rest = drawn.split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg">{style}{rest}'


def headroom_facts(speed: str, length: str, mtu: str, cell: str) -> dict[str, Any]:
    """Return what a port needs after Xoff, and of what it is made."""
    rate = units.parse(speed, Quantity.RATE)
    metres = units.parse(length, Quantity.LENGTH)
    delay = cable_ps(metres)
    wire, cell_bytes = units.parse(mtu, Quantity.SIZE), units.parse(cell, Quantity.SIZE)
    if not rate or not wire or not cell_bytes:
        raise CallerError(f"headroom: speed {speed}, mtu {mtu} and cell {cell} must be above 0")
    response = response_ps(rate)
    return {
        "speed": units.show(rate, Quantity.RATE),
        "length": length,
        "response_bytes": rate * response // (8 * 10**12),
        "round_trip_bytes": rate * 2 * delay // (8 * 10**12),
        "two_packets_bytes": 2 * wire,
        "headroom_bytes": headroom_bytes(rate, delay, wire, response, cell_bytes=cell_bytes),
        "sonic_bytes": sonic_xoff_bytes(rate, metres, wire, cell_bytes=cell_bytes, small_share=1.0 * (cell_bytes > 1)),
    }
