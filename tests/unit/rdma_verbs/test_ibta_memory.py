"""Regions and their keys, and what becomes of calls that ask for something illegal."""

import re
from collections.abc import Callable
from typing import Any

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
    QPCap,
    QPInitAttr,
    QpType,
    RecvWR,
    SendFlags,
    SendWR,
    WrOpcode,
)
from rdma_verbs.addr import GID
from rdma_verbs.ah import AH
from rdma_verbs.errors import QueueFullError
from rdma_verbs.wr import SGE
from tests.unit.rdma_verbs.wirepeer import ACK, ALL, NAK_ACCESS, QKEY, Fields, WirePeer

MakePeer = Callable[..., WirePeer]
INLINE = SendFlags.INLINE


@pytest.mark.ibta("10.6.3.4", "keys hold random bits, which differ between regions and between devices")
def test_keys_are_random(make_peer: MakePeer) -> None:
    peer, other = make_peer(config=DeviceConfig(seed=1)), make_peer(config=DeviceConfig(seed=2))
    mine = [peer.region(8).rkey for _ in range(64)]
    theirs = [other.region(8).rkey for _ in range(64)]
    assert len(set(mine)) == len(set(theirs)) == 64
    # The upper half is an index; below it every bit takes both values, and no two devices agree.
    assert [key >> 16 for key in mine] == [key >> 16 for key in theirs]
    low = [key & 0xFFFF for key in mine]
    assert all(len({key >> bit & 1 for key in low}) == 2 for bit in range(16))
    assert len({key & 0xFFFF for key in mine} & {key & 0xFFFF for key in theirs}) <= 2
    # With the same seed a run repeats.
    assert [make_peer(config=DeviceConfig(seed=1)).region(8).rkey for _ in range(1)] == mine[:1]


@pytest.mark.ibta("10.6.3.4", "a key's index is the last to be used again, and then with other random bits")
def test_keys_are_not_used_again_at_once(make_peer: MakePeer) -> None:
    peer = make_peer(config=DeviceConfig(max_mr=8))
    seen = []
    for _ in range(24):
        mr = peer.region(8)
        seen.append(mr.rkey)
        mr.close()
    index = [key >> 29 for key in seen]
    assert index == [i % 8 for i in range(24)]
    assert len(set(seen)) == 24


@pytest.mark.ibta("10.6.3.1", "addresses of a region: the memory's own, an iova of any value, or zero-based")
@pytest.mark.parametrize("iova", [None, 0, 1, 0xFFFF_FFFF_FFFF_F000, "zero based"])
def test_addresses_of_a_region(peer: WirePeer, iova: Any) -> None:
    memory = bytearray(4096)
    if iova == "zero based":
        mr = MR(peer.pd, memory, ALL | AccessFlags.ZERO_BASED)
        assert mr.addr == 0
    else:
        mr = MR(peer.pd, memory, ALL, iova=iova)
        assert iova is None or mr.addr == iova
    reth: Fields = {"va": mr.addr + 4092, "rkey": mr.rkey, "dma_len": 4}
    peer.expect(peer.request("RC_RDMA_WRITE_ONLY", b"here", **reth), ACK, 0, 1)
    assert memory[4092:] == b"here"
    peer.qp.post_send(SendWR(sg=[SGE(mr.addr + 4092, 4, mr.lkey)]))  # as a local buffer, too
    assert [p.payload for p in peer.collect()] == [b"here"]


@pytest.mark.ibta("10.6.3.1", "a region of nothing can be registered; nothing can be reached through it")
def test_empty_region(peer: WirePeer) -> None:
    mr = MR(peer.pd, bytearray(), ALL, iova=0x1000)
    answers = peer.request("RC_RDMA_WRITE_ONLY", b"x", va=0x1000, rkey=mr.rkey, dma_len=1)
    peer.refused(answers, NAK_ACCESS, 0)


