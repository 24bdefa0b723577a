"""``p4/storage_steer.p4``: NVMe/TCP flows to queues; a flow stays where it began. PNA, add-on-miss."""

from typing import Any

import pytest
from scapy.layers.inet import IPOption_Router_Alert
from scapy.layers.inet6 import IPv6

from datapath.pipeline.target import Target
from tests.integration.p4_programs import IP, TARGETS, TCP, UDP, Ether, Raw, add, exact, ip, send, start

NET, HOST, BASE, QUEUES, DISCOVERY = 1, 2, 16, 8, 99
TARGET_ADDRESS, TARGET_V6 = "10.0.0.1", "fd00::1"
S = 1_000_000_000


@pytest.fixture(params=TARGETS)
def steer(request: pytest.FixtureRequest) -> Target:
    target = start("storage_steer", request.param)
    target.set_expire(0, 600 * S)
    target.set_expire(1, 1 * S)
    for address in (TARGET_ADDRESS, TARGET_V6):
        add(target, "targets", (exact(ip(address), 128), exact(4420, 16)), "spread", BASE, QUEUES)
    add(target, "targets", (exact(ip(TARGET_ADDRESS), 128), exact(8009, 16)), "one_queue", DISCOVERY)
    add(target, "host_port", (exact(NET, 32),), "to_port", HOST)
    add(target, "uplink", (exact(HOST, 32),), "to_port", NET)
    return target


def segment(
    sport: int,
    dport: int = 4420,
    payload: bytes = b"",
    flags: str = "PA",
    dst: str = TARGET_ADDRESS,
    **ip_fields: Any,
) -> Ether:
    network = IPv6(src="fd00::9", dst=dst) if ":" in dst else IP(src="10.0.0.9", dst=dst, **ip_fields)
    return (
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        / network
        / TCP(sport=sport, dport=dport, flags=flags)
        / Raw(payload)
    )


def pdu(kind: int, length: int = 72) -> bytes:
    return bytes([kind, 0, length, 0]) + length.to_bytes(4, "little") + bytes(length - 8)


def queue(target: Target, frame: Ether, at_ns: int = 0) -> int:
    """Return the port of the one packet that went out, unchanged."""
    (sent,) = send(target, NET, frame, at_ns)
    assert sent.data == bytes(frame)
    return sent.port


@pytest.mark.parametrize("dst", [TARGET_ADDRESS, TARGET_V6])
def test_flows_spread_over_the_queues_and_stay(steer: Target, dst: str) -> None:
    first = {sport: queue(steer, segment(sport, flags="S", dst=dst)) for sport in range(1000, 1200)}
    assert set(first.values()) == set(range(BASE, BASE + QUEUES))
    counts = [list(first.values()).count(BASE + n) for n in range(QUEUES)]
    assert min(counts) > 200 / QUEUES / 2
    assert {sport: queue(steer, segment(sport, payload=pdu(4), dst=dst)) for sport in first} == first


def test_a_flow_stays_when_the_number_of_queues_changes(steer: Target) -> None:
    first = {sport: queue(steer, segment(sport)) for sport in range(1000, 1040)}
    handle = add(steer, "targets", (exact(ip("10.0.0.3"), 128), exact(4420, 16)), "spread", 40, 2)
    assert queue(steer, segment(1000, dst="10.0.0.3")) in (40, 41)
    steer.delete("targets", handle)
    assert {sport: queue(steer, segment(sport)) for sport in first} == first


def test_a_pinned_flow_goes_to_its_queue(steer: Target) -> None:
    key = (exact(ip("10.0.0.9"), 128), exact(ip(TARGET_ADDRESS), 128), exact(5555, 16), exact(4420, 16))
    add(steer, "flows", key, "stay", 77)
    assert queue(steer, segment(5555)) == 77
    assert queue(steer, segment(5556)) != 77


def test_discovery_has_its_own_queue(steer: Target) -> None:
    assert queue(steer, segment(1000, dport=8009)) == DISCOVERY


def test_everything_else_is_the_hosts(steer: Target) -> None:
    assert queue(steer, segment(1000, dport=80)) == HOST
    assert queue(steer, segment(1000, dst="10.0.0.77")) == HOST
    head = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    assert queue(steer, head / IP(src="10.0.0.9", dst=TARGET_ADDRESS) / UDP(dport=4420)) == HOST
    assert queue(steer, head / IP(src="10.0.0.9", dst=TARGET_ADDRESS, frag=8, proto=6) / Raw(b"x" * 40)) == HOST


def test_a_host_sends_to_the_network(steer: Target) -> None:
    sent = send(steer, HOST, segment(4420, dport=1000), from_host=True)
    assert [out.port for out in sent] == [NET]
    assert send(steer, 9, segment(4420, dport=1000), from_host=True) == []


def test_options_are_carried(steer: Target) -> None:
    frame = segment(1000, options=[IPOption_Router_Alert()])
    assert queue(steer, frame) == queue(steer, segment(1000))


def test_pdus_are_counted_where_a_segment_begins_with_one(steer: Target) -> None:
    for kind, times in ((0, 2), (4, 3), (6, 1), (5, 4)):
        for _ in range(times):
            queue(steer, segment(1000, payload=pdu(kind)))
    queue(steer, segment(1000))
    counts = {kind: steer.counter("pdu_counter", kind)[0] for kind in (0, 4, 5, 6)}
    assert counts == {0: 2, 4: 3, 5: 0, 6: 1}
    assert steer.register("connects", 0) == 2


def test_a_closed_flow_is_forgotten(steer: Target) -> None:
    queue(steer, segment(1000, flags="S"), 0)
    learnt = [event for event in steer.events() if event.kind == "learnt"]
    assert len(learnt) == 1
    queue(steer, segment(1000, flags="FA"), S)
    steer.tick(3 * S)
    queue(steer, segment(1000, flags="S"), 4 * S)
    assert len([event for event in steer.events() if event.kind == "learnt"]) == 1


def test_a_bad_header_is_dropped(steer: Target) -> None:
    whole = bytes(segment(1000))
    for frame in (whole[:10], whole[:20], whole[:40]):
        assert send(steer, NET, frame) == []
