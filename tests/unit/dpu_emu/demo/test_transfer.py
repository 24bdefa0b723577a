"""How the two node processes are led, with scripts in their place: what they say, and how they die."""

import os
import sys
from pathlib import Path

import pytest

from datapath.errors import CallerError, DpuError
from dpu_emu.demo import Act, ActResult, run_act, transfer

# A node that does as it is told, and at its event EVENT what FAULT says, if its role is ROLE.
SCRIPT = """
import json, os, signal, sys, time
role = json.loads(sys.stdin.readline())["role"]
def say(event, **facts):
    if (role, event) == (ROLE, EVENT):
        exec(FAULT)
    print(json.dumps({"event": event, **facts}), flush=True)
say("endpoint", endpoint="{}", addr=0, rkey=0)
sys.stdin.readline()
say("ready")
sys.stdin.readline()
if role == "source":
    say("progress", done_bytes=4)
    say("progress", done_bytes=9)
say("done", elapsed_ns=1000)
sys.stdin.readline()
counts = {"sent_pkts": 3 if role == "source" else 1}
say("counters", counters=counts, port={"fault_dropped": 1}, drops={"bad_icrc": 2})
"""


def act(folder: Path, **changes: Path) -> Act:
    (folder / "source").write_bytes(b"ten bytes.")
    return Act("clean", changes.get("source", folder / "source"), folder / "target", capture=changes.get("capture"))


def nodes(monkeypatch: pytest.MonkeyPatch, role: str = "", event: str = "", fault: str = "") -> None:
    script = SCRIPT.replace("ROLE", repr(role)).replace("EVENT", repr(event)).replace("FAULT", repr(fault))
    monkeypatch.setattr(transfer, "_NODE", [sys.executable, "-S", "-c", script])


def children() -> set[str]:
    """The processes that this one has started and not yet waited for."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_progress_and_results_of_both_nodes_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nodes(monkeypatch)
    told: list[int] = []
    result = run_act(act(tmp_path), told.append)
    assert told == [4, 9]
    assert result == ActResult("clean", 10, 1000, {"sent_pkts": 3}, {"sent_pkts": 1}, {"bad_icrc": 4, "fault_loss": 2})
    assert result.throughput_bps == 10 * 8 * 1_000_000
    assert (tmp_path / "target").stat().st_size == 10


@pytest.mark.parametrize("role", ["source", "target"])
@pytest.mark.parametrize("event", ["endpoint", "ready", "done", "counters"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("sys.exit('no more memory')", "node ended: no more memory"),
        ("sys.exit(3)", "node ended: exit code 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "node ended: killed by SIGKILL"),
        ("raise ValueError('x 17')", "node ended: ValueError: x 17"),
        ("event = 'other'", "node said 'other' instead of"),
        ("print('noise')", "node said b'noise' instead of"),
    ],
)
def test_a_node_that_fails_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, role: str, event: str, fault: str, said: str
) -> None:
    nodes(monkeypatch, role, event, fault.replace("event = 'other'", 'print(\'{"event": "other"}\')'))
    with pytest.raises(DpuError, match=f"demo: the {role} {said}"):
        run_act(act(tmp_path))


def test_the_node_that_died_is_named_and_not_the_one_that_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The source would go on for minutes."""
    fault = "time.sleep(600) if role == 'source' else sys.exit('out of memory')"
    script = SCRIPT.replace("(role, event) == (ROLE, EVENT)", "event == 'done'").replace("FAULT", repr(fault))
    monkeypatch.setattr(transfer, "_NODE", [sys.executable, "-S", "-c", script])
    with pytest.raises(DpuError, match="the target node ended: out of memory"):
        run_act(act(tmp_path))


def test_a_silent_node_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nodes(monkeypatch, "target", "ready", "time.sleep(600)")
    monkeypatch.setattr(transfer, "_SILENCE_S", 0.3)
    with pytest.raises(DpuError, match=r"the target node says nothing for 0\.3 s"):
        run_act(act(tmp_path))


def test_an_interrupt_leaves_no_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nodes(monkeypatch, "source", "done", "time.sleep(600)")

    def interrupt(done_bytes: int) -> None:
        if done_bytes == 9:
            raise KeyboardInterrupt

    before = children()
    with pytest.raises(KeyboardInterrupt):
        run_act(act(tmp_path), interrupt)
    assert children() <= before


def test_a_source_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("target")
    for source in (tmp_path / "target", tmp_path / "link"):
        with pytest.raises(CallerError, match="would be overwritten; name another folder with --out"):
            run_act(act(tmp_path, source=source))
    with pytest.raises(CallerError, match="would be overwritten"):
        run_act(Act("clean", tmp_path / "target", tmp_path / "new", capture=tmp_path / "target"))
    assert (tmp_path / "target").read_bytes() == b"precious"


def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(CallerError, match="empty is empty"):
        run_act(act(tmp_path, source=tmp_path / "empty"))
