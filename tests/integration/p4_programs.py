"""What the tests of the programs in ``p4/`` share: a target that runs one, and packets that scapy builds."""

from collections.abc import Sequence

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet as ScapyPacket
from scapy.packet import Raw

from datapath.p4c.compiler import Compiled, compile_file
from datapath.p4c.evaluate import Evaluator
from datapath.pipeline.engine import Engine
from datapath.pipeline.target import Entry, Match, Output, Packet, Target

TARGETS = ("engine", "evaluator")
_compiled: dict[str, Compiled] = {}


def compiled(name: str) -> Compiled:
    """Return ``p4/name.p4``, compiled once."""
    if name not in _compiled:
        _compiled[name] = compile_file(f"{name}.p4")
    return _compiled[name]


def start(name: str, target: str) -> Target:
    """Return ``p4/name.p4`` running."""
    program = compiled(name)
    return Engine(program.code, program.info) if target == "engine" else Evaluator(program.design, program.info)


def exact(value: int, width: int) -> Match:
    """Match all bits."""
    return Match(value, (1 << width) - 1)


def prefix(value: int, length: int, width: int) -> Match:
    """Match the first ``length`` bits."""
    mask = ((1 << length) - 1) << (width - length)
    return Match(value & mask, mask)


ANY = Match(0, 0)


def add(target: Target, table: str, match: Sequence[Match], action: str, *args: int, priority: int = 0) -> int:
    """Add an entry; returns its handle."""
    return target.insert(Entry(table, tuple(match), action, args, priority))


def mac(text: str) -> int:
    """``02:00:00:00:00:01`` as a number."""
    return int(text.replace(":", ""), 16)


def ip(text: str) -> int:
    """``10.0.0.1`` or ``2001:db8::1`` as a number."""
    from ipaddress import ip_address

    return int(ip_address(text))


def send(
    target: Target, port: int, frame: ScapyPacket | bytes, ts_ns: int = 0, *, from_host: bool = False
) -> list[Output]:
    """Run one frame; returns what goes out."""
    return target.process([Packet(port, bytes(frame), ts_ns, from_host)])


def checksum_is_right(frame: bytes) -> bool:
    """Whether scapy would build this frame with the same IPv4 header checksum."""
    parsed = Ether(frame)
    built = parsed.copy()
    del built[IP].chksum
    return bytes(Ether(bytes(built)))[:34] == frame[:34]


__all__ = [
    "ANY",
    "IP",
    "TARGETS",
    "TCP",
    "UDP",
    "Ether",
    "Raw",
    "add",
    "checksum_is_right",
    "compiled",
    "exact",
    "ip",
    "mac",
    "prefix",
    "send",
    "start",
]
