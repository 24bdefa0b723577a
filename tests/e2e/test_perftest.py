"""perftest over the drop-in; drawing and rules in perftest_matrix.py. All combinations are for ``make long``."""

from collections.abc import Callable
from typing import Literal

import pytest

from tests.e2e.perftest_matrix import SHORT, Case, cases, play


def passes(case: Case, transport: Literal["local", "udp"], *, same_node: bool = False) -> None:
    run = play(case, transport, same_node=same_node)
    assert run.mismatches == 0, run
    if case.tool != "atomic":  # whose data are the operands
        assert run.checked > 0, run


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.name)
def test_perftest(case: Case, transport: Literal["local", "udp"], require_peer: Callable[..., None]) -> None:
    require_peer("perftest")
    passes(case, transport)


@pytest.mark.parametrize("transport", ["local", "udp"])
def test_perftest_within_a_node(transport: Literal["local", "udp"], require_peer: Callable[..., None]) -> None:
    require_peer("perftest")
    passes(Case("write", "bw", "RC", options=("-a",)), transport, same_node=True)


@pytest.mark.long
@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_every_combination(case: Case, transport: Literal["local", "udp"], require_peer: Callable[..., None]) -> None:
    require_peer("perftest")
    passes(case, transport)
