"""Runs a plan in the simulator: builds it, runs it in slices of events, and takes the results out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dpu_emu._native import FAULT, PROBE, Sim, constants
from dpu_emu.fabric.plan import Plan
from dpu_emu.fabric.result import Result, Series

__all__ = ["Progress", "run"]

_SLICE_EVENTS = 1_000_000
_CYCLE_SLICES = 2  # a cycle of waits seen so many times in a row, with nothing done between, is a deadlock


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    now_ps: int
    until_ps: int
    flows_done: int
    flows: int
    events: int


@dataclass(frozen=True, slots=True)
class _Watched:
    probe: int
    kind: str
    label: str


@dataclass(slots=True)
class _Probes:
    rows: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    watched: list[_Watched] = field(default_factory=list)


def _probes(plan: Plan) -> _Probes:
    kinds = constants("emu_probe_kind")
    spec, topology, found = plan.scenario.probes, plan.topology, _Probes()

    def add(kind: str, number: int, prio: int, label: str, c_name: str) -> None:
        found.watched.append(_Watched(len(found.rows), kind, label))
        found.rows.append((kinds[c_name], number, prio, 0, spec.interval_ps, 0))

    prio = plan.scenario.hosts.data_prio
    for name in spec.queues:
        add("queue", topology.find_direction(name), prio, name, "EMU_PROBE_QUEUE")
    for name in spec.links:
        add("link", topology.find_direction(name), 0, name, "EMU_PROBE_TX")
    for kind, c_name, names in (("flow", "EMU_PROBE_FLOW", spec.flows), ("rate", "EMU_PROBE_RATE", spec.rates)):
        for name in names:
            mine = np.flatnonzero(plan.flows.flows["tag"] == plan.flows.tags.index(name))[: spec.flows_max]
            for flow in mine.tolist():
                add(kind, flow, 0, plan.flow_name(flow), c_name)
    for name in spec.buffers:
        add("buffer", topology.index[name], 0, name, "EMU_PROBE_BUFFER")
    return found


def _faults(plan: Plan) -> list[tuple[int, int, int, int, int]]:
    kinds = constants("emu_fault_kind")
    rows = []
    for f in plan.scenario.faults:
        link = plan.topology.find_link(f.link)
        if f.action == "flap":
            for i in range(f.count):
                at = f.at_ps + i * f.period_ps
                rows.append((at, link, kinds["EMU_FAULT_DOWN"], 0, f.reroute_delay_ps))
                rows.append((at + f.period_ps // 2, link, kinds["EMU_FAULT_UP"], 0, f.reroute_delay_ps))
            continue
        value = {"rate": f.rate_bps, "loss": f.loss_e9, "delay": f.delay_ps}.get(f.action) or 0
        rows.append((f.at_ps, link, kinds[f"EMU_FAULT_{f.action.upper()}"], value, f.reroute_delay_ps))
    return sorted(rows)


def build(plan: Plan, captures: Mapping[str, Path] | None = None) -> tuple[Sim, _Probes]:
    """Return the simulation, ready to run."""
    scenario, topology = plan.scenario, plan.topology
    sim = Sim(scenario.seed)
    host_of = {node: h for h in plan.hosts for node in h.nodes}
    switch_of = {node: s for s in plan.switches for node in s.nodes}
    for node in range(topology.hosts):
        sim.host(host_of[node].native)
    for node in range(topology.hosts, len(topology.names)):
        s = switch_of[node]
        seed = scenario.seed if s.config.polarised else (scenario.seed << 16) + node
        sim.switch({**s.native, "ecmp_seed": seed})
    sim.links(topology.links)
    sim.route()
    ports = topology.ports()
    for route in scenario.routes:
        node = topology.index[route.node]
        out = []
        for via in route.via:
            wanted = topology.find_direction(f"{route.node}>{via}")
            out.append(ports[node].index(wanted))
        sim.route_set(node, topology.index[route.to], out)
    sim.flows(plan.flows.flows)
    if len(plan.flows.after):
        sim.after(plan.flows.after)
    faults = _faults(plan)
    if faults:
        sim.faults(np.array(faults, FAULT))
    probes = _probes(plan)
    if probes.rows:
        sim.probes(np.array(probes.rows, PROBE))
    for name, path in (captures or {}).items():
        sim.capture(str(path), [topology.find_link(name)])
    sim.trace_pauses(scenario.pauses_max)
    return sim, probes


def run(
    plan: Plan,
    *,
    progress: Callable[[Progress], None] | None = None,
    captures: Mapping[str, Path] | None = None,
) -> Result:
    """Run to the end that the scenario sets, and return what came out.

    Args:
        plan: what runs.
        progress: called about every million of events.
        captures: links by name, with the pcapng file of each.
    """
    sim, probes = build(plan, captures)
    scenario = plan.scenario
    cycle: list[int] = []
    seen, done_before = 0, -1
    while True:
        ran = sim.run(scenario.until_ps, _SLICE_EVENTS, until_done=scenario.stop_when_done)
        stats = sim.stats()
        if progress:
            progress(Progress(stats["now_ps"], scenario.until_ps, stats["flows_done"], stats["flows"], stats["events"]))
        if ran < _SLICE_EVENTS:
            break
        if not cycle:
            now = sim.deadlock() if stats["flows_done"] == done_before else []
            seen = seen + 1 if now else 0
            if seen >= _CYCLE_SLICES:
                cycle = now
        done_before = stats["flows_done"]
    if not cycle and stats["flows_done"] < stats["flows"]:
        cycle = sim.deadlock()
    series = []
    for w in probes.watched:
        samples = sim.samples(w.probe)
        series.append(Series(w.kind, w.label, samples["at_ps"], samples["value"]))
    switch_stats = {
        topology_name: sim.switch_stats(node)
        for node, topology_name in enumerate(plan.topology.names)
        if node >= plan.topology.hosts
    }
    return Result.of(
        plan,
        stats=stats,
        flow_results=sim.flow_results(),
        link_stats=sim.link_stats(),
        pauses=sim.pauses(),
        series=tuple(series),
        switches=switch_stats,
        cycle=tuple(cycle),
    )
