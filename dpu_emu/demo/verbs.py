"""The demo's act with a verbs program that knows nothing of us: rdma-core's ping-pong between two nodes."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass

from datapath.errors import DpuError
from dpu_emu.demo.transfer import node_address
from rdma_verbs.agent.rundir import Address
from rdma_verbs.launch import Launch, make_environment

__all__ = ["PROGRAM", "PingPong", "run_ping_pong"]

PROGRAM = "ibv_rc_pingpong"
MESSAGE_BYTES = 4096
ITERATIONS = 1000
_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class PingPong:
    """What the program said of itself."""

    command: str
    messages: int
    """In both directions."""
    round_trip_ns: int


def run_ping_pong() -> PingPong | None:
    """Run the program between the demo's two nodes; ``None``: it is not installed (Debian: ibverbs-utils).

    Raises:
        DpuError: it failed, or did not end.
    """
    if not shutil.which(PROGRAM):
        return None
    port = str(20000 + os.getpid() % 20000)
    argv = [PROGRAM, "-g", "0", "-s", str(MESSAGE_BYTES), "-n", str(ITERATIONS), "-p", port]
    environments = [make_environment(Launch(Address.parse(node_address(n))), os.environ) for n in (1, 2)]
    server = subprocess.Popen(argv, env=environments[0], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        said = _client([*argv, "127.0.0.1"], environments[1])
        server.wait(_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise DpuError(f"demo: {PROGRAM} did not end in {_TIMEOUT_S:.0f} s") from None
    finally:
        server.kill()
        server.wait()
    usec = re.search(r"([\d.]+) usec/iter", said)
    if not usec:
        raise DpuError(f"demo: {PROGRAM}: {said.strip()}")
    return PingPong(" ".join(argv), 2 * ITERATIONS, int(float(usec[1]) * 1000))


def _client(argv: list[str], environment: dict[str, str]) -> str:
    """Return what the client said; it gives up at once as long as the server does not listen."""
    until = time.monotonic() + _TIMEOUT_S
    while True:
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
        if done.returncode == 0 or "Couldn't connect" not in done.stderr or time.monotonic() > until:
            return done.stdout + done.stderr
        time.sleep(0.05)
