r"""Verbs programs that die, stop, do not poll, lose packets, fork and close, under traffic (crowd.py).

    127.21.N.1: process 0, 1, 2          127.21.N.2: process 3, 4, 5
        agent   \  |  /                     agent   \  |  /
                 node <--- local or UDP ---> node
    RC between all six (SEND, WRITE, READ, atomics, immediate data), UC and UD between some

Every message says from whom to whom it is, its number and its sum, so every one that is lost, doubled, late or
another's is seen. ``DPU_ROUNDS`` is how often the long form does it, ``DPU_SEED`` what is drawn.
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
    LOC_PROT,
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
)

ROUNDS = int(os.environ.get("DPU_ROUNDS", "200"))
SEED = int(os.environ.get("DPU_SEED", "0")) or random.randrange(1, 1 << 31)
BOTH = pytest.mark.parametrize("transport", list(Transport))
_nets = itertools.count(os.getpid() * 8)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, require_peer: Callable[..., None]) -> Path:
    require_peer("libibverbs")
    return build(tmp_path_factory.mktemp("crowd"))


@pytest.fixture(scope="module", autouse=True)
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A runtime folder of our own, so that its nodes and agents are, too; all of which leave."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        yield
        until = time.monotonic() + DEADLINE_S
        while nodes := list_nodes():
            assert time.monotonic() < until, f"agents of {[node.ip for node in nodes]} did not leave"
            time.sleep(0.05)


@pytest.fixture(autouse=True)
def seed() -> None:
    print(f"DPU_SEED={SEED}")


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


# ---- loss ----


def test_loss_of_5_percent(program: Path) -> None:
    """All operations arrive once and in order; of UC and UD what arrives is whole."""
    with four(Plan(program, Transport.UDP, SEED, loss_ppm=50_000, timeout=12, retry=7), "RC", "UC", "UD") as crowd:
        crowd.connect(crowd.links)
        for _ in range(4):
            crowd.check_progress()
            time.sleep(1)
        crowd.check()
        lost = [member.slot_counters() for member in crowd.members]
        assert all(counters["retransmitted_pkts"] for counters in lost), "nothing was lost"
        crowd.finish()


# ---- a peer that stops, and one that does not poll ----


@BOTH
def test_a_process_that_is_stopped_for_3_s_goes_on(program: Path, transport: Transport) -> None:
    # 4.3 s of retries and more, as IBTA lets a requester wait: the process is not dead.
    with four(Plan(program, transport, SEED, timeout=18, retry=7), "RC", "UC", "UD") as crowd:
        crowd.connect(crowd.links)
        crowd.check_progress()
        others = [link for link in crowd.links if 1 not in link.seats]
        crowd.members[1].signal(signal.SIGSTOP)
        began = time.monotonic()
        try:
            crowd_of_others = [m for i, m in enumerate(crowd.members) if i != 1]
            before = [m.stats() for m in crowd_of_others]
            time.sleep(3)
            after = [m.stats() for m in crowd_of_others]
        finally:
            crowd.members[1].signal(signal.SIGCONT)
        assert time.monotonic() - began < 20
        for link in others:
            for b, a in zip(before, after, strict=True):
                assert link.key not in b or a[link.key]["got"] > b[link.key]["got"], f"{link.key} waited"
        for _ in range(2):
            crowd.check_progress()
        crowd.finish()


@BOTH
@pytest.mark.parametrize("rnr_retry", [1, 7])
def test_a_process_that_does_not_poll_is_not_ready(program: Path, transport: Transport, rnr_retry: int) -> None:
    """It runs out of receives, not of life: RNR NAKs until the partner is tired of them, or for ever."""
    with four(Plan(program, transport, SEED)) as crowd:
        idle = crowd.link("RC", 0, 2, f"rnr={rnr_retry}", second=("cqe=200", "recvs=8"))
        crowd.link("RC", 0, 1)
        crowd.link("RC", 2, 3)
        crowd.connect(crowd.links)
        crowd.check_progress()
        crowd.members[2].ask("hold", idle.key)
        if rnr_retry == 7:
            time.sleep(2)
            stats = crowd.members[0].stats()[idle.key]
            assert not stats["failed"], stats
            crowd.check_progress(links=crowd.links[1:])
            crowd.members[2].ask("release", idle.key)
            crowd.check_progress()
        else:
            check_failure(crowd.members[0].hear("failed", key=idle.key), RNR_RETRY_EXC)
            crowd.members[0].ask("close", idle.key)
            crowd.check_progress(links=crowd.links[1:])
            crowd.members[2].ask("release", idle.key)
            check_end(crowd.members[2].hear("failed", key=idle.key), (RETRY_EXC, FLUSHED))
            crowd.members[2].ask("close", idle.key)
            idle.open = False
        crowd.finish()


@BOTH
def test_a_completion_queue_that_overflows_is_an_error_of_its_own(program: Path, transport: Transport) -> None:
    """CQ_ERR and QP_FATAL there; the partner's request fails, with a NAK or without an answer. Others go on."""
    with four(Plan(program, transport, SEED)) as crowd:
        small = crowd.link("RC", 0, 2, second=("cqe=4",))
        crowd.link("RC", 0, 1)
        crowd.link("RC", 2, 3)
        crowd.connect(crowd.links[1:])
        crowd.connect([small], go=(0,))
        crowd.members[2].ask("hold", small.key)
        said = crowd.members[0].hear("failed", key=small.key)
        assert str(said["first_send"]) in (REM_OP, RETRY_EXC), said
        crowd.members[0].ask("close", small.key)
        crowd.check_progress(links=crowd.links[1:])
        events = crowd.members[2].stats()[""]["async"]
        assert events.get(CQ_ERR) == 1, events
        assert events.get(QP_FATAL) == 1, events
        crowd.members[2].ask("close", small.key)
        small.open = False
        crowd.finish()


