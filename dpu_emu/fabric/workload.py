"""Workloads: which messages go where, when, and after which others.

A specification (a dataclass that a scenario reads) makes flows for a topology. Randomness is numpy's generator of the
scenario's seed and the place of the workload in the file, so that one more workload changes no other.
"""

from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from datapath.errors import CallerError
from dpu_emu._native import AFTER, FLOW
from dpu_emu.fabric.strict import suggest
from dpu_emu.fabric.topology import Topology

__all__ = [
    "CDFS",
    "AllReduce",
    "AllToAll",
    "FlowLine",
    "FlowList",
    "FlowSet",
    "HpccFlows",
    "HtsimMatrix",
    "Incast",
    "Permutation",
    "Poisson",
    "WorkloadSpec",
    "mean_bytes",
    "sample_bytes",
]

Array = npt.NDArray[Any]
PRIO_OF_HOST = 255
_QPS_MAX = 65_535

# Flow sizes: bytes and cumulative percent, linear between points.
CDFS: dict[str, tuple[tuple[float, float], ...]] = {
    "WebSearch": (
        (0, 0),
        (10_000, 15),
        (20_000, 20),
        (30_000, 30),
        (50_000, 40),
        (80_000, 53),
        (200_000, 60),
        (1_000_000, 70),
        (2_000_000, 80),
        (5_000_000, 90),
        (10_000_000, 97),
        (30_000_000, 100),
    ),
    "FB_Hadoop": (
        (0, 0),
        (100, 1),
        (200, 2),
        (300, 5),
        (350, 15),
        (400, 20),
        (500, 30),
        (600, 40),
        (700, 50),
        (1_000, 60),
        (2_000, 67),
        (7_000, 70),
        (30_000, 72),
        (50_000, 82),
        (80_000, 87),
        (120_000, 90),
        (300_000, 95),
        (1_000_000, 97.5),
        (2_000_000, 99),
        (10_000_000, 100),
    ),
    "AliStorage2019": (
        (0, 0),
        (4_000, 22.93),
        (8_000, 69.21),
        (16_000, 80.61),
        (32_000, 90.47),
        (64_000, 93.53),
        (128_000, 96.77),
        (256_000, 97.53),
        (2_000_000, 100),
    ),
}


def mean_bytes(cdf: str) -> float:
    """Return the mean size of a distribution."""
    points = np.array(CDFS[cdf])
    middle = (points[1:, 0] + points[:-1, 0]) / 2
    return float(np.sum(middle * np.diff(points[:, 1])) / 100)


def sample_bytes(cdf: str, rng: np.random.Generator, n: int) -> Array:
    """Return ``n`` sizes out of a distribution, of a byte at least."""
    points = np.array(CDFS[cdf])
    sizes = np.interp(rng.random(n) * 100, points[:, 1], points[:, 0])
    found: Array = np.maximum(sizes.astype(np.int64), 1)
    return found


@dataclass(slots=True, eq=False)
class FlowSet:
    """Flows and their order; ``tags`` names ``flows["tag"]``. ``local`` pairs stay in a domain and are no flows."""

    flows: Array
    after: Array
    tags: list[str] = field(default_factory=list)
    local: int = 0

    @classmethod
    def joined(cls, parts: "list[tuple[str, FlowSet]]") -> "FlowSet":
        """Return all as one, with a tag for each; channels of different parts never meet."""
        flows, after, at, channel = [], [], 0, 0
        for tag, (_, part) in enumerate(parts):
            f, a = part.flows.copy(), part.after.copy()
            f["tag"] = tag
            f["channel"] += channel
            a["flow"] += at
            a["before"] += at
            at += len(f)
            channel = int(f["channel"].max()) + 1 if len(f) else channel
            flows.append(f)
            after.append(a)
        return cls(
            np.concatenate([np.zeros(0, FLOW), *flows]),
            np.concatenate([np.zeros(0, AFTER), *after]),
            [name for name, _ in parts],
            sum(part.local for _, part in parts),
        )


