"""Runs of perftest between the drop-in and Linux's Soft-RoCE: the cases, and how one is played.

perftest is Debian's, the same on the host and in the guest. Its own connection is TCP over the same link,
and over IPv4 always (4.5 resolves no other host).
"""

import contextlib
import functools
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from dpu_emu.lab.netns import Namespace
from tests.e2e.ends import Stage
from tests.e2e.guest.programs import Ended, Program
from tests.e2e.rxe import GUEST_IPV4, GUEST_IPV6, ROOT

Role = Literal["ours", "rxe"]
# The nodes of the launched programs, beside the stage's own.
OUR_IPV4, OUR_IPV6 = "10.77.0.3", "fd77::3"
# A message of UC or UD that does not fit is lost, and perftest waits for it for ever. What a socket has by default, for
# 64 KiB after 64 KiB from a sender that nothing holds back, is too little on a busy machine.
RCVBUF_BYTES = 4 << 20
ITERATIONS = 20
TIMEOUT_S = 50.0
_ports = itertools.count(19500)

# What `dpu-emu run` gives a program; in a process of the namespace, because a node is an address in a namespace.
_ENVIRONMENT = """
import json, os, sys
from rdma_verbs.agent.rundir import Address
from rdma_verbs.launch import Launch, Transport, make_environment
print(json.dumps(make_environment(Launch(Address.parse(sys.argv[1]), Transport.UDP), os.environ)))
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a server and a client of perftest. ``size_bytes`` 0: atomics, which have no choice."""

    tool: str
    service: str
    size_bytes: int = 0
    family: int = 4
    options: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """What a test is called."""
        size = [str(self.size_bytes)] if self.size_bytes else []
        family = ["ipv6"] if self.family == 6 else []
        options = [option.strip("-") for option in self.options]
        return "-".join([self.tool, self.service, *size, *family, *options])

    def argv(self, device: str, gid_index: int, port: int) -> list[str]:
        """Return the server's command line; the client's has the server's address behind it."""
        argv = [f"ib_{self.tool}", "-F", "-d", device, "-x", str(gid_index), "-p", str(port), "-c", self.service]
        argv += ["-n", str(ITERATIONS)]
        if self.size_bytes:
            argv += ["-s", str(self.size_bytes)]
        if self.family == 6:
            argv += ["--ipv6"]
        if self.service == "RC":
            argv += [
                "-u",
                "18",
            ]  # 1 s: the guest's one processor is emulated, and shared by client or server and kernel
        return argv + list(self.options)


@dataclass(frozen=True, slots=True)
class Played:
    """How both sides of a case ended."""

    server: Ended
    client: Ended

    def __str__(self) -> str:
        return "\n".join(
            f"---- {side}: exit code {ended.code}\n{ended.output}"
            for side, ended in (("server", self.server), ("client", self.client))
        )


@contextlib.contextmanager
def nodes(stage: Stage) -> Iterator[None]:
    """Give the namespace our nodes' addresses, and each node its agent, with the receive buffers of this test."""
    space = stage.space
    [link] = [nic.place for nic in stage.rxe.guest.config.nics]
    agents = []
    try:
        for address, prefix in ((OUR_IPV4, 24), (OUR_IPV6, 64)):
            space.address(link, f"{address}/{prefix}")
            argv = [sys.executable, "-m", "rdma_verbs.agent", address, "--foreground", "--idle-s", "3600"]
            argv += ["--rcvbuf-bytes", str(RCVBUF_BYTES)]
            agents.append(subprocess.Popen(space.command(argv), cwd=ROOT))
            our_environment(space, address)
        yield
    finally:
        for agent in agents:
            agent.terminate()
        for agent in agents:
            agent.wait(10)


@functools.cache
def our_environment(space: Namespace, address: str) -> dict[str, str]:
    """Return the environment for a program of the namespace on our device at ``address``."""
    argv = space.command([sys.executable, "-c", _ENVIRONMENT, address])
    made = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    environment: dict[str, str] = json.loads(made.stdout)
    return environment


def play(stage: Stage, case: Case, client: Role) -> Played:
    """Run a case to its end, with our side or the guest's as the client; a program that hangs is killed."""
    port = next(_ports)
    ours_ip, rxe_ip = (OUR_IPV4, GUEST_IPV4) if case.family == 4 else (OUR_IPV6, GUEST_IPV6)
    ours = stage.space.command(case.argv("dpu0", 0, port))
    rxe = case.argv("rxe0", stage.rxe.gid_index(rxe_ip), port)
    environment = our_environment(stage.space, ours_ip)
    if client == "ours":
        served = stage.rxe.spawn(*rxe, port=port)
        client_ended = Program([*ours, GUEST_IPV4], environment).wait(TIMEOUT_S)
        return Played(stage.rxe.wait(served, TIMEOUT_S if client_ended.code == 0 else 1), client_ended)
    server = Program(ours, environment)
    server.wait_for_listener(port, 30)
    client_ended = stage.rxe.wait(stage.rxe.spawn(*rxe, OUR_IPV4), TIMEOUT_S)
    return Played(server.wait(TIMEOUT_S if client_ended.code == 0 else 1), client_ended)


def iterations(output: str) -> int:
    """Return how many iterations perftest's last row of numbers reports, 0 if there is none: #bytes #iterations ...

    Times may be ``inf`` and ``-nan``: perftest measures the clock's rate first, and an emulated clock may fool it.
    """
    rows = [line.split() for line in output.splitlines()]
    numbers = [row for row in rows if len(row) >= 5 and all(re.fullmatch(r"[\d.]+|inf|-?nan", cell) for cell in row)]
    return int(numbers[-1][1]) if numbers else 0
