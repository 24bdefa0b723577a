"""What ``dpu-emu rdma`` prints of the nodes that it finds; the nodes are made up."""

import dataclasses
import json
import sys
import time

import pytest
import rich.live
from rich.console import Console

from control_plane import cli
from rdma_verbs.agent import status
from rdma_verbs.agent.status import NodeStatus, SlotStatus
from rdma_verbs.counters import counter_aliases, counter_names, qp_counter_names

NAMES = counter_names()
SHOWN = [*(name for name in NAMES if name != "drop_none"), *counter_aliases()]


def counts(**named: int) -> tuple[int, ...]:
    return tuple(named.get(name, 0) for name in NAMES)


def qp_counts(qpn: int, **named: int) -> tuple[int, ...]:
    return (qpn, *(named.get(name, 0) for name in qp_counter_names()))


def slot(number: int, pid: int, counters: tuple[int, ...], *qps: tuple[int, ...]) -> SlotStatus:
    plain = {field.name: 0 for field in dataclasses.fields(SlotStatus)}
    given = {"slot": number, "pid": pid, "counters": counters, "port_stats": (), "qps": qps}
    return SlotStatus(**plain | given)  # type: ignore[arg-type]


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
        ["127.0.0.1", "101", "rx_icrc_encapsulated", "2"],
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


QPS = [
    node(
        "127.0.0.1",
        slot(1, 101, counts(tx_prio3_bytes=9, rx_prio3_pause=1), qp_counts(0x10001, sent_pkts=4), qp_counts(0x10002)),
        slot(3, 103, counts(), qp_counts(0x30001, timeouts=6)),
    )
]


def lines(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split() for line in capsys.readouterr().out.splitlines() if line.strip().startswith("127")]


def test_stat_of_queue_pairs(
    nodes: list[NodeStatus], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes[:] = QPS
    assert run(monkeypatch, "stat", "--qp", "all") == 0
    assert lines(capsys) == [
        ["127.0.0.1", "101", "0x10001", "sent_pkts", "4"],
        ["127.0.0.1", "103", "0x30001", "timeouts", "6"],
        ["127.0.0.1", "103", "0x30001", "local_ack_timeout_err", "6"],
    ]
    for number in ("0x10001", "65537"):
        assert run(monkeypatch, "stat", "--qp", number, "--json") == 0
        (one,) = json.loads(capsys.readouterr().out)
        assert (one["pid"], one["qp"], one["counters"]["sent_pkts"]) == ("101", "0x10001", 4)


def test_stat_of_a_priority(
    nodes: list[NodeStatus], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes[:] = QPS
    assert run(monkeypatch, "stat", "--prio", "3", "--json") == 0
    first = json.loads(capsys.readouterr().out)[0]["counters"]
    assert len(first) == 7
    assert (first["tx_prio3_bytes"], first["rx_prio3_pause"]) == (9, 1)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--qp", "0x10003"], "no queue pair 0x10003 on any node"),
        (["127.0.0.1", "--qp", "7"], "no queue pair 7 on 127.0.0.1"),
        (["--qp", "x"], "--qp x, neither a number nor all"),
        (["--qp", "all", "--prio", "1"], "--qp with --prio"),
        (["--watch", "--json"], "--watch with --json"),
        (["--prio", "8"], "less than or equal to 7"),
        (["--watch", "--interval", "0.01"], "greater than or equal to 0.1"),
    ],
)
def test_a_selection_of_nothing_is_refused(
    nodes: list[NodeStatus],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    words: str,
) -> None:
    nodes[:] = QPS
    assert run(monkeypatch, "stat", *argv) == 2
    assert words in capsys.readouterr().err


def test_watch_shows_the_growth_per_second_until_interrupted(
    nodes: list[NodeStatus], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three looks, half a second apart: a counter grows, then its process has gone and another has its number."""
    looks = [
        [node("127.0.0.1", slot(1, 101, counts(sent_pkts=100)))],
        [node("127.0.0.1", slot(1, 101, counts(sent_pkts=600, timeouts=1)))],
        [node("127.0.0.1", slot(1, 101, counts(sent_pkts=50)), slot(2, 102, counts(sent_pkts=8)))],
    ]
    clock_ns = 0
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal clock_ns
        naps.append(seconds)
        clock_ns += 500_000_000
        if len(naps) == len(looks):
            raise KeyboardInterrupt
        nodes[:] = looks[len(naps)]

    shown: list[list[list[str]]] = []

    class FakeLive:
        def __init__(self, **_: object) -> None: ...

        def __enter__(self) -> "FakeLive":
            return self

        def __exit__(self, *_: object) -> None: ...

        def update(self, table: object, *, refresh: bool) -> None:
            assert refresh
            Console(width=200).print(table)
            shown.append(lines(capsys))

    nodes[:] = looks[0]
    monkeypatch.setattr(rich.live, "Live", FakeLive)
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock_ns)
    assert run(monkeypatch, "stat", "--watch", "--interval", "0.5") in (0, None)
    assert naps == [0.5] * 3
    assert shown == [
        [["127.0.0.1", "101", "sent_pkts", "100"]],
        [
            ["127.0.0.1", "101", "sent_pkts", "600", "1000"],
            ["127.0.0.1", "101", "timeouts", "1", "2"],
            ["127.0.0.1", "101", "local_ack_timeout_err", "1", "2"],
        ],
        [["127.0.0.1", "101", "sent_pkts", "50"], ["127.0.0.1", "102", "sent_pkts", "8"]],
    ]


def test_watch_waits_for_the_first_node(
    nodes: list[NodeStatus], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes.clear()

    def sleep(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    assert run(monkeypatch, "stat", "--watch") in (0, None)
    assert "no counters: " in capsys.readouterr().out
