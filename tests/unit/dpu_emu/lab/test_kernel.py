"""Choosing modules, and unpacking the ELF kernel from a bzImage made here."""

import lzma
import struct
from pathlib import Path

import pytest

from dpu_emu.lab import kernel
from dpu_emu.lab.errors import ImageError

DEPENDS = {
    "kernel/drivers/rdma_rxe.ko": ["kernel/ib_core.ko", "kernel/udp-tunnel.ko"],
    "kernel/ib_core.ko": [],
    "kernel/udp-tunnel.ko": ["kernel/ip6_udp_tunnel.ko.xz"],
    "kernel/ip6_udp_tunnel.ko.xz": [],
    "kernel/crc32.ko": [],
    "kernel/unused.ko": ["kernel/ib_core.ko"],
}


def test_module_names_have_underscores_and_no_suffix() -> None:
    assert kernel.module_name("kernel/net/udp-tunnel.ko.xz") == "udp_tunnel"


def test_closure_follows_hard_and_soft_dependencies() -> None:
    chosen = kernel.closure(["rdma_rxe"], DEPENDS, {"ib_core": ["crc32"]})
    assert chosen == set(DEPENDS) - {"kernel/unused.ko"}


def test_closure_leaves_out_what_has_no_file() -> None:
    assert kernel.closure(["built_in", "udp_tunnel"], DEPENDS, {}) == {
        "kernel/udp-tunnel.ko",
        "kernel/ip6_udp_tunnel.ko.xz",
    }


def bzimage(folder: Path, payload: bytes) -> Path:
    """Write a kernel tree whose bzImage has two setup sectors and this payload."""
    image = bytearray(3 * 512)
    image[0x1F1] = 2
    struct.pack_into("<II", image, 0x248, 16, len(payload))
    (folder / "boot").mkdir()
    (folder / "boot/vmlinuz-1").write_bytes(bytes(image) + b"\xee" * 16 + payload + b"trailing")
    return folder


def test_vmlinux_is_found_in_the_bzimage(tmp_path: Path) -> None:
    elf = b"\x7fELF" + bytes(range(256))
    assert kernel.vmlinux(bzimage(tmp_path, lzma.compress(elf))) == elf


@pytest.mark.parametrize("payload", [b"\x1f\x8bgzip", lzma.compress(b"not an ELF file")])
def test_another_payload_is_refused(tmp_path: Path, payload: bytes) -> None:
    with pytest.raises(ImageError, match="bzImage"):
        kernel.vmlinux(bzimage(tmp_path, payload))