def check_end(conn: dict[str, object], statuses: tuple[str, ...]) -> None:
    """Raise if an end saw errors but these, or anything wrong."""
    assert conn["wrong"] == 0, conn
    for side in ("send", "recv"):
        seen = conn[side]
        assert isinstance(seen, dict)
        assert set(seen) <= {SUCCESS, *statuses}, conn


# ---- fork ----


@BOTH
@pytest.mark.parametrize("how", ["exit", "exec", "open"])
def test_fork_in_the_middle(program: Path, transport: Transport, how: str) -> None:
    fork_rounds(Plan(program, transport, SEED), [how] * 6)


@BOTH
def test_a_child_that_outlives_its_parent_keeps_nothing(program: Path, transport: Transport) -> None:
    with four(Plan(program, transport, SEED), "RC", "UC", "UD") as crowd:
        crowd.connect(crowd.links)
        crowd.check_progress()
        crowd.members[2].tell("fork", "stay")
        child = crowd.members[2].hear("forked")["pid"]
        crowd.check_progress()
        left = sorted(str(fd.readlink()) for fd in Path(f"/proc/{child}/fd").iterdir())
        mapped = Path(f"/proc/{child}/maps").read_text(encoding="utf-8")
        assert not [name for name in left if name.startswith(("socket:", "/memfd:dpu-emu"))], left
        assert "/memfd:" not in mapped, mapped
        crowd.members[2].process.kill()
        crowd.members[2].process.wait()
        assert Path(f"/proc/{child}").exists(), "it went before its parent; the test says nothing"
        crowd.check_slots()  # now, and not when the child is gone
        crowd.members[2].kill()
        crowd.lose(2)
        crowd.replace(2)
        crowd.connect([link for link in crowd.links if not link.open])
        crowd.check_progress()
        crowd.finish()


