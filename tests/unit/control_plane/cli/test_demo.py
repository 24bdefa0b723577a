"""What ``dpu-emu demo`` accepts and prints; the transfer itself is replaced."""

import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane import cli
from datapath.errors import DpuError
from dpu_emu import demo
from dpu_emu.demo import Act, ActResult, Control, Incast, PingPong, Routed

ROUTED = Routed("l3.p4", 70_000_000, 80, 1000, 300_000, 300_000, 60_000_000, "0102", "0304")
COUNTERS = {"sent_pkts": 16384, "retransmitted_pkts": 12, "timeouts": 3}


class Acts:
    """Stands for the transfer: copies the file, or what ``spoil`` makes of it."""

    def __init__(self) -> None:
        self.seen: list[Act] = []
        self.spoil: Callable[[bytes], bytes] = lambda data: data
        self.error: Exception | None = None
        self.ping_pong: PingPong | None = PingPong("ibv_rc_pingpong -g 0", 2000, 4200)

    def run(self, act: Act, progress: Callable[[int], None] | None = None) -> ActResult:
        self.seen.append(act)
        if self.error:
            raise self.error
        data = act.source_path.read_bytes()
        act.target_path.write_bytes(self.spoil(data))
        if progress:
            progress(len(data) // 2)
        drops = {"fault_loss": 7, "bad_icrc": 1} if act.loss else {}
        return ActResult(act.name, len(data), 2_000_000, COUNTERS, {}, drops)


def incast(control: Control) -> Incast:
    return Incast(control.value, 97_300_000_000, 6_300_000_000, 3552, 5, 0, 75_000, 15_000_000, "c0ffee")


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> Acts:
    made = Acts()
    monkeypatch.setattr(demo, "run_act", made.run)
    monkeypatch.setattr(demo, "run_ping_pong", lambda: made.ping_pong)
    monkeypatch.setattr(demo, "run_incast", incast)
    monkeypatch.setattr(demo, "run_router", lambda: ROUTED)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(range(250)) * 1000)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *argv: object) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["dpu-emu", "demo", *map(str, argv)])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


