"""The fabric against what can be derived on paper: each test names its row and derives the number beside it."""

import math
from pathlib import Path

import numpy as np
import pytest

from dpu_emu.fabric.fluid import DcqcnModel, fixed_point
from dpu_emu.fabric.plan import make_plan
from dpu_emu.fabric.result import Result, jain
from dpu_emu.fabric.run import run
from dpu_emu.fabric.scenario import loads

PACKET_BYTES = 4096 + 44 + 38
WIRE = PACKET_BYTES / 4096
QUIET = "hosts: {cc: {algorithm: none}}\n"


def simulate(text: str) -> Result:
    return run(make_plan(loads("name: reference\n" + text)))


def us(ps: int | float) -> float:
    return float(ps) / 1e6


# ---- A: exact ----


@pytest.mark.parametrize(
    ("topology", "ends"),
    [
        ("{kind: star, hosts: 2, rate: 100Gb/s, delay: 1us}", "src: h0, dst: h1"),
        ("{kind: leaf_spine, host_rate: 100Gb/s, uplink_rate: 400Gb/s}", "src: h0, dst: h7"),
        ("{kind: fat_tree, k: 4, rate: 400Gb/s, delay: 500ns}", "src: h0, dst: h15"),
        ("{kind: data_centres, distance: 10km, convergence: 16}", "src: dc0.h0, dst: dc1.h7"),
    ],
)
@pytest.mark.parametrize("size", [1, 4096, 100_000, 2_000_000])
def test_a1_one_flow_on_an_idle_path_takes_store_and_forward_time(topology: str, ends: str, size: int) -> None:
    result = simulate(f"topology: {topology}\n{QUIET}workload: [{{kind: flows, flows: [{{{ends}, size: {size}}}]}}]\n")
    flow = result.flows[0]
    slowest = min(int(row["rate_bps"]) for row in result.plan.topology.links)
    assert abs(int(flow["fct_ps"]) - int(flow["ideal_ps"])) <= PACKET_BYTES * 8e12 / slowest


def test_a2_one_flow_of_htsims_example_takes_its_time() -> None:
    """490 packets at 100 Gb/s over three tiers with a round trip of 12 us; htsim: 176.2 us, with 4160 B a packet."""
    result = simulate(
        "topology: {kind: fat_tree, k: 4, rate: 100Gb/s, delay: 1us}\n"
        "switches: {pipeline: 0ns}\nhosts: {cc: {algorithm: none}, nic_tx: 0ns, nic_rx: 0ns}\n"
        "workload: [{kind: flows, flows: [{src: h0, dst: h15, size: 2007040}]}]\n"
    )
    flow = result.flows[0]
    wire_us = 490 * PACKET_BYTES * 8 / 100e3
    assert us(flow["done_ps"]) == pytest.approx(wire_us + 12 + 5 * PACKET_BYTES * 8 / 100e3, rel=0.01)


@pytest.mark.parametrize("senders", [2, 7, 15, 31])
def test_a3_incast_ends_when_the_receivers_link_has_carried_it(senders: int) -> None:
    result = simulate(
        f"topology: {{kind: star, hosts: {senders + 1}}}\n{QUIET}"
        f"workload: [{{kind: incast, senders: {senders}, size: 2MB}}]\n"
    )
    packets = math.ceil(2e6 / 4096)
    wire_us = senders * (2e6 + packets * 82) * 8 / 100e3
    last = us(result.flows["fct_ps"].max())
    rtt = us(result.plan.base_rtt_ps.max())
    assert wire_us < last <= (wire_us + rtt) * 1.02
    assert result.drops() == {"links": 0}


# ---- A6 to A8: collectives. A step costs its bytes at the line's rate and alpha: an empty message's whole way ----


def collective_us(topology: str, work: str, extra: str = "") -> Result:
    result = simulate(f"topology: {topology}\n{QUIET}{extra}workload: [{work}]\n")
    assert result.done.all()
    return result


def last_us(result: Result) -> float:
    return us(result.flows["last_byte_ps"].max())


def alpha_us(hops: int, rate_gbps: float, *, delay_us: float, pipeline_us: float = 0.5) -> float:
    """Of a message's first byte: NIC, links, switches, and a packet's time at each link but one."""
    return 0.7 + hops * delay_us + (hops - 1) * pipeline_us + (hops - 1) * PACKET_BYTES * 8e-3 / rate_gbps


