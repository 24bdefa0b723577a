"""Local errors of requests and receives, completion queues, and what UD puts before a message."""

from collections.abc import Callable

import pytest

from datapath.errors import CallerError, DpuError
from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    AccessFlags,
    AHAttr,
    DeviceConfig,
    EventType,
    Mtu,
    QPCap,
    QPInitAttr,
    QpState,
    QpType,
    RecvWR,
    SendFlags,
    SendWR,
    WcFlags,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.addr import GID
from rdma_verbs.ah import AH
from rdma_verbs.wr import SGE
from tests.unit.rdma_verbs.wirepeer import ALL, PEER_QPN, QKEY, RNR, SLOW, WirePeer

MakePeer = Callable[..., WirePeer]
FULL = bytes(range(256))
IPV6 = ("fe80::1", "fe80::2")


def ah_of(peer: WirePeer, **fields: int) -> AH:
    return AH(peer.pd, AHAttr(dgid=GID.of(str(peer.peer_address)), **fields))


# Requests that fail here


def _elsewhere(mr: MR) -> SGE:
    other = MR(PD(mr.pd.context), 64, ALL)
    return SGE(other.addr, 8, other.lkey)


BAD_BUFFERS: dict[str, Callable[[MR], SGE]] = {
    "no such key": lambda mr: SGE(mr.addr, 8, mr.lkey ^ 1),
    "one byte too long": lambda mr: SGE(mr.addr + 57, 8, mr.lkey),
    "one byte before": lambda mr: SGE(mr.addr - 1, 8, mr.lkey),
    "wraps at 2^64": lambda mr: SGE((1 << 64) - 4, 8, mr.lkey),
    "another domain": _elsewhere,
}
WITH_DATA = [op for op in WrOpcode if op not in (WrOpcode.BIND_MW, WrOpcode.LOCAL_INV, WrOpcode.FLUSH)]
LOCAL_WRITES = (WrOpcode.RDMA_READ, WrOpcode.ATOMIC_CMP_AND_SWP, WrOpcode.ATOMIC_FETCH_AND_ADD)


@pytest.mark.ibta("9.9.2", "a local buffer that its L_Key does not cover: LOC_PROT_ERR, nothing sent (each operation)")
@pytest.mark.parametrize("operation", WITH_DATA)
@pytest.mark.parametrize("case", BAD_BUFFERS)
def test_bad_local_buffer(peer: WirePeer, case: str, operation: WrOpcode) -> None:
    sge = BAD_BUFFERS[case](peer.region(64))
    peer.qp.post_send(SendWR(3, operation, [sge], remote_addr=8, rkey=7))
    peer.qp.post_send(SendWR(4))
    assert peer.collect() == []
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [(3, WcStatus.LOC_PROT_ERR), (4, WcStatus.WR_FLUSH_ERR)]
    assert peer.qp.state is QpState.ERR


@pytest.mark.ibta("10.6.3.1", "READs and atomics need local write access where their result goes; sends need none")
@pytest.mark.parametrize("operation", WITH_DATA)
def test_local_write_access(peer: WirePeer, operation: WrOpcode) -> None:
    mr = peer.region(8, AccessFlags(0))
    peer.qp.post_send(SendWR(3, operation, [mr.sge()], remote_addr=8, rkey=7))
    sent = peer.collect()
    assert len(sent) == (operation not in LOCAL_WRITES)
    assert [wc.status for wc in peer.done()] == ([] if sent else [WcStatus.LOC_PROT_ERR])


@pytest.mark.ibta("9.9.2", "a bad request completes after those before it have, which may need retries")
def test_bad_request_waits_for_those_before_it(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=1)
    peer.qp.post_send([SendWR(1), SendWR(2, sg=[SGE(1, 1, 1)]), SendWR(3)])
    assert len(peer.collect(8_192)) == 2
    assert peer.done() == []
    peer.ack(0)
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [
        (1, WcStatus.SUCCESS),
        (2, WcStatus.LOC_PROT_ERR),
        (3, WcStatus.WR_FLUSH_ERR),
    ]


