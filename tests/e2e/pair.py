"""Two programs over the drop-in, a server and a client that reaches it by TCP on loopback; what their devices checked.

Both run with the device's check (``dpu-emu run --check``): each message is hashed where it is posted and where it is
placed.
"""

import itertools
import os
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rdma_verbs import Context
from rdma_verbs.agent.rundir import Address
from rdma_verbs.agent.status import list_nodes
from rdma_verbs.counters import counter_names, named_counters
from rdma_verbs.launch import Launch, Transport, make_environment

TransportName = Literal["local", "udp"]

ports = itertools.count(19000)
_CHECKS = ("messages", "mismatches", "unknown", "changed")


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a pair."""

    output: str
    checked: int
    mismatches: int
    unknown: int
    changed: int
    """Messages whose buffer the sending program changed before they were complete."""


def environment(
    node: str, transport: TransportName = "local", more: Mapping[str, str] | None = None, *, check: bool = True
) -> dict[str, str]:
    """Return what a program on this node is started with."""
    launch = Launch(Address.parse(node), Transport(transport), check=check)
    return make_environment(launch, {**os.environ, **(more or {})})


def counters(addresses: tuple[str, ...]) -> Counter[str]:
    """Return the sums of these nodes' counters, of processes that live and that have left. They have an agent each."""
    sums: Counter[str] = Counter()
    until = time.monotonic() + 10
    nodes = list_nodes()
    while missing := set(addresses) - {node.ip for node in nodes if node.here}:
        assert time.monotonic() < until, missing  # one on a busy machine may not have answered at once
        nodes = list_nodes()
    for node in nodes:
        if node.here and node.ip in addresses:
            for values in (node.totals, *(slot.counters for slot in node.slots)):
                sums.update(named_counters(counter_names(), values))
    return sums


def play_pair(
    server_argv: Sequence[str],
    client_argv: Sequence[str],
    nodes: tuple[str, str],
    transport: TransportName,
    port: int,
    *,
    more: Mapping[str, str] | None = None,
    timeout_s: float = 120,
) -> Run:
    """Run both to their end; the client starts when the server listens on this TCP port.

    Raises:
        RuntimeError: a program failed, or did not end in time.
    """
    name = " ".join(client_argv)
    with ExitStack() as running:
        # An agent that has idled away would bring its node's earlier counts with it.
        for address in set(nodes):
            running.enter_context(Context.open(address))
        before = counters(nodes)
    environments = [environment(node, transport, more) for node in nodes]
    server = _start(server_argv, environments[0])
    client: subprocess.Popen[str] | None = None
    try:
        wait_for_listener(port, server)
        client = _start(client_argv, environments[1])
        said = [client.communicate(timeout=timeout_s)[0], server.communicate(timeout=timeout_s)[0]]
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{name}: not done after {timeout_s} s: {error.output}") from None
    finally:
        for process in filter(None, (client, server)):
            process.kill()  # nothing, if it has ended
            if process.stdout and not process.stdout.closed:
                process.communicate()
    if client.returncode or server.returncode:
        raise RuntimeError(f"{name}: client {client.returncode}, server {server.returncode}\n{said[0]}\n{said[1]}")
    after = counters(nodes)
    grown = {name: after[f"check_{name}"] - before[f"check_{name}"] for name in _CHECKS}
    return Run("\n".join(said), *(grown[name] for name in _CHECKS))


def _start(argv: Sequence[str], env: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_listener(port: int, server: "subprocess.Popen[str]") -> None:
    """Return when the server listens: a client that comes too early gives up. A connection would be taken."""
    wanted = f":{port:04X}"
    for _ in range(1000):
        if server.poll() is not None:
            raise RuntimeError(f"server ended with {server.returncode}: {server.communicate()[0]}")
        for table in ("tcp", "tcp6"):
            rows = [line.split() for line in Path("/proc/net", table).read_text(encoding="ascii").splitlines()[1:]]
            if any(row[1].endswith(wanted) and row[3] == "0A" for row in rows):
                return
        time.sleep(0.01)
    raise RuntimeError(f"server does not listen on port {port} after 10 s")
