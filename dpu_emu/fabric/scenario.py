"""A scenario: one strict YAML file that says topology, hosts, switches, workload, faults and what to watch.

Every key has a default but ``topology`` and ``workload``; ``auto`` leaves a number to ``plan``, which computes it
from the topology and prints it with the results.
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from datapath.errors import CallerError
from dpu_emu.fabric.strict import AUTO, Document, plain
from dpu_emu.fabric.topology import TopologySpec
from dpu_emu.fabric.workload import WorkloadSpec

__all__ = [
    "CcConfig",
    "ClassConfig",
    "Fault",
    "HostConfig",
    "Override",
    "Probes",
    "Scenario",
    "SwitchConfig",
    "Watchdog",
    "load",
    "loads",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CcConfig:
    """Congestion control of hosts; ``parameters`` change the set by NVIDIA's names or the paper's."""

    algorithm: Literal["none", "window", "dcqcn"] = "dcqcn"
    preset: str = "hpcc_dcqcn_paper"
    parameters: dict[str, float] = field(default_factory=dict)
    window_bytes: int = AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """NIC and engine of a host."""

    cc: CcConfig = CcConfig()
    mtu_bytes: int = 4096
    recovery: tuple[Literal["nak_rearm", "adaptive_timeout", "retry_forever", "selective_repeat", "ooo"], ...] = (
        "nak_rearm",
    )
    ack_every: int = 32
    """Packets of a message between two that ask for an ACK."""
    timeout: int = 14
    """IBTA's code: 4.096 us x 2^timeout; 14 is 67 ms."""
    retry_cnt: int = 7
    tx_window: int = AUTO
    """Packets outstanding of a queue pair."""
    rx_window: int = AUTO
    """Packets that selective repeat holds behind a gap."""
    reorder: int = AUTO
    """Packets that may overtake one before selective repeat takes it for lost."""
    nic_tx_ns: int = 500
    """Doorbell to the first byte on the wire."""
    nic_rx_ns: int = 200
    cnp_delay_ns: int = 1000
    ack_delay_ns: int = 0
    pcie_rate_bps: int = 0
    """What the receiver drains at; 0: no limit."""
    pcie_latency_ps: int = 0
    misses_e6: int = 0
    """Share of packets that miss a translation; each stalls the receiver for ``miss``."""
    miss_ns: int = 1000
    rx_buffer_bytes: int = AUTO
    rx_xoff_bytes: int = AUTO
    rx_xon_bytes: int = AUTO
    data_prio: int = 3
    cnp_prio: int = 6
    ack_prio: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassConfig:
    """One priority of a switch."""

    lossless: bool = False
    strict: bool = False
    ecn: Literal["none", "enqueue", "dequeue"] = "none"
    weight: int = 1
    reserve_bytes: int = AUTO
    headroom_bytes: int = AUTO
    alpha: float = 0.125
    """Of the dynamic threshold of an ingress group; 0: ``xoff`` is the threshold."""
    xoff_bytes: int = 0
    xon_offset_bytes: int = AUTO
    egress_alpha: float = 1.0
    """Of a lossy queue's limit; 0: none."""
    kmin_bytes: int = AUTO
    kmax_bytes: int = AUTO
    pmax_e6: int = 200_000


