"""Files of other simulators are read as they are; one that is cut short or wrong is refused by line and value."""

from pathlib import Path

import numpy as np
import pytest

from datapath.errors import CallerError
from dpu_emu.fabric.formats import read_hpcc_flows, read_hpcc_topology, read_htsim
from dpu_emu.fabric.topology import HpccTopology, Star
from dpu_emu.fabric.workload import HpccFlows, HtsimMatrix

TOPOLOGY = """5 2 4
3 4
0 3 100Gbps 1000ns 0
1 3 100Gbps 1000ns 0.000000
3 4 400Gbps 0.001ms 0.01
2 4 100Gbps 1us 0
"""
FLOWS = "2\n0 2 3 100 50000 2.0\n1 2 3 101 1 2.000000001\n"
MATRIX = """Nodes 4
Connections 4
Triggers 2
0->1 id 1 start 0 size 1000 send_done_trigger 1
1->2 id 2 trigger 1 size 2000 recv_done_trigger 2
2->3 id 3 start 5000 size 3000 recv_done_trigger 2
3->0 id 4 trigger 2 size 4000
trigger id 1 oneshot
trigger id 2 barrier 2
"""


def put(folder: Path, text: str) -> Path:
    path = folder / "file"
    path.write_text(text, encoding="utf-8")
    return path


def test_hpcc_topology(tmp_path: Path) -> None:
    put(tmp_path, TOPOLOGY)
    topology = HpccTopology(file="file").build(tmp_path)
    assert topology.names == ("0", "1", "2", "3", "4")
    assert topology.hosts == 3
    link = topology.links[2]
    assert (link["rate_bps"], link["delay_ps"], link["loss_e9"]) == (400 * 10**9, 10**6, 10**7)
    assert topology.tier.tolist() == [0, 0, 0, 1, 1]


def test_hpcc_topology_whose_switches_come_first(tmp_path: Path) -> None:
    put(tmp_path, "3 1 2\n0\n0 1 1Gbps 1us 0\n0 2 1Gbps 1us 0\n")
    (tmp_path / "flows").write_text("1\n1 2 3 100 10 0\n")
    topology = HpccTopology(file="file").build(tmp_path)
    assert topology.names == ("1", "2", "0")
    made = HpccFlows(file="flows").make(topology, np.random.default_rng(0), tmp_path)
    assert (made.flows["src"][0], made.flows["dst"][0]) == (0, 1)


def test_hpcc_flows(tmp_path: Path) -> None:
    assert read_hpcc_flows(put(tmp_path, FLOWS)) == [
        (0, 2, 3, 50000, 2 * 10**12),
        (1, 2, 3, 1, 2 * 10**12 + 1000),
    ]


def test_htsim_matrix_with_triggers(tmp_path: Path) -> None:
    put(tmp_path, MATRIX)
    made = HtsimMatrix(file="file").make(Star(hosts=4).build(tmp_path), np.random.default_rng(0), tmp_path)
    assert made.flows["bytes"].tolist() == [1000, 2000, 3000, 4000]
    assert made.flows["start_ps"].tolist() == [0, 0, 5000, 0]
    assert {(int(a["flow"]), int(a["before"])) for a in made.after} == {(1, 0), (3, 1), (3, 2)}


@pytest.mark.parametrize(
    ("reader", "good", "old", "new", "told"),
    [
        (read_hpcc_topology, TOPOLOGY, "2 4 100Gbps 1us 0\n", "", r"file:5: the file ends here, link 4 of 4"),
        (read_hpcc_topology, TOPOLOGY, "5 2 4\n", "5 2\n", r"file:1: 2 values, not 3"),
        (read_hpcc_topology, TOPOLOGY, "3 4\n0", "3 9\n0", r"file:2: switch 9 is not from 0 to 4"),
        (read_hpcc_topology, TOPOLOGY, "0 3 100Gbps", "0 3 100Gbq", r"file:3: '100Gbq': 'Gbq' is no unit"),
        (read_hpcc_topology, TOPOLOGY, "1us 0\n", "1us x\n", r"file:6: loss 'x' is not a number from 0 to 1"),
        (read_hpcc_topology, TOPOLOGY, "1us 0\n", "1us 0\n1 2 1Gbps 1us 0\n", r"file:7: .*more than the 4 links"),
        (read_hpcc_flows, FLOWS, "1 2 3 101 1 2.000000001\n", "", r"file:2: the file ends here, flow 2 of 2"),
        (read_hpcc_flows, FLOWS, "50000", "5e4", r"file:2: bytes '5e4' is not an integer"),
        (read_hpcc_flows, FLOWS, "2.0\n", "-2\n", r"file:2: start time '-2'"),
        (read_hpcc_flows, FLOWS, "2.0\n", "1e999999\n", r"file:2: start time '1e999999' is not a number from 0 to"),
        (read_hpcc_topology, TOPOLOGY, "1us 0\n", "1us nan\n", r"file:6: loss 'nan' is not a number from 0 to 1"),
        (
            read_htsim,
            MATRIX,
            "start 5000 ",
            "start 1e99999999 ",
            r"file:6: start '1e99999999' is not a number from 0 to",
        ),
        (read_hpcc_flows, FLOWS, "0 2 3", "2 2 3", r"file:2: flow 1 from node 2 to itself"),
        (read_htsim, MATRIX, "3->0 id 4 trigger 2 size 4000\n", "", r"3 connections, not the 4"),
        (read_htsim, MATRIX, "trigger id 2 barrier 2\n", "", r"1 triggers, not the 2"),
        (read_htsim, MATRIX, "1 oneshot", "1 sometimes", r"file:8: 'trigger id 1 sometimes' is not"),
        (read_htsim, MATRIX, "barrier 2", "barrier 3", r"file:9: trigger 2: barrier of 3, and 2 fire it"),
        (read_htsim, MATRIX, "3->0", "3->7", r"file:7: node 7 is not from 0 to 3"),
        (read_htsim, MATRIX, "size 3000", "siz 3000", r"file:6: 'siz' is none of"),
        (read_htsim, MATRIX, "start 5000 ", "", r"file:6: neither start nor trigger"),
        (read_htsim, MATRIX, "barrier 2", "oneshot", r"file:9: trigger 2: oneshot that 2 fire"),
        (read_htsim, MATRIX, "id 3 ", "id 1 ", r"file:6: id 1 is there twice, first in line 4"),
    ],
)
def test_wrong_files_are_refused_by_line_and_value(
    reader: object, good: str, old: str, new: str, told: str, tmp_path: Path
) -> None:
    text = good.replace(old, new)
    assert text != good
    with pytest.raises(CallerError, match=told):
        reader(put(tmp_path, text))  # type: ignore[operator]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="no such file"):
        read_htsim(tmp_path / "none")
