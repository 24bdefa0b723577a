"""Topologies: which hosts and switches there are, and how links join them.

Nodes are numbered hosts first, then switches, as the simulator makes them. A specification (a dataclass that a scenario
reads) builds a ``Topology``; names follow the place: ``h3``, ``leaf0``, ``p1e0`` (pod 1, edge switch 0),
``dc1.spine2``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from datapath.errors import CallerError
from dpu_emu._native import LINK

__all__ = [
    "TOPOLOGY_KINDS",
    "Builder",
    "Custom",
    "CustomLink",
    "DataCentres",
    "FatTree",
    "HpccTopology",
    "LeafSpine",
    "Rail",
    "Star",
    "Topology",
    "TopologySpec",
]

Array = npt.NDArray[Any]
IntArray = npt.NDArray[np.int64]

PS_PER_M = 5_000
"""Light in fibre: 5 us/km."""
_OVERHEAD_BYTES = 38  # preamble 8, Ethernet header 14, FCS 4, gap 12
_NODES_MAX = 65_535
_LINKS_MAX = 1 << 20
_GBPS = 10**9


def _at_least(kind: str, **limits: tuple[int, int]) -> None:
    for name, (value, low) in limits.items():
        if value < low:
            raise CallerError(f"{kind}: {name} {value} is below {low}")


@dataclass(slots=True, eq=False)
class Topology:
    """A fabric: ``names`` of hosts, then of switches; per node its ``tier`` (0: host), pod and site."""

    names: tuple[str, ...]
    hosts: int
    links: Array
    tier: IntArray
    pod: IntArray
    site: IntArray
    domain: IntArray
    """Per host: hosts of one number exchange by other means (GPUs of one node)."""
    rail: IntArray
    """Per host: its place in its domain."""
    index: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.index = {name: i for i, name in enumerate(self.names)}

    @property
    def switches(self) -> int:
        """Number of switches."""
        return len(self.names) - self.hosts

    def link_name(self, link: int) -> str:
        """Return ``a-b`` of a link; a second one between the same nodes is ``a-b#1``."""
        a, b = int(self.links["a"][link]), int(self.links["b"][link])
        before = self.links[:link]
        same = int(np.count_nonzero((before["a"] == a) & (before["b"] == b) | (before["a"] == b) & (before["b"] == a)))
        return f"{self.names[a]}-{self.names[b]}" + (f"#{same}" if same else "")

    def direction_name(self, direction: int) -> str:
        """Return ``a>b`` of a direction: 2 x link from a to b, 2 x link + 1 back."""
        link = self.links[direction // 2]
        ends = self.names[int(link["a"])], self.names[int(link["b"])]
        return ">".join(ends if direction % 2 == 0 else ends[::-1])

    def ends(self, direction: int) -> tuple[int, int]:
        """Return the nodes from and to which a direction leads."""
        link = self.links[direction // 2]
        a, b = int(link["a"]), int(link["b"])
        return (a, b) if direction % 2 == 0 else (b, a)

    def ports(self) -> list[list[int]]:
        """Return of each node its ports in order: the directions that leave it."""
        found: list[list[int]] = [[] for _ in self.names]
        for i, (a, b) in enumerate(zip(self.links["a"].tolist(), self.links["b"].tolist(), strict=True)):
            found[a].append(2 * i)
            found[b].append(2 * i + 1)
        return found

    def host_rate_bps(self) -> Array:
        """Return of each host the rate of its link."""
        rates = np.zeros(self.hosts, "u8")
        for end in ("a", "b"):
            at = self.links[end] < self.hosts
            rates[self.links[end][at]] = self.links["rate_bps"][at]
        return rates

    def find_link(self, name: str) -> int:
        """Return the link between two nodes, ``a-b`` or ``a-b#1``.

        Raises:
            CallerError: a node or link is not there.
        """
        from dpu_emu.fabric.strict import suggest

        pair, _, which = name.partition("#")
        a, dash, b = pair.partition("-")
        for node in (a, b) if dash else (pair,):
            if node not in self.index:
                raise CallerError(f"link {name!r}: no node {node!r}{suggest(node, self.names)[:200]}")
        if not dash:
            raise CallerError(f"link {name!r} is not named by two nodes, such as {self.link_name(0)!r}")
        i, j = self.index[a], self.index[b]
        at = (self.links["a"] == i) & (self.links["b"] == j) | (self.links["a"] == j) & (self.links["b"] == i)
        found = np.flatnonzero(at)
        number = int(which) if which.isdigit() else 0
        if number >= len(found):
            raise CallerError(f"link {name!r}: {len(found)} links between {a} and {b}")
        return int(found[number])

    def find_direction(self, name: str) -> int:
        """Return the direction ``a>b``."""
        a, _, b = name.partition(">")
        link = self.find_link(f"{a}-{b}")
        return 2 * link + int(self.links["a"][link] != self.index[a])

    def unreachable(self) -> tuple[str, str] | None:
        """Return two hosts that no links join, or None."""
        group = np.arange(len(self.names))
        a, b = self.links["a"].astype(np.int64), self.links["b"].astype(np.int64)
        while True:
            low = np.minimum(group[a], group[b])
            new = group.copy()
            np.minimum.at(new, a, low)
            np.minimum.at(new, b, low)
            new = new[new]
            if np.array_equal(new, group):
                break
            group = new
        apart = np.flatnonzero(group[: self.hosts] != group[0])
        return (self.names[0], self.names[int(apart[0])]) if len(apart) else None


class Builder:
    """Collects nodes and links; ``done`` numbers hosts first."""

    def __init__(self) -> None:
        self.hosts: list[tuple[str, int, int, int, int]] = []
        self.switches: list[tuple[str, int, int, int]] = []
        self.links: list[tuple[str, str, int, int, int]] = []

    def _room(self) -> None:
        # While it is built: a mistyped number would fill the memory first.
        if len(self.hosts) + len(self.switches) >= _NODES_MAX:
            raise CallerError(f"more than {_NODES_MAX} nodes")

    def host(self, name: str, *, pod: int = 0, site: int = 0, domain: int = -1, rail: int = 0) -> str:
        """Add a host."""
        self._room()
        self.hosts.append((name, pod, site, domain if domain >= 0 else len(self.hosts), rail))
        return name

    def switch(self, name: str, tier: int, *, pod: int = 0, site: int = 0) -> str:
        """Add a switch; tier 1 is next to the hosts."""
        self._room()
        self.switches.append((name, tier, pod, site))
        return name

    def link(self, a: str, b: str, rate_bps: int, delay_ps: int, loss_e9: int = 0) -> None:
        """Add a link, each way."""
        if len(self.links) >= _LINKS_MAX:
            raise CallerError(f"more than {_LINKS_MAX} links")
        self.links.append((a, b, rate_bps, delay_ps, loss_e9))

    def done(self, what: str) -> Topology:
        """Return the topology."""
        names = (*(h[0] for h in self.hosts), *(s[0] for s in self.switches))
        index = {name: i for i, name in enumerate(names)}
        if len(index) != len(names):
            twice = next(n for i, n in enumerate(names) if index[n] != i)
            raise CallerError(f"{what}: node {twice!r} is there twice")
        if not self.hosts:
            raise CallerError(f"{what}: no hosts")
        links = np.zeros(len(self.links), LINK)
        for i, (a, b, rate, delay, loss) in enumerate(self.links):
            for end in (a, b):
                if end not in index:
                    raise CallerError(f"{what}: link {a}-{b}: no node {end!r}")
            if a == b:
                raise CallerError(f"{what}: link {a}-{b} joins a node to itself")
            links[i] = (index[a], index[b], rate, delay, loss, _OVERHEAD_BYTES)
        seen = np.bincount(np.concatenate([links["a"], links["b"]]), minlength=len(names))
        for i in range(len(self.hosts)):
            if seen[i] != 1:
                raise CallerError(f"{what}: host {names[i]} has {seen[i]} links, a host has one")
        return Topology(
            names=names,
            hosts=len(self.hosts),
            links=links,
            tier=np.array([0] * len(self.hosts) + [s[1] for s in self.switches], np.int64),
            pod=np.array([h[1] for h in self.hosts] + [s[2] for s in self.switches], np.int64),
            site=np.array([h[2] for h in self.hosts] + [s[3] for s in self.switches], np.int64),
            domain=np.array([h[3] for h in self.hosts], np.int64),
            rail=np.array([h[4] for h in self.hosts], np.int64),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Star:
    """Hosts on one switch."""

    kind: ClassVar[str] = "star"
    hosts: int
    rate_bps: int = 100 * _GBPS
    delay_ps: int = 1_000_000
    loss_e9: int = 0
    """Of each packet on each link."""

    def build(self, folder: Path) -> Topology:  # noqa: ARG002
        """Return the topology."""
        _at_least("star", hosts=(self.hosts, 1))
        b = Builder()
        switch = b.switch("sw0", 1)
        for i in range(self.hosts):
            b.link(b.host(f"h{i}"), switch, self.rate_bps, self.delay_ps, self.loss_e9)
        return b.done("star")


def _leaf_spine(b: Builder, spec: "LeafSpine", prefix: str, site: int) -> list[str]:
    """Add one leaf-spine; returns the spines."""
    spines = [b.switch(f"{prefix}spine{s}", 2, site=site) for s in range(spec.spines)]
    for leaf in range(spec.leaves):
        name = b.switch(f"{prefix}leaf{leaf}", 1, pod=leaf, site=site)
        for h in range(spec.hosts_per_leaf):
            host = b.host(f"{prefix}h{leaf * spec.hosts_per_leaf + h}", pod=leaf, site=site)
            b.link(host, name, spec.host_rate_bps, spec.host_delay_ps)
        for spine in spines:
            for _ in range(spec.parallel):
                b.link(name, spine, spec.uplink_rate_bps, spec.uplink_delay_ps)
    return spines


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafSpine:
    """Leaves with hosts; every leaf has ``parallel`` links to every spine."""

    kind: ClassVar[str] = "leaf_spine"
    leaves: int = 2
    spines: int = 2
    hosts_per_leaf: int = 4
    parallel: int = 1
    host_rate_bps: int = 100 * _GBPS
    uplink_rate_bps: int = 100 * _GBPS
    host_delay_ps: int = 1_000_000
    uplink_delay_ps: int = 1_000_000

    def check(self, kind: str) -> None:
        """Raise CallerError when a number is too low."""
        _at_least(
            kind,
            leaves=(self.leaves, 1),
            spines=(self.spines, 0 if self.leaves == 1 else 1),
            hosts_per_leaf=(self.hosts_per_leaf, 1),
            parallel=(self.parallel, 1),
        )

    def build(self, folder: Path) -> Topology:  # noqa: ARG002
        """Return the topology."""
        self.check("leaf_spine")
        b = Builder()
        _leaf_spine(b, self, "", 0)
        return b.done("leaf_spine")


@dataclass(frozen=True, slots=True, kw_only=True)
class FatTree:
    """Three tiers of k-port switches: k pods of k/2 edge and k/2 aggregation switches, (k/2)^2 cores, k^3/4 hosts."""

    kind: ClassVar[str] = "fat_tree"
    k: int
    rate_bps: int = 100 * _GBPS
    delay_ps: int = 1_000_000

    def build(self, folder: Path) -> Topology:  # noqa: ARG002
        """Return the topology."""
        _at_least("fat_tree", k=(self.k, 2))
        if self.k % 2:
            raise CallerError(f"fat_tree: k {self.k} is not even")
        b, half = Builder(), self.k // 2
        cores = [b.switch(f"core{c}", 3) for c in range(half * half)]
        for pod in range(self.k):
            aggs = [b.switch(f"p{pod}a{i}", 2, pod=pod) for i in range(half)]
            for i, agg in enumerate(aggs):
                for j in range(half):
                    b.link(agg, cores[i * half + j], self.rate_bps, self.delay_ps)
            for e in range(half):
                edge = b.switch(f"p{pod}e{e}", 1, pod=pod)
                for agg in aggs:
                    b.link(edge, agg, self.rate_bps, self.delay_ps)
                for h in range(half):
                    host = b.host(f"h{(pod * half + e) * half + h}", pod=pod)
                    b.link(host, edge, self.rate_bps, self.delay_ps)
        return b.done("fat_tree")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """Rail-optimised GPU pods: GPU r of every node of a pod is, by a DPU of its own, on the pod's rail switch r.

    GPUs of one node are a domain: what they exchange does not touch the fabric.
    """

    kind: ClassVar[str] = "rail"
    pods: int = 1
    nodes_per_pod: int = 4
    gpus_per_node: int = 8
    spines: int = 4
    rate_bps: int = 400 * _GBPS
    uplink_rate_bps: int = 400 * _GBPS
    delay_ps: int = 500_000

    def build(self, folder: Path) -> Topology:  # noqa: ARG002
        """Return the topology."""
        _at_least(
            "rail",
            pods=(self.pods, 1),
            nodes_per_pod=(self.nodes_per_pod, 1),
            gpus_per_node=(self.gpus_per_node, 1),
            spines=(self.spines, 1),
        )
        b = Builder()
        spines = [b.switch(f"spine{s}", 2) for s in range(self.spines)]
        for pod in range(self.pods):
            rails = [b.switch(f"p{pod}rail{r}", 1, pod=pod) for r in range(self.gpus_per_node)]
            for rail in rails:
                for spine in spines:
                    b.link(rail, spine, self.uplink_rate_bps, self.delay_ps)
            for n in range(self.nodes_per_pod):
                node = pod * self.nodes_per_pod + n
                for r, rail in enumerate(rails):
                    host = b.host(f"n{node}g{r}", pod=pod, domain=node, rail=r)
                    b.link(host, rail, self.rate_bps, self.delay_ps)
        return b.done("rail")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCentres:
    """Leaf-spines of several sites, each with a border switch; links of ``distance`` join every two borders.

    ``convergence`` is the rate of all hosts of a site over that of its long links (1 to 32).
    """

    kind: ClassVar[str] = "data_centres"
    sites: int = 2
    distance_m: int = 100_000
    convergence: float = 4.0
    long_links: int = 1
    long_loss_e9: int = 0
    site: LeafSpine = LeafSpine()

    def build(self, folder: Path) -> Topology:  # noqa: ARG002
        """Return the topology."""
        _at_least("data_centres", sites=(self.sites, 2), long_links=(self.long_links, 1))
        self.site.check("data_centres.site")
        if not 1 <= self.convergence <= 32:
            raise CallerError(f"data_centres: convergence {self.convergence:g} is not from 1 to 32")
        _at_least("data_centres.site", spines=(self.site.spines, 1))
        hosts_bps = self.site.leaves * self.site.hosts_per_leaf * self.site.host_rate_bps
        away_bps = round(hosts_bps / self.convergence)
        long_bps = away_bps // (self.long_links * (self.sites - 1))
        up_bps = max(self.site.uplink_rate_bps, -(-away_bps // self.site.spines))
        b = Builder()
        borders = []
        for s in range(self.sites):
            spines = _leaf_spine(b, self.site, f"dc{s}.", s)
            borders.append(b.switch(f"dc{s}.border", 3, site=s))
            for spine in spines:
                b.link(spine, borders[-1], up_bps, self.site.uplink_delay_ps)
        for s in range(self.sites):
            for t in range(s + 1, self.sites):
                for _ in range(self.long_links):
                    b.link(borders[s], borders[t], long_bps, self.distance_m * PS_PER_M, self.long_loss_e9)
        return b.done("data_centres")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomLink:
    """A link of a list; ``distance`` instead of ``delay`` counts 5 us/km."""

    a: str
    b: str
    rate_bps: int = 100 * _GBPS
    delay_ps: int | None = None
    distance_m: int | None = None
    loss_e9: int = 0

    def __post_init__(self) -> None:
        if self.delay_ps is not None and self.distance_m is not None:
            raise CallerError(f"link {self.a}-{self.b}: both delay and distance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """Hosts, switches and links by name."""

    kind: ClassVar[str] = "custom"
    hosts: tuple[str, ...]
    switches: tuple[str, ...] = ()
    links: tuple[CustomLink, ...]

    def build(self, folder: Path) -> Topology:  # noqa: ARG002
        """Return the topology."""
        b = Builder()
        for name in self.hosts:
            b.host(_word(name))
        for name in self.switches:
            b.switch(_word(name), 1)
        for link in self.links:
            delay = link.delay_ps
            if delay is None:
                delay = link.distance_m * PS_PER_M if link.distance_m is not None else 1_000_000
            b.link(link.a, link.b, link.rate_bps, delay, link.loss_e9)
        topology = b.done("custom")
        topology.tier[:] = _tiers(topology)
        return topology


def _word(name: str) -> str:
    if not name or set(name) & set("->#*?[ "):
        raise CallerError(f"custom: name {name!r} has one of '->#*?[' or a space in it")
    return name


def _tiers(topology: Topology) -> Array:
    """Return how far each node is from the nearest host."""
    far = np.full(len(topology.names), len(topology.names))
    far[: topology.hosts] = 0
    a, b = topology.links["a"], topology.links["b"]
    for _ in range(topology.switches):
        before = far.copy()
        np.minimum.at(far, a, before[b] + 1)
        np.minimum.at(far, b, before[a] + 1)
        far[: topology.hosts] = 0
        if np.array_equal(far, before):
            break
    return far


@dataclass(frozen=True, slots=True, kw_only=True)
class HpccTopology:
    """A topology file of HPCC's simulator, as it is."""

    kind: ClassVar[str] = "hpcc"
    file: str

    def build(self, folder: Path) -> Topology:
        """Return the topology."""
        from dpu_emu.fabric.formats import read_hpcc_topology

        nodes, switches, links = read_hpcc_topology(folder / self.file)
        b = Builder()
        for node in range(nodes):
            if node in switches:
                b.switch(str(node), 1)
            else:
                b.host(str(node))
        for src, dst, rate, delay, loss in links:
            b.link(str(src), str(dst), rate, delay, loss)
        topology = b.done(self.file)
        topology.tier[:] = _tiers(topology)
        return topology


TopologySpec = LeafSpine | FatTree | Rail | DataCentres | Star | Custom | HpccTopology
TOPOLOGY_KINDS: Sequence[type] = (Star, LeafSpine, FatTree, Rail, DataCentres, Custom, HpccTopology)
