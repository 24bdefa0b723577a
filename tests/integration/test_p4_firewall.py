"""``p4/firewall.p4``: connections begin where a rule says so, and packets of a connection pass. PNA, add-on-miss."""

import pytest
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP

from datapath.pipeline.target import Match, Target
from tests.integration.p4_programs import ANY, IP, TARGETS, TCP, UDP, Ether, Raw, add, exact, ip, prefix, send, start

NET, HOST = 1, 2
NET_TO_HOST, HOST_TO_NET = 0, 1
PORTS = Match(0, 0xFFFF)
S = 1_000_000_000
KNOWN, PERMITTED, DENIED, BAD = range(4)
NEW_NS, ESTABLISHED_NS, CLOSING_NS, DATAGRAM_NS = 5 * S, 300 * S, 2 * S, 30 * S


@pytest.fixture(params=TARGETS)
def firewall(request: pytest.FixtureRequest) -> Target:
    target = start("firewall", request.param)
    for profile, idle_ns in enumerate((NEW_NS, ESTABLISHED_NS, CLOSING_NS, DATAGRAM_NS)):
        target.set_expire(profile, idle_ns)
    for direction, port, out in ((NET_TO_HOST, NET, HOST), (HOST_TO_NET, HOST, NET)):
        add(target, "forwarding", (exact(direction, 32), exact(port, 32)), "forward", out)
    # The host may begin anything; the network may reach 10.0.0.0/8's ports 8000 to 8080 by TCP.
    add(target, "rules", (exact(HOST_TO_NET, 32), ANY, ANY, ANY, PORTS, PORTS), "permit", priority=10)
    add(
        target,
        "rules",
        (exact(NET_TO_HOST, 32), ANY, prefix(ip("10.0.0.0"), 104, 128), exact(6, 8), PORTS, Match(8000, 8080)),
        "permit",
        priority=10,
    )
    return target


def tcp(src: str, dst: str, sport: int, dport: int, flags: str) -> Ether:
    network = IPv6(src=src, dst=dst) if ":" in src else IP(src=src, dst=dst)
    return (
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / network / TCP(sport=sport, dport=dport, flags=flags)
    )


def udp(src: str, dst: str, sport: int, dport: int) -> Ether:
    head = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    return head / IP(src=src, dst=dst) / UDP(sport=sport, dport=dport) / Raw(b"hello")


def out(target: Target, frame: Ether | bytes, at_ns: int = 0) -> bool:
    """Whether the host's frame passes; unchanged, and to the network."""
    sent = send(target, HOST, frame, at_ns, from_host=True)
    assert [(s.port, s.data) for s in sent] in ([], [(NET, bytes(frame))])
    return bool(sent)


def into(target: Target, frame: Ether | bytes, at_ns: int = 0) -> bool:
    sent = send(target, NET, frame, at_ns)
    assert [(s.port, s.data) for s in sent] in ([], [(HOST, bytes(frame))])
    return bool(sent)


def verdict(target: Target, which: int) -> int:
    return target.counter("FirewallControl.verdicts", which)[0]


def test_answers_pass_because_the_host_asked(firewall: Target) -> None:
    assert not into(firewall, tcp("192.0.2.1", "10.0.0.5", 443, 40000, "SA"))
    assert out(firewall, tcp("10.0.0.5", "192.0.2.1", 40000, 443, "S"))
    assert into(firewall, tcp("192.0.2.1", "10.0.0.5", 443, 40000, "SA"))
    assert out(firewall, tcp("10.0.0.5", "192.0.2.1", 40000, 443, "A"))
    assert (verdict(firewall, PERMITTED), verdict(firewall, KNOWN), verdict(firewall, DENIED)) == (1, 2, 1)


@pytest.mark.parametrize("field", ["src", "dst", "sport", "dport", "protocol"])
def test_an_answer_of_another_connection_does_not(firewall: Target, field: str) -> None:
    assert out(firewall, udp("10.0.0.5", "192.0.2.1", 40000, 53))
    answer = {"src": "192.0.2.1", "dst": "10.0.0.5", "sport": 53, "dport": 40000}
    assert into(firewall, udp(**answer))  # type: ignore[arg-type]
    if field == "protocol":
        assert not into(firewall, tcp(**answer, flags="A"))  # type: ignore[arg-type]
        return
    other = answer | {field: "10.0.0.77" if field in ("src", "dst") else 1}
    assert not into(firewall, udp(**other))  # type: ignore[arg-type]


