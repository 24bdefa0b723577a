"""The node agent with real processes, on loopback addresses.

test ── UDP, QPNs of all slots ──> 127.78.x.y:4791 ── steered ──> member processes (node_member.py), agent
"""

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from datapath.errors import CallerError, DpuError
from rdma_verbs.agent import NodeStatus, list_nodes
from rdma_verbs.agent.rundir import Address, NodeDir, process_start
from rdma_verbs.node import AgentConfig, NodeAttachment, attach
from tests.integration.agents import eventually, node_of

ROOT = Path(__file__).resolve().parents[2]
NSLOTS = 8
# Loopback addresses of this run: another run on the machine has others.
NET = f"127.{20 + os.getpid() % 200}"
QUICK = AgentConfig(nslots=NSLOTS, idle_s=0.3)


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of the test's own, and no agent left behind."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    yield tmp_path
    eventually(lambda: not list_nodes(), "agents left by themselves")


def the_node(ip: str) -> NodeStatus:
    node = node_of(ip)
    assert node
    return node


@dataclass
class Member:
    process: "subprocess.Popen[str]"
    slot: int
    generation: int

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.close()

    def finish(self) -> list[int]:
        """Let it read what is there and stop: its three counters."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        line = self.process.stdout.readline()
        assert self.process.wait(10) == 0
        self.close()
        return [int(word) for word in line.split()]

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


@pytest.fixture
def member() -> Iterator[Callable[..., Member]]:
    started: list[Member] = []

    def start(ip: str, nslots: int = NSLOTS, idle_s: float = 0.3) -> Member:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.node_member", ip, str(nslots), str(idle_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        started.append(Member(process, 0, 0))
        assert process.stdout
        words = process.stdout.readline().split()
        assert words, "member did not attach"
        started[-1].slot, started[-1].generation = int(words[0]), int(words[1])
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def wire() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((f"{NET}.99.1", 0))
        yield sock


def packet(slot: int, tail: bytes = b"") -> bytes:
    """As much of a RoCEv2 packet as steering looks at."""
    return bytes(5) + bytes([slot, 0, 1]) + bytes(8) + tail


def test_each_process_gets_a_slot_and_its_packets(member: Callable[..., Member], wire: socket.socket) -> None:
    ip = f"{NET}.1.1"
    members = [member(ip) for _ in range(NSLOTS - 1)]
    assert sorted(m.slot for m in members) == list(range(1, NSLOTS))
    for n in range(50):
        for slot in range(NSLOTS):
            wire.sendto(packet(slot), (ip, 4791))
        if n % 10 == 9:
            time.sleep(0.02)
    for junk in (b"", b"hello", packet(NSLOTS), packet(255)):
        wire.sendto(junk, (ip, 4791))
    eventually(lambda: the_node(ip).slots[0].drained == 54, "slot 0 gets its own and what belongs to nobody")
    assert [m.finish() for m in members] == [[50, 0, 0]] * (NSLOTS - 1)


def test_all_slots_in_use(member: Callable[..., Member]) -> None:
    ip = f"{NET}.1.2"
    members = [member(ip, 3), member(ip, 3)]
    with pytest.raises(DpuError, match="all 2 slots are in use") as caught:
        attach(ip)
    assert caught.value.errno == errno.EAGAIN
    members[0].kill()
    eventually(lambda: len(the_node(ip).slots) == 2, "slot of the killed process is free")
    with attach(ip) as node:
        assert node.slot == members[0].slot
        assert node.generation == members[0].generation + 1


@pytest.mark.parametrize("victims", [["first"], ["last"], ["agent"], ["first", "agent", "last"]])
def test_survivors_get_their_own_packets_and_all_of_them(
    victims: list[str], member: Callable[..., Member], wire: socket.socket
) -> None:
    ip = f"{NET}.1.3"
    members = {(m := member(ip)).slot: m}
    with attach(ip, QUICK) as observer:
        members |= {(m := member(ip)).slot: m for _ in range(NSLOTS - 3)}
        first, last = min(members), max(members)
        sent = dict.fromkeys((0, *members), 0)
        plan = {400 * (i + 1): victim for i, victim in enumerate(victims)}
        killed: list[int] = []

        def received(slot: int) -> int:
            with observer.memory.slot_words(slot, "counters") as words:
                return words[0]

        for n in range(400 * (len(victims) + 2)):
            for slot in sent:
                wire.sendto(packet(slot), (ip, 4791))
                sent[slot] += 1
            if n % 50 == 49:
                # A buffer holds 256 datagrams: wait for readers, so that each loss is ours.
                eventually(lambda: all(received(s) == sent[s] for s in members), f"all have theirs after {n}")
            if plan.get(n) == "agent":
                os.kill(the_node(ip).agent_pid, signal.SIGKILL)
            elif n in plan:
                killed.append({"first": first, "last": last}[plan[n]])
                members.pop(killed[-1]).kill()
        generation = 1 + victims.count("agent")
        eventually(lambda: bool((n := node_of(ip)) and n.agent_generation == generation), "the next agent")
        # Every datagram is somewhere: with its owner, counted for an owner that died, thrown away by the agent, or,
        # while there was none, dropped by the kernel. A killed process may have read one that it did not count.
        expected = sum(sent[slot] for slot in (0, *killed))

        def accounted() -> int:
            node = the_node(ip)
            return node.drained + node.overflow + node.totals[0]

        eventually(lambda: accounted() >= expected - len(killed), "what the dead had and what came after")
        assert expected - len(killed) <= accounted() <= expected
        assert the_node(ip).totals[1] == 0
        for slot, survivor in members.items():
            assert survivor.finish() == [sent[slot], 0, 0], slot


def test_an_agent_killed_again_and_again(member: Callable[..., Member], wire: socket.socket) -> None:
    ip = f"{NET}.1.4"
    members = [member(ip) for _ in range(3)]
    for generation in range(2, 6):
        os.kill(the_node(ip).agent_pid, signal.SIGKILL)
        eventually(lambda g=generation: bool((n := node_of(ip)) and n.agent_generation == g), "the next agent")  # type: ignore[misc]
        newcomer = member(ip)
        members.append(newcomer)
        for m in members:
            wire.sendto(packet(m.slot), (ip, 4791))
    slots = [m.slot for m in members]
    assert len(set(slots)) == len(slots)
    got = [m.finish() for m in members]
    assert got == [[4, 0, 0]] * 4 + [[3, 0, 0], [2, 0, 0], [1, 0, 0]]


def test_newcomer_while_the_agent_is_dead(member: Callable[..., Member], wire: socket.socket) -> None:
    """A newcomer that starts the next agent must not make a second group on the same address."""
    ip = f"{NET}.1.5"
    old = member(ip)
    os.kill(the_node(ip).agent_pid, signal.SIGKILL)
    new = member(ip)
    assert new.slot != old.slot
    for m in (old, new):
        for _ in range(20):
            wire.sendto(packet(m.slot), (ip, 4791))
    assert [m.finish() for m in (old, new)] == [[20, 0, 0], [20, 0, 0]]


def test_reused_slot_holds_nothing_old(member: Callable[..., Member], wire: socket.socket) -> None:
    ip = f"{NET}.1.6"
    first = member(ip, 2, 5.0)
    first.process.send_signal(signal.SIGSTOP)
    for _ in range(100):
        wire.sendto(packet(1, b"stale"), (ip, 4791))
    first.kill()
    eventually(lambda: len(the_node(ip).slots) == 1, "slot is free")
    for _ in range(100):
        wire.sendto(packet(1, b"stale"), (ip, 4791))
    second = member(ip, 2, 5.0)
    assert (second.slot, second.generation) == (1, 2)
    wire.sendto(packet(1), (ip, 4791))
    assert second.finish() == [1, 0, 0]


def test_reused_slot_right_after_the_agent_died_too(member: Callable[..., Member], wire: socket.socket) -> None:
    """The owner dies while there is no agent to see it."""
    ip = f"{NET}.1.7"
    keeper, victim = member(ip, 3), member(ip, 3)
    keeper.process.send_signal(signal.SIGSTOP)  # no one starts an agent
    victim.process.send_signal(signal.SIGSTOP)
    os.kill(the_node(ip).agent_pid, signal.SIGKILL)
    for _ in range(100):
        wire.sendto(packet(victim.slot, b"stale"), (ip, 4791))
    victim.kill()
    keeper.process.send_signal(signal.SIGCONT)
    newcomer = member(ip, 3)
    assert newcomer.slot == victim.slot
    wire.sendto(packet(newcomer.slot), (ip, 4791))
    assert newcomer.finish() == [1, 0, 0]
    assert keeper.finish() == [0, 0, 0]


def can_bind(ip: str) -> bool:
    """Whether no socket holds UDP 4791 of this address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((ip, 4791))
        except OSError:
            return False
    return True


