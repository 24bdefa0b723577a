"""A device as a program sees it: ``Context``, on the real clock or in virtual time, with the same objects on it."""

import dataclasses
import ipaddress
import random
import secrets
import time
import weakref
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self

from datapath.errors import CallerError
from datapath.port import Port, UdpPort, Wrapper, wrap
from rdma_verbs._native import Engine
from rdma_verbs._native_local import LocalPath
from rdma_verbs.addr import GID
from rdma_verbs.attr import DeviceConfig
from rdma_verbs.congestion import CcAlgorithm
from rdma_verbs.cq import CQ
from rdma_verbs.enums import EventType, Mtu
from rdma_verbs.groups import Groups
from rdma_verbs.resource import Resource

if TYPE_CHECKING:
    from rdma_verbs.dm import DM
    from rdma_verbs.node import NodeAttachment, PeerNode
    from rdma_verbs.pd import PD
    from rdma_verbs.virtual import VirtualNet
    from rdma_verbs.xrcd import XRCD

__all__ = ["HCA_CORE_CLOCK_KHZ", "AsyncEvent", "Context", "Driver", "RtValues"]

HCA_CORE_CLOCK_KHZ = 1_000_000_000
"""Ticks of a device's clock per millisecond (``hca_core_clock``): they are picoseconds."""

# IPv6, UDP, BTH, the longest extension headers (AtomicETH) and ICRC around the payload.
_DILATION_MAX = 1_000_000
_HEADERS_BYTES = 40 + 8 + 12 + 28 + 4
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class AsyncEvent:
    """Something happened that no completion tells."""

    type: EventType
    num: int
    """Number of the queue pair, completion queue, shared receive queue or port."""
    element: Resource | None
    """The object it happened to, if it still exists."""


@dataclass(frozen=True, slots=True)
class RtValues:
    """A device's clock and the time of day at one moment, as ``ibv_query_rt_values_ex`` tells them."""

    raw_clock_ps: int
    """Picoseconds since the device was opened, or since its net was made: ``WC.timestamp_ps`` counts the same."""
    wallclock_ns: int
    """Nanoseconds since 1970, UTC; in virtual time since the net was made."""

    def wallclock_of(self, timestamp_ps: int) -> int:
        """Return the time of day of a completion, in ns since 1970; good as long as nobody sets the clock."""
        return self.wallclock_ns + (timestamp_ps - self.raw_clock_ps) // 1000


class Driver(Protocol):
    """What waits for a context's completions and events; ``rdma_verbs.driver`` has those for asyncio."""

    def wake(self) -> None:
        """Something was closed: let every waiter look again. Called from any thread."""

    def detach(self) -> None:
        """Let go of the context. Called from any thread."""


