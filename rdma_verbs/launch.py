"""Starts a verbs program on our device: ``dpu-emu run``.

    address = node_address("2")                           # 127.79.0.2
    environment = make_environment(Launch(address), os.environ)
    execute(["ib_write_bw", "-d", "dpu0"], environment)   # does not return

The program is not changed: the dynamic linker is told to load our libraries first, by ``LD_PRELOAD`` (which wins by
the library's name over every search path) and by ``LD_LIBRARY_PATH`` (for programs that open ``libibverbs.so`` when
they run). What the libraries are told, they read from variables ``DPU_EMU_...``; the original values of the variables
that are changed are in ``DPU_EMU_ORIG_...``, which is how a launcher within a launched program starts from a clean
environment.
"""

import contextlib
import errno
import hashlib
import ipaddress
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from datapath.errors import CallerError, DpuError
from rdma_verbs._native_congestion import preset_names
from rdma_verbs.agent.rundir import Address, NodeDir
from rdma_verbs.enums import Recovery
from rdma_verbs.ibverbs import LIBIBVERBS, REDIRECT, TOOL, library
from rdma_verbs.ibverbs.program import check_program, find_program
from rdma_verbs.ibverbs.sysfs import Seat, picture, write_picture

__all__ = [
    "RECOVERIES",
    "Launch",
    "Transport",
    "clean_environment",
    "congestion_name",
    "execute",
    "loss_ppm",
    "make_environment",
    "node_address",
    "recovery_names",
]

NODES_MAX = 0xFFFE
_CHANGED = ("LD_PRELOAD", "LD_LIBRARY_PATH", "PATH")
_STALE_S = 30 * 24 * 3600

RECOVERIES = tuple(
    name.lower() for name, flag in Recovery.__members__.items() if flag not in (Recovery(0), Recovery.RETRY_FOREVER)
)


class Transport(StrEnum):
    """How payload travels: by shared memory where both ends are on this machine, or in UDP packets always."""

    LOCAL = "local"
    UDP = "udp"


@dataclass(frozen=True, slots=True)
class Launch:
    """How a program's device is set up."""

    address: Address
    transport: Transport = Transport.LOCAL
    loss_ppm: int = 0
    pcap: Path | None = None
    cc: str = "none"
    recovery: tuple[str, ...] = ()
    seed: int | None = None
    check: bool = False


# ---- what a user says ----


