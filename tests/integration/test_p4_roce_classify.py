"""``p4/roce_classify.p4``: RoCEv2 and CNP to their classes."""

import pytest
from scapy.contrib.roce import BTH
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q

from datapath.pipeline.target import Match, Target
from tests.integration.p4_programs import (
    ANY,
    IP,
    TARGETS,
    UDP,
    Ether,
    Raw,
    add,
    checksum_is_right,
    exact,
    mac,
    send,
    start,
)

HOST, PEER, ALL = "02:00:00:00:00:aa", "02:00:00:00:00:bb", "ff:ff:ff:ff:ff:ff"
CNP, WRITE_ONLY = 0x81, 0x0A
QPS = Match(0, 0xFFFFFF)


@pytest.fixture(params=TARGETS)
def switch(request: pytest.FixtureRequest) -> Target:
    target = start("roce_classify", request.param)
    for tagged, vid in ((0, 0), (1, 7)):
        add(target, "l2", (exact(tagged, 1), exact(vid, 12), exact(mac(PEER), 48)), "forward", 2)
        add(target, "l2", (exact(tagged, 1), exact(vid, 12), exact(mac(ALL), 48)), "flood", 9)
    target.set_multicast(9, [(1, 0), (2, 0), (3, 0)])
    for dscp, priority in ((0, 0), (26, 4), (46, 5)):
        add(target, "dscp_class", (exact(dscp, 6),), "set_class", priority)
    return target


def roce(opcode: int, *, tag: bool = False, v6: bool = False, dqpn: int = 17, tos: int = 0, dport: int = 4791) -> Ether:
    network = IPv6(src="fd00::1", dst="fd00::2", tc=tos) if v6 else IP(src="10.0.0.1", dst="10.0.0.2", tos=tos)
    tags = Dot1Q(vlan=7) if tag else None
    frame = Ether(dst=PEER, src=HOST)
    frame = frame / tags / network if tags else frame / network
    return frame / UDP(sport=50000, dport=dport, chksum=0) / BTH(opcode=opcode, dqpn=dqpn, psn=5) / Raw(b"x" * 20)


def classes(target: Target) -> dict[int, int]:
    counts = {n: target.counter("class_counter", n)[0] for n in range(8)}
    return {n: count for n, count in counts.items() if count}


@pytest.mark.parametrize("v6", [False, True])
@pytest.mark.parametrize("tag", [False, True])
def test_data_and_cnp_have_their_own_classes(switch: Target, tag: bool, v6: bool) -> None:
    data, cnp = roce(WRITE_ONLY, tag=tag, v6=v6), roce(CNP, tag=tag, v6=v6)
    sent = send(switch, 1, data) + send(switch, 1, cnp)
    assert [out.port for out in sent] == [2, 2]
    assert classes(switch) == {3: 1, 6: 1}
    first, second = (Ether(out.data) for out in sent)
    if tag:
        assert (first[Dot1Q].prio, second[Dot1Q].prio) == (3, 6)
    # Data keep their DSCP; a CNP gets CS6, and not one more bit of the packet changes.
    assert sent[0].data[18 if tag else 14 :] == bytes(data)[18 if tag else 14 :]
    if v6:
        assert second[IPv6].tc >> 2 == 48
    else:
        assert second[IP].tos >> 2 == 48
        if not tag:
            assert checksum_is_right(sent[1].data)
    assert bytes(second[UDP]) == bytes(Ether(bytes(cnp))[UDP])


def test_what_is_not_roce_goes_by_dscp(switch: Target) -> None:
    for tos, expected in ((0, 0), (26 << 2, 4), (46 << 2, 5), (10 << 2, 0)):
        before = classes(switch).get(expected, 0)
        (sent,) = send(switch, 1, roce(CNP, dport=4790, tos=tos))
        assert sent.data == bytes(roce(CNP, dport=4790, tos=tos))
        assert classes(switch)[expected] == before + 1


def test_a_fragment_is_not_taken_for_roce(switch: Target) -> None:
    for fields in ({"frag": 100}, {"flags": "MF"}):
        frame = Ether(dst=PEER, src=HOST) / IP(dst="10.0.0.2", **fields) / UDP(dport=4791) / BTH(opcode=CNP)
        assert len(send(switch, 1, frame)) == 1
    assert classes(switch) == {0: 2}


def test_rules_go_by_opcode_queue_pairs_and_ecn(switch: Target) -> None:
    add(switch, "roce_class", (ANY, Match(100, 199), ANY), "set_class", 5, priority=10)
    add(switch, "roce_class", (Match(0, 0xE0), QPS, Match(3, 3)), "set_class_and_dscp", 2, 12, priority=20)
    for dqpn, ecn, expected in ((99, 0, 3), (100, 0, 5), (199, 1, 5), (200, 2, 3), (150, 3, 2), (7, 3, 2)):
        before = classes(switch).get(expected, 0)
        (sent,) = send(switch, 1, roce(WRITE_ONLY, dqpn=dqpn, tos=ecn))
        assert classes(switch)[expected] == before + 1
        assert Ether(sent.data)[IP].tos == (12 << 2 | 3 if expected == 2 else ecn)
        assert checksum_is_right(sent.data)


def test_a_flooded_frame_does_not_come_back(switch: Target) -> None:
    frame = roce(WRITE_ONLY)
    frame.dst = ALL
    assert sorted(out.port for out in send(switch, 2, frame)) == [1, 3]


def test_unknown_addresses_and_cut_frames_are_dropped(switch: Target) -> None:
    frame = roce(WRITE_ONLY)
    frame.dst = HOST
    assert send(switch, 1, frame) == []
    assert send(switch, 1, bytes(roce(WRITE_ONLY))[:50]) == []
