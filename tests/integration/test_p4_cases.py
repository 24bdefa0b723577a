"""The P4 packet tests of ``tests/cases/p4``: each program compiled once, each test run by engine and evaluator.

Nothing may come out of a program but what its test expects.
"""

from functools import cache

import pytest

from datapath.p4c.compiler import Compiled, compile_file
from datapath.p4c.evaluate import Evaluator
from datapath.pipeline.engine import Engine
from datapath.stf.parse import parse_stf
from datapath.stf.run import run_stf
from tests.p4_cases import CASES, README, programs, readme, shows


@cache
def compiled(case: str) -> Compiled:
    """Return a program, compiled once for both targets."""
    return compile_file(CASES / f"{case}.p4")


@pytest.mark.parametrize("target", ["engine", "evaluator"])
@pytest.mark.parametrize("case", programs())
def test_packets_come_out_as_the_case_says(case: str, target: str) -> None:
    program = compiled(case)
    commands = parse_stf((CASES / f"{case}.stf").read_text(), f"{case}.stf")
    running = Engine(program.code, program.info) if target == "engine" else Evaluator(program.design, program.info)
    report = run_stf(commands, running, program.info, strict=True)
    assert report.ok, "\n".join(report.failures)
    assert report.packets


def test_every_program_says_what_it_shows() -> None:
    assert not [case for case in programs() if not shows(case)]


def test_the_readme_lists_all_programs() -> None:
    assert README.read_text() == readme(), "python -m tests.p4_cases writes it anew"
