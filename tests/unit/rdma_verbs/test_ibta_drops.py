"""Packets that are dropped: each reason is earned by a packet, moves its own counter and nothing else."""

import dataclasses
import random
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from rdma_verbs import MR, AHAttr, DeviceConfig, Mtu, QpState, QpType, WrOpcode
from rdma_verbs.addr import GID
from rdma_verbs.ah import AH
from rdma_verbs.wire import OPCODES, build, icrc
from tests.unit.rdma_verbs.wirepeer import ACK, ALL, MASK24, OP, QKEY, SERVICES, Fields, WirePeer, sealed, with_checksum

MakePeer = Callable[..., WirePeer]
FULL = bytes(range(256))
BTH = 28  # offset of the BTH behind IPv4 and UDP
IPV6 = ("fe80::1", "fe80::2")


def good(peer: WirePeer, **fields: object) -> bytearray:
    """The bytes of a packet that would be received."""
    return bytearray(build(peer.packet("RC_SEND_ONLY", b"good", psn=0, **fields)))


def lengthened(data: bytearray, by: int) -> bytearray:
    """``data`` with its IP and UDP lengths changed, not its bytes."""
    for at in (2, 24):
        data[at : at + 2] = (int.from_bytes(data[at : at + 2], "big") + by).to_bytes(2, "big")
    return data


def changed(at: int, value: bytes) -> Callable[[WirePeer], bytes]:
    """The good packet with other bytes at ``at``, checksums right."""

    def make(peer: WirePeer) -> bytes:
        data = good(peer)
        data[at : at + len(value)] = value
        return sealed(data)

    return make


def cut(to: int) -> Callable[[WirePeer], bytes]:
    """The good packet cut off, lengths and checksums right as far as there is room for them."""

    def make(peer: WirePeer) -> bytes:
        data = good(peer)
        if to < BTH:
            return bytes(data[:to])
        short = lengthened(data, to - len(data))[:to]
        return sealed(short) if to >= BTH + 16 else with_checksum(short)

    return make


def of(name: str, payload: bytes = b"", **fields: object) -> Callable[[WirePeer], bytes]:
    return lambda peer: build(peer.packet(name, payload, **({"psn": 0} | fields)))


def longer_than_any_mtu(peer: WirePeer) -> bytes:
    return build(peer.packet("RC_SEND_ONLY", bytes(4100), psn=0))


def bad_checksum(peer: WirePeer) -> bytes:
    data = good(peer)
    data[10] ^= 1
    return bytes(data)


def bad_icrc(peer: WirePeer) -> bytes:
    data = good(peer)
    data[-1] ^= 1
    return bytes(data)


def atomic_with_payload(peer: WirePeer) -> bytes:
    data = bytearray(build(peer.packet("RC_FETCH_ADD", psn=0)))
    data[-4:-4] = b"evil"
    return sealed(lengthened(data, 4))


def stray_words(peer: WirePeer) -> bytes:
    """Payload and pad that are not of whole words."""
    data = good(peer)
    data[-4:-4] = b"x"
    return sealed(lengthened(data, 1))


