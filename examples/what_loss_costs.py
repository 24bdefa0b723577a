"""What packet loss costs go-back-N: one 16 MiB RDMA write over a link that loses 0, 0.1 and 1 % of the packets.

In virtual time: the result is the same on every machine. The link has a latency and no rate of its own, so what is
measured is round trips and timeouts, and what is sent twice.
"""

from datapath.port import Direction, Faults
from rdma_verbs import CQ, MR, PD, QP, AccessFlags, QPInitAttr, QpType, SendWR, VirtualNet, WcStatus, WrOpcode

SIZE_BYTES = 16 << 20
LATENCY_NS = 5_000

for loss in (0.0, 0.001, 0.01):
    faults = Faults(loss=loss, seed=7, direction=Direction.TX)
    a, b = VirtualNet().pair(addresses=("10.0.0.1", "10.0.0.2"), latency_ns=LATENCY_NS, wrappers=((faults,), ()))
    pd_a, cq_a, pd_b, cq_b = PD(a), CQ(a), PD(b), CQ(b)
    qp_a, qp_b = QP(pd_a, QPInitAttr(QpType.RC, cq_a)), QP(pd_b, QPInitAttr(QpType.RC, cq_b))
    qp_a.connect(qp_b.endpoint, timeout=8)
    qp_b.connect(qp_a.endpoint)
    source = MR(pd_a, SIZE_BYTES, AccessFlags.LOCAL_WRITE)
    source.write(bytes(range(256)) * (SIZE_BYTES // 256))
    target = MR(pd_b, SIZE_BYTES, AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE)
    qp_a.post_send(SendWR(opcode=WrOpcode.RDMA_WRITE, sg=[source.sge()], remote_addr=target.addr, rkey=target.rkey))
    assert a.net is not None
    a.net.run(until_cqe=cq_a)
    assert cq_a.poll()[0].status is WcStatus.SUCCESS
    assert target.buf == source.buf
    counters = a.counters()
    print(
        f"loss {loss:.1%}: {a.now_ns / 1000:.0f} us, {counters['sent_pkts']} packets, "
        f"{counters['retransmitted_pkts']} of them sent again, {counters['timeouts']} timeouts"
    )
