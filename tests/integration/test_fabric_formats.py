"""Files of HPCC's simulator and of htsim run as they are."""

from pathlib import Path

from dpu_emu.fabric.plan import make_plan
from dpu_emu.fabric.result import Result
from dpu_emu.fabric.run import run
from dpu_emu.fabric.scenario import loads


def simulate(folder: Path, text: str) -> Result:
    return run(make_plan(loads(text, folder)))


def test_hpcc_topology_and_flows(tmp_path: Path) -> None:
    """Two racks of two hosts, switches 4 and 5, 400 Gb/s between them; flows begin at 2 s."""
    (tmp_path / "topology.txt").write_text(
        "6 2 5\n4 5\n0 4 100Gbps 1000ns 0\n1 4 100Gbps 1000ns 0\n2 5 100Gbps 1000ns 0\n3 5 100Gbps 1000ns 0\n"
        "4 5 400Gbps 1000ns 0\n"
    )
    (tmp_path / "flows.txt").write_text("3\n0 2 3 100 1000000 2.0\n1 2 3 101 1000000 2.0\n3 0 3 100 5000 2.0001\n")
    result = simulate(
        tmp_path,
        "name: hpcc\nuntil: 3s\ntopology: {kind: hpcc, file: topology.txt}\n"
        "workload: [{kind: hpcc_flows, file: flows.txt}]\n",
    )
    assert result.done.all()
    assert result.flows["begin_ps"].tolist() == [2 * 10**12, 2 * 10**12, 2 * 10**12 + 10**8]
    assert result.direction("4>5")["data_pkts"] >= 490
    # The first two share host 2's link, the third is alone.
    assert 1.8 < result.flows["slowdown"][:2].max() < 2.2
    assert result.flows["slowdown"][2] < 1.05


def test_htsim_matrix_keeps_the_order_of_its_triggers(tmp_path: Path) -> None:
    (tmp_path / "ring.cm").write_text(
        "Nodes 4\nConnections 5\nTriggers 2\n"
        "0->1 id 1 start 0 size 2000000 send_done_trigger 1\n"
        "2->3 id 2 start 0 size 1000000 recv_done_trigger 1\n"
        "1->2 id 3 trigger 1 size 500000 recv_done_trigger 2\n"
        "3->0 id 4 trigger 2 size 500000\n"
        "0->2 id 5 start 50000000 size 1000\n"
        "trigger id 1 barrier 2\ntrigger id 2 oneshot\n"
    )
    result = simulate(
        tmp_path,
        "name: htsim\ntopology: {kind: star, hosts: 4}\nworkload: [{kind: htsim, file: ring.cm}]\n",
    )
    assert result.done.all()
    begin, end = result.flows["begin_ps"], result.flows["last_byte_ps"]
    assert begin[2] == max(end[0], end[1])
    assert begin[3] == end[2]
    assert begin[4] == 50_000_000
