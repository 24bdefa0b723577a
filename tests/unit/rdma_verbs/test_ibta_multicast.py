"""Multicast: who has a copy, who has none, and what the copies look like (IBTA vol 1, 10.5)."""

import dataclasses
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import pytest

from rdma_verbs import (
    CQ,
    MR,
    MULTICAST_QPN,
    PD,
    QP,
    WC,
    AccessFlags,
    AHAttr,
    CallerError,
    Context,
    DeviceConfig,
    QPAttr,
    QpAttrMask,
    QPCap,
    QPInitAttr,
    QpState,
    QpType,
    RecvWR,
    SendFlags,
    SendWR,
    VirtualNet,
    WcFlags,
)
from rdma_verbs.addr import GID
from rdma_verbs.ah import AH
from tests.unit.rdma_verbs.wirepeer import PEER_QPN, QKEY, WirePeer

MakePeer = Callable[..., WirePeer]
GROUP = "239.1.2.3"
FIELDS = {"dst": ip_address(GROUP), "dqpn": MULTICAST_QPN}


class Member:
    """A UD queue pair with receives, in a group or not."""

    def __init__(self, context: Context, *, qkey: int = QKEY, recvs: int = 8, group: str | None = GROUP) -> None:
        self.context = context
        self.pd, self.cq = PD(context), CQ(context)
        self.qp = QP(self.pd, QPInitAttr(QpType.UD, self.cq, cap=QPCap(max_inline_data=64)))
        self.qp.start(qkey=qkey)
        self.mr = MR(self.pd, 4096, AccessFlags.LOCAL_WRITE)
        for i in range(recvs):
            self.qp.post_recv(RecvWR(i, [self.mr.sge(512 * i, 512)]))
        if group:
            self.qp.attach_mcast(group)

    def send(self, data: bytes, group: str = GROUP, remote_qpn: int = MULTICAST_QPN) -> None:
        ah = AH(self.pd, AHAttr(dgid=GID.of(group)))
        self.qp.post_send(SendWR(data=data, ah=ah, remote_qpn=remote_qpn, remote_qkey=QKEY, send_flags=SendFlags(0)))

    def got(self) -> list[bytes]:
        return [self.mr.read(wc.byte_len - 40, 512 * wc.wr_id + 40) for wc in self.received()]

    def received(self) -> list[WC]:
        return [wc for wc in self.cq.poll(64) if wc.wc_flags & WcFlags.GRH]


@pytest.fixture
def net() -> Iterator[VirtualNet]:
    with VirtualNet() as made:
        yield made


def devices(net: VirtualNet, address: str = "10.0.0.{}", **config: int) -> tuple[Context, Context]:
    a, b = (address.format(i) for i in (1, 2))
    return net.pair(addresses=(a, b), config=DeviceConfig(**config))  # type: ignore[arg-type]


@pytest.mark.ibta("10.5", "a packet to a group reaches every attached queue pair of every device, once")
@pytest.mark.parametrize(("address", "group"), [("10.0.0.{}", GROUP), ("fe80::{}", "ff15::1:2")])
def test_every_member_has_a_copy(net: VirtualNet, address: str, group: str) -> None:
    a, b = devices(net, address)
    sender = Member(a, group=None)
    members = [Member(b, group=group) for _ in range(6)]
    outsider, other = Member(b, group=None), Member(b, group="239.1.2.4" if group == GROUP else "ff15::1:3")
    sender.send(b"one", group)
    sender.send(b"two", group)
    net.run()
    assert [m.got() for m in members] == [[b"one", b"two"]] * 6
    assert outsider.got() == other.got() == sender.got() == []
    counters = b.counters()
    assert (counters["rcvd_pkts"], counters["multicast_rcv_packets"]) == (2, 2)
    assert a.counters()["multicast_xmit_packets"] == 2
    assert members[0].qp.counters()["rcvd_pkts"] == 2
    assert b.drops() == {}


