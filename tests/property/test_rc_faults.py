"""A reliable connection under faults: exactly once in order, or an error after exactly the retries, then a flush.

The scenario is played by the engine in virtual time; `model.py` says whether the outcome is legal.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.property.model import judge_rc
from tests.property.run import play
from tests.property.scenario import Scenario, Service
from tests.property.strategies import scenarios

EXAMPLES = 400
ROUNDS = int(os.environ.get("DPU_ROUNDS", "1"))
QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=QUIET)
@given(scenario=scenarios(Service.RC))
def test_rc_is_exactly_once_in_order_or_fails_after_all_retries(scenario: Scenario) -> None:
    judge_rc(scenario, play(scenario))


@pytest.mark.long
@settings(max_examples=EXAMPLES * ROUNDS, deadline=None, suppress_health_check=QUIET, derandomize=False)
@given(scenario=scenarios(Service.RC, max_ops=30))
def test_rc_under_faults_for_many_rounds(scenario: Scenario) -> None:
    judge_rc(scenario, play(scenario))
