import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from rdma_verbs import (
    CQ,
    GID,
    PD,
    QP,
    SGE,
    AHAttr,
    CallerError,
    DeviceConfig,
    Mtu,
    PeerError,
    PostError,
    QPAttr,
    QpAttrMask,
    QPCap,
    QPEndpoint,
    QPInitAttr,
    QpState,
    QpType,
    QueueFullError,
    RecvWR,
    SendFlags,
    SendWR,
    VirtualNet,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.ah import AH
from tests.unit.rdma_verbs.pair import Pair

BIG = 1 << 64


@pytest.fixture
def qp() -> QP:
    context, _ = VirtualNet().pair()
    return QP(PD(context), QPInitAttr(QpType.RC, CQ(context)), psn=5)


def test_connecting_walks_to_rts_and_query_tells_what_was_set(pair: Pair) -> None:
    a, b = pair.a.qp, pair.b.qp
    assert (a.state, b.state) == (QpState.RTS, QpState.RTS)
    attr = a.query()
    assert (attr.dest_qp_num, attr.path_mtu, attr.timeout, attr.ah_attr.dgid) == (
        b.qp_num,
        Mtu.MTU_1024,
        5,
        pair.b.context.gids[0],
    )


def test_an_endpoint_survives_json(qp: QP) -> None:
    assert QPEndpoint.from_json(qp.endpoint.to_json()) == qp.endpoint
    assert (qp.endpoint.psn, qp.endpoint.mtu, str(qp.endpoint.gid)) == (5, Mtu.MTU_4096, "10.0.0.1")


@pytest.mark.parametrize(
    "change",
    [{"qpn": 1 << 24}, {"qpn": -1}, {"psn": "1"}, {"mtu": 1000}, {"gid": "x"}, {"qkey": 1 << 32}, {"psn": None}],
)
def test_a_bad_endpoint_is_the_peers_fault(qp: QP, change: dict[str, Any]) -> None:
    with pytest.raises(PeerError, match="QP endpoint"):
        QPEndpoint.from_json(json.dumps(json.loads(qp.endpoint.to_json()) | change))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "\xff"])
def test_what_is_no_endpoint_is_the_peers_fault(text: str) -> None:
    with pytest.raises(PeerError):
        QPEndpoint.from_json(text)


def test_psns_are_repeatable_and_differ() -> None:
    def psns(seed: int) -> list[int]:
        context, _ = VirtualNet().pair(config=DeviceConfig(seed=seed))
        pd, cq = PD(context), CQ(context)
        return [QP(pd, QPInitAttr(QpType.RC, cq)).psn for _ in range(5)]

    assert psns(1) == psns(1) != psns(2)
    assert len(set(psns(1))) == 5


def test_modify_names_what_is_missing_or_too_much(qp: QP) -> None:
    with pytest.raises(CallerError, match=f"QP {qp.qp_num}"):
        qp.modify(QPAttr(qp_state=QpState.INIT), QpAttrMask.STATE)
    with pytest.raises(CallerError, match=f"QP {qp.qp_num}"):
        qp.modify(QPAttr(qp_state=QpState.RTS), QpAttrMask.STATE)
    assert qp.state is QpState.RESET


def test_numbers_are_never_cut(qp: QP) -> None:
    qp.to_init()
    remote = QPEndpoint(GID.of("10.0.0.2"), 17, 0, Mtu.MTU_1024)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"qpn": 1 << 24}, "16777216"),
        ({"psn": 1 << 24}, "16777216"),
        ({"psn": 1 << 32}, "rq_psn 4294967296 is not an unsigned integer of 32 bits"),
        ({"psn": -1}, "rq_psn -1 is not an unsigned"),
    ]
    for change, said in wrong:
        with pytest.raises(CallerError, match=said):
            qp.to_rtr(dataclasses.replace(remote, **change))
    with pytest.raises(CallerError, match="min_rnr_timer 256 is not an unsigned integer of 8 bits"):
        qp.to_rtr(remote, min_rnr_timer=256)
    with pytest.raises(CallerError, match="min_rnr_timer 32"):
        qp.to_rtr(remote, min_rnr_timer=32)
    with pytest.raises(CallerError, match="flow_label 4294967296"):
        qp.to_rtr(remote, ah_attr=AHAttr(remote.gid, flow_label=1 << 32))
    with pytest.raises(CallerError, match="mask 4294967296"):
        qp.modify(QPAttr(), 1 << 32)
    qp.to_rtr(remote)
    with pytest.raises(CallerError, match="retry_cnt 8"):
        qp.to_rts(retry_cnt=8)
    assert qp.state is QpState.RTR


@pytest.mark.parametrize("psn", [-1, 1 << 24])
def test_a_psn_has_24_bits(psn: int) -> None:
    context, _ = VirtualNet().pair()
    with pytest.raises(CallerError, match=f"psn {psn} exceeds 24 bits"):
        QP(PD(context), QPInitAttr(QpType.RC, CQ(context)), psn=psn)


@pytest.mark.parametrize(
    ("cap", "said"),
    [
        (QPCap(max_send_wr=16385), "max_send_wr 16385"),
        (QPCap(max_recv_sge=31), "max_recv_sge 31"),
        (QPCap(max_inline_data=1 << 32), "max_inline_data 4294967296 is not"),
        (QPCap(max_send_sge=-1), "max_send_sge -1 is not"),
    ],
)
def test_sizes_above_the_limit_are_refused(cap: QPCap, said: str) -> None:
    context, _ = VirtualNet().pair()
    with pytest.raises(CallerError, match=said):
        QP(PD(context), QPInitAttr(QpType.RC, CQ(context), cap=cap))


