"""Any scenario or foreign file gives a plan or a ``CallerError`` that says where, never another exception."""

import contextlib
import random
from pathlib import Path

import pytest

from datapath.errors import CallerError
from dpu_emu.fabric.formats import read_hpcc_flows, read_hpcc_topology, read_htsim
from dpu_emu.fabric.plan import make_plan
from dpu_emu.fabric.scenario import loads

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "fabric"
SCENARIOS = [p for p in sorted(EXAMPLES.glob("*.yaml")) if "permutation" not in p.stem and "timeout" not in p.stem]
WORDS = [
    "-1",
    "0",
    "1e99",
    "nan",
    "auto",
    "null",
    "[]",
    "{}",
    "true",
    "h0",
    "100Gb/s",
    "5us",
    "*",
    "'",
    "99999999999",
    "0%",
]
MATRIX = (
    "Nodes 4\nConnections 2\nTriggers 1\n0->1 id 1 start 0 size 1000 send_done_trigger 1\n1->2 id 2 trigger 1 size 9\n"
    "trigger id 1 oneshot\n"
)


def changed(text: str, rng: random.Random) -> str:
    """Return the text with some words or characters replaced, lost or doubled."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text))
        end = at + rng.choice((0, 1, 1, 5, 40))
        text = text[:at] + rng.choice([*WORDS, "", "", "\n", ":", " ", text[at:end] * 2]) + text[end:]
    return text


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: str(p.stem))
def test_any_change_of_a_scenario_is_a_plan_or_an_error_with_a_place(path: Path) -> None:
    rng = random.Random(path.stem)
    good = path.read_text(encoding="utf-8")
    told: list[str] = []
    for _ in range(150):
        try:
            make_plan(loads(changed(good, rng), EXAMPLES, "file"))
        except CallerError as error:
            told += str(error).splitlines()
    assert len(told) > 20
    assert [line for line in told if not line.startswith(("file:", "(and"))] == []


@pytest.mark.parametrize(
    ("reader", "good"),
    [
        (
            read_hpcc_topology,
            "5 2 4\n3 4\n0 3 100Gbps 1000ns 0\n1 3 100Gbps 1us 0\n3 4 400Gbps 1us 0.01\n2 4 1Gbps 1us 0\n",
        ),
        (read_hpcc_flows, "2\n0 2 3 100 50000 2.0\n1 2 3 101 1 2.000000001\n"),
        (read_htsim, MATRIX),
    ],
)
def test_any_change_of_a_foreign_file_is_read_or_refused(reader: object, good: str, tmp_path: Path) -> None:
    rng = random.Random(1)
    path = tmp_path / "file"
    for _ in range(3000):
        path.write_text(changed(good, rng), encoding="utf-8")
        with contextlib.suppress(CallerError):
            reader(path)  # type: ignore[operator]
