"""The documentation tells the truth: every command is described, every link leads somewhere, every example runs.

A fenced ``python``, ``bash`` or ``console`` block (of the last, the lines that open with ``$``) runs when
``<!-- test -->`` stands on the line before it. One that cannot run says why: ``<!-- no test: needs two machines -->``.
A block without either fails, so that none is forgotten.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from control_plane.cli import app
from rdma_verbs import EventType
from rdma_verbs.counters import counter_aliases, counter_names, qp_counter_names

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/*.md"),
        *ROOT.glob("p4/*.md"),
        *ROOT.glob("vagrant/*.md"),
    ]
)
EXAMPLES = sorted(ROOT.glob("examples/**/*.py"))

_BLOCK = re.compile(
    r"^(?P<mark><!-- (?:test|no test: .+?) -->\n+)?```(?P<kind>python|console|bash|sh)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page; ``marked`` is None when nothing was said about it."""

    place: str
    kind: str
    body: str
    marked: bool | None


def blocks(page: Path, text: str) -> list[Block]:
    """The blocks of ``text`` that could run."""
    return [
        Block(
            f"{page.name}:{text[: found.start()].count(chr(10)) + 1}",
            found["kind"],
            found["body"],
            None if not found["mark"] else found["mark"].startswith("<!-- test"),
        )
        for found in _BLOCK.finditer(text)
    ]


def commands() -> dict[str, set[str]]:
    """Every command, as it is typed, with its long options; the bare ``dpu-emu`` has the global ones."""
    result: dict[str, set[str]] = {}

    def walk(name: str, command: object) -> None:
        options = {o for p in getattr(command, "params", []) for o in p.opts if o.startswith("--")} - {"--help"}
        children: dict[str, object] = getattr(command, "commands", {})
        if options or not children or name == "dpu-emu":
            result[name] = options
        for child, sub in children.items():
            walk(f"{name} {child}", sub)

    walk("dpu-emu", typer.main.get_command(app))
    return result


def described(text: str) -> dict[str, set[str]]:
    """What a page describes: headings that are a command in backquotes, and the options named below each."""
    sections = re.split(r"^#+ `(dpu-emu[^`]*)`$", text, flags=re.MULTILINE)[1:]
    return {
        name: {o for code in re.findall(r"`([^`\n]+)`", body) for o in _OPTION.findall(code)} - {"--help"}
        for name, body in zip(sections[::2], sections[1::2], strict=True)
    }


def run_block(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a block outside the tree, as a user would, with this environment's ``python`` and ``dpu-emu`` in PATH."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "120"}
    if block.kind == "python":
        argv = [sys.executable, "-c", block.body]
    elif block.kind in ("bash", "sh"):
        argv = ["bash", "-euc", block.body]
    else:
        lines = [line[2:] for line in block.body.splitlines() if line.startswith("$ ")]
        argv = ["bash", "-euc", "\n".join(lines)]
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=110)


ALL_BLOCKS = [block for page in PAGES for block in blocks(page, page.read_text(encoding="utf-8"))]


def test_every_command_and_option_is_described() -> None:
    assert described((ROOT / "docs/cli.md").read_text(encoding="utf-8")) == commands()


def test_descriptions_are_read() -> None:
    text = "# `dpu-emu`\n`--debug`\n## `dpu-emu a b`\nwith `--json` or `--x-y N`, not --z\n"
    assert described(text) == {"dpu-emu": {"--debug"}, "dpu-emu a b": {"--json", "--x-y"}}


def test_no_block_is_forgotten() -> None:
    assert [block.place for block in ALL_BLOCKS if block.marked is None] == []


@pytest.mark.parametrize("block", [b for b in ALL_BLOCKS if b.marked], ids=lambda b: str(b.place))
def test_block_runs(block: Block, tmp_path: Path) -> None:
    done = run_block(block, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_counter_is_in_a_table_with_its_other_name() -> None:
    """In docs/counters.md: its name, which queue pairs have it, its family, what it counts; and no other names."""
    told: dict[str, tuple[bool, str]] = {}
    text = (ROOT / "docs" / "counters.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\| (`.+?) \| *(\.?) *\| *(.*?) *\| (.+) \|$", text, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", row[0]):
            for prio in range(8) if "prioN" in name else (0,):
                told[name.replace("N", str(prio))] = (row[1] == ".", row[2])
        assert row[3].strip(), row[0]
        for own, other in re.findall(r"`(\w+)` = `(\w+)`", row[0]):
            assert counter_aliases()[other] == own
    names = {*counter_names(), *counter_aliases()} - {"drop_none"}
    assert set(told) == names
    per_qp = {*qp_counter_names(), *(name for name, of in counter_aliases().items() if of in qp_counter_names())}
    assert {name for name, (qp, _) in told.items() if qp} == per_qp


def test_every_event_is_in_the_table_with_its_time() -> None:
    text = (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8")
    rows = text.split("| event | when |")[1].split("\n\n")[0]
    assert {
        name for row in re.findall(r"^\| (`.+?) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    } == {event.name for event in EventType}


def test_a_broken_block_is_noticed(tmp_path: Path) -> None:
    text = (
        "<!-- test -->\n```python\n1 / 0\n```\n\n```python\nx\n```\n"
        "<!-- test -->\n\n```console\n$ false\nout\n$ true\n```\n"
    )
    broken, silent, console = blocks(Path("page.md"), text)
    assert [broken.marked, silent.marked, console.marked] == [True, None, True]
    assert run_block(broken, tmp_path).returncode == 1
    assert run_block(console, tmp_path).returncode == 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: str(p.relative_to(ROOT)))
def test_example_runs(path: Path, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_lead_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in _LINK.findall(page.read_text(encoding="utf-8"))
        if not re.match(r"https?:|mailto:|#", target) and not (page.parent / target.split("#")[0]).exists()
    ]
    assert dead == []