def node_address(text: str) -> Address:
    """Return the address of a node: number N is 127.79.0.N (from 256 on 127.79.1.0 ...), else an address or a name.

    Raises:
        CallerError: no address of this machine (in this network namespace).
    """
    if text.isdecimal():
        number = int(text)
        if not 1 <= number <= NODES_MAX:
            raise CallerError(f"run: node {text}: numbers go from 1 to {NODES_MAX}")
        return Address(f"127.79.{number >> 8}.{number & 0xFF}")
    try:
        address = Address.parse(text)
    except CallerError:
        address = _named(text)
    if ipaddress.ip_address(address.text).is_multicast:
        raise CallerError(f"run: node {address.text}: an address of a group, not of this machine")
    with socket.socket(address.family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(address.sockaddr(0))
        except OSError as error:
            why = "no address of this machine" if error.errno == errno.EADDRNOTAVAIL else error.strerror
            raise CallerError(f"run: node {address.text}: {why}", error.errno) from None
    if address.gid in (bytes(16), bytes(10) + b"\xff\xff" + bytes(4)):
        raise CallerError(f"run: node {address.text}: a node needs one address, not all of them")
    return address


def _named(text: str) -> Address:
    try:
        found = socket.getaddrinfo(text, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        raise CallerError(f"run: node {text!r}: neither a number nor an address nor a name with one") from None
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return Address.parse(str(found[0][4][0]))


def loss_ppm(text: str) -> int:
    """Return a share of packets, ``1%`` or ``0.01``, in parts per million.

    Raises:
        CallerError: not a share, or more than all.
    """
    percent = text.endswith("%")
    try:
        share = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        raise CallerError(f"run: loss {text!r} is neither a percentage (1%) nor a share (0.01)") from None
    if not 0 <= share <= 1:
        raise CallerError(f"run: loss {text} is not within 0% and 100%")
    if share == 1 and not percent:
        raise CallerError(f"run: loss {text}: say 1% or 100%")
    return round(share * 1_000_000)


def congestion_name(text: str) -> str:
    """Return the name of a congestion control as the library reads it: ``dcqcn``, or one of its sets of parameters.

    Raises:
        CallerError: there is none of this name.
    """
    names = ["none", "dcqcn", *preset_names()]
    if text.lower() not in names:
        raise CallerError(f"run: cc {text!r}: there are {', '.join(names)}")
    return text.lower()


def recovery_names(text: str) -> tuple[str, ...]:
    """Return the names of recovery options in a list with commas.

    Raises:
        CallerError: there is none of such a name, or one that needs another.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in RECOVERIES:
            raise CallerError(f"run: recovery {name!r}: there are {', '.join(RECOVERIES)}")
    if "ooo" in names and "selective_repeat" not in names:
        raise CallerError("run: recovery ooo needs selective_repeat")
    return names


# ---- folders ----


def _netdev(address: Address) -> str:
    """The network interface that has the address."""
    if address.text.startswith("127.") or address.text == "::1":
        return "lo"
    if "%" in address.text:
        return address.text.partition("%")[2]
    from pyroute2 import IPRoute

    with IPRoute() as route:
        for entry in route.get_addr(address=address.text):
            return str(socket.if_indextoname(entry["index"]))
    return "lo"


def _remove_stale(node: Path) -> None:
    """Remove pictures that no launch has used for long: of an older version, or of a node that is gone."""
    before = time.time() - _STALE_S
    for folder in node.parent.glob("*/sysfs-*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder)


def _shared(folder: Path, make: object) -> Path:
    """Return ``folder``, made by ``make(other)`` and renamed, so that nobody ever sees half of it."""
    assert callable(make)
    if not folder.is_dir():
        new = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(new, ignore_errors=True)
        make(new)
        try:
            new.rename(folder)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            if not folder.is_dir():
                raise
    with contextlib.suppress(OSError):
        os.utime(folder)
    return folder


def sysfs_folder(address: Address) -> Path:
    """Return the folder with the device's files of a node, which all of its processes share; made if it is not there.

    Raises:
        CallerError: the folder of this user's nodes is not his alone.
    """
    with NodeDir(address) as node:
        home = node.path.resolve()
    _remove_stale(home)
    what = picture(Seat(address, _netdev(address), os.cpu_count() or 1))
    return _shared(home / f"sysfs-{what.digest}", lambda new: write_picture(what, new))


def library_folder(address: Address) -> Path:
    """Return a folder with links to the libraries by all their names, and ``bin`` with the tool ``rdma``.

    A wheel holds no links, and LD_PRELOAD no path with a space.

    Raises:
        DpuError: a library is not in this installation.
    """
    targets = {REDIRECT: library(REDIRECT), LIBIBVERBS: library(LIBIBVERBS)}
    targets[LIBIBVERBS.removesuffix(".1")] = targets[LIBIBVERBS]
    with contextlib.suppress(DpuError):
        targets[f"bin/{TOOL}"] = library(TOOL)
    with NodeDir(address) as node:
        base = node.path.resolve().parent
    digest = hashlib.sha256(repr(sorted((k, str(v)) for k, v in targets.items())).encode()).hexdigest()[:12]

    def make(new: Path) -> None:
        (new / "bin").mkdir(mode=0o700, parents=True)
        for name, target in targets.items():
            (new / name).symlink_to(target)

    return _shared(base / f"lib-{digest}", make)


# ---- the environment ----


def clean_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what a launcher put into it."""
    environment = dict(given)
    if "DPU_EMU_SYSFS" in environment:
        for name in _CHANGED:
            original = environment.pop(f"DPU_EMU_ORIG_{name}", None)
            if original is None:
                environment.pop(name, None)
            else:
                environment[name] = original
    kept = ("DPU_EMU_DEBUG",)
    return {name: value for name, value in environment.items() if not name.startswith("DPU_EMU_") or name in kept}


def _prepended(first: Sequence[str], separator: str, rest: str | None) -> str:
    return separator.join([*first, *([rest] if rest else [])])


def make_environment(launch: Launch, given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a program; makes the folders that it names.

    Raises:
        CallerError: the folder of this user's nodes is not his alone.
        DpuError: a library is not in this installation.
    """
    environment = clean_environment(given)
    libraries, files = library_folder(launch.address), sysfs_folder(launch.address)
    if any(c in str(libraries) for c in " :"):
        raise CallerError(f"run: runtime folder {libraries}: LD_PRELOAD takes no path with a space or a colon")
    for name in _CHANGED:
        if name in environment:
            environment[f"DPU_EMU_ORIG_{name}"] = environment[name]
    preload = [str(libraries / REDIRECT), str(libraries / LIBIBVERBS)]
    environment["LD_PRELOAD"] = _prepended(preload, ":", environment.get("LD_PRELOAD"))
    environment["LD_LIBRARY_PATH"] = _prepended([str(libraries)], ":", environment.get("LD_LIBRARY_PATH"))
    environment["PATH"] = _prepended([str(libraries / "bin")], ":", environment.get("PATH", os.defpath))
    environment |= {
        "DPU_EMU_NODE": launch.address.text,
        "DPU_EMU_TRANSPORT": launch.transport.value,
        "DPU_EMU_LOSS_PPM": str(launch.loss_ppm),
        "DPU_EMU_CC": launch.cc,
        "DPU_EMU_RECOVERY": ",".join(launch.recovery) or "none",
        "DPU_EMU_CHECK": str(int(launch.check)),
        "DPU_EMU_PYTHON": sys.executable,
        "DPU_EMU_PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "DPU_EMU_SYSFS": str(files),
    }
    if launch.seed is not None:
        environment["DPU_EMU_SEED"] = str(launch.seed)
    if launch.pcap is not None:
        environment["DPU_EMU_PCAP"] = str(launch.pcap)
    return environment


def pcap_file(path: Path) -> Path:
    """Return the whole path of a capture that can be written.

    Raises:
        CallerError: it cannot.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow a link to a file that is to be replaced)
    if path.is_dir():
        raise CallerError(f"run: pcap {path} is a folder", errno.EISDIR)
    target = path if path.exists() else path.parent
    if not target.exists():
        raise CallerError(f"run: pcap {path}: there is no folder {path.parent}", errno.ENOENT)
    if not os.access(target, os.W_OK):
        raise CallerError(f"run: pcap {path} cannot be written", errno.EACCES)
    return path


def inherited_environment() -> dict[str, str]:
    """Return the environment that this process was started with; Python itself may have added LC_CTYPE (PEP 538)."""
    environment = dict(os.environ)
    with contextlib.suppress(OSError):
        if not any(e.startswith(b"LC_CTYPE=") for e in Path("/proc/self/environ").read_bytes().split(b"\0")):
            environment.pop("LC_CTYPE", None)
    return environment


def find(command: str, environment: Mapping[str, str]) -> Path:
    """Return the program that a command starts in this environment, if it can be started so.

    Raises:
        CallerError: there is none, or one into which our libraries would not be loaded.
    """
    path = find_program(command, environment.get("PATH", os.defpath))
    check_program(path)
    return path


def execute(program: Path, argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Become the program; returns only by an exception.

    Raises:
        CallerError: the system cannot run it.
    """
    # Python ignores these two, and what is ignored stays so in the program.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    sys.stdout.flush()
    try:
        os.execve(program, list(argv), dict(environment))
    except OSError as error:
        if error.errno == errno.ENOEXEC:
            os.execve("/bin/sh", ["sh", str(program), *argv[1:]], dict(environment))
        raise CallerError(f"run: {program}: {error.strerror}", error.errno) from None
