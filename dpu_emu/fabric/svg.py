"""Charts as inline SVG: lines, steps, timelines, and the picture of a topology. No script, no font, no other file."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from dpu_emu.fabric.topology import Topology

__all__ = ["Line", "chart", "timeline", "topology_picture"]

Array = npt.NDArray[Any]

# Okabe and Ito: told apart by colour-blind readers.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#000000")
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 860, 300, 74, 16, 12, 44
_POINTS = 700
_NODES_DRAWN = 420


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of a chart."""

    label: str
    x: Array
    y: Array


def _ticks(low: float, high: float, want: int = 6) -> list[float]:
    span = high - low or 1.0
    raw = span / want
    step = 10.0 ** np.floor(np.log10(raw))
    step *= next(m for m in (1, 2, 5, 10) if m * step >= raw)
    first = np.ceil(low / step - 1e-9) * step
    return [float(first + i * step) for i in range(int((high - first) / step + 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:,.6g}".replace(",", "\u2009")


def _thin(x: Array, y: Array) -> tuple[Array, Array]:
    """Keep of each bucket of points the lowest and the highest, so that peaks stay."""
    if len(x) <= _POINTS:
        return x, y
    keep = []
    for part in np.array_split(np.arange(len(x)), _POINTS // 2):
        keep += sorted({int(part[np.argmin(y[part])]), int(part[np.argmax(y[part])])})
    return x[keep], y[keep]


def _frame(x_ticks: list[float], y_ticks: list[float], sx: Any, sy: Any, x_label: str, y_label: str) -> list[str]:
    out = []
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for v in y_ticks:
        out.append(f'<line class="g" x1="{_LEFT}" x2="{right}" y1="{sy(v):.1f}" y2="{sy(v):.1f}"/>')
        out.append(f'<text x="{_LEFT - 8}" y="{sy(v) + 4:.1f}" text-anchor="end">{_number(v)}</text>')
    for v in x_ticks:
        out.append(f'<line class="g" x1="{sx(v):.1f}" x2="{sx(v):.1f}" y1="{_TOP}" y2="{bottom}"/>')
        out.append(f'<text x="{sx(v):.1f}" y="{bottom + 16}" text-anchor="middle">{_number(v)}</text>')
    middle = (_LEFT + right) / 2
    out.append(f'<text class="l" x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>')
    out.append(
        f'<text class="l" transform="translate(14,{(_TOP + bottom) / 2:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )
    return out


def chart(
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    marks: Sequence[tuple[float, str]] = (),
    log_x: bool = False,
    steps: bool = False,
) -> str:
    """Return a chart; ``marks`` are horizontal lines with a name."""
    lines = [line for line in lines if len(line.x)]
    if not lines:
        return ""
    xs = np.concatenate([line.x for line in lines]).astype(float)
    top = max([float(np.max(line.y)) for line in lines] + [m for m, _ in marks]) or 1.0
    if log_x:
        xs = np.log10(np.maximum(xs, 1e-3))
    low, high = float(xs.min()), float(xs.max())
    high = high if high > low else low + 1
    y_ticks = _ticks(0, top * 1.05)

    def sx(v: float) -> float:
        return _LEFT + (v - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def sy(v: float) -> float:
        return _HEIGHT - _BOTTOM - v / (top * 1.05) * (_HEIGHT - _TOP - _BOTTOM)

    legend = -(-len(lines) // 4) * 18 if len(lines) > 1 else 0
    out = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + legend}" role="img">']
    if log_x:
        powers = [float(p) for p in range(int(np.ceil(low - 1e-9)), int(high + 1e-9) + 1)]
        plain = _frame([], y_ticks, sx, sy, x_label, y_label)
        for p in powers if len(powers) > 1 else [low, high]:
            plain.append(f'<line class="g" x1="{sx(p):.1f}" x2="{sx(p):.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
            plain.append(
                f'<text x="{sx(p):.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{_number(10**p)}</text>'
            )
        out += plain
    else:
        out += _frame(_ticks(low, high), y_ticks, sx, sy, x_label, y_label)
    for value, name in marks:
        out.append(f'<line class="m" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{sy(value):.1f}" y2="{sy(value):.1f}"/>')
        out.append(f'<text x="{_WIDTH - _RIGHT - 4}" y="{sy(value) - 4:.1f}" text-anchor="end">{escape(name)}</text>')
    for i, line in enumerate(lines):
        colour = _COLOURS[i % len(_COLOURS)]
        x, y = _thin(line.x.astype(float), line.y.astype(float))
        if log_x:
            x = np.log10(np.maximum(x, 1e-3))
        points = [(sx(a), sy(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
        for (_, before), (px, py) in itertools.pairwise(points):
            path += f"H{px:.1f}V{py:.1f}" if steps and before != py else f"L{px:.1f},{py:.1f}"
        dash = ' stroke-dasharray="6 3"' if i >= len(_COLOURS) else ""
        out.append(
            f'<path fill="none" stroke="{colour}" stroke-width="1.5"{dash} d="{path}">'
            f"<title>{escape(line.label)}</title></path>"
        )
        if legend:
            lx, ly = _LEFT + (i % 4) * 196, _HEIGHT + (i // 4) * 18 + 8
            out.append(f'<rect x="{lx}" y="{ly - 8}" width="14" height="4" fill="{colour}"/>')
            out.append(f'<text x="{lx + 20}" y="{ly - 2}">{escape(line.label[:28])}</text>')
    return "".join([*out, "</svg>"])


def timeline(rows: Sequence[tuple[str, Sequence[tuple[float, float]]]], *, end: float, x_label: str) -> str:
    """Return bars over time, a row for each name; bars closer than a pixel are drawn as one."""
    if not rows:
        return ""
    left, height = 190, 20 * len(rows) + 40
    pixel = (end or 1) / (_WIDTH - left - _RIGHT)
    out = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">']
    for v in _ticks(0, end):
        x = left + v / pixel
        out.append(f'<line class="g" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{height - 34}"/>')
        out.append(f'<text x="{x:.1f}" y="{height - 20}" text-anchor="middle">{_number(v)}</text>')
    out.append(f'<text class="l" x="{(left + _WIDTH) / 2}" y="{height - 4}" text-anchor="middle">{x_label}</text>')
    for i, (name, bars) in enumerate(rows):
        y = 20 * i + 6
        out.append(f'<text x="{left - 8}" y="{y + 11}" text-anchor="end">{escape(name)}</text>')
        merged: list[list[float]] = []
        for a, b in bars:
            if merged and a - merged[-1][1] < pixel:
                merged[-1][1] = max(b, merged[-1][1])
            else:
                merged.append([a, b])
        for a, b in merged:
            width = max((b - a) / pixel, 0.6)
            out.append(
                f'<rect x="{left + a / pixel:.1f}" y="{y}" width="{width:.1f}" height="13" fill="{_COLOURS[1]}">'
                f"<title>{escape(name)}: {_number(a)} to {_number(b)}</title></rect>"
            )
    return "".join([*out, "</svg>"])


def _places(topology: Topology) -> tuple[dict[int, tuple[float, float]], int]:
    """Return x from 0 to 1 and the row of each node: sites side by side, in each a row for each tier."""
    tiers = int(topology.tier.max())
    sites = sorted(set(topology.site.tolist()))
    sizes = {s: max(int(np.count_nonzero(topology.site == s)), 1) for s in sites}
    places: dict[int, tuple[float, float]] = {}
    left = 0.0
    for s in sites:
        width = sizes[s] / sum(sizes.values())
        for tier in range(tiers + 1):
            nodes = np.flatnonzero((topology.site == s) & (topology.tier == tier)).tolist()
            for i, node in enumerate(nodes):
                places[node] = (left + width * (i + 0.5) / len(nodes), tiers - tier)
        left += width
    return places, tiers


def _heat(share: float) -> str:
    """From grey over blue to red."""
    stops = ((0.0, (200, 205, 210)), (0.5, (60, 130, 200)), (1.0, (213, 60, 20)))
    share = min(max(share, 0.0), 1.0)
    for (a, low), (b, high) in itertools.pairwise(stops):
        if share <= b:
            t = (share - a) / (b - a)
            return "#" + "".join(f"{round(x + (y - x) * t):02x}" for x, y in zip(low, high, strict=True))
    return "#d53c14"


def topology_picture(topology: Topology, utilisation: Array | None = None, paused: Array | None = None) -> str:
    """Return the topology; links are coloured by use of their busier direction, and dashed where one was paused."""
    if len(topology.names) > _NODES_DRAWN:
        return ""
    places, tiers = _places(topology)
    height = 90 * tiers + 60

    def at(node: int) -> tuple[float, float]:
        x, row = places[node]
        return 20 + x * (_WIDTH - 40), 24 + row * 90

    out = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">']
    for i in range(len(topology.links)):
        (x1, y1), (x2, y2) = at(int(topology.links["a"][i])), at(int(topology.links["b"][i]))
        use = max(float(utilisation[2 * i]), float(utilisation[2 * i + 1])) if utilisation is not None else 0.0
        stop = max(float(paused[2 * i]), float(paused[2 * i + 1])) if paused is not None else 0.0
        title = f"{topology.link_name(i)} {int(topology.links['rate_bps'][i]) / 1e9:g} Gb/s"
        title += f", {int(topology.links['delay_ps'][i]) / 1e6:g} us, used {use:.1%}, paused {stop:.1%}"
        dash = ' stroke-dasharray="5 3"' if stop > 0.001 else ""
        shape = f"M{x1:.1f},{y1:.1f}L{x2:.1f},{y2:.1f}"
        if y1 == y2:  # a row's neighbours: an arc above
            shape = f"M{x1:.1f},{y1:.1f}Q{(x1 + x2) / 2:.1f},{y1 - 26:.1f} {x2:.1f},{y2:.1f}"
        out.append(
            f'<path fill="none" stroke="{_heat(use)}" stroke-width="{1 + 2 * use:.1f}"{dash} d="{shape}">'
            f"<title>{escape(title)}</title></path>"
        )
    crowded = {t: int(np.count_nonzero(topology.tier == t)) for t in range(tiers + 1)}
    for node, name in enumerate(topology.names):
        x, y = at(node)
        tier = int(topology.tier[node])
        fill = "#ffffff" if tier == 0 else "#dfe7ef"
        size = 5 if crowded[tier] > 40 else 8
        shape = (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}"'
            if tier == 0
            else f'<rect x="{x - size - 3:.1f}" y="{y - size:.1f}" width="{2 * size + 6}" height="{2 * size}" rx="2"'
        )
        out.append(f'{shape} fill="{fill}" stroke="#445"><title>{escape(name)}</title></{shape[1:].split()[0]}>')
        if crowded[tier] <= 24:
            dy = 22 if tier == 0 else -12
            out.append(f'<text x="{x:.1f}" y="{y + dy:.1f}" text-anchor="middle">{escape(name)}</text>')
    return "".join([*out, "</svg>"])
