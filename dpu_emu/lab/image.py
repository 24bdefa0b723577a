"""Build and cache what a guest boots: ``vmlinux`` and the parts of its initramfs.

    python -m dpu_emu.lab.image [--install] [--force]

prints the folder that holds them. The parts are uncompressed cpio archives that
:mod:`dpu_emu.lab.qemu` strings together as a guest needs them:

========  ==================================================================
base      busybox, iproute2, tcpdump, kmod, verbs tools, kernel modules, init
fio       fio and its libraries
py        Debian's python3 with pyverbs, byte code included
========  ==================================================================

Programs are copied from this machine with the libraries they link to, so the
guest runs Debian's own binaries. The cache is ``$DPU_EMU_LAB_CACHE``, by default
``~/.cache/dpu-emu/lab``; a folder's name is a digest of all that went into it,
and a second call is a lookup.
"""

import argparse
import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from dpu_emu.lab import kernel
from dpu_emu.lab.cpio import CpioWriter
from dpu_emu.lab.errors import ImageError
from dpu_emu.lab.programs import find_program, linked_libraries, need_program

_HERE = Path(__file__).resolve().parent


def guest_packages(text: str) -> tuple[str, ...]:
    """Return the packages that a list of peers marks ``guest``: copied into the image, or needed to boot it."""
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    return tuple(dict.fromkeys(words[1] for words in lines if words[3:] == ["guest"]))


#: Debian packages that the image is copied from, and that booting it needs.
PACKAGES = guest_packages((_HERE / "peers.txt").read_text(encoding="utf-8"))

#: Parts that a guest may ask for beside ``base``.
EXTRA_PARTS: tuple[str, ...] = ("fio", "py")

_PROGRAMS = [
    "dash",
    "dd",
    "blockdev",
    "mke2fs",
    "kmod",
    "ip",
    "tc",
    "bridge",
    "rdma",
    "dcb",
    "devlink",
    "ss",
    "ping",
    "tcpdump",
    "ethtool",
    "ibv_devices",
    "ibv_devinfo",
    "ibv_rc_pingpong",
    "ibv_uc_pingpong",
    "ibv_ud_pingpong",
    "ibv_srq_pingpong",
    "ibv_xsrq_pingpong",
    "ibv_asyncwatch",
    "ib_send_bw",
    "ib_write_bw",
    "ib_read_bw",
    "ib_atomic_bw",
    "ib_send_lat",
    "ib_write_lat",
    "ib_read_lat",
    "ib_atomic_lat",
    "rping",
    "ucmatose",
    "udaddy",
    "mckey",
    "rdma_client",
    "rdma_server",
    "rdma_xclient",
    "rdma_xserver",
    "riostream",
    "rstream",
    "cmtime",
    "udpong",
    "nvme",
]

_FOLDERS = [
    "usr/bin",
    "usr/sbin",
    "usr/lib",
    "usr/lib64",
    "lab",
    "etc",
    "dev",
    "proc",
    "sys",
    "tmp",
    "run",
    "var",
    "share",
    "mnt",
]
_KMOD_APPLETS = ("modprobe", "insmod", "rmmod", "lsmod", "modinfo")
_PYTHON_UNUSED = re.compile(
    r"/(tests?|idlelib|tkinter|lib2to3|ensurepip|pydoc_data|turtledemo|distutils)(/|$)|/config-3"
)
_HOST_NQN = "2014-08.org.nvmexpress:uuid"
_HOST_UUID = "11111111-2222-3333-4444-555555555555"
_SOURCES = ("image.py", "kernel.py", "cpio.py", "programs.py", "init.sh")


def cache_folder() -> Path:
    """Return the folder that images are kept in; it may not exist yet."""
    return Path(os.environ.get("DPU_EMU_LAB_CACHE") or "~/.cache/dpu-emu/lab").expanduser().absolute()


def ready() -> Path | None:
    """Return the folder of the image for this machine as it is now, or None if it is not built."""
    trees = sorted((cache_folder() / "kernel").glob("*/boot/vmlinuz-*"))
    if not trees:
        return None
    folder = _image_folder(kernel.fetch(cache_folder()))
    return folder if (folder / "vmlinux").exists() else None


def build(force: bool = False) -> Path:
    """Return the folder of the image, building it if it is not cached.

    Raises:
        ImageError: the kernel cannot be fetched or a program that must be there is missing.
    """
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may start at once
        tree = kernel.fetch(cache_folder())
        final = _image_folder(tree)
        if force or not (final / "vmlinux").exists():
            _build_into(final, tree)
    return final


def _build_into(final: Path, tree: Path) -> None:
    """Build the image in a scratch folder and move it to its place when it is whole."""
    parts: dict[str, Callable[[CpioWriter], None]] = {
        "base": lambda archive: _fill_base(archive, tree),
        "fio": lambda archive: _add_program(archive, "fio"),
        "py": _fill_python,
    }
    with tempfile.TemporaryDirectory(dir=cache_folder()) as name:
        fresh = Path(name) / "image"
        fresh.mkdir()
        for part, fill in parts.items():
            buffer = io.BytesIO()
            with CpioWriter(buffer) as archive:
                fill(archive)
            (fresh / f"{part}.cpio").write_bytes(buffer.getbuffer())
        (fresh / "vmlinux").write_bytes(kernel.vmlinux(tree))
        shutil.rmtree(final, ignore_errors=True)
        fresh.rename(final)


