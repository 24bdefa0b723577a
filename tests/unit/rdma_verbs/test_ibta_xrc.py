"""Extended reliable connected service (annex A14): what an initiator sends, and what a target does for which queue."""

from collections.abc import Callable
from typing import Any

import pytest

from datapath.errors import CallerError
from datapath.port import Faults
from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    SRQ,
    XRCD,
    AccessFlags,
    EventType,
    PlacementType,
    PostError,
    QPInitAttr,
    QpState,
    QpType,
    RecvWR,
    SelectivityLevel,
    SendWR,
    SrqAttr,
    SrqAttrMask,
    SrqInitAttr,
    SrqType,
    VirtualNet,
    WcFlags,
    WcOpcode,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.wire import Packet, build
from rdma_verbs.wr import WC
from tests.unit.rdma_verbs.wirepeer import (
    ACK,
    ALL,
    NAK_ACCESS,
    NAK_INVALID,
    NAK_OPERATIONAL,
    NAK_SEQUENCE,
    RNR,
    SLOW,
    Fields,
    WirePeer,
)

MakePeer = Callable[..., WirePeer]

FLUSHABLE = ALL | AccessFlags.FLUSH_GLOBAL | AccessFlags.FLUSH_PERSISTENT
FULL = bytes(range(256))
READ_ONLY = "XRC_RDMA_READ_RESPONSE_ONLY"
ATOMIC_ACK = "XRC_ATOMIC_ACKNOWLEDGE"


@pytest.fixture
def target(make_peer: MakePeer) -> WirePeer:
    """An XRC target in RTS whose domain has one shared receive queue, number 1, with no receive posted."""
    return make_peer(QpType.XRC_RECV, access=FLUSHABLE)


@pytest.fixture
def initiator(make_peer: MakePeer) -> WirePeer:
    """An XRC initiator in RTS."""
    return make_peer(QpType.XRC_SEND)


# Initiator

BTH = "40 ffff 00 000123 80 000000"
XRCETH = "00abcdef"
RETH = "1122334455667788 99aabbcc 00000008"
DATA = "0001020304050607"
ON_THE_WIRE: dict[WrOpcode, tuple[str, str]] = {
    WrOpcode.SEND: ("a4", DATA),
    WrOpcode.SEND_WITH_IMM: ("a5", f"deadbeef {DATA}"),
    WrOpcode.SEND_WITH_INV: ("b7", f"01020304 {DATA}"),
    WrOpcode.RDMA_WRITE: ("aa", f"{RETH} {DATA}"),
    WrOpcode.RDMA_WRITE_WITH_IMM: ("ab", f"{RETH} deadbeef {DATA}"),
    WrOpcode.RDMA_READ: ("ac", RETH),
    WrOpcode.ATOMIC_CMP_AND_SWP: ("b3", "1122334455667788 99aabbcc 0000000000000007 0000000000000005"),
    WrOpcode.ATOMIC_FETCH_AND_ADD: ("b4", "1122334455667788 99aabbcc 0000000000000005 0000000000000000"),
    WrOpcode.FLUSH: ("bc", f"00000013 {RETH}"),
    WrOpcode.ATOMIC_WRITE: ("bd", f"{RETH} {DATA}"),
}
RESPONSES = {
    WrOpcode.RDMA_READ: READ_ONLY,
    WrOpcode.ATOMIC_CMP_AND_SWP: ATOMIC_ACK,
    WrOpcode.ATOMIC_FETCH_AND_ADD: ATOMIC_ACK,
    WrOpcode.FLUSH: READ_ONLY,
    WrOpcode.ATOMIC_WRITE: READ_ONLY,
}
each_operation = pytest.mark.parametrize("operation", ON_THE_WIRE)


