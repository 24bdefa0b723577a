"""From a scenario to what the simulator takes: every ``auto`` resolved, every limit checked before anything runs.

What is wrong is told all at once, each with its object, value and limit.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from datapath.errors import CallerError
from dpu_emu.fabric import units
from dpu_emu.fabric.buffers import headroom_bytes, response_ps
from dpu_emu.fabric.paths import ETHERNET_BYTES, PACKET_BYTES, RETH_BYTES, Paths
from dpu_emu.fabric.scenario import ClassConfig, HostConfig, Loaded, Scenario, SwitchConfig
from dpu_emu.fabric.strict import AUTO, plain, suggest
from dpu_emu.fabric.topology import Topology
from dpu_emu.fabric.units import Quantity
from dpu_emu.fabric.workload import FlowSet
from rdma_verbs.congestion import CcAlgorithm, CongestionControl

__all__ = ["HostPlan", "Plan", "SwitchPlan", "make_plan"]

_RECOVERY = {"nak_rearm": 1, "adaptive_timeout": 2, "retry_forever": 4, "selective_repeat": 8, "ooo": 16}
_BALANCE = {"ecmp": 0, "spray": 1}
_ECN = {"none": 0, "enqueue": 1, "dequeue": 2}
_FLAPS_MAX = 100_000
_MTUS = (256, 512, 1024, 2048, 4096)
_WINDOW, _WINDOW_MIN, _WINDOW_SPRAYED, _WINDOW_MAX = 1 << 16, 256, 1024, 1 << 20


@dataclass(frozen=True, slots=True)
class HostPlan:
    """Hosts that are alike: their settings without ``auto``, and what the simulator takes."""

    nodes: tuple[int, ...]
    config: HostConfig
    cc: CongestionControl
    native: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SwitchPlan:
    """Switches that are alike."""

    nodes: tuple[int, ...]
    config: SwitchConfig
    native: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Plan:
    """What runs."""

    scenario: Scenario
    topology: Topology
    flows: FlowSet
    hosts: tuple[HostPlan, ...]
    switches: tuple[SwitchPlan, ...]
    ideal_ps: Any
    base_rtt_ps: Any

    def flow_name(self, flow: int) -> str:
        """Return how a flow is called: its workload, number and ends."""
        row = self.flows.flows[flow]
        first = int(np.argmax(self.flows.flows["tag"] == row["tag"]))
        ends = f"{self.topology.names[int(row['src'])]}>{self.topology.names[int(row['dst'])]}"
        return f"{self.flows.tags[int(row['tag'])]}[{flow - first}] {ends}"

    def effective(self) -> dict[str, Any]:
        """Return all parameters as they are used: keys as in a file, ``auto`` resolved."""
        told = self.scenario.plain()
        for key in ("overrides", "hosts", "switches"):
            del told[key]
        names = self.topology.names

        def which(nodes: tuple[int, ...]) -> str:
            return f"{names[nodes[0]]} and {len(nodes) - 1} more" if len(nodes) > 1 else names[nodes[0]]

        told["hosts"] = [
            {"nodes": which(h.nodes)} | plain(h.config) | {"cc": {"algorithm": h.cc.algorithm.name.lower()} | _cc(h)}
            for h in self.hosts
        ]
        told["switches"] = [{"nodes": which(s.nodes)} | plain(s.config) for s in self.switches]
        return told


def _cc(host: HostPlan) -> dict[str, Any]:
    numbers = host.cc.numbers()
    del numbers["algorithm"]
    if host.cc.algorithm is CcAlgorithm.NONE:
        return {}
    if host.cc.algorithm is CcAlgorithm.WINDOW:
        return {"window_bytes": numbers["window_bytes"]}
    return {"preset": host.config.cc.preset} | numbers


class _Checker:
    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.problems: list[str] = []

    def bad(self, path: str, message: str) -> None:
        text = str(self.loaded.document.error(path, message))
        if text not in self.problems:
            self.problems.append(text)

    def stop(self) -> None:
        if self.problems:
            more = f"\n(and {len(self.problems) - 20} more)" if len(self.problems) > 20 else ""
            raise CallerError("\n".join(self.problems[:20]) + more)

    def run(self, path: str, call: Any, *args: Any) -> Any:
        """Call, and give an error its place in the file."""
        try:
            return call(*args)
        except CallerError as error:
            self.bad(path, str(error))
            return None


def make_plan(loaded: Loaded, seed: int | None = None) -> Plan:
    """Resolve and check a scenario.

    Raises:
        CallerError: a line for each thing that is wrong.
    """
    check = _Checker(loaded)
    scenario = loaded.scenario if seed is None else loaded.scenario.replaced(seed=seed)
    for key, low, high in (("seed", 0, (1 << 47) - 1), ("pauses_max", 0, 10_000_000)):
        value = getattr(scenario, key)
        if not low <= value <= high:
            check.bad(key, f"{value} is not from {low} to {high}")
    check.stop()
    topology = check.run("topology", scenario.topology.build, loaded.folder)
    check.stop()
    _check_topology(check, topology)
    check.stop()
    flows = _make_flows(check, scenario, topology, loaded)
    check.stop()
    mtu = max([scenario.hosts.mtu_bytes, *(o.host.mtu_bytes for o in scenario.overrides if o.host)])
    paths = Paths.of(topology, flows.flows["src"], flows.flows["dst"])
    switches = _plan_switches(check, scenario, topology, mtu)
    pipeline_ps = max((s.config.pipeline_ns for s in switches), default=0) * 1000
    rtt = 2 * (paths.delay_ps + (paths.hops - 1) * pipeline_ps) + np.rint(
        paths.all_ps * (mtu + PACKET_BYTES + ETHERNET_BYTES + 64)
    ).astype(np.int64)
    hosts = _plan_hosts(check, scenario, topology, int(rtt.max(initial=0)))
    _check_rest(check, scenario, topology)
    check.stop()

    tx, rx, mtus = (np.zeros(topology.hosts, np.int64) for _ in range(3))
    for h in hosts:
        at = list(h.nodes)
        tx[at], rx[at], mtus[at] = h.config.nic_tx_ns * 1000, h.config.nic_rx_ns * 1000, h.config.mtu_bytes
    src, dst = flows.flows["src"].astype(np.int64), flows.flows["dst"].astype(np.int64)
    size = flows.flows["bytes"].astype(np.int64)
    ideal = paths.ideal_ps(size, mtus[src], ETHERNET_BYTES, pipeline_ps, tx[src] + rx[dst])
    return Plan(scenario, topology, flows, tuple(hosts), tuple(switches), ideal, rtt)


def _make_flows(check: _Checker, scenario: Scenario, topology: Topology, loaded: Loaded) -> FlowSet:
    parts = []
    for i, work in enumerate(scenario.workload):
        rng = np.random.default_rng([scenario.seed, i])
        made = check.run(f"workload[{i}]", work.make, topology, rng, loaded.folder)
        if made is not None:
            parts.append((work.name or f"{work.kind}{i}", made))
    names = [name for name, _ in parts]
    for name in {n for n in names if names.count(n) > 1}:
        check.bad("workload", f"name {name!r} is there twice")
    flows = FlowSet.joined(parts)
    if not check.problems:
        if not len(flows.flows):
            check.bad("workload", "no flows")
        late = int(flows.flows["start_ps"].max(initial=0))
        if late >= scenario.until_ps:
            check.bad(
                "until",
                f"{units.show(scenario.until_ps, Quantity.TIME)} is not after the last start, "
                f"{units.show(late, Quantity.TIME)}",
            )
    return flows


def _check_topology(check: _Checker, topology: Topology) -> None:
    for name, ports in list(zip(topology.names, topology.ports(), strict=True))[topology.hosts :]:
        if not len(ports):
            check.bad("topology", f"switch {name} has no links")
    for i in np.flatnonzero(topology.links["rate_bps"] == 0)[:5]:
        check.bad("topology", f"link {topology.link_name(int(i))}: rate 0")
    for i in np.flatnonzero(topology.links["rate_bps"] > 10_000_000_000_000)[:5]:
        rate = units.show(int(topology.links["rate_bps"][i]), Quantity.RATE)
        check.bad("topology", f"link {topology.link_name(int(i))}: rate {rate} exceeds 10Tb/s")
    for i in np.flatnonzero(topology.links["loss_e9"] > 10**9)[:5]:
        check.bad("topology", f"link {topology.link_name(int(i))}: loss above 100%")
    apart = topology.unreachable()
    if apart:
        check.bad("topology", f"disconnected: no links lead from host {apart[0]} to host {apart[1]}")


def _matching(
    check: _Checker, topology: Topology, patterns: tuple[str, ...], low: int, high: int, path: str
) -> set[int]:
    found: set[int] = set()
    for pattern in patterns:
        hits = {i for i in range(low, high) if fnmatchcase(topology.names[i], pattern)}
        if not hits:
            what = "host" if low == 0 else "switch"
            check.bad(path, f"nodes: no {what} {pattern!r}{suggest(pattern, topology.names[low:high])[:200]}")
        found |= hits
    return found


def _grouped(
    check: _Checker, scenario: Scenario, topology: Topology, what: str, of_node: Any
) -> dict[tuple[int, Any], list[int]]:
    """Return nodes by (which override, or -1, and what ``of_node`` says)."""
    low, high = (0, topology.hosts) if what == "host" else (topology.hosts, len(topology.names))
    override = np.full(len(topology.names), -1)
    for i, o in enumerate(scenario.overrides):
        if getattr(o, what) is not None:
            override[list(_matching(check, topology, o.nodes, low, high, f"overrides[{i}]"))] = i
    groups: dict[tuple[int, Any], list[int]] = {}
    for node in range(low, high):
        groups.setdefault((int(override[node]), of_node(node)), []).append(node)
    return groups


# ---- hosts ----


def _plan_hosts(check: _Checker, scenario: Scenario, topology: Topology, rtt_ps: int) -> list[HostPlan]:
    rate: dict[int, tuple[int, int]] = {}
    for link in topology.links:
        for end in (int(link["a"]), int(link["b"])):
            if end < topology.hosts:
                rate[end] = (int(link["rate_bps"]), int(link["delay_ps"]))
    sprayed = any(
        s.balance == "spray" for s in (scenario.switches, *(o.switch for o in scenario.overrides if o.switch))
    )
    plans = []
    for (number, (rate_bps, delay_ps)), nodes in _grouped(check, scenario, topology, "host", rate.get).items():
        path = f"overrides[{number}].host" if number >= 0 else "hosts"
        chosen = scenario.overrides[number].host if number >= 0 else None
        config = scenario.hosts if chosen is None else chosen
        name = topology.names[nodes[0]]
        before = len(check.problems)
        _check_host(check, path, name, config)
        if len(check.problems) > before:
            continue
        config = _resolve_host(check, path, name, config, rate_bps, delay_ps, rtt_ps, sprayed)
        cc = check.run(f"{path}.cc", _congestion, config, rate_bps, rtt_ps)
        if cc is not None:
            plans.append(HostPlan(tuple(nodes), config, cc, _native_host(config, cc)))
    return plans


def _congestion(config: HostConfig, rate_bps: int, rtt_ps: int) -> CongestionControl:
    cc = config.cc
    if cc.algorithm == "none":
        return CongestionControl.none()
    if cc.algorithm == "window":
        bdp = rate_bps * rtt_ps // 8_000_000_000_000
        return CongestionControl.window(cc.window_bytes if cc.window_bytes != AUTO else max(bdp, config.mtu_bytes))
    if rate_bps < 1_000_000:
        raise CallerError(f"dcqcn on a link of {units.show(rate_bps, Quantity.RATE)}: it counts in Mb/s")
    for name in ("cls", "preset"):  # words of the call below, which are no parameters
        if name in cc.parameters:
            raise CallerError(f"no parameter {name!r} of dcqcn")
    changes = dict(cc.parameters)
    max_rate = int(changes.pop("max_rate", rate_bps // 1_000_000))
    try:
        return CongestionControl.dcqcn(cc.preset, max_rate=max_rate, **changes)
    except CallerError as error:
        known = [f.name for f in dataclasses.fields(CongestionControl)]
        unknown = [p for p in cc.parameters if p not in known and f"no parameter {p!r}" in str(error)]
        raise CallerError(f"{error}{suggest(unknown[0], known) if unknown else ''}") from None


def _check_host(check: _Checker, path: str, name: str, c: HostConfig) -> None:
    if c.mtu_bytes not in _MTUS:
        check.bad(f"{path}.mtu", f"host {name}: mtu {c.mtu_bytes} is none of {', '.join(map(str, _MTUS))} bytes")
    for key, low, high in (
        ("timeout", 0, 31),
        ("retry_cnt", 0, 7),
        ("ack_every", 1, 1 << 20),
        ("data_prio", 0, 7),
        ("cnp_prio", 0, 7),
        ("ack_prio", 0, 7),
        ("misses_e6", 0, 1_000_000),
        ("tx_window", AUTO, 1 << 20),
        ("rx_window", AUTO, 1 << 20),
        ("reorder", AUTO, 1 << 20),
    ):
        value = getattr(c, key)
        if not low <= value <= high:
            check.bad(f"{path}.{key.removesuffix('_e6')}", f"host {name}: {key} {value} is not from {low} to {high}")
    if c.tx_window == 0:
        check.bad(f"{path}.tx_window", f"host {name}: tx_window 0 sends nothing")
    if "ooo" in c.recovery and "selective_repeat" not in c.recovery:
        check.bad(f"{path}.recovery", f"host {name}: ooo goes with selective_repeat")


def _resolve_host(
    check: _Checker, path: str, name: str, c: HostConfig, rate_bps: int, delay_ps: int, rtt_ps: int, sprayed: bool
) -> HostConfig:
    bdp = rate_bps * rtt_ps // 8_000_000_000_000 // c.mtu_bytes
    selective = "selective_repeat" in c.recovery
    window = c.tx_window
    if window == AUTO:
        # Go-back-N has no window of its own. Selective repeat remembers each packet: the pipe and its queues.
        least = (_WINDOW_SPRAYED if sprayed else _WINDOW_MIN) if selective else _WINDOW
        window = min(max(least, 1 << (4 * bdp).bit_length()), _WINDOW_MAX)
    rx_window = c.rx_window if c.rx_window != AUTO else window if selective else _WINDOW_MIN
    # Sprayed packets overtake each other by as much as queues differ.
    reorder = c.reorder if c.reorder != AUTO else window // 4 if sprayed and selective else 0
    head = headroom_bytes(rate_bps, delay_ps, _wire_mtu(c.mtu_bytes), response_ps(rate_bps))
    buffer = c.rx_buffer_bytes if c.rx_buffer_bytes != AUTO else 1_000_000 + head
    xoff = c.rx_xoff_bytes if c.rx_xoff_bytes != AUTO else buffer - head
    xon = c.rx_xon_bytes if c.rx_xon_bytes != AUTO else xoff // 2
    if c.rx_xoff_bytes != AUTO and xoff >= buffer:
        check.bad(f"{path}.rx_xoff", f"host {name}: rx_xoff {xoff} bytes is not below rx_buffer {buffer}")
    elif xoff <= 0:
        check.bad(f"{path}.rx_buffer", f"host {name}: rx_buffer {buffer} bytes is not above the headroom {head}")
    elif xon >= xoff:
        check.bad(f"{path}.rx_xon", f"host {name}: rx_xon {xon} bytes is not below rx_xoff {xoff}")
    return dataclasses.replace(
        c,
        tx_window=window,
        rx_window=rx_window,
        reorder=reorder,
        rx_buffer_bytes=buffer,
        rx_xoff_bytes=xoff,
        rx_xon_bytes=xon,
    )


def _native_host(c: HostConfig, cc: CongestionControl) -> dict[str, Any]:
    skip = {"cc", "recovery", "misses_e6", "pcie_rate_bps", "reorder"}
    native = {f.name: getattr(c, f.name) for f in dataclasses.fields(c) if f.name not in skip}
    return native | {
        "cc": cc.numbers(),
        "recovery": sum(_RECOVERY[r] for r in set(c.recovery)),
        "miss_e6": c.misses_e6,
        "pcie_bps": c.pcie_rate_bps,
        "reorder_pkts": c.reorder,
    }


# ---- switches ----


def _wire_mtu(mtu: int) -> int:
    return mtu + PACKET_BYTES + RETH_BYTES + ETHERNET_BYTES


def _plan_switches(check: _Checker, scenario: Scenario, topology: Topology, mtu: int) -> list[SwitchPlan]:
    ports = topology.ports()
    links = topology.links
    host_rate = int(topology.host_rate_bps().max(initial=1))

    def of_node(node: int) -> tuple[tuple[int, int], ...]:
        at = [d // 2 for d in ports[node]]
        return tuple(sorted((int(links["rate_bps"][i]), int(links["delay_ps"][i])) for i in at))

    plans = []
    for (number, lines), nodes in _grouped(check, scenario, topology, "switch", of_node).items():
        path = f"overrides[{number}].switch" if number >= 0 else "switches"
        chosen = scenario.overrides[number].switch if number >= 0 else None
        config = scenario.switches if chosen is None else chosen
        name = topology.names[nodes[0]]
        before = len(check.problems)
        _check_switch(check, path, name, config)
        if len(check.problems) > before:
            continue
        resolved = _resolve_switch(check, path, name, config, lines, mtu, host_rate)
        plans.append(SwitchPlan(tuple(nodes), resolved, _native_switch(resolved)))
    return plans


def _check_switch(check: _Checker, path: str, name: str, c: SwitchConfig) -> None:
    if not 1 <= c.cell_bytes <= 65536:
        check.bad(f"{path}.cell", f"switch {name}: cell {c.cell_bytes} bytes is not from 1 to 65536")
    if c.watchdog.interval_ps and c.watchdog.polls < 1:
        check.bad(f"{path}.watchdog.polls", f"switch {name}: polls {c.watchdog.polls} is below 1")
    for prio, k in c.classes.items():
        where, what = f"{path}.classes.{prio}", f"switch {name} class {prio}"
        if not 0 <= prio <= 7:
            check.bad(where, f"{what}: a priority is from 0 to 7")
        if k.kmin_bytes != AUTO and k.kmax_bytes != AUTO and k.kmin_bytes > k.kmax_bytes:
            check.bad(f"{where}.kmin", f"{what}: kmin {k.kmin_bytes} bytes exceeds kmax {k.kmax_bytes}")
        if not 0 <= k.pmax_e6 <= 1_000_000:
            check.bad(f"{where}.pmax", f"{what}: pmax {k.pmax_e6 / 10**4:g}% is not from 0 to 100%")
        if k.weight < 1:
            check.bad(f"{where}.weight", f"{what}: weight {k.weight} is below 1")
        for key in ("alpha", "egress_alpha"):
            if not 0 <= getattr(k, key) <= 4000:
                check.bad(f"{where}.{key}", f"{what}: {key} {getattr(k, key):g} is not from 0 to 4000")
        if k.alpha and k.xoff_bytes:
            check.bad(f"{where}.xoff", f"{what}: both alpha {k.alpha:g} and xoff; alpha 0 makes xoff the threshold")
        if not k.alpha and not k.xoff_bytes:
            check.bad(where, f"{what}: alpha 0 and no xoff, nothing would be admitted")


def _resolve_switch(
    check: _Checker,
    path: str,
    name: str,
    c: SwitchConfig,
    lines: tuple[tuple[int, int], ...],
    mtu: int,
    host_rate: int,
) -> SwitchConfig:
    wire = _wire_mtu(mtu)
    cells = -(-wire // c.cell_bytes) * c.cell_bytes
    need = [
        headroom_bytes(
            rate,
            delay,
            wire,
            max(c.pfc_response_ns * 1000, response_ps(rate)),  # a host takes the standard's time
            cell_bytes=c.cell_bytes,
            pipeline_ps=c.pipeline_ns * 1000,
        )
        for rate, delay in lines
    ]
    lossless = sum(k.lossless for k in c.classes.values())
    classes: dict[int, ClassConfig] = {}
    for prio, k in sorted(c.classes.items()):
        where, what = f"{path}.classes.{prio}", f"switch {name} class {prio}"
        head = k.headroom_bytes if k.headroom_bytes != AUTO else max(need) if k.lossless else 0
        if k.lossless and head < max(need) and not c.unsafe_headroom:
            rate, delay = lines[need.index(max(need))]
            check.bad(
                f"{where}.headroom",
                f"{what}: headroom {head} bytes is below the {max(need)} that no loss needs at "
                f"{units.show(rate, Quantity.RATE)} and {units.show(delay, Quantity.TIME)} one way; "
                "unsafe_headroom: true takes it all the same",
            )
        if not k.lossless and head:
            check.bad(f"{where}.headroom", f"{what}: headroom {head} bytes of a class that is not lossless")
        offset = k.xon_offset_bytes if k.xon_offset_bytes != AUTO else 2 * cells
        if k.xoff_bytes and k.lossless and k.xon_offset_bytes == AUTO:
            offset = min(offset, k.xoff_bytes // 2)
        if k.xoff_bytes and offset > k.xoff_bytes:
            check.bad(f"{where}.xon_offset", f"{what}: xon_offset {offset} bytes exceeds xoff {k.xoff_bytes}")
        kmin = k.kmin_bytes if k.kmin_bytes != AUTO else host_rate // 250_000  # 100 kB at 25 Gb/s
        kmax = k.kmax_bytes if k.kmax_bytes != AUTO else max(4 * (host_rate // 250_000), kmin)
        if k.ecn != "none" and kmin > kmax:
            check.bad(f"{where}.kmin", f"{what}: kmin {kmin} bytes exceeds kmax {kmax}")
        classes[prio] = dataclasses.replace(
            k,
            reserve_bytes=k.reserve_bytes if k.reserve_bytes != AUTO else cells,
            headroom_bytes=head,
            xon_offset_bytes=offset,
            kmin_bytes=kmin,
            kmax_bytes=kmax,
        )
    # One pool of what the ports need together, where ports differ: else the longest link's share would count for each.
    own = all(k.headroom_bytes == AUTO for k in c.classes.values() if k.lossless)
    pool = c.headroom_pool_bytes
    if pool == AUTO:
        pool = lossless * sum(need) if own and min(need) != max(need) else 0
    elif lossless and 0 < pool < lossless * sum(need) and not c.unsafe_headroom:
        check.bad(
            f"{path}.headroom_pool",
            f"switch {name}: headroom_pool {pool} bytes is below the {lossless * sum(need)} that no loss needs "
            f"when all {len(lines)} ports pause at once; unsafe_headroom: true takes it all the same",
        )
    reserved = len(lines) * sum(k.reserve_bytes for k in classes.values())
    heads = pool or len(lines) * sum(k.headroom_bytes for k in classes.values())
    left = c.buffer_bytes - reserved - heads
    if left < len(lines) * cells:
        check.bad(
            f"{path}.buffer",
            f"switch {name}: buffer {c.buffer_bytes} bytes is too small: {len(lines)} ports have {heads} bytes of "
            f"headroom and {reserved} of reserves, which leaves {max(left, 0)}, less than a packet for each",
        )
    for prio, k in classes.items():
        if k.xoff_bytes > left > 0:
            check.bad(
                f"{path}.classes.{prio}.xoff",
                f"switch {name} class {prio}: xoff {k.xoff_bytes} bytes exceeds the shared buffer, {left}",
            )
    return dataclasses.replace(
        c,
        classes=classes,
        headroom_pool_bytes=pool,
        quantum_bytes=c.quantum_bytes if c.quantum_bytes != AUTO else wire,
    )


def _native_switch(c: SwitchConfig) -> dict[str, Any]:
    def native(k: ClassConfig) -> dict[str, int]:
        return {
            "lossless": k.lossless,
            "strict": k.strict,
            "ecn": _ECN[k.ecn],
            "weight": k.weight,
            "reserve_bytes": k.reserve_bytes,
            "headroom_bytes": k.headroom_bytes,
            "xon_offset_bytes": k.xon_offset_bytes,
            "ingress_alpha_e6": round(k.alpha * 1e6),
            "egress_alpha_e6": 0 if k.lossless else round(k.egress_alpha * 1e6),
            "xoff_bytes": k.xoff_bytes,
            "ecn_kmin_bytes": k.kmin_bytes if k.ecn != "none" else 0,
            "ecn_kmax_bytes": k.kmax_bytes if k.ecn != "none" else 0,
            "ecn_pmax_e6": k.pmax_e6 if k.ecn != "none" else 0,
        }

    plain_class = ClassConfig(reserve_bytes=0, headroom_bytes=0, xon_offset_bytes=0, kmin_bytes=0, kmax_bytes=0)
    return {
        "tm": {
            "cell_bytes": c.cell_bytes,
            "quantum_bytes": c.quantum_bytes,
            "buffer_bytes": c.buffer_bytes,
            "headroom_pool_bytes": c.headroom_pool_bytes,
            "watchdog_ps": c.watchdog.interval_ps,
            "watchdog_polls": c.watchdog.polls if c.watchdog.interval_ps else 0,
            "watchdog_restore_ps": c.watchdog.restore_ps if c.watchdog.interval_ps else 0,
            "watchdog_drop": c.watchdog.action == "drop",
            "cls": [native(c.classes.get(prio, plain_class)) for prio in range(8)],
        },
        "balance": _BALANCE[c.balance],
        "pipeline_ns": c.pipeline_ns,
        "pfc_response_ns": c.pfc_response_ns,
    }


# ---- the rest ----


def _check_rest(check: _Checker, scenario: Scenario, topology: Topology) -> None:
    needs = {"rate": "rate_bps", "loss": "loss_e9", "delay": "delay_ps"}
    for i, fault in enumerate(scenario.faults):
        path = f"faults[{i}]"
        check.run(path, topology.find_link, fault.link)
        for action, field in needs.items():
            given = getattr(fault, field) is not None
            if given != (fault.action == action):
                check.bad(path, f"{action} {'goes with' if given else 'is missing for'} action {action}")
        if fault.action == "rate" and fault.rate_bps == 0:
            check.bad(path, f"link {fault.link}: rate 0; action down takes a link away")
        if fault.action == "flap" and (fault.period_ps < 2 or not 1 <= fault.count <= _FLAPS_MAX):
            limits = f"a period is 2 ps at least, a count from 1 to {_FLAPS_MAX}"
            check.bad(path, f"flap with period {fault.period_ps} ps and count {fault.count}; {limits}")
        elif fault.at_ps + fault.reroute_delay_ps + fault.count * fault.period_ps >= 1 << 63:
            check.bad(
                path, f"{fault.action} ends after 2^63 ps, {units.show((1 << 63) // 10**12 * 10**12, Quantity.TIME)}"
            )
    for i, route in enumerate(scenario.routes):
        path = f"routes[{i}]"
        for name, low, high in ((route.node, topology.hosts, len(topology.names)), (route.to, 0, topology.hosts)):
            index = topology.index.get(name, -1)
            if not low <= index < high:
                kind = "switch" if low else "host"
                check.bad(path, f"no {kind} {name!r}{suggest(name, topology.names[low:high])[:200]}")
        for via in route.via:
            check.run(path, topology.find_link, f"{route.node}-{via}")
        if not route.via:
            check.bad(path, "via is empty")
    probes = scenario.probes
    if probes.interval_ps < 1000:
        check.bad("probes.interval", f"interval {probes.interval_ps} ps is below 1ns")
    for key in ("queues", "links"):
        for name in getattr(probes, key):
            check.run(f"probes.{key}", topology.find_direction, name)
    tags = [w.name or f"{w.kind}{i}" for i, w in enumerate(scenario.workload)]
    for key in ("flows", "rates"):
        for name in getattr(probes, key):
            if name not in tags:
                check.bad(f"probes.{key}", f"no workload {name!r}{suggest(name, tags)}")
    for name in probes.buffers:
        if not topology.hosts <= topology.index.get(name, -1):
            check.bad("probes.buffers", f"no switch {name!r}{suggest(name, topology.names[topology.hosts :])[:200]}")
