"""Many processes on two nodes over UDP at the default receive buffer; then some of them, or the agent, are killed.

node A 127.79.x.1                        node B 127.79.x.2
8 processes, 25 RC QPs each  <-- UDP -->  8 processes, 25 RC QPs each
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from rdma_verbs.agent import list_nodes

PROCESSES = 8
CONNECTIONS = 200
# A packet for another process's QP: what wrong steering would show as.
MISDIRECTED = ("unknown_qpn", "bad_sgid", "bad_service")


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A runtime folder of the test's own, so that its nodes and agents are, too."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    yield
    until = time.monotonic() + 30
    while list_nodes():
        assert time.monotonic() < until, "agents left by themselves"
        time.sleep(0.05)


class Member:
    """A process of the crowd."""

    def __init__(self, address: str, keys: list[str], **task: Any) -> None:
        self.address, self.keys = address, keys
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.crowd_member"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        self.tell({"address": address, "keys": keys, **task})

    def tell(self, words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, f"{self.address} pid {self.process.pid} ended with {self.process.wait(5)}"
        said: dict[str, Any] = json.loads(line)
        return said

    def end(self) -> None:
        self.tell("end")
        assert self.process.wait(30) == 0


class Crowd:
    """All members, connected: connection k joins member k % 8 of node A with member (k // 8 + k) % 8 of node B."""

    def __init__(self, net: int, connections: int, rounds: int, timeout: int, retry: int = 7) -> None:
        self.pairs = [(k % PROCESSES, (k // PROCESSES + k) % PROCESSES) for k in range(connections)]
        self.sides: list[list[Member]] = [
            [
                Member(
                    f"127.79.{net}.{side + 1}",
                    [f"{'AB'[side]}{k}" for k, pair in enumerate(self.pairs) if pair[side] == i],
                    rounds=rounds,
                    timeout=timeout,
                    retry=retry,
                )
                for i in range(PROCESSES)
            ]
            for side in range(2)
        ]
        ends = {end["key"]: end for member in self.members for end in member.hear()["ends"]}
        for member in self.members:
            member.tell({"peers": [ends["BA"["AB".index(key[0])] + key[1:]] for key in member.keys]})
        for member in self.members:
            assert member.hear() == {"ready": True}

    @property
    def members(self) -> list[Member]:
        return [member for side in self.sides for member in side]

    def go(self) -> None:
        for member in self.members:
            member.tell("go")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for member in self.members:
            if member.process.poll() is None:
                member.process.kill()
            member.process.communicate()

    def results(self, gone: tuple[Member, ...] = ()) -> dict[Member, dict[str, Any]]:
        said = {member: member.hear() for member in self.members if member not in gone}
        for member in said:
            member.end()
        return said


def test_200_connections_between_8_and_8_processes_lose_and_resend_nothing() -> None:
    # The timeout is the usual 67 ms; a process of the crowd may have to wait that long for a CPU.
    with Crowd(net=1, connections=CONNECTIONS, rounds=4, timeout=14) as crowd:
        crowd.go()
        results = crowd.results()
    connections = [c for said in results.values() for c in said["connections"]]
    assert len(connections) == 2 * CONNECTIONS
    assert all(c["verified"] == 4 and not c["wrong"] and not c["failed"] for c in connections)
    for said in results.values():
        assert said["counters"]["retransmitted_pkts"] == 0
        assert said["counters"]["timeouts"] == 0
        assert said["port"]["rx_overflow"] == 0
        assert said["drops"] == {}


def kill_first(crowd: Crowd) -> tuple[Member, ...]:
    os.kill(crowd.sides[1][0].process.pid, signal.SIGKILL)
    return (crowd.sides[1][0],)


def kill_last(crowd: Crowd) -> tuple[Member, ...]:
    os.kill(crowd.sides[1][-1].process.pid, signal.SIGKILL)
    return (crowd.sides[1][-1],)


def kill_agent(crowd: Crowd) -> tuple[Member, ...]:
    for node in list_nodes():
        if node.ip == crowd.sides[1][0].address:
            os.kill(node.agent_pid, signal.SIGKILL)
            return ()
    raise AssertionError("node B has no agent")


def kill_all_three(crowd: Crowd) -> tuple[Member, ...]:
    return (*kill_first(crowd), *kill_agent(crowd), *kill_last(crowd))


@pytest.mark.parametrize("kill", [kill_first, kill_last, kill_agent, kill_all_three])
def test_survivors_of_a_kill_go_on_and_get_no_packet_of_others(kill: Callable[[Crowd], tuple[Member, ...]]) -> None:
    rounds = 12
    # 67 ms and 3: nobody waits behind a receiver that is gone.
    with Crowd(net=2, connections=64, rounds=rounds, timeout=14, retry=3) as crowd:
        crowd.go()
        time.sleep(0.3)  # in the middle; on a machine so fast that all is over by now, the test still holds
        gone = kill(crowd)
        lost_keys = {"BA"["AB".index(key[0])] + key[1:] for member in gone for key in member.keys}
        results = crowd.results(gone)
    for said in results.values():
        for c in said["connections"]:
            # It may have got everything and still miss the acknowledge of what it sent last.
            if c["key"] in lost_keys and (c["verified"] < rounds or c["failed"]):
                assert c["failed"] in ("RETRY_EXC_ERR", "WR_FLUSH_ERR"), c
            else:
                assert (c["verified"], c["wrong"], c["failed"]) == (rounds, 0, ""), c
            assert c["wrong"] == 0
        assert not set(MISDIRECTED) & set(said["drops"]), said["drops"]
