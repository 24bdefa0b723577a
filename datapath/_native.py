"""The only file of this package that touches cffi: C calls in, Python values and exceptions out."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from mmap import mmap
from typing import Any, TypeAlias

from datapath._dp_cffi import ffi, lib
from datapath.errors import CallerError, from_errno

__all__ = [
    "Build",
    "Direction",
    "FaultAction",
    "Handle",
    "build",
    "check",
    "dgram_neigh_stats",
    "dgram_new",
    "dgram_pfc_frames",
    "fault_new",
    "fault_rule_hits",
    "fault_set",
    "fault_set_rules",
    "ffi",
    "lib",
    "new_build",
    "pcap_flush",
    "pcap_frames",
    "pcap_new",
    "port_free",
    "port_mem_pair",
    "port_mtu",
    "port_recv",
    "port_send",
    "port_sport",
    "port_stats",
    "rate_new",
    "rate_set",
    "udp_new",
    "udp_set_peer",
    "udp_set_self",
    "udp_stats",
]


@dataclass(frozen=True, slots=True)
class Build:
    """How the compiled library was made."""

    version: str
    compiler: str
    sanitizers: str


def check(result: int, what: str) -> int:
    """Return ``result``, a C function's count or zero.

    Raises:
        DpuError: ``result`` is a negative errno; ``what`` opens the message.
    """
    if result < 0:
        raise from_errno(result, what)
    return result


def new_build() -> Any:
    """Return a filled ``struct dp_build``, for the modules above."""
    out = ffi.new("struct dp_build *")
    lib.dp_build_get(out)
    return out


def build() -> Build:
    """Return how the compiled library was made."""
    out = new_build()
    return Build(*(ffi.string(field).decode() for field in (out.version, out.compiler, out.sanitizers)))


# Ports

Handle: TypeAlias = Any
"""A pointer into the C library; only the ``_native.py`` files look inside."""


class Direction(IntEnum):
    """Which frames of a port a fault is for, as the port sees them."""

    TX = 1
    RX = 2
    BOTH = 3


class FaultAction(IntEnum):
    """What a rule does to a frame; ``NONE`` lets it pass, untouched by chance too."""

    NONE = 0
    DROP = 1
    DUPLICATE = 2
    CORRUPT = 3
    DELAY = 4
    MARK_CE = 5


def port_mem_pair(depth: int, latency_ns: int) -> tuple[Handle, Handle]:
    """Return two ports joined back to back."""
    out = ffi.new("struct dp_port *[2]")
    what = f"memory pair of depth {depth}, latency {latency_ns} ns"
    with _fitting(what):
        check(lib.dp_port_mem_pair(depth, latency_ns * 1000, out, out + 1), what)
    return out[0], out[1]


def port_free(port: Handle) -> None:
    """Free a port and those that it wraps."""
    lib.dp_port_free(port)


def port_mtu(port: Handle) -> int:
    """Return the largest IP packet."""
    return int(lib.dp_port_mtu(port))


def port_send(port: Handle, ip_packet: bytes, now_ps: int) -> bool:
    """Put a packet on the port; false when it has no room."""
    what = f"packet of {len(ip_packet)} bytes"
    with _fitting(what):
        return bool(check(lib.dp_port_send_bytes(port, ip_packet, len(ip_packet), now_ps), what))


def port_recv(port: Handle, now_ps: int) -> tuple[int, bytes] | None:
    """Return time in ps and bytes of the oldest packet that has arrived."""
    room, ts_ps = ffi.new("uint8_t[]", 1 << 16), ffi.new("uint64_t *")
    got = check(lib.dp_port_recv_bytes(port, room, len(room), now_ps, ts_ps), "port: receive")
    return (int(ts_ps[0]), bytes(ffi.buffer(room, got))) if got else None


def port_sport(port: Handle) -> int:
    """Return the UDP source port that all frames must carry; 0: any."""
    return int(lib.dp_port_sport(port))


def port_stats(port: Handle) -> dict[str, int]:
    """Return the counters of one layer."""
    raw = ffi.new("struct dp_port_stats *")
    lib.dp_port_get_stats(port, raw)
    return {name: int(getattr(raw, name)) for name, _ in ffi.typeof("struct dp_port_stats").fields}


def fault_new(inner: Handle, numbers: Mapping[str, int]) -> Handle:
    """Return ``inner`` with faults around it."""
    return _made(lib.dp_port_fault_new(inner, _struct("struct dp_fault_cfg *", numbers)), "faults")


def fault_set(port: Handle, numbers: Mapping[str, int]) -> None:
    """Change the chances of a port with faults."""
    check(lib.dp_port_fault_set(port, _struct("struct dp_fault_cfg *", numbers)), "faults")


def fault_set_rules(port: Handle, rules: Sequence[Mapping[str, int | bytes]]) -> None:
    """Change the rules of a port with faults."""
    raw = ffi.new("struct dp_fault_rule[]", len(rules))
    for i, rule in enumerate(rules):
        raw[i] = _struct("struct dp_fault_rule *", rule)[0]
    check(lib.dp_port_fault_set_rules(port, raw, len(rules)), f"faults: {len(rules)} rules")


def fault_rule_hits(port: Handle, rule: int) -> int:
    """Return how many frames a rule acted on."""
    with _fitting("faults"):
        return int(lib.dp_port_fault_rule_hits(port, rule))


def pcap_new(inner: Handle, path: str, unix_ns: int, snaplen: int, name: str) -> Handle:
    """Return ``inner`` with a capture into a new file at ``path`` around it.

    Raises:
        OSError: the file cannot be made.
    """
    with _fitting(f"capture {path}"):
        made = lib.dp_port_pcap_new(inner, os.fsencode(path), unix_ns, snaplen, name.encode())
    if not made:
        raise OSError(ffi.errno, os.strerror(ffi.errno), path)
    return made


def pcap_flush(port: Handle) -> int:
    """Write out what is buffered; return 0 or the negative errno that ended the capture."""
    return int(lib.dp_port_pcap_flush(port))


def pcap_frames(port: Handle) -> tuple[int, int]:
    """Return frames captured, and frames not captured because the capture had ended."""
    return int(lib.dp_port_pcap_frames(port)), int(lib.dp_port_pcap_lost(port))


def rate_new(inner: Handle, rate_bps: int, burst_bytes: int, overhead_bytes: int) -> Handle:
    """Return ``inner`` with its transmit side limited."""
    what = f"rate {rate_bps} b/s, burst {burst_bytes} bytes"
    with _fitting(what):
        return _made(lib.dp_port_rate_new(inner, rate_bps, burst_bytes, overhead_bytes), what)


def rate_set(port: Handle, rate_bps: int, burst_bytes: int, overhead_bytes: int) -> None:
    """Change the limit."""
    what = f"rate {rate_bps} b/s, burst {burst_bytes} bytes"
    with _fitting(what):
        check(lib.dp_port_rate_set(port, rate_bps, burst_bytes, overhead_bytes), what)


def dgram_new(
    local: bytes, remote: bytes, ips: Sequence[bytes], numbers: Mapping[str, int | bytes], what: str
) -> Handle:
    """Return a port that sends Ethernet frames in AF_UNIX datagrams."""
    paths = [ffi.new("char[]", path) for path in (local, remote)]
    raw = _struct("struct dp_dgram_cfg *", {**numbers, "nip": len(ips)})
    raw.local_path, raw.remote_path = paths
    for i, ip in enumerate(ips):
        ffi.memmove(raw.ip[i], ip, len(ip))
    return _made(lib.dp_port_dgram_new(raw), what)


def dgram_neigh_stats(port: Handle) -> dict[str, int]:
    """Return what the neighbour core of such a port counted."""
    raw = ffi.new("struct dp_neigh_stats *")
    lib.dp_port_dgram_neigh_stats(port, raw)
    return {name: int(getattr(raw, name)) for name, _ in ffi.typeof("struct dp_neigh_stats").fields}


def dgram_pfc_frames(port: Handle) -> int:
    """Return how many PFC frames such a port has honoured."""
    return int(lib.dp_port_dgram_pfc_frames(port))


def udp_new(fd: int) -> Handle:
    """Return a port on a bound UDP socket."""
    with _fitting("UDP port"):
        return _made(lib.dp_port_udp_new(fd), f"UDP port on descriptor {fd}")


def udp_set_self(port: Handle, memory: mmap, slot: int) -> object:
    """Let the port release credit for what it receives. Returns what pins ``memory``; it must outlive the port."""
    pin = ffi.from_buffer(memory, require_writable=True)
    check(lib.dp_port_udp_set_self(port, pin, len(pin), slot), f"UDP port: slot {slot}")
    return pin


def udp_set_peer(port: Handle, ip: bytes, memory: memoryview, sender: int) -> object:
    """Let packets to ``ip`` wait for credit. Returns what pins ``memory``; it must outlive the port."""
    pin = ffi.from_buffer(memory, require_writable=True)
    check(lib.dp_port_udp_set_peer(port, ip, pin, len(pin), sender), f"UDP port: peer {ip.hex()}")
    return pin


def udp_stats(port: Handle) -> dict[str, int]:
    """Return the counters that only a UDP port has."""
    raw = ffi.new("struct dp_port_udp_stats *")
    lib.dp_port_udp_get_stats(port, raw)
    return {name: int(getattr(raw, name)) for name, _ in ffi.typeof("struct dp_port_udp_stats").fields}


def _struct(kind: str, values: Mapping[str, int | bytes]) -> Any:
    raw = ffi.new(kind)
    for name, value in values.items():
        with _fitting(f"{kind[7:-2]}: {name} {value!r}"):
            setattr(raw, name, value)
    return raw


def _made(handle: Handle, what: str) -> Handle:
    if not handle:
        raise from_errno(ffi.errno, what)
    return handle


@contextmanager
def _fitting(what: str) -> Iterator[None]:
    """Turn cffi's refusal of a number that does not fit a C type into the caller's error."""
    try:
        yield
    except (OverflowError, TypeError) as error:
        raise CallerError(f"{what}: {error}") from None
