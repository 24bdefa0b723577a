"""A user without privileges who has installed dpu-emu: its wheel, in a folder of his, run by the system's Python.

The tree and its virtual environment may lie where other users cannot look, so they get a copy.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
UID = 65534
PYTHON = "/usr/bin/python3"
# What a run does not need, and our own, which the wheel brings.
_LEFT_OUT = (
    "mypy*", "ruff*", "cmake*", "ninja*", "scapy*", "hypothesis*", "clang_format*", "pip*", "setuptools*", "pytest*",
    "datapath", "rdma_verbs", "dpu_emu*", "control_plane", "*.pth", "_dpu_emu*", "_editable*", "__pycache__",
)  # fmt: skip


def build_wheel(folder: Path) -> Path:
    """Return the wheel of this tree, built in ``folder``."""
    options = ["--no-deps", "--no-build-isolation", f"--config-settings=build-dir={folder}/build", "-w", str(folder)]
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", *options, str(ROOT)], check=True, env=env)
    return next(folder.glob("*.whl"))


class User:
    """A home with dpu-emu in it; programs run there as ``UID`` with no groups."""

    def __init__(self, wheel: Path) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="dpu-emu-user-"))
        self.site = self.home / "site"
        options = ["--quiet", "--no-deps", "--no-compile", "--target", str(self.site)]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)
        libraries = Path(next(path for path in sys.path if path.endswith("site-packages")))
        for source in libraries.iterdir():
            if any(source.match(pattern) for pattern in _LEFT_OUT):
                continue
            if source.is_dir():
                shutil.copytree(source, self.site / source.name, dirs_exist_ok=True)
            else:
                shutil.copy(source, self.site)
        self.own(self.home)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    @staticmethod
    def own(path: Path) -> None:
        """Give a tree to the user."""
        for item in (path, *path.rglob("*")):
            os.chown(item, UID, UID, follow_symlinks=False)

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables that the user's programs see."""
        return {
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home),
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "PYTHONPATH": str(self.site),
            "LANG": "C.UTF-8",
            **(more or {}),
        }

    @staticmethod
    def drop() -> list[str]:
        """Return what to put before a command so that it runs as the user."""
        return ["/usr/bin/setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--no-new-privs", "--"]

    def launch(self, node: str, *options: str) -> list[str]:
        """Return what to put before a verbs program, so that it runs as the user on this node."""
        return [*self.drop(), PYTHON, "-m", "control_plane.cli", "run", "--node", node, *options, "--"]

    def run(
        self, argv: Sequence[str], *, cwd: Path | None = None, timeout_s: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as it is: with ``drop()`` or ``launch()`` before it."""
        return subprocess.run(
            argv, cwd=cwd or self.home, env=self.environment(), capture_output=True, text=True, timeout=timeout_s
        )