@pytest.mark.ibta("9.9.2", "a bad request completes, too, where those before it are acknowledged in a wait to retry")
def test_bad_request_after_a_late_acknowledge(peer: WirePeer) -> None:
    peer.qp.post_send([SendWR(1), SendWR(2, sg=[SGE(1, 1, 1)]), SendWR(3)])
    assert len(peer.collect()) == 1
    peer.ack(0, RNR | 1)
    peer.ack(0)
    assert peer.collect(10**9) == []
    assert [(wc.wr_id, wc.status) for wc in peer.done()] == [
        (1, WcStatus.SUCCESS),
        (2, WcStatus.LOC_PROT_ERR),
        (3, WcStatus.WR_FLUSH_ERR),
    ]


@pytest.mark.ibta("10.6.7.2", "a region deregistered before its request is sent, or where a READ lands: LOC_PROT_ERR")
@pytest.mark.parametrize("operation", [WrOpcode.SEND, WrOpcode.RDMA_READ, WrOpcode.ATOMIC_FETCH_AND_ADD])
def test_region_vanishes(peer: WirePeer, operation: WrOpcode) -> None:
    mr = peer.region(8)
    peer.qp.post_send(SendWR(3, operation, [mr.sge()], remote_addr=8, rkey=7))
    if operation is WrOpcode.SEND:
        mr.close()
        assert peer.collect() == []
    else:
        assert len(peer.collect()) == 1
        mr.close()
        name = "READ_RESPONSE_ONLY" if operation is WrOpcode.RDMA_READ else "ATOMIC_ACKNOWLEDGE"
        name = f"RC_RDMA_{name}" if operation is WrOpcode.RDMA_READ else f"RC_{name}"
        peer.ack(0, name=name, payload=bytes(8) if operation is WrOpcode.RDMA_READ else b"")
    assert [wc.status for wc in peer.done()] == [WcStatus.LOC_PROT_ERR]
    assert peer.qp.state is QpState.ERR


@pytest.mark.ibta("9.9.2", "a region that goes away while its message is sent again: LOC_PROT_ERR")
def test_region_vanishes_before_a_retry(make_peer: MakePeer) -> None:
    peer = make_peer(timeout=1)
    mr = peer.post(WrOpcode.SEND, FULL * 2)
    assert mr is not None
    assert len(peer.collect()) == 2
    mr.close()
    assert peer.collect(10**9) == []
    assert [wc.status for wc in peer.done()] == [WcStatus.LOC_PROT_ERR]


@pytest.mark.ibta("9.9.2", "a region that goes away within a message: LOC_PROT_ERR, the rest of it is never sent")
@pytest.mark.parametrize("service", [QpType.RC, QpType.UC])
def test_region_vanishes_within_a_message(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service, wrappers=SLOW)
    mr = peer.post(WrOpcode.SEND, bytes(25_600))
    assert mr is not None
    sent = peer.collect()
    mr.close()
    sent += peer.collect(10**9)
    assert [p.psn for p in sent] == list(range(len(sent)))
    assert {p.name for p in sent[1:]} == {f"{service.name}_SEND_MIDDLE"}
    assert [wc.status for wc in peer.done()] == [WcStatus.LOC_PROT_ERR]
    assert peer.qp.state is (QpState.ERR if service is QpType.RC else QpState.SQE)


@pytest.mark.ibta("9.8.3", "a datagram longer than the MTU: LOC_LEN_ERR, send queue in error, nothing sent (UD)")
@pytest.mark.parametrize(("length", "status"), [(256, WcStatus.SUCCESS), (257, WcStatus.LOC_LEN_ERR)])
def test_datagram_too_long(make_peer: MakePeer, length: int, status: WcStatus) -> None:
    peer = make_peer(QpType.UD, config=DeviceConfig(max_mtu=Mtu.MTU_256))
    peer.post(WrOpcode.SEND, bytes(length), ah=ah_of(peer), remote_qpn=PEER_QPN, remote_qkey=QKEY)
    assert len(peer.collect()) == (status is WcStatus.SUCCESS)
    assert [wc.status for wc in peer.done()] == [status]
    assert peer.qp.state is (QpState.RTS if status is WcStatus.SUCCESS else QpState.SQE)