def post(peer: WirePeer, operation: WrOpcode, **fields: Any) -> MR | None:
    return peer.post(
        operation,
        b"" if operation is WrOpcode.FLUSH else bytes(range(8)),
        remote_srqn=0xABCDEF,
        remote_addr=0x1122334455667788,
        rkey=0x99AABBCC,
        imm_data=0xDEADBEEF,
        invalidate_rkey=0x01020304 if operation is WrOpcode.SEND_WITH_INV else 0,
        compare_add=5,
        swap=7,
        flush_type=PlacementType.GLOBAL | PlacementType.PERSISTENT,
        flush_level=SelectivityLevel.MR,
        flush_length=8,
        **fields,
    )


def answer(peer: WirePeer, operation: WrOpcode, psn: int) -> list[Packet]:
    payload = b"answered" if operation is WrOpcode.RDMA_READ else b""
    return peer.ack(psn, name=RESPONSES.get(operation, ""), payload=payload, swap_add=1)


@pytest.mark.ibta(
    "A14", "each request of an initiator: opcode of XRC, XRCETH with the SRQ's number after the BTH (bytes)"
)
@each_operation
def test_request_on_the_wire(initiator: WirePeer, operation: WrOpcode) -> None:
    post(initiator, operation)
    (packet,) = initiator.collect()
    opcode, rest = ON_THE_WIRE[operation]
    assert build(packet)[28:-4].hex() == f"{opcode} {BTH} {XRCETH} {rest}".replace(" ", "")


@pytest.mark.ibta("A14", "every packet of a message carries the XRCETH")
@pytest.mark.parametrize("operation", [WrOpcode.SEND, WrOpcode.RDMA_WRITE_WITH_IMM])
def test_each_packet_names_the_queue(initiator: WirePeer, operation: WrOpcode) -> None:
    initiator.post(operation, bytes(700), remote_srqn=77, rkey=1)
    packets = initiator.collect()
    assert [p.name.rsplit("_", 1)[-1] for p in packets] in (
        ["FIRST", "MIDDLE", "LAST"],
        ["FIRST", "MIDDLE", "IMMEDIATE"],
    )
    assert [p.xrc_srqn for p in packets] == [77] * 3


@pytest.mark.ibta("A14", "responses, which have no XRCETH, complete requests as for RC (each operation)")
@each_operation
def test_completion(initiator: WirePeer, operation: WrOpcode) -> None:
    mr = post(initiator, operation, wr_id=9)
    initiator.collect()
    answer(initiator, operation, 0)
    (wc,) = initiator.done()
    assert (wc.wr_id, wc.status, wc.qp_num) == (9, WcStatus.SUCCESS, initiator.qp.qp_num)
    if operation is WrOpcode.RDMA_READ and mr:
        assert mr.read() == b"answered"


@pytest.mark.ibta("A14", "NAKs end an XRC request as one of RC, the rest is flushed (each operation)")
@each_operation
@pytest.mark.parametrize(
    ("syndrome", "status"),
    [
        (NAK_INVALID, WcStatus.REM_INV_REQ_ERR),
        (NAK_ACCESS, WcStatus.REM_ACCESS_ERR),
        (NAK_OPERATIONAL, WcStatus.REM_OP_ERR),
    ],
)
def test_fatal_nak(initiator: WirePeer, operation: WrOpcode, syndrome: int, status: WcStatus) -> None:
    for i in range(2):
        post(initiator, operation, wr_id=i)
    initiator.collect()
    initiator.ack(0, syndrome)
    assert [(wc.wr_id, wc.status) for wc in initiator.done()] == [(0, status), (1, WcStatus.WR_FLUSH_ERR)]
    assert initiator.qp.state is QpState.ERR


@pytest.mark.ibta("A14", "sequence NAK, RNR NAK and timeout: sent again as for RC, retries end in RETRY_EXC_ERR")
def test_retries(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.XRC_SEND, timeout=1, retry_cnt=2)
    post(peer, WrOpcode.SEND)
    first = peer.collect()
    assert peer.ack(0, NAK_SEQUENCE) == first
    assert peer.ack(0, RNR | 1) == []
    assert peer.collect(peer.now_ns + 10_000) == first
    assert peer.collect(10**9) == first
    assert [wc.status for wc in peer.done()] == [WcStatus.RETRY_EXC_ERR]


