"""Boot a guest, run a script in it, stream its output, return its exit code.

    config = GuestConfig(script="uname -r")
    result = run(config)                       # result.code, result.output

or, for a guest that stays while a test talks to it:

    with Guest(config) as guest:
        guest.wait_ready()
        ...
        code = guest.wait(timeout_s=60)

A guest dies with the thread that started it, whatever happens to that. Its tap
devices are made in its namespace when it starts and removed when it ends.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from dpu_emu.lab import image
from dpu_emu.lab.errors import GuestError, GuestTimeoutError
from dpu_emu.lab.programs import need_program
from dpu_emu.lab.qemu import GuestConfig, arguments, write_initramfs

_CONSOLE_TAIL = 4000


@dataclass(frozen=True, slots=True)
class GuestResult:
    """How a guest's script ended: its exit code, all its output, and the times it took."""

    code: int
    output: str
    boot_ns: int
    total_ns: int


class Guest:
    """A guest from its start to its removal; a context manager.

    ``on_output`` gets each chunk of the script's output as it comes, on a thread
    of the guest's own; ``output`` holds all of it so far.
    """

    def __init__(self, config: GuestConfig, on_output: Callable[[bytes], None] | None = None) -> None:
        self.config = config
        self._on_output = on_output
        self._chunks: list[bytes] = []
        self._cleanup = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._run = Path()
        self._started_ns = 0
        self._ready_ns = 0

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    def output(self) -> str:
        """Return what the script has printed so far."""
        return b"".join(self._chunks).decode(errors="replace")

    @property
    def running(self) -> bool:
        """Return whether QEMU runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def boot_ns(self) -> int:
        """Return the time from QEMU's start to the script's, 0 while it boots."""
        return max(0, self._ready_ns - self._started_ns)

    def start(self) -> None:
        """Make the taps, write the initramfs and start QEMU; returns without waiting for the boot.

        Raises:
            LabError: no image, no QEMU, or a tap that cannot be made.
        """
        built = image.build()
        need_program("qemu-system-x86_64", "qemu-system-x86")
        self._run = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="dpu-emu-guest-")))
        self._make_taps()
        with (self._run / "initramfs").open("wb") as out:
            write_initramfs(self.config, built, out)
        self._started_ns = time.monotonic_ns()
        # The kernel kills QEMU when this thread dies; by a program, because Python between fork and exec may deadlock.
        leash = [str(need_program("setpriv", "util-linux")), "--pdeathsig", "KILL", "--"]
        # QEMU must see no end of its input, or it closes the port that carries the output.
        self._process = subprocess.Popen(
            [*leash, *arguments(self.config, built, self._run)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._reader = threading.Thread(target=self._read, name=f"guest-{self.config.name}", daemon=True)
        self._reader.start()

    def wait_ready(self, timeout_s: float = 120) -> None:
        """Wait until the script starts.

        Raises:
            GuestTimeoutError: it did not start in time.
            GuestError: QEMU ended before.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            code = self._running().poll()  # before its status is read: a short script may end in between
            if "ready" in self._status():
                break
            if code is not None:
                raise GuestError(self._describe(f"ended before its script (QEMU: {code})"))
            if time.monotonic() > deadline:
                raise GuestTimeoutError(self._describe(f"did not boot within {timeout_s:g} s"))
            time.sleep(0.05)
        self._ready_ns = self._ready_ns or time.monotonic_ns()

    def wait(self, timeout_s: float = 300) -> int:
        """Wait for the guest's end and return the script's exit code.

        Raises:
            GuestTimeoutError: it was still running; it is killed.
            GuestError: it ended without an exit code.
        """
        process = self._running()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.stop()
            raise GuestTimeoutError(self._describe(f"was still running after {timeout_s:g} s")) from None
        if self._reader:
            self._reader.join(5)
        codes = [line for line in self._status() if line.isdecimal()]
        if not codes:
            raise GuestError(self._describe(f"ended without an exit code (QEMU: {process.returncode})"))
        return int(codes[-1])

    def console(self) -> str:
        """Return the kernel's messages so far."""
        file = self._run / "console"
        return file.read_text(errors="replace").replace("\r", "") if file.is_file() else ""

    def stop(self) -> None:
        """Kill the guest if it runs, and remove its files and taps; may be called again."""
        process = self._process
        if process:
            if process.poll() is None:
                process.kill()
            process.wait()
            if self._reader:
                self._reader.join(5)
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()
        self._cleanup.close()

    def _make_taps(self) -> None:
        taps = [nic for nic in self.config.nics if nic.kind == "tap"]
        for nic in self.config.nics:
            if nic.kind == "dgram":
                self._cleanup.callback(Path(nic.place).unlink, missing_ok=True)
        if not taps:
            return
        from dpu_emu.lab.netns import Namespace  # pyroute2 is needed for taps only

        space = Namespace(self.config.netns)
        self._cleanup.callback(space.close)
        for nic in taps:
            if nic.bridge and not space.has(nic.bridge):
                space.bridge(nic.bridge)
            if not space.has(nic.place):
                space.tap(nic.place, nic.mtu, nic.bridge)
                self._cleanup.callback(space.delete, nic.place)
            for address in nic.host_addresses:
                space.address(nic.bridge or nic.place, address)

    def _read(self) -> None:
        """Collect the script's output until QEMU closes it."""
        process = self._running()
        assert process.stdout is not None
        for chunk in iter(lambda: os.read(process.stdout.fileno(), 65536), b""):  # type: ignore[union-attr]
            self._chunks.append(chunk)
            if self._on_output:
                self._on_output(chunk)

    def _status(self) -> list[str]:
        """Return the lines that the guest's init has reported."""
        file = self._run / "status"
        return file.read_text(errors="replace").split() if file.is_file() else []

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise GuestError(f"guest {self.config.name} is not started")
        return self._process

    def _describe(self, what: str) -> str:
        """Return an error message with the ends of QEMU's errors and of the guest's console."""
        parts = [f"guest {self.config.name} {what}"]
        process = self._running()
        if process.poll() is not None and process.stderr and not process.stderr.closed:
            parts.append("QEMU: " + process.stderr.read().decode(errors="replace").strip())
        parts += ["output: " + self.output[-_CONSOLE_TAIL:], "console: " + self.console()[-_CONSOLE_TAIL:]]
        return "\n".join(part for part in parts if not part.endswith(": "))


def run(
    config: GuestConfig, *, timeout_s: float = 300, on_output: Callable[[bytes], None] | None = None
) -> GuestResult:
    """Boot a guest, run its script to the end and return how it went.

    Raises:
        GuestTimeoutError: the whole took longer than ``timeout_s``.
        GuestError: the guest ended without an exit code.
    """
    start_ns = time.monotonic_ns()
    with Guest(config, on_output) as guest:
        guest.wait_ready(timeout_s)
        left_s = timeout_s - (time.monotonic_ns() - start_ns) / 1e9
        code = guest.wait(max(1.0, left_s))
        return GuestResult(code, guest.output, guest.boot_ns, time.monotonic_ns() - start_ns)


def print_output(chunk: bytes) -> None:
    """Pass a guest's output on to this process's standard output: an ``on_output``."""
    sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