def test_queues_of_another_device_are_refused() -> None:
    a, b = VirtualNet().pair()
    with pytest.raises(CallerError, match=r"CQ \d+ belongs to device 10\.0\.0\.2"):
        QP(PD(a), QPInitAttr(QpType.RC, CQ(b)))


def test_the_wrong_helper_says_which_is_right(qp: QP) -> None:
    context, _ = VirtualNet().pair()
    ud = QP(PD(context), QPInitAttr(QpType.UD, CQ(context)))
    with pytest.raises(CallerError, match="use start"):
        ud.connect(qp.endpoint)
    with pytest.raises(CallerError, match="use connect"):
        qp.start()
    qp.to_init()
    with pytest.raises(CallerError, match="remote endpoint"):
        qp.to_rtr()


@pytest.mark.parametrize(
    "wrong",
    [
        {"wr_id": BIG},
        {"wr_id": -1},
        {"wr_id": 1.5},
        {"remote_addr": BIG},
        {"rkey": 1 << 32},
        {"imm_data": 1 << 32},
        {"compare_add": -1},
        {"swap": BIG},
        {"remote_qpn": "x"},
        {"sg": [SGE(BIG, 1, 0)]},
        {"sg": [SGE(0, 1 << 32, 0)]},
        {"sg": [SGE(0, 0, -1)]},
    ],
    ids=str,
)
def test_fields_of_a_request_that_do_not_fit_are_named(pair: Pair, wrong: dict[str, Any]) -> None:
    with pytest.raises(CallerError, match=r"QP \d+: send request 0.* is not an unsigned integer of (32|64) bits"):
        pair.a.qp.post_send(SendWR(**wrong))
    pair.run()
    assert pair.sent_psns == []


def test_inline_data_is_copied_when_posted(pair: Pair) -> None:
    data = bytearray(b"before")
    pair.a.qp.post_send(SendWR(data=data))
    data[:] = b"after!"
    pair.run()
    assert pair.b.received[0].read(6) == b"before"
    with pytest.raises(PostError, match=f"{pair.a.qp.cap.max_inline_data}"):
        pair.a.qp.post_send(SendWR(data=bytes(pair.a.qp.cap.max_inline_data + 1)))


def test_inline_never_reads_an_address(pair: Pair) -> None:
    with pytest.raises(CallerError, match=r"INLINE takes its bytes from SendWR\.data"):
        pair.a.qp.post_send(SendWR(sg=[SGE(1, 100, 0)], send_flags=SendFlags.INLINE))
    with pytest.raises(CallerError, match="both data and 1 SGEs"):
        pair.a.qp.post_send(SendWR(sg=[SGE(1, 100, 0)], data=b"x"))


def test_a_full_queue_says_how_many_it_took(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(cap=QPCap(max_send_wr=4, max_recv_wr=4, max_inline_data=8), recvs=0)
    room = pair.a.qp.cap.max_send_wr
    with pytest.raises(QueueFullError) as caught:
        pair.a.qp.post_send([SendWR(i, data=b"x") for i in range(room + 3)])
    assert caught.value.posted == room
    pair.b.post_recv(count=pair.b.qp.cap.max_recv_wr)
    with pytest.raises(QueueFullError) as caught:
        pair.b.post_recv()
    assert caught.value.posted == 0
    pair.run()
    pair.a.poll_all()
    pair.a.qp.post_send(SendWR(data=b"room again"[:8]))


def test_an_illegal_request_in_a_list_stops_it_there(pair: Pair) -> None:
    sge = pair.a.region(8).sge()
    too_many = [sge] * (pair.a.qp.cap.max_send_sge + 1)
    with pytest.raises(PostError) as caught:
        pair.a.qp.post_send([SendWR(1, sg=[sge]), SendWR(2, sg=too_many), SendWR(3, sg=[sge])])
    assert (caught.value.posted, isinstance(caught.value, QueueFullError)) == (1, False)
    pair.run()
    assert [wc.wr_id for wc in pair.a.poll_all()] == [1]


def test_posting_in_the_wrong_state_is_refused(qp: QP) -> None:
    with pytest.raises(PostError, match=f"QP {qp.qp_num}"):
        qp.post_send(SendWR())
    with pytest.raises(PostError, match=f"QP {qp.qp_num}"):
        qp.post_recv(RecvWR())


def test_an_unknown_key_is_an_error_completion(pair: Pair) -> None:
    pair.a.qp.post_send(SendWR(7, sg=[SGE(4096, 10, 0xDEADBEEF)]))
    pair.run()
    wc = pair.a.poll()
    assert (wc.wr_id, wc.status) == (7, WcStatus.LOC_PROT_ERR)


def test_immediate_data_arrives_in_host_order(pair: Pair) -> None:
    pair.a.post_send(b"x", WrOpcode.SEND_WITH_IMM, imm_data=0x01020304)
    pair.run()
    wc = pair.b.poll()
    assert (wc.imm_data, wc.wc_flags.name) == (0x01020304, "WITH_IMM")


def test_an_address_handle_is_checked(pair: Pair) -> None:
    with pytest.raises(CallerError, match="AH: ah_attr: sl 256"):
        AH(pair.a.pd, AHAttr(sl=256))
