"""Every field of every packet as tshark dissects it, the ICRC as scapy computes it; see ``tests/dissect.py``.

our build() -> pcap -> tshark -T json, scapy.contrib.roce -> compared with our parse()
Linux rxe   -> pcap ->
"""

import random
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, PcapWriter

from rdma_verbs import wire
from rdma_verbs.wire import OPCODES, Header, Packet
from tests import captures, dissect

FILES = sorted([*captures.GOLDEN.glob("*.pcap"), *captures.GOLDEN.glob("*.pcapng")])
FIELDS_OF = {
    Header.DETH: ("qkey", "sqpn"),
    Header.XRCETH: ("xrc_srqn",),
    Header.RETH: ("va", "rkey", "dma_len"),
    Header.ATOMICETH: ("va", "rkey", "swap_add", "compare"),
    Header.AETH: ("syndrome", "msn"),
    Header.ATOMICACKETH: ("swap_add",),
    Header.IMMDT: ("imm",),
    Header.IETH: ("imm",),
    Header.FETH: ("imm",),
}
ALWAYS = ("dqpn", "psn", "tos", "ttl", "pkey")


def random_packet(rng: random.Random, opcode: wire.Opcode, ipv6: bool) -> Packet:
    """A packet with random bits in every field that its opcode has."""
    names = {*ALWAYS, *(name for header, names in FIELDS_OF.items() if header & opcode.headers for name in names)}
    size = 8 if opcode.name.endswith("ATOMIC_WRITE") else rng.randrange(200) if opcode.has_payload else 0
    packet = Packet(
        src=IPv6Address(rng.getrandbits(128)) if ipv6 else IPv4Address(rng.getrandbits(32)),
        dst=IPv6Address(rng.getrandbits(128)) if ipv6 else IPv4Address(rng.getrandbits(32)),
        opcode=opcode.value,
        dqpn=2,
        payload=rng.randbytes(size),
        sport=rng.randrange(0xC000, 0x10000),  # others mean other protocols to tshark and scapy
        ip_id=0 if ipv6 else rng.getrandbits(16),
        flow_label=rng.getrandbits(20) if ipv6 else 0,
        solicited=rng.random() < 0.5,
        migreq=rng.random() < 0.5,
        ackreq=rng.random() < 0.5,
        fecn=rng.random() < 0.5,
        becn=rng.random() < 0.5,
    )
    values = {name: rng.getrandbits(wire.FIELD_BITS[name]) for name in sorted(names)}
    return replace(packet, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("writer", [PcapWriter, PcapNgWriter])
def test_random_packets_of_every_opcode(
    tmp_path: Path, require_peer: Callable[..., None], writer: type[PcapWriter]
) -> None:
    require_peer("tshark")
    rng, path, count = random.Random(4791), tmp_path / "every-opcode", 0
    with writer(str(path)) as out:
        for opcode in OPCODES.values():
            for ipv6 in (False, True):
                for _ in range(5):
                    ip = wire.build(random_packet(rng, opcode, ipv6))
                    out.write(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=[0x800, 0x86DD][ipv6]) / ip)
                    count += 1
    assert dissect.check_capture(path) == count == len(OPCODES) * 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_capture_of_soft_roce(path: Path, require_peer: Callable[..., None]) -> None:
    require_peer("tshark")
    assert dissect.check_capture(path) == len(captures.roce_packets(path)) > 0


def test_disagreement_is_found(require_peer: Callable[..., None]) -> None:
    """The comparison itself: each packet held against the dissection of the next one."""
    require_peer("tshark")
    path = captures.GOLDEN / "rc_write.pcap"
    packets, layers = captures.roce_packets(path), dissect.tshark(path)
    assert all(dissect.differences(ip, other) for ip, other in zip(packets, layers[1:], strict=False))