@pytest.mark.ibta("A14", "an initiator receives nothing: requests and packets of RC are dropped, receives refused")
def test_initiator_is_no_responder(initiator: WirePeer) -> None:
    for name in ("XRC_SEND_ONLY", "XRC_RDMA_READ_REQUEST", "RC_SEND_ONLY", "RC_ACKNOWLEDGE"):
        assert initiator.request(name, xrc_srqn=1) == []
    assert initiator.context.drops() == {"bad_service": 4}
    with pytest.raises(PostError, match="XRC receives by shared receive queues only"):
        initiator.qp.post_recv(RecvWR())


# Target


def fields_of(region: MR, **changes: Any) -> Fields:
    return {"va": region.addr, "rkey": region.rkey, "dma_len": 8, "swap_add": 3, "imm": 1} | changes


REQUESTS: dict[str, tuple[bytes, str]] = {
    "SEND_ONLY": (b"12345678", "XRC_ACKNOWLEDGE"),
    "SEND_ONLY_WITH_IMMEDIATE": (b"12345678", "XRC_ACKNOWLEDGE"),
    "RDMA_WRITE_ONLY": (b"12345678", "XRC_ACKNOWLEDGE"),
    "RDMA_WRITE_ONLY_WITH_IMMEDIATE": (b"12345678", "XRC_ACKNOWLEDGE"),
    "RDMA_READ_REQUEST": (b"", READ_ONLY),
    "COMPARE_SWAP": (b"", ATOMIC_ACK),
    "FETCH_ADD": (b"", ATOMIC_ACK),
    "FLUSH": (b"", READ_ONLY),
    "ATOMIC_WRITE": (b"12345678", READ_ONLY),
}
REMOTE = [name for name in REQUESTS if not name.startswith("SEND")]
each_request = pytest.mark.parametrize("name", REQUESTS)
each_remote = pytest.mark.parametrize("name", REMOTE)


@pytest.mark.ibta("A14", "a target executes each request as RC does, and its responses carry no XRCETH (each request)")
@each_request
def test_each_request(target: WirePeer, name: str) -> None:
    region = target.region(64, FLUSHABLE)
    target.post_recv()
    payload, expected = REQUESTS[name]
    (reply,) = target.request(f"XRC_{name}", payload, **fields_of(region))
    assert (reply.name, reply.psn, reply.msn, reply.syndrome) == (expected, 0, 1, ACK)
    assert len(build(reply)) == 28 + 12 + 4 + (8 if expected == ATOMIC_ACK or reply.payload else 0) + 4
    if name in ("RDMA_WRITE_ONLY", "RDMA_WRITE_ONLY_WITH_IMMEDIATE", "ATOMIC_WRITE"):
        assert region.read(8) == b"12345678"
    if name == "FETCH_ADD":
        assert region.read(1) == b"\x03"
    arrived = target.arrived()
    if name.startswith("SEND"):
        assert target.received[0].read(8) == b"12345678"
    if not name.startswith("SEND") and "IMMEDIATE" not in name:
        assert arrived == []
        return
    ((wc),) = arrived
    opcode = WcOpcode.RECV if name.startswith("SEND") else WcOpcode.RECV_RDMA_WITH_IMM
    assert (wc.status, wc.opcode, wc.byte_len, wc.qp_num) == (WcStatus.SUCCESS, opcode, 8, target.qp.qp_num)
    assert (wc.wc_flags, wc.imm_data) == ((WcFlags.WITH_IMM, 1) if "IMMEDIATE" in name else (WcFlags(0), 0))


class Queue:
    """One more shared receive queue of the target's domain, with domain and completion queue of its own."""

    def __init__(self, peer: WirePeer) -> None:
        self.pd = PD(peer.context)
        self.cq = CQ(peer.context)
        self.srq = peer.xrc_srq(self.pd, self.cq)
        self.memory = MR(self.pd, 1024, FLUSHABLE)

    def post(self, wr_id: int = 0) -> None:
        self.srq.post_recv(RecvWR(wr_id, [self.memory.sge()]))


