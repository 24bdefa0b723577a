"""Ports from Python: where a device's frames leave and enter the process, and what may be wrapped around that.

A port is made, wrapped, and given to one device, which owns it from then on. Python sets ports up; frames never pass
through it.
"""

import os
import weakref
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from mmap import mmap
from typing import Any, Protocol, Self, TypeAlias

from datapath import _native
from datapath._native import Direction, FaultAction
from datapath.errors import CallerError

__all__ = [
    "Capture",
    "CapturePort",
    "Direction",
    "FaultAction",
    "FaultPort",
    "Faults",
    "Port",
    "Rate",
    "RatePort",
    "Rule",
    "Wrapper",
    "wrap",
]


Owner: TypeAlias = AbstractContextManager[Any]
"""What drives a port; entering it keeps others from driving it."""


class Port:
    """A port that nobody uses yet. ``Port.mem_pair`` makes base ports; wrappers take one and return another."""

    def __init__(self, handle: _native.Handle, inner: "Port | None" = None) -> None:
        """Own a port of the C library; for the constructors."""
        self.inner = inner
        """The port that this one wraps."""
        self._raw = handle
        self._owner: Port | Owner | None = None
        self._free = weakref.finalize(self, _native.port_free, handle)
        if inner:
            inner.take(self)

    @classmethod
    def mem_pair(cls, *, depth: int = 4096, latency_ns: int = 1000) -> "tuple[Port, Port]":
        """Return two ports joined back to back; a frame takes ``latency_ns``, and ``depth`` of them fit on the way.

        Raises:
            CallerError: ``depth`` is zero or too large.
        """
        first, second = _native.port_mem_pair(depth, latency_ns)
        return Port(first), Port(second)

    @property
    def handle(self) -> _native.Handle:
        """The C library's object.

        Raises:
            CallerError: the device that had the port is closed.
        """
        if self._raw is None:
            raise CallerError(f"{type(self).__name__}: its device is closed")
        return self._raw

    @property
    def mtu(self) -> int:
        """The largest IP packet, in bytes."""
        return _native.port_mtu(self.handle)

    def stats(self) -> dict[str, int]:
        """Return the counters of this layer: frames and bytes from the IP header on, and what was lost."""
        return _native.port_stats(self.handle)

    def send(self, ip_packet: bytes, now_ns: int) -> bool:
        """Put a packet on the port, from the IP header on and whatever is in it; false when there is no room.

        With ``recv`` it lets a script play a device, at the other end of a pair.

        Raises:
            CallerError: the port belongs to a device, or takes no packet of that length.
        """
        self.check_free()
        return _native.port_send(self.handle, ip_packet, now_ns * 1000)

    def recv(self, now_ns: int) -> tuple[int, bytes] | None:
        """Return the oldest packet that has arrived, from the IP header on, and its time in ns; or ``None``.

        Raises:
            CallerError: the port belongs to a device.
        """
        self.check_free()
        packet = _native.port_recv(self.handle, now_ns * 1000)
        return packet and (packet[0] // 1000, packet[1])

    def take(self, owner: "Port | Owner") -> _native.Handle:
        """Give the port to a device's driver or to a wrapper, which frees it.

        Raises:
            CallerError: it was given away already.
        """
        self.check_free()
        self._owner = owner
        self._free.detach()
        return self.handle

    def check_free(self) -> None:
        """Raise ``CallerError`` if the port was given away."""
        if self._owner is not None:
            raise CallerError(f"{type(self).__name__}: already belongs to a device or a wrapper")

    def guard(self) -> "Owner":
        """Return a context manager that keeps the driver's thread off the port."""
        owner = self._owner
        return nullcontext() if owner is None else owner.guard() if isinstance(owner, Port) else owner

    def freed(self) -> None:
        """Say that the port and what it wraps exist no more; for the owner."""
        self._raw = None
        if self.inner:
            self.inner.freed()


class UdpPort(Port):
    """A port on a bound UDP socket, which stays the caller's and must outlive the port."""

    def __init__(self, fd: int) -> None:
        super().__init__(_native.udp_new(fd))
        self.sport = _native.port_sport(self.handle)
        """The UDP source port of every packet, the socket's own."""
        self.pins: list[object] = []
        """What keeps node memory mapped; to be cleared when the port is freed."""

    def set_self(self, memory: mmap, slot: int) -> None:
        """Release credit in the node's memory, whose ``slot`` this is, for what is received."""
        with self.guard():
            self.pins.append(_native.udp_set_self(self.handle, memory, slot))

    def set_peer(self, ip: bytes, memory: mmap, sender: int) -> None:
        """Let packets to ``ip`` (16 bytes) wait for credit of the node with this memory, as its ``sender``."""
        with self.guard():
            self.pins.append(_native.udp_set_peer(self.handle, ip, memory, sender))

    def stats(self) -> dict[str, int]:
        """Return the counters of this layer, and those that only a UDP port has."""
        return super().stats() | _native.udp_stats(self.handle)


class Wrapper(Protocol):
    """Something that goes around a port, such as ``Faults``."""

    def around(self, port: Port) -> Port:
        """Return the wrapped port; ``port`` belongs to it."""


def wrap(port: Port, wrappers: Iterable[Wrapper]) -> Port:
    """Return ``port`` with wrappers around it, the first one innermost."""
    for wrapper in wrappers:
        port = wrapper.around(port)
    return port


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault for chosen frames: those whose bytes at ``offset`` of the UDP payload equal ``value`` under ``mask``.

    Of the matches the first ``skip`` pass and the next ``count`` (0: all) get the action. The BTH is at offset 0: its
    opcode is byte 0, its PSN bytes 9 to 11.
    """

    action: FaultAction = FaultAction.DROP
    offset: int = 0
    value: bytes = b""
    mask: bytes | None = None
    """As long as ``value``; all ones if not given."""
    direction: Direction = Direction.TX
    skip: int = 0
    count: int = 1
    delay_ns: int = 0

    @classmethod
    def on_packet(
        cls,
        *,
        psn: int | None = None,
        opcode: int | None = None,
        nth: int = 1,
        count: int = 1,
        action: FaultAction = FaultAction.DROP,
        direction: Direction = Direction.TX,
        delay_ns: int = 0,
    ) -> Self:
        """Return a rule for RoCEv2 packets with this PSN and opcode: the ``nth`` such, and ``count`` from there on.

        Raises:
            CallerError: both are given, or do not fit.
        """
        if psn is not None and opcode is not None:
            raise CallerError("Rule: give either psn or opcode, a rule compares at most 8 adjacent bytes")
        offset, size, number = (9, 3, psn) if psn is not None else (0, 1, opcode) if opcode is not None else (0, 0, 0)
        try:
            value = (number or 0).to_bytes(size, "big")
        except OverflowError:
            raise CallerError(f"Rule: psn {psn} exceeds 24 bits, or opcode {opcode} 8") from None
        return cls(action, offset, value, None, direction, nth - 1, count, delay_ns)


@dataclass(frozen=True, slots=True)
class Faults:
    """Loss, duplication, reordering, corruption and delay by seeded chance (0.0 to 1.0), and by rules.

    Each frame draws the chances in this order and the first that hits is its fate; a rule that acts comes before.
    """

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0
    seed: int = 0
    direction: Direction = Direction.BOTH
    """Which frames the chances are for; each rule has its own."""
    reorder_frames: int = 3
    """A reordered frame waits until this many have passed, at most ``reorder_ns``."""
    reorder_ns: int = 1_000_000
    delay_min_ns: int = 0
    delay_max_ns: int = 0
    spare_headers: bool = False
    """Corruption leaves the IP and UDP headers alone."""
    rules: Sequence[Rule] = ()

    def around(self, port: Port) -> "FaultPort":
        """Return ``port`` with these faults.

        Raises:
            CallerError: a chance is not between 0 and 1, or a number does not fit.
        """
        return FaultPort(port, self)


class FaultPort(Port):
    """A port with faults, which can be changed while it runs."""

    def __init__(self, inner: Port, faults: Faults) -> None:
        inner.check_free()
        raw = _native.fault_new(inner.handle, _fault_numbers(faults))
        super().__init__(raw, inner)
        self.set(faults)

    def set(self, faults: Faults) -> None:
        """Change chances and rules; both start anew."""
        with self.guard():
            _native.fault_set(self.handle, _fault_numbers(faults))
            self.set_rules(faults.rules)

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Change the rules, at most 32, whose counts start at zero."""
        with self.guard():
            _native.fault_set_rules(self.handle, [_rule_numbers(rule) for rule in rules])

    def rule_hits(self, rule: int) -> int:
        """Return how many frames the rule acted on."""
        return _native.fault_rule_hits(self.handle, rule)


@dataclass(frozen=True, slots=True)
class Capture:
    """A pcapng file of all frames that pass, as Ethernet frames with nanosecond times."""

    path: str | os.PathLike[str]
    unix_ns: int = 0
    """The time of the port's own 0, added to every frame's."""
    snaplen: int = 0
    """Bytes kept of each frame; 0: all."""
    name: str = ""
    """What the file calls the interface."""

    def around(self, port: Port) -> "CapturePort":
        """Return ``port`` with this capture.

        Raises:
            OSError: the file cannot be made.
        """
        return CapturePort(port, self)


class CapturePort(Port):
    """A port that writes what passes into a file."""

    def __init__(self, inner: Port, capture: Capture) -> None:
        path = os.fspath(capture.path)
        inner.check_free()
        raw = _native.pcap_new(inner.handle, path, capture.unix_ns, capture.snaplen, capture.name)
        super().__init__(raw, inner)
        self.path = path

    def flush(self) -> None:
        """Write out what is buffered.

        Raises:
            OSError: the capture has ended, because the file could not be written. The traffic goes on.
        """
        with self.guard():
            code = -_native.pcap_flush(self.handle)
        if code:
            raise OSError(code, os.strerror(code), self.path)

    @property
    def frames(self) -> int:
        """Frames captured."""
        return _native.pcap_frames(self.handle)[0]

    @property
    def lost(self) -> int:
        """Frames not captured, because the capture had ended."""
        return _native.pcap_frames(self.handle)[1]


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket for what is sent: ``rate_bps`` bits a second in the long run, ``burst_bytes`` at once."""

    rate_bps: int
    burst_bytes: int = 65536
    overhead_bytes: int = 38
    """Added to each frame's bytes from the IP header on; 38 is what Ethernet adds on the wire."""

    def around(self, port: Port) -> "RatePort":
        """Return ``port`` with this limit.

        Raises:
            CallerError: the rate is below 1000, or the burst too small for one frame.
        """
        return RatePort(port, self)


class RatePort(Port):
    """A port that sends at a limited rate."""

    def __init__(self, inner: Port, rate: Rate) -> None:
        inner.check_free()
        raw = _native.rate_new(inner.handle, rate.rate_bps, rate.burst_bytes, rate.overhead_bytes)
        super().__init__(raw, inner)

    def set(self, rate: Rate) -> None:
        """Change the limit; the bucket starts full."""
        with self.guard():
            _native.rate_set(self.handle, rate.rate_bps, rate.burst_bytes, rate.overhead_bytes)


def _ppb(name: str, chance: float) -> int:
    if not 0 <= chance <= 1:
        raise CallerError(f"Faults: {name} {chance} is not between 0 and 1")
    return round(chance * 1_000_000_000)


def _fault_numbers(faults: Faults) -> dict[str, int]:
    return {
        "seed": faults.seed,
        "dir": faults.direction,
        "loss_ppb": _ppb("loss", faults.loss),
        "dup_ppb": _ppb("duplicate", faults.duplicate),
        "reorder_ppb": _ppb("reorder", faults.reorder),
        "corrupt_ppb": _ppb("corrupt", faults.corrupt),
        "delay_ppb": _ppb("delay", faults.delay),
        "reorder_frames": faults.reorder_frames,
        "data_only": int(faults.spare_headers),
        "reorder_ps": faults.reorder_ns * 1000,
        "delay_min_ps": faults.delay_min_ns * 1000,
        "delay_max_ps": faults.delay_max_ns * 1000,
    }


def _rule_numbers(rule: Rule) -> dict[str, int | bytes]:
    mask = b"\xff" * len(rule.value) if rule.mask is None else rule.mask
    if len(rule.value) > 8 or len(mask) != len(rule.value):
        raise CallerError(f"Rule: value of {len(rule.value)} and mask of {len(mask)} bytes, equal and at most 8")
    return {
        "offset": rule.offset,
        "len": len(rule.value),
        "mask": mask,
        "value": rule.value,
        "dir": rule.direction,
        "action": rule.action,
        "skip": rule.skip,
        "count": rule.count,
        "delay_ps": rule.delay_ns * 1000,
    }
