"""Debian's pyverbs suite (python3-pyverbs, rdma-core 44) over the drop-in, as an unprivileged user.

    python -m tests.e2e.pyverbs_suite [--transport local|udp] [--json] [MODULE ...]

prints what passed by file, and every skip with its reason. The generic tests are all but those of one vendor's devices.
"""

import argparse
import gzip
import json
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.unprivileged import PYTHON, User, build_wheel

SUITE = Path("/usr/share/doc/rdma-core/tests")
GENERIC = (
    "addr", "atomic", "cq", "cq_events", "cqex", "device", "flow", "fork", "mr", "odp", "parent_domain", "pd", "qp",
    "qpex", "rdmacm", "relaxed_ordering", "rss_traffic", "shared_pd", "tag_matching",
)  # fmt: skip
NODE = "127.16.0.1"

# Runs inside the program under test. Each test's outcome is a line of JSON; the suite's own output goes elsewhere.
_RUNNER = r"""
import importlib, json, os, sys, unittest
sys.path.insert(0, os.path.join(os.getcwd(), "tests"))
from args_parser import parser
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
modules = sys.argv[1:]
sys.argv[1:] = []
parser.parse_args()

class Result(unittest.TestResult):
    def say(self, test, outcome, why=""):
        name = test.id() if hasattr(test, "id") else str(test)
        out.write(json.dumps([name, outcome, why]) + "\n")
        out.flush()
    def addSuccess(self, test): self.say(test, "pass")
    def addSkip(self, test, reason): self.say(test, "skip", reason)
    def addFailure(self, test, err): self.say(test, "fail", self._exc_info_to_string(err, test))
    def addError(self, test, err): self.say(test, "error", self._exc_info_to_string(err, test))
    def addSubTest(self, test, subtest, err):
        if err: self.say(test, "fail", self._exc_info_to_string(err, test))

loader = unittest.TestLoader()
for name in modules:
    loader.loadTestsFromModule(importlib.import_module("tests.test_" + name)).run(Result())
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test ended."""

    module: str
    test: str
    result: str
    """pass, skip, fail or error"""
    why: str


def unpack(folder: Path) -> None:
    """Put the suite into ``folder/tests``."""
    target = folder / "tests"
    shutil.copytree(SUITE, target)
    for path in target.glob("*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    (folder / "runner.py").write_text(_RUNNER, encoding="utf-8")


def play(user: User, transport: str, modules: tuple[str, ...] = GENERIC, *options: str) -> list[Outcome]:
    """Return the outcome of every test of these modules, each run in a process of its own.

    Raises:
        RuntimeError: a process died before its end; the message has its last words.
    """
    folder = user.home / "suite"
    if not folder.exists():
        folder.mkdir()
        unpack(folder)
        user.own(folder)
    found = []
    for module in modules:
        argv = [*user.launch(NODE, "--transport", transport, *options), PYTHON, "runner.py", module]
        done = user.run(argv, cwd=folder)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
        if done.returncode or not lines:
            raise RuntimeError(f"test_{module}: exit {done.returncode} after {lines[-1:]}: {done.stderr[-3000:]}")
        found += [Outcome(module, name.rpartition(".")[2], result, why) for name, result, why in lines]
    return found


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes by file, then every test that was skipped or failed with its reason."""
    by_file: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        by_file.setdefault(outcome.module, Counter())[outcome.result] += 1
    rows = [f"{'file':<18}{'total':>6}{'pass':>6}{'skip':>6}{'fail':>6}{'error':>6}"]
    total = Counter(outcome.result for outcome in outcomes)
    for name, counts in (*sorted(by_file.items()), ("all", total)):
        columns = "".join(f"{counts[result]:>6}" for result in ("pass", "skip", "fail", "error"))
        rows.append(f"{name:<18}{counts.total():>6}{columns}")
    rows += [""]
    rows += [
        f"{o.result:<6}{o.module}.{o.test}: {o.why.strip().splitlines()[-1] if o.why.strip() else ''}"
        for o in outcomes
        if o.result != "pass"
    ]
    return "\n".join(rows)


def main() -> int:
    """Play the suite and print its table; 1 when a test failed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--transport", action="append", choices=["local", "udp"])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("modules", nargs="*", default=list(GENERIC))
    options = arguments.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder, User(build_wheel(Path(folder))) as user:
        for transport in options.transport or ["local", "udp"]:
            outcomes = play(user, transport, tuple(options.modules))
            bad += sum(o.result in ("fail", "error") for o in outcomes)
            if options.json:
                print(json.dumps([[o.module, o.test, o.result, o.why] for o in outcomes]))
            else:
                print(f"transport {transport}\n{table(outcomes)}\n")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
