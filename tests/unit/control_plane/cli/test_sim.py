"""``dpu-emu sim``: what it prints and writes, and what it refuses."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from control_plane import cli

SCENARIO = """
name: small
topology: {kind: star, hosts: 4, rate: 100Gb/s}
switches: {buffer: 4MB, classes: {3: {alpha: 0, xoff: 100kB}}}
hosts: {cc: {algorithm: none}}
workload: [{kind: incast, name: in, senders: 3, size: 1MB}]
probes: {queues: ["sw0>h0"], links: ["sw0>h0"], flows: [in], buffers: [sw0]}
"""


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["dpu-emu", "sim", *map(str, words)])
    try:
        cli.main()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def test_run_prints_and_writes_all_that_was_asked_for(
    scenario: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "run", scenario, "--out", "r", "--html", "--pcapng", "h1-sw0", "--effective") == 0
    text = capsys.readouterr().out
    assert "who paused whom" in text
    assert "preset" not in text  # no congestion control
    page = Path("r/report.html").read_text(encoding="utf-8")
    for title in ("Topology", "Queues", "Goodput of flows", "Who paused whom", "Effective parameters"):
        assert title in page
    assert page.count("<svg") >= 5
    assert "http" not in page.replace("http-equiv", "")
    capture = Path("r/h1-sw0.pcapng").read_bytes()
    assert capture[:4] == b"\x0a\x0d\x0d\x0a"  # a section header of pcapng
    assert len(capture) > 1000
    flows = np.load("r/flows.npy")
    (row,) = json.loads(Path("r/summary.json").read_text("utf-8"))["fct"]
    assert flows["fct_ps"].max() / 1e6 == pytest.approx(row["fct_us_p100"], abs=1e-3)


def test_run_as_json_and_parquet(
    scenario: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import pyarrow.parquet as pq

    assert command(monkeypatch, "run", scenario, "--parquet", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    table = pq.read_table("small.out/flows.parquet")
    assert table.num_rows == summary["flows"] == 3
    assert table.schema.metadata[b"outcome_hash"].decode() == summary["hash"]
    assert set(table["workload"].to_pylist()) == {"in"}
    assert pq.read_table("small.out/series.parquet").num_rows > 10


def test_another_seed_is_told(
    scenario: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "run", scenario, "--seed", 9, "--json") == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 9


def test_validate_and_topo(scenario: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, "validate", scenario, "--json", "--effective") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["hosts"], facts["flows"], facts["effective"]["until"]) == (4, 3, "1s")
    assert command(monkeypatch, "topo", scenario, "--json", "--svg", "t.svg") == 0
    assert json.loads(capsys.readouterr().out)["links"][0]["count"] == 4
    assert Path("t.svg").read_text("utf-8").startswith("<svg ")


def test_what_is_wrong_is_told_with_its_line(
    scenario: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.write_text(SCENARIO.replace("hosts: 4", "hsts: 4"), encoding="utf-8")
    assert command(monkeypatch, "validate", scenario) == 2
    assert "small.yaml:3: topology: unknown key 'hsts'; did you mean 'hosts'?" in capsys.readouterr().err
    assert command(monkeypatch, "run", "none.yaml") == 2
    assert "no such file" in capsys.readouterr().err


def test_headroom(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, "headroom", "--speed", "100G", "--length", "100m", "--json") == 0
    assert json.loads(capsys.readouterr().out)["headroom_bytes"] == pytest.approx(56_300, rel=0.01)
    assert command(monkeypatch, "headroom", "--speed", "fast", "--length", "100m") == 2


def test_what_a_report_needs_is_looked_for_before_the_run(
    scenario: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from control_plane.cli import sim

    monkeypatch.setattr(sim, "find_spec", lambda name: None)
    assert command(monkeypatch, "run", scenario, "--html") == 1
    assert "pip install 'dpu-emu[report]'" in capsys.readouterr().err
    assert not Path("small.out").exists()


def test_pauses_that_were_not_kept_are_told(
    scenario: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario.write_text(SCENARIO + "pauses_max: 4\n", encoding="utf-8")
    assert command(monkeypatch, "run", scenario, "--json", "--html") == 0
    assert json.loads(capsys.readouterr().out)["pauses_cut_at"] == 4
    assert "Only the first 4 pause events" in Path("small.out/report.html").read_text(encoding="utf-8")


def test_the_table_of_completion_times_is_whole_in_80_columns(
    scenario: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert command(monkeypatch, "run", scenario) == 0
    out = capsys.readouterr().out
    assert "slow_p99" in out
    assert "…" not in out
