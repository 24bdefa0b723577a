"""A report of one run: an HTML file that needs nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from datapath.build import build
from datapath.errors import DpuError
from dpu_emu.fabric.result import Result
from dpu_emu.fabric.svg import Line, chart, timeline, topology_picture

__all__ = ["write_report"]

_ROWS = 20
_GRID = 101
_FCT = ("fct_us_p50", "fct_us_p99", "fct_us_p100", "slowdown_p50", "slowdown_p99", "slowdown_p100")
_FCT_ENDS = (("workload", "sizes", "flows", "done", "failed"), ("goodput_gbps", "jain", "retransmitted_pkts"))


def _intervals(result: Result) -> list[tuple[str, list[tuple[float, float]]]]:
    """Return of the directions that were paused longest, when, in us."""
    events, end_us = result.pauses, result.stats["now_ps"] / 1e6
    bars: dict[int, list[tuple[float, float]]] = {}
    since: dict[tuple[int, int], float] = {}
    names = ("at_ps", "dir", "prio", "on")
    for at_ps, direction, prio, on in zip(*(events[n].tolist() for n in names), strict=True):
        key = (direction, prio)
        if on:
            since.setdefault(key, at_ps / 1e6)
        elif key in since:
            bars.setdefault(direction, []).append((since.pop(key), at_ps / 1e6))
    for (direction, _), start in since.items():
        bars.setdefault(direction, []).append((start, end_us))
    longest = sorted(bars.items(), key=lambda b: -sum(y - x for x, y in b[1]))[:_ROWS]
    return [(result.plan.topology.direction_name(d), sorted(times)) for d, times in longest]


def _charts(result: Result) -> list[tuple[str, str]]:
    def us(at_ps: Any) -> Any:
        return at_ps.astype(float) / 1e6

    def lines(kind: str, scale: float) -> list[Line]:
        return [Line(s.label, us(s.at_ps), s.value.astype(float) / scale) for s in result.series if s.kind == kind]

    def rates(kind: str) -> list[Line]:
        """Mean rates over a hundredth of the run; of flows between two ACKs, as each ACK is of many packets."""
        found = []
        for s in result.series:
            if s.kind != kind or len(s.at_ps) < 2:
                continue
            total = s.value.astype(float) if kind == "flow" else np.cumsum(s.value.astype(float))
            at = us(s.at_ps)
            if kind == "flow":
                rises = np.flatnonzero(np.diff(total)) + 1
                kept = np.unique([0, *rises, len(at) - 1])
                at, total = at[kept], total[kept]
            grid = np.linspace(at[0], at[-1], min(len(s.at_ps), _GRID))
            moved = np.diff(np.interp(grid, at, total))
            found.append(Line(s.label, grid[1:], moved * 8e-3 / np.diff(grid)))
        return found

    marks = []
    classes = result.plan.switches[0].config.classes if result.plan.switches else {}
    data = classes.get(result.plan.scenario.hosts.data_prio)
    if data and data.ecn != "none":
        marks = [(data.kmin_bytes / 1e3, "Kmin"), (data.kmax_bytes / 1e3, "Kmax")]
    peak = max((float(s.value.max(initial=0)) for s in result.series if s.kind == "queue"), default=0) / 1e3
    marks = [m for m in marks if m[0] <= 2 * peak]
    time = "time (us)"
    found = [
        ("Queues", chart(lines("queue", 1e3), x_label=time, y_label="kB", marks=marks)),
        ("Buffers in use", chart(lines("buffer", 1e3), x_label=time, y_label="kB")),
        ("Rates that congestion control gives", chart(lines("rate", 1e9), x_label=time, y_label="Gb/s")),
        ("Goodput of flows", chart(rates("flow"), x_label=time, y_label="Gb/s, mean between ACKs")),
        ("Links", chart(rates("link"), x_label=time, y_label="Gb/s on the wire")),
    ]
    cdf = []
    for tag, name in enumerate(result.plan.flows.tags):
        fct = np.sort(result.flows["fct_ps"][(result.flows["tag"] == tag) & result.done].astype(float)) / 1e6
        if len(fct) > 1:
            cdf.append(Line(name, fct, np.arange(1, len(fct) + 1) / len(fct)))
    wide = [line for line in cdf if line.x[-1] > 20 * line.x[0]]
    found.append(
        (
            "Flow completion times",
            chart(cdf, x_label="us", y_label="share of flows", log_x=bool(wide), steps=True),
        )
    )
    return found


def _alarms(result: Result, summary: dict[str, Any]) -> list[str]:
    found = []
    if result.cycle:
        found.append("Deadlock: these wait for each other: " + " -> ".join(summary["deadlock"]))
    if summary["storms"]:
        found.append(f"PFC storms: the watchdog found {summary['storms']}")
    lossless = summary["drops"].get("headroom", 0)
    if lossless:
        found.append(f"{lossless} packets of a lossless class were dropped: the headroom was full")
    if summary["flows_done"] < summary["flows"] and result.plan.scenario.stop_when_done:
        found.append(f"{summary['flows'] - summary['flows_done']} flows were not done at the end")
    if "pauses_cut_at" in summary:
        found.append(
            f"Only the first {summary['pauses_cut_at']} pause events were kept (pauses_max): the tree is of these"
        )
    return found


def write_report(result: Result, path: Path) -> None:
    """Write the report of a run.

    Raises:
        DpuError: Jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError:
        raise DpuError("the report needs Jinja2: pip install 'dpu-emu[report]'") from None

    summary, topology = result.summary(), result.plan.topology
    paused = result.links["paused_ps"] / max(result.stats["now_ps"], 1)
    busiest = np.argsort(-result.links["utilisation"], kind="stable")[:_ROWS]
    facts = (
        "now_us",
        "flows",
        "flows_done",
        "flows_failed",
        "drops",
        "marked",
        "cnps",
        "pfc_frames",
        "data_hops",
        "ack_hops",
    )
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    page = environment.from_string(Path(__file__).with_name("report.html.j2").read_text(encoding="utf-8"))
    text = page.render(
        name=summary["scenario"],
        description=result.plan.scenario.description,
        version=build().version,
        hosts=summary["hosts"],
        switches=summary["switches"],
        seed=summary["seed"],
        hash=summary["hash"],
        alarms=_alarms(result, summary),
        facts={key: _shown(summary[key]) for key in facts},
        fct=[{k: row.get(k, "") for k in (*_FCT_ENDS[0], *_FCT, *_FCT_ENDS[1])} for row in summary["fct"]],
        picture=(topology_picture(topology, result.links["utilisation"], paused)),
        charts=[(title, (svg)) for title, svg in _charts(result)],
        tree=summary["pause_tree"],
        pauses=(timeline(_intervals(result), end=result.stats["now_ps"] / 1e6, x_label="time (us)")),
        paused=summary["paused"],
        links=[
            {
                "direction": topology.direction_name(int(i)),
                "utilisation": round(float(result.links["utilisation"][i]), 4),
                "data_pkts": int(result.links["data_pkts"][i]),
                "lost_pkts": int(result.links["lost_pkts"][i]),
                "paused_us": round(int(result.links["paused_ps"][i]) / 1e6, 2),
                "peak_queue_bytes": int(result.links["peak_queue_bytes"][i]),
            }
            for i in busiest
        ],
        effective=yaml.safe_dump(result.plan.effective(), sort_keys=False, allow_unicode=True, width=110),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _shown(value: Any) -> Any:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
