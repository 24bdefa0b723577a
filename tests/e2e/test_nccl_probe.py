"""A program that finds the device as NCCL does (``verbs/nccl_probe.c``): dlopen, versions by dlvsym, and sysfs.

probe ── dlopen("libibverbs.so" | "libibverbs.so.1") ──> the drop-in of node 127.22.3.1; /sys/class/infiniband/dpu0
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.pair import environment

NODE = "127.22.3.1"
SOURCE = Path(__file__).parent / "verbs" / "nccl_probe.c"


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory, require_peer: Callable[..., None]) -> Path:
    require_peer("libibverbs")
    program = tmp_path_factory.mktemp("probe") / "nccl_probe"
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE, "-ldl"], check=True)
    return program


@pytest.mark.parametrize("name", ["libibverbs.so", "libibverbs.so.1"])
def test_a_probe_like_nccls_finds_all_it_asks_for(probe: Path, name: str) -> None:
    done = subprocess.run([probe, name], env=environment(NODE), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done
    facts = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert facts == {
        "fork_init": "0",
        "devices": "1",
        "name": "dpu0",
        "device": "there",
        "gid_type": "RoCE v2",
        "gid_file": "0000:0000:0000:0000:0000:ffff:7f16:0301",
        "link_layer": "Ethernet",
        "rate": "100 Gb/sec (4X EDR)",
        "ports": "1",
        "state": "4",
        "ethernet": "1",
        "speed": "32 width 2",
        "gid": "ffff:127.22.3.1",
        "reg_mr": "1",
        "relaxed_ordering": "1",
        "dmabuf": "0",
        "event": "port error",
        "closed": "0",
    }
