"""Unreliable services under faults. UC: messages whole or absent, in order, never twice. UD: any subset.

The scenario is played by the engine in virtual time; `model_unreliable.py` says whether the outcome is legal.
"""

import pytest
from hypothesis import given

from tests.property.budget import in_test, play_round, rounds
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
@rounds
@pytest.mark.parametrize("service", [Service.UC, Service.UD])
def test_uc_and_ud_under_faults_for_many_rounds(service: Service, round_number: int) -> None:
    play_round(round_number, scenarios(service, max_ops=30), lambda played: judge_unreliable(played, play(played)))
