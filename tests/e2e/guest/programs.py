"""Programs that run beside the one who started them: perftest's servers and clients, in a guest and on the host.

This file runs in the guest, too: it needs Python and nothing else.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code (negative: a signal, ours if it took too long), output and CPU seconds."""

    code: int
    output: str
    user_s: float
    system_s: float


def listens(pid: int, port: int) -> bool:
    """Return whether anybody listens on a TCP port of a process's network namespace. A connection would be taken."""
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # it has ended
            return False
        rows = [line.split() for line in lines]
        if any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows):
            return True
    return False


class Program:
    """A program that runs, with its output in a file; ``wait`` or ``kill`` ends it."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the program
        self._process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT
        )

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    def wait_for_listener(self, port: int, timeout_s: float) -> bool:
        """Wait until the program listens on a TCP port; False if it does not in time, or has ended."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return False
            if listens(self.pid, port):
                return True
            time.sleep(0.02)
        return False

    def wait(self, timeout_s: float) -> Ended:
        """Wait for the program's end; one that takes longer is killed."""
        deadline = time.monotonic() + timeout_s
        while not os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if time.monotonic() > deadline:
                self._process.kill()
                break
            time.sleep(0.02)
        _, status, usage = os.wait4(self.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._output.seek(0)
        output = self._output.read().decode(errors="replace")
        self._output.close()
        return Ended(self._process.returncode, output, usage.ru_utime, usage.ru_stime)
