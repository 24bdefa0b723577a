"""Packets, whatever they hold.

What is built parses to the same; any bytes give a value or WireError; a flipped bit that the ICRC covers is caught.
"""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rdma_verbs.wire import OPCODES, Header, Opcode, Packet, WireError, build, icrc, parse
from tests import captures

# Which header a field is in; a packet whose opcode lacks all of them has zero there.
FIELD_HEADERS = {
    "qkey": Header.DETH,
    "sqpn": Header.DETH,
    "xrc_srqn": Header.XRCETH,
    "va": Header.RETH | Header.ATOMICETH,
    "rkey": Header.RETH | Header.ATOMICETH,
    "dma_len": Header.RETH,
    "swap_add": Header.ATOMICETH | Header.ATOMICACKETH,
    "compare": Header.ATOMICETH,
    "syndrome": Header.AETH,
    "msn": Header.AETH,
    "imm": Header.IMMDT | Header.IETH | Header.FETH,
    "sack_psn": Header.SACK,
    "ce_bytes": Header.SACK,
    "sack": Header.SACK,
}
BITS = {"syndrome": 8, "sqpn": 24, "xrc_srqn": 24, "msn": 24, "va": 64, "swap_add": 64, "compare": 64}
BITS |= {"sack_psn": 24, "sack": 256}


def uint(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << bits) - 1)


@st.composite
def packets(draw: st.DrawFn, max_payload: int = 4096) -> Packet:
    opcode: Opcode = OPCODES[draw(st.sampled_from(sorted(OPCODES)))]
    ipv6 = draw(st.booleans())
    address: st.SearchStrategy[Any] = uint(32).map(IPv4Address)
    if ipv6:
        address = uint(128).map(IPv6Address).filter(lambda a: a.ipv4_mapped is None)
    payload = b""
    if opcode.name.endswith("ATOMIC_WRITE"):
        payload = draw(st.binary(min_size=8, max_size=8))
    elif opcode.has_payload:
        payload = draw(st.binary(max_size=64) | st.binary(max_size=max_payload))
    flags: dict[str, Any] = {
        name: draw(st.booleans()) for name in ("solicited", "migreq", "ackreq", "fecn", "becn", "ext")
    }
    extra: dict[str, Any] = {
        name: draw(uint(BITS.get(name, 32))) for name, headers in FIELD_HEADERS.items() if headers & opcode.headers
    }
    return Packet(
        src=draw(address),
        dst=draw(address),
        opcode=opcode.value,
        dqpn=draw(uint(24)),
        psn=draw(uint(24)),
        pkey=draw(uint(16)),
        tos=draw(uint(8)),
        ttl=draw(uint(8)),
        sport=draw(uint(16)),
        ip_id=0 if ipv6 else draw(uint(16)),
        flow_label=draw(uint(20)) if ipv6 else 0,
        payload=payload,
        **flags,
        **extra,
    )


@given(packets())
def test_what_is_built_parses_to_the_same(packet: Packet) -> None:
    ip = build(packet)
    assert parse(ip) == packet
    assert icrc(ip) == int.from_bytes(ip[-4:], "little")
    header_bytes = OPCODES[packet.opcode].header_bytes
    assert len(ip) == (28 if packet.src.version == 4 else 48) + header_bytes + len(packet.payload) + packet.pad + 4


@given(st.binary(max_size=300))
def test_any_bytes_give_a_packet_or_an_error(data: bytes) -> None:
    try:
        packet = parse(data, check_icrc=False)
    except WireError:
        return
    assert packet.opcode in OPCODES


@given(packets(max_payload=256), st.data())
def test_damaged_packet_gives_a_packet_or_an_error(packet: Packet, data: st.DataObject) -> None:
    ip = bytearray(build(packet))
    for _ in range(data.draw(st.integers(1, 4))):
        ip[data.draw(st.integers(0, len(ip) - 1))] = data.draw(st.integers(0, 255))
    ip = ip[: data.draw(st.integers(0, len(ip)))] if data.draw(st.booleans()) else ip
    with suppress(WireError):
        parse(bytes(ip), check_icrc=False)


def uncovered(version: int, at: int, bit: int) -> bool:
    """Whether routers or IP stacks may change this bit: the ICRC counts it as one (IBTA vol 1, A17)."""
    if version == 4:
        return at in (1, 8, 10, 11, 20 + 6, 20 + 7, 28 + 4)
    return (at == 0 and bit < 4) or at in (1, 2, 3, 7, 40 + 6, 40 + 7, 48 + 4)


@given(packets(max_payload=128), st.data())
def test_flipped_bit_is_caught_if_covered(packet: Packet, data: st.DataObject) -> None:
    ip = bytearray(build(packet))
    at, bit = data.draw(st.integers(0, len(ip) - 1)), data.draw(st.integers(0, 7))
    ip[at] ^= 1 << bit
    if not uncovered(packet.src.version, at, bit):
        with pytest.raises(WireError):
            parse(bytes(ip))
        with suppress(WireError):  # another version or length may leave no room for an ICRC at all
            assert icrc(bytes(ip)) != int.from_bytes(ip[-4:], "little")
    else:
        assert icrc(bytes(ip)) == int.from_bytes(ip[-4:], "little")


def test_each_flipped_bit_of_a_captured_packet_is_caught() -> None:
    ip = captures.roce_packets(captures.GOLDEN / "rc_small.pcap")[0]
    for at in range(len(ip)):
        for bit in range(8):
            flipped = bytearray(ip)
            flipped[at] ^= 1 << bit
            if not uncovered(4, at, bit):
                with pytest.raises(WireError):
                    parse(bytes(flipped))
