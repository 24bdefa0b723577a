"""Scenario files are strict: what is wrong is told by file, line, key and value, before anything runs."""

import pytest
import yaml

from datapath.errors import CallerError
from dpu_emu.fabric.plan import Plan, make_plan
from dpu_emu.fabric.scenario import loads

STAR = "name: x\ntopology: {kind: star, hosts: 4}\nworkload:\n- {kind: incast, senders: 3}\n"


def plan(text: str, seed: int | None = None) -> Plan:
    return make_plan(loads(text), seed)


def test_defaults_are_resolved_and_told() -> None:
    effective = plan(STAR).effective()
    assert effective["until"] == "1s"
    (hosts,) = effective["hosts"]
    assert (hosts["mtu"], hosts["cc"]["rpg_ai_rate"], hosts["tx_window"]) == ("4096B", 20, 65536)
    (switches,) = effective["switches"]
    assert "auto" not in str(effective)
    assert switches["classes"][3]["kmin"] == "400kB"


def test_a_class_that_is_named_keeps_its_other_defaults() -> None:
    made = plan(STAR + "switches: {classes: {3: {kmin: 5kB, kmax: 200kB, pmax: 1%}}}\n")
    three = made.switches[0].config.classes[3]
    assert (three.lossless, three.kmin_bytes, three.kmax_bytes, three.pmax_e6) == (True, 5000, 200_000, 10_000)
    native = made.switches[0].native["tm"]["cls"]
    assert (native[3]["ecn"], native[3]["ecn_pmax_e6"], native[6]["strict"], native[0]["lossless"]) == (2, 10_000, 1, 0)


def test_overrides_change_some_nodes_only() -> None:
    made = plan(STAR + "hosts: {mtu: 1024}\noverrides:\n- nodes: [h2, 'h3']\n  host: {pcie_rate: 10Gb/s}\n")
    by_nodes = {h.nodes: h for h in made.hosts}
    assert by_nodes[2, 3].native["pcie_bps"] == 10 * 10**9
    assert by_nodes[0, 1].native["pcie_bps"] == 0
    assert by_nodes[2, 3].config.mtu_bytes == 1024


def test_parameters_of_congestion_control_go_by_either_name() -> None:
    made = plan(STAR + "hosts: {cc: {preset: hpcc_dcqcn, parameters: {R_AI: 7, g: 0.25, rpg_hai_rate: 9}}}\n")
    cc = made.hosts[0].cc
    assert (cc.rpg_ai_rate, cc.dce_tcp_g, cc.rpg_hai_rate, cc.rpg_min_rate) == (7, 768, 9, 1000)


def test_window_grows_with_the_distance() -> None:
    text = STAR.replace("star, hosts: 4", "data_centres, distance: 100km").replace("senders: 3", "senders: 12")
    made = plan(text + "switches: {buffer: 256MB}\n")
    assert made.hosts[0].config.tx_window * 4096 * 8 > 100e9 * 1e-3
    border = next(s for s in made.switches if made.topology.names[s.nodes[0]] == "dc0.border")
    assert border.config.headroom_pool_bytes > 25_000_000
    assert border.config.classes[3].headroom_bytes > 25_000_000