def install() -> None:
    """Install :data:`PACKAGES` with apt-get; needs root."""
    command = ["apt-get", "-q", "install", "-y", "--no-install-recommends", *PACKAGES]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command, stdout=sys.stderr, env=environment, check=False).returncode:
        raise ImageError(f"`{' '.join(command)}` failed (is `apt-get update` needed?)")


def _image_folder(tree: Path) -> Path:
    """Return where the image of this kernel, these sources and these packages belongs."""
    digest = hashlib.sha256(tree.name.encode())
    for source in _SOURCES:
        digest.update((_HERE / source).read_bytes())
    versions = subprocess.run(
        ["dpkg-query", "-W", *PACKAGES], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    )
    digest.update(versions.stdout)
    return cache_folder() / f"guest-{digest.hexdigest()[:12]}"


def _add_elf(archive: CpioWriter, path: str, source: Path) -> None:
    """Add a program or library and every shared library that it links to."""
    archive.copy(path, source)
    ldd = subprocess.run(["ldd", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    for library in linked_libraries(ldd.stdout):
        # /lib is a link to /usr/lib, here and in the guest.
        archive.copy(library if library.startswith("/usr") else "/usr" + library, Path(library))


def _add_program(archive: CpioWriter, name: str) -> None:
    """Add a program to /usr/bin; one that this machine lacks is reported and left out."""
    if source := find_program(name):
        _add_elf(archive, f"usr/bin/{name}", source.resolve())
    else:
        print(f"dpu_emu.lab.image: no {name} on this machine, left out", file=sys.stderr)


def _fill_base(archive: CpioWriter, tree: Path) -> None:
    for folder in _FOLDERS:
        archive.directory(folder)
    for folder in ("bin", "sbin", "lib", "lib64"):
        archive.link(folder, f"usr/{folder}")
    archive.character_device("dev/console", 5, 1)
    archive.character_device("dev/null", 1, 3, 0o666)
    archive.data("init", (_HERE / "init.sh").read_bytes(), 0o755)
    for name in _PROGRAMS:
        _add_program(archive, name)
    for applet in _KMOD_APPLETS:
        archive.link(f"usr/sbin/{applet}", "../bin/kmod")
    # dash, because busybox's shell would run its own ip, ping and modprobe before the real ones.
    archive.link("usr/bin/sh", "dash")
    _add_busybox(archive)
    _add_verbs_providers(archive)
    for library in Path("/usr/lib").glob("*/libgcc_s.so.1"):
        archive.copy(str(library), library)  # pthread_exit loads it by name, so ldd does not show it
    _add_configuration(archive)
    kernel.add_modules(archive, tree)


def _add_busybox(archive: CpioWriter) -> None:
    busybox = need_program("busybox", "busybox-static")
    archive.copy("usr/bin/busybox", busybox)
    applets = subprocess.run([busybox, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    for applet in applets:
        if f"usr/sbin/{applet}" not in archive:
            archive.link(f"usr/bin/{applet}", "busybox")


def _add_verbs_providers(archive: CpioWriter) -> None:
    """Add libibverbs' drivers of software devices, and the files that announce them."""
    for driver in ("rxe", "siw"):
        for file in Path("/etc/libibverbs.d").glob(f"{driver}.driver"):
            archive.copy(str(file), file)
        for file in Path("/usr/lib").glob(f"*/libibverbs/lib{driver}-*.so"):
            _add_elf(archive, str(file), file)


def _add_configuration(archive: CpioWriter) -> None:
    files = {
        "passwd": "root:x:0:0:root:/:/bin/sh\n",
        "group": "root:x:0:\n",
        "hosts": "127.0.0.1 localhost\n",
        "nsswitch.conf": "passwd: files\nhosts: files\nservices: files\nprotocols: files\n",
        "nvme/hostnqn": f"nqn.{_HOST_NQN}:{_HOST_UUID}\n",
        "nvme/hostid": f"{_HOST_UUID}\n",
    }
    for name, text in files.items():
        archive.data(f"etc/{name}", text.encode())
    for path in ("/etc/services", "/etc/protocols"):
        if Path(path).exists():
            archive.copy(path, Path(path))


def _fill_python(archive: CpioWriter) -> None:
    """Add /usr/bin/python3, its library and pyverbs.

    Files keep their times, or python would not trust the byte code beside them
    and compile each module anew at every boot.
    """
    python = Path("/usr/bin/python3").resolve()
    if not python.exists():
        print("dpu_emu.lab.image: no /usr/bin/python3, left out", file=sys.stderr)
        return
    _add_elf(archive, str(python), python)
    archive.link("usr/bin/python3", python.name)
    for root in (Path("/usr/lib") / python.name, Path("/usr/lib/python3/dist-packages/pyverbs")):
        for file in sorted(root.rglob("*")):
            if _PYTHON_UNUSED.search(str(file)) or not file.is_file():
                continue
            if ".so" in file.suffixes:
                _add_elf(archive, str(file), file)
            elif file.suffix in (".py", ".pyc"):
                archive.copy(str(file), file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the image and print its folder."""
    parser = argparse.ArgumentParser(prog="python -m dpu_emu.lab.image", description="Build the lab's guest image.")
    parser.add_argument("--install", action="store_true", help="apt-get install the Debian packages first")
    parser.add_argument("--force", action="store_true", help="build anew even if cached")
    parser.add_argument("--packages", action="store_true", help="print the Debian packages and do nothing")
    options = parser.parse_args(arguments)
    if options.packages:
        print(" ".join(PACKAGES))
        return 0
    try:
        if options.install:
            install()
        print(build(options.force))
    except (ImageError, subprocess.CalledProcessError) as error:
        print(f"dpu_emu.lab.image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
