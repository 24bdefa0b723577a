"""Shared receives and windows on live devices: posts go through the driver's lock, its helper executes binds."""

import asyncio

import pytest

from datapath.port import Port
from rdma_verbs import (
    CQ,
    MR,
    MW,
    PD,
    QP,
    SRQ,
    XRCD,
    AccessFlags,
    Context,
    MWBind,
    MWBindInfo,
    MwType,
    QPCap,
    QPInitAttr,
    QpType,
    QueueFullError,
    RecvWR,
    SendWR,
    SrqAttr,
    SrqInitAttr,
    SrqType,
    WcStatus,
    WrOpcode,
)

CAP = QPCap(max_inline_data=64)


def test_live_devices_share_receives_and_open_windows() -> None:
    async def main() -> None:
        port_a, port_b = Port.mem_pair()
        with Context.over(port_a, "10.0.0.1") as a, Context.over(port_b, "10.0.0.2") as b:
            pd_a, pd_b = PD(a), PD(b)
            srq = SRQ(pd_b, SrqInitAttr(SrqAttr(max_wr=2)))
            qp_a = QP(pd_a, QPInitAttr(QpType.RC, CQ(a), cap=CAP))
            qp_b = QP(pd_b, QPInitAttr(QpType.RC, CQ(b), cap=CAP, srq=srq))
            qp_a.connect(qp_b.endpoint)
            qp_b.connect(qp_a.endpoint)
            mr = MR(pd_b, 64, AccessFlags.LOCAL_WRITE | AccessFlags.MW_BIND)
            with pytest.raises(QueueFullError) as caught:
                srq.post_recv([RecvWR(i, [mr.sge(8 * i, 8)]) for i in range(3)])
            assert caught.value.posted == 2
            qp_a.post_send(SendWR(data=b"shared"))
            (wc,) = await qp_b.recv_cq.wait()
            assert (wc.wr_id, mr.read(6)) == (0, b"shared")
            mw = MW(pd_b, MwType.TYPE_1)
            rkey = qp_b.bind_mw(mw, MWBind(MWBindInfo(mr, mr.addr + 32, 8, AccessFlags.REMOTE_WRITE)))
            (wc,) = await qp_b.send_cq.wait()
            assert wc.status is WcStatus.SUCCESS
            await qp_a.send_cq.wait()
            qp_a.post_send(SendWR(opcode=WrOpcode.RDMA_WRITE, data=b"window", remote_addr=mr.addr + 32, rkey=rkey))
            (wc,) = await qp_a.send_cq.wait()
            assert (wc.status, mr.read(6, 32)) == (WcStatus.SUCCESS, b"window")

    asyncio.run(main())


def test_live_devices_speak_xrc() -> None:
    async def main() -> None:
        port_a, port_b = Port.mem_pair()
        with Context.over(port_a, "10.0.0.1") as a, Context.over(port_b, "10.0.0.2") as b:
            pd_b, xrcd = PD(b), XRCD(b)
            srqs = [SRQ(pd_b, SrqInitAttr(srq_type=SrqType.XRC, xrcd=xrcd, cq=CQ(b))) for _ in range(2)]
            initiator = QP(PD(a), QPInitAttr(QpType.XRC_SEND, CQ(a), cap=CAP))
            target = QP(xrcd, QPInitAttr(QpType.XRC_RECV))
            initiator.connect(target.endpoint)
            target.connect(initiator.endpoint)
            memory = [MR(pd_b, 8, AccessFlags.LOCAL_WRITE) for _ in srqs]
            for srq, mr in zip(srqs, memory, strict=True):
                srq.post_recv(RecvWR(srq.num, [mr.sge()]))
            initiator.post_send([SendWR(data=b"to %d" % srq.num, remote_srqn=srq.num) for srq in srqs])
            for srq, mr in zip(srqs, memory, strict=True):
                assert srq.cq
                (wc,) = await srq.cq.wait()
                assert (wc.wr_id, wc.status, mr.read(4)) == (srq.num, WcStatus.SUCCESS, b"to %d" % srq.num)

    asyncio.run(main())
