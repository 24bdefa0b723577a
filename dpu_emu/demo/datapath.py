"""The demo's act of packets: ``p4/l3.p4`` is compiled, gets its routes, and routes."""

import time
from dataclasses import dataclass

__all__ = ["ROUTES", "Routed", "run_router"]

ROUTES = 1000
_ROUNDS = 300
_ROUTER_MAC = 0x02_00_00_00_00_01
_HOST_MAC = 0x02_00_00_00_00_AA
_PORTS = 8


@dataclass(frozen=True, slots=True)
class Routed:
    """What came of it."""

    program: str
    compile_ns: int
    instructions: int
    routes: int
    packets: int
    forwarded: int
    cpu_ns: int
    """Of all packets, from bytes to bytes."""
    before: str
    after: str
    """One packet's Ethernet and IPv4 headers, in hex."""


def _packet(index: int) -> bytes:
    """Return a frame of 64 bytes, UDP to a host of the route of that index."""
    source, target = bytes((192, 0, 2, 1)), bytes((10, index >> 8, index & 255, 9))
    header = bytes((0x45, 0, 0, 50, 0, 1, 0x40, 0, 64, 17, 0, 0)) + source + target
    total = sum(int.from_bytes(header[i : i + 2], "big") for i in range(0, 20, 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    header = header[:10] + (0xFFFF - total).to_bytes(2, "big") + header[12:]
    ethernet = _ROUTER_MAC.to_bytes(6, "big") + _HOST_MAC.to_bytes(6, "big") + b"\x08\x00"
    return ethernet + header + bytes((0, 1, 0, 2, 0, 30, 0, 0)) + bytes(22)


def run_router() -> Routed:
    """Compile the router, add routes, and run packets to each of them."""
    import numpy as np

    from datapath.p4c.compiler import compile_file
    from datapath.pipeline.engine import Engine
    from datapath.pipeline.target import Entry, Match, Packet

    begin_ns = time.perf_counter_ns()
    compiled = compile_file("l3.p4")
    code = compiled.code
    compile_ns = time.perf_counter_ns() - begin_ns
    engine = Engine(code, compiled.info)
    every_port, ours = Match(0, 0), Match(_ROUTER_MAC, (1 << 48) - 1)
    engine.insert(Entry("router_mac", (every_port, ours), "accept_frame", priority=1))
    for n in range(ROUTES):
        route = Match(10 << 24 | n << 8, 0xFFFFFF00)
        engine.insert(Entry("ipv4_lpm", (route,), "route", (n % _PORTS, _HOST_MAC + n, _ROUTER_MAC)))
    packets = [_packet(n) for n in range(ROUTES)]
    (sample,) = engine.process([Packet(port=1, data=packets[-1])])
    frames = np.frombuffer(b"".join(packets), np.uint8).reshape(ROUTES, -1)
    begin_ns = time.process_time_ns()
    forwarded = engine.run_frames(frames, 1, _ROUNDS)
    cpu_ns = time.process_time_ns() - begin_ns
    return Routed(
        program="l3.p4",
        compile_ns=compile_ns,
        instructions=len(code.insns),
        routes=ROUTES,
        packets=ROUTES * _ROUNDS,
        forwarded=forwarded,
        cpu_ns=cpu_ns,
        before=packets[-1][:34].hex(),
        after=sample.data[:34].hex(),
    )