@pytest.mark.ibta("9.9.3", "unreliable: a receive buffer that its L_Key does not allow: LOC_PROT_ERR, QP to error")
@pytest.mark.parametrize("service", [QpType.UC, QpType.UD])
def test_unreliable_bad_receive_buffer(make_peer: MakePeer, service: QpType) -> None:
    peer = make_peer(service)
    mr = peer.region(100)
    peer.qp.post_recv([RecvWR(1, [SGE(mr.addr, 100, mr.lkey ^ 1)]), RecvWR(2)])
    assert peer.request(f"{service.name}_SEND_ONLY", b"x") == []
    assert [(wc.wr_id, wc.status) for wc in peer.arrived()] == [(1, WcStatus.LOC_PROT_ERR), (2, WcStatus.WR_FLUSH_ERR)]
    assert peer.qp.state is QpState.ERR


@pytest.mark.ibta("11.4.1.1", "inline data is copied when posted: the buffer may change and needs no key")
@pytest.mark.parametrize("operation", [WrOpcode.SEND, WrOpcode.SEND_WITH_IMM, WrOpcode.RDMA_WRITE])
def test_inline_copies(peer: WirePeer, operation: WrOpcode) -> None:
    data = bytearray(b"as it was")
    peer.qp.post_send(SendWR(1, operation, data=data, send_flags=SendFlags.INLINE | SendFlags.SIGNALED, rkey=7))
    data[:] = b"otherwise"
    (packet,) = peer.collect()
    assert packet.payload == b"as it was"


@pytest.mark.ibta("11.4.1.1", "a message is gathered from its pieces, in order, across packets")
def test_gather(peer: WirePeer) -> None:
    region = peer.region(2048)
    region.write(bytes(i % 249 for i in range(2048)))
    pieces = [(5, 100), (300, 0), (7, 1), (1000, 400), (0, 3), (1500, 200)]
    peer.qp.post_send(SendWR(1, sg=[region.sge(offset, length) for offset, length in pieces]))
    expected = b"".join(region.read(length, offset) for offset, length in pieces)
    assert b"".join(p.payload for p in peer.collect()) == expected


# Completion queues


@pytest.mark.ibta("10.2.6", "one CQ serves the send and receive queues of many QPs; completions stand in their order")
def test_shared_cq(peer: WirePeer) -> None:
    cq = CQ(peer.context, 64)
    qps = [QP(peer.pd, QPInitAttr(QpType.UD, cq)) for _ in range(3)]
    for qp in qps:
        qp.start(qkey=QKEY)
        qp.post_recv(RecvWR(qp.qp_num, [peer.region(64).sge()]))
    for qp in reversed(qps):
        peer.request("UD_SEND_ONLY", b"x", dqpn=qp.qp_num)
    for qp in qps:
        qp.post_send(SendWR(qp.qp_num, ah=ah_of(peer), remote_qpn=PEER_QPN, remote_qkey=QKEY))
    peer.collect()
    numbers = [qp.qp_num for qp in qps]
    assert [(wc.wr_id, wc.qp_num) for wc in cq.poll(64)] == [(n, n) for n in [*reversed(numbers), *numbers]]


