"""Processes that die, stop, do not poll, lose packets, fork and close, under traffic; unmodified verbs programs (crowd.py).

    127.21.N.1: process 0, 1, 2          127.21.N.2: process 3, 4, 5
        agent   \\  |  /                     agent   \\  |  /
                 node <--- local or UDP ---> node
    RC between all six (SEND, WRITE, READ, atomics, immediate data), UC and UD between some

Every message says from whom to whom it is, its number and its sum, so every one that is lost, doubled, late or another's
is seen. ``DPU_ROUNDS`` is how often the long form does it, ``DPU_SEED`` what is drawn.
"""

import itertools
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rdma_verbs.agent.status import list_nodes
from rdma_verbs.launch import Transport
from tests.e2e.crowd import (
    CQ_ERR,
    DEADLINE_S,
    FLUSHED,
    QP_FATAL,
    REM_ACCESS,
    REM_OP,
    RETRY_EXC,
    RNR_RETRY_EXC,
    SUCCESS,
    Crowd,
    Plan,
    build,
    check_conn,
    check_failure,
    no_agents,
    stopped,
)

ROUNDS = int(os.environ.get("DPU_ROUNDS", "200"))
SEED = int(os.environ.get("DPU_SEED", "0")) or random.randrange(1, 1 << 31)
BOTH = pytest.mark.parametrize("transport", list(Transport))
_nets = itertools.count(os.getpid() * 8)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, require_peer: Callable[..., None]) -> Path:
    require_peer("libibverbs")
    return build(tmp_path_factory.mktemp("crowd"))


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A runtime folder of the test's own, so that its nodes and agents are, too; all of which leave."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    print(f"DPU_SEED={SEED}")
    yield
    until = time.monotonic() + 30
    while list_nodes():
        assert time.monotonic() < until, "agents left by themselves"
        time.sleep(0.05)


def node_pair() -> tuple[str, str]:
    net = next(_nets) % 250 + 1
    return f"127.21.{net}.1", f"127.21.{net}.2"


def six(plan: Plan) -> Crowd:
    a, b = node_pair()
    crowd = Crowd(plan, [a, a, a, b, b, b])
    for i, j in itertools.combinations(range(6), 2):
        if (i < 3) != (j < 3) or (i, j) in ((0, 1), (1, 2), (3, 4), (4, 5)):
            crowd.link("RC", i, j)
    for service, i, j in (("UC", 0, 3), ("UC", 1, 2), ("UD", 1, 4), ("UD", 3, 5), ("UC", 2, 5), ("UD", 0, 2)):
        crowd.link(service, i, j)
    return crowd


def four(plan: Plan, *services: str) -> Crowd:
    a, b = node_pair()
    crowd = Crowd(plan, [a, a, b, b])
    for service in services:
        for i, j in ((0, 2), (1, 3), (0, 1), (1, 2)):
            crowd.link(service, i, j)
    return crowd


# ---- kill -9 ----


class Death:
    """Draws victims and kills them."""

    def __init__(self, crowd: Crowd, seed: int) -> None:
        self.crowd, self.rng = crowd, random.Random(seed)
        self.order = {node: [i for i, n in enumerate(crowd.nodes) if n == node] for node in crowd.nodes}

    def strike(self) -> str:
        """Kill somebody after a while; return who it was."""
        time.sleep(self.rng.uniform(0, 0.4))
        node = self.rng.choice(sorted(self.order))
        who = self.rng.choice(["first", "last", "any", "any", "pair", "agent", "agent and first", "agent and last"])
        seats: list[int] = []
        if "first" in who:
            seats = self.order[node][:1]
        elif "last" in who:
            seats = self.order[node][-1:]
        elif who == "any":
            seats = [self.rng.randrange(len(self.crowd.nodes))]
        elif who == "pair":
            seats = list(self.rng.choice([link for link in self.crowd.links if link.service == "RC"]).seats)
        if "agent" in who:
            self.kill_agent(node)
        self.kill(seats)
        return f"{who} {node} {seats}"

    def kill_agent(self, node: str) -> None:
        until = time.monotonic() + DEADLINE_S
        while not (status := self.crowd.status().get(node)):  # the one after the last that was killed
            assert time.monotonic() < until, f"node {node} has no agent"
            time.sleep(0.05)
        os.kill(status.agent_pid, signal.SIGKILL)

    def kill(self, seats: list[int]) -> None:
        crowd = self.crowd
        for seat in seats:
            crowd.members[seat].kill()
        for seat in seats:
            for link in crowd.links_of(seat):
                link.open = not all(s in seats for s in link.seats) and link.open
        # Another takes the place while partners still resend to who had it.
        early = self.rng.random() < 0.5
        for seat in seats if early else ():
            crowd.replace(seat)
        for seat in seats:
            crowd.lose(seat)
        for seat in seats if not early else ():
            crowd.replace(seat)
        for seat in seats:
            node = crowd.nodes[seat]
            self.order[node].remove(seat)
            self.order[node].append(seat)


def kill_rounds(plan: Plan, rounds: int) -> None:
    with six(plan) as crowd:
        crowd.connect(crowd.links)
        crowd.check_progress()
        death = Death(crowd, plan.seed)
        fds: dict[int, int] = {}
        for round_ in range(rounds):
            who = death.strike()
            print(f"round {round_}: {who}", flush=True)
            crowd.check()
            crowd.connect([link for link in crowd.links if not link.open])
            crowd.check_progress()
            crowd.check()
            if round_ % 5 == 4 or round_ == rounds - 1:
                crowd.check_slots()
            for member in crowd.members:
                first = fds.setdefault(member.process.pid, member.fds())
                assert member.fds() <= first + 8, f"{member}: {first} descriptors, now {member.fds()}"
        crowd.status()
        crowd.finish()
    no_agents(crowd.agents)


@BOTH
def test_kills(program: Path, transport: Transport) -> None:
    kill_rounds(Plan(program, transport, SEED + len(transport)), 7)


@pytest.mark.long
@pytest.mark.timeout(0)
@BOTH
def test_many_kills(program: Path, transport: Transport) -> None:
    for part in range(0, ROUNDS, 50):
        kill_rounds(Plan(program, transport, SEED + len(transport) + part), min(ROUNDS - part, 50))
