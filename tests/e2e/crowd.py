"""Drives processes of a crowd: verbs programs (verbs/crowd.c) on nodes, with connections to each other.

The program is compiled against the system's header and linked with the system's library, and runs as ``dpu-emu run``
starts it. What it is told and says is in crowd.c.
"""

import contextlib
import itertools
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rdma_verbs.agent.rundir import Address
from rdma_verbs.agent.status import NodeStatus, list_nodes
from rdma_verbs.counters import counter_names, named_counters
from rdma_verbs.launch import Launch, Transport, make_environment

ROOT = Path(__file__).resolve().parents[2]
SUCCESS, LOC_PROT, FLUSHED, REM_ACCESS, REM_OP, RETRY_EXC, RNR_RETRY_EXC = "0", "4", "5", "10", "11", "12", "13"
CQ_ERR, QP_FATAL = "0", "1"
DEADLINE_S = 60.0
# A packet for another process's queue pair: what wrong steering would show as.
MISDIRECTED = ("drop_bad_sgid", "drop_bad_service")

Said = dict[str, Any]


def build(folder: Path) -> Path:
    """Return the compiled program."""
    program = folder / "crowd"
    sources = [ROOT / "tests/e2e/verbs" / name for name in ("crowd.c", "crowd_msg.c")]
    subprocess.run(["cc", "-O2", "-g", "-Wall", f"-I{ROOT}", "-o", program, *sources, "-libverbs"], check=True)
    return program


@dataclass(frozen=True, slots=True)
class Plan:
    """How the processes of a crowd run."""

    program: Path
    transport: Transport
    seed: int
    loss_ppm: int = 0
    # 268 ms and six tries: a process may wait long for a CPU of a busy machine, and must not be taken for dead.
    timeout: int = 16
    retry: int = 5


