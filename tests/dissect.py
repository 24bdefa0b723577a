"""Our parser against tshark's and scapy's, packet by packet, on any capture: ``check_capture(path)``.

What tshark 4.0 does not do, and what is compared instead:

- It does not know XRC, FLUSH, ATOMIC WRITE and the CNP ("Unknown OpCode"): it shows all that follows the BTH as vendor
  bytes, which are compared as such.
- It shows FECN and BECN as a reserved byte, and pad as part of the payload.
- It guesses at payloads (RPC over RDMA, SMB Direct ...) and calls the packet malformed when the guess was wrong, so
  these dissectors are off.

scapy 2.6 to 2.8 computes the ICRC of every opcode; it decodes no extension header but the AETH of an ACK and the CNP's.
"""

import json
import subprocess
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import scapy.contrib.roce
import scapy.layers.l2

from rdma_verbs import wire
from rdma_verbs.wire import Header, Packet
from tests import captures

GUESSERS = [
    "smc", "smb_direct", "rpcordma", "nvme-rdma", "lnet", "iser", "infiniband.eoib", "infiniband_sdp", "fcoib",
]  # fmt: skip
UNKNOWN_TO_TSHARK = {0x1C, 0x1D} | {opcode for opcode in wire.OPCODES if opcode >= 0x80}

Value = Callable[[Packet], Any]
IP4: dict[str, Value] = {
    "ip.src": lambda p: p.src,
    "ip.dst": lambda p: p.dst,
    "ip.id": lambda p: p.ip_id,
    "ip.dsfield": lambda p: p.tos,
    "ip.ttl": lambda p: p.ttl,
    "ip.flags.df": lambda p: 1,
    "ip.len": lambda p: 20 + 8 + data_bytes(p),
}
IP6: dict[str, Value] = {
    "ipv6.src": lambda p: p.src,
    "ipv6.dst": lambda p: p.dst,
    "ipv6.tclass": lambda p: p.tos,
    "ipv6.flow": lambda p: p.flow_label,
    "ipv6.hlim": lambda p: p.ttl,
    "ipv6.plen": lambda p: 8 + data_bytes(p),
}
UDP: dict[str, Value] = {
    "udp.srcport": lambda p: p.sport,
    "udp.dstport": lambda p: wire.UDP_PORT,
    "udp.length": lambda p: 8 + data_bytes(p),
}
BTH: dict[str, Value] = {
    "infiniband.bth.opcode": lambda p: p.opcode,
    "infiniband.bth.se": lambda p: p.solicited,
    "infiniband.bth.m": lambda p: p.migreq,
    "infiniband.bth.padcnt": lambda p: p.pad,
    "infiniband.bth.tver": lambda p: 0,
    "infiniband.bth.p_key": lambda p: p.pkey,
    "infiniband.reserved": lambda p: p.fecn << 7 | p.becn << 6,
    "infiniband.bth.destqp": lambda p: p.dqpn,
    "infiniband.bth.a": lambda p: p.ackreq,
    "infiniband.bth.reserved7": lambda p: 0,
    "infiniband.bth.psn": lambda p: p.psn,
}
# The subtree that tshark shows for each header, and the fields in it.
EXTENSIONS: dict[Header, tuple[str, dict[str, Value]]] = {
    Header.DETH: (
        "infiniband.deth_tree",
        {"infiniband.deth.q_key": lambda p: p.qkey, "infiniband.deth.srcqp": lambda p: p.sqpn},
    ),
    Header.RETH: (
        "infiniband.reth_tree",
        {
            "infiniband.reth.va": lambda p: p.va,
            "infiniband.reth.r_key": lambda p: p.rkey,
            "infiniband.reth.dmalen": lambda p: p.dma_len,
        },
    ),
    Header.ATOMICETH: (
        "infiniband.atomiceth_tree",
        {
            "infiniband.reth.va": lambda p: p.va,
            "infiniband.reth.r_key": lambda p: p.rkey,
            "infiniband.atomiceth.swapdt": lambda p: p.swap_add,
            "infiniband.atomiceth.cmpdt": lambda p: p.compare,
        },
    ),
    Header.AETH: (
        "infiniband.aeth_tree",
        {"infiniband.aeth.syndrome": lambda p: p.syndrome, "infiniband.aeth.msn": lambda p: p.msn},
    ),
    Header.ATOMICACKETH: (
        "infiniband.atomicacketh_tree",
        {"infiniband.atomicacketh.origremdt": lambda p: p.swap_add},
    ),
    Header.IMMDT: ("infiniband.immdt_tree", {"infiniband.immdt": lambda p: p.imm}),
    Header.IETH: ("infiniband.ieth_tree", {"infiniband.ieth": lambda p: p.imm}),
}