@pytest.mark.ibta("10.5", "members on the sender's own device have a copy, the sender too if it is attached")
def test_members_beside_the_sender_have_a_copy(net: VirtualNet) -> None:
    a, b = devices(net)
    sender, beside, far = Member(a), Member(a), Member(b)
    sender.send(b"hello")
    net.run_until(0)
    assert (sender.got(), beside.got(), far.got()) == ([b"hello"], [b"hello"], [])
    net.run()
    assert far.got() == [b"hello"]
    assert a.counters()["rcvd_pkts"] == 0  # nothing came through the port


@pytest.mark.ibta("10.5", "... and it has the same GRH as one from the wire")
def test_the_copy_beside_the_sender_looks_as_if_it_came_from_the_wire(net: VirtualNet) -> None:
    a, b = devices(net)
    sender, far = Member(a), Member(b)
    sender.send(b"hello")
    net.run()
    (near_wc,), (far_wc,) = sender.received(), far.received()
    assert (near_wc.byte_len, near_wc.src_qp) == (far_wc.byte_len, far_wc.src_qp) == (45, sender.qp.qp_num)
    near, remote = sender.mr.read(40), far.mr.read(40)
    assert near == remote
    assert near[36:40] == ip_address(GROUP).packed


@pytest.mark.ibta("10.5", "each copy is checked by itself: Q_Key, state, receive")
def test_each_copy_is_checked_by_itself(net: VirtualNet) -> None:
    a, b = devices(net)
    sender = Member(a, group=None)
    wrong_key, no_receive, in_error, good = Member(b, qkey=5), Member(b, recvs=0), Member(b), Member(b)
    in_error.qp.modify(QPAttr(qp_state=QpState.ERR), QpAttrMask.STATE)
    in_error.cq.poll(64)
    sender.send(b"x")
    net.run()
    assert good.got() == [b"x"]
    assert wrong_key.got() == no_receive.got() == in_error.got() == []
    assert b.drops() == {"bad_qkey": 1, "no_recv_wqe": 1, "bad_state": 1}


@pytest.mark.ibta("11.3.2", "after detaching nothing comes; detaching what is not attached is refused")
def test_who_detaches_has_no_copy(net: VirtualNet) -> None:
    a, b = devices(net)
    sender, first, second = Member(a, group=None), Member(b), Member(b)
    first.qp.detach_mcast(GROUP)
    sender.send(b"x")
    net.run()
    assert (first.got(), second.got()) == ([], [b"x"])
    with pytest.raises(CallerError, match=f"QP {first.qp.qp_num}: detach_mcast, it is not attached"):
        first.qp.detach_mcast(GROUP)
    second.qp.detach_mcast(GROUP)
    sender.send(b"y")
    net.run()
    assert b.drops() == {"bad_dgid": 1}


@pytest.mark.ibta("11.3.1", "attaching a second time changes nothing")
def test_who_attaches_twice_has_one_copy(net: VirtualNet) -> None:
    a, b = devices(net)
    sender, member = Member(a, group=None), Member(b)
    member.qp.attach_mcast(GROUP, lid=0xC001)
    sender.send(b"x")
    net.run()
    assert member.got() == [b"x"]
    member.qp.detach_mcast(GROUP)
    sender.send(b"y")
    net.run()
    assert member.got() == []


@pytest.mark.ibta("11.3.2", "a queue pair that is destroyed leaves its groups")
def test_a_queue_pair_that_closes_leaves_its_groups(net: VirtualNet) -> None:
    a, b = devices(net)
    sender, gone, stays = Member(a, group=None), Member(b), Member(b)
    for i in range(100):
        gone.qp.attach_mcast(f"239.9.0.{i}")
    gone.qp.close()
    for group in (GROUP, "239.9.0.7"):
        sender.send(b"x", group)
    net.run()
    assert stays.got() == [b"x"]
    assert b.drops() == {"bad_dgid": 1}


