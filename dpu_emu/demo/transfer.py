"""Runs one transfer between two node processes, and tells what it took."""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from datapath.errors import DpuError

__all__ = ["Act", "ActResult", "run_act"]

_SILENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Act:
    """One transfer of ``source_path`` into ``target_path``, which is made anew with the same length."""

    name: str
    source_path: Path
    target_path: Path
    source_address: str = "127.77.0.1"
    target_address: str = "127.77.0.2"
    loss: float = 0.0
    """Chance that a packet is lost, in either direction."""
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
        self._role = task["role"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dpu_emu.demo.node"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._heard = b""
        self.tell(task)

    def tell(self, words: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(words).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._failed()

    def hear(self, event: str, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
        """Return the next line that is not progress; it must be ``event``.

        Raises:
            DpuError: the node ended, said something else, or nothing for a minute.
        """
        while True:
            said: dict[str, Any] = json.loads(self._line())
            if said["event"] == event:
                return said
            if said["event"] != "progress":
                raise DpuError(f"demo: the {self._role} node said {said['event']!r} instead of {event!r}")
            if progress:
                progress(said["done_bytes"])

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._heard:
                if not selector.select(_SILENCE_S):
                    raise DpuError(f"demo: the {self._role} node says nothing for {_SILENCE_S:g} s")
                more = os.read(self._process.stdout.fileno(), 65536)
                if not more:
                    self._failed()
                self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return line

    def _failed(self) -> NoReturn:
        self._process.wait(10)
        assert self._process.stderr is not None
        lines = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        raise DpuError(f"demo: the {self._role} node ended: {lines[-1] if lines else self._process.returncode}")

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
        DpuError: a node failed; the message is its own.
    """
    size = act.source_path.stat().st_size
    if not size:
        raise DpuError(f"demo: {act.source_path} is empty")
    with act.target_path.open("wb") as file:
        file.truncate(size)

    def task(role: str, address: str, path: Path, capture: Path | None, seed: int) -> dict[str, Any]:
        return {
            "role": role,
            "address": address,
            "path": str(path),
            "loss": act.loss,
            "seed": seed,
            "capture": str(capture) if capture else None,
        }

    with (
        _Node(task("target", act.target_address, act.target_path, act.capture, act.seed)) as target,
        _Node(task("source", act.source_address, act.source_path, None, act.seed + 1)) as source,
    ):
        at_target, at_source = target.hear("endpoint"), source.hear("endpoint")
        target.tell(at_source)
        source.tell(at_target)
        for node in (target, source):
            node.hear("ready")
        for node in (target, source):
            node.tell({"go": True})
        elapsed_ns = source.hear("done", progress)["elapsed_ns"]
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
