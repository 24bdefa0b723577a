"""``p4/l3.p4``: a router, its packets built and checked by scapy, on the engine and on the evaluator."""

from typing import Any

import pytest
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP
from scapy.packet import Packet

from datapath.pipeline.target import Target
from tests.integration.p4_programs import (
    ANY,
    IP,
    TARGETS,
    TCP,
    UDP,
    Ether,
    Raw,
    add,
    checksum_is_right,
    exact,
    ip,
    mac,
    prefix,
    send,
    start,
)

ROUTER = "02:00:00:00:00:01"
HOST = "02:00:00:00:00:aa"
HOP1, HOP2 = "02:00:00:00:01:01", "02:00:00:00:01:02"
OUT1, OUT2 = "02:00:00:00:02:01", "02:00:00:00:02:02"
CPU = 510
BAD_HEADER, BAD_CHECKSUM, NOT_FOR_US, NO_ROUTE = range(4)


@pytest.fixture(params=TARGETS)
def router(request: pytest.FixtureRequest) -> Target:
    target = start("l3", request.param)
    add(target, "router_mac", (ANY, exact(mac(ROUTER), 48)), "accept_frame", priority=1)
    for table, width, routes in (
        ("ipv4_lpm", 32, (("10.0.0.0", 8, 1), ("10.1.0.0", 16, 2), ("0.0.0.0", 0, 1))),
        ("ipv6_lpm", 128, (("2001:db8::", 32, 1), ("2001:db8:1::", 48, 2))),
    ):
        for address, length, port in routes:
            hop, out = ((HOP1, OUT1), (HOP2, OUT2))[port - 1]
            add(target, table, (prefix(ip(address), length, width),), "route", port, mac(hop), mac(out))
    return target


def ipv4(dst: str, **fields: Any) -> Packet:
    return Ether(dst=ROUTER, src=HOST) / IP(src="192.0.2.1", dst=dst, **fields) / UDP(sport=1, dport=2) / Raw(b"x" * 18)


def drops(target: Target, reason: int) -> int:
    return target.counter("L3Ingress.drops", reason)[0]


def test_a_packet_is_routed_by_the_longest_prefix(router: Target) -> None:
    for dst, port, hop, out in (
        ("10.2.0.1", 1, HOP1, OUT1),
        ("10.1.255.255", 2, HOP2, OUT2),
        ("8.8.8.8", 1, HOP1, OUT1),
    ):
        (sent,) = send(router, 7, ipv4(dst))
        got = Ether(sent.data)
        assert (sent.port, got.dst, got.src, got[IP].ttl, got[IP].dst) == (port, hop, out, 63, dst)
        assert checksum_is_right(sent.data)
        assert bytes(got[UDP]) == bytes(Ether(bytes(ipv4(dst)))[UDP])


def test_ipv6_too(router: Target) -> None:
    for dst, port in (("2001:db8::5", 1), ("2001:db8:1::5", 2)):
        frame = Ether(dst=ROUTER, src=HOST) / IPv6(src="2001:db8:9::1", dst=dst, hlim=9) / TCP(sport=1, dport=2)
        (sent,) = send(router, 7, frame)
        got = Ether(sent.data)
        assert (sent.port, got[IPv6].hlim, got[IPv6].dst) == (port, 8, dst)
        assert bytes(got[TCP]) == bytes(Ether(bytes(frame))[TCP])


def test_no_route_is_a_drop_that_is_counted(router: Target) -> None:
    frame = Ether(dst=ROUTER, src=HOST) / IPv6(src="2001:db8:9::1", dst="fd00::1")
    assert send(router, 7, frame) == []
    assert drops(router, NO_ROUTE) == 1


def test_a_ttl_that_runs_out_is_the_cpus(router: Target) -> None:
    for ttl in (0, 1):
        frame = ipv4("10.2.0.1", ttl=ttl)
        (sent,) = send(router, 7, frame)
        assert (sent.port, sent.data) == (CPU, bytes(frame))
    assert send(router, 7, ipv4("10.2.0.1", ttl=2))[0].port == 1


def test_options_are_the_cpus(router: Target) -> None:
    from scapy.layers.inet import IPOption_Router_Alert

    frame = ipv4("10.2.0.1", options=[IPOption_Router_Alert()])
    (sent,) = send(router, 7, frame)
    assert (sent.port, sent.data) == (CPU, bytes(frame))


def test_arp_is_the_cpus(router: Target) -> None:
    frame = Ether(dst="ff:ff:ff:ff:ff:ff", src=HOST) / ARP(pdst="192.0.2.254")
    (sent,) = send(router, 7, frame)
    assert (sent.port, sent.data) == (CPU, bytes(frame))


def test_a_bad_checksum_is_dropped(router: Target) -> None:
    frame = bytearray(bytes(ipv4("10.2.0.1")))
    frame[24] ^= 1
    assert send(router, 7, bytes(frame)) == []
    assert drops(router, BAD_CHECKSUM) == 1


def test_what_is_not_for_the_router_is_dropped(router: Target) -> None:
    frame = ipv4("10.2.0.1")
    frame.dst = HOST
    assert send(router, 7, frame) == []
    assert send(router, 7, Ether(dst=ROUTER, src=HOST, type=0x88CC) / Raw(b"x" * 46)) == []
    assert drops(router, NOT_FOR_US) == 2


@pytest.mark.parametrize("length", [0, 13, 14 + 19, 14 + 39])
def test_a_cut_packet_is_a_bad_header(router: Target, length: int) -> None:
    whole = bytes(ipv4("10.2.0.1")) if length < 50 else bytes(Ether(dst=ROUTER) / IPv6(dst="2001:db8::5"))
    assert send(router, 7, whole[:length]) == []
    assert drops(router, BAD_HEADER) == 1


@pytest.mark.parametrize("fields", [{"version": 5}, {"ihl": 4}])
def test_a_wrong_version_or_length_is_a_bad_header(router: Target, fields: dict[str, int]) -> None:
    assert send(router, 7, ipv4("10.2.0.1", **fields)) == []
    assert drops(router, BAD_HEADER) == 1


def test_a_route_can_be_changed_and_taken_away(router: Target) -> None:
    handle = add(router, "ipv4_lpm", (prefix(ip("10.9.9.9"), 32, 32),), "to_cpu")
    assert send(router, 7, ipv4("10.9.9.9"))[0].port == CPU
    router.modify("ipv4_lpm", handle, "route", (2, mac(HOP2), mac(OUT2)))
    assert send(router, 7, ipv4("10.9.9.9"))[0].port == 2
    assert router.counter("ipv4_lpm", handle)[0] == 2
    router.delete("ipv4_lpm", handle)
    assert send(router, 7, ipv4("10.9.9.9"))[0].port == 1
