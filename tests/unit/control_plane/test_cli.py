import json
import subprocess
import sys

import pytest
import typer

from control_plane import cli
from datapath.build import build
from datapath.errors import CallerError, PeerError


def run(monkeypatch: pytest.MonkeyPatch, *argv: str) -> int | str | None:
    """Run the command in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["dpu-emu", *argv])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception]:
    """A command line with one more verb, ``fail``, that raises what the test puts into the dictionary."""
    error: dict[str, Exception] = {}

    def fail() -> None:
        raise error["it"]

    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(cli.options)
    app.command()(fail)
    monkeypatch.setattr(cli, "app", app)
    return error


def test_version_as_text_and_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "version") == 0
    assert build().version in capsys.readouterr().out
    assert run(monkeypatch, "version", "--json") == 0
    assert json.loads(capsys.readouterr().out)["version"] == build().version


@pytest.mark.parametrize(
    ("error", "code"),
    [(CallerError("QP 17: no"), 2), (PeerError("peer: no"), 1), (FileNotFoundError(2, "No such file", "x.bin"), 1)],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: Exception,
    code: int,
    failing: dict[str, Exception],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing["it"] = error
    assert run(monkeypatch, "fail") == code
    assert capsys.readouterr().err == f"dpu-emu: {error}\n"


def test_debug_shows_the_traceback(failing: dict[str, Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    failing["it"] = CallerError("QP 17: no")
    monkeypatch.setattr(sys, "argv", ["dpu-emu", "--debug", "fail"])
    with pytest.raises(CallerError):
        cli.main()


def test_a_wrong_option_is_2(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "version", "--nope") == 2


def test_a_bug_is_not_hidden(failing: dict[str, Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    failing["it"] = ZeroDivisionError("x")
    with pytest.raises(ZeroDivisionError):
        run(monkeypatch, "fail")


def test_the_command_line_loads_nothing_heavy() -> None:
    code = "import control_plane.cli, sys; print([m for m in sys.modules if m in %r])"
    heavy = {"numpy", "rich.table", "datapath._native", "rdma_verbs", "dpu_emu", "asyncio", "pyroute2"}
    done = subprocess.run([sys.executable, "-c", code % heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_reader_that_leaves_is_no_traceback() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m control_plane.cli version --json | true"], capture_output=True, text=True
    )
    assert done.stderr == ""
