"""Topologies have the nodes, links and paths that their names promise."""

from pathlib import Path

import numpy as np
import pytest

from datapath.errors import CallerError
from dpu_emu.fabric.paths import Paths
from dpu_emu.fabric.topology import (
    Custom,
    CustomLink,
    DataCentres,
    FatTree,
    LeafSpine,
    Rail,
    Star,
    Topology,
    TopologySpec,
)

HERE = Path()


def hops(topology: Topology, a: str, b: str) -> int:
    return int(Paths.of(topology, np.array([topology.index[a]]), np.array([topology.index[b]])).hops[0])


@pytest.mark.parametrize(
    ("spec", "hosts", "switches", "links"),
    [
        (Star(hosts=5), 5, 1, 5),
        (LeafSpine(leaves=4, spines=2, hosts_per_leaf=8, parallel=2), 32, 6, 32 + 16),
        (FatTree(k=4), 16, 20, 16 + 16 + 16),
        (FatTree(k=8), 128, 80, 3 * 128),
        (Rail(pods=2, nodes_per_pod=4, spines=4), 64, 16 + 4, 64 + 64),
        (DataCentres(site=LeafSpine(leaves=2, spines=2, hosts_per_leaf=4)), 16, 10, 2 * (8 + 4 + 2) + 1),
        (DataCentres(sites=3, long_links=2), 24, 15, 3 * (8 + 4 + 2) + 6),
    ],
)
def test_counts(spec: TopologySpec, hosts: int, switches: int, links: int) -> None:
    topology = spec.build(HERE)
    assert (topology.hosts, topology.switches, len(topology.links)) == (hosts, switches, links)
    assert topology.unreachable() is None


def test_fat_tree_paths_have_two_four_or_six_links() -> None:
    tree = FatTree(k=4).build(HERE)
    assert [hops(tree, "h0", other) for other in ("h1", "h2", "h4", "h15")] == [2, 4, 6, 6]


def test_rail_joins_the_same_gpu_of_all_nodes_of_a_pod() -> None:
    pods = Rail(pods=2, nodes_per_pod=2).build(HERE)
    assert hops(pods, "n0g3", "n1g3") == 2
    assert hops(pods, "n0g3", "n1g4") == 4
    assert hops(pods, "n0g3", "n2g3") == 4
    assert pods.domain[pods.index["n1g0"]] == pods.domain[pods.index["n1g7"]] == 1


@pytest.mark.parametrize(("ratio", "gbps"), [(1.0, 800), (4.0, 200), (32.0, 25)])
def test_convergence_is_the_hosts_rate_over_that_of_the_long_links(ratio: float, gbps: int) -> None:
    sites = DataCentres(convergence=ratio).build(HERE)
    long = sites.links[-1]
    assert (long["rate_bps"], long["delay_ps"]) == (gbps * 10**9, 500_000_000)
    border = sites.find_link("dc0.spine0-dc0.border")
    assert 2 * int(sites.links["rate_bps"][border]) >= gbps * 10**9


def test_idle_path_is_store_and_forward() -> None:
    star = Star(hosts=2, rate_bps=10**11, delay_ps=10**6).build(HERE)
    paths = Paths.of(star, np.array([0]), np.array([1]))
    size = np.array([8192])
    packet = 4096 + 44 + 38
    want = (8192 + 2 * 82 + 16) * 80 + packet * 80 + 2 * 10**6 + 500_000
    assert paths.ideal_ps(size, np.array([4096]), 38, 500_000, np.array([0])) == [want]


def test_paths_take_the_nearer_of_equal_ones() -> None:
    spec = Custom(
        hosts=("a", "b"),
        switches=("s", "near", "far", "t"),
        links=(
            CustomLink(a="a", b="s"),
            CustomLink(a="s", b="far", distance_m=100_000),
            CustomLink(a="s", b="near", distance_m=1_000),
            CustomLink(a="far", b="t"),
            CustomLink(a="near", b="t"),
            CustomLink(a="t", b="b"),
        ),
    )
    topology = spec.build(HERE)
    assert Paths.of(topology, np.array([0]), np.array([1])).delay_ps == [3 * 10**6 + 5 * 10**6]
    assert topology.tier.tolist() == [0, 0, 1, 2, 2, 1]


def test_links_and_directions_have_names() -> None:
    topology = LeafSpine(parallel=2).build(HERE)
    link = topology.find_link("leaf0-spine1#1")
    assert topology.link_name(link) == "leaf0-spine1#1"
    direction = topology.find_direction("spine1>leaf0")
    assert topology.direction_name(direction) == "spine1>leaf0"
    with pytest.raises(CallerError, match="no node 'spin1'; did you mean 'spine1'"):
        topology.find_link("leaf0-spin1")
    with pytest.raises(CallerError, match="0 links between leaf0 and leaf1"):
        topology.find_link("leaf0-leaf1")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (FatTree(k=3), "k 3 is not even"),
        (Star(hosts=0), "hosts 0 is below 1"),
        (DataCentres(convergence=33.0), "convergence 33 is not from 1 to 32"),
        (DataCentres(site=LeafSpine(spines=0)), "spines 0 is below 1"),
        (Custom(hosts=("a", "a"), links=()), "'a' is there twice"),
        (Custom(hosts=("a", "b"), links=(CustomLink(a="a", b="c"),)), "no node 'c'"),
        (Custom(hosts=("a-b",), links=()), "'a-b' has one of"),
        (Custom(hosts=("a", "b"), links=(CustomLink(a="a", b="a"),)), "joins a node to itself"),
        (Custom(hosts=("a",), links=()), "host a has 0 links"),
    ],
)
def test_impossible_topologies_are_refused(spec: TopologySpec, told: str) -> None:
    with pytest.raises(CallerError, match=told):
        spec.build(HERE)
