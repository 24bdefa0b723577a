"""Live devices of programs without Python: session_member.c, over csrc/session.h, and the agents that they start.

session_member ── UDP 4791, loopback ── session_member, or Python's Context
       └─ starts ── agent (python -m rdma_verbs.agent)
"""

import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rdma_verbs import Context, Mtu
from rdma_verbs.agent import list_nodes
from tests.integration.agents import eventually, node_of

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = [ROOT / "build" / "py" / name for name in ("libroce.a", "libdp.a")]
# Loopback addresses of this run: another run on the machine has others.
NET = f"127.11.{1 + os.getpid() % 250}"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """session_member, linked with the libraries of the editable install."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler or not all(library.is_file() for library in LIBRARIES):
        pytest.skip("needs a C compiler and the libraries that `make build` leaves in build/py")
    out = tmp_path_factory.mktemp("session") / "session_member"
    source = Path(__file__).with_name("session_member.c")
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", f"-I{ROOT}"]
    subprocess.run([compiler, *flags, source, *LIBRARIES, "-lpthread", "-o", out], check=True)
    return out


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of the test's own, and no agent left behind."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DPU_AGENT_PYTHON", sys.executable)
    monkeypatch.setenv("DPU_AGENT_PATH", str(ROOT))
    yield tmp_path
    eventually(lambda: not list_nodes(), "agents left by themselves")


def owners(ip: str) -> list[int]:
    """The processes that have a slot of the node; empty when there is no node."""
    node = node_of(ip)
    return [slot.pid for slot in node.slots if slot.slot] if node else []


class Member:
    """A running session_member."""

    def __init__(self, program: Path, *arguments: object, **environment: str) -> None:
        self.process = subprocess.Popen(
            [program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    def hear(self) -> list[int]:
        assert self.process.stdout
        return [int(word) for word in self.process.stdout.readline().split()]

    def tell(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> list[int]:
        """Close its input and return what it says last; it must have found nothing wrong."""
        out, err = self.process.communicate(timeout=120)
        assert (self.process.returncode, err) == (0, "")
        return [int(word) for word in out.split()]

    def __enter__(self) -> "Member":
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def member(program: Path) -> Callable[..., Member]:
    return lambda *arguments, **environment: Member(program, *arguments, **environment)


def test_a_program_without_python_shares_a_node_with_one_that_has_it(member: Callable[..., Member]) -> None:
    ip = f"{NET}.1"
    with member("hold", ip) as first, Context.open(ip) as context, member("hold", ip) as second:
        (slot, mtu), (other, _) = first.hear(), second.hear()
        assert (len({slot, other}), mtu) == (2, Mtu.MTU_4096)
        assert sorted(owners(ip)) == sorted([first.process.pid, os.getpid(), second.process.pid])
        first.end()
        eventually(lambda: len(owners(ip)) == 2, "its slot is free")
        assert not context.closed
        second.end()


@pytest.mark.parametrize("how", ["exit", "kill"])
def test_death_without_close_gives_the_slot_back(member: Callable[..., Member], how: str) -> None:
    ip = f"{NET}.2"
    with member("hold", ip) as stays, member("exit", ip) as goes:
        stays.hear(), goes.hear()
        assert len(owners(ip)) == 2
        if how == "kill":
            goes.process.kill()
        else:
            goes.end()
        eventually(lambda: owners(ip) == [stays.process.pid], "the slot of the dead process is free")
        stays.end()


def test_two_devices_stream_both_ways(member: Callable[..., Member]) -> None:
    with member("stream", f"{NET}.3", f"{NET}.4", 2000) as one:
        frames, again = one.end()
        assert frames > 2000
        assert again == 0


def test_two_devices_stream_both_ways_without_packets(member: Callable[..., Member]) -> None:
    with member("stream", f"{NET}.12", f"{NET}.13", 2000, DPU_LOCAL="1") as one:
        assert one.end() == [0, 0]


def test_loss_is_injected_and_repaired(member: Callable[..., Member]) -> None:
    with member("stream", f"{NET}.5", f"{NET}.6", 300, DPU_LOSS_PPM="20000") as one:
        assert one.end()[1] > 0


def test_a_capture_has_what_was_sent(member: Callable[..., Member], tmp_path: Path) -> None:
    capture = tmp_path / "a.pcapng"
    with member("stream", f"{NET}.7", f"{NET}.8", 50, DPU_PCAP=str(capture)) as one:
        one.end()
    assert capture.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"
    assert capture.stat().st_size > 50 * 1000


def test_a_capture_that_cannot_be_made_is_told(member: Callable[..., Member]) -> None:
    with member("hold", f"{NET}.9", DPU_PCAP="/nowhere/a.pcapng") as one:
        _, words = one.process.communicate(timeout=30)
        assert f"device {NET}.9: capture /nowhere/a.pcapng: No such file or directory" in words


def test_a_node_that_went_and_came_back_is_found_again(member: Callable[..., Member]) -> None:
    """Each time it is known to be that node, alive, and packets to it take credit."""
    with member("again", f"{NET}.10", f"{NET}.11") as one:
        for _ in range(2):
            one.tell()
            assert one.hear() == [1, 1, 1]
            eventually(lambda: node_of(f"{NET}.11") is None, "the peer's agent leaves")
        one.tell()
        one.tell()  # at once: the same node
        assert one.hear() == [1, 1, 1]
        assert one.hear() == [1, 1, 1]
        one.end()


def packets(capture: bytes) -> int:
    """How many enhanced packet blocks a pcapng file has, whose blocks must follow one another."""
    at = count = 0
    while at < len(capture):
        kind, length = struct.unpack_from("<II", capture, at)
        assert struct.unpack_from("<I", capture, at + length - 4) == (length,)
        count += kind == 6
        at += length
    return count


def test_forks_under_traffic_disturb_nothing(member: Callable[..., Member], tmp_path: Path) -> None:
    a, b, capture = f"{NET}.12", f"{NET}.13", tmp_path / "a.pcapng"
    with member("forks", a, b, 100, DPU_PCAP=str(capture)) as one:
        received, dropped, frames = one.hear()
        assert received > 200
        assert dropped == 0, "a packet that was not for it, or a damaged one"
        for ip in (a, b):
            eventually(lambda ip=ip: owners(ip) == [one.process.pid], "no slot of a child is left")  # type: ignore[misc]
        assert one.end() == []
    # The traffic's last ACKs came after they were counted; a child that wrote would have written thousands.
    assert frames <= packets(capture.read_bytes()) < frames + 100


def test_the_agents_death_is_repaired(member: Callable[..., Member]) -> None:
    ip = f"{NET}.14"
    with member("hold", ip) as one, member("hold", ip) as other:
        one.hear(), other.hear()
        for generation in range(2, 5):
            node = node_of(ip)
            assert node
            os.kill(node.agent_pid, signal.SIGKILL)
            eventually(lambda g=generation: bool((n := node_of(ip)) and n.agent_generation == g), "the next agent")  # type: ignore[misc]
        assert sorted(owners(ip)) == sorted([one.process.pid, other.process.pid])
        other.end()
        eventually(lambda: owners(ip) == [one.process.pid], "the next agent sees who leaves")
        one.end()


# ---- the agent that a program starts ----


def test_starting_the_agent_is_no_child_of_the_program(member: Callable[..., Member]) -> None:
    """Neither SIGCHLD nor wait() tells of a process that the program did not start, also without a descriptor 0."""
    with member("wait", f"{NET}.15") as one:
        assert one.end() == [0]


def test_the_agent_has_none_of_the_programs_descriptors_and_libraries(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ip = f"{NET}.16"
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere/of/ours")
    monkeypatch.setenv("DPU_EMU_ORIG_LD_LIBRARY_PATH", "/nowhere/of/the/user")
    monkeypatch.setenv("LD_PRELOAD", "")
    with (tmp_path / "open").open("w") as file:
        process = subprocess.Popen(
            [program, "hold", ip], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[file.fileno()]
        )
        with process:
            assert process.stdout
            process.stdout.readline()
            node = node_of(ip)
            assert node
            agent = Path(f"/proc/{node.agent_pid}")
            variables = dict(v.split("=", 1) for v in (agent / "environ").read_text().split("\0") if v)
            assert variables["LD_LIBRARY_PATH"] == "/nowhere/of/the/user"
            assert "LD_PRELOAD" not in variables
            assert variables["PYTHONPATH"].split(":")[0] == str(ROOT)
            targets = [str(fd.readlink()) for fd in (agent / "fd").iterdir()]
            assert targets.count("/dev/null") == 3
            assert not [t for t in targets if t.startswith("pipe:") or t == file.name]
            status = dict(line.split(":\t") for line in (agent / "status").read_text().splitlines() if ":\t" in line)
            assert int(status["SigBlk"], 16) == 0
            assert os.getsid(node.agent_pid) == node.agent_pid
            assert (agent / "cwd").readlink() == Path("/")
            process.communicate(timeout=30)
            assert process.returncode == 0


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"DPU_AGENT_PYTHON": "/nowhere/python3"}, "/nowhere/python3: No such file or directory"),
        ({"DPU_AGENT_PATH": "/nowhere", "PYTHONPATH": "", "DPU_AGENT_PYTHON": "python3-none"}, "python3-none"),
        ({"DPU_SLOTS": "1"}, "1 slots; 2 to 200 are possible"),
        ({"XDG_RUNTIME_DIR": "/nowhere"}, "runtime folder /nowhere/dpu-emu: No such file or directory"),
    ],
    ids=["no python", "not on PATH", "its own words", "no folder"],
)
def test_an_agent_that_does_not_start_says_why(
    member: Callable[..., Member], environment: dict[str, str], words: str
) -> None:
    with member("hold", f"{NET}.17", **environment) as one:
        _, err = one.process.communicate(timeout=60)
        assert words in err
        assert one.process.returncode == 1


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "nonsense", ""])
def test_an_address_that_is_no_hosts_is_refused(member: Callable[..., Member], address: str) -> None:
    with member("hold", address) as one:
        _, err = one.process.communicate(timeout=30)
        assert "not an address of one host" in err or "not an IP address" in err
