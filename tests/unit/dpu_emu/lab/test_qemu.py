"""A guest's description, its environment file and QEMU's command line."""

import io
import shlex
from pathlib import Path

import pytest

from dpu_emu.lab.errors import SpecError
from dpu_emu.lab.nic import Nic, parse_nic
from dpu_emu.lab.qemu import GuestConfig, arguments, environment_file, write_initramfs

IMAGE, RUN = Path("/image"), Path("/run/guest")


def line(config: GuestConfig) -> str:
    return shlex.join(arguments(config, IMAGE, RUN))


def test_environment_is_quoted_for_the_shell() -> None:
    config = GuestConfig(script="", environment={"TEXT": "it's $HOME"}, modules=("nvme", "ext4"))
    text = environment_file(config)
    assert "export TEXT='it'\"'\"'s $HOME'\n" in text
    assert "export LAB_MODULES='nvme ext4'\n" in text


def test_environment_lists_the_nics() -> None:
    nics = (Nic("dgram", "/a", "/b", mac="52:54:00:00:00:01"), Nic("dgram", "/c", "/d", mac="52:54:00:00:00:02"))
    assert "export LAB_NICS='52:54:00:00:00:01||| 52:54:00:00:00:02|||'\n" in environment_file(
        GuestConfig(script="", nics=nics)
    )


def test_console_status_and_output_have_their_places() -> None:
    command = line(GuestConfig(script=""))
    assert "-serial file:/run/guest/console" in command
    assert "-chardev file,id=status,path=/run/guest/status" in command
    assert "-chardev stdio,id=output,signal=off" in command
    assert "-kernel /image/vmlinux -initrd /run/guest/initramfs" in command
    assert "console=ttyS0" in command


def test_memory_is_shared_and_sized() -> None:
    command = line(GuestConfig(script="", memory_mib=1024, cpus=2))
    assert "memory-backend-memfd,id=memory,size=1024M,share=on" in command
    assert "-m 1024" in command
    assert "-smp 2" in command


def test_devices_are_numbered_in_order() -> None:
    nics = (parse_nic("dgram:/a,/b"), parse_nic("vhost-user:/c"))
    command = line(GuestConfig(script="", nics=nics, vhost_blk=(Path("/s"),), disks=(Path("/d"),), share=Path("/w")))
    assert command.index("id=nic0") < command.index("id=nic1") < command.index("id=blk0") < command.index("id=disk0")
    assert "local,path=/w,mount_tag=lab" in command


def test_a_namespace_is_entered_by_nsenter() -> None:
    config = GuestConfig(script="", netns="lab-1", nics=(parse_nic("tap:t0"),))
    assert arguments(config, IMAGE, RUN)[:3] == ["nsenter", "--net=/run/netns/lab-1", "qemu-system-x86_64"]
    assert arguments(GuestConfig(script=""), IMAGE, RUN)[0] == "qemu-system-x86_64"


def test_more_arguments_are_passed_on() -> None:
    config = GuestConfig(script="", kernel_arguments="debug", qemu_arguments=("-trace", "x"))
    assert "loglevel=4 debug'" in line(config)
    assert "-trace x" in line(config)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"parts": ("ruby",)}, "no image part ruby"),
        ({"nics": (parse_nic("tap:t0"),)}, "tap needs netns="),
        ({"files": {"lab/x": Path("/x")}}, "'lab/x' is not an absolute path"),
        ({"nics": (parse_nic("dgram:/a,/b"), parse_nic("dgram:/a,/b"))}, "same MAC"),
    ],
)
def test_a_bad_description_is_refused(config: dict[str, object], complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint):
        GuestConfig(script="", **config)  # type: ignore[arg-type]


def test_initramfs_is_the_parts_then_the_guests_own(tmp_path: Path) -> None:
    for part in ("base", "fio", "py"):
        (tmp_path / f"{part}.cpio").write_bytes(part.encode() * 100)
    (tmp_path / "tool").write_bytes(b"tool's bytes")
    out = io.BytesIO()
    config = GuestConfig(script="echo hello", parts=("py",), files={"/lab/tool": tmp_path / "tool"})
    write_initramfs(config, tmp_path, out)
    assert out.getvalue().startswith(b"base" * 100 + b"py" * 100 + b"070701")
    for piece in (b"echo hello", b"tool's bytes", b"LAB_NAME=guest"):
        assert piece in out.getvalue()