PACKETS: list[tuple[str, str, Callable[[WirePeer], bytes]]] = [
    ("truncated", "nothing", lambda _: b""),
    ("truncated", "one byte", cut(1)),
    ("truncated", "IPv4 header without UDP", cut(20)),
    ("truncated", "one byte short of UDP", cut(27)),
    ("truncated", "no BTH", cut(28)),
    ("truncated", "BTH cut", cut(28 + 11)),
    ("truncated", "no ICRC", cut(28 + 12)),
    ("truncated", "ICRC cut", cut(28 + 15)),
    ("truncated", "RETH missing", changed(BTH, bytes([OP["RC_RDMA_WRITE_ONLY"]]))),
    ("truncated", "AtomicETH missing", changed(BTH, bytes([OP["RC_COMPARE_SWAP"]]))),
    ("bad_ip", "version 5", changed(0, b"\x55")),
    ("bad_ip", "options", changed(0, b"\x46")),
    ("bad_ip", "total length too long", changed(2, b"\x01\x00")),
    ("bad_ip", "total length too short", changed(2, b"\x00\x1c")),
    ("bad_ip_checksum", "header checksum", bad_checksum),
    ("bad_udp", "TCP", changed(9, b"\x06")),
    ("bad_udp", "another port", changed(22, b"\x12\xb8")),
    ("bad_udp", "UDP length too short", changed(24, b"\x00\x08")),
    ("bad_udp", "UDP length too long", changed(24, b"\xff\xff")),
    ("bad_udp", "first fragment", changed(6, b"\x20\x00")),
    ("bad_udp", "later fragment", changed(6, b"\x00\x01")),
    ("bad_tver", "transport version 1", changed(BTH + 1, b"\x41")),
    ("bad_tver", "transport version 15", changed(BTH + 1, b"\x4f")),
    ("bad_opcode", "reserved", changed(BTH, b"\x15")),
    ("bad_opcode", "reliable datagram", changed(BTH, b"\x44")),
    ("bad_opcode", "manufacturer", changed(BTH, b"\xc0")),
    ("bad_opcode", "UD write", changed(BTH, b"\x6a")),
    ("bad_opcode", "UC read", changed(BTH, b"\x2c")),
    ("bad_pad", "pad longer than payload", lambda peer: sealed(pad_of(peer, b"", 3))),
    ("bad_pad", "not of whole words", stray_words),
    ("bad_icrc", "ICRC", bad_icrc),
    ("oversized", "payload above the largest MTU", longer_than_any_mtu),
    ("bad_dgid", "another address", of("RC_SEND_ONLY", b"x", dst=ip_address("10.0.0.3"))),
    ("unknown_qpn", "no such QP", of("RC_SEND_ONLY", b"x", dqpn=0x777777)),
    ("unknown_qpn", "QP 0", of("RC_SEND_ONLY", b"x", dqpn=0)),
    ("unknown_qpn", "QP 1", of("UD_SEND_ONLY", b"x", dqpn=1)),
    ("unknown_qpn", "multicast", of("UD_SEND_ONLY", b"x", dqpn=MASK24)),
    ("bad_service", "UC packet", of("UC_SEND_ONLY", b"x")),
    ("bad_service", "UD packet", of("UD_SEND_ONLY", b"x")),
    ("bad_sgid", "from another address", of("RC_SEND_ONLY", b"x", src=ip_address("10.0.0.3"))),
    ("bad_pkey", "another partition", of("RC_SEND_ONLY", b"x", pkey=0xFFFE)),
    ("bad_pkey", "partition 0", of("RC_SEND_ONLY", b"x", pkey=0x8000)),
    ("bad_length", "payload that the opcode never has", atomic_with_payload),
    ("out_of_sequence", "PSN ahead", of("RC_SEND_ONLY", b"x", psn=3)),
    ("duplicate", "READ never made", of("RC_RDMA_READ_REQUEST", psn=MASK24)),
    ("ghost", "ACK of nothing", of("RC_ACKNOWLEDGE", syndrome=ACK)),
    ("ghost", "READ response to nothing", of("RC_RDMA_READ_RESPONSE_ONLY", b"data", syndrome=ACK)),
    ("ghost", "atomic acknowledge of nothing", of("RC_ATOMIC_ACKNOWLEDGE", syndrome=ACK)),
    ("bad_service", "XRC", of("XRC_SEND_ONLY", b"x")),
]


def pad_of(peer: WirePeer, payload: bytes, pad: int) -> bytearray:
    data = bytearray(build(peer.packet("RC_SEND_ONLY", payload, psn=0)))
    data[BTH + 1] |= pad << 4
    return data


@pytest.mark.ibta("9.6.1", "each packet that is not valid is dropped, counted by its reason, and changes nothing")
@pytest.mark.parametrize(("reason", "make"), [(r, m) for r, _, m in PACKETS], ids=[f"{r}: {t}" for r, t, _ in PACKETS])
def test_drop(make_peer: MakePeer, reason: str, make: Callable[[WirePeer], bytes]) -> None:
    peer = make_peer(recvs=1)
    peer.send_raw(make(peer))
    answers = peer.collect()
    assert peer.context.drops() == {reason: 1}
    if reason == "out_of_sequence":
        peer.expect(answers, 0x60, 0, 0)
    else:
        assert answers == []
    assert (peer.arrived(), peer.done(), peer.events(), peer.qp.state) == ([], [], [], QpState.RTS)
    # The same device still takes what is right.
    peer.next_psn = 0
    peer.expect(peer.request("RC_SEND_ONLY", b"good"), ACK, 0, 1)


