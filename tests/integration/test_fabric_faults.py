"""Faults of a scenario do to flows what they say; overrides, weights and probes reach the simulator."""

import numpy as np
import pytest

from dpu_emu.fabric.plan import make_plan
from dpu_emu.fabric.result import Result
from dpu_emu.fabric.run import run
from dpu_emu.fabric.scenario import loads

PAIR = (
    "name: faults\ntopology: {kind: leaf_spine, leaves: 2, spines: 2, hosts_per_leaf: 1}\n"
    "hosts: {cc: {algorithm: none}, timeout: 10}\n"
    "workload: [{kind: flows, name: f, flows: [{src: h0, dst: h1, size: 5MB}]}]\n"
    "probes: {interval: 10us, flows: [f], links: ['leaf0>spine0']}\n"
)
QUICK = PAIR.replace("timeout: 10", "timeout: 5")  # 131 us, and no queue makes a round trip that long
ONE_WAY = PAIR.replace("spines: 2", "spines: 1")


def simulate(faults: str, text: str = PAIR) -> Result:
    return run(make_plan(loads(text + f"faults: [{faults}]\n")))


def fct_us(result: Result) -> float:
    assert result.done.all()
    return float(result.flows["fct_ps"].max()) / 1e6


def test_a_link_that_goes_down_is_routed_around() -> None:
    plain = fct_us(simulate("", QUICK))
    hit = {}
    for spine in (0, 1):
        result = simulate(f"{{at: 100us, link: leaf0-spine{spine}, action: down, reroute_delay: 20us}}", QUICK)
        hit[int(result.flows["retransmitted_pkts"][0] > 0)] = fct_us(result)
        assert result.direction(f"leaf0>spine{spine}")["data_pkts"] < 400
    assert hit[0] == plain  # the flow was not there
    assert plain + 20 < hit[1] < plain + 500


def test_without_a_way_around_a_flow_waits_for_the_link() -> None:
    one = QUICK.replace("spines: 2", "spines: 1")
    result = simulate("{at: 100us, link: leaf0-spine0, action: flap, period: 400us, count: 2}", one)
    plain = fct_us(simulate("", one))
    assert plain + 390 < fct_us(result) < plain + 1500


def test_a_degraded_link_slows_what_uses_it() -> None:
    slow = fct_us(simulate("{at: 0us, link: leaf0-spine0, action: rate, rate: 10Gb/s}", ONE_WAY))
    assert slow == pytest.approx(5e6 * (4096 + 82) / 4096 * 8 / 10e3, rel=0.02)


def test_loss_and_delay_begin_when_they_say() -> None:
    lossy = simulate("{at: 200us, link: leaf0-spine0, action: loss, loss: 1%}", ONE_WAY)
    assert lossy.drops()["links"] > 0
    acked = lossy.find_series("flow", "f[0] h0>h1")
    assert np.all(np.diff(acked.value[acked.at_ps <= 190_000_000].astype(float)) >= 0)
    assert acked.value[acked.at_ps == 190_000_000][0] > 0.8 * 180e-6 * 100e9 / 8
    late = fct_us(simulate("{at: 0us, link: leaf0-spine0, action: delay, delay: 101us}", ONE_WAY))
    assert late - fct_us(simulate("", ONE_WAY)) == pytest.approx(100, abs=1)


def test_classes_share_a_link_by_weight_and_strict_goes_first() -> None:
    text = (
        "name: classes\ntopology: {kind: star, hosts: 3}\nuntil: 2ms\nstop_when_done: false\n"
        "hosts: {cc: {algorithm: none}}\n"
        "switches: {classes: {3: {ecn: none, weight: 3}, 4: {lossless: true, weight: 1}, 5: {lossless: true%s}}}\n"
        "workload:\n- {kind: incast, name: three, senders: [h1], size: 1GB, prio: 3}\n"
        "- {kind: incast, name: four, senders: [h2], size: 1GB, prio: %d}\n"
    )

    def rates(extra: str, prio: int) -> tuple[float, float]:
        result = run(make_plan(loads(text % (extra, prio))))
        return float(result.of_tag("three")["goodput_bps"][0]) / 1e9, float(
            result.of_tag("four")["goodput_bps"][0]
        ) / 1e9

    three, four = rates("", 4)
    assert three / four == pytest.approx(3, rel=0.1)
    three, five = rates(", strict: true", 5)
    assert five > 90
    assert three < 8


def test_more_queue_pairs_of_a_message_use_more_ways() -> None:
    text = PAIR.replace("spines: 2, hosts_per_leaf: 1", "spines: 2, hosts_per_leaf: 1, uplink_rate: 50Gb/s")
    one = fct_us(simulate("", text))
    many = fct_us(simulate("", text.replace("name: f,", "name: f, qps: 16,")))
    assert many < 0.75 * one


def test_polarised_switches_use_fewer_ways() -> None:
    """All switches of a fat tree hash alike: what an edge sent one way its aggregation sends one way, too."""
    text = (
        "name: polarised\ntopology: {kind: fat_tree, k: 8}\nhosts: {cc: {algorithm: none}}\n"
        "switches: {polarised: %s}\nworkload: [{kind: permutation, cross: pod, size: 4kB}]\n"
    )

    def used(polarised: str) -> int:
        result = run(make_plan(loads(text % polarised)))
        tier = result.plan.topology.tier
        up = (tier[result.links["from"].astype(int)] == 2) & (tier[result.links["to"].astype(int)] == 3)
        return int(np.count_nonzero(result.links["data_pkts"][up]))

    assert used("true") < 0.6 * used("false")
