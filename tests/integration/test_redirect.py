"""The redirecting library in programs: a probe that makes each call (``redirect_probe.c``), and everyday tools.

test ── LD_PRELOAD=libdpu_redirect.so, DPU_EMU_SYSFS=picture of 127.13.0.9 ──> probe, bash, ls, find, stat, cat, python3
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rdma_verbs.agent.rundir import Address
from rdma_verbs.ibverbs import REDIRECT, library
from rdma_verbs.ibverbs.sysfs import Seat, guid_text, node_guid, picture, write_picture

HERE = Path(__file__).parent
SEAT = Seat(Address("127.13.0.9"), rdma_cm=True)
GUID = guid_text(node_guid(SEAT.address))
GID = "0000:0000:0000:0000:0000:ffff:7f0d:0009"
IB = "/sys/class/infiniband"
DPU = f"{IB}/dpu0"
HOME = "/sys/devices/virtual/dpu_emu/dpu0"
REAL = f"{HOME}/infiniband/dpu0"
UVERBS = "/dev/infiniband/uverbs0"


@dataclass(frozen=True, slots=True)
class World:
    """Where the probe and the picture are."""

    probe: Path
    root: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "LD_PRELOAD": str(library(REDIRECT)), "DPU_EMU_SYSFS": str(self.root), "LC_ALL": "C"}

    def run(self, *argv: str, env: Mapping[str, str] | None = None, cwd: str | None = None) -> str:
        done = subprocess.run(
            argv,
            env=self.environment if env is None else env,
            cwd=self.folder if cwd is None else cwd,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        return done.stdout.rstrip("\n")

    def call(self, name: str, path: str, dirfd: str = "-", **options: str) -> str:
        return self.run(str(self.probe), name, dirfd, path, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    if not shutil.which("gcc"):
        pytest.skip("gcc is missing")
    folder = tmp_path_factory.mktemp("redirect").resolve()
    probe = folder / "probe"
    subprocess.run(["gcc", "-O1", "-Wno-nonnull", "-o", probe, HERE / "redirect_probe.c", "-pthread"], check=True)
    write_picture(picture(SEAT), folder / "root")
    (folder / "work").mkdir()
    (folder / "work" / "plain").write_text("plain text\n", encoding="ascii")
    (folder / "work" / "link").symlink_to("plain")
    return World(probe, folder / "root", folder / "work")


READS = ["open", "open64", "__open", "__open64", "__open_2", "__open64_2", "openat", "openat64", "__openat_2"]
READS += ["__openat64_2", "fopen", "fopen64", "freopen", "freopen64", "open-nofollow"]
STATS = ["stat", "stat64", "fstatat", "fstatat64", "__xstat", "__xstat64", "__fxstatat", "__fxstatat64", "statx"]
LSTATS = ["lstat", "lstat64", "__lxstat", "__lxstat64"]
ACCESSES = ["access", "faccessat", "faccessat-eaccess", "euidaccess", "eaccess"]
READLINKS = ["readlink", "readlinkat", "__readlink_chk", "__readlinkat_chk"]
REALPATHS = ["realpath", "realpath-buffer", "__realpath_chk", "canonicalize_file_name"]
CWDS = ["getcwd", "__getcwd_chk", "get_current_dir_name"]
LISTS = ["opendir", "scandir", "scandirat", "scandir64", "scandirat64"]
GLOBS = ["glob", "glob64"]
AT_CALLS = ["openat", "openat64", "__openat_2", "__openat64_2", "fstatat", "fstatat64", "__fxstatat", "__fxstatat64"]
AT_CALLS += ["statx", "faccessat", "faccessat-eaccess", "readlinkat", "__readlinkat_chk", "scandirat", "scandirat64"]


def expectations() -> list[tuple[str, str, str]]:
    """Call, path, answer."""
    found = [(call, f"{DPU}/node_guid", GUID) for call in READS]
    found += [(call, f"{DPU}/nothing", "ENOENT") for call in READS]
    found += [(call, UVERBS, "empty") for call in READS]
    found += [(call, f"{UVERBS}0", "ENOENT") for call in (*READS, *STATS, *LSTATS, *ACCESSES)]
    found += [(call, "/dev/infiniband/rdma_cm", "ENOENT") for call in ("open", "stat", "access")]
    found += [(call, UVERBS, "c666 231:192") for call in (*STATS, *LSTATS)]
    found += [(call, DPU, "d755") for call in STATS] + [(call, DPU, "l777") for call in LSTATS]
    found += [(call, f"{DPU}/", "d755") for call in LSTATS]
    found += [(call, f"{DPU}/fw_ver", "-444") for call in (*STATS, *LSTATS)]
    found += [(call, f"{DPU}/fw_ver/", "ENOTDIR") for call in STATS]
    found += [(call, f"{DPU}/ports/1/state", "ok") for call in ACCESSES] + [("access-rw", UVERBS, "ok")]
    found += [(call, f"{DPU}/device", "../../../dpu0") for call in READLINKS]
    found += [(call, f"{DPU}/fw_ver", "EINVAL") for call in READLINKS]
    found += [(call, DPU, REAL) for call in REALPATHS] + [(call, f"{DPU}/device/", HOME) for call in REALPATHS]
    found += [(call, f"{DPU}/device/net/lo/..", "/sys/devices/virtual/net") for call in REALPATHS]
    found += [(call, f"{DPU}/no", "ENOENT") for call in REALPATHS]
    found += [(call, f"{IB}/", "/sys/class/infiniband") for call in CWDS] + [(call, DPU, REAL) for call in CWDS]
    found += [(call, f"{DPU}/ports/1/pkeys", "0") for call in LISTS] + [(call, f"{IB}_mad", "") for call in LISTS]
    found += [(call, f"{DPU}/fw_ver", "ENOTDIR") for call in LISTS]
    found += [(call, f"{IB}/*/ports/*/gids/[0]", f"{DPU}/ports/1/gids/0") for call in GLOBS]
    found += [(call, "/dev/infiniband/uverbs*", UVERBS) for call in GLOBS]
    found += [(call, f"{IB}/mlx*", "none") for call in GLOBS]
    found += [(call, "/dev/infiniband/", f"/dev/infiniband/ {UVERBS}(c)") for call in ("ftw", "ftw64")]
    walked = f"{DPU}/ports/1/pkeys/0:1:0 {DPU}/ports/1/pkeys:0:pkeys"
    found += [(call, f"{DPU}/ports/1/pkeys", walked) for call in ("nftw", "nftw64")]
    found += [("nftw", "//dev/infiniband", "//dev/infiniband/uverbs0(c):1:uverbs0 //dev/infiniband:0:infiniband")]
    found += [(call, f"{DPU}/device/net/lo/mtu", Path("/sys/class/net/lo/mtu").read_text().strip()) for call in READS]
    found += [
        ("open-write", f"{DPU}/node_desc", "EACCES"),
        ("open-create", f"{DPU}/new", "EACCES"),
        ("creat", f"{DPU}/new", "EACCES"),
        ("creat64", f"{DPU}/node_desc", "EACCES"),
        ("fopen-write", f"{DPU}/ports/1/state", "EACCES"),
        ("open-device", UVERBS, "empty"),
        ("open-folder", DPU, "folder"),
        ("open-folder", UVERBS, "ENOTDIR"),
        ("open-folder", f"{DPU}/ports/1/hw_counters/sent_pkts", "ENOTDIR"),
        ("open-nofollow", DPU, "ELOOP"),
        ("inotify_add_watch", DPU, "ok"),
        ("listxattr", DPU, "ok"),
        ("llistxattr", DPU, "ok"),
        ("getxattr", DPU, "ENODATA"),
        ("fd-name", f"{DPU}/fw_ver", f"{REAL}/fw_ver"),
        ("errno", f"{DPU}/fw_ver", "77 open"),
        ("threads", f"{DPU}/fw_ver", "ok"),
        ("signal", f"{DPU}/fw_ver", "100"),
        ("vfork", f"{DPU}/fw_ver", "0"),
        ("cloexec", f"{DPU}/fw_ver", "1 0"),
        ("cloexec", UVERBS, "1 0"),
    ]
    return found


@pytest.mark.parametrize(("call", "path", "answer"), expectations())
def test_call_on_a_path_of_ours(world: World, call: str, path: str, answer: str) -> None:
    if call == "getxattr":
        assert world.call(call, path) in (answer, "EOPNOTSUPP")
    else:
        assert world.call(call, path) == answer


SPELLINGS = [
    f"/{DPU}/node_guid",
    "/sys//class/./infiniband///dpu0/./node_guid",
    "/sys/class/net/../infiniband/dpu0/node_guid",
    "/usr/../sys/class/infiniband_verbs/../infiniband/dpu0/node_guid",
    f"{DPU}/ports/1/../../node_guid",
    f"{DPU}/device/infiniband/dpu0/node_guid",
    f"{DPU}/device/../dpu0/infiniband/dpu0/node_guid",
    f"{IB}_verbs/uverbs0/device/infiniband/dpu0/node_guid",
    f"{DPU}/subsystem/dpu0/node_guid",
    f"{REAL}/node_guid",
]


@pytest.mark.parametrize("path", SPELLINGS)
def test_path_is_understood_in_any_spelling(world: World, path: str) -> None:
    assert [world.call(call, path) for call in ("open", "fopen", "stat", "access")] == [GUID, GUID, "-444", "ok"]
    assert world.call("realpath", path) == f"{REAL}/node_guid"


@pytest.mark.parametrize("call", AT_CALLS)
def test_call_below_a_folder(world: World, call: str) -> None:
    """The folder may be one of ours, or one above them (as hwloc does it: everything below an open /)."""
    if call.startswith("scandirat"):
        name, answer = "pkeys", "0"
    elif "readlink" in call:
        name, answer = "../../device", "../../../dpu0"
    else:
        name = "link_layer"
        plain = world.call("stat", f"{DPU}/ports/1/{name}")
        answer = {"o": "Ethernet", "_": "Ethernet" if "open" in call else plain, "f": plain, "s": plain}[call[0]]
        answer = "ok" if "access" in call else answer
    for folder, prefix in ((f"{DPU}/ports/1", ""), ("/", "sys/class/infiniband/dpu0/ports/1/"), (IB, "dpu0/ports/1/")):
        assert world.call(call, prefix + name, folder) == answer
    assert world.call(call, "infiniband/dpu0/nothing", "/sys/class") == "ENOENT"


def test_counters_of_a_folder_descriptor_are_files_of_ours(world: World) -> None:
    assert world.call("fstatat", "uverbs0", "/dev/infiniband") == "c666 231:192"
    assert world.call("openat", "uverbs0", "/dev/infiniband") == "empty"


UNRELATED = [
    *[(call, path) for call in (*READS, *STATS, *LSTATS, *ACCESSES) for path in ("plain", "link", "no", "plain/x")],
    *[(call, path) for call in (*READLINKS, *REALPATHS) for path in ("plain", "link", "no", ".")],
    *[(call, path) for call in CWDS for path in (".", "/usr/include", "no")],
    *[(call, path) for call in LISTS for path in ("..", "/sys/class/net/lo/statistics", "plain", "no")],
    *[(call, path) for call in GLOBS for path in ("*", "/usr/include/*infiniband*", "no*")],
    *[(call, path) for call in ("ftw", "ftw64", "nftw", "nftw64") for path in (".", "../work/", "no")],
    *[(call, path) for call in ("listxattr", "llistxattr", "getxattr", "lgetxattr") for path in ("plain", "no")],
    *[("null", path) for path in ("-", "infiniband", "/usr/include/infiniband")],
    *[(call, "/sys/class/infinibandx") for call in (*READS, *STATS)],
    *[(call, "/sys/class/net/lo/mtu") for call in (*READS, *STATS)],
    *[("cloexec", "plain"), ("fd-name", "plain"), ("inotify_add_watch", "plain"), ("inotify_add_watch", "no")],
    *[("open-write", "plain"), ("open-nofollow", "link"), ("open-folder", "."), ("open-folder", "plain")],
]


def test_unrelated_paths_answer_as_without_the_library(world: World) -> None:
    lines = "\n".join(f'{world.probe} {call} - "{path}"' for call, path in UNRELATED)
    lines += f"\n{world.probe} openat .. work/plain\n{world.probe} fstatat /usr include/infiniband"
    script = world.folder / "unrelated.sh"
    script.write_text(f"{lines}\n", encoding="ascii")
    plain = {**os.environ, "LC_ALL": "C"}
    with_library = world.run("bash", str(script))
    assert with_library.splitlines() == world.run("bash", str(script), env=plain).splitlines()
    assert len(with_library.splitlines()) == len(UNRELATED) + 2


def test_without_a_root_nothing_is_ours(world: World) -> None:
    for root in ("", "relative", "/"):
        env = world.environment | {"DPU_EMU_SYSFS": root}
        assert world.call("open", DPU, env=env) == "ENOENT"  # type: ignore[arg-type]
    assert world.call("open", "plain", env=env) == "plain text"  # type: ignore[arg-type]


def test_call_before_constructors_does_no_harm(world: World) -> None:
    assert world.call("preinit", "-") in ("0", "2")


SHELL = [
    (
        "[ -c /dev/infiniband/uverbs0 ] && [ -r /dev/infiniband/uverbs0 ] && [ -w /dev/infiniband/uverbs0 ] && echo y",
        "y",
    ),
    ("[ -e /dev/infiniband/rdma_cm ] || echo no", "no"),
    (f"cat {IB}/*/ports/1/gids/0", GID),
    (f"cd {DPU}/device/infiniband; pwd -P; cat dpu0/node_type", f"{HOME}/infiniband\n1: CA"),
    (f"cd {DPU} && cd .. && pwd && ls", f"{IB}\ndpu0"),
    (f"cd {DPU}/ports/1 && bash -c 'cat state; pwd -P'", f"4: ACTIVE\n{REAL}/ports/1"),
    ("cd /sys && cat class/infiniband/dpu0/hca_type", "dpu_emu"),
    ("echo x > /dev/infiniband/uverbs0 && echo y", "y"),
    ("stat -c '%F %a %t:%T' /dev/infiniband/uverbs0", "character special file 666 e7:c0"),
    (f"stat -L -c %F {DPU}", "directory"),
    (f"ls -l {IB} | sed -n 's/.* dpu0/dpu0/p'", "dpu0 -> ../../devices/virtual/dpu_emu/dpu0/infiniband/dpu0"),
    ("ls -l /dev/infiniband | sed -n '2s/ .*//p'", "crw-rw-rw-"),
    (f"find {DPU}/ports -name 'gid_*'", f"{DPU}/ports/1/gid_attrs"),
    (f"find -H {DPU} -maxdepth 1 -name 'n*_type'", f"{DPU}/node_type"),
    (f"find {DPU}/ports/1/gid_attrs -type f | xargs grep -h . | sort", "RoCE v2\nlo"),
    (f"grep -r '' {DPU}/ports/1/gid_attrs/types", f"{DPU}/ports/1/gid_attrs/types/0:RoCE v2"),
    (f"readlink -f {DPU}/device", HOME),
    (f"realpath {DPU}/device/subsystem", "/sys/bus/platform"),
    (f"test -r {DPU}/ports/1/rate && head -1 {DPU}/ports/1/rate", "100 Gb/sec (4X EDR)"),
    ("basename $(readlink /sys/class/infiniband/dpu0/device/subsystem)", "platform"),
]


@pytest.mark.parametrize(("script", "answer"), SHELL)
def test_shell_tools_see_the_device(world: World, script: str, answer: str) -> None:
    assert world.run("bash", "-c", script) == answer


PYTHON = f"""
import glob, os, pathlib, stat
sys = pathlib.Path("{DPU}")
info = os.stat("{UVERBS}")
assert stat.S_ISCHR(info.st_mode) and (os.major(info.st_rdev), os.minor(info.st_rdev)) == (231, 192)
assert os.path.exists("{UVERBS}") and not os.path.exists("{UVERBS}1")
assert [e.name for e in os.scandir("{IB}")] == ["dpu0"] == os.listdir("{IB}")
assert next(os.scandir("{IB}")).is_dir()
assert os.listdir(sys / "device" / "net") == ["lo"]
assert (sys / "node_guid").read_text() == "{GUID}\\n"
assert glob.glob("{IB}/*/ports/*/gids/[0]") == ["{DPU}/ports/1/gids/0"]
assert os.path.realpath(sys / "device") == str((sys / "device").resolve()) == "{HOME}"
assert sorted(p.name for p in (sys / "ports/1/gid_attrs").rglob("0")) == ["0", "0"]
assert len(list(os.walk("{IB}", followlinks=False))) == 1
fd = os.open("{IB}", os.O_RDONLY)
assert os.stat("dpu0/fw_ver", dir_fd=fd).st_size and os.readlink("dpu0", dir_fd=fd).endswith("infiniband/dpu0")
assert os.listdir(fd) == ["dpu0"] and os.access("dpu0", os.R_OK, dir_fd=fd)
os.chdir("{IB}")
assert os.getcwd() == "{IB}" and os.path.isdir("dpu0/ports") and open("dpu0/fw_ver").read()
print("done")
"""


@pytest.mark.parametrize("python", [sys.executable, "/usr/bin/python3"])
def test_python_sees_the_device(world: World, python: str) -> None:
    if not Path(python).exists():
        pytest.skip(f"{python} is missing")
    assert world.run(python, "-c", PYTHON) == "done"


def test_every_hook_is_called_by_the_probe(world: World) -> None:
    """Nobody adds a hook without a line above."""
    symbols = subprocess.run(["nm", "-D", "--defined-only", library(REDIRECT)], capture_output=True, text=True).stdout
    hooks = {line.split()[2] for line in symbols.splitlines()}
    called = {call for call, *_ in expectations()} | {call for call, _ in UNRELATED} | {*AT_CALLS, "chdir"}
    assert hooks - called == set()