@pytest.mark.parametrize(("n", "size"), [(4, 8_000_000), (8, 32_000_000), (16, 64_000_000)])
def test_a6_ring_allreduce_takes_its_steps(n: int, size: int) -> None:
    result = collective_us(f"{{kind: star, hosts: {n}, delay: 1us}}", f"{{kind: allreduce, size: {size}}}")
    want = 2 * (n - 1) * (size / n * WIRE * 8e-5 + alpha_us(2, 100, delay_us=1))
    assert last_us(result) == pytest.approx(want, rel=0.02)


def test_a7_halving_doubling_takes_its_steps() -> None:
    """N = 8: steps exchange 1/2, 1/4, 1/8, 1/8, 1/4, 1/2 of the bytes with the rank that differs in one bit."""
    n, size = 8, 32_000_000
    lines = []
    for step, bit in enumerate((4, 2, 1, 1, 2, 4)):
        part = size * bit // n
        for r in range(n):
            # A rank goes on when what its partner sent has come.
            before = f", after: [s{step - 1}r{r ^ (4, 2, 1, 1, 2, 4)[step - 1]}]" if step else ""
            lines.append(f"  - {{src: h{r}, dst: h{r ^ bit}, size: {part}, name: s{step}r{r}{before}}}")
    work = "{kind: flows, flows: [" + ",".join(line.strip(" -") for line in lines) + "]}"
    result = collective_us("{kind: star, hosts: 8, delay: 1us}", work)
    want = 2 * 3 * alpha_us(2, 100, delay_us=1) + 2 * (n - 1) / n * size * WIRE * 8e-5
    assert last_us(result) == pytest.approx(want, rel=0.02)


def test_a8_alltoall_on_a_fabric_that_does_not_block() -> None:
    n, size = 16, 64_000_000
    result = collective_us("{kind: star, hosts: 16, delay: 1us}", f"{{kind: alltoall, size: {size}}}")
    want = (n - 1) * (size / n * WIRE * 8e-5 + alpha_us(2, 100, delay_us=1))
    assert last_us(result) == pytest.approx(want, rel=0.03)


@pytest.mark.parametrize("ratio", [2, 4])
def test_a8_oversubscribed_uplinks_stretch_what_crosses_them(ratio: int) -> None:
    """Two leaves of 8, everything to the other leaf over one uplink of 800/ratio Gb/s."""
    lines = ",".join(f"{{src: h{i}, dst: h{(i + 8) % 16}, size: 8MB}}" for i in range(16))
    topology = f"{{kind: leaf_spine, leaves: 2, spines: 1, hosts_per_leaf: 8, uplink_rate: {800 // ratio}Gb/s}}"
    result = collective_us(topology, f"{{kind: flows, flows: [{lines}]}}")
    want = ratio * 8e6 * WIRE * 8e-5
    assert last_us(result) == pytest.approx(want, rel=0.03)


def test_a9_hashed_flows_leave_links_idle_as_chance_says() -> None:
    """16 flows on 16 uplinks, hashed: k(1-1/k)^m of them idle, over 150 seeds."""
    k = m = 16
    idle = []
    for seed in range(150):
        lines = ",".join(f"{{src: h{i}, dst: h{i + m}, size: 1}}" for i in range(m))
        result = simulate(
            f"seed: {seed}\ntopology: {{kind: leaf_spine, leaves: 2, spines: {k}, hosts_per_leaf: {m}}}\n{QUIET}"
            f"switches: {{buffer: 64MB}}\nworkload: [{{kind: flows, flows: [{lines}]}}]\n"
        )
        up = [result.direction(f"leaf0>spine{s}")["data_pkts"] for s in range(k)]
        assert sum(up) == m
        idle.append(sum(n == 0 for n in up))
    mean = k * (1 - 1 / k) ** m
    # Variance of the number of empty bins.
    spread = k * (k - 1) * (1 - 2 / k) ** m + mean - mean**2
    assert abs(np.mean(idle) - mean) <= 3 * math.sqrt(spread / len(idle))


# ---- B: PFC and shared buffers ----

