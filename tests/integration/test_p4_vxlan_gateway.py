"""``p4/vxlan_gateway.p4``: segments that cannot reach each other, local and through tunnels.

port 1: tenant A, untagged     (VNI 100)        port 10: the underlay, our end point 10.0.0.1,
port 2: tenants A, VLAN 5      (VNI 100)                 remote ones 10.0.0.2 and 10.0.0.3
        and B, VLAN 6          (VNI 200)
port 3: tenant B, untagged     (VNI 200)
"""

import pytest
from scapy.layers.l2 import ARP, Dot1Q
from scapy.layers.vxlan import VXLAN

from datapath.pipeline.target import Target
from tests.integration.p4_programs import (
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
    send,
    start,
)

A1, A2, A3, B3, AR, BR = (f"02:00:00:00:00:{n:02x}" for n in (0xA1, 0xA2, 0xA3, 0xB3, 0xAF, 0xBF))
ALL = "ff:ff:ff:ff:ff:ff"
OUR_MAC, ROUTER_MAC = "02:00:00:00:10:01", "02:00:00:00:10:fe"
UNDERLAY = 10


@pytest.fixture(params=TARGETS)
def gateway(request: pytest.FixtureRequest) -> Target:
    target = start("vxlan_gateway", request.param)
    target.add_to_value_set("underlay_ports", (exact(UNDERLAY, 9),))
    for port, vid, vni in ((1, 0, 100), (2, 5, 100), (2, 6, 200), (3, 0, 200)):
        add(target, "port_segment", (exact(port, 9), exact(vid, 12)), "segment", vni)
    for vni, port, action, *args in (
        (100, 1, "untagged"),
        (100, 2, "tagged", 5),
        (200, 2, "tagged", 6),
        (200, 3, "untagged"),
    ):
        add(target, "port_vlan", (exact(vni, 24), exact(port, 9)), action, *args)
    for vni in (100, 200):
        add(target, "tunnel_termination", (exact(UNDERLAY, 9), exact(ip("10.0.0.1"), 32), exact(vni, 24)), "terminate")
        add(target, "flood", (exact(vni, 24),), "to_group", vni)
    target.set_multicast(100, [(1, 0), (2, 0), (UNDERLAY, 2), (UNDERLAY, 3)])
    target.set_multicast(200, [(2, 0), (3, 0), (UNDERLAY, 3)])
    for rid, remote in ((2, "10.0.0.2"), (3, "10.0.0.3")):
        add(target, "replica", (exact(rid, 16),), "remote", ip(remote))
        add(target, "remote_vtep", (exact(ip(remote), 32),), "tunnel", mac(OUR_MAC), mac(ROUTER_MAC), ip("10.0.0.1"))
    for vni, address, action, *args in (
        (100, A1, "to_port", 1),
        (100, A2, "to_port", 2),
        (200, B3, "to_port", 3),
        (100, AR, "to_remote", UNDERLAY, ip("10.0.0.2")),
        (200, BR, "to_remote", UNDERLAY, ip("10.0.0.3")),
    ):
        add(target, "forward", (exact(vni, 24), exact(mac(address), 48)), action, *args)
    return target


def frame(src: str, dst: str, vid: int = 0, sport: int = 1) -> Ether:
    head = Ether(src=src, dst=dst) / Dot1Q(vlan=vid) if vid else Ether(src=src, dst=dst)
    return head / IP(src="192.168.0.1", dst="192.168.0.2") / TCP(sport=sport, dport=80) / Raw(b"hello")


def tunnel(inner: Ether | bytes, vni: int = 100, dst: str = "10.0.0.1", dport: int = 4789, flags: int = 8) -> Ether:
    outer = Ether(src=ROUTER_MAC, dst=OUR_MAC) / IP(src="10.0.0.2", dst=dst) / UDP(sport=50000, dport=dport, chksum=0)
    return outer / VXLAN(flags=flags, vni=vni) / inner


def test_local_ports_of_a_segment_reach_each_other(gateway: Target) -> None:
    (sent,) = send(gateway, 1, frame(A1, A2))
    got = Ether(sent.data)
    assert (sent.port, got[Dot1Q].vlan) == (2, 5)
    assert bytes(got[IP]) == bytes(Ether(bytes(frame(A1, A2)))[IP])
    (sent,) = send(gateway, 2, frame(A2, A1, vid=5))
    assert (sent.port, sent.data) == (1, bytes(frame(A2, A1)))


def test_a_frame_to_a_remote_address_is_encapsulated(gateway: Target) -> None:
    for port, vid in ((1, 0), (2, 5)):
        (sent,) = send(gateway, port, frame(A1, AR, vid))
        got = Ether(sent.data)
        assert (sent.port, got.src, got.dst, got[IP].src, got[IP].dst) == (
            UNDERLAY,
            OUR_MAC,
            ROUTER_MAC,
            "10.0.0.1",
            "10.0.0.2",
        )
        assert (got[UDP].dport, got[UDP].chksum, got[VXLAN].vni, got[VXLAN].flags) == (4789, 0, 100, 8)
        assert got[UDP].sport >= 49152
        assert got[IP].len == len(sent.data) - 14
        assert got[UDP].len == len(sent.data) - 34
        assert checksum_is_right(sent.data)
        assert bytes(got[VXLAN].payload) == bytes(frame(A1, AR))


