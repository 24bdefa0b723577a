"""Our software DPU in a process inside a namespace, with the same methods as Soft-RoCE in a guest."""

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from datapath.port import Direction
from dpu_emu.lab.errors import LabError
from dpu_emu.lab.netns import Namespace
from tests.e2e.rxe import ROOT, VerbsPeer


class DpuPeer(VerbsPeer):
    """A process that runs ``dpu_peer.py`` on one address of the namespace; a context manager."""

    def __init__(self, space: Namespace, address: str, options: Sequence[str] = ()) -> None:
        self.address = address
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(90)
        self._buffer = b""
        self._sent = 0
        with theirs:
            argv = [sys.executable, "-m", "tests.e2e.dpu_peer", address, *options]
            self._process = subprocess.Popen(
                space.command(argv), stdin=theirs.fileno(), stdout=theirs.fileno(), cwd=ROOT
            )
        try:
            self._reply("open")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process's input, and with it the process."""
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self._process.kill()
        self._process.wait()

    def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send one command and return its reply.

        Raises:
            PeerCommandError: the process refused it.
            LabError: the process ended.
        """
        self._sent += 1
        self._socket.sendall(json.dumps({"id": self._sent, "op": op, **fields}).encode() + b"\n")
        return self._reply(op)

    def faults(self, *, marked: Direction | None = None, **faults: Any) -> None:
        """Lose, duplicate ... from now on what ``datapath.port.Faults`` says; nothing without arguments.

        ``marked`` packets pass as through a congested switch: CE where the sender said ECT.
        """
        rules = [] if marked is None else [{"action": "MARK_CE", "direction": marked}]
        self.call("faults", faults=faults, rules=rules)

    def stats(self) -> dict[str, dict[str, int]]:
        """Return the counters of the port: of its outermost layer (``outer``) and of the socket (``base``)."""
        return self.call("stats")

    def _reply(self, op: str) -> dict[str, Any]:
        while True:
            while b"\n" not in self._buffer:
                chunk = self._socket.recv(1 << 16)
                if not chunk:
                    raise LabError(f"{op}: the process on {self.address} ended")
                self._buffer += chunk
            line, _, self._buffer = self._buffer.partition(b"\n")
            if reply := self.answered(op, self._sent, line):
                return reply
