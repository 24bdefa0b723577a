"""The command line of `dpu-emu run`; the program is not really started."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from control_plane import cli
from rdma_verbs import launch


class Started(BaseException):
    """In place of a program that has taken over."""


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "library", lambda name: tmp_path / name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def start(monkeypatch: pytest.MonkeyPatch, *argv: str) -> tuple[Path, list[str], dict[str, str]]:
    """Return what `dpu-emu run` would become."""
    seen: list[tuple[Path, list[str], dict[str, str]]] = []

    def execute(program: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        seen.append((program, list(arguments), dict(environment)))
        raise Started

    monkeypatch.setattr(launch, "execute", execute)
    monkeypatch.setattr(sys, "argv", ["dpu-emu", "run", *argv])
    with pytest.raises(Started):
        cli.main()
    return seen[0]


def refuse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Return what is said of a request that is refused before anything is started."""
    monkeypatch.setattr(launch, "execute", lambda *_: pytest.fail("started"))
    monkeypatch.setattr(sys, "argv", ["dpu-emu", "run", *argv])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_options_end_where_the_program_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    for argv in (["--node", "2", "ls", "-l", "--node", "3"], ["--node", "2", "--", "ls", "-l", "--node", "3"]):
        program, arguments, environment = start(monkeypatch, *argv)
        assert (program.name, arguments) == ("ls", ["ls", "-l", "--node", "3"])
        assert environment["DPU_EMU_NODE"] == "127.79.0.2"


def test_a_second_separator_is_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert start(monkeypatch, "--", "env", "--", "x")[1] == ["env", "--", "x"]


def test_defaults_are_node_1_and_no_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = start(monkeypatch, "true")[2]
    told = ("NODE", "TRANSPORT", "LOSS_PPM", "CC", "RECOVERY", "CHECK", "SEED", "PCAP")
    assert [environment.get(f"DPU_EMU_{name}") for name in told] == [
        "127.79.0.1",
        "local",
        "0",
        "none",
        "none",
        "0",
        None,
        None,
    ]


def test_options_reach_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options = [
        "--transport",
        "udp",
        "--loss",
        "1%",
        "--pcap",
        f"{tmp_path}/x",
        "--cc",
        "dcqcn",
        "--seed",
        "9",
        "--check",
    ]
    environment = start(monkeypatch, *options, "--recovery", "nak_rearm,adaptive_timeout", "true")[2]
    told = ("TRANSPORT", "LOSS_PPM", "PCAP", "CC", "SEED", "CHECK", "RECOVERY")
    assert [environment[f"DPU_EMU_{name}"] for name in told] == [
        "udp",
        "10000",
        f"{tmp_path}/x",
        "dcqcn",
        "9",
        "1",
        "nak_rearm,adaptive_timeout",
    ]


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ([], "no program"),
        (["--env", "true"], "one too much"),
        (["--loss", "200%", "true"], "loss 200% is not within 0% and 100%"),
        (["--cc", "cubic", "true"], "cc 'cubic': there are none, dcqcn"),
        (["--transport", "tcp", "true"], "transport 'tcp': there are local, udp"),
        (["--node", "192.0.2.1", "true"], "no address of this machine"),
        (["--seed", str(1 << 64), "true"], "exceeds 64 bits"),
        (["--recovery", "hope", "true"], "recovery 'hope'"),
        (["no-such-program"], "no program 'no-such-program' in PATH"),
        (["/dev"], "/dev is a folder"),
    ],
)
def test_a_wrong_request_is_refused_in_a_line(
    argv: list[str], why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refuse(monkeypatch, capsys, *argv)
    assert said.startswith("dpu-emu: run: ")
    assert why in said
    assert said.count("\n") == 1


def test_printed_variables_are_what_a_program_would_get(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("DPU_EMU_OLD", "x")
    monkeypatch.setenv("ODD", "it's $HOME")
    expected = start(monkeypatch, "--node", "5", "true")[2]
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["dpu-emu", "run", "--env", "--node", "5"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 0
    script = capsys.readouterr().out + '\nunset LD_PRELOAD; "$1" -c "import os; print(sorted(os.environ))"; echo "$ODD"'
    done = subprocess.run(["bash", "-c", script, "bash", sys.executable], capture_output=True, text=True)
    names, odd = done.stdout.splitlines()
    ours = {name for name in expected if name.startswith("DPU_EMU_")}
    assert {name for name in eval(names) if name.startswith("DPU_EMU_")} == ours
    assert odd == "it's $HOME"