@pytest.mark.ibta("A14", "each message goes to the queue that it names, and completes to that queue's completion queue")
def test_messages_to_several_queues(target: WirePeer) -> None:
    queues = [Queue(target) for _ in range(3)]
    for i, queue in enumerate(queues):
        queue.post(10 + i)
        queue.post(20 + i)
    for i in (2, 0, 1, 1, 0, 2):
        srqn = queues[i].srq.num
        target.request("XRC_SEND_FIRST", FULL, xrc_srqn=srqn)
        target.request("XRC_SEND_LAST", bytes([i]) * 9, xrc_srqn=srqn)
    for i, queue in enumerate(queues):
        done = [(wc.wr_id, wc.byte_len, wc.status) for wc in queue.cq.poll(9)]
        assert done == [(10 + i, 265, WcStatus.SUCCESS), (20 + i, 265, WcStatus.SUCCESS)]
        assert queue.memory.read(265) == FULL + bytes([i]) * 9
    assert target.arrived() == []


@pytest.mark.ibta("A14", "R_Keys are good in the protection domain of the queue that the request names, in no other")
@each_remote
@pytest.mark.parametrize("right", [True, False])
def test_keys_of_the_named_queue(target: WirePeer, name: str, right: bool) -> None:
    queue = Queue(target)
    queue.post()
    target.post_recv()
    payload, expected = REQUESTS[name]
    srqn = queue.srq.num if right else target.srq.num
    answers = target.request(f"XRC_{name}", payload, **fields_of(queue.memory, xrc_srqn=srqn))
    if right:
        assert [(a.name, a.syndrome) for a in answers] == [(expected, ACK)]
    else:
        target.refused(answers, NAK_ACCESS, 0)
        assert queue.memory.read() == bytes(1024)


@pytest.mark.ibta("A14", "receive buffers are of the queue's protection domain")
def test_receive_keys(target: WirePeer) -> None:
    queue = Queue(target)
    queue.srq.post_recv(RecvWR(4, [target.region(64).sge()]))
    target.refused(target.request("XRC_SEND_ONLY", b"x", xrc_srqn=queue.srq.num), NAK_OPERATIONAL, 0)
    assert [(wc.wr_id, wc.status) for wc in queue.cq.poll(2)] == [(4, WcStatus.LOC_PROT_ERR)]


@pytest.mark.ibta("A14", "a READ is answered with the rights of its queue, while requests for another one execute")
def test_read_and_write_of_two_domains_at_once(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.XRC_RECV, access=FLUSHABLE, wrappers=SLOW)
    queue = Queue(peer)
    region = peer.region(25_600)
    region.write(bytes(i % 251 for i in range(25_600)))
    answers = peer.request("XRC_RDMA_READ_REQUEST", va=region.addr, rkey=region.rkey, dma_len=25_600)
    peer.send("XRC_RDMA_WRITE_ONLY", b"between", psn=100, **fields_of(queue.memory, xrc_srqn=queue.srq.num, dma_len=7))
    answers += peer.collect(10**9)
    assert b"".join(a.payload for a in answers) == region.read()
    assert (queue.memory.read(7), peer.qp.state) == (b"between", QpState.RTS)


@pytest.mark.ibta("A14", "a READ whose queue went away before it was answered: NAK remote access error")
def test_queue_vanishes_under_a_read(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.XRC_RECV, access=FLUSHABLE, wrappers=SLOW)
    queue = Queue(peer)
    big = MR(queue.pd, 25_600, ALL)
    fields = fields_of(big, xrc_srqn=queue.srq.num, dma_len=25_600)
    answers = peer.request("XRC_RDMA_READ_REQUEST", **fields)
    queue.srq.close()
    answers += peer.collect(10**9)
    assert 2 < len(answers) < 100
    peer.refused(answers[-1:], NAK_ACCESS, len(answers) - 1, 1)


