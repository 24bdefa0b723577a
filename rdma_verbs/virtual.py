"""Virtual time: devices on one clock that jumps from event to event, for tests and for replaying a bug.

The engine, the wire format and the port wrappers are those of a live device. Nothing waits, and nothing is random that
has no seed, so a run repeats to the packet.
"""

import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from datapath.port import Port, Wrapper, wrap
from rdma_verbs._native import NEVER_PS, Net
from rdma_verbs.addr import GID
from rdma_verbs.attr import DeviceConfig
from rdma_verbs.cq import CQ
from rdma_verbs.device import Context, with_address

__all__ = ["VirtualNet"]

_MAX_EVENTS = 100_000_000


class VirtualNet:
    """Devices and ports on one virtual clock, which starts at 0 and moves only while ``run`` or ``run_until`` runs.

    The contexts keep the net alive, and share one lock.
    """

    def __init__(self) -> None:
        self.native = Net()
        """For the other files of this package."""
        self.contexts: weakref.WeakSet[Context] = weakref.WeakSet()
        """The devices on it."""

    @property
    def now_ns(self) -> int:
        """Virtual time."""
        return self.native.now_ps // 1000

    def device(self, port: Port, address: str | GID, config: DeviceConfig | None = None) -> Context:
        """Return a new device on ``port``, which from now on belongs to the net.

        Raises:
            CallerError: an address or a limit is illegal, or the port was given away already.
        """
        context = Context(with_address(config, address), port, self)
        self.contexts.add(context)
        return context

    def pair(
        self,
        *,
        addresses: tuple[str | GID, str | GID] = ("10.0.0.1", "10.0.0.2"),
        config: DeviceConfig | tuple[DeviceConfig, DeviceConfig] | None = None,
        latency_ns: int = 1000,
        depth: int = 4096,
        wrappers: tuple[Sequence[Wrapper], Sequence[Wrapper]] = ((), ()),
    ) -> tuple[Context, Context]:
        """Return two devices joined back to back.

        A frame arrives ``latency_ns`` after it was sent; ``depth`` frames fit on the way. ``wrappers`` (faults,
        captures, rates) go around each device's port, the first one innermost.
        """
        configs = config if isinstance(config, tuple) else (config, config)
        ports = Port.mem_pair(depth=depth, latency_ns=latency_ns)
        first, second = (
            self.device(wrap(port, around), address, one)
            for port, around, address, one in zip(ports, wrappers, addresses, configs, strict=True)
        )
        return first, second

    def run_until(self, now_ns: int, *, max_events: int = _MAX_EVENTS) -> int:
        """Run every event up to and including ``now_ns``, and let the clock show that. Returns how many events.

        Raises:
            DpuError: ``max_events`` ran and the end was not reached.
        """
        with self.native.lock:
            return self.native.run((), now_ns * 1000, max_events)

    def run(
        self, until_cqe: CQ | Sequence[CQ] = (), *, limit_ns: int | None = None, max_events: int = _MAX_EVENTS
    ) -> int:
        """Run until one of the queues holds an entry, nothing is left to happen, or ``limit_ns``. Returns events run.

        Raises:
            CallerError: a queue is closed.
            DpuError: ``max_events`` ran and nothing of this came true.
        """
        queues = (until_cqe,) if isinstance(until_cqe, CQ) else until_cqe
        until_ps = NEVER_PS if limit_ns is None else limit_ns * 1000
        with self.native.lock:
            return self.native.run([cq.handle for cq in queues], until_ps, max_events)

    def close(self) -> None:
        """Close every device of the net."""
        for context in list(self.contexts):
            context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
