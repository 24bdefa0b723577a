"""Pause events become a tree of causes; results are computed from the arrays of a run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpu_emu._native import PAUSE_EVENT
from dpu_emu.fabric.pauses import PauseTree
from dpu_emu.fabric.result import jain
from dpu_emu.fabric.topology import Custom, CustomLink, Topology


def chain() -> Topology:
    """h0 - a - b - h1, with h2 at b."""
    links = (("h0", "a"), ("a", "b"), ("b", "h1"), ("h2", "b"))
    return Custom(
        hosts=("h0", "h1", "h2"), switches=("a", "b"), links=tuple(CustomLink(a=x, b=y) for x, y in links)
    ).build(Path())


def events(*rows: tuple[int, int, int, int, int]) -> Any:
    return np.array(list(rows), PAUSE_EVENT)


def test_a_pause_that_came_on_hangs_below_its_cause() -> None:
    topology = chain()
    a_b, h0_a, h2_b, b_h1 = (topology.find_direction(n) for n in ("a>b", "h0>a", "h2>b", "b>h1"))
    port = topology.ports()
    to_h1, to_b = port[topology.index["b"]].index(b_h1), port[topology.index["a"]].index(a_b)
    tree = PauseTree.of(
        topology,
        events(
            (10, a_b, 3, 1, to_h1), (15, h2_b, 3, 1, to_h1), (20, h0_a, 3, 1, to_b), (60, a_b, 3, 0, to_h1),
            (80, h2_b, 3, 0, to_h1),
        ),
        100,
    )  # fmt: skip
    assert tree.roots == {(b_h1, 3): 50 + 65}
    lines = [(depth, what) for depth, what, _ in tree.lines(topology)]
    assert lines == [(0, "b>h1 is congested (priority 3)"), (1, "h2>b"), (1, "a>b"), (2, "h0>a")]
    assert {c.direction: c.paused_ps for c in tree.causes} == {a_b: 50, h2_b: 65, h0_a: 80}  # the last is still paused


def test_a_host_that_drains_slowly_is_a_root() -> None:
    topology = chain()
    b_h1 = topology.find_direction("b>h1")
    tree = PauseTree.of(topology, events((5, b_h1, 3, 1, 65535), (9, b_h1, 3, 0, 65535)), 10)
    assert tree.lines(topology)[0][1] == "h1 drains slowly (priority 3)"


def test_a_cycle_has_a_root_and_ends() -> None:
    names = [f"s{i}" for i in range(3)]
    topology = Custom(
        hosts=("h0", "h1", "h2"),
        switches=tuple(names),
        links=tuple(CustomLink(a=f"h{i}", b=f"s{i}") for i in range(3))
        + tuple(CustomLink(a=f"s{i}", b=f"s{(i + 1) % 3}") for i in range(3)),
    ).build(Path())
    ring = [topology.find_direction(f"s{i}>s{(i + 1) % 3}") for i in range(3)]
    ports = topology.ports()
    rows = [(i, ring[i], 3, 1, ports[topology.index[f"s{(i + 1) % 3}"]].index(ring[(i + 1) % 3])) for i in range(3)]
    tree = PauseTree.of(topology, events(*rows), 100)
    assert len(tree.roots) == 1
    assert len(tree.lines(topology)) == 4


def test_pauses_that_are_told_again_count_once() -> None:
    topology = chain()
    b_h1 = topology.find_direction("b>h1")
    tree = PauseTree.of(topology, events((5, b_h1, 3, 1, 65535), (7, b_h1, 3, 1, 65535), (9, b_h1, 3, 0, 65535)), 10)
    assert (tree.causes[0].pauses, tree.causes[0].paused_ps) == (1, 4)


@pytest.mark.parametrize(("rates", "fairness"), [([1, 1, 1, 1], 1.0), ([1, 0, 0, 0], 0.25), ([0, 0], 0.0)])
def test_jain(rates: list[float], fairness: float) -> None:
    assert jain(np.array(rates, float)) == pytest.approx(fairness)