@pytest.mark.long
@pytest.mark.timeout(0)
@BOTH
def test_many_forks(program: Path, transport: Transport) -> None:
    rng = random.Random(SEED)
    fork_rounds(Plan(program, transport, SEED), rng.choices(["exit", "exec", "open"], k=max(50, ROUNDS // 4)))


def fork_rounds(plan: Plan, how: list[str]) -> None:
    with four(plan, "RC", "UC", "UD") as crowd:
        crowd.connect(crowd.links)
        crowd.check_progress()
        rng = random.Random(plan.seed)
        fds = [member.fds() for member in crowd.members]
        for word in how:
            time.sleep(rng.uniform(0, 0.1))
            member = rng.choice(crowd.members)
            member.tell("fork", word)
            pid = member.hear("forked")["pid"]
            assert member.hear("child", pid=pid)["status"] == 0, (word, pid)
        crowd.check_progress()
        crowd.check_slots()
        assert [member.fds() for member in crowd.members] <= [n + 4 for n in fds]
        crowd.finish()


# ---- large copies ----


@BOTH
@pytest.mark.parametrize("owner_dies", [True, False], ids=["owner-dies", "copier-dies"])
def test_death_in_a_large_copy(program: Path, transport: Transport, owner_dies: bool) -> None:
    big = "big=64" if transport is Transport.LOCAL else "big=16"
    with four(Plan(program, transport, SEED)) as crowd:
        links = [crowd.link("RC", 0, 2, big, "gap_us=0"), crowd.link("RC", 0, 1), crowd.link("RC", 2, 3)]
        rng = random.Random(SEED)
        for _ in range(3):
            crowd.connect([link for link in links[1:] if not link.open])
            crowd.connect(links[:1], go=(0,))
            until = time.monotonic() + DEADLINE_S
            while crowd.members[0].stats()[links[0].key]["ops"].get("4", 0) < 2:
                assert time.monotonic() < until, "no READ"
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.2))
            seat = 2 if owner_dies else 0
            crowd.members[seat].kill()
            if owner_dies:
                crowd.lose(seat)
            else:  # the owner has nothing under way, and so learns nothing
                check_conn(crowd.members[2].stats()[links[0].key], crowd.members[2])
                crowd.members[2].ask("close", links[0].key)
                links[0].open = False
                crowd.lose(seat)
            crowd.replace(seat)
            crowd.check_slots()
        crowd.connect([link for link in links if not link.open], go=(0, 1))
        crowd.check_progress(links=links[1:])
        crowd.finish()


@BOTH
def test_memory_is_the_owners_once_deregistered(program: Path, transport: Transport) -> None:
    """In the middle of large WRITEs and READs: not a byte changes afterwards; the requester sees an access error."""
    big = "big=64" if transport is Transport.LOCAL else "big=16"
    rng = random.Random(SEED)
    with four(Plan(program, transport, SEED)) as crowd:
        for _ in range(8):
            link = crowd.link("RC", 0, 2, big, "gap_us=0")
            crowd.connect([link], go=(0,))
            until = time.monotonic() + DEADLINE_S
            while crowd.members[0].stats()[link.key]["ops"].get("4", 0) < 2:
                assert time.monotonic() < until, "no READ"
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.1))
            said = crowd.members[2].ask("dereg", link.key)
            assert said["changed"] == 0, said
            assert said["took_ms"] < 20_000, said
            failed = crowd.members[0].hear("failed", key=link.key)
            assert str(failed["first_send"]) == REM_ACCESS, failed
            check_end(failed, (REM_ACCESS, FLUSHED))
            check_end(crowd.members[2].hear("failed", key=link.key), (FLUSHED,))
            for seat in link.seats:
                crowd.members[seat].ask("close", link.key)
            link.open = False
        crowd.finish()


@BOTH
def test_deregistered_under_small_traffic(program: Path, transport: Transport) -> None:
    with four(Plan(program, transport, SEED)) as crowd:
        for _ in range(6):
            link = crowd.link("RC", 0, 2, "gap_us=100")
            crowd.connect([link])
            crowd.check_progress(links=[link])
            said = crowd.members[2].ask("dereg", link.key)
            assert said["changed"] == 0, said
            # Whose own requests and receives need the region, too.
            check_end(crowd.members[0].hear("failed", key=link.key), (REM_ACCESS, REM_OP, RETRY_EXC, FLUSHED))
            check_end(crowd.members[2].hear("failed", key=link.key), (LOC_PROT, FLUSHED))
            for seat in link.seats:
                crowd.members[seat].ask("close", link.key)
            link.open = False
        crowd.finish()