UNRELIABLE: list[tuple[str, QpType, str, bytes, Fields]] = [
    ("bad_qkey", QpType.UD, "UD_SEND_ONLY", b"x", {"qkey": QKEY ^ 1}),
    ("recv_too_small", QpType.UD, "UD_SEND_ONLY", bytes(25), {}),
    ("recv_too_small", QpType.UC, "UC_SEND_ONLY", bytes(65), {}),
    ("no_recv_wqe", QpType.UD, "UD_SEND_ONLY", b"x", {}),
    ("no_recv_wqe", QpType.UC, "UC_SEND_ONLY", b"x", {}),
    ("no_recv_wqe", QpType.UC, "UC_SEND_FIRST", FULL, {}),
    ("bad_sequence", QpType.UC, "UC_SEND_LAST", b"x", {}),
    ("bad_length", QpType.UC, "UC_SEND_ONLY", bytes(257), {}),
    ("access", QpType.UC, "UC_RDMA_WRITE_ONLY", b"x", {"dma_len": 1}),
    ("duplicate", QpType.UC, "UC_SEND_ONLY", b"x", {"psn": MASK24}),
]


@pytest.mark.ibta("9.9.3", "what an unreliable QP cannot receive is dropped, counted by its reason, and not answered")
@pytest.mark.parametrize(("reason", "service", "name", "payload", "fields"), UNRELIABLE)
def test_unreliable_drop(
    make_peer: MakePeer, reason: str, service: QpType, name: str, payload: bytes, fields: Fields
) -> None:
    peer = make_peer(service, recvs=0 if reason == "no_recv_wqe" else 1, recv_bytes=64)
    assert peer.request(name, payload, **fields) == []
    assert peer.context.drops() == {reason: 1}
    assert (peer.arrived(), peer.events(), peer.qp.state) == ([], [], QpState.RTS)


@pytest.mark.ibta("9.8.3", "a datagram above the path MTU is dropped and counted (UD)")
def test_datagram_above_the_mtu(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UD, recvs=1, config=DeviceConfig(max_mtu=Mtu.MTU_256))
    peer.request("UD_SEND_ONLY", bytes(257))
    assert peer.context.drops() == {"bad_length": 1}


def test_every_reason_is_earned_by_a_packet(peer: WirePeer) -> None:
    """The rest have tests of their own; payload that is gone happens between processes of one machine only."""
    names = {name.removeprefix("drop_") for name in peer.context.counters() if name.startswith("drop_")}
    tested = {reason for reason, _, _ in PACKETS} | {reason for reason, *_ in UNRELIABLE}
    assert names - tested == {"bad_syndrome", "bad_state", "link_down", "loopback", "payload_gone"}


@pytest.mark.ibta("10.9.3", "a limited member of the partition may talk to a full one")
def test_limited_membership(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1)
    peer.expect(peer.request("RC_SEND_ONLY", b"x", pkey=0x7FFF), ACK, 0, 1)


@pytest.mark.ibta("9.2", "reserved and migration bits, FECN, BECN and the pad's bytes are ignored")
def test_reserved_bits_are_ignored(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=3)
    peer.expect(peer.request("RC_SEND_ONLY", b"x", migreq=True, fecn=True, becn=True), ACK, 0, 1)
    for psn, (at, value) in enumerate([(BTH + 4, b"\x3f"), (BTH + 12 + 1, b"\xaa\xbb\xcc")], 1):
        data = bytearray(build(peer.packet("RC_SEND_ONLY", b"x", psn=psn, ackreq=True)))
        data[at : at + len(value)] = value
        peer.send_raw(sealed(data))
        peer.expect(peer.collect(), ACK, psn, psn + 1)
    assert peer.received[2].read(4) == b"x\0\0\0"