BAD_REGIONS: dict[str, tuple[Fields, str]] = {
    "unknown flag": ({"access": 1 << 15}, "access flags 0x8000 hold unknown bits 0x8000"),
    "remote write without local write": ({"access": AccessFlags.REMOTE_WRITE}, "access flags 0x2 grant remote write"),
    "atomic without local write": ({"access": AccessFlags.REMOTE_ATOMIC}, "access flags 0x8 grant"),
    "past 2^64": ({"iova": (1 << 64) - 4095}, r"length 0x1000 at 0xfffffffffffff001 runs past 2\^64"),
    "iova of 65 bits": ({"iova": 1 << 64}, "iova 18446744073709551616"),
    "iova and zero-based": ({"iova": 0, "access": ALL | AccessFlags.ZERO_BASED}, "iova 0x0 with ZERO_BASED"),
    "read-only memory": ({"source": bytes(8)}, "bytes is read-only"),
    "huge pages alone": ({"access": AccessFlags.HUGETLB}, "huge pages without on-demand paging"),
    "implicit with a length": ({"implicit": True, "access": 64}, "an implicit region has source 0"),
    "implicit, not on demand": ({"implicit": True, "source": 0}, "an implicit region has source 0"),
    "address zero": ({"address": 0}, "address 0"),
    "address of 65 bits": ({"address": 1 << 64}, "address 18446744073709551616"),
    "address and a buffer": ({"source": b"x", "address": 4096}, "length b'x'"),
    "address past 2^64": ({"address": (1 << 64) - 4095}, r"runs past 2\^64"),
    "negative length": ({"source": -1}, "length -1"),
    "no buffer": ({"source": None}, "NoneType has no buffer"),
}


@pytest.mark.ibta("10.6.3.1", "a region that makes no sense is refused, naming object, value and limit")
@pytest.mark.parametrize("case", BAD_REGIONS)
def test_bad_region(peer: WirePeer, case: str) -> None:
    text = BAD_REGIONS[case][1]
    fields: dict[str, Any] = {"source": 4096, "access": ALL} | BAD_REGIONS[case][0]
    with pytest.raises(CallerError, match=f"MR: .*{text}"):
        MR(peer.pd, fields.pop("source"), fields.pop("access"), **fields)


def _ah(peer: WirePeer, **fields: Any) -> AH:
    return AH(peer.pd, AHAttr(**({"dgid": GID.of("10.0.0.2")} | fields)))


BAD_SENDS: dict[str, tuple[QpType, Callable[[WirePeer], SendWR], str]] = {
    "unknown opcode": (QpType.RC, lambda _: SendWR(opcode=10), "work request opcode 10 is not supported"),  # type: ignore[arg-type]
    "unknown flag": (QpType.RC, lambda _: SendWR(send_flags=16), "send_flags 0x10 hold unknown bits"),  # type: ignore[arg-type]
    "too many pieces": (QpType.RC, lambda p: SendWR(sg=[p.region(8).sge()] * 7), "num_sge 7 exceeds max_send_sge 6"),
    "too much inline": (
        QpType.RC,
        lambda _: SendWR(data=bytes(257), send_flags=INLINE),
        "inline data of 257 bytes exceeds max_inline_data 256",
    ),
    "inline read": (
        QpType.RC,
        lambda _: SendWR(opcode=WrOpcode.RDMA_READ, data=bytes(8), send_flags=INLINE),
        "inline data with RDMA READ",
    ),
    "atomic of 4 bytes": (
        QpType.RC,
        lambda p: SendWR(opcode=WrOpcode.ATOMIC_FETCH_AND_ADD, sg=[p.region(4).sge()]),
        "fetch and add with a local buffer of 4 bytes, it needs 8",
    ),
    "atomic of nothing": (
        QpType.RC,
        lambda _: SendWR(opcode=WrOpcode.ATOMIC_CMP_AND_SWP),
        "compare and swap with a local buffer of 0 bytes, it needs 8",
    ),
    "UC read": (
        QpType.UC,
        lambda _: SendWR(opcode=WrOpcode.RDMA_READ),
        "RDMA READ is not an operation of its transport service",
    ),
    "UC atomic": (
        QpType.UC,
        lambda _: SendWR(opcode=WrOpcode.ATOMIC_CMP_AND_SWP),
        "compare and swap is not an operation of its transport service",
    ),
    "UD write": (
        QpType.UD,
        lambda p: SendWR(opcode=WrOpcode.RDMA_WRITE, ah=_ah(p)),
        "RDMA WRITE is not an operation of its transport service",
    ),
    "UD without a handle": (QpType.UD, lambda _: SendWR(), "a UD send needs an address handle"),
    "UD to a QPN of 25 bits": (
        QpType.UD,
        lambda p: SendWR(ah=_ah(p), remote_qpn=1 << 24),
        "remote_qpn 0x1000000 exceeds 24 bits",
    ),
    "UD from a GID that is not": (
        QpType.UD,
        lambda p: SendWR(ah=_ah(p, sgid_index=3)),
        "sgid_index 3 exceeds the last GID index 0",
    ),
    "UD to another family": (
        QpType.UD,
        lambda p: SendWR(ah=_ah(p, dgid=GID.of("fe80::9"))),
        "different IP families",
    ),
    "wr_id of 65 bits": (QpType.RC, lambda _: SendWR(wr_id=1 << 64), "wr_id 18446744073709551616"),
    "negative rkey": (QpType.RC, lambda _: SendWR(rkey=-1), "rkey -1"),
    "imm_data of 33 bits": (QpType.RC, lambda _: SendWR(imm_data=1 << 32), "imm_data 4294967296"),
}