@pytest.mark.ibta(
    "11.6.3.2", "a CQ that overflows raises CQ_ERR and takes its QPs to error; what it holds can be polled"
)
def test_cq_overflow(peer: WirePeer) -> None:
    cq, other = CQ(peer.context, 2), CQ(peer.context, 16)
    qps = [QP(peer.pd, QPInitAttr(QpType.UD, cq, other)) for _ in range(2)]
    for qp in qps:
        qp.start(qkey=QKEY)
        qp.post_recv(RecvWR(qp.qp_num))
    for i in range(3):
        qps[0].post_send(SendWR(i, ah=ah_of(peer), remote_qpn=PEER_QPN, remote_qkey=QKEY))
    assert len(peer.collect()) == 3
    events = []
    while event := peer.context.next_event():
        events.append((event.type, event.element))
    assert events == [(EventType.CQ_ERR, cq), (EventType.QP_FATAL, qps[0]), (EventType.QP_FATAL, qps[1])]
    assert [qp.state for qp in qps] == [QpState.ERR] * 2
    assert peer.qp.state is QpState.RTS
    assert [wc.wr_id for wc in cq.poll(16)] == [0, 1]
    with pytest.raises(DpuError, match=f"CQ {cq.num}: overflowed its 2 entries"):
        cq.poll()
    assert [(wc.wr_id, wc.status) for wc in other.poll()] == [(qp.qp_num, WcStatus.WR_FLUSH_ERR) for qp in qps]


@pytest.mark.ibta("11.4.2.2", "an armed CQ fires once, for the next completion; what it holds already does not fire it")
def test_notify(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=4)
    peer.request("RC_SEND_ONLY", b"x")
    peer.recv_cq.req_notify()
    assert peer.context.notified() == []
    peer.request("RC_SEND_ONLY", b"x")
    peer.request("RC_SEND_ONLY", b"x")
    assert peer.context.notified() == [peer.recv_cq]
    peer.request("RC_SEND_ONLY", b"x")
    assert peer.context.notified() == []


@pytest.mark.ibta("11.4.2.2", "armed for solicited completions, a CQ fires for those and for failures only")
@pytest.mark.parametrize("cause", ["solicited", "failure", "both requests"])
def test_notify_solicited(make_peer: MakePeer, cause: str) -> None:
    peer = make_peer(recvs=3)
    peer.recv_cq.req_notify(solicited_only=True)
    peer.request("RC_SEND_ONLY", b"x")
    assert peer.context.notified() == []
    if cause == "solicited":
        peer.request("RC_SEND_ONLY", b"x", solicited=True)
    elif cause == "failure":
        peer.request("RC_SEND_ONLY", FULL * 15 + b"x")
    else:  # one for any completion is not weakened by a later one
        peer.recv_cq.req_notify()
        peer.recv_cq.req_notify(solicited_only=True)
        peer.request("RC_SEND_ONLY", b"x")
    assert peer.context.notified() == [peer.recv_cq]


@pytest.mark.ibta("11.2.8.3", "resizing keeps what a CQ holds, in order; fewer than that is refused")
def test_resize(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=5)
    cq = peer.recv_cq
    cq.resize(6)
    for _ in range(3):
        peer.request("RC_SEND_ONLY", b"x")
    assert [wc.wr_id for wc in cq.poll(2)] == [0, 1]
    for _ in range(2):
        peer.request("RC_SEND_ONLY", b"x")
    with pytest.raises(CallerError, match=f"CQ {cq.num}: 2 entries are fewer than the 3 it holds"):
        cq.resize(2)
    cq.resize(3)
    assert (cq.cqe, [wc.wr_id for wc in cq.poll(16)]) == (3, [2, 3, 4])


# UD


def checksum(header: bytes) -> int:
    words = sum(int.from_bytes(header[i : i + 2], "big") for i in range(0, len(header), 2))
    return (words & 0xFFFF) + (words >> 16)


@pytest.mark.ibta("A17.4.5", "UD over IPv4: 20 bytes, then the IPv4 header with a valid checksum, then the message")
def test_grh_of_ipv4(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UD, recvs=1)
    peer.received[0].write(b"\xee" * 64)
    peer.request("UD_SEND_ONLY", b"hello", tos=0x69, ttl=33, ip_id=0x1234)
    grh = peer.received[0].read(40)
    header = grh[20:]
    assert grh[:20] == bytes(20)
    assert checksum(header) == 0xFFFF
    assert header[:2] == b"\x45\x69"
    assert int.from_bytes(header[2:4], "big") == 28 + 12 + 8 + 8 + 4
    assert header[4:10] == bytes.fromhex("1234 4000 21 11")
    assert header[12:] == bytes([10, 0, 0, 2, 10, 0, 0, 1])
    assert peer.received[0].read(24, 40) == b"hello" + b"\xee" * 19