@pytest.mark.ibta("A14", "XRC domain violation: a queue of another domain, of none, or no queue: NAK invalid request")
@pytest.mark.parametrize("wrong", ["unknown", "zero", "no XRC queue", "another domain", "closed"])
@each_request
def test_domain_violation(target: WirePeer, name: str, wrong: str) -> None:
    region = target.region(64, FLUSHABLE)
    target.post_recv()
    other = XRCD(target.context)
    plain = SRQ(target.pd)
    foreign = SRQ(target.pd, SrqInitAttr(srq_type=SrqType.XRC, xrcd=other, cq=target.cq))
    number = {
        "unknown": 0xFFFFFF,
        "zero": 0,
        "no XRC queue": plain.num,
        "another domain": foreign.num,
        "closed": target.srq.num,
    }[wrong]
    if wrong == "closed":
        target.srq.close()
    payload, _ = REQUESTS[name]
    target.refused(target.request(f"XRC_{name}", payload, **fields_of(region, xrc_srqn=number)), NAK_INVALID, 0)
    assert (region.read(), target.arrived()) == (bytes(64), [])


@pytest.mark.ibta("A14", "another queue in the middle of a message: NAK invalid request, the receive begun is flushed")
def test_queue_changes_within_a_message(target: WirePeer) -> None:
    queue = Queue(target)
    queue.post()
    target.post_recv()
    target.request("XRC_SEND_FIRST", FULL)
    answers = target.request("XRC_SEND_LAST", b"x", xrc_srqn=queue.srq.num)
    target.expect(answers, NAK_INVALID, 1, 0)
    assert target.qp.state is QpState.ERR
    assert [(wc.wr_id, wc.status) for wc in target.arrived()] == [(0, WcStatus.WR_FLUSH_ERR)]
    assert queue.cq.poll(1) == []


@pytest.mark.ibta("A14", "a queue that is destroyed in the middle of a message: NAK invalid request at the next packet")
def test_queue_vanishes_within_a_message(target: WirePeer) -> None:
    target.post_recv()
    target.request("XRC_SEND_FIRST", FULL)
    target.srq.close()
    number = target.srq.num
    target.expect(target.request("XRC_SEND_LAST", b"x", xrc_srqn=number), NAK_INVALID, 1, 0)
    assert (target.arrived(), target.qp.state) == ([], QpState.ERR)


@pytest.mark.ibta(
    "A14", "an error of a target: REQ_ERR, and LAST_WQE_REACHED, as it takes nothing more from the queues"
)
def test_events_of_an_error(target: WirePeer) -> None:
    target.to(QpState.ERR)
    assert target.events() == [EventType.QP_LAST_WQE_REACHED]


@pytest.mark.ibta("A14", "an empty queue: RNR NAK; other queues of the target do not help it out")
def test_receiver_not_ready(target: WirePeer) -> None:
    queue = Queue(target)
    target.post_recv()
    srqn = queue.srq.num
    target.expect(target.request("XRC_SEND_ONLY", b"x", xrc_srqn=srqn), RNR | 1, 0, 0)
    queue.post()
    target.expect(target.request("XRC_SEND_ONLY", b"x", psn=0, xrc_srqn=srqn), ACK, 0, 1)
    assert [wc.status for wc in queue.cq.poll(2)] == [WcStatus.SUCCESS]


@pytest.mark.ibta("A14", "a queue whose completion queue overflowed: NAK remote operational error, other queues go on")
def test_overflowed_completion_queue(target: WirePeer) -> None:
    small = CQ(target.context, 1)
    srq = target.xrc_srq(cq=small)
    for i in range(3):
        srq.post_recv(RecvWR(i, [target.region(8).sge()]))
    target.request("XRC_SEND_ONLY", b"1", xrc_srqn=srq.num)
    target.request("XRC_SEND_ONLY", b"2", xrc_srqn=srq.num)  # overflows: this target is in error
    assert target.qp.state is QpState.ERR
    target.events()
    for state in (QpState.RESET, QpState.RTS):
        target.to(state)
    target.next_psn = 0
    target.post_recv()
    target.expect(target.request("XRC_SEND_ONLY", b"fine"), ACK, 0, 1)
    target.expect(target.request("XRC_SEND_ONLY", b"3", xrc_srqn=srq.num), NAK_OPERATIONAL, 1, 1)