LOSSLESS = (
    "switches: {buffer: 8MB, pipeline: 0ns, classes: "
    "{3: {ecn: none, reserve: 0B, alpha: %s, xon_offset: 8kB%s}, 6: {reserve: 0B}}}\n"
)


def first_xoff_ps(result: Result) -> int:
    assert len(result.pauses)
    return int(result.pauses["at_ps"][0])


def shared_bytes(result: Result) -> int:
    config = result.plan.switches[0].config
    ports = len(result.plan.topology.ports()[result.plan.switches[0].nodes[0]])
    return config.buffer_bytes - ports * config.classes[3].headroom_bytes


@pytest.mark.parametrize("alpha", [1.0, 0.125])
@pytest.mark.parametrize("n", [2, 8])
def test_b1_b2_first_xoff_comes_at_the_dynamic_threshold(n: int, alpha: float) -> None:
    """N ports fill at C(1-1/n) each until each has alpha B / (1 + n alpha)."""
    result = simulate(
        f"topology: {{kind: star, hosts: {n + 1}, delay: 1us}}\n{QUIET}"
        + LOSSLESS % (f"{alpha:g}", "")
        + f"workload: [{{kind: incast, senders: {n}, size: 20MB}}]\nuntil: 3ms\n"
    )
    threshold = alpha * shared_bytes(result) / (1 + n * alpha)
    buffered = 4096 + 44  # what counts in the buffer of a packet: the IP packet
    per_us = 100e9 / 8e6 * (1 - 1 / n) * buffered / PACKET_BYTES
    first_packet_us = 0.5 + 1 + PACKET_BYTES * 8 / 100e3
    assert us(first_xoff_ps(result)) - first_packet_us == pytest.approx(threshold / per_us, abs=2 * n * 0.34, rel=0.02)


def test_b1_one_port_alone_gets_half_at_alpha_one() -> None:
    """One sender at 100 Gb/s to a port of 50 Gb/s: its group grows at half the rate, to alpha B / (1 + alpha)."""
    result = simulate(
        "topology: {kind: custom, hosts: [a, b], switches: [s], links: [{a: a, b: s}, {a: b, b: s, rate: 50Gb/s}]}\n"
        + QUIET
        + LOSSLESS % ("1", "")
        + "workload: [{kind: flows, flows: [{src: a, dst: b, size: 50MB}]}]\nuntil: 3ms\n"
    )
    grown = us(first_xoff_ps(result)) - 1.5 - PACKET_BYTES * 8 / 100e3
    assert grown == pytest.approx(shared_bytes(result) / 2 / (50e9 / 8e6 * (4096 + 44) / PACKET_BYTES), rel=0.02)


ADVERSARIAL = (
    "topology: {kind: star, hosts: 5, rate: %s, delay: %s}\n"
    "hosts: {mtu: %s, cc: {algorithm: none}, timeout: 16}\n"
    "switches: {buffer: 64MB, cell: %s, classes: {3: {ecn: none, alpha: 0, xoff: 300kB%s}}%s}\n"
    "workload: [{kind: incast, senders: 4, size: 3MB}]\nuntil: 20ms\n"
)


@pytest.mark.parametrize("mtu", ["256B", "4096B"])
@pytest.mark.parametrize("cell", ["1B", "208B"])
@pytest.mark.parametrize(("rate", "delay"), [("100Gb/s", "1us"), ("100Gb/s", "25ns"), ("400Gb/s", "500ns")])
def test_b3_b4_nothing_is_lost_with_the_computed_headroom(rate: str, delay: str, cell: str, mtu: str) -> None:
    result = simulate(ADVERSARIAL % (rate, delay, mtu, cell, "", ""))
    assert result.stats["pfc_frames"] > 0
    assert result.drops() == {"links": 0}
    stats = next(iter(result.switches.values()))
    head = result.plan.switches[0].config.classes[3].headroom_bytes
    assert 0 < stats["peak_headroom_bytes"] <= 4 * head


