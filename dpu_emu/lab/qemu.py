"""A guest as a value, as QEMU's arguments, and as the initramfs it boots.

Everything here is a pure function of :class:`GuestConfig`; :mod:`dpu_emu.lab.guest`
runs the result. The guest's memory is a shared memfd, so vhost-user devices work.
"""

import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from dpu_emu.lab import nic as nics
from dpu_emu.lab.cpio import CpioWriter
from dpu_emu.lab.errors import SpecError
from dpu_emu.lab.image import EXTRA_PARTS
from dpu_emu.lab.nic import Nic

_KERNEL_ARGUMENTS = (
    "console=ttyS0 panic=-1 mitigations=off nowatchdog tsc=reliable no_timer_check cryptomgr.notests quiet loglevel=4"
)


@dataclass(frozen=True, slots=True)
class GuestConfig:
    """What one guest is: its script, devices and size.

    ``script`` is the text of a shell script. ``files`` maps absolute paths in the
    guest to files here; ``parts`` are parts of the image beside ``base``
    (:data:`dpu_emu.lab.image.EXTRA_PARTS`); ``share`` is a folder that the guest
    sees as ``/share``; ``netns`` is the namespace that QEMU runs in, which a tap
    needs. ``vhost_blk`` are sockets of vhost-user-blk back ends, ``disks`` raw
    files; they become /dev/vda, /dev/vdb, ... in that order.
    """

    script: str
    name: str = "guest"
    nics: tuple[Nic, ...] = ()
    netns: str = ""
    parts: tuple[str, ...] = ()
    files: dict[str, Path] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    share: Path | None = None
    vhost_blk: tuple[Path, ...] = ()
    disks: tuple[Path, ...] = ()
    memory_mib: int = 768
    cpus: int = 1
    accelerator: str = "tcg,thread=multi"
    machine: str = "pc"
    cpu: str = "max,la57=off"
    kernel_arguments: str = ""
    qemu_arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if unknown := set(self.parts) - set(EXTRA_PARTS):
            raise SpecError(f"guest {self.name}: no image part {', '.join(sorted(unknown))}")
        if not self.netns and any(nic.kind == "tap" for nic in self.nics):
            raise SpecError(f"guest {self.name}: a tap needs netns=, so that its traffic stays there")
        if relative := [path for path in self.files if not path.startswith("/")]:
            raise SpecError(f"guest {self.name}: file {relative[0]!r} is not an absolute path of the guest")
        macs = [nic.mac for nic in self.nics]
        if len(set(macs)) < len(macs):
            raise SpecError(f"guest {self.name}: two NICs have the same MAC address")


def environment_file(config: GuestConfig) -> str:
    """Return the text of the guest's /lab/env, which init and the script's shell read."""
    variables = {
        "LAB_NAME": config.name,
        "LAB_MODULES": " ".join(config.modules),
        "LAB_NICS": " ".join(nics.guest_line(nic) for nic in config.nics),
        "LAB_SHARE": "1" if config.share else "",
        "LAB_SHELL": "",
        **config.environment,
    }
    return "".join(f"export {key}={shlex.quote(value)}\n" for key, value in variables.items())


def write_initramfs(config: GuestConfig, image: Path, out: BinaryIO) -> None:
    """Write the image's parts, then an archive of the guest's own: environment, script, files."""
    for part in ("base", *sorted(set(config.parts))):
        with (image / f"{part}.cpio").open("rb") as archive:
            shutil.copyfileobj(archive, out, 1 << 20)
    with CpioWriter(out) as own:
        own.data("lab/env", environment_file(config).encode())
        own.data("lab/run", config.script.encode(), 0o755)
        for path, source in config.files.items():
            own.copy(path, source)


def arguments(config: GuestConfig, image: Path, run: Path) -> list[str]:
    """Return QEMU's command line; ``run`` is a folder of this guest's own.

    QEMU reads ``run/initramfs``, writes the kernel's messages to ``run/console``
    and the exit code to ``run/status``, and puts the script's output on its own
    standard output.
    """
    memory = f"memory-backend-memfd,id=memory,size={config.memory_mib}M,share=on"
    kernel_arguments = f"{_KERNEL_ARGUMENTS} {config.kernel_arguments}".strip()
    command = ["qemu-system-x86_64", "-name", config.name, "-nodefaults", "-no-user-config"]
    command += ["-display", "none", "-no-reboot", "-accel", config.accelerator, "-cpu", config.cpu]
    command += ["-smp", str(config.cpus), "-m", str(config.memory_mib)]
    command += ["-object", memory, "-machine", f"{config.machine},memory-backend=memory"]
    command += ["-kernel", f"{image}/vmlinux", "-initrd", f"{run}/initramfs", "-append", kernel_arguments]
    command += ["-serial", f"file:{run}/console", "-device", "virtio-serial-pci"]
    command += ["-chardev", "stdio,id=output,signal=off", "-chardev", f"file,id=status,path={run}/status"]
    command += ["-device", "virtserialport,chardev=output,name=lab.output,nr=1"]
    command += ["-device", "virtserialport,chardev=status,name=lab.status,nr=2"]
    if config.share:
        command += ["-virtfs", f"local,path={config.share.absolute()},mount_tag=lab,security_model=none"]
    for index, nic in enumerate(config.nics):
        command += nics.qemu_arguments(nic, index)
    for index, socket in enumerate(config.vhost_blk):
        command += ["-chardev", f"socket,id=blk{index},path={socket}"]
        command += ["-device", f"vhost-user-blk-pci,chardev=blk{index}"]
    for index, disk in enumerate(config.disks):
        command += ["-drive", f"file={disk},format=raw,if=none,id=disk{index},cache=none"]
        command += ["-device", f"virtio-blk-pci,drive=disk{index}"]
    command += config.qemu_arguments
    if config.netns:
        command = ["nsenter", f"--net=/run/netns/{config.netns}", *command]
    return command