@pytest.mark.ibta("A14", "duplicates: SENDs are acknowledged, atomics answered from what is kept; nothing is executed")
def test_duplicates(target: WirePeer) -> None:
    region = target.region(64, FLUSHABLE)
    target.post_recv(count=2)
    target.request("XRC_SEND_ONLY", b"once")
    first = target.request("XRC_FETCH_ADD", **fields_of(region))
    target.expect(target.request("XRC_SEND_ONLY", b"twice", psn=0), ACK, 1, 2)
    assert target.request("XRC_FETCH_ADD", psn=1, **fields_of(region)) == first
    assert (region.read(1), len(target.arrived())) == (b"\x03", 1)
    assert target.count("duplicate_request") == 2


@pytest.mark.ibta("A14", "a gap is NAKed as for RC, whatever queue the packet after it names")
def test_gap(target: WirePeer) -> None:
    target.expect(target.request("XRC_SEND_ONLY", b"x", psn=1, xrc_srqn=999), NAK_SEQUENCE, 0, 0)
    assert target.qp.state is QpState.RTS


@pytest.mark.ibta("A14", "SEND with invalidate through a target, to which no window is bound: NAK remote access error")
def test_invalidate(target: WirePeer) -> None:
    region = target.region()
    target.post_recv()
    target.expect(target.request("XRC_SEND_ONLY_WITH_INVALIDATE", b"x", imm=region.rkey), NAK_ACCESS, 0, 0)
    assert [wc.status for wc in target.arrived()] == [WcStatus.WR_FLUSH_ERR]


@pytest.mark.ibta("A14", "a target asks for nothing: responses and packets of RC are dropped, work requests refused")
def test_target_is_no_requester(target: WirePeer) -> None:
    for name in ("XRC_ACKNOWLEDGE", READ_ONLY, ATOMIC_ACK, "RC_SEND_ONLY"):
        assert target.request(name) == []
    assert target.context.drops() == {"bad_service": 4}
    with pytest.raises(PostError, match=r"QP \d+: post_send, but it is an XRC target"):
        target.qp.post_send(SendWR())
    with pytest.raises(PostError, match="XRC receives by shared receive queues only"):
        target.qp.post_recv(RecvWR())


# Both ends


class Net:
    """Initiators on one device, targets of one domain on the other, and queues that all of these serve."""

    def __init__(self, initiators: int = 1, queues: int = 1, faults: Faults | None = None) -> None:
        self.net = VirtualNet()
        wrappers = ([faults], [faults]) if faults else ((), ())
        self.a, self.b = self.net.pair(wrappers=wrappers)
        self.pd, self.cq = PD(self.a), CQ(self.a, 4096)
        self.peer_pd = PD(self.b)
        self.xrcd = XRCD(self.b)
        self.initiators = [QP(self.pd, QPInitAttr(QpType.XRC_SEND, self.cq)) for _ in range(initiators)]
        self.targets = [QP(self.xrcd, QPInitAttr(QpType.XRC_RECV)) for _ in range(initiators)]
        for one, other in zip(self.initiators, self.targets, strict=True):
            one.connect(other.endpoint, timeout=5)
            other.connect(one.endpoint)
        self.cqs = [CQ(self.b, 4096) for _ in range(queues)]
        self.srqs = [SRQ(self.peer_pd, SrqInitAttr(srq_type=SrqType.XRC, xrcd=self.xrcd, cq=cq)) for cq in self.cqs]

    def run(self) -> None:
        self.net.run(max_events=1_000_000)

    def send(self, data: bytes, initiator: int = 0, queue: int = 0) -> None:
        self.initiators[initiator].post_send(SendWR(data=data, remote_srqn=self.srqs[queue].num))

    def receive(self, queue: int = 0, count: int = 1) -> list[MR]:
        memory = [MR(self.peer_pd, 64, AccessFlags.LOCAL_WRITE) for _ in range(count)]
        self.srqs[queue].post_recv([RecvWR(i, [mr.sge()]) for i, mr in enumerate(memory)])
        return memory