@pytest.mark.parametrize(("rate", "delay"), [("100Gb/s", "1us"), ("400Gb/s", "500ns")])
def test_b4_headroom_that_is_two_packets_short_loses(rate: str, delay: str) -> None:
    enough = simulate(ADVERSARIAL % (rate, delay, "4096B", "1B", "", ""))
    used = next(iter(enough.switches.values()))["peak_headroom_bytes"] // 4
    head = enough.plan.switches[0].config.classes[3].headroom_bytes
    wire = 4096 + 44 + 16 + 38
    short = simulate(
        ADVERSARIAL % (rate, delay, "4096B", "1B", f", headroom: {head - 2 * wire}B", ", unsafe_headroom: true")
    )
    print(f"{rate} {delay}: headroom {head}, used {used}, drops {short.drops()}")
    assert short.drops().get("headroom", 0) > 0


EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "fabric"


def example(name: str, *changes: tuple[str, str]) -> Result:
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return run(make_plan(loads(text, EXAMPLES)))


def gbps(result: Result, tag: str) -> float:
    """Mean rate of a workload's flows on the wire."""
    mtu = result.plan.hosts[0].config.mtu_bytes
    return float(result.of_tag(tag)["goodput_bps"].mean()) / 1e9 * (mtu + 82) / mtu


def test_b11_pauses_are_fair_to_ports_and_dcqcn_to_flows() -> None:
    paused = example("pfc_unfairness")
    assert gbps(paused, "lone") == pytest.approx(40 / 2, rel=0.05)
    assert gbps(paused, "three") == pytest.approx(40 / 6, rel=0.05)
    fair = example("pfc_unfairness_dcqcn", ("until: 60ms", "until: 200ms"))
    for tag in ("lone", "three"):
        assert gbps(fair, tag) == pytest.approx(40 / 4, rel=0.15)
    assert fair.stats["pfc_frames"] == 0


def test_b12_a_victim_suffers_with_each_remote_sender_and_dcqcn_gives_its_share_back() -> None:
    """With none, one and two remote senders; its share of T1's uplinks were 20 Gb/s."""
    two = "      - {src: h31, dst: r, size: 1GB}\n      - {src: h32, dst: r, size: 1GB}\n"
    none = "      - {src: h31, dst: h32, size: 1kB}\n"
    rates = [
        gbps(example("pfc_victim", (two, lines)), "victim")
        for lines in (none, "      - {src: h31, dst: r, size: 1GB}\n", two)
    ]
    print("victim:", [round(r, 1) for r in rates])
    assert rates[0] > rates[1] > rates[2]
    assert rates[2] <= 0.5 * rates[0]
    assert gbps(example("pfc_victim_dcqcn"), "victim") >= 0.85 * 20


def test_b13_a_ring_deadlocks_and_the_watchdog_or_other_routes_free_it() -> None:
    ring = example("deadlock_ring")
    names = [ring.plan.topology.direction_name(d) for d in ring.cycle]
    assert sorted(names) == ["s0>s1", "s1>s2", "s2>s3", "s3>s0"]
    assert all(a.split(">")[1] == b.split(">")[0] for a, b in zip(names, names[1:] + names[:1], strict=True))
    assert ring.stats["flows_done"] == 0
    watched = example(
        "deadlock_ring",
        ("switches: {buffer", "switches: {watchdog: {interval: 100us, polls: 2, restore: 1ms}, buffer"),
        ("until: 5ms", "until: 200ms"),
    )
    assert watched.summary()["storms"] > 0
    assert watched.stats["flows_done"] == 4
    # Half of them go the other way round: no cycle of buffers.
    routes = "  - {node: s2, to: h0, via: [s3]}\n  - {node: s3, to: h1, via: [s0]}\n"
    back = "  - {node: s2, to: h0, via: [s1]}\n  - {node: s3, to: h1, via: [s2]}\n"
    free = example("deadlock_ring", (routes, back), ("until: 5ms", "until: 50ms"))
    assert free.stats["flows_done"] == 4
    assert not free.cycle


# ---- A10: CNPs ----


def test_a10_a_flow_has_at_most_a_cnp_every_50_us() -> None:
    result = example("incast_dcqcn")
    seconds = result.stats["now_ps"] / 1e12
    per_flow = result.summary()["cnps"] / 16
    assert 0 < per_flow <= 20_000 * seconds + 1