def _classes() -> dict[int, ClassConfig]:
    return {3: ClassConfig(lossless=True, ecn="dequeue"), 6: ClassConfig(strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchdog:
    """PFC watchdog."""

    interval_ps: int = 0
    """0: none."""
    polls: int = 2
    restore_ps: int = 200_000_000_000
    action: Literal["drop", "forward"] = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchConfig:
    """Buffer, queues and routing of a switch."""

    buffer_bytes: int = 32_000_000
    cell_bytes: int = 1
    quantum_bytes: int = AUTO
    headroom_pool_bytes: int = AUTO
    """Shared by all ingress groups; 0: each has its own."""
    unsafe_headroom: bool = False
    """Take headroom below what no loss needs."""
    pipeline_ns: int = 500
    pfc_response_ns: int = 0
    """0: IEEE 802.3's, by the speed."""
    balance: Literal["ecmp", "spray"] = "ecmp"
    polarised: bool = False
    """All switches hash alike."""
    watchdog: Watchdog = Watchdog()
    classes: dict[int, ClassConfig] = field(default_factory=_classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Other settings of some nodes, named with ``*``."""

    nodes: tuple[str, ...]
    host: HostConfig | None = None
    switch: SwitchConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _RawOverride:
    nodes: tuple[str, ...]
    host: yaml.Node | None = None
    switch: yaml.Node | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a link; ``flap`` is ``count`` times down and, half a ``period`` later, up."""

    at_ps: int
    link: str
    action: Literal["down", "up", "rate", "loss", "delay", "flap"]
    rate_bps: int | None = None
    loss_e9: int | None = None
    delay_ps: int | None = None
    reroute_delay_ps: int = 0
    period_ps: int = 0
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Time series: queues and bytes sent of directions (``sw0>h1``), flows of workloads, buffers of switches."""

    interval_ps: int = 10_000_000
    queues: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    rates: tuple[str, ...] = ()
    """Rates that congestion control gives to flows, by the name of their workload."""
    buffers: tuple[str, ...] = ()
    flows_max: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Towards host ``to``, switch ``node`` uses the links to ``via`` only."""

    node: str
    to: str
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """All of it."""

    name: str
    description: str = ""
    seed: int = 1
    until_ps: int = 1_000_000_000_000
    stop_when_done: bool = True
    topology: TopologySpec
    hosts: HostConfig = HostConfig()
    switches: SwitchConfig = SwitchConfig()
    overrides: tuple[Override, ...] = ()
    routes: tuple[Route, ...] = ()
    workload: tuple[WorkloadSpec, ...]
    faults: tuple[Fault, ...] = ()
    probes: Probes = Probes()
    pauses_max: int = 200_000
    """Pause events that are kept."""

    def replaced(self, **changes: Any) -> "Scenario":
        """Return a copy with other values."""
        return dataclasses.replace(self, **changes)

    def plain(self) -> dict[str, Any]:
        """Return what a file would say, with all defaults."""
        return dict(plain(self))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario and where it came from: relative names in it count from ``folder``."""

    scenario: Scenario
    document: Document
    folder: Path


def _read(document: Document, folder: Path) -> Loaded:
    raws: list[_RawOverride] = []
    pairs = document.pairs(document.root, "")
    if "overrides" in pairs:
        raws = list(document.value(pairs["overrides"][1], tuple[_RawOverride, ...], "overrides"))
        rest = [(k, v) for k, v in document.root.value if k.value != "overrides"]
        document.root = yaml.MappingNode(document.root.tag, rest, document.root.start_mark, document.root.end_mark)
    scenario = document.read(Scenario)
    overrides = []
    for i, raw in enumerate(raws):
        path = f"overrides[{i}]"
        host = None if raw.host is None else document.value(raw.host, HostConfig, f"{path}.host", scenario.hosts)
        switch = (
            None
            if raw.switch is None
            else document.value(raw.switch, SwitchConfig, f"{path}.switch", scenario.switches)
        )
        if host is None and switch is None:
            raise document.error("overrides", f"entry {i} changes nothing: neither host nor switch")
        overrides.append(Override(nodes=raw.nodes, host=host, switch=switch))
    return Loaded(scenario.replaced(overrides=tuple(overrides)), document, folder)


def load(path: Path) -> Loaded:
    """Read a scenario.

    Raises:
        CallerError: no such file, or something in it is wrong: file, line, key, value and what was meant.
    """
    if not path.is_file():
        raise CallerError(f"{path}: no such file")
    return _read(Document.open(path), path.parent)


def loads(text: str, folder: Path = Path(), name: str = "scenario") -> Loaded:
    """Read a scenario out of a string."""
    return _read(Document(name, text), folder)
