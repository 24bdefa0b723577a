"""A reliable connection under faults: exactly once in order, or an error after exactly the retries, then a flush.

The scenario is played by the engine in virtual time; `model.py` says whether the outcome is legal.
"""

import pytest
from hypothesis import given

from tests.property.budget import in_long, in_test
from tests.property.model import judge_rc
from tests.property.run import play
from tests.property.scenario import Scenario, Service
from tests.property.strategies import scenarios


@in_test(400)
@given(scenario=scenarios(Service.RC))
def test_rc_is_exactly_once_in_order_or_fails_after_all_retries(scenario: Scenario) -> None:
    judge_rc(scenario, play(scenario))


@pytest.mark.long
@in_long
@given(scenario=scenarios(Service.RC, max_ops=30))
def test_rc_under_faults_for_many_rounds(scenario: Scenario) -> None:
    judge_rc(scenario, play(scenario))