# ---- F12: spraying ----


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_f12_spraying_ends_a_permutation_several_times_sooner_than_hashing(seed: int) -> None:
    hashed = example("ecmp_permutation", ("topology:", f"seed: {seed}\ntopology:"))
    sprayed = example("spray_permutation", ("topology:", f"seed: {seed}\ntopology:"))
    slow, fast = (us(r.flows["fct_ps"].max()) for r in (hashed, sprayed))
    print(f"seed {seed}: {slow:.0f} us hashed, {fast:.0f} us sprayed")
    assert hashed.done.all()
    assert sprayed.done.all()
    assert slow / fast >= 2.5
    assert fast <= 1.4 * us(sprayed.flows["ideal_ps"].max())


# ---- C: long haul ----


@pytest.mark.parametrize("km", [1, 10, 100])
def test_c_headroom_of_a_long_link_is_its_round_trip(km: int) -> None:
    """100 Gb/s into 1 Gb/s: C x RTT is 0.125, 1.25, 12.5 MB; with it nothing is lost, a tenth less loses."""
    text = (
        "topology: {kind: custom, hosts: [a, b], switches: [s], "
        "links: [{a: a, b: s, distance: %dkm}, {a: b, b: s, rate: 1Gb/s}]}\n"
        "hosts: {cc: {algorithm: none}, timeout: 20}\n"
        "switches: {buffer: 64MB, pipeline: 0ns, classes: {3: {ecn: none, alpha: 0, xoff: 500kB%s}}%s}\n"
        "until: 30ms\nworkload: [{kind: incast, receiver: b, senders: [a], size: 50MB}]\n"
    )
    result = simulate(text % (km, "", ""))
    round_trip = 100e9 / 8 * 2 * km * 5e-6
    head = result.plan.switches[0].config.classes[3].headroom_bytes
    assert head == pytest.approx(round_trip, abs=40_000)
    assert result.drops() == {"links": 0}
    assert result.stats["pfc_frames"] > 0
    short = simulate(
        text % (km, f", headroom: {round(head - round_trip / 10 - 2 * PACKET_BYTES)}B", ", unsafe_headroom: true")
    )
    assert short.drops().get("headroom", 0) > 0


# ---- D: what loss costs go-back-N, through a switch ----


@pytest.mark.parametrize(
    ("rate", "w", "loss", "want"),
    [(100, 24, 1e-3, 0.9766), (100, 24, 1e-2, 0.805), (400, 96, 1e-3, 0.9125), (400, 96, 1e-2, 0.508)],
)
def test_d_goodput_of_go_back_n_follows_the_model(rate: int, w: int, loss: float, want: float) -> None:
    # A NAK arrives after three links, two switches and the NIC, and as far back; the packet's own times count, too. Two
    # links between the switches, one for each way: NAKs are not lost.
    packet_us = PACKET_BYTES * 8e-3 / rate
    ack_us = 3 * 86 * 8e-3 / rate
    delay_us = (w * packet_us - 3 * packet_us - ack_us - 0.4) / 6
    until_us = 1000 / loss * packet_us
    line = f"rate: {rate}Gb/s, delay: {round(delay_us * 1e6)}ps"
    result = simulate(
        "topology: {kind: custom, hosts: [a, b], switches: [s, t], links: "
        f"[{{a: a, b: s, {line}}}, {{a: b, b: t, {line}}}, "
        f"{{a: s, b: t, {line}, loss: {loss}}}, {{a: s, b: t, {line}}}]}}\n"
        "routes: [{node: s, to: b, via: [t]}, {node: t, to: a, via: ['s#1']}]\nswitches: {pipeline: 0ns}\n"
        f"hosts: {{cc: {{algorithm: none}}, recovery: [nak_rearm], timeout: 12}}\nuntil: {round(until_us)}us\n"
        "stop_when_done: false\nworkload: [{kind: flows, flows: [{src: a, dst: b, size: 100GB}]}]\n"
    )
    flow = result.flows[0]
    share = float(flow["goodput_bps"]) * WIRE / (rate * 1e9)
    assert (1 - loss) / (1 - loss + loss * w) == pytest.approx(want, abs=2e-3)
    print(f"W {w} p {loss}: {share:.4f} of {want}")
    assert share == pytest.approx(want, rel=0.03)


# ---- A4, E: DCQCN ----

DCQCN_40G = (
    "hosts: {mtu: 1024B, cc: {preset: paper}}\n"
    "switches: {buffer: 12MB, classes: {3: {ecn: dequeue, kmin: 5kB, kmax: 200kB, pmax: 1%}}}\n"
)