def _flows(spec: Any, src: Any, dst: Any, size: Any, start: Any, channel: Any = None) -> Array:
    src = np.atleast_1d(np.asarray(src))
    flows = np.zeros(len(src), FLOW)
    flows["src"], flows["dst"], flows["bytes"], flows["start_ps"] = src, dst, size, start
    flows["qps"] = spec.qps
    flows["prio"] = PRIO_OF_HOST if spec.prio is None else spec.prio
    flows["channel"] = np.arange(len(src)) if channel is None else channel
    return flows


def _hosts(topology: Topology, wanted: "int | tuple[str, ...] | None", what: str) -> Array:
    """Return hosts by number: all, so many of the first, or by names with ``*``."""
    if wanted is None:
        return np.arange(topology.hosts)
    if isinstance(wanted, int):
        if not 1 <= wanted <= topology.hosts:
            raise CallerError(f"{what} {wanted} is not from 1 to {topology.hosts}, the hosts of the topology")
        return np.arange(wanted)
    from fnmatch import fnmatchcase

    names = topology.names[: topology.hosts]
    found: dict[int, None] = {}
    for pattern in wanted:
        hits = [i for i, name in enumerate(names) if fnmatchcase(name, pattern)]
        if not hits:
            raise CallerError(f"{what}: no host {pattern!r}{suggest(pattern, names)[:200]}")
        found |= dict.fromkeys(hits)
    return np.array(list(found))


def _host(topology: Topology, name: str, what: str) -> int:
    index = topology.index.get(name, len(topology.names))
    if index >= topology.hosts:
        raise CallerError(f"{what}: no host {name!r}{suggest(name, topology.names[: topology.hosts])[:200]}")
    return index


def _acyclic(after: list[tuple[int, int]], names: list[str]) -> None:
    """Raise CallerError when flows wait for each other: none of them would start."""
    order: TopologicalSorter[int] = TopologicalSorter()
    for flow, before in after:
        order.add(flow, before)
    try:
        order.prepare()
    except CycleError as error:
        told = " -> ".join(names[i] for i in error.args[1])
        raise CallerError(f"wait for each other, none would start: {told:.200}") from None