def test_the_network_begins_what_a_rule_permits(firewall: Target) -> None:
    for dport, passes in ((7999, False), (8000, True), (8080, True), (8081, False)):
        assert into(firewall, tcp("192.0.2.1", "10.0.0.5", 999, dport, "S")) == passes
        assert out(firewall, tcp("10.0.0.5", "192.0.2.1", dport, 999, "SA")) == passes
    assert not into(firewall, tcp("192.0.2.1", "11.0.0.5", 999, 8000, "S"))
    assert not into(firewall, udp("192.0.2.1", "10.0.0.5", 999, 8000))


def test_the_middle_of_a_connection_begins_none(firewall: Target) -> None:
    for flags in ("A", "SA", "PA", "F", "R"):
        assert not out(firewall, tcp("10.0.0.5", "192.0.2.1", 40000, 443, flags))


def test_ipv6(firewall: Target) -> None:
    assert not into(firewall, tcp("2001:db8::1", "fd00::5", 443, 40000, "SA"))
    assert out(firewall, tcp("fd00::5", "2001:db8::1", 40000, 443, "S"))
    assert into(firewall, tcp("2001:db8::1", "fd00::5", 443, 40000, "SA"))


def test_a_connection_goes_when_nothing_comes(firewall: Target) -> None:
    assert out(firewall, udp("10.0.0.5", "192.0.2.1", 40000, 53), 0)
    assert into(firewall, udp("192.0.2.1", "10.0.0.5", 53, 40000), DATAGRAM_NS - S)
    # Each packet starts the time anew.
    firewall.tick(DATAGRAM_NS + S)
    assert into(firewall, udp("192.0.2.1", "10.0.0.5", 53, 40000), 2 * DATAGRAM_NS - 3 * S)
    firewall.tick(3 * DATAGRAM_NS)
    assert not into(firewall, udp("192.0.2.1", "10.0.0.5", 53, 40000), 3 * DATAGRAM_NS)


def test_tcp_lives_long_once_established_and_shortly_when_closed(firewall: Target) -> None:
    forth = ("10.0.0.5", "192.0.2.1", 40000, 443)
    back = ("192.0.2.1", "10.0.0.5", 443, 40000)
    # A handshake that nobody answers is forgotten soon.
    assert out(firewall, tcp(*forth, "S"), 0)
    firewall.tick(NEW_NS + S)
    assert not into(firewall, tcp(*back, "SA"), NEW_NS + S)
    now = 10 * S
    assert out(firewall, tcp(*forth, "S"), now)
    assert into(firewall, tcp(*back, "SA"), now)
    assert out(firewall, tcp(*forth, "A"), now)
    now += ESTABLISHED_NS - S
    firewall.tick(now)
    assert into(firewall, tcp(*back, "A"), now)
    assert into(firewall, tcp(*back, "FA"), now)
    assert out(firewall, tcp(*forth, "FA"), now + S)
    firewall.tick(now + S + CLOSING_NS + S)
    assert not into(firewall, tcp(*back, "A"), now + S + CLOSING_NS + S)


def test_what_does_not_parse_is_dropped(firewall: Target) -> None:
    good = bytes(tcp("10.0.0.5", "192.0.2.1", 40000, 443, "S"))
    wrong_version = bytearray(good)
    wrong_version[14] = 0x55
    for frame in (good[:13], good[:30], good[:50], bytes(wrong_version)):
        assert not out(firewall, frame)
    assert verdict(firewall, BAD) == 4


def test_later_fragments_are_dropped_and_arp_passes(firewall: Target) -> None:
    head = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    assert not out(firewall, head / IP(src="10.0.0.5", dst="192.0.2.1", frag=10, proto=17) / Raw(b"x" * 20))
    assert out(firewall, head / ARP(pdst="192.0.2.1"))


def test_a_port_without_forwarding_gives_nothing(firewall: Target) -> None:
    assert send(firewall, 9, tcp("10.0.0.5", "192.0.2.1", 1, 2, "S"), from_host=True) == []


def test_rules_count(firewall: Target) -> None:
    handle = add(firewall, "rules", (exact(HOST_TO_NET, 32), ANY, ANY, exact(1, 8), PORTS, PORTS), "deny", priority=20)
    head = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    ping = head / IP(src="10.0.0.5", dst="192.0.2.1", proto=1) / Raw(b"x" * 8)
    assert not out(firewall, ping)
    assert not out(firewall, ping)
    assert firewall.counter("rules", handle) == (2, 2 * len(ping))
