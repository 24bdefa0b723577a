"""The local path by the same rules: without faults, everything is executed exactly once, in order.

Live devices play the scenario (`live.py`); the models that judge packets in virtual time judge the outcome.
"""

from dataclasses import replace

import pytest
from hypothesis import given

from tests.property.budget import in_test, play_round, rounds
from tests.property.live import for_live, play_live
from tests.property.model import (
    execute,
    executed_range,
    judge_landing,
    judge_memory,
    judge_recv_completions,
    judge_send_completions,
    require,
)
from tests.property.model_unreliable import judge_uc_receiver
from tests.property.run import Seen
from tests.property.scenario import Scenario, Service, other
from tests.property.strategies import scenarios

WHOLE = 1 << 30
"""A message of a reliable queue pair is one packet."""


def judge(scenario: Scenario, seen: tuple[Seen, Seen]) -> None:
    reliable = scenario.service.is_reliable
    model = replace(scenario, mtu=WHOLE) if reliable else scenario
    steps = [execute(model, i) for i in range(2)]
    endings = [judge_send_completions(model.sides[i], seen[i]) for i in range(2)]
    for i in range(2):
        peer = other(i)
        require(endings[i].status == "SUCCESS", f"side {i}: {endings[i]}")
        require(seen[i].state == seen[i].recv_state == "RTS", f"side {i}: {seen[i].state}, {seen[i].recv_state}")
        events = [event for event in seen[i].events if event != "COMM_EST"]
        require(not events, f"side {i}: {events}")
        if not reliable:
            judge_uc_receiver(model, i, seen[peer], seen[i])
            continue
        received = judge_recv_completions(model, peer, steps[i], seen[peer])
        bounds = executed_range(model, i, steps[i], endings[i])
        landed = judge_landing(model, peer, steps[peer], endings[peer], seen[peer])
        judge_memory(model, peer, steps[i], bounds, received, landed, seen[peer])


def played(scenario: Scenario) -> None:
    scenario = for_live(scenario)
    judge(scenario, play_live(scenario))


@pytest.mark.parametrize("service", [Service.RC, Service.XRC, Service.UC])
def test_the_local_path_executes_everything_once_in_order(service: Service) -> None:
    @in_test(60 if service is Service.RC else 30)
    @given(scenario=scenarios(service, every_recv=True))
    def one(scenario: Scenario) -> None:
        played(scenario)

    one()


@pytest.mark.long
@rounds
@pytest.mark.parametrize("service", [Service.RC, Service.XRC, Service.UC])
def test_the_local_path_for_many_rounds(service: Service, round_number: int) -> None:
    play_round(round_number, scenarios(service, max_ops=30, every_recv=True), played)
