"""A user's installation: no root, no compiler, no checkout.

    wheel -> empty venv of /usr/bin/python3, owned by uid 65534, in a folder outside the tree -> dpu-emu

Dependencies come from the package index, as binary wheels only.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from rdma_verbs.ibverbs import LIBIBVERBS, REDIRECT, TOOL
from tests.e2e.unprivileged import build_wheel

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "65534"
# The addresses of a demo may be in use by another user's.
OWN_NETWORK = ["/usr/bin/unshare", "--net", "/bin/sh", "-c", '/sbin/ip link set lo up && exec "$@"', "sh"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of uid 65534; not under tmp_path, which only its owner may enter."""
    folder = Path(tempfile.mkdtemp(prefix="dpu-emu-wheel-"))
    os.chown(folder, int(NOBODY), int(NOBODY))
    yield folder
    shutil.rmtree(folder)


def test_wheel_holds_what_runs_and_nothing_that_builds(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "-cp311-abi3-" in wheel.name
    assert {"datapath/_dp_cffi.abi3.so", "rdma_verbs/_roce_cffi.abi3.so", "dpu_emu/_emu_cffi.abi3.so"} <= set(names)
    packages = ("datapath", "rdma_verbs", "dpu_emu", "control_plane")
    modules = {str(path.relative_to(ROOT)) for package in packages for path in (ROOT / package).rglob("*.py")}
    assert modules - set(names) == {f"{package}/ffi_build.py" for package in packages} & modules
    assert {f"{package}/py.typed" for package in packages} <= set(names)
    libraries = {f"rdma_verbs/lib/{name}" for name in (LIBIBVERBS, REDIRECT, TOOL)}
    assert {name for name in names if name.startswith("rdma_verbs/lib/")} == libraries
    tool = zipfile.ZipFile(wheel).getinfo(f"rdma_verbs/lib/{TOOL}")
    assert tool.external_attr >> 16 & 0o111, "pip makes it a program"
    assert {"dpu_emu/lab/init.sh", "dpu_emu/lab/peers.txt"} <= set(names), "what an installed lab builds its image from"
    assert [
        n for n in names if n.endswith((".c", ".h", ".map", "ffi_build.py")) or n.startswith(("tests", "p4/"))
    ] == []


def test_wheel_runs_for_an_unprivileged_user_without_compiler(
    wheel: Path, home: Path, require_peer: Callable[..., None]
) -> None:
    require_peer("root", "setpriv", "ip", "python3-venv")
    copy = str(shutil.copy(wheel, home))
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    (home / "bin").mkdir()
    for name in ("sh", "env", "uname"):
        (home / "bin" / name).symlink_to(f"/bin/{name}")
    env = {**kept, "HOME": str(home), "TMPDIR": str(home), "PATH": f"{home}/bin", "PIP_ONLY_BINARY": ":all:"}
    assert not any(shutil.which(compiler, path=env["PATH"]) for compiler in ("gcc", "cc", "clang", "make", "cmake"))

    def run(*argv: str, before: Sequence[str] = ()) -> str:
        drop = [*before, "/usr/bin/setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        done = subprocess.run([*drop, *argv], cwd=home, env=env, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("/usr/bin/python3", "-m", "venv", "venv")
    run("venv/bin/pip", "install", "--quiet", copy)
    said = json.loads(run("venv/bin/dpu-emu", "version", "--json"))
    assert wheel.name.startswith(f"dpu_emu-{said['version']}-")
    run("venv/bin/python", "-c", "import rdma_verbs._native, dpu_emu")
    done = json.loads(run("venv/bin/dpu-emu", "demo", "--json", before=OWN_NETWORK))
    assert Path(done["file"]).stat().st_size == 64 << 20
    assert [(act["bytes"], act["sha256_equal"]) for act in done["acts"]] == [(64 << 20, True)] * 3
    folder = Path(done["file"]).parent
    assert folder.parent == home, "its files are the user's own"
    for name in ("received-clean.bin", "received-loss.bin", "received-selective.bin"):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == done["sha256"]


def test_programs_that_know_nothing_of_us_find_the_device_of_a_wheel(
    wheel: Path, home: Path, require_peer: Callable[..., None]
) -> None:
    require_peer("root", "setpriv", "ip", "python3-venv", "ibv_devinfo")
    env = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    env |= {"HOME": str(home), "TMPDIR": str(home), "XDG_RUNTIME_DIR": str(home), "PATH": "/usr/bin:/bin"}
    drop = ["/usr/bin/setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]

    def run(*argv: str) -> str:
        command = [*OWN_NETWORK, *drop, *argv] if "pip" not in argv[0] else [*drop, *argv]
        done = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("/usr/bin/python3", "-m", "venv", "venv")
    run("venv/bin/pip", "install", "--quiet", str(shutil.copy(wheel, home)))
    assert run("venv/bin/dpu-emu", "run", "ibv_devices").split()[-2:] == ["dpu0", "00007fff" + "fe4f0001"]
    assert run("venv/bin/dpu-emu", "run", "rdma", "link").startswith("link dpu0/1 state ACTIVE ")
    both = "venv/bin/dpu-emu run --node 1 ibv_rc_pingpong -g 0 & sleep 3; "
    both += "venv/bin/dpu-emu run --node 2 ibv_rc_pingpong -g 0 127.0.0.1 && wait $!"
    assert run("/bin/sh", "-c", both).count("1000 iters in") == 2