class Context:
    """An opened device: ``Context.open`` on a UDP socket, ``Context.over`` any port, ``VirtualNet`` in virtual time.

    It may be used from several threads. Closing it closes everything on it; so does forgetting it.
    """

    def __init__(self, config: DeviceConfig, port: Port, net: "VirtualNet | None" = None, *, dilation: int = 1) -> None:
        """Take over a port and drive a new engine on it; for the constructors above."""
        port.check_free()
        if net is None and not config.seed:
            config = dataclasses.replace(config, seed=secrets.randbits(64))  # keys that nobody can guess
        self.name = f"device {config.gids[0]}"
        self.engine = engine = Engine(config, net.native if net else None)
        """For the other files of this package."""
        self.net = net
        """The virtual net it is part of; ``None`` when it is live."""
        self.port = port
        """What it sends and receives on: its counters, its faults, its capture."""
        self.port_mtu = port.mtu
        engine.start(port, dilation)
        with engine:
            self.config = engine.config()
        self.gids: tuple[GID, ...] = self.config.gids
        self.driver: Driver | None = None
        self._closed = False
        self._children: weakref.WeakSet[PD | CQ | DM | XRCD] = weakref.WeakSet()
        self._events: deque[AsyncEvent] = deque()
        self._fired: dict[CQ, None] = {}  # in the order of firing, each once
        self._node: NodeAttachment | None = None
        self._udp: UdpPort | None = None
        self._reached: dict[GID, PeerNode] = {}
        self.local: LocalPath | None = None
        """Its way to processes of this machine without packets."""
        self.groups: Groups | None = None
        """Multicast groups of a node's socket; for queue pairs."""
        self._random = random.Random(self.config.seed)  # repeatable on purpose

    @classmethod
    def open(
        cls,
        address: str | GID = "127.0.0.1",
        *,
        config: DeviceConfig | None = None,
        wrappers: Iterable[Wrapper] = (),
        transport: Literal["udp", "local"] = "udp",
        check: bool = False,
    ) -> Self:
        """Return a live device on UDP port 4791 of an address of this machine.

        The processes that use one address share it through the address's node agent, which the first one starts.
        ``wrappers`` (faults, captures, rates) go around the port, the first one innermost. ``transport="local"``
        reaches processes of this machine that have it, too, by shared memory and copies from process to process in
        place of packets, where that is possible, and no wrapper or congestion control wants packets. ``check`` compares
        what is placed with what was posted, where both ends are processes of this machine that check (counters
        ``check_*``).

        Raises:
            CallerError: not an address of one host, or a limit is illegal.
            DpuError: the address is not on this machine, or someone else has its port 4791.
        """
        from rdma_verbs.agent.shm import QPS
        from rdma_verbs.node import attach

        wrappers = tuple(wrappers)
        config = with_address(config, address)
        ip = config.gids[0].ip
        if ip.is_unspecified or ip.is_multicast or ip == _BROADCAST:
            raise CallerError(f"device {ip}: not an address of one host")  # bind() would take it
        node = attach(str(config.gids[0]))
        try:
            udp = UdpPort(node.fd)
            udp.set_self(node.shm, node.slot)
            # QPNs 0 and 1 are the management queue pairs.
            first = max(2, node.qpn_base)
            room = node.qpn_base + node.qpn_count - first
            config = dataclasses.replace(
                config, qpn_base=first, qpn_count=min(config.qpn_count or room, room), sport=udp.sport
            )
            context = cls(config, wrap(udp, wrappers))
        except BaseException:
            node.close()
            raise
        memory, slot = node.memory, node.slot
        udp.pins.append(
            context.engine.share_counters(node.shm, memory.counters_offset(slot), memory.qps_offset(slot), QPS)
        )
        groups = Groups(udp, node.fd, context.gids[0])
        packets = transport == "udp" or bool(wrappers) or config.cc.algorithm is not CcAlgorithm.NONE
        local = None
        if check or not packets:
            local = context.engine.use_local(node.shm, slot, packets=packets, check=check)
        if local:
            context.engine.after_free.append(local.close)
        context.engine.after_free += [udp.pins.clear, groups.closer(), node.close]
        context.local = local
        context._node, context._udp, context.groups = node, udp, groups
        return context

    @classmethod
    def over(cls, port: Port, address: str | GID, config: DeviceConfig | None = None, *, dilation: int = 1) -> Self:
        """Return a live device on a port of any sort, which from now on belongs to it.

        ``dilation`` is how many seconds of the clock are one of the device, its timers and its port: with 100, a port
        limited to 100 Gb/s sends 1 Gb/s, and a timeout of 1 ms takes 100 ms. All that talk to each other have the same.

        Raises:
            CallerError: an address or a limit is illegal, or the port was given away already.
        """
        if not 1 <= dilation <= _DILATION_MAX:
            raise CallerError(f"device {address}: dilation {dilation} is not within 1 and {_DILATION_MAX}")
        return cls(with_address(config, address), port, dilation=dilation)

    @property
    def closed(self) -> bool:
        """Whether ``close()`` was called."""
        return self._closed

    @property
    def now_ns(self) -> int:
        """The device's time since it was opened, or virtual time since the net was made."""
        return self.engine.now_ps // 1000

    def query_rt_values(self) -> RtValues:
        """Return the device's clock, which ``WC.timestamp_ps`` is read from, and the time of day, read together."""
        with self.engine as engine:
            self.check_open()
            raw_ps = engine.now_ps
            return RtValues(raw_ps, raw_ps // 1000 if self.net else time.time_ns())

    @property
    def active_mtu(self) -> Mtu:
        """The largest path MTU that fits both the device and its port."""
        room = [mtu for mtu in Mtu if mtu.bytes + _HEADERS_BYTES <= self.port_mtu]
        limit = self.config.max_mtu or Mtu.MTU_4096
        return min(limit, max(room, default=Mtu.MTU_256))

    def counters(self) -> dict[str, int]:
        """Return all counters: those of ``rdma statistic`` by their Linux names, then ours, drops with ``drop_``."""
        with self.engine as engine:
            self.check_open()
            return engine.counters()

    def drops(self) -> dict[str, int]:
        """Return the packets that were dropped, by reason; reasons that never happened are left out."""
        with self.engine as engine:
            self.check_open()
            return engine.drops()

    def pause(self, *priorities: int) -> None:
        """Send nothing of these priorities until the next call; ``pause()`` ends every pause.

        As PFC does: the others go on, and a pause counts for no timeout.

        Raises:
            CallerError: a priority is not between 0 and 7.
        """
        for priority in priorities:
            if priority not in range(8):
                raise CallerError(f"{self.name}: priority {priority!r} is not between 0 and 7")
        with self.engine as engine:
            self.check_open()
            engine.pause(sum(1 << priority for priority in set(priorities)))

    @property
    def link_up(self) -> bool:
        """Whether packets pass the port's link."""
        with self.engine as engine:
            self.check_open()
            return engine.link()

    def set_link(self, up: bool) -> None:
        """Pull the cable, or put it back: the event ``PORT_ERR`` or ``PORT_ACTIVE`` follows.

        While the link is down whatever is sent or comes is lost (``send_err``, ``drop_link_down``); the queue pairs
        notice by their timeouts only.
        """
        with self.engine as engine:
            self.check_open()
            engine.set_link(up)

    def next_event(self) -> AsyncEvent | None:
        """Return the oldest asynchronous event that nobody took yet, or ``None``."""
        self.collect()
        return self._events.popleft() if self._events else None

    def notified(self) -> list[CQ]:
        """Return the queues whose notification (``CQ.req_notify``) fired since the last call."""
        self.collect()
        fired = list(self._fired)
        self._fired.clear()
        return fired

    async def event(self) -> AsyncEvent:
        """Return the next asynchronous event, waiting for it; needs a running asyncio loop.

        Raises:
            CallerError: the context is or gets closed.
        """
        from rdma_verbs.driver import driver_of

        return await driver_of(self).wait_event()

    def event_fd(self) -> int:
        """Return a descriptor that is readable when a notification fired or an event came; -1 in virtual time.

        To wait without asyncio: ``select`` on it, read its 8 bytes, then call ``notified`` and ``next_event``.
        """
        self.check_open()
        return self.engine.event_fd()

    def close(self) -> None:
        """Close everything on the device, then the device. The second time does nothing, nor in a forked child."""
        if self.engine.forked:
            return  # it is the parent's
        with self.engine:
            if self._closed:
                return
            # Domains first: they close the queue pairs, which use the queues.
            for child in sorted(self._children, key=lambda child: isinstance(child, CQ)):
                child.close()
            self._closed = True
        if self.driver and self.net is None:
            self.driver.detach()
        self.engine.stop()
        if self.net is None:
            self.port.freed()
        self.wake()

    # For the other files of this package

    def check_open(self) -> None:
        """Raise ``CallerError`` if the context is closed."""
        if self._closed:
            raise CallerError(f"{self.name} is closed")

    def adopt(self, child: "PD | CQ | DM | XRCD") -> None:
        """Close ``child`` before this one closes."""
        self._children.add(child)

    def reach(self, destination: GID) -> None:
        """Prepare to send to an address: towards another node of this machine, packets wait for credit."""
        known = self._reached.get(destination)
        if self._node is None or self._udp is None or (known and known.alive):
            return
        peer = self._node.peer(str(destination))
        if peer:
            self._udp.set_peer(destination.raw, peer.shm, peer.sender)
            if self.local:
                self.local.add_node(destination.raw, peer.shm)
            self._reached[destination] = peer

    def random_psn(self) -> int:
        """Return the first PSN of a new queue pair."""
        return self._random.getrandbits(24)

    def wake(self) -> None:
        """Let every waiter look again."""
        if self.driver:
            self.driver.wake()

    def collect(self) -> None:
        """Take what fired and what happened from the engine."""
        with self.engine as engine:
            self.check_open()
            while number := engine.next_notified():
                cq = engine.numbered(number)
                if isinstance(cq, CQ):
                    self._fired[cq] = None
            while event := engine.next_event():
                self._events.append(AsyncEvent(event.type, event.num, engine.numbered(event.number)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{self.name}{' closed' if self._closed else ''}>"


def with_address(config: DeviceConfig | None, address: str | GID) -> DeviceConfig:
    """Return ``config`` with ``address`` as its first GID."""
    config = config or DeviceConfig()
    first = GID.of(address)
    return dataclasses.replace(config, gids=(first, *(gid for gid in config.gids if gid != first)))
