"""The engine does to any program and packet what the evaluator does: outputs, digests, registers, counters."""

import os

import pytest

from datapath.p4c.compiler import Compiled
from datapath.pipeline.engine import Engine
from datapath.pipeline.target import Target
from tests.p4gen.case import Case
from tests.p4gen.compare import check, report, shrink
from tests.p4gen.program import generate

PROGRAMS = 120
"""In ``make test``, of 24 packets each."""

LONG_PROGRAMS = 42
"""In a round of ``make long``, whose hundred rounds make 100 000 pairs of program and packet."""


def engine(compiled: Compiled) -> Target:
    return Engine(compiled.code, compiled.info)


def compare(seed: int) -> None:
    case = generate(seed)
    found = check(case, engine)
    if found:
        small: Case = shrink(case, lambda c: bool(check(c, engine)))
        pytest.fail(report(small, check(small, engine)))


@pytest.mark.parametrize("first", range(0, PROGRAMS, 20))
def test_engine_and_evaluator_agree(first: int) -> None:
    for seed in range(first, first + 20):
        compare(seed)


@pytest.mark.long
@pytest.mark.parametrize("round_number", range(int(os.environ.get("DPU_ROUNDS", "1"))))
def test_engine_and_evaluator_agree_on_many_programs(round_number: int) -> None:
    first = 1_000_000 * (1 + round_number)
    for seed in range(first, first + LONG_PROGRAMS):
        compare(seed)