def settled(result: Result, from_ps: int) -> tuple[np.ndarray, float, float]:
    """Rates of all flows, use of the bottleneck and its mean queue, after ``from_ps``."""
    rates = []
    for s in result.series:
        if s.kind == "flow":
            late = s.at_ps >= from_ps
            rates.append(float(s.value[late].max() - s.value[late].min()) if s.value.max() > 0 else 0.0)
    link = next(s for s in result.series if s.kind == "link")
    late = link.at_ps >= from_ps
    span = (int(link.at_ps[late][-1]) - int(link.at_ps[late][0])) / 1e12
    rate_bps = int(result.plan.topology.links["rate_bps"][0])
    used = float(link.value[late][1:].sum()) * 8 / span / rate_bps
    queue = result.find_series("queue", link.label)
    return np.array(rates) * 8 / span, used, float(queue.value[queue.at_ps >= from_ps].mean())


def fixed_queue(
    rate_bps: float, n: int, *, kmin_bytes: float, kmax_bytes: float, pmax: float, ai_bps: float, alpha_timer_s: float
) -> float:
    model = DcqcnModel(
        rate_bps=rate_bps,
        flows=n,
        mtu_bytes=1024,
        ai_bps=ai_bps,
        kmin_bytes=kmin_bytes,
        kmax_bytes=kmax_bytes,
        pmax=pmax,
        alpha_timer_s=alpha_timer_s,
    )
    queue = fixed_point(model).queue_bytes
    assert queue is not None
    return queue


def dcqcn(n: int, *, rate: str, extra: str, seed: int = 1, ms: int = 400, warm: int = 150) -> tuple[Result, int]:
    text = (
        f"seed: {seed}\ntopology: {{kind: star, hosts: {n + 1}, rate: {rate}, delay: 1us}}\n{extra}"
        f"until: {ms}ms\nstop_when_done: false\n"
        f"workload: [{{kind: incast, name: all, senders: {n}, size: 100GB}}]\n"
        'probes: {interval: 20us, queues: ["sw0>h0"], links: ["sw0>h0"], flows: [all], flows_max: 128}\n'
    )
    return simulate(text), warm * 10**9


@pytest.mark.parametrize("n", [2, 4, 8])
def test_e_dcqcn_settles_at_its_fixed_point_at_40g(n: int) -> None:
    result, warm = dcqcn(n, rate="40Gb/s", extra=DCQCN_40G)
    rates, used, queue = settled(result, warm)
    point = fixed_queue(40e9, n, kmin_bytes=5e3, kmax_bytes=2e5, pmax=0.01, ai_bps=40e6, alpha_timer_s=55e-6)
    print(f"n {n}: used {used:.4f} jain {jain(rates):.4f} queue {queue:.0f} / {point:.0f}")
    assert used >= 0.98
    assert jain(rates) >= 0.98
    assert 1.0 <= queue / point <= 1.6


@pytest.mark.parametrize(("n", "low"), [(2, 0.9), (8, 1.0), (32, 1.0), (64, 1.0)])
def test_e_dcqcn_settles_at_its_fixed_point_at_100g(n: int, low: float) -> None:
    """For two flows one cut takes 3 % of half the link, many times the 1.2 kB of the ramp: the mean lies below Kmin."""
    extra = (
        "hosts: {mtu: 1024B, cc: {preset: paper, parameters: {R_AI: 20, K: 50}}}\n"
        "switches: {classes: {3: {ecn: dequeue, kmin: 400kB, kmax: 1.6MB, pmax: 20%}}}\n"
    )
    result, warm = dcqcn(n, rate="100Gb/s", extra=extra, ms=500, warm=250)
    rates, used, queue = settled(result, warm)
    point = fixed_queue(100e9, n, kmin_bytes=4e5, kmax_bytes=1.6e6, pmax=0.2, ai_bps=20e6, alpha_timer_s=50e-6)
    print(f"n {n}: used {used:.4f} jain {jain(rates):.4f} queue {queue:.0f} / {point:.0f}")
    assert used >= 0.98
    assert jain(rates) >= 0.98
    assert low <= queue / point <= 1.6
