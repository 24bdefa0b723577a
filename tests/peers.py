"""Which real programs the e2e tests talk to, and what to say when one is missing.

The list itself is ``dpu_emu/lab/peers.txt``, which ``make peers`` installs from. Two more are no packages: ``root``,
and ``guest``, the image that ``make peers`` builds.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from dpu_emu.lab import image

LIST = Path(__file__).parents[1] / "dpu_emu" / "lab" / "peers.txt"


@dataclass(frozen=True, slots=True)
class Peer:
    """One line of the list: what a test asks for, the Debian package that has it, the program or file to look for."""

    name: str
    package: str
    probe: str

    def present(self) -> bool:
        """Return whether the probe is here: an absolute path (a pattern, too), or a program in PATH or /usr/sbin."""
        if self.probe.startswith("/"):
            return any(Path("/").glob(self.probe.lstrip("/")))
        return shutil.which(self.probe, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def read_list(text: str) -> dict[str, Peer]:
    """Return the peers by name; ``#`` opens a comment."""
    fields = [line.split("#")[0].split() for line in text.splitlines()]
    return {name: Peer(name, package, probe) for name, package, probe, *_ in filter(None, fields)}


def missing(name: str) -> str | None:
    """Return why a test that needs ``name`` cannot run here, or None. ``root`` and ``guest`` are peers, too."""
    if name == "root":
        return None if os.geteuid() == 0 else "needs root"
    if name == "guest":
        return None if image.ready() else "no guest image: `make peers`, or python -m dpu_emu.lab.image"
    peer = read_list(LIST.read_text(encoding="utf-8"))[name]
    return None if peer.present() else f"{name} is missing: `make peers`, or apt-get install {peer.package}"