def test_forked_child_is_not_the_owner(wire: socket.socket) -> None:
    ip = f"{NET}.1.8"
    ready, done = os.pipe(), os.pipe()
    parent = os.fork()
    if parent == 0:
        node = attach(ip, QUICK)
        os.dup(node.agent_fd())  # as in a child that C forked: the connection does not end with the owner
        if os.fork() == 0:
            os.close(done[1])  # the parent's end
            os.read(done[0], 1)  # lives until the test closes it
            os._exit(0)
        os.write(ready[1], bytes([node.slot]))
        signal.pause()
    os.close(done[0])
    slot = os.read(ready[0], 1)[0]
    assert [s.pid for s in the_node(ip).slots] == [0, parent]
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    with attach(ip, QUICK) as other:
        eventually(lambda: [s.slot for s in the_node(ip).slots] == [0, other.slot], "slot is free")
        assert slot != other.slot
    # Nobody holds the address: a child's copies of the sockets are closed.
    eventually(lambda: node_of(ip) is None, "agent leaves")
    # The agent takes its name away before its sockets.
    eventually(lambda: can_bind(ip), "the address is free")
    for fd in (*ready, done[1]):
        os.close(fd)


@pytest.mark.parametrize(("saved", "expected"), [(None, "/some/where"), ("/the/users", "/the/users")])
def test_the_agent_has_the_libraries_of_a_python_program(
    saved: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are, unless the launcher put ours in front and saved what was there."""
    ip = f"{NET}.1.10"
    monkeypatch.setenv("LD_LIBRARY_PATH", "/some/where")
    if saved:
        monkeypatch.setenv("DPU_EMU_ORIG_LD_LIBRARY_PATH", saved)
    with attach(ip, QUICK):
        variables = Path(f"/proc/{the_node(ip).agent_pid}/environ").read_text().split("\0")
    assert [v for v in variables if v.startswith("LD_LIBRARY_PATH=")] == [f"LD_LIBRARY_PATH={expected}"]


def test_address_held_by_a_stranger() -> None:
    ip = f"{NET}.1.9"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((ip, 4791))
        with pytest.raises(DpuError, match="in use, and not by processes of this node") as caught:
            attach(ip, QUICK)
    assert caught.value.errno == errno.EADDRINUSE


def test_address_of_another_machine() -> None:
    with pytest.raises(DpuError, match=r"192\.0\.2\.7"):
        attach("192.0.2.7", QUICK)
    with pytest.raises(CallerError, match="not an IP address"):
        attach("nonsense", QUICK)


def held() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return len(list(Path("/proc/self/fd").iterdir())), len(list(Path("/proc/self/task").iterdir()))


def test_what_fails_leaves_nothing_behind(member: Callable[..., Member]) -> None:
    ip = f"{NET}.1.11"
    only = member(ip, 2)
    before = held()
    for _ in range(3):
        for address, nslots in (("192.0.2.7", NSLOTS), (ip, NSLOTS), (f"{NET}.1.12", 1)):
            with pytest.raises(DpuError):
                attach(address, AgentConfig(nslots=nslots, idle_s=0.3))
    assert held() == before
    only.kill()
    before = held()  # its pipes are gone
    with attach(ip, QUICK) as node:
        during = held()
        assert node.peer(f"{NET}.1.13") is None
        assert held() == during
        assert node.peer(ip)
    eventually(lambda: held() == before, "a joined thread is gone")


def test_threads_attach_and_ask_for_peers_at_the_same_time() -> None:
    """On three nodes; each peer is one for all who ask, each slot for one."""
    ips = [f"{NET}.1.{n}" for n in (14, 15, 16)]
    wrong: list[object] = []

    def work(ip: str) -> None:
        try:
            for _ in range(10):
                with attach(ip, QUICK) as node:
                    for other in ips:
                        peer = node.peer(other)
                        if peer is not None and (peer is not node.peer(other) or not peer.alive):
                            wrong.append((ip, other))
        except DpuError as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(ip,)) for ip in ips * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_ipv6() -> None:
    try:
        node = attach("::1", QUICK)
    except DpuError as error:
        pytest.skip(f"no IPv6 loopback: {error}")
    with node, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.sendto(packet(node.slot), ("::1", 4791))
        with socket.socket(fileno=os.dup(node.fd)) as mine:
            mine.settimeout(5)
            assert mine.recv(100) == packet(node.slot)
        peer = node.peer("0:0::1")
        assert peer
        assert node.memory.sender_gid(peer.sender) == bytes(15) + b"\x01"


def test_runtime_folder_of_others_is_refused(runtime: Path) -> None:
    base = runtime / "dpu-emu"
    base.mkdir()
    base.chmod(0o755)
    with pytest.raises(CallerError, match="0755"):
        NodeDir(Address.parse("127.0.0.1"))
    base.rmdir()
    (runtime / "elsewhere").mkdir(mode=0o700)
    base.symlink_to(runtime / "elsewhere")
    with pytest.raises(CallerError, match="symbolic link"):
        NodeDir(Address.parse("127.0.0.1"))
    base.unlink()
    with NodeDir(Address.parse("127.0.0.1")) as folder:
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
        assert stat.S_IMODE(base.stat().st_mode) == 0o700


def test_two_nodes_do_not_meet() -> None:
    with attach(f"{NET}.2.1", QUICK) as a, attach(f"{NET}.2.2", QUICK) as b:
        assert a.node_id != b.node_id
        assert {node.ip for node in list_nodes()} == {f"{NET}.2.1", f"{NET}.2.2"}
        assert a.peer(f"{NET}.2.3") is None


def test_many_start_at_once(member: Callable[..., Member]) -> None:
    ip = f"{NET}.2.4"
    command = [sys.executable, "-m", "tests.integration.node_member", ip, "32", "0.3"]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(12)
    ]
    slots = []
    for process in processes:
        assert process.stdout
        slots.append(int(process.stdout.readline().split()[0]))
    assert sorted(slots) == list(range(1, 13))
    assert the_node(ip).agent_generation == 1
    for process in processes:
        process.communicate()


# ---- senders ----


def pending(node: NodeAttachment, sender: int, slot: int, value: int) -> None:
    """As the port does between reserving and sending."""
    first = 4096 + 1088 * sender + 64 + 4 * slot
    node.memory.map[first : first + 4] = value.to_bytes(4, "little")
    node.memory.set_slot(slot, "reserved", node.memory.slot(slot, "reserved") + value)


def test_sender_is_known_and_forgotten() -> None:
    with attach(f"{NET}.3.1", QUICK) as a, attach(f"{NET}.3.2", QUICK) as b:
        peer = b.peer(f"{NET}.3.1")
        assert peer
        assert b.peer(f"{NET}.3.1") is peer
        assert a.memory.sender(peer.sender, "pid") == os.getpid()
        assert a.memory.sender(peer.sender, "start") == process_start(os.getpid())
        assert a.memory.sender_gid(peer.sender) == Address.parse(b.ip).gid
        assert a.memory.slot(a.slot, "limit") * 4 == a.memory.slot(a.slot, "rcvbuf") * 3
        pending(a, peer.sender, a.slot, 5000)
        b.close()
        # What it may have reserved is no longer pending: the receiver finds the leak.
        eventually(lambda: a.memory.pending(a.slot) == 0, "pending of a sender that left")
        assert a.memory.sender(peer.sender, "pid") == 0
        assert a.memory.outstanding(a.slot) == 5000


def test_credit_for_a_slot_without_owner_comes_back(wire: socket.socket) -> None:
    ip = f"{NET}.3.3"
    with attach(ip, QUICK) as node:
        memory, free = node.memory, NSLOTS - 1
        memory.set_slot(free, "reserved", 1408)
        wire.sendto(packet(free), (ip, 4791))
        eventually(lambda: memory.outstanding(free) == 0, "the agent drains and releases")
        assert memory.slot(free, "agent_drained") == 1


def test_sender_stays_known_when_the_receivers_agent_is_replaced() -> None:
    with attach(f"{NET}.3.4", QUICK) as a, attach(f"{NET}.3.5", QUICK) as b:
        peer = b.peer(f"{NET}.3.4")
        assert peer
        os.kill(the_node(f"{NET}.3.4").agent_pid, signal.SIGKILL)
        eventually(lambda: bool((n := node_of(f"{NET}.3.4")) and n.agent_generation == 2), "the next agent")
        eventually(lambda: peer.connected, "known to the next agent")
        assert peer.alive
        assert a.memory.sender(peer.sender, "pid") == os.getpid()
        b.close()
        eventually(lambda: a.memory.sender(peer.sender, "pid") == 0, "forgotten by the next agent")


def test_node_that_left_is_no_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    with attach(f"{NET}.3.6", QUICK) as b:
        a = attach(f"{NET}.3.7", QUICK)
        peer = b.peer(f"{NET}.3.7")
        assert peer
        a.close()
        eventually(lambda: not peer.alive, "the agent left")
        with attach(f"{NET}.3.7", QUICK):
            again = b.peer(f"{NET}.3.7")
            assert again
            assert again is not peer
            assert again.node_id != peer.node_id


def test_counters_of_the_dead_are_kept() -> None:
    ip = f"{NET}.3.8"
    with attach(ip, QUICK) as keeper:
        with attach(ip) as node, node.memory.slot_words(node.slot, "counters") as words:
            words[0], words[63] = 5, 7
        with attach(ip) as node, node.memory.slot_words(node.slot, "counters") as words:
            words[0] = 6
        eventually(lambda: the_node(ip).totals[0] == 11, "totals")
        assert the_node(ip).totals[63] == 7
        assert keeper.memory.slot(keeper.slot, "generation") == 1