class Member:
    """One process."""

    _ids = itertools.count(1)

    def __init__(self, plan: Plan, node: str, *, events: bool) -> None:
        self.id = next(self._ids)
        self.node = node
        launch = Launch(Address.parse(node), plan.transport, loss_ppm=plan.loss_ppm, seed=plan.seed + self.id)
        arguments = ("events" if events else "poll", plan.timeout, plan.retry, plan.seed * 1000 + self.id)
        self.process = subprocess.Popen(
            [plan.program, str(self.id), *map(str, arguments)],
            env=make_environment(launch, os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.killed = False
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._kept: list[Said] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def tell(self, *words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def hear(self, what: str, deadline_s: float = DEADLINE_S, **fields: object) -> Said:
        """Return the next answer of this kind; others are kept."""
        until = time.monotonic() + deadline_s

        def wanted(said: Said) -> bool:
            return said["what"] == what and all(said[name] == value for name, value in fields.items())

        for said in self._kept:
            if wanted(said):
                self._kept.remove(said)
                return said
        while True:
            try:
                line = self._lines.get(timeout=max(until - time.monotonic(), 0.001))
            except queue.Empty:
                raise AssertionError(f"{self}: no {what} {fields} within {deadline_s} s") from None
            assert line, f"{self} ended with {self.process.wait(5)}"
            new: Said = json.loads(line)
            if wanted(new):
                return new
            self._kept.append(new)

    def ask(self, what: str, key: str) -> Said:
        self.tell(what, key)
        return self.hear(what, key=key)

    def stats(self) -> dict[str, Said]:
        """Return the numbers of each connection by its key; "" has those of the process."""
        self.tell("stats")
        said = self.hear("stats")
        return {conn["key"]: conn for conn in said["conns"]} | {"": said}

    def unheard(self, what: str) -> list[Said]:
        """Return what was said of this kind, and not asked for."""
        self.stats()
        return [said for said in self._kept if said["what"] == what]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.killed = True
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream
            with contextlib.suppress(BrokenPipeError):
                if stream is self.process.stdout:
                    self._reader.join(DEADLINE_S)  # a child that it forked may hold the other end
                stream.close()

    def fds(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def slot_counters(self) -> dict[str, int]:
        for node in list_nodes():
            for slot in node.slots:
                if slot.pid == self.process.pid:
                    return named_counters(counter_names(), slot.counters)
        return {}

    def end(self) -> None:
        self.tell("end")
        self.hear("ended")
        assert self.process.wait(DEADLINE_S) == 0, self

    def __str__(self) -> str:
        return f"member {self.id} (pid {self.process.pid}) on {self.node}"


@dataclass
class Link:
    """A connection: both ends' processes, by their seats."""

    key: str
    service: str
    seats: tuple[int, int]
    options: tuple[str, ...] = ()
    second: tuple[str, ...] = ()  # of the second seat's end only
    open: bool = False


class Crowd:
    """Processes on seats; whoever dies is replaced, and his seat keeps its links."""

    def __init__(self, plan: Plan, nodes: Iterable[str], events: Callable[[int], bool] = lambda seat: bool(seat % 2)):
        self.plan, self.nodes, self.events = plan, list(nodes), events
        self.members: list[Member] = []
        self.links: list[Link] = []
        self.agents: set[int] = set()

    def __enter__(self) -> Self:
        for seat, node in enumerate(self.nodes):
            self.members.append(Member(self.plan, node, events=self.events(seat)))
            if seat == self.nodes.index(node):
                self.members[-1].hear("ready")  # the first of its node starts the agent
                self.members[-1]._kept.append({"what": "ready"})
        for member in self.members:
            member.hear("ready")
        return self

    def __exit__(self, *error: object) -> None:
        for member in self.members:
            member.kill()

    # ---- links ----

    def link(self, service: str, a: int, b: int, *options: str, second: tuple[str, ...] = ()) -> Link:
        link = Link(f"{service}{a}-{b}.{len(self.links)}", service, (a, b), options, second)
        self.links.append(link)
        return link

    def connect(self, links: Iterable[Link], go: Iterable[int] = (0, 1)) -> None:
        """Make queue pairs for links at both ends, connect them and start."""
        links = list(links)
        for link in links:
            for seat, more in zip(link.seats, ((), link.second), strict=True):
                self.members[seat].tell("qp", link.key, link.service, *link.options, *more)
        for link in links:
            ends = [self.members[seat].hear("qp", key=link.key) for seat in link.seats]
            for seat, end in zip(link.seats, reversed(ends), strict=True):
                words = (end[name] for name in ("member", "qpn", "psn", "gid", "rkey", "addr"))
                self.members[seat].tell("connect", link.key, *words)
        for link in links:
            for seat in link.seats:
                self.members[seat].hear("connected", key=link.key)
            link.open = True
        for link in links:
            for side in go:
                self.members[link.seats[side]].ask("go", link.key)

    def links_of(self, seat: int) -> list[Link]:
        return [link for link in self.links if link.open and seat in link.seats]

    def other(self, link: Link, seat: int) -> Member:
        return self.members[link.seats[link.seats.index(seat) ^ 1]]

    # ---- death and after ----

    def lose(self, seat: int) -> None:
        """See a process's partners find out that it is dead, each as IBTA says, and close their ends."""
        for link in self.links_of(seat):
            partner = self.other(link, seat)
            if link.service == "RC":
                check_failure(partner.hear("failed", key=link.key))
            partner.ask("close", link.key)
            link.open = False

    def replace(self, seat: int) -> None:
        """Put another process onto a seat; its links are for connect()."""
        old = self.members[seat]
        assert old.killed
        self.members[seat] = Member(self.plan, self.nodes[seat], events=self.events(seat))
        self.members[seat].hear("ready")

    # ---- checks ----

    def check(self) -> None:
        """Raise if anybody got what was not for him, or failed for no reason."""
        for member in self.members:
            if member.killed:
                continue
            stats = member.stats()
            assert stats.pop("")["foreign"] == 0, member
            for conn in stats.values():
                check_conn(conn, member)
            assert not member.unheard("failed"), (str(member), member.unheard("failed"))

    def check_progress(self, deadline_s: float = DEADLINE_S, links: Iterable[Link] | None = None) -> None:
        """Wait until each open link has moved on in both directions."""
        until = time.monotonic() + deadline_s
        wanted = {(link.key, seat) for link in links or self.links if link.open for seat in link.seats}
        before = self._got()
        while wanted:
            assert time.monotonic() < until, f"no progress: {[(*w, self._stats_of(*w)) for w in wanted]}"
            time.sleep(0.05)
            now = self._got()
            wanted = {end for end in wanted if now[end] <= before[end]}

    def _got(self) -> dict[tuple[str, int], int]:
        return {
            (key, seat): conn["got"]
            for seat, member in enumerate(self.members)
            if not member.killed
            for key, conn in member.stats().items()
            if key
        }

    def _stats_of(self, key: str, seat: int) -> Said:
        return self.members[seat].stats()[key]

    def status(self) -> dict[str, NodeStatus]:
        found = {node.ip: node for node in list_nodes() if node.ip in self.nodes}
        self.agents |= {node.agent_pid for node in found.values()}
        return found

    def check_slots(self, deadline_s: float = DEADLINE_S) -> None:
        """Wait until the slots in use are those of live processes, no more and no less."""
        until = time.monotonic() + deadline_s
        while True:
            used = {ip: sorted(slot.pid for slot in node.slots if slot.slot != 0) for ip, node in self.status().items()}
            alive: dict[str, list[int]] = {node: [] for node in self.nodes}
            for member in self.members:
                if member.process.poll() is None:
                    alive[member.node].append(member.process.pid)
            if used == {node: sorted(pids) for node, pids in alive.items()}:
                return
            assert time.monotonic() < until, f"slots {used}, processes {alive}"
            time.sleep(0.1)

    def finish(self) -> None:
        """End all processes in good order: quiet first, and then nothing is outstanding, and nothing was lost."""
        for link in self.links:
            for seat in link.seats if link.open else ():
                self.members[seat].ask("quiet", link.key)
        self._settle()
        self.check()
        for member in self.members:
            for name, value in member.slot_counters().items():
                assert name not in MISDIRECTED or value == 0, f"{member}: {name} {value}"
        for member in self.members:
            member.end()

    def _settle(self, deadline_s: float = DEADLINE_S) -> None:
        until = time.monotonic() + deadline_s
        last: object = None
        while True:
            now = [member.stats() for member in self.members]
            busy = any(conn["outstanding"] for stats in now for key, conn in stats.items() if key)
            if not busy and now == last:
                return
            last = now
            assert time.monotonic() < until, "not quiet"
            time.sleep(0.2)


def check_conn(conn: Said, member: object) -> None:
    """Raise if an end saw anything but messages of its partner, each once, whole and in order."""
    where = f"{member}: {conn}"
    assert conn["wrong"] == 0, where
    assert not conn["failed"], where
    assert set(conn["send"]) <= {SUCCESS}, where
    assert set(conn["recv"]) <= {SUCCESS}, where


def check_failure(conn: Said, first: str = RETRY_EXC) -> None:
    """Raise if an end of a partner that is gone saw anything but one error of a request and flushes of all others."""
    assert conn["wrong"] == 0, conn
    assert (conn["outstanding"], conn["receives"]) == (0, 0), conn
    assert str(conn["first_send"]) == first, conn
    assert conn["send"].get(first) == 1, conn
    assert set(conn["send"]) <= {SUCCESS, first, FLUSHED}, conn
    assert set(conn["recv"]) <= {SUCCESS, FLUSHED}, conn


def no_agents(agents: Iterable[int], deadline_s: float = DEADLINE_S) -> None:
    """Wait until the agents are gone; one that waits for init to be reaped is."""
    until = time.monotonic() + deadline_s
    while alive := [pid for pid in agents if _runs(pid)]:
        assert time.monotonic() < until, f"agents {alive} did not leave"
        time.sleep(0.1)


def _runs(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"rdma_verbs.agent" in words
