"""UCX over the drop-in: its own measuring program, with nothing set but which transport to take.

ucx_perftest (one node) ── TCP 127.0.0.1: addresses ── ucx_perftest (another)
              └───────── rc_verbs, ud_verbs on dpu0: shared memory or UDP 4791 ─────────┘

UCX finds the device by /dev/infiniband/uverbs0 and sysfs; its UD transport looks at the address before each datagram.
"""

import itertools
import os
import socket
import subprocess
import time
from collections.abc import Callable

import pytest

from rdma_verbs.agent.rundir import Address
from rdma_verbs.launch import Launch, Transport, make_environment

# Addresses of this run, two for each call: another run on the machine has others, and agents outlive their programs.
NET = f"127.13.{100 + os.getpid() % 150}"
HOSTS = itertools.count(1)


def perftest(transport: str, *options: str, **settings: str) -> str:
    """Run both sides; return what the client said."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    both = [
        make_environment(Launch(Address(f"{NET}.{next(HOSTS)}"), Transport(transport)), os.environ) | settings
        for _ in range(2)
    ]
    command = ["ucx_perftest", "-p", str(port), *options]
    with subprocess.Popen(command, env=both[0], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            for _ in range(50):
                time.sleep(0.2)
                client = [*command[:1], "127.0.0.1", *command[1:]]
                done = subprocess.run(client, env=both[1], capture_output=True, text=True, timeout=90)
                if "Connection refused" not in done.stderr + done.stdout:
                    break
            said, _ = server.communicate(timeout=30)
        finally:
            server.kill()
    assert (done.returncode, server.returncode) == (0, 0), done.stdout + done.stderr + said
    return done.stdout


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("ucx", ["rc_verbs", "ud_verbs"])
def test_active_messages_go_back_and_forth(ucx: str, transport: str, require_peer: Callable[..., None]) -> None:
    require_peer("ucx")
    said = perftest(transport, "-d", "dpu0:1", "-x", ucx, "-t", "am_lat", "-n", "200", "-w", "10", "-s", "64")
    assert "Final:" in said


@pytest.mark.parametrize("transport", ["local", "udp"])
def test_tagged_messages_of_all_sizes_arrive(transport: str, require_peer: Callable[..., None]) -> None:
    require_peer("ucx")
    settings = {"UCX_TLS": "rc_verbs,ud_verbs,self", "UCX_NET_DEVICES": "dpu0:1"}
    for size in (8, 8192, 1 << 20):
        options = ("-t", "tag_bw", "-n", "100", "-w", "10", "-s", str(size))
        assert "Final:" in perftest(transport, *options, **settings)
