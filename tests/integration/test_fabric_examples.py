"""Every scenario of examples/fabric gives the stored results, in this process and in another, again and again.

``DPU_UPDATE_GOLDEN=1`` writes the results anew; look at the difference before you keep it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dpu_emu.fabric.plan import make_plan
from dpu_emu.fabric.run import run
from dpu_emu.fabric.scenario import load, loads

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "fabric"
SCENARIOS = sorted((ROOT / "examples" / "fabric").glob("*.yaml"))


def outcome(path: Path) -> dict[str, Any]:
    """What a run gives, but how many events that took, which is the simulator's own affair."""
    summary: dict[str, Any] = run(make_plan(load(path))).summary()
    return {key: value for key, value in summary.items() if key != "events"}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: str(p.stem))
def test_example_gives_the_stored_results(path: Path) -> None:
    stored = GOLDEN / f"{path.stem}.json"
    found = json.dumps(outcome(path), indent=1) + "\n"
    if os.environ.get("DPU_UPDATE_GOLDEN"):
        stored.write_text(found, encoding="utf-8")
    assert json.loads(found) == json.loads(stored.read_text(encoding="utf-8"))


def test_no_result_is_stored_without_its_example() -> None:
    assert {p.stem for p in GOLDEN.glob("*.json")} == {p.stem for p in SCENARIOS}


def test_outcomes_are_equal_over_runs_and_processes() -> None:
    """Three runs of each: the stored one, one here and all in another process."""
    code = (
        "import sys; from pathlib import Path; from dpu_emu.fabric.plan import make_plan; "
        "from dpu_emu.fabric.run import run; from dpu_emu.fabric.scenario import load\n"
        "for name in sys.argv[1:]: print(run(make_plan(load(Path(name)))).hash)"
    )
    argv = [sys.executable, "-c", code, *map(str, SCENARIOS)]
    other = subprocess.run(
        argv, capture_output=True, text=True, check=True, timeout=110, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    hashes = [outcome(path)["hash"] for path in SCENARIOS]
    assert other.stdout.split() == hashes
    assert [json.loads((GOLDEN / f"{p.stem}.json").read_text("utf-8"))["hash"] for p in SCENARIOS] == hashes


def test_the_hash_tells_outcomes_apart_where_no_flow_ends() -> None:
    text = (ROOT / "examples" / "fabric" / "dcqcn_convergence.yaml").read_text(encoding="utf-8")
    short = text.replace("until: 80ms", "until: 35ms")
    one, other, later = (
        run(make_plan(loads(t))) for t in (short, short + "seed: 2\n", short.replace("until: 35ms", "until: 36ms"))
    )
    assert one.stats["flows_done"] == 0
    assert len({one.hash, other.hash, later.hash}) == 3
    stored = [json.loads(p.read_text("utf-8"))["hash"] for p in GOLDEN.glob("*.json")]
    assert len(set(stored)) == len(stored)


def test_examples_have_a_page() -> None:
    page = (ROOT / "examples" / "fabric" / "README.md").read_text(encoding="utf-8")
    assert [p.name for p in SCENARIOS if p.name not in page] == []
