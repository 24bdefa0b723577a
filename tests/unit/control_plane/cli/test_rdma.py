"""What ``dpu-emu rdma`` prints of the nodes that it finds; the nodes are made up."""

import dataclasses
import json
import sys

import pytest

from control_plane import cli
from rdma_verbs.agent import status
from rdma_verbs.agent.status import NodeStatus, SlotStatus
from rdma_verbs.counters import counter_names

NAMES = counter_names()
SHOWN = [name for name in NAMES if name != "drop_none"]


def counts(**named: int) -> tuple[int, ...]:
    return tuple(named.get(name, 0) for name in NAMES)


def slot(number: int, pid: int, counters: tuple[int, ...]) -> SlotStatus:
    plain = {field.name: 0 for field in dataclasses.fields(SlotStatus)}
    return SlotStatus(**plain | {"slot": number, "pid": pid, "counters": counters, "port_stats": ()})  # type: ignore[arg-type]


def node(ip: str, *slots: SlotStatus, totals: tuple[int, ...] = counts()) -> NodeStatus:
    return NodeStatus(ip, 4026531840, True, 10, 1, 64, (slot(0, 10, counts()), *slots), 0, 0, 0, totals)


NODES = [
    node("127.0.0.1", slot(1, 101, counts(sent_pkts=5, drop_bad_icrc=2)), slot(3, 103, counts(sent_pkts=7))),
    node("127.0.0.2", totals=counts(rcvd_pkts=11)),
]


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> list[NodeStatus]:
    found = list(NODES)
    monkeypatch.setattr(status, "list_nodes", lambda: found)
    return found


def run(monkeypatch: pytest.MonkeyPatch, *argv: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["dpu-emu", "rdma", *argv])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def test_devices_are_the_processes_without_the_agents(
    nodes: list[NodeStatus], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "devices", "--json") == 0
    first = {"node": "127.0.0.1", "slot": 1, "pid": 101, "qpn": "0x10000-0x1ffff", "netns": 4026531840}
    assert json.loads(capsys.readouterr().out) == [first, first | {"slot": 3, "pid": 103, "qpn": "0x30000-0x3ffff"}]
    assert run(monkeypatch, "devices") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["127.0.0.1", "3", "103", "0x30000-0x3ffff", "4026531840"] in lines


def test_stat_tells_all_counters_as_json(
    nodes: list[NodeStatus], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "stat", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert [(one["node"], one["pid"]) for one in said] == [
        ("127.0.0.1", "101"),
        ("127.0.0.1", "103"),
        ("127.0.0.1", "left"),
        ("127.0.0.2", "left"),
    ]
    assert all(list(one["counters"]) == SHOWN for one in said)
    assert (said[0]["counters"]["drop_bad_icrc"], said[3]["counters"]["rcvd_pkts"]) == (2, 11)


def test_stat_leaves_zeros_out_unless_asked_for(
    nodes: list[NodeStatus], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "stat") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip().startswith("127")]
    assert rows == [
        ["127.0.0.1", "101", "sent_pkts", "5"],
        ["127.0.0.1", "101", "drop_bad_icrc", "2"],
        ["127.0.0.1", "103", "sent_pkts", "7"],
        ["127.0.0.2", "left", "rcvd_pkts", "11"],
    ]
    assert run(monkeypatch, "stat", "127.0.0.2", "--zeros") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip().startswith("127")]
    assert [row[2] for row in rows] == SHOWN


def test_an_unknown_node_is_named_with_those_there_are(
    nodes: list[NodeStatus], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "stat", "127.9.9.9") == 2
    assert capsys.readouterr().err == "dpu-emu: rdma stat: no node 127.9.9.9; there are 127.0.0.1, 127.0.0.2\n"
    nodes.clear()
    assert run(monkeypatch, "stat", "127.9.9.9") == 2
    assert capsys.readouterr().err.endswith("there are none\n")


def test_without_nodes_a_sentence_or_an_empty_list(
    nodes: list[NodeStatus], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes.clear()
    for verb, sentence in (("devices", "no devices: "), ("stat", "no counters: ")):
        assert run(monkeypatch, verb) == 0
        assert capsys.readouterr().out.startswith(sentence)
        assert run(monkeypatch, verb, "--json") == 0
        assert json.loads(capsys.readouterr().out) == []
