"""A reliable connection under faults: exactly once in order, or an error after exactly the retries, then a flush.

The scenario is played by the engine in virtual time; `model.py` says whether the outcome is legal.
"""

from dataclasses import replace

import pytest
from hypothesis import given

from tests.property.budget import in_test, play_round, rounds
from tests.property.model import judge_gaps, judge_outages, judge_rc
from tests.property.run import play
from tests.property.scenario import Options, Scenario, Service
from tests.property.strategies import gaps, outages, scenarios

SELECTIVE, OOO = ("SELECTIVE_REPEAT",), ("SELECTIVE_REPEAT", "OOO")
EXTRAS = ("NAK_REARM", "ADAPTIVE_TIMEOUT")
MODES: dict[str, tuple[Options, Options]] = {
    "NAK again": (("NAK_REARM",), ("NAK_REARM",)),
    "adaptive timeout": (("ADAPTIVE_TIMEOUT",), ("ADAPTIVE_TIMEOUT",)),
    "selective repeat": (SELECTIVE, SELECTIVE),
    "any order": (OOO, OOO),
    "any order, one end": (OOO, SELECTIVE),
    "selective repeat, one end": (SELECTIVE, ()),
    "selective repeat with all": ((*SELECTIVE, *EXTRAS), (*SELECTIVE, *EXTRAS)),
}


@in_test(400)
@given(scenario=scenarios(Service.RC))
def test_rc_is_exactly_once_in_order_or_fails_after_all_retries(scenario: Scenario) -> None:
    judge_rc(scenario, play(scenario))


@pytest.mark.parametrize("mode", MODES)
def test_rc_with_other_recovery(mode: str) -> None:
    @in_test(150)
    @given(scenario=scenarios(Service.RC, recovery=MODES[mode]))
    def judged(scenario: Scenario) -> None:
        judge_rc(scenario, play(scenario))

    judged()


@pytest.mark.parametrize("mode", [*MODES, "go-back-N"])
def test_whatever_a_network_that_lives_does_endless_retries_bring_everything(mode: str) -> None:
    options = MODES.get(mode, ((), ()))
    endless = (*options[0], "RETRY_FOREVER"), (*options[1], "RETRY_FOREVER")

    @in_test(40)
    @given(scenario=scenarios(Service.RC, recovery=endless, every_recv=True))
    def judged(scenario: Scenario) -> None:
        one, two = (replace(side, rnr_retry=7) for side in scenario.sides)
        living = replace(scenario, sides=(one, two), dead_side=None)
        for ending in judge_rc(living, play(living)):
            assert ending.status == "SUCCESS"

    judged()


@in_test(300)
@given(scenario=scenarios(Service.XRC))
def test_xrc_is_exactly_once_in_order_or_fails_after_all_retries(scenario: Scenario) -> None:
    judge_rc(scenario, play(scenario))


def judge_success(scenario: Scenario) -> None:
    seen = play(scenario)
    for side, ending in enumerate(judge_rc(scenario, seen)):
        judge_outages(ending, seen[side])


@in_test(100)
@given(scenario=outages())
def test_rc_outlives_outages_that_are_shorter_than_its_retries(scenario: Scenario) -> None:
    judge_success(scenario)


@in_test(60)
@given(scenario=gaps())
def test_each_new_gap_is_naked_once_and_filled_without_a_timeout(scenario: Scenario) -> None:
    seen = play(scenario)
    judge_rc(scenario, seen)
    judge_gaps(len(scenario.sides[0].drops), *seen)


@pytest.mark.long
@rounds
@pytest.mark.parametrize("service", [Service.RC, Service.XRC])
def test_rc_and_xrc_under_faults_for_many_rounds(service: Service, round_number: int) -> None:
    play_round(round_number, scenarios(service, max_ops=30), lambda scenario: judge_rc(scenario, play(scenario)))


@pytest.mark.long
@rounds
def test_rc_under_outages_for_many_rounds(round_number: int) -> None:
    play_round(round_number, outages(), judge_success)