@pytest.mark.ibta("11.4.1.1", "an illegal send request is refused at once, naming QP, value and limit; nothing is sent")
@pytest.mark.parametrize("case", BAD_SENDS)
def test_bad_send(make_peer: MakePeer, case: str) -> None:
    service, make, text = BAD_SENDS[case]
    peer = make_peer(service)
    with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}\\b.*{re.escape(text)}"):
        peer.qp.post_send(make(peer))
    assert peer.collect() == []
    assert peer.done() == []


@pytest.mark.ibta("11.4.1.1", "requests before an illegal one in a list are taken, the error says how many")
def test_list_stops_at_the_illegal_one(peer: WirePeer) -> None:
    with pytest.raises(CallerError) as caught:
        peer.qp.post_send([SendWR(1), SendWR(2), SendWR(opcode=WrOpcode.ATOMIC_CMP_AND_SWP), SendWR(4)])
    assert caught.value.posted == 2  # type: ignore[attr-defined]
    assert len(peer.collect()) == 2


@pytest.mark.ibta("11.2.5.1", "a READ or atomic is refused where max_rd_atomic is 0")
def test_read_without_rd_atomic(make_peer: MakePeer) -> None:
    peer = make_peer(max_rd_atomic=0)
    with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}: RDMA READ with max_rd_atomic 0"):
        peer.qp.post_send(SendWR(opcode=WrOpcode.RDMA_READ))


@pytest.mark.ibta("11.4.1", "a full queue refuses, naming its size; a completion makes room")
def test_full_queues(make_peer: MakePeer) -> None:
    peer = make_peer(cap=QPCap(max_send_wr=2, max_recv_wr=3))
    peer.qp.post_send([SendWR(1), SendWR(2)])
    with pytest.raises(QueueFullError, match=f"QP {peer.qp.qp_num}: send queue full, max_send_wr 2"):
        peer.qp.post_send(SendWR(3))
    peer.qp.post_recv([RecvWR(i) for i in range(3)])
    with pytest.raises(QueueFullError, match=f"QP {peer.qp.qp_num}: receive queue full, max_recv_wr 3"):
        peer.qp.post_recv(RecvWR(3))
    peer.collect()
    peer.ack(0)
    peer.request("RC_SEND_ONLY")
    peer.qp.post_send(SendWR(3))
    peer.qp.post_recv(RecvWR(3))


@pytest.mark.ibta("11.4.1.2", "a receive with more pieces than max_recv_sge is refused")
def test_bad_receive(peer: WirePeer) -> None:
    with pytest.raises(CallerError, match=f"QP {peer.qp.qp_num}: num_sge 7 exceeds max_recv_sge 6"):
        peer.qp.post_recv(RecvWR(sg=[peer.region(8).sge()] * 7))