def data_bytes(packet: Packet) -> int:
    """Bytes after the UDP header."""
    return wire.OPCODES[packet.opcode].header_bytes + len(packet.payload) + packet.pad + 4


def value(name: str, text: str) -> Any:
    """A field as tshark prints it: an address, bytes with colons, or a number in any base."""
    if name in ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst"):
        return ip_address(text)
    if name in ("infiniband.reserved", "infiniband.immdt", "infiniband.ieth"):
        return int(text.replace(":", ""), 16)
    return int(text, 0)


def tshark(path: Path) -> list[dict[str, Any]]:
    """The layers of each frame of a capture as ``tshark -T json`` shows them."""

    def first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(reversed(pairs))

    command = ["tshark", "-n", "-r", str(path), "-T", "json"]
    command += [word for name in GUESSERS for word in ("--disable-protocol", name)]
    out = subprocess.run(command, capture_output=True, check=True).stdout
    return [frame["_source"]["layers"] for frame in json.loads(out, object_pairs_hook=first_wins)]


def flat(tree: dict[str, Any]) -> dict[str, str]:
    """All leaves of a dissection tree; of equal names the first."""
    leaves: dict[str, str] = {}
    for name, item in tree.items():
        for key, leaf in flat(item).items() if isinstance(item, dict) else [(name, item)]:
            leaves.setdefault(key, leaf)
    return leaves


def differences(ip: bytes, layers: dict[str, Any]) -> list[str]:
    """Each field of a packet that tshark's dissection and ours disagree on."""
    packet, bad = wire.parse(ip), []
    opcode = wire.OPCODES[packet.opcode]

    def compare(tree: dict[str, Any], fields: dict[str, Value]) -> None:
        leaves = flat(tree)
        for name, ours in fields.items():
            theirs = value(name, leaves[name]) if name in leaves else None
            if theirs != ours(packet):
                bad.append(f"{opcode.name}: {name}: tshark {theirs}, ours {ours(packet)}")

    ib = layers.get("infiniband", {})
    compare(layers["ip" if packet.src.version == 4 else "ipv6"], IP4 if packet.src.version == 4 else IP6)
    compare(layers["udp"], UDP)
    compare(ib.get("infiniband.bth_tree", {}), BTH)
    payload = packet.payload + bytes(packet.pad)
    if packet.opcode in UNKNOWN_TO_TSHARK:
        theirs = bytes.fromhex(flat(ib.get("infiniband.vendor_tree", {})).get("infiniband.vendor", "").replace(":", ""))
        if theirs != ip[-(data_bytes(packet) - 12) :] or not theirs.endswith(payload + ip[-4:]):
            bad.append(f"{opcode.name}: bytes after the BTH: tshark {theirs.hex()}")
        return bad
    for header, (subtree, fields) in EXTENSIONS.items():
        if (subtree in ib) != bool(header & opcode.headers):
            bad.append(f"{opcode.name}: tshark {'has' if subtree in ib else 'lacks'} {subtree}")
        elif subtree in ib:
            compare(ib[subtree], fields)
    compare(ib, {"infiniband.invariant.crc": lambda p: int.from_bytes(wire.icrc(ip).to_bytes(4, "little"))})
    # A MAD is dissected as one; any other payload is "data".
    shown = layers.get("data", {}).get("data.data") or ib.get("infiniband.mad", "")
    if bytes.fromhex(shown.replace(":", "")) != payload:
        bad.append(f"{opcode.name}: payload: tshark {shown}, ours {payload.hex(':')}")
    return bad


def scapy_icrc(frame: bytes) -> int:
    """The ICRC that scapy computes for an Ethernet frame, whatever it holds now."""
    packet = scapy.layers.l2.Ether(frame)
    bth = packet[scapy.contrib.roce.BTH]
    bth.icrc = None
    return int.from_bytes(bytes(packet)[-4:], "little")


def check_capture(path: Path) -> int:
    """Return how many RoCEv2 packets of a capture agree in every field; the first that does not is a failure."""
    frames, checked = list(captures.frames(path)), 0
    dissected = tshark(path)
    assert len(frames) == len(dissected)
    for number, (frame, layers) in enumerate(zip(frames, dissected, strict=True), 1):
        ip = captures.ip_packet(frame)
        if ip is None or not captures.is_roce(ip):
            continue
        assert not differences(ip, layers), f"{path.name}, frame {number}"
        assert wire.icrc(ip) == scapy_icrc(frame) == int.from_bytes(ip[-4:], "little"), f"{path.name}, frame {number}"
        checked += 1
    return checked
