"""Debian's kernel for the guest: fetch the package, unpack it, choose the modules.

The package is downloaded and unpacked into the cache, never installed. The guest
boots the ELF ``vmlinux`` through QEMU's PVH entry: without hardware virtualisation
the bzImage's own decompressor takes as long as all the rest of the boot.
"""

import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from dpu_emu.lab.cpio import CpioWriter
from dpu_emu.lab.errors import ImageError
from dpu_emu.lab.programs import need_program

# Kernel features that a test may ask for with `modules=`; the rest load by themselves.
MODULES: tuple[str, ...] = (
    "virtio_pci",
    "virtio_net",
    "virtio_blk",
    "virtio_console",
    "virtio_scsi",
    "virtio_rng",
    "virtio_crypto",
    "virtiofs",
    "vsock",
    "vmw_vsock_virtio_transport",
    "9p",
    "9pnet_virtio",
    "rdma_rxe",
    "ib_uverbs",
    "rdma_ucm",
    "ib_umad",
    "rdma_cm",
    "ib_cm",
    "nvme",
    "nvme_tcp",
    "nvme_rdma",
    "nvmet",
    "nvmet_tcp",
    "nvmet_rdma",
    "loop",
    "null_blk",
    "brd",
    "sd_mod",
    "sg",
    "ext4",
    "vxlan",
    "8021q",
    "dummy",
    "veth",
    "bridge",
    "macvlan",
    "geneve",
    "ip_gre",
    "vrf",
    "sch_prio",
    "sch_mqprio",
    "sch_ets",
    "sch_tbf",
    "sch_netem",
    "sch_red",
    "sch_fq_codel",
    "sch_ingress",
    "cls_u32",
    "cls_matchall",
    "cls_flower",
    "cls_bpf",
    "act_mirred",
    "act_pedit",
    "act_skbedit",
    "act_police",
    "act_gact",
    "crc32_generic",
    "crc32_pclmul",
    "crc32c_intel",
    "crc32c_generic",
    "crct10dif_pclmul",
    "libcrc32c",
    "crct10dif_generic",
    "configfs",
    "nf_tables",
)


def fetch(cache: Path) -> Path:
    """Return the tree of the kernel package, downloading it once.

    ``DPU_EMU_LAB_KERNEL_DEB`` names a package file to use instead.

    Raises:
        ImageError: apt does not know the package, or cannot download it.
    """
    root = cache / "kernel"
    given = os.environ.get("DPU_EMU_LAB_KERNEL_DEB")
    present = sorted(root.glob("*/boot/vmlinuz-*"), key=lambda path: path.stat().st_mtime)
    if present and not given:
        return present[-1].parent.parent
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root) as name:
        scratch = Path(name)
        package = Path(given) if given else _download(scratch)
        tree = scratch / "tree"
        subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
        subprocess.run([need_program("depmod", "kmod"), "-b", tree, release(tree)], check=True)
        final = root / package.stem
        shutil.rmtree(final, ignore_errors=True)
        tree.rename(final)
    return final


def _download(folder: Path) -> Path:
    """Download the package that linux-image-amd64 depends on."""
    depends = subprocess.run(
        ["apt-cache", "depends", "linux-image-amd64"], stdout=subprocess.PIPE, text=True, check=False
    ).stdout
    found = re.search(r"Depends: (linux-image-\S+)", depends)
    if not found:
        raise ImageError("apt does not know linux-image-amd64: run `apt-get update`")
    folder.chmod(0o755)  # apt downloads as the user _apt when it can
    command = ["apt-get", "-q", "download", found[1]]
    if subprocess.run(command, cwd=folder, stdout=sys.stderr, check=False).returncode:
        raise ImageError(f"`{' '.join(command)}` failed")
    return next(folder.glob("*.deb"))


def release(tree: Path) -> str:
    """Return the kernel's release, such as ``6.1.0-56-amd64``."""
    return next((tree / "lib/modules").iterdir()).name


def vmlinux(tree: Path) -> bytes:
    """Return the ELF kernel inside the package's bzImage.

    Offsets are those of the boot protocol (Documentation/x86/boot.rst):
    setup_sects at 0x1f1, payload_offset and payload_length at 0x248.
    """
    image = next((tree / "boot").glob("vmlinuz-*")).read_bytes()
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    try:
        elf = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(image[start : start + length])
    except lzma.LZMAError as error:
        raise ImageError(f"the payload of {tree.name}'s bzImage is not xz: {error}") from error
    if not elf.startswith(b"\x7fELF"):
        raise ImageError(f"{tree.name}'s bzImage holds no ELF kernel")
    return elf


def module_name(path: str) -> str:
    """Return a module's name from its file's path: dashes are underscores."""
    return re.sub(r"\.ko.*", "", Path(path).name).replace("-", "_")


def closure(wanted: Iterable[str], depends: dict[str, list[str]], soft: dict[str, list[str]]) -> set[str]:
    """Return the files of the wanted modules and of all that they need.

    ``depends`` maps a module's file to the files it needs (modules.dep), ``soft``
    a module's name to names it would like (modules.softdep). Names without a file
    are left out: they are built in, or this kernel lacks them.
    """
    file_of = {module_name(path): path for path in depends}
    chosen: set[str] = set()
    pending = [module_name(name) for name in wanted]
    while pending:
        name = pending.pop()
        path = file_of.get(name)
        if path is None or path in chosen:
            continue
        chosen.add(path)
        pending += [module_name(needed) for needed in depends[path]]
        pending += [module_name(liked) for liked in soft.get(name, [])]
    return chosen


def add_modules(archive: CpioWriter, tree: Path, wanted: Iterable[str] = MODULES) -> None:
    """Add the wanted modules, what they need, and indexes that name only these."""
    version = release(tree)
    base = tree / "lib/modules" / version
    depends: dict[str, list[str]] = {}
    for line in (base / "modules.dep").read_text().splitlines():
        path, needed = line.split(":")
        depends[path] = needed.split()
    soft: dict[str, list[str]] = {}
    for line in (base / "modules.softdep").read_text().splitlines():
        words = line.split()
        if len(words) > 2 and words[0] == "softdep":
            soft[words[1].replace("-", "_")] = [word for word in words[2:] if not word.endswith(":")]
    with tempfile.TemporaryDirectory() as name:
        staged = Path(name) / "lib/modules" / version
        for path in sorted(closure(wanted, depends, soft)):
            target = staged / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(base / path, target)
        for index in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            shutil.copy(base / index, staged)
        subprocess.run([need_program("depmod", "kmod"), "-b", name, version], check=True)
        for file in sorted(path for path in staged.rglob("*") if path.is_file()):
            archive.copy("usr/" + str(file.relative_to(name)), file)