BAD_QPS = [
    (QPCap(max_send_wr=11), "max_send_wr 11 exceeds device limit 10"),
    (QPCap(max_send_wr=1, max_recv_wr=11), "max_recv_wr 11 exceeds device limit 10"),
    (QPCap(1, 1, max_send_sge=4), "max_send_sge 4 exceeds device limit 3"),
    (QPCap(1, 1, 1, max_recv_sge=4), "max_recv_sge 4 exceeds device limit 3"),
    (QPCap(1, 1, 1, 1, max_inline_data=101), "max_inline_data 101 exceeds device limit 100"),
]


@pytest.mark.ibta("11.2.5.1", "a QP larger than the device allows is refused, naming value and limit")
@pytest.mark.parametrize(("cap", "text"), BAD_QPS)
def test_qp_too_large(make_peer: MakePeer, cap: QPCap, text: str) -> None:
    net = make_peer(config=DeviceConfig(max_qp_wr=10, max_sge=3, max_inline=100), cap=QPCap(1, 1, 1, 1))
    with pytest.raises(CallerError, match=f"QP: {text}"):
        QP(net.pd, QPInitAttr(QpType.RC, net.cq, cap=cap))


@pytest.mark.ibta("11.2.1.2", "a device out of QPs, CQs, regions or domains names its limit, until one is freed")
def test_device_limits(make_peer: MakePeer) -> None:
    peer = make_peer(config=DeviceConfig(max_cq=3, max_mr=4, max_pd=2, qpn_count=2))
    kept: list[Any] = []
    makers: dict[str, tuple[int, Callable[[], Any]]] = {
        "CQ": (3, lambda: CQ(peer.context, 1)),
        "MR": (4, lambda: peer.region(8)),
        "PD": (2, lambda: PD(peer.context)),
        "QP": (2, lambda: QP(peer.pd, QPInitAttr(QpType.RC, peer.cq))),
    }
    for kind, (limit, make) in makers.items():
        have = {"CQ": 2, "PD": 1, "QP": 1}.get(kind, 0)
        kept += [make() for _ in range(have, limit)]
        with pytest.raises(DpuError, match=f"{kind}: the device's limit of {limit} is reached"):
            make()
        kept.pop().close()
        kept.append(make())


@pytest.mark.ibta("11.2.8.1", "a CQ of no entries, or of more than the device allows, is refused")
@pytest.mark.parametrize("cqe", [0, 21])
def test_bad_cq_size(make_peer: MakePeer, cqe: int) -> None:
    peer = make_peer()
    with pytest.raises(CallerError, match=f"CQ: {cqe * 200_000} entries, the device takes 1 to 4194303"):
        CQ(peer.context, cqe * 200_000)
    with pytest.raises(CallerError, match=f"CQ {peer.cq.num}: {cqe * 200_000} entries, the device takes 1 to"):
        peer.cq.resize(cqe * 200_000)


@pytest.mark.ibta("10.6.2", "a QP takes no queue of another device")
def test_cq_of_another_device(make_peer: MakePeer) -> None:
    peer, other = make_peer(), make_peer()
    with pytest.raises(CallerError, match=f"QP: CQ {other.cq.num} belongs to"):
        QP(peer.pd, QPInitAttr(QpType.UD, other.cq))


@pytest.mark.ibta("10.2.5", "QPNs go round: a number just freed is the last to be used again")
def test_qpns_go_round(make_peer: MakePeer) -> None:
    peer = make_peer(config=DeviceConfig(qpn_base=100, qpn_count=3))
    numbers = [peer.qp.qp_num]
    for _ in range(5):
        with QP(peer.pd, QPInitAttr(QpType.UD, peer.cq)) as qp:
            numbers.append(qp.qp_num)
    assert numbers == [100, 101, 102, 101, 102, 101]


@pytest.mark.ibta("10.2.5", "packets for a destroyed QP are for nobody")
def test_destroyed_qp(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UD, recvs=1)
    number = peer.qp.qp_num
    peer.qp.close()
    peer.send("UD_SEND_ONLY", b"x", dqpn=number, qkey=QKEY)
    assert peer.collect() == []
    assert peer.context.drops() == {"unknown_qpn": 1}