@pytest.mark.ibta("A14", "initiators to queues, each through its target: every message once and in order, under loss")
@pytest.mark.parametrize("seed", range(3))
def test_many_to_many_under_loss(seed: int) -> None:
    net = Net(3, 2, Faults(loss=0.1, duplicate=0.1, reorder=0.1, seed=seed))
    memory = [net.receive(queue, 60) for queue in range(2)]
    for i in range(40):
        for initiator in range(3):
            net.send(bytes([initiator, i]), initiator, (initiator + i) % 2)
    net.run()
    assert [wc.status for wc in net.cq.poll(200)] == [WcStatus.SUCCESS] * 120
    numbers = [qp.qp_num for qp in net.targets]
    for queue, cq in enumerate(net.cqs):
        done: list[WC] = cq.poll(100)
        assert sorted(wc.wr_id for wc in done) == list(range(60))
        got = [memory[queue][wc.wr_id].read(2) for wc in done]
        for initiator in range(3):
            mine = [data[1] for data in got if data[0] == initiator]
            assert mine == [i for i in range(40) if (initiator + i) % 2 == queue]
        assert all(numbers[data[0]] == wc.qp_num for data, wc in zip(got, done, strict=True))


@pytest.mark.ibta("A14", "READ, atomics, ATOMIC WRITE and FLUSH over XRC under loss give exact results")
@pytest.mark.parametrize("seed", range(3))
def test_all_operations_under_loss(seed: int) -> None:
    net = Net(faults=Faults(loss=0.15, duplicate=0.1, seed=seed))
    target = MR(net.peer_pd, 64, FLUSHABLE)
    local = MR(net.pd, 8 * 40, ALL)
    srqn = net.srqs[0].num
    where: Fields = {"remote_srqn": srqn, "rkey": target.rkey}
    for i in range(10):
        net.initiators[0].post_send(
            [
                SendWR(
                    0,
                    WrOpcode.ATOMIC_FETCH_AND_ADD,
                    [local.sge(8 * i, 8)],
                    compare_add=3,
                    remote_addr=target.addr,
                    **where,
                ),
                SendWR(1, WrOpcode.ATOMIC_WRITE, data=i.to_bytes(8, "little"), remote_addr=target.addr + 8, **where),
                SendWR(2, WrOpcode.FLUSH, remote_addr=target.addr, flush_length=16, **where),
                SendWR(3, WrOpcode.RDMA_READ, [local.sge(160 + 8 * i, 8)], remote_addr=target.addr + 8, **where),
            ]
        )
        net.run()
    assert [wc.status for wc in net.cq.poll(99)] == [WcStatus.SUCCESS] * 40
    assert [int.from_bytes(local.read(8, 8 * i), "little") for i in range(10)] == [3 * i for i in range(10)]
    assert [int.from_bytes(local.read(8, 160 + 8 * i), "little") for i in range(10)] == list(range(10))


# Objects


@pytest.mark.ibta("A14", "a target that was opened again lives until each of its handles is closed")
def test_open() -> None:
    net = Net()
    again = QP.open(net.xrcd, net.targets[0].qp_num)
    assert (again.qp_num, again.state, again.qp_type) == (net.targets[0].qp_num, QpState.RTS, QpType.XRC_RECV)
    net.targets[0].close()
    memory = net.receive(count=2)
    net.send(b"still there")
    net.run()
    assert (memory[0].read(11), net.cq.poll(1)[0].status) == (b"still there", WcStatus.SUCCESS)
    again.close()
    net.send(b"gone")
    net.run()
    assert net.cq.poll(1)[0].status is WcStatus.RETRY_EXC_ERR
    assert net.b.drops() == {"unknown_qpn": 8}
    net.xrcd.close()