def test_flows_have_their_own_source_port(gateway: Target) -> None:
    ports = [Ether(send(gateway, 1, frame(A1, AR, sport=n))[0].data)[UDP].sport for n in range(1, 33)]
    assert len(set(ports)) > 28
    assert ports == [Ether(send(gateway, 1, frame(A1, AR, sport=n))[0].data)[UDP].sport for n in range(1, 33)]


def test_a_tunnel_ends_at_the_port_of_its_segment(gateway: Target) -> None:
    (sent,) = send(gateway, UNDERLAY, tunnel(frame(AR, A1)))
    assert (sent.port, sent.data) == (1, bytes(frame(AR, A1)))
    (sent,) = send(gateway, UNDERLAY, tunnel(frame(BR, B3), vni=200))
    assert (sent.port, sent.data) == (3, bytes(frame(BR, B3)))


def test_segments_do_not_reach_each_other(gateway: Target) -> None:
    # B3 is known in 200 only; in 100 it is unknown and flooded there.
    assert {out.port for out in send(gateway, 1, frame(A1, B3))} <= {2, UNDERLAY}
    for out in send(gateway, 1, frame(A1, B3)):
        if out.port == UNDERLAY:
            assert Ether(out.data)[VXLAN].vni == 100
        else:
            assert Ether(out.data)[Dot1Q].vlan == 5
    assert send(gateway, 2, frame(A2, A1, vid=9)) == []
    assert send(gateway, 4, frame(A1, A2)) == []
    assert 3 not in {out.port for out in send(gateway, UNDERLAY, tunnel(frame(AR, B3)))}


def test_broadcast_goes_to_all_of_the_segment(gateway: Target) -> None:
    request = Ether(src=A1, dst=ALL) / ARP(pdst="192.168.0.9")
    out = send(gateway, 1, request)
    tunnels = [Ether(o.data) for o in out if o.port == UNDERLAY]
    assert sorted(o.port for o in out) == [2, UNDERLAY, UNDERLAY]
    assert sorted(t[IP].dst for t in tunnels) == ["10.0.0.2", "10.0.0.3"]
    assert all(bytes(t[VXLAN].payload) == bytes(request) and t[VXLAN].vni == 100 for t in tunnels)


def test_what_came_through_a_tunnel_goes_into_none(gateway: Target) -> None:
    request = Ether(src=AR, dst=ALL) / ARP(pdst="192.168.0.9")
    assert sorted(o.port for o in send(gateway, UNDERLAY, tunnel(request))) == [1, 2]
    assert send(gateway, UNDERLAY, tunnel(frame(A3, AR))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        tunnel(frame(AR, A1), vni=300),
        tunnel(frame(AR, A1), dst="10.0.0.9"),
        tunnel(frame(AR, A1), dport=4790),
        tunnel(frame(AR, A1), flags=0),
        tunnel(frame(AR, A1, vid=5)),
        tunnel(b"short"),
    ],
    ids=["other segment", "other address", "other port", "no I flag", "inner tag", "cut"],
)
def test_a_wrong_tunnel_is_dropped(gateway: Target, wrong: Ether) -> None:
    assert send(gateway, UNDERLAY, wrong) == []


def test_a_bad_outer_checksum_is_dropped(gateway: Target) -> None:
    whole = bytearray(bytes(tunnel(frame(AR, A1))))
    whole[24] ^= 0x10
    assert send(gateway, UNDERLAY, bytes(whole)) == []


def test_a_tenants_own_vxlan_is_a_frame_as_any(gateway: Target) -> None:
    inner = Ether(src=A1, dst=A2) / IP(src="192.168.0.1", dst="192.168.0.2") / UDP(sport=9, dport=4789) / VXLAN(vni=200)
    inner = inner / frame("02:00:00:00:00:01", B3)
    (sent,) = send(gateway, 1, inner)
    assert sent.port == 2
    assert bytes(Ether(sent.data)[IP]) == bytes(Ether(bytes(inner))[IP])


def test_new_addresses_are_reported_once_known_ones_not(gateway: Target) -> None:
    send(gateway, 1, frame(A1, A2))
    send(gateway, UNDERLAY, tunnel(frame(AR, A1)))
    add(gateway, "source_mac", (exact(100, 24), exact(mac(A2), 48), exact(2, 9)), "known")
    send(gateway, 2, frame(A2, A1, vid=5))
    learnt = [dict(event.fields) for event in gateway.events() if event.kind == "digest"]
    assert learnt == [
        {"vni": 100, "mac": mac(A1), "port": 1, "remote": 0},
        {"vni": 100, "mac": mac(AR), "port": UNDERLAY, "remote": ip("10.0.0.2")},
    ]
