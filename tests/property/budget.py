"""How many examples a property test runs: few in ``make test``, many in ``make long``; seeded, both.

No explain phase: it traces every line of the run, which takes minutes; the smallest scenario explains enough.
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from datapath.build import build
from tests.property.scenario import Scenario

ROUNDS = int(os.environ.get("DPU_ROUNDS", "1"))
ROUND_EXAMPLES = 100
"""In each of DPU_ROUNDS rounds, which are runs of their own: hypothesis remembers everything about a run."""

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
_HEALTH = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


def in_test(examples: int) -> settings:
    """Settings of a test of ``make test``: the same examples every time, a third of them under sanitizers."""
    return settings(
        max_examples=max(10, examples // 3) if build().sanitizers else examples,
        deadline=None,
        derandomize=True,
        phases=_PHASES,
        suppress_health_check=_HEALTH,
        print_blob=True,
    )


rounds = pytest.mark.parametrize("round_number", range(ROUNDS))
"""Marks a test of ``make long``, which plays a round of its own by ``play_round``."""


def play_round(round_number: int, scenarios: st.SearchStrategy[Scenario], judge: Callable[[Scenario], object]) -> None:
    """Judge the scenarios of one round; the round's number is their seed."""

    @seed(round_number)
    @settings(
        max_examples=ROUND_EXAMPLES,
        deadline=None,
        derandomize=False,
        database=None,
        phases=_PHASES,
        suppress_health_check=_HEALTH,
        print_blob=True,
    )
    @given(scenario=scenarios)
    def one(scenario: Scenario) -> None:
        judge(scenario)

    one()