def _check(spec: Any) -> None:
    for name in ("size_bytes", "qps"):
        value = getattr(spec, name, 1)
        if value < 1:
            raise CallerError(f"{spec.kind}: {name} {value} is below 1")
    if spec.qps > _QPS_MAX:
        raise CallerError(f"{spec.kind}: qps {spec.qps} is above {_QPS_MAX}")
    if spec.prio is not None and not 0 <= spec.prio <= 7:
        raise CallerError(f"{spec.kind}: prio {spec.prio} is not from 0 to 7")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    name: str = ""
    start_ps: int = 0
    qps: int = 1
    """Queue pairs over which a message is dealt."""
    prio: int | None = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLine:
    """One flow of a list; ``after`` names others of the list that must have arrived."""

    src: str
    dst: str
    size_bytes: int
    start_ps: int = 0
    name: str = ""
    after: tuple[str, ...] = ()
    delay_ps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowList(_Common):
    """Flows one by one."""

    kind: ClassVar[str] = "flows"
    flows: tuple[FlowLine, ...]

    def make(self, topology: Topology, rng: np.random.Generator, folder: Path) -> FlowSet:  # noqa: ARG002
        """Return the flows."""
        for i, f in enumerate(self.flows):
            if f.size_bytes < 1:
                raise CallerError(f"flows[{i}]: size {f.size_bytes} is below 1")
            if f.src == f.dst:
                raise CallerError(f"flows[{i}]: from {f.src} to itself")
        ends = [[_host(topology, n, f"flows[{i}]") for n in (f.src, f.dst)] for i, f in enumerate(self.flows)]
        pairs = np.array(ends).reshape(-1, 2)
        start = [self.start_ps + f.start_ps for f in self.flows]
        flows = _flows(self, pairs[:, 0], pairs[:, 1], [f.size_bytes for f in self.flows], start)
        by_name = {f.name: i for i, f in enumerate(self.flows) if f.name}
        after = []
        for i, f in enumerate(self.flows):
            for before in f.after:
                if by_name.get(before, i) == i:
                    raise CallerError(f"flows[{i}]: after {before!r}{suggest(before, by_name)}")
                after.append((i, by_name[before], f.delay_ps))
        _acyclic([(i, before) for i, before, _ in after], [f.name or f"flows[{i}]" for i, f in enumerate(self.flows)])
        return FlowSet(flows, np.array(after, AFTER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Incast(_Common):
    """Many to one: ``senders`` are so many others, or names; ``jitter`` spreads their starts at random."""

    kind: ClassVar[str] = "incast"
    receiver: str = ""
    """The first host, when it is not named."""
    senders: int | tuple[str, ...]
    size_bytes: int = 1_000_000
    jitter_ps: int = 0

    def make(self, topology: Topology, rng: np.random.Generator, folder: Path) -> FlowSet:  # noqa: ARG002
        """Return the flows."""
        to = _host(topology, self.receiver, "incast.receiver") if self.receiver else 0
        if isinstance(self.senders, int):
            others = np.delete(np.arange(topology.hosts), to)
            if not 1 <= self.senders <= len(others):
                raise CallerError(f"incast: senders {self.senders} is not from 1 to {len(others)}, the other hosts")
            senders = others[: self.senders]
        else:
            senders = _hosts(topology, self.senders, "incast.senders")
            senders = senders[senders != to]
        start = self.start_ps + rng.integers(0, self.jitter_ps + 1, len(senders))
        return FlowSet(_flows(self, senders, to, self.size_bytes, start), np.zeros(0, AFTER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Permutation(_Common):
    """Every host sends to one and receives from one, at random; ``cross: pod`` only between pods (``site``: sites)."""

    kind: ClassVar[str] = "permutation"
    size_bytes: int = 1_000_000
    cross: Literal["any", "pod", "site"] = "any"
    hosts: int | tuple[str, ...] | None = None

    def make(self, topology: Topology, rng: np.random.Generator, folder: Path) -> FlowSet:  # noqa: ARG002
        """Return the flows."""
        hosts = _hosts(topology, self.hosts, "permutation.hosts")
        group = {
            "any": np.arange(topology.hosts),
            "pod": topology.pod * (1 << 20) + topology.site,
            "site": topology.site,
        }[self.cross][hosts]
        order = rng.permutation(len(hosts))
        order = order[np.argsort(group[order], kind="stable")]
        _, sizes = np.unique(group, return_counts=True)
        if len(hosts) < 2 or sizes.max() * 2 > len(hosts):
            raise CallerError(
                f"permutation: {len(hosts)} hosts, {sizes.max()} of them in one {self.cross}: no permutation across"
            )
        # Hosts sorted by group and shifted by at least the largest group: nobody meets his own.
        low, high = int(sizes.max()), len(hosts) - int(sizes.max())
        shift = int(rng.integers(low, high + 1))
        to = np.empty(len(hosts), np.int64)
        to[order] = hosts[np.roll(order, -shift)]
        return FlowSet(_flows(self, hosts, to, self.size_bytes, self.start_ps), np.zeros(0, AFTER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisson(_Common):
    """Flows of random sizes between random hosts, at a share ``load`` of the hosts' rates."""

    kind: ClassVar[str] = "poisson"
    cdf: Literal["WebSearch", "FB_Hadoop", "AliStorage2019"] = "WebSearch"
    load: float = 0.3
    duration_ps: int = 1_000_000_000
    hosts: int | tuple[str, ...] | None = None

    def make(self, topology: Topology, rng: np.random.Generator, folder: Path) -> FlowSet:  # noqa: ARG002
        """Return the flows."""
        hosts = _hosts(topology, self.hosts, "poisson.hosts")
        if len(hosts) < 2:
            raise CallerError("poisson: one host has nobody to send to")
        if not 0 < self.load <= 1:
            raise CallerError(f"poisson: load {self.load:g} is not above 0 and at most 1")
        rate = self.load * float(topology.host_rate_bps()[hosts].sum()) / (8 * mean_bytes(self.cdf)) / 1e12
        n = int(rng.poisson(rate * self.duration_ps))
        if n > 20_000_000:
            raise CallerError(f"poisson: {n} flows, at most 20000000: shorten duration")
        start = np.sort(rng.random(n) * self.duration_ps).astype(np.int64) + self.start_ps
        src = rng.integers(0, len(hosts), n)
        dst = (src + rng.integers(1, len(hosts), n)) % len(hosts)
        return FlowSet(_flows(self, hosts[src], hosts[dst], sample_bytes(self.cdf, rng, n), start), np.zeros(0, AFTER))


def _groups(spec: "AllReduce | AllToAll", topology: Topology) -> list[Array]:
    ranks = _hosts(topology, spec.ranks, f"{spec.kind}.ranks")
    if spec.group == "all":
        groups = [ranks]
    else:
        of = {"rail": topology.rail, "pod": topology.pod, "site": topology.site}[spec.group][ranks]
        groups = [ranks[of == value] for value in np.unique(of)]
    for group in groups:
        if len(group) < 2:
            raise CallerError(f"{spec.kind}: {len(group)} rank in a group of {spec.group!r}, a collective needs 2")
    return groups


@dataclass(frozen=True, slots=True, kw_only=True)
class AllReduce(_Common):
    """Ring allreduce of ``size`` bytes a rank: 2(n-1) steps, each passes a chunk of size/n on when one has come.

    ``group: rail`` makes a ring of each rail: the same GPU of every node.
    """

    kind: ClassVar[str] = "allreduce"
    size_bytes: int = 8_000_000
    ranks: int | tuple[str, ...] | None = None
    group: Literal["all", "rail", "pod", "site"] = "all"

    def make(self, topology: Topology, rng: np.random.Generator, folder: Path) -> FlowSet:  # noqa: ARG002
        """Return the flows."""
        flows, after, at = [], [], 0
        for ring in _groups(self, topology):
            n = len(ring)
            steps = 2 * (n - 1)
            if self.size_bytes < n:
                raise CallerError(f"allreduce: size {self.size_bytes} is less than a byte for each of {n} ranks")
            rank, step = np.tile(np.arange(n), steps), np.repeat(np.arange(steps), n)
            chunk = (rank - step) % n
            size = self.size_bytes // n + (chunk < self.size_bytes % n)
            flows.append(
                _flows(self, ring[rank], ring[(rank + 1) % n], size, self.start_ps, np.full(n * steps, at % (1 << 31)))
            )
            part = np.zeros(n * (steps - 1), AFTER)
            part["flow"] = at + np.arange(n, n * steps)
            part["before"] = at + (step[n:] - 1) * n + (rank[n:] - 1) % n
            after.append(part)
            at += n * steps
        joined = np.concatenate(flows)
        joined["channel"] = np.unique(joined["channel"], return_inverse=True)[1]
        return FlowSet(joined, np.concatenate(after))


@dataclass(frozen=True, slots=True, kw_only=True)
class AllToAll(_Common):
    """Each rank sends size/n to every other, in steps: in step k to the k-th next; ``concurrent`` steps at a time."""

    kind: ClassVar[str] = "alltoall"
    size_bytes: int = 8_000_000
    ranks: int | tuple[str, ...] | None = None
    group: Literal["all", "rail", "pod", "site"] = "all"
    concurrent: int = 1

    def make(self, topology: Topology, rng: np.random.Generator, folder: Path) -> FlowSet:  # noqa: ARG002
        """Return the flows."""
        if self.concurrent < 1:
            raise CallerError(f"alltoall: concurrent {self.concurrent} is below 1")
        flows, after, at, local = [], [], 0, 0
        for ranks in _groups(self, topology):
            n = len(ranks)
            if self.size_bytes < n:
                raise CallerError(f"alltoall: size {self.size_bytes} is less than a byte for each of {n} ranks")
            rank, step = np.tile(np.arange(n), n - 1), np.repeat(np.arange(1, n), n)
            to = (rank + step) % n
            by_fabric = topology.domain[ranks[rank]] != topology.domain[ranks[to]]
            local += int(np.count_nonzero(~by_fabric))
            rank, to = rank[by_fabric], to[by_fabric]
            flows.append(_flows(self, ranks[rank], ranks[to], self.size_bytes // n, self.start_ps))
            # Per sender, its flows in the order of steps: each waits for the one `concurrent` before it.
            order = np.argsort(rank, kind="stable")
            late, early = order[self.concurrent :], order[: -self.concurrent]
            same = rank[late] == rank[early]
            part = np.zeros(int(np.count_nonzero(same)), AFTER)
            part["flow"], part["before"] = at + late[same], at + early[same]
            after.append(part)
            at += len(rank)
        joined = np.concatenate(flows)
        joined["channel"] = np.arange(len(joined))
        return FlowSet(joined, np.concatenate(after), local=local)


def _node(topology: Topology, node: int, what: str, by_name: bool) -> int:
    index = topology.index.get(str(node), len(topology.names)) if by_name else node
    if index >= topology.hosts:
        raise CallerError(f"{what}: node {node} is no host of the topology, which has {topology.hosts}")
    return index


@dataclass(frozen=True, slots=True, kw_only=True)
class HpccFlows(_Common):
    """A flow file of HPCC's simulator; its priority groups are ours when ``groups`` is true."""

    kind: ClassVar[str] = "hpcc_flows"
    file: str
    groups: bool = False

    def make(self, topology: Topology, rng: np.random.Generator, folder: Path) -> FlowSet:  # noqa: ARG002
        """Return the flows."""
        from dpu_emu.fabric.formats import read_hpcc_flows

        rows = read_hpcc_flows(folder / self.file)
        by_name = topology.names[0].isdigit()
        ends = [[_node(topology, n, f"{self.file}: flow {i + 1}", by_name) for n in r[:2]] for i, r in enumerate(rows)]
        pairs = np.array(ends).reshape(-1, 2)
        flows = _flows(self, pairs[:, 0], pairs[:, 1], [r[3] for r in rows], [self.start_ps + r[4] for r in rows])
        if self.groups:
            flows["prio"] = [r[2] for r in rows]
        return FlowSet(flows, np.zeros(0, AFTER))


@dataclass(frozen=True, slots=True, kw_only=True)
class HtsimMatrix(_Common):
    """A connection matrix of htsim; a ``send_done_trigger`` fires when the last byte has arrived, too."""

    kind: ClassVar[str] = "htsim"
    file: str

    def make(self, topology: Topology, rng: np.random.Generator, folder: Path) -> FlowSet:  # noqa: ARG002
        """Return the flows."""
        from dpu_emu.fabric.formats import read_htsim

        matrix = read_htsim(folder / self.file)
        if matrix.nodes > topology.hosts:
            raise CallerError(f"{self.file}: Nodes {matrix.nodes}, and the topology has {topology.hosts} hosts")
        c = matrix.connections
        flows = _flows(
            self,
            np.array([x.src for x in c], np.int64),
            [x.dst for x in c],
            [x.size_bytes for x in c],
            [self.start_ps + (x.start_ps or 0) for x in c],
        )
        prio = np.array([-1 if x.prio is None else x.prio for x in c], np.int64)
        flows["prio"] = np.where(prio < 0, flows["prio"], prio)
        _acyclic(matrix.after, [f"{self.file}: connection {i + 1}" for i in range(len(c))])
        return FlowSet(flows, np.array([(w, b, 0) for w, b in matrix.after], AFTER))


WorkloadSpec = FlowList | Incast | Permutation | Poisson | AllReduce | AllToAll | HpccFlows | HtsimMatrix