@pytest.mark.ibta("A17.3.3", "IPv6: hop limit, traffic class and flow label may change on the way; addresses may not")
def test_ipv6(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1, addresses=IPV6)
    data = bytearray(build(peer.packet("RC_SEND_ONLY", b"x", psn=0, ackreq=True)))
    wrong = bytearray(data)
    wrong[23] ^= 1  # source address
    peer.send_raw(bytes(wrong))
    assert peer.collect() == []
    assert peer.context.drops() == {"bad_icrc": 1}
    data[0:4] = b"\x6f\xff\xff\xff"
    data[7] = 1
    peer.send_raw(bytes(data))
    peer.expect(peer.collect(), ACK, 0, 1)
    assert peer.received[0].read(1) == b"x"


@pytest.mark.ibta("A17.3.3", "IPv4: TTL, DSCP and ECN may change on the way; the identification may not")
def test_ipv4_fields_under_the_icrc(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1)
    data = good(peer, ackreq=True)
    icrc_before = data[-4:]
    wrong = bytearray(data)
    wrong[5] ^= 1
    peer.send_raw(with_checksum(wrong))
    peer.collect()
    assert peer.context.drops() == {"bad_icrc": 1}
    data[1], data[8] = 0xFF, 1
    data = bytearray(with_checksum(data))
    assert data[-4:] == icrc_before == icrc(bytes(data)).to_bytes(4, "little")
    peer.send_raw(bytes(data))
    peer.expect(peer.collect(), ACK, 0, 1)


@pytest.mark.ibta("9.6.1", "any single bit flipped on the way is noticed, and nothing is executed")
def test_every_bit_matters(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1)
    region = peer.region(64)
    packet = peer.packet("RC_RDMA_WRITE_ONLY", b"evil", psn=0, va=region.addr, rkey=region.rkey, dma_len=4)
    data = build(dataclasses.replace(packet, ackreq=True))
    flips = 0
    for bit in range(len(data) * 8):
        byte = bit // 8
        if byte in (1, 8, 26, 27, BTH + 4):  # not under the ICRC: class, TTL, UDP checksum, FECN and BECN
            continue
        wrong = bytearray(data)
        wrong[byte] ^= 1 << bit % 8
        peer.send_raw(with_checksum(wrong) if byte < 20 and byte not in (10, 11) else bytes(wrong))
        flips += 1
    assert peer.collect() == []
    assert sum(peer.context.drops().values()) == flips
    assert (region.read(), peer.qp.state) == (bytes(64), QpState.RTS)


@pytest.mark.ibta(
    "9.6.1", "random bytes behind valid IP, UDP and ICRC never harm: dropped, NAKed, or executed in bounds"
)
@pytest.mark.parametrize("service", SERVICES)
def test_random_packets(make_peer: MakePeer, service: QpType) -> None:
    rng = random.Random(service)
    opcodes = [o for o in OPCODES.values() if o.name.startswith(service.name)]
    memory = bytearray(b"\xee" * 12_288)
    for _ in range(150):
        peer = make_peer(service, recvs=3, max_dest_rd_atomic=rng.randrange(3))
        region = MR(peer.pd, memoryview(memory)[4096:8192], ALL)
        peer.post(WrOpcode.SEND, b"x", **_ud(peer, service))
        outstanding = len(peer.collect())
        for _ in range(8):
            opcode = rng.choice(opcodes)
            payload = rng.randbytes(rng.choice([0, 1, 8, 255, 256, 257, 4096])) if opcode.has_payload else b""
            peer.send(
                opcode.name,
                payload,
                psn=rng.choice([0, 1, 2, 3, MASK24, rng.randrange(1 << 24)]),
                va=region.addr + rng.choice([0, 8, 4088, 4096, -8, rng.randrange(1 << 32)]),
                rkey=rng.choice([region.rkey, region.rkey, rng.randrange(1 << 32)]),
                dma_len=rng.choice([len(payload), 0, 4096, rng.randrange(1 << 32)]),
                syndrome=rng.randrange(256),
                ackreq=bool(rng.randrange(2)),
                qkey=QKEY,
            )
        peer.collect(peer.now_ns + 1_000_000)
        assert outstanding == 1
        peer.close()
    assert memory[:4096] + memory[8192:] == b"\xee" * 8192


def _ud(peer: WirePeer, service: QpType) -> Fields:
    if service is not QpType.UD:
        return {}
    return {"ah": AH(peer.pd, AHAttr(dgid=GID.of("10.0.0.2"))), "remote_qkey": QKEY}
