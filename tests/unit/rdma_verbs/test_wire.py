"""Packets as Python values: what build refuses, what parse says, and the table that both follow."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from datapath.errors import CallerError, PeerError
from rdma_verbs import _native_wire as _native
from rdma_verbs import wire
from rdma_verbs.wire import OPCODES, Header, Packet, build, parse

A, B = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")
SEND = Packet(src=A, dst=B, opcode=0x04, dqpn=17, psn=5, payload=b"hello")


def test_packet_survives_the_wire() -> None:
    assert parse(build(SEND)) == SEND
    assert (SEND.name, SEND.pad) == ("RC_SEND_ONLY", 3)


def test_bytes_are_those_written_by_hand() -> None:
    packet = replace(SEND, ip_id=0x1234, tos=0x12, solicited=True, ackreq=True, becn=True)
    assert build(packet)[:-4] == bytes.fromhex(
        "4512 0034 1234 4000 4011 1471 0a000001 0a000002"  # checksum added up by hand
        "c000 12b7 0020 0000"
        "04 b0 ffff 40 000011 80 000005"
        "68656c6c6f 000000"
    )


@pytest.mark.parametrize(("field", "bits"), sorted(wire.FIELD_BITS.items()))
def test_value_wider_than_its_field_is_refused(field: str, bits: int) -> None:
    for value in (1 << bits, -1):
        with pytest.raises(CallerError, match=f"{field} {value} does not fit {bits} bits"):
            build(replace(SEND, **{field: value}))  # type: ignore[arg-type]


def test_packet_that_no_opcode_has_is_refused() -> None:
    with pytest.raises(CallerError, match="0x15 is not valid"):
        build(replace(SEND, opcode=0x15))
    with pytest.raises(CallerError, match="RC_ACKNOWLEDGE carries no payload, got 5 bytes"):
        build(replace(SEND, opcode=0x11))
    with pytest.raises(CallerError, match="two families"):
        build(replace(SEND, src=IPv6Address("fd00::1")))
    mapped = IPv6Address("::ffff:10.0.0.1")
    with pytest.raises(CallerError, match="IPv4 address that it is"):
        build(replace(SEND, src=mapped, dst=mapped))
    with pytest.raises(CallerError, match="70000 bytes"):
        build(replace(SEND, payload=bytes(70000)))


@pytest.mark.parametrize(
    ("ip", "reason"),
    [
        (b"", "drop_truncated"),
        (build(SEND)[:-1], "drop_bad_ip"),
        (build(SEND) + b"\0", "drop_bad_ip"),
        (build(replace(SEND, payload=bytes(4097))), "drop_oversized"),
        (build(replace(SEND, opcode=0x1D, payload=bytes(4))), "drop_bad_length"),
        (build(SEND)[:-1] + bytes([build(SEND)[-1] ^ 1]), "drop_bad_icrc"),
    ],
)
def test_bad_packet_is_dropped_for_a_named_reason(ip: bytes, reason: str) -> None:
    with pytest.raises(wire.WireError, match=reason) as caught:
        parse(ip)
    assert caught.value.reason == reason
    assert isinstance(caught.value, PeerError)


def test_icrc_is_checked_unless_told_otherwise() -> None:
    ip = build(SEND)[:-4] + bytes(4)
    assert parse(ip, check_icrc=False) == SEND
    assert wire.icrc(ip) == int.from_bytes(build(SEND)[-4:], "little")
    with pytest.raises(wire.WireError, match="too short"):
        wire.icrc(ip[:43])


def test_table_is_the_one_in_c() -> None:
    assert {f"ROCE_HDR_{header.name}": header.value for header in Header} == _native.enum_values("roce_hdr")
    bits = _native.enum_values("roce_bth_flag")
    for flag, bit in wire._FLAG_BITS.items():
        assert bits[f"ROCE_BTH_{flag.upper()}"] == bit
    assert OPCODES[0x0B] == wire.Opcode(
        0x0B, "RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE", Header.RETH | Header.IMMDT, 32, has_payload=True
    )
    assert len(OPCODES) == 65 + 4