def test_the_seed_may_be_given_with_the_run() -> None:
    assert plan(STAR, seed=9).scenario.seed == 9


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            STAR.replace("hosts: 4", "hosts: 4, rte: 1Gb/s"),
            "scenario:2: topology: unknown key 'rte'; did you mean 'rate'",
        ),
        (STAR.replace("star", "stars"), "scenario:2: topology.kind: 'stars'; did you mean 'star'?"),
        (STAR + "sed: 1\n", "scenario:5: unknown key 'sed'; did you mean 'seed'?"),
        (STAR + "seed: 1\nseed: 2\n", "scenario:6: key 'seed' is here twice, first in line 5"),
        (STAR + "until: 10\n", "scenario:5: until: '10' has no unit"),
        (STAR + "hosts: {mtu: 9000}\n", "scenario:5: hosts.mtu: host h0: mtu 9000 is none of"),
        (STAR + "hosts:\n  cc: {preset: nividia}\n", "scenario:6: hosts.cc: CongestionControl: no set 'nividia'"),
        (STAR + "hosts: {cc: {parameters: {R_AX: 1}}}\n", "no parameter 'R_AX'"),
        (STAR + "hosts: {cc: {parameters: {cls: 1}}}\n", "no parameter 'cls'"),
        (STAR + "hosts: {cc: {parameters: {g: .inf}}}\n", "'.inf' is not a number"),
        (STAR + "hosts: {cc: {parameters: {g: inf}}}\n", "'inf' is not within 2^63"),
        ("a: " + "[" * 5000, "nested too deep"),
        (
            "name: x\ntopology: {kind: custom, hosts: [a, b], switches: [s], links: [{a: a, b: b, rate: 1Gb/s}]}\n"
            "workload: [{kind: incast, senders: 1}]\n",
            "switch s has no links",
        ),
        (
            STAR.replace(
                "incast, senders: 3",
                "flows, flows: [{src: h0, dst: h1, size: 1, name: u, after: [v]}, "
                "{src: h0, dst: h1, size: 1, name: v, after: [u]}]",
            ),
            "wait for each other, none would start: u -> v -> u",
        ),
        (STAR.replace("incast, senders: 3", "htsim, file: /dev/zero"), "/dev/zero: not a regular file"),
        (STAR.replace("incast, senders: 3", 'htsim, file: "a\\0b"'), "no such file"),
        (STAR + "seed: -1\n", "scenario:5: seed: -1 is not from 0 to"),
        (STAR + "pauses_max: -1\n", "scenario:5: pauses_max: -1 is not from 0 to"),
        (STAR.replace("senders: 3", "senders: 3, qps: 0xffffffffffffffffff"), "is not within 2^63"),
        (STAR.replace("senders: 3", "senders: 3, qps: 70000"), "qps 70000 is above 65535"),
        (STAR.replace("hosts: 4", "hosts: 99999999999"), "scenario:2: topology: more than 65535 nodes"),
        (
            STAR + "faults: [{at: 1us, link: h0-sw0, action: flap, period: 1us, count: 99999999999}]\n",
            "a count from 1 to 100000",
        ),
        (STAR + "hosts: {rx_buffer: 1MB, rx_xoff: 2MB}\n", "rx_xoff 2000000 bytes is not below rx_buffer 1000000"),
        (STAR + "switches: {classes: {3: {kmin: 2MB, kmax: 1MB}}}\n", "kmin 2000000 bytes exceeds kmax 1000000"),
        (STAR + "switches: {classes: {3: {alpha: 0}}}\n", "alpha 0 and no xoff"),
        (STAR + "switches: {classes: {3: {alpha: 0, xoff: 99MB}}}\n", "xoff 99000000 bytes exceeds the shared buffer"),
        (
            STAR + "switches: {classes: {3: {alpha: 0, xoff: 9kB, xon_offset: 10kB}}}\n",
            "xon_offset 10000 bytes",
        ),
        (STAR + "switches: {classes: {3: {headroom: 4kB}}}\n", "headroom 4000 bytes is below the"),
        (
            STAR + "switches:\n  buffer: 200kB\n",
            "scenario:6: switches.buffer: switch sw0: buffer 200000 bytes is too",
        ),
        (STAR + "switches: {classes: {9: {}}}\n", "a priority is from 0 to 7"),
        (STAR.replace("hosts: 4", "hosts: 4, rate: 0b/s"), "link h0-sw0: rate 0"),
        (STAR.replace("senders: 3", "senders: 4"), "scenario:4: workload[0]: incast: senders 4 is not from 1 to 3"),
        (STAR + "until: 1us\n- x", "not YAML"),
        (STAR.replace("senders: 3", "senders: 3, start: 2s"), "until: 1s is not after the last start, 2s"),
        (STAR + "faults: [{at: 1ms, link: h0-sw1, action: down}]\n", "no node 'sw1'; did you mean 'sw0'"),
        (STAR + "faults: [{at: 1ms, link: h0-sw0, action: rate}]\n", "rate is missing for action rate"),
        (STAR + "probes: {queues: ['sw0>h9']}\n", "no node 'h9'"),
        (STAR + "overrides: [{nodes: ['g*'], host: {}}]\n", "overrides[0]: nodes: no host 'g*'"),
        (STAR + "overrides: [{nodes: ['h*'], host: {mtuu: 1kB}}]\n", "unknown key 'mtuu'; did you mean 'mtu'"),
        ("", "the file is empty"),
        ("- 1\n", "a list is not a mapping"),
        (
            "name: x\ntopology:\n  kind: custom\n  hosts: [a, b]\n  switches: [s, t]\n"
            "  links: [{a: a, b: s}, {a: b, b: t}]\nworkload: [{kind: permutation}]\n",
            "scenario:2: topology: disconnected: no links lead from host a to host b",
        ),
    ],
)
def test_wrong_scenarios_are_refused_with_line_and_limit(text: str, told: str) -> None:
    with pytest.raises(CallerError) as error:
        plan(text)
    assert told in str(error.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(CallerError) as error:
        plan(STAR + "hosts: {mtu: 9000}\nswitches: {classes: {3: {kmin: 2MB, kmax: 1MB}}}\n")
    assert len(str(error.value).splitlines()) == 2


def test_what_is_told_can_be_read_again() -> None:
    scenario = loads(STAR).scenario
    assert loads(yaml.safe_dump(scenario.plain())).scenario == scenario
