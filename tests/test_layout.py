"""The rules of the tree: which way imports and includes go, and what may stand in which file.

Each rule is a function from a root folder to a list of complaints, so that every rule is also run over a small tree
that breaks it.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Bottom first: a layer may use itself and those before it, in Python and in C.
LAYERS = ["datapath", "rdma_verbs", "dpu_emu", "control_plane"]
OTHERS = ["tests", "examples", ".ci"]
# The only files that may import asyncio (or uvloop); everything else is sans-IO or synchronous.
ASYNC_FILES = {"driver.py", "server.py", "initiator.py", "target.py", "daemon.py"}
MAX_LINES = 800
# Imports whose package has another name, or that a test finds where it runs and not in .venv.
KNOWN_IMPORTS = {"elftools": "pyelftools", "pyverbs": None, "mpi4py": None}

Rule = Callable[[Path], list[str]]


def python_files(root: Path, folders: list[str]) -> Iterator[tuple[str, ast.Module]]:
    """Each Python file below ``folders``, as its path from ``root`` and its syntax tree."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield str(path.relative_to(root)), ast.parse(path.read_text(encoding="utf-8"))


def imports(name: str, tree: ast.Module) -> Iterator[tuple[int, str, list[str]]]:
    """Every import of a file, wherever it stands: line, absolute module, names taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, []
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                package = Path(name).parts[: -node.level]
                module = ".".join([*package, module] if module else package)
            yield node.lineno, module, [alias.name for alias in node.names]


def upward_imports(root: Path) -> list[str]:
    """Python: control_plane -> dpu_emu -> rdma_verbs -> datapath, and nothing imports the tests."""
    bad = []
    for rank, layer in enumerate(LAYERS):
        for name, tree in python_files(root, [layer]):
            for line, module, _ in imports(name, tree):
                top = module.split(".")[0]
                if top in LAYERS[rank + 1 :] or top in OTHERS:
                    bad.append(f"{name}:{line}: {layer} must not import {module}")
    return bad


def includes_go_down(root: Path) -> list[str]:
    """C: quoted includes are written from the root, exist, and go emu -> roce -> dp; tests may include all."""
    bad = []
    for folder in [*LAYERS, "tests"]:
        allowed = LAYERS[: LAYERS.index(folder) + 1] if folder in LAYERS else [*LAYERS, "tests"]
        for path in sorted(p for p in (root / folder).rglob("*.[ch]")):
            for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', text)
                if not found:
                    continue
                place, target = f"{path.relative_to(root)}:{line}", found[2]
                top = target.split("/")[0]
                if found[1] == '"' and not (root / target).is_file():
                    bad.append(f"{place}: {target} is not a path from the repository root")
                elif top in [*LAYERS, "tests"] and top not in allowed:
                    bad.append(f"{place}: {folder} must not include {target}")
    return bad


def cffi_stays_in_native(root: Path) -> list[str]:
    """Compiled modules are imported by ``_native*.py`` only, and their ``ffi`` and ``lib`` go nowhere else."""
    bad = []
    for name, tree in python_files(root, [*LAYERS, "examples"]):
        if re.fullmatch(r"_native(_\w+)?\.py|ffi_build\.py", Path(name).name):
            continue
        natives = set()
        for line, module, names in imports(name, tree):
            last = module.split(".")[-1]
            if last.endswith("_cffi") or module.split(".")[0] == "cffi" or any(n.endswith("_cffi") for n in names):
                bad.append(f"{name}:{line}: only _native.py imports {module}")
            elif re.fullmatch(r"_native(_\w+)?", last) and {"ffi", "lib"} & set(names):
                bad.append(f"{name}:{line}: ffi and lib must not leave _native.py")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom | ast.Import):
                known_as = [(a.name.split(".")[-1], a.asname or a.name) for a in node.names]
                natives |= {known for last, known in known_as if re.fullmatch(r"_native(_\w+)?", last)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("ffi", "lib") and ast.unparse(node.value) in natives:
                bad.append(f"{name}:{node.lineno}: ffi and lib must not leave _native.py")
    return bad


def asyncio_only_in_drivers(root: Path) -> list[str]:
    """Cores have no event loop."""
    return [
        f"{name}:{line}: {module} belongs in one of {', '.join(sorted(ASYNC_FILES))}"
        for name, tree in python_files(root, LAYERS)
        if Path(name).name not in ASYNC_FILES
        for line, module, _ in imports(name, tree)
        if module.split(".")[0] in ("asyncio", "uvloop")
    ]


def files_stay_short(root: Path) -> list[str]:
    """No source file is longer than MAX_LINES."""
    bad = []
    for folder in [*LAYERS, "p4", *OTHERS]:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".c", ".h", ".p4", ".sh"):
                lines = path.read_text(encoding="utf-8").count("\n")
                if lines > MAX_LINES:
                    bad.append(f"{path.relative_to(root)}: {lines} lines, at most {MAX_LINES}")
    return bad


def p4_is_data(root: Path) -> list[str]:
    """``p4`` is the name of P4Runtime's generated package: the folder must never be one."""
    return [f"{path.relative_to(root)}: p4/ must not be a Python package" for path in (root / "p4").rglob("*.py")]