@pytest.mark.ibta("11.3.1", "only unreliable datagrams, only multicast GIDs")
@pytest.mark.parametrize("group", ["10.0.0.1", "223.255.255.255", "240.0.0.0", "fe80::1"])
def test_what_is_no_group_is_refused(net: VirtualNet, group: str) -> None:
    member = Member(devices(net)[0], group=None)
    for verb in (member.qp.attach_mcast, member.qp.detach_mcast):
        with pytest.raises(CallerError, match=f"QP {member.qp.qp_num}: .*no multicast group"):
            verb(group)


@pytest.mark.ibta("11.3.1", "... and a connected queue pair has no group as its destination")
@pytest.mark.parametrize("service", [QpType.RC, QpType.UC])
def test_connected_services_have_no_groups(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service, state=QpState.INIT)
    with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}: attach_mcast, only unreliable datagrams"):
        peer.qp.attach_mcast(GROUP)
    peer.attr = dataclasses.replace(peer.attr, ah_attr=AHAttr(dgid=GID.of(GROUP)))
    with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}: dgid is a multicast group's"):
        peer.to(QpState.RTR)


@pytest.mark.ibta("10.5", "the destination QPN of a packet to a group is 0xffffff, on the way out and in")
def test_the_destination_is_the_multicast_qpn(net: VirtualNet, make_peer: MakePeer) -> None:
    with pytest.raises(CallerError, match="remote_qpn 0x5 with a multicast dgid, it is 0xffffff"):
        Member(devices(net)[0]).send(b"x", remote_qpn=5)
    peer = make_peer(QpType.UD, recvs=2)
    peer.qp.attach_mcast(GROUP)
    peer.send("UD_SEND_ONLY", b"x", dst=ip_address(GROUP))
    peer.collect()
    assert (peer.arrived(), peer.context.drops()) == ([], {"unknown_qpn": 1})
    peer.send("UD_SEND_ONLY", b"x", **FIELDS)
    peer.collect()
    assert [wc.src_qp for wc in peer.arrived()] == [PEER_QPN]


@pytest.mark.ibta("10.5", "service, P_Key, group and destination are checked once; our own coming back is dropped")
@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("RC_SEND_ONLY", {}, "bad_service"),
        ("UC_SEND_ONLY", {}, "bad_service"),
        ("UD_SEND_ONLY", {"pkey": 0x8001}, "bad_pkey"),
        ("UD_SEND_ONLY", {"dst": ip_address("239.1.2.4")}, "bad_dgid"),
        ("UD_SEND_ONLY", {"dst": ip_address("10.0.0.1")}, "unknown_qpn"),
        ("UD_SEND_ONLY", {"src": ip_address("10.0.0.1"), "sqpn": 2}, "loopback"),
    ],
)
def test_what_is_wrong_with_the_packet_itself(
    make_peer: MakePeer, name: str, fields: dict[str, object], reason: str
) -> None:
    peer = make_peer(QpType.UD, recvs=2)
    assert peer.qp.qp_num == 2
    peer.qp.attach_mcast(GROUP)
    peer.send(name, b"x", **(FIELDS | fields))
    peer.collect()
    assert (peer.arrived(), peer.context.drops()) == ([], {reason: 1})
    assert peer.count("multicast_rcv_packets") == 0


@pytest.mark.ibta("10.5", "what comes from our own address but another's queue pair is delivered")
def test_another_process_of_our_address_is_not_ourselves(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UD, recvs=2, config=DeviceConfig(qpn_base=0x10001, qpn_count=0xFFFF))
    peer.qp.attach_mcast(GROUP)
    peer.send("UD_SEND_ONLY", b"x", **(FIELDS | {"src": ip_address("10.0.0.1"), "sqpn": 0x20001}))
    peer.collect()
    assert len(peer.arrived()) == 1


@pytest.mark.ibta("10.5", "nothing is delivered, near or far, while the link is down")
def test_a_link_that_is_down_gives_nothing_back(net: VirtualNet) -> None:
    sender = Member(devices(net)[0])
    sender.context.set_link(False)
    sender.send(b"x")
    net.run()
    assert sender.got() == []