@pytest.mark.ibta("A17.4.5", "UD over IPv6: the IPv6 header, then the message")
def test_grh_of_ipv6(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UD, recvs=1, addresses=IPV6)
    peer.request("UD_SEND_ONLY", b"hello", tos=0x69, ttl=33, flow_label=0xABCDE)
    grh = peer.received[0].read(40)
    assert grh[:8] == bytes.fromhex("669abcde 0028 11 21")
    assert grh[8:] == GID.of(IPV6[1]).raw + GID.of(IPV6[0]).raw
    assert peer.received[0].read(5, 40) == b"hello"


@pytest.mark.ibta("10.2.2.5", "UD: each request goes where its address handle says, with its class and Q_Key")
@pytest.mark.parametrize("addresses", [("10.0.0.1", "10.0.0.2"), IPV6])
def test_address_handle(make_peer: MakePeer, addresses: tuple[str, str]) -> None:
    peer = make_peer(QpType.UD, addresses=addresses)
    fields = {"traffic_class": 0x69, "hop_limit": 7, "sl": 3}
    if addresses is IPV6:
        fields["flow_label"] = 0x12345
    ah = ah_of(peer, **fields)
    peer.post(WrOpcode.SEND, b"a", ah=ah, remote_qpn=0xABCDEF, remote_qkey=5)
    peer.post(WrOpcode.SEND_WITH_IMM, b"b", ah=ah, remote_qpn=1, remote_qkey=0x80000000, imm_data=9)
    first, second = peer.collect()
    assert (first.name, first.dqpn, first.qkey, first.sqpn) == ("UD_SEND_ONLY", 0xABCDEF, 5, peer.qp.qp_num)
    assert (first.tos, first.ttl, str(first.dst)) == (0x69, 7, addresses[1])
    assert first.flow_label == fields.get("flow_label", 0)
    # A Q_Key with its top bit set stands for the QP's own.
    assert (second.name, second.dqpn, second.qkey, second.imm) == ("UD_SEND_ONLY_WITH_IMMEDIATE", 1, QKEY, 9)
    assert not first.ackreq
    assert [wc.status for wc in peer.done()] == [WcStatus.SUCCESS] * 2


@pytest.mark.ibta("10.2.5", "UD: a packet without the QP's Q_Key is dropped and counted, the QP goes on")
@pytest.mark.parametrize("bit", range(32))
def test_qkey(make_peer: MakePeer, bit: int) -> None:
    peer = make_peer(QpType.UD, recvs=1)
    peer.request("UD_SEND_ONLY", b"x", qkey=QKEY ^ 1 << bit)
    assert peer.context.drops() == {"bad_qkey": 1}
    assert (peer.arrived(), peer.qp.state) == ([], QpState.RTS)


@pytest.mark.ibta("9.8.3", "UD: PSNs are not checked; any order and any gap is received")
def test_datagram_psns_do_not_matter(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UD, recvs=4)
    for psn in (5, 5, 0, 0x900000):
        peer.request("UD_SEND_ONLY", b"x", psn=psn)
    assert [wc.wc_flags for wc in peer.arrived()] == [WcFlags.GRH] * 4


@pytest.mark.ibta("11.4.1.1", "the largest message is one GiB; one byte more is refused")
def test_largest_message(make_peer: MakePeer) -> None:
    peer = make_peer(cap=QPCap(max_send_sge=2))
    mr = peer.region(1 << 30, AccessFlags.LOCAL_WRITE)
    with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}: message of 1073741825 bytes exceeds max_msg_sz"):
        peer.qp.post_send(SendWR(sg=[mr.sge(), mr.sge(0, 1)]))
    peer.qp.post_send(SendWR(1, WrOpcode.RDMA_READ, [mr.sge()], rkey=7))
    (request,) = peer.collect()
    assert request.dma_len == 1 << 30
    assert peer.qp.query().sq_psn == 1 << 22
