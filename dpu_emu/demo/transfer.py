"""Runs one transfer between two node processes, and tells what it took."""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from datapath.errors import CallerError, DpuError

__all__ = ["Act", "ActResult", "node_address", "run_act"]

_SILENCE_S = 60.0
# Not from the working directory, whose files might have the names of modules.
_NODE = [sys.executable, "-P", "-m", "dpu_emu.demo.node"]


def node_address(number: int) -> str:
    """Return the loopback address of a node of this user's demo: a node belongs to one uid, so each has its own."""
    uid = os.getuid()
    return f"127.{64 + (uid >> 8) % 64}.{uid % 256}.{number}"


@dataclass(frozen=True, slots=True)
class Act:
    """One transfer of ``source_path`` into ``target_path``, which is made anew with the same length."""

    name: str
    source_path: Path
    target_path: Path
    source_address: str = field(default_factory=lambda: node_address(1))
    target_address: str = field(default_factory=lambda: node_address(2))
    loss: float = 0.0
    """Chance that a packet is lost, in either direction."""
    selective_repeat: bool = False
    """Send again only what is lost, instead of everything from there on."""
    capture: Path | None = None
    """pcapng of what the target's DPU receives and sends."""
    seed: int = 1


@dataclass(frozen=True, slots=True)
class ActResult:
    """What a transfer took. Counters of the source's DPU are under ``source``, of the target's under ``target``."""

    name: str
    bytes: int
    elapsed_ns: int
    """From the first post to the last completion, at the source."""
    source: dict[str, int] = field(default_factory=dict)
    target: dict[str, int] = field(default_factory=dict)
    drops: dict[str, int] = field(default_factory=dict)
    """Packets that either engine dropped, by reason, and those lost on purpose as ``fault_loss``."""

    @property
    def throughput_bps(self) -> int:
        """Payload bits per second."""
        return self.bytes * 8 * 1_000_000_000 // max(1, self.elapsed_ns)


class _Node:
    """A node process and the lines it speaks."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.role = task["role"]
        self._process = subprocess.Popen(_NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self._process.stdout is not None
        self.stdout = self._process.stdout
        self._heard = b""
        self.tell(task)

    def tell(self, words: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(words).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._failed()

    def hear(
        self, event: str, progress: Callable[[int], None] | None = None, other: "_Node | None" = None
    ) -> dict[str, Any]:
        """Return the next line that is not progress; it must be ``event``. ``other`` must not fail meanwhile.

        Raises:
            DpuError: a node ended, said something else, or nothing for a minute.
        """
        while True:
            line = self._line(other)
            try:
                said: dict[str, Any] = json.loads(line)
                kind = said["event"]
            except (ValueError, KeyError, TypeError):
                raise DpuError(f"demo: the {self.role} node said {line[:200]!r} instead of {event!r}") from None
            if kind == event:
                return said
            if kind != "progress":
                raise DpuError(f"demo: the {self.role} node said {kind!r} instead of {event!r}")
            if progress:
                progress(said["done_bytes"])

    def _line(self, other: "_Node | None") -> bytes:
        with selectors.DefaultSelector() as selector:
            for node in (self, other):
                if node:
                    selector.register(node.stdout, selectors.EVENT_READ, node)
            while b"\n" not in self._heard:
                ready = selector.select(_SILENCE_S)
                if not ready:
                    raise DpuError(f"demo: the {self.role} node says nothing for {_SILENCE_S:g} s")
                for key, _ in sorted(ready, key=lambda one: one[0].data is self):
                    # The other one first: when it has ended, that is why this one fails.
                    key.data.read()
        line, _, self._heard = self._heard.partition(b"\n")
        return line

    def read(self) -> None:
        """Take what it has said; there must be something.

        Raises:
            DpuError: the node ended.
        """
        more = os.read(self.stdout.fileno(), 65536)
        if not more:
            self._failed()
        self._heard += more

    def _failed(self) -> NoReturn:
        code = self._process.wait(10)
        assert self._process.stderr is not None
        lines = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        raise DpuError(f"demo: the {self.role} node ended: {lines[-1] if lines else how}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.communicate(timeout=30)


def run_act(act: Act, progress: Callable[[int], None] | None = None) -> ActResult:
    """Run a transfer in two processes; ``progress`` is called with the bytes acknowledged so far.

    Raises:
        CallerError: the source is empty, or would be overwritten.
        DpuError: a node failed; the message names it and is its own.
    """
    size = act.source_path.stat().st_size
    if not size:
        raise CallerError(f"demo: {act.source_path} is empty")
    for path in (act.target_path, act.capture):
        if path and path.exists() and path.samefile(act.source_path):
            raise CallerError(f"demo: {act.source_path} would be overwritten; name another folder with --out")
    with act.target_path.open("wb") as file:
        # Its blocks now: to run out of them while the mapped file is written would be a signal.
        os.posix_fallocate(file.fileno(), 0, size)

    def task(role: str, address: str, path: Path, capture: Path | None, seed: int) -> dict[str, Any]:
        return {
            "role": role,
            "address": address,
            "path": str(path),
            "loss": act.loss,
            "selective_repeat": act.selective_repeat,
            "seed": seed,
            "capture": str(capture) if capture else None,
        }

    with (
        _Node(task("target", act.target_address, act.target_path, act.capture, act.seed)) as target,
        _Node(task("source", act.source_address, act.source_path, None, act.seed + 1)) as source,
    ):
        at_target, at_source = target.hear("endpoint", other=source), source.hear("endpoint", other=target)
        target.tell(at_source)
        source.tell(at_target)
        for node in (target, source):
            node.hear("ready")
        for node in (target, source):
            node.tell({"go": True})
        elapsed_ns = source.hear("done", progress, other=target)["elapsed_ns"]
        target.hear("done")
        for node in (source, target):
            node.tell({"end": True})
        sent, received = source.hear("counters"), target.hear("counters")
    drops = dict(received["drops"])
    for reason, count in sent["drops"].items():
        drops[reason] = drops.get(reason, 0) + count
    lost = sent["port"]["fault_dropped"] + received["port"]["fault_dropped"]
    if lost:
        drops["fault_loss"] = lost
    return ActResult(act.name, size, elapsed_ns, sent["counters"], received["counters"], drops)
