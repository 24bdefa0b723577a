r"""An MPI program over UCX over the drop-in: Open MPI's ``pml ucx``, one rank on each of two nodes.

mpirun ─┬─ rank 0, node 127.22.4.1 ──┐
        │                            ├─ UCX rc_verbs, ud_verbs on dpu0: shared memory or UDP 4791
        └─ rank 1, node 127.22.4.2 ──┘
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rdma_verbs import Context
from tests.e2e.pair import TransportName, counters

NODES = ("127.22.4.1", "127.22.4.2")
RING = Path(__file__).with_name("mpi_ring.py")


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("ucx", ["rc_verbs,ud_verbs", "ud_verbs"])
def test_a_ring_of_ranks_gets_what_was_sent(
    ucx: str, transport: TransportName, require_peer: Callable[..., None], tmp_path: Path
) -> None:
    require_peer("openmpi", "mpi4py")
    # Ranks on one machine would take shared memory of MPI's own without the first options; hwloc's binding wants cores.
    options = [
        "--mca",
        "pml",
        "ucx",
        "--mca",
        "osc",
        "ucx",
        "--mca",
        "btl",
        "self",
        "--oversubscribe",
        "--bind-to",
        "none",
    ]
    if os.geteuid() == 0:
        options.append("--allow-run-as-root")
    ranks: list[str] = []
    for node in NODES:
        launch = [sys.executable, "-m", "control_plane.cli", "run", "--check", "--transport", transport, "--node", node]
        ranks += [*([":"] if ranks else []), "-np", "1", *launch, "--", "/usr/bin/python3", str(RING)]
    env = {**os.environ, "UCX_TLS": f"{ucx},self", "UCX_NET_DEVICES": "dpu0:1", "TMPDIR": str(tmp_path)}
    with Context.open(NODES[0]), Context.open(NODES[1]):
        before = counters(NODES)  # of agents that run
    done = subprocess.run(["mpirun", *options, *ranks], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"rank {rank} of 2 is content" in done.stdout for rank in range(2)), done
    grown = counters(NODES) - before
    assert grown["check_messages"] > 10, grown
    assert grown["check_mismatches"] == 0, grown
    assert grown["sent_bytes"] > 2 << 20, grown  # nothing went another way
