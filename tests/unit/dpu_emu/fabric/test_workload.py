"""Workloads: who sends what to whom, after what; the same seed gives the same flows."""

from pathlib import Path

import numpy as np
import pytest

from datapath.errors import CallerError
from dpu_emu.fabric.topology import FatTree, LeafSpine, Rail, Star
from dpu_emu.fabric.workload import (
    CDFS,
    AllReduce,
    AllToAll,
    FlowLine,
    FlowList,
    FlowSet,
    Incast,
    Permutation,
    Poisson,
    mean_bytes,
    sample_bytes,
)

HERE = Path()


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize(
    ("cdf", "mean"), [("WebSearch", 1_711_250), ("FB_Hadoop", 120_421), ("AliStorage2019", 40_870)]
)
def test_distributions_have_the_known_means(cdf: str, mean: int) -> None:
    assert mean_bytes(cdf) == pytest.approx(mean, abs=1)
    assert sample_bytes(cdf, rng(), 400_000).mean() == pytest.approx(mean, rel=0.02)
    assert sample_bytes(cdf, rng(), 10_000).max() <= CDFS[cdf][-1][0]


def test_permutation_across_pods_gives_each_host_one_of_another_pod() -> None:
    tree = FatTree(k=4).build(HERE)
    for seed in range(20):
        flows = Permutation(cross="pod").make(tree, rng(seed), HERE).flows
        assert sorted(flows["src"]) == sorted(flows["dst"]) == list(range(16))
        assert not np.any(tree.pod[flows["src"].astype(int)] == tree.pod[flows["dst"].astype(int)])
    first, again, other = (Permutation(cross="pod").make(tree, rng(s), HERE).flows for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_permutation_of_any_hosts_meets_nobody_himself() -> None:
    star = Star(hosts=7).build(HERE)
    for seed in range(20):
        flows = Permutation().make(star, rng(seed), HERE).flows
        assert sorted(flows["dst"]) == list(range(7))
        assert not np.any(flows["src"] == flows["dst"])


def test_incast_comes_from_others() -> None:
    flows = Incast(receiver="h2", senders=4, jitter_ps=1000).make(Star(hosts=6).build(HERE), rng(), HERE).flows
    assert flows["src"].tolist() == [0, 1, 3, 4]
    assert set(flows["dst"]) == {2}
    assert len(set(flows["start_ps"])) > 1


def test_poisson_offers_its_load() -> None:
    star = Star(hosts=16).build(HERE)
    spec = Poisson(cdf="FB_Hadoop", load=0.5, duration_ps=20_000_000_000)
    flows = spec.make(star, rng(), HERE).flows
    offered = flows["bytes"].sum() * 8 / 20e-3 / (16 * 100e9)
    assert offered == pytest.approx(0.5, rel=0.05)
    assert np.all(np.diff(flows["start_ps"].astype(np.int64)) >= 0)
    assert not np.any(flows["src"] == flows["dst"])


@pytest.mark.parametrize("n", [2, 3, 8])
def test_ring_allreduce_passes_on_what_came(n: int) -> None:
    made = AllReduce(size_bytes=8 * n + 1).make(Star(hosts=n).build(HERE), rng(), HERE)
    assert len(made.flows) == 2 * (n - 1) * n
    assert len(made.after) == (2 * (n - 1) - 1) * n
    assert np.all((made.flows["src"] + 1) % n == made.flows["dst"])
    for a in made.after:
        late, early = made.flows[a["flow"]], made.flows[a["before"]]
        assert late["src"] == early["dst"]
        assert late["bytes"] == early["bytes"]  # the same chunk goes around
    sent = [made.flows["bytes"][made.flows["src"] == i].sum() for i in range(n)]
    assert sum(sent) == 2 * (n - 1) * (8 * n + 1)


def test_allreduce_by_rail_stays_on_its_rail() -> None:
    pods = Rail(nodes_per_pod=3).build(HERE)
    made = AllReduce(group="rail").make(pods, rng(), HERE)
    src, dst = made.flows["src"].astype(int), made.flows["dst"].astype(int)
    assert np.array_equal(pods.rail[src], pods.rail[dst])
    assert len(set(made.flows["channel"])) == 8


def test_alltoall_goes_in_steps() -> None:
    made = AllToAll(size_bytes=4000, concurrent=2).make(Star(hosts=4).build(HERE), rng(), HERE)
    assert len({(int(f["src"]), int(f["dst"])) for f in made.flows}) == len(made.flows) == 12
    assert set(made.flows["bytes"]) == {1000}
    assert len(made.after) == 4
    for a in made.after:
        assert made.flows["src"][a["flow"]] == made.flows["src"][a["before"]]


def test_alltoall_leaves_out_what_a_node_does_inside() -> None:
    made = AllToAll().make(Rail(nodes_per_pod=2).build(HERE), rng(), HERE)
    assert len(made.flows) == 16 * 8
    assert made.local == 16 * 7


def test_parts_do_not_share_channels_and_keep_their_order() -> None:
    star = Star(hosts=3).build(HERE)
    part = AllReduce(size_bytes=9).make(star, rng(), HERE)
    joined = FlowSet.joined([("one", part), ("two", part)])
    half = len(part.flows)
    assert not set(joined.flows["channel"][:half]) & set(joined.flows["channel"][half:])
    assert joined.after["before"][len(part.after) :].min() >= half
    assert joined.flows["tag"].tolist() == [0] * half + [1] * half


def test_listed_flows_wait_for_others_by_name() -> None:
    lines = (
        FlowLine(src="h0", dst="h1", size_bytes=5, name="first"),
        FlowLine(src="h1", dst="h0", size_bytes=6, after=("first",), delay_ps=7),
    )
    made = FlowList(flows=lines).make(Star(hosts=2).build(HERE), rng(), HERE)
    assert made.after.tolist() == [(1, 0, 7)]


@pytest.mark.parametrize(
    ("work", "told"),
    [
        (Incast(senders=9), "senders 9 is not from 1 to 3"),
        (Incast(senders=1, receiver="g0"), "no host 'g0'; did you mean 'h0'"),
        (Permutation(cross="pod"), "no permutation across"),
        (Poisson(load=1.5), "load 1.5"),
        (AllReduce(ranks=1), "1 rank in a group"),
        (AllReduce(size_bytes=3), "less than a byte for each of 4"),
        (FlowList(flows=(FlowLine(src="h0", dst="h0", size_bytes=1),)), "from h0 to itself"),
        (FlowList(flows=(FlowLine(src="h0", dst="h1", size_bytes=1, after=("x",)),)), "after 'x'"),
    ],
)
def test_impossible_workloads_are_refused(work: Incast, told: str) -> None:
    with pytest.raises(CallerError, match=told):
        work.make(LeafSpine(leaves=1, hosts_per_leaf=4, spines=0).build(HERE), rng(), HERE)


def test_counts_below_one_are_refused() -> None:
    with pytest.raises(CallerError, match="size_bytes 0 is below 1"):
        Permutation(size_bytes=0)
    with pytest.raises(CallerError, match="prio 8"):
        Permutation(prio=8)