@pytest.mark.ibta("A14", "only a target of the domain can be opened")
def test_open_of_another() -> None:
    net = Net()
    other = XRCD(net.b)
    rc = QP(net.peer_pd, QPInitAttr(QpType.RC, net.cqs[0]))
    for xrcd, number in ((other, net.targets[0].qp_num), (net.xrcd, rc.qp_num), (net.xrcd, 12345)):
        with pytest.raises(CallerError, match=f"QP {number} is no XRC target of this XRC domain"):
            QP.open(xrcd, number)


@pytest.mark.ibta("A14", "a domain is not released while targets or queues are in it; closing it closes them first")
def test_closing_the_domain_closes_what_is_in_it() -> None:
    net = Net(2, 2)
    net.xrcd.close()
    assert all(part.closed for part in (*net.targets, *net.srqs))
    assert not any(part.closed for part in (*net.cqs, net.peer_pd))
    net.b.close()


@pytest.mark.ibta("A14", "numbers of shared receive queues go round: late packets do not meet a new queue")
def test_forgotten_targets_and_queues_are_released() -> None:
    net = Net()
    number = net.srqs[0].num
    del net.targets[0], net.srqs[0]
    net.cqs[0].close()
    net.peer_pd.close()
    net.xrcd.close()
    again = XRCD(net.b)
    srq = SRQ(PD(net.b), SrqInitAttr(srq_type=SrqType.XRC, xrcd=again, cq=CQ(net.b)))
    assert srq.num == number + 1  # numbers go round


@pytest.mark.ibta("A14", "illegal objects and requests of XRC are refused by name")
def test_illegal() -> None:
    net = Net()
    init = QPInitAttr(QpType.XRC_SEND, net.cq)
    with pytest.raises(CallerError, match="QP: pd is <XRCD"):
        QP(net.xrcd, init)
    with pytest.raises(CallerError, match="QP: xrcd is <PD"):
        QP(net.peer_pd, QPInitAttr(QpType.XRC_RECV))
    with pytest.raises(CallerError, match="is an XRC one, which only XRC targets serve"):
        QP(net.peer_pd, QPInitAttr(QpType.RC, net.cqs[0], srq=net.srqs[0]))
    with pytest.raises(CallerError, match="an XRC initiator receives nothing"):
        QP(net.peer_pd, QPInitAttr(QpType.XRC_SEND, net.cqs[0], srq=SRQ(net.peer_pd)))
    with pytest.raises(CallerError, match="SRQ: xrcd is None"):
        SRQ(net.peer_pd, SrqInitAttr(srq_type=SrqType.XRC, cq=net.cqs[0]))
    with pytest.raises(CallerError, match="SRQ: cq is None"):
        SRQ(net.peer_pd, SrqInitAttr(srq_type=SrqType.XRC, xrcd=net.xrcd))
    with pytest.raises(CallerError, match="for srq_type XRC only"):
        SRQ(net.peer_pd, SrqInitAttr(cq=net.cqs[0]))
    with pytest.raises(CallerError, match="belongs to"):
        SRQ(net.peer_pd, SrqInitAttr(srq_type=SrqType.XRC, xrcd=net.xrcd, cq=net.cq))
    with pytest.raises(PostError, match="remote_srqn 0x1000000 exceeds 24 bits"):
        net.initiators[0].post_send(SendWR(remote_srqn=1 << 24))
    for name, part in (("send_cq", "send queue"), ("recv_cq", "receive queue"), ("pd", "protection domain")):
        with pytest.raises(CallerError, match=f"XRC_RECV has no {part} of its own"):
            getattr(net.targets[0], name)
    with pytest.raises(CallerError, match="XRC_SEND has no receive queue of its own"):
        _ = net.initiators[0].recv_cq
    assert net.initiators[0].cap.max_recv_wr == 0
    assert net.targets[0].cap.max_send_wr == 0


@pytest.mark.ibta("A14", "a limit of an XRC queue fires as that of any other")
def test_limit(target: WirePeer) -> None:
    target.post_recv(count=2)
    target.srq.modify(SrqAttr(srq_limit=2), SrqAttrMask.LIMIT)
    target.request("XRC_SEND_ONLY", b"x", solicited=True)
    assert target.events() == [EventType.SRQ_LIMIT_REACHED]
