"""The drop-in libibverbs.so.1 from a program's side: the checks of ibverbs_check.c, and what its environment says."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdma_verbs.agent import list_nodes
from rdma_verbs.ibverbs import LIBIBVERBS, library

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SOURCES = sorted(HERE.glob("ibverbs_*.c"))
NODE = f"127.12.{1 + os.getpid() % 250}.1"
CHECKS = [
    name
    for source in SOURCES
    for name in re.findall(r'^\t\{"(\w+)", \w+\},$', source.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ibverbs_check, linked with the drop-in of this installation."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("needs a C compiler")
    out = tmp_path_factory.mktemp("ibverbs") / "ibverbs_check"
    drop_in = library(LIBIBVERBS)
    flags = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}"]
    links = [str(drop_in), f"-Wl,-rpath,{drop_in.parent}", "-lpthread", "-o", str(out)]
    subprocess.run([compiler, *flags, *map(str, SOURCES), *links], check=True)
    return out


@pytest.fixture(scope="module", autouse=True)
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A runtime folder and a node of our own, and no agent left behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        patch.setenv("DPU_EMU_PYTHON", sys.executable)
        patch.setenv("DPU_EMU_PYTHONPATH", str(ROOT))
        patch.setenv("DPU_EMU_NODE", NODE)
        if preloaded := os.environ.get("LD_PRELOAD"):  # a sanitizer's runtime: the agent's modules need it, too
            patch.setenv("DPU_EMU_ORIG_LD_PRELOAD", preloaded)
        yield
        until = time.monotonic() + 15
        while list_nodes():
            assert time.monotonic() < until, "agents left by themselves"
            time.sleep(0.02)


def run(program: Path, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, name], env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_list_of_checks_is_whole(program: Path) -> None:
    said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert sorted(said.split()) == sorted(CHECKS)
    assert len(CHECKS) > 25


@pytest.mark.parametrize("name", CHECKS)
def test_check(program: Path, name: str) -> None:
    done = run(program, name)
    assert done.returncode == 0, done.stderr


def test_checks_over_packets(program: Path) -> None:
    for name in ("extended_sends", "windows", "completion_events", "threads"):
        done = run(program, name, DPU_EMU_TRANSPORT="udp")
        assert done.returncode == 0, done.stderr


def test_loss_is_repaired(program: Path, tmp_path: Path) -> None:
    done = run(program, "threads", DPU_EMU_LOSS_PPM="10000", DPU_EMU_SEED="5", DPU_EMU_PCAP=str(tmp_path / "a.pcap"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.pcap").stat().st_size > 100_000


@pytest.mark.parametrize(
    ("variable", "value", "limit"),
    [
        ("DPU_EMU_NODE", "localhost", "not an IPv4 or IPv6 address"),
        ("DPU_EMU_NODE", "1.2.3", "not an IPv4 or IPv6 address"),
        ("DPU_EMU_TRANSPORT", "tcp", "local or udp"),
        ("DPU_EMU_LOSS_PPM", "1000001", "a number from 0 to 1000000"),
        ("DPU_EMU_LOSS_PPM", "1%", "a number from 0 to 1000000"),
        ("DPU_EMU_SEED", "-1", "a number from 0 to 18446744073709551615"),
        ("DPU_EMU_CC", "bbr", "none, "),
        ("DPU_EMU_RECOVERY", "ooo,magic", "a list of nak_rearm, adaptive_timeout, selective_repeat, ooo"),
        ("DPU_EMU_CHECK", "yes", "a number from 0 to 1"),
        ("DPU_EMU_PCAP", "x" * 5000, "too long"),
    ],
)
def test_bad_values_are_told_and_there_is_no_device(program: Path, variable: str, value: str, limit: str) -> None:
    done = run(program, "names_and_rates", **{variable: value})
    assert done.returncode == 1
    told, failed = done.stderr.splitlines()
    assert told.startswith(f"dpu-emu: {variable}={value}: {limit}")
    assert "Invalid argument" in failed


def test_an_address_that_is_not_here_is_told(program: Path) -> None:
    done = run(program, "ports_and_sizes", DPU_EMU_NODE="192.0.2.1")
    assert done.returncode == 1
    assert done.stderr.startswith("dpu-emu: node 192.0.2.1: ")
    assert "Cannot assign requested address" in done.stderr


def test_errors_with_their_words(program: Path) -> None:
    assert run(program, "device_memory").stderr == ""
    words = run(program, "device_memory", DPU_EMU_DEBUG="1").stderr
    assert "dpu-emu: DM: 8 bytes at 124 are not within its 128 (Bad address)" in words