def imports_are_declared(root: Path) -> list[str]:
    """What the packages import is a dependency in pyproject.toml; tests and examples may use [dev], too."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[^\w.-]", r)[0].lower().replace("_", "-") for r in requirements}

    extras = project.get("optional-dependencies", {})
    shipped = names(project.get("dependencies", [])).union(*(names(v) for k, v in extras.items() if k != "dev"))
    installed = packages_distributions()
    bad = []
    for folder in [*LAYERS, *OTHERS]:
        declared = shipped if folder in LAYERS else shipped | names(extras.get("dev", []))
        for name, tree in python_files(root, [folder]):
            for line, module, _ in imports(name, tree):
                top = module.split(".")[0]
                if top in sys.stdlib_module_names or top in [*LAYERS, *OTHERS] or KNOWN_IMPORTS.get(top, top) is None:
                    continue
                packages = {KNOWN_IMPORTS.get(top) or p for p in installed.get(top, [top])}
                if not {str(p).lower().replace("_", "-") for p in packages} & declared:
                    bad.append(f"{name}:{line}: {top} is not a dependency in pyproject.toml")
    return bad


def packages_are_typed(root: Path) -> list[str]:
    """Each package tells type checkers that it has types."""
    return [f"{layer}/py.typed is missing" for layer in LAYERS if not (root / layer / "py.typed").is_file()]


PYPROJECT = '[project]\ndependencies = ["cffi>=2"]\n[project.optional-dependencies]\ndev = ["pytest"]\n'

# Each rule with a tree that breaks it: files and their text, and how many complaints it is worth.
RULES: list[tuple[Rule, dict[str, str], int]] = [
    (
        upward_imports,
        {
            "datapath/a.py": "def f():\n    import rdma_verbs.qp\n",
            "rdma_verbs/x/b.py": "from dpu_emu import device\nfrom ..qp import QP\n",
            "dpu_emu/c.py": "import datapath, control_plane\n",
            "control_plane/d.py": "import datapath, rdma_verbs, dpu_emu\nfrom tests import peers\n",
        },
        4,
    ),
    (
        includes_go_down,
        {
            "datapath/csrc/port.h": '#include "rdma_verbs/csrc/qp.h"\n',
            "rdma_verbs/csrc/qp.h": '#include "datapath/csrc/port.h"\n#include "qp.h"\n#include <dpu_emu/csrc/sim.h>\n',
        },
        3,
    ),
    (
        cffi_stays_in_native,
        {
            "datapath/_native.py": "from datapath._dp_cffi import ffi, lib\n",
            "datapath/a.py": "from datapath._dp_cffi import ffi\nfrom datapath._native import lib\nimport cffi\n",
            "datapath/b.py": "from datapath import _native as n, _dp_cffi\nn.lib.dp_build_get(0)\nn.check(0)\n",
            "rdma_verbs/c.py": "import datapath._native\ndatapath._native.ffi.new('int *')\n",
        },
        6,
    ),
    (asyncio_only_in_drivers, {"datapath/a.py": "import asyncio\n", "datapath/driver.py": "import asyncio\n"}, 1),
    (files_stay_short, {"datapath/csrc/a.c": "\n" * 801, "datapath/b.py": "\n" * 800}, 1),
    (p4_is_data, {"p4/__init__.py": "", "p4/dpu.p4": ""}, 1),
    (
        imports_are_declared,
        {
            "pyproject.toml": PYPROJECT,
            "datapath/a.py": "import os, cffi, pytest\n",
            "tests/b.py": "import pytest, nowhere\n",
        },
        2,
    ),
    (packages_are_typed, {f"{layer}/py.typed": "" for layer in LAYERS[1:]}, 1),
]


@pytest.mark.parametrize("rule", [rule for rule, _, _ in RULES], ids=lambda rule: str(rule.__name__))
def test_tree_obeys(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize(("rule", "tree", "complaints"), RULES, ids=[rule.__name__ for rule, _, _ in RULES])
def test_rule_notices(rule: Rule, tree: dict[str, str], complaints: int, tmp_path: Path) -> None:
    for name, text in tree.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert len(rule(tmp_path)) == complaints, rule(tmp_path)


def test_rules_see_the_sources() -> None:
    """An empty walk would obey everything."""
    assert {name.split("/")[0] for name, _ in python_files(ROOT, LAYERS)} == set(LAYERS)
    assert len(list(ROOT.glob("*/csrc/*.c"))) >= 2
