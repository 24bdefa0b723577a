"""Unreliable services under faults. UC: messages whole or absent, in order, never twice. UD: any subset.

The scenario is played by the engine in virtual time; `model_unreliable.py` says whether the outcome is legal.
"""

import pytest
from hypothesis import given

from tests.property.budget import in_long, in_test
from tests.property.model_unreliable import judge_unreliable
from tests.property.run import play
from tests.property.scenario import Scenario, Service
from tests.property.strategies import scenarios


@in_test(300)
@given(scenario=scenarios(Service.UC))
def test_uc_delivers_whole_messages_in_order_or_not_at_all(scenario: Scenario) -> None:
    judge_unreliable(scenario, play(scenario))


@in_test(200)
@given(scenario=scenarios(Service.UD))
def test_ud_delivers_any_subset_of_what_was_sent(scenario: Scenario) -> None:
    judge_unreliable(scenario, play(scenario))


@pytest.mark.long
@in_long
@given(scenario=scenarios(Service.UC, max_ops=25))
def test_uc_under_faults_for_many_rounds(scenario: Scenario) -> None:
    judge_unreliable(scenario, play(scenario))


@pytest.mark.long
@in_long
@given(scenario=scenarios(Service.UD, max_ops=40))
def test_ud_under_faults_for_many_rounds(scenario: Scenario) -> None:
    judge_unreliable(scenario, play(scenario))