def test_a_clean_and_a_lossy_act_as_json(
    acts: Acts, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out" / "deep"
    assert run(monkeypatch, "--file", file, "--out", out, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    row = {
        "transfer": "clean",
        "bytes": 250_000,
        "elapsed_ns": 2_000_000,
        "throughput_bps": 1_000_000_000,
        **COUNTERS,
        "drops": {},
        "sha256_equal": True,
    }
    assert said == {
        "file": str(file),
        "sha256": demo.sha256(file),
        "capture": str(out / "loss.pcapng"),
        "acts": [
            row,
            *(row | {"transfer": t, "drops": {"fault_loss": 7, "bad_icrc": 1}} for t in ("1% loss", "selective")),
        ],
        "verbs": {"command": "ibv_rc_pingpong -g 0", "messages": 2000, "round_trip_ns": 4200},
        "fabric": [dataclasses.asdict(incast(control)) for control in Control],
        "datapath": dataclasses.asdict(ROUTED),
    }
    clean, lossy, selective = acts.seen
    assert (clean.loss, clean.capture, lossy.loss, lossy.capture) == (0, None, 0.01, out / "loss.pcapng")
    assert lossy == dataclasses.replace(
        clean, name="1% loss", loss=0.01, capture=lossy.capture, target_path=out / "received-loss.bin"
    )
    assert selective == dataclasses.replace(
        lossy, name="selective", capture=None, selective_repeat=True, target_path=out / "received-selective.bin"
    )


def test_a_table_tells_what_it_took_and_how_to_open_the_capture(
    acts: Acts, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--file", file, "--out", tmp_path, "--loss", "0.2") == 0
    said = capsys.readouterr()
    lines = [line.split() for line in said.out.splitlines()]
    assert ["clean", "1.00", "2", "16384", "12", "3", "equal"] in lines
    assert ["20%", "loss", "1.00", "2", "16384", "12", "3", "equal"] in lines
    assert "dropped  clean: nothing\ndropped  20% loss: fault_loss 7, bad_icrc 1\n" in said.out
    assert f"file     {file} (250000 bytes)\nSHA-256  {demo.sha256(file)}\n" in said.out
    assert f"tshark -r {tmp_path / 'loss.pcapng'} -Y infiniband" in said.out
    assert "verbs    ibv_rc_pingpong -g 0, unmodified: 2000 messages, 4.2 us there and back\n" in said.out
    assert "  DCQCN  incast  97.3 Gb/s, bystander   6.3 Gb/s, 3552 PFC frames, 5 marked, 0 lost; 5.0 M hops" in said.out
    assert "datapath l3.p4, compiled in 70 ms, 80 instructions: 300000 of 300000 packets routed" in said.out
    assert "1000 routes, 200 ns of CPU a packet\n         in  0102\n         out 0304\n" in said.out
    assert "244.1/244.1 KiB" in said.err, "a progress bar"


def test_without_verbs_programs_the_demo_says_what_to_install(
    acts: Acts, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    acts.ping_pong = None
    assert run(monkeypatch, "--file", file, "--out", tmp_path) == 0
    assert "verbs    ibv_rc_pingpong is not installed (Debian: ibverbs-utils)" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--json", "--loss=0"])
def test_a_file_that_arrives_changed_is_a_failure(
    acts: Acts,
    option: str,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    acts.spoil = lambda data: data[:-1] + b"!"
    assert run(monkeypatch, "--file", file, "--out", tmp_path, option) == 1
    assert ("DIFFERENT" in (out := capsys.readouterr().out)) or '"sha256_equal": false' in out


@pytest.mark.parametrize(
    ("loss", "name"), [("0", "0% loss"), ("0.015", "1.5% loss"), ("0.07", "7% loss"), ("0.0004", "0.04% loss")]
)
def test_the_lossy_act_is_named_by_its_loss(
    acts: Acts, loss: str, name: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, "--file", file, "--out", tmp_path, "--loss", loss, "--json") == 0
    assert acts.seen[1].name == name


@pytest.mark.parametrize("loss", ["-0.1", "0.21", "1", "nan", "inf"])
def test_a_loss_out_of_range_is_refused(
    acts: Acts, loss: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--loss", loss) == 2
    assert capsys.readouterr().err == f"dpu-emu: demo: loss {float(loss)} is not within 0 and 0.2\n"
    assert acts.seen == []


def test_a_loss_that_is_no_number_is_refused(acts: Acts, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "--loss", "some") == 2


@pytest.mark.parametrize("kind", ["missing", "empty", "folder"])
def test_a_file_without_contents_is_refused(
    acts: Acts, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    assert run(monkeypatch, "--file", tmp_path / kind, "--out", tmp_path) == 2
    assert capsys.readouterr().err == f"dpu-emu: demo: {tmp_path / kind} is not a file with something in it\n"


@pytest.mark.parametrize(("place", "why"), [("model.bin", "File exists"), ("model.bin/x", "Not a directory")])
def test_a_folder_that_cannot_be_written_to_is_refused(
    acts: Acts,
    place: str,
    why: str,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, "--file", file, "--out", tmp_path / place) == 2
    assert capsys.readouterr().err == f"dpu-emu: demo: cannot write to {tmp_path / place}: {why}\n"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that takes no files, even from root")
def test_a_folder_that_takes_no_files_is_refused(
    acts: Acts, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--file", file, "--out", "/proc/self") == 2
    assert "dpu-emu: demo: cannot write to /proc/self: " in capsys.readouterr().err
    assert acts.seen == []


def test_the_default_folder_is_this_users_own_and_used_again(
    acts: Acts, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for _ in range(2):
        assert run(monkeypatch, "--file", file, "--json") == 0
    folder = acts.seen[0].target_path.parent
    assert folder == acts.seen[3].target_path.parent == tmp_path / f"dpu-emu-demo-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["link", "foreign"])
def test_a_default_folder_that_somebody_else_has_made_is_refused(
    acts: Acts,
    kind: str,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / f"dpu-emu-demo-{os.getuid()}"
    if kind == "link":
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to("elsewhere")
    else:
        folder.mkdir()
        owner = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: owner + 1)
        folder.rename(folder := tmp_path / f"dpu-emu-demo-{owner + 1}")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run(monkeypatch, "--file", file) == 2
    assert capsys.readouterr().err == f"dpu-emu: demo: {folder} belongs to someone else; name a folder with --out\n"
    assert acts.seen == []


def test_without_a_file_a_checkpoint_is_made(
    acts: Acts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules["control_plane.cli.demo"], "CHECKPOINT_BYTES", 100_000)
    assert run(monkeypatch, "--out", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(tmp_path / "checkpoint.bin")
    assert (tmp_path / "checkpoint.bin").stat().st_size == 100_000


def test_a_node_that_dies_is_one_line(
    acts: Acts, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    acts.error = DpuError("demo: the source node ended: no more memory")
    assert run(monkeypatch, "--file", file, "--out", tmp_path, "--json") == 1
    assert capsys.readouterr() == ("", "dpu-emu: demo: the source node ended: no more memory\n")
