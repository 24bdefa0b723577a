"""One device in virtual time and, at the other end of its cable, a script that sends and sees packets.

    device under test (10.0.0.1) ---- wire (no latency) ---- script (10.0.0.2, QP 0x123)

What the script sends need not be legal. Time passes only as far as a test says, so an answer's time is exact.
"""

import dataclasses
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Self, TypeAlias

from datapath.port import Port, Rate, Wrapper, wrap
from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    SRQ,
    WC,
    XRCD,
    AccessFlags,
    AHAttr,
    DeviceConfig,
    EventType,
    Mtu,
    QPAttr,
    QPCap,
    QPInitAttr,
    QpState,
    QpType,
    RecvWR,
    SendFlags,
    SendWR,
    SrqInitAttr,
    SrqType,
    VirtualNet,
    WrOpcode,
)
from rdma_verbs.addr import GID
from rdma_verbs.enums import QpAttrMask as Mask
from rdma_verbs.wire import OPCODES, Packet, build, icrc, parse

OP = {opcode.name: opcode.value for opcode in OPCODES.values()}
Fields: TypeAlias = dict[str, Any]
"""Some fields of a packet or a request, by name."""
ALL = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ | AccessFlags.REMOTE_ATOMIC
SERVICES = (QpType.RC, QpType.UC, QpType.UD)
"""Those of which one queue pair has both roles; XRC has tests of its own."""
PEER_QPN = 0x123
QKEY = 0x11111111
MASK24 = 0xFFFFFF

# AETH syndromes (IBTA vol 1, 9.7.5.1). The low bits of an ACK say that there is no end-to-end flow control.
ACK = 0x1F
RNR = 0x20
NAK_SEQUENCE = 0x60
NAK_INVALID = 0x61
NAK_ACCESS = 0x62
NAK_OPERATIONAL = 0x63

# A cable slow enough to act between two packets of a message: after a burst, one packet in a few milliseconds.
SLOW = (Rate(rate_bps=1_000_000, burst_bytes=9300),)
# RNR NAK timer of each code, in ns (IBTA vol 1, 9.7.5.2.8).
RNR_NS = [
    655_360_000, 10_000, 20_000, 30_000, 40_000, 60_000, 80_000, 120_000, 160_000, 240_000, 320_000, 480_000, 640_000,
    960_000, 1_280_000, 1_920_000, 2_560_000, 3_840_000, 5_120_000, 7_680_000, 10_240_000, 15_360_000, 20_480_000,
    30_720_000, 40_960_000, 61_440_000, 81_920_000, 122_880_000, 163_840_000, 245_760_000, 327_680_000, 491_520_000,
]  # fmt: skip


class WirePeer:
    """The device under test, its one queue pair and memory, and the script's hands."""

    def __init__(
        self,
        qp_type: QpType = QpType.RC,
        *,
        mtu: Mtu = Mtu.MTU_256,
        psn: int = 0,
        peer_psn: int = 0,
        recvs: int = 0,
        recv_bytes: int = 4096,
        timeout: int = 0,
        retry_cnt: int = 7,
        rnr_retry: int = 7,
        min_rnr_timer: int = 1,
        max_rd_atomic: int = 4,
        max_dest_rd_atomic: int = 4,
        access: AccessFlags = ALL,
        cap: QPCap | None = None,
        config: DeviceConfig | None = None,
        addresses: tuple[str, str] = ("10.0.0.1", "10.0.0.2"),
        state: QpState = QpState.RTS,
        sig_all: bool = False,
        wrappers: Sequence[Wrapper] = (),
    ) -> None:
        self.net = VirtualNet()
        port, self.port = Port.mem_pair(depth=512, latency_ns=0)
        self.address, self.peer_address = (ip_address(a) for a in addresses)
        self.context = self.net.device(wrap(port, wrappers), addresses[0], config or DeviceConfig(ack_every=1))
        self.pd = PD(self.context)
        self.cq, self.recv_cq = CQ(self.context, 1024), CQ(self.context, 1024)
        cap = cap or QPCap(max_send_wr=64, max_recv_wr=64, max_send_sge=6, max_recv_sge=6, max_inline_data=256)
        init = QPInitAttr(qp_type, self.cq, self.recv_cq, cap=cap, sq_sig_all=sig_all)
        self.prefix = "XRC" if qp_type in (QpType.XRC_SEND, QpType.XRC_RECV) else qp_type.name
        if qp_type is QpType.XRC_RECV:
            self.xrcd = XRCD(self.context)
            self.srq = self.xrc_srq()
        self.qp = QP(self.xrcd if qp_type is QpType.XRC_RECV else self.pd, init, psn=psn)
        self.mtu = mtu.bytes
        self.next_psn = peer_psn
        self.received: list[MR] = []
        self.times: list[int] = []
        """When each packet that ``collect`` returned last had left the device, in ns."""
        self.attr = QPAttr(
            path_mtu=mtu,
            qkey=QKEY,
            rq_psn=peer_psn,
            sq_psn=psn,
            dest_qp_num=PEER_QPN,
            qp_access_flags=access,
            ah_attr=AHAttr(dgid=GID.of(addresses[1])),
            max_rd_atomic=max_rd_atomic,
            max_dest_rd_atomic=max_dest_rd_atomic,
            min_rnr_timer=min_rnr_timer,
            timeout=timeout,
            retry_cnt=retry_cnt,
            rnr_retry=rnr_retry,
        )
        self.to(state)
        if state is not QpState.RESET:
            self.post_recv(recv_bytes, recvs)

    # The device's side

    def to(self, state: QpState) -> None:
        """Bring the queue pair from where it is to ``state``, by legal steps."""
        if state in (QpState.RESET, QpState.ERR):
            self.modify(state, Mask(0))
            return
        for step in (QpState.INIT, QpState.RTR, QpState.RTS, QpState.SQD):
            if self.qp.state < step <= state:
                self.modify(step, REQUIRED[step][self.qp.qp_type])

    def modify(self, state: QpState | None, mask: Mask, **values: Any) -> None:
        """Modify with the usual attributes, some of them replaced; ``mask`` without the state."""
        attr = dataclasses.replace(self.attr, qp_state=state or QpState.RESET, **values)
        self.qp.modify(attr, mask | (Mask(0) if state is None else Mask.STATE))

    def region(self, length: int = 4096, access: AccessFlags = ALL, **options: Any) -> MR:
        return MR(self.pd, length, access, **options)

    def xrc_srq(self, pd: PD | None = None, cq: CQ | None = None) -> SRQ:
        """A shared receive queue for the device's XRC target."""
        return SRQ(pd or self.pd, SrqInitAttr(srq_type=SrqType.XRC, xrcd=self.xrcd, cq=cq or self.recv_cq))

    def post_recv(self, length: int = 4096, count: int = 1) -> None:
        queue = self.srq if self.qp.qp_type is QpType.XRC_RECV else self.qp
        for _ in range(count):
            mr = self.region(length, AccessFlags.LOCAL_WRITE)
            queue.post_recv(RecvWR(len(self.received), [mr.sge()]))
            self.received.append(mr)

    def post(self, opcode: WrOpcode = WrOpcode.SEND, data: bytes = b"", **fields: Any) -> MR | None:
        """Post a request from a region of its own, which is returned."""
        mr = MR(self.pd, bytearray(data), ALL) if data else None
        fields.setdefault("send_flags", SendFlags.SIGNALED)
        self.qp.post_send(SendWR(opcode=opcode, sg=[mr.sge()] if mr else [], **fields))
        return mr

    def post_read(self, length: int = 8, **fields: Any) -> MR:
        mr = self.post(WrOpcode.RDMA_READ, bytes(length), remote_addr=0x1000, rkey=7, **fields)
        assert mr is not None
        return mr

    def done(self) -> list[WC]:
        """Completions of the send queue."""
        return self.cq.poll(1024)

    def arrived(self) -> list[WC]:
        """Completions of the receive queue."""
        return self.recv_cq.poll(1024)

    def events(self) -> list[EventType]:
        """Asynchronous events since the last call, but for COMM_EST."""
        found = []
        while event := self.context.next_event():
            found.append(event.type)
        return [kind for kind in found if kind is not EventType.COMM_EST]

    def count(self, name: str) -> int:
        return self.context.counters()[name]

    # The script's side

    @property
    def now_ns(self) -> int:
        return self.net.now_ns

    def packet(self, name: str, payload: bytes = b"", **fields: Any) -> Packet:
        """A packet for the device; without ``psn``, the next one."""
        if "psn" not in fields:
            fields["psn"] = self.next_psn
            self.next_psn = (self.next_psn + 1) & MASK24
        fields.setdefault("dqpn", self.qp.qp_num)
        fields.setdefault("src", self.peer_address)
        fields.setdefault("dst", self.address)
        if name.startswith("XRC_") and self.qp.qp_type is QpType.XRC_RECV:
            fields.setdefault("xrc_srqn", self.srq.num)
        if name.startswith("UD_"):
            fields.setdefault("qkey", QKEY)
            fields.setdefault("sqpn", PEER_QPN)
        return Packet(opcode=OP[name], payload=payload, **fields)

    def send(self, name: str, payload: bytes = b"", **fields: Any) -> None:
        """Put a packet on the wire; it arrives when time passes."""
        self.send_raw(build(self.packet(name, payload, **fields)))

    def send_raw(self, data: bytes) -> None:
        assert self.port.send(data, self.now_ns)

    def collect(self, until_ns: int | None = None) -> list[Packet]:
        """Let things happen, up to ``until_ns`` or at this instant, and return what the device sent."""
        self.net.run_until(self.now_ns if until_ns is None else until_ns, max_events=1_000_000)
        found, self.times = [], []
        while got := self.port.recv(self.now_ns):
            self.times.append(got[0])
            found.append(parse(got[1]))
        return found

    def request(self, name: str, payload: bytes = b"", *, ackreq: bool = True, **fields: Any) -> list[Packet]:
        """Send a packet and return the answers of this instant."""
        self.send(name, payload, ackreq=ackreq, **fields)
        return self.collect()

    def ack(self, psn: int, syndrome: int = ACK, *, name: str = "", **fields: Any) -> list[Packet]:
        """Answer one of the device's requests, and return what it sends then."""
        payload = fields.pop("payload", b"")
        self.send(name or f"{self.prefix}_ACKNOWLEDGE", payload, psn=psn & MASK24, syndrome=syndrome, **fields)
        return self.collect()

    def expect(self, answers: Sequence[Packet], syndrome: int, psn: int, msn: int | None = None) -> None:
        """Check that ``answers`` is one acknowledge with this syndrome."""
        assert [a.name for a in answers] == [f"{self.prefix}_ACKNOWLEDGE"]
        assert (hex(answers[0].syndrome), answers[0].psn) == (hex(syndrome), psn)
        assert answers[0].dqpn == PEER_QPN
        if msn is not None:
            assert answers[0].msn == msn

    def refused(self, answers: Sequence[Packet], syndrome: int, psn: int, msn: int = 0) -> None:
        """Check for a NAK that ends the connection: the queue pair in error, and an event that tells its owner."""
        self.expect(answers, syndrome, psn, msn)
        assert self.qp.state is QpState.ERR
        last = [EventType.QP_LAST_WQE_REACHED] if self.qp.qp_type is QpType.XRC_RECV else []
        assert self.events() == [EventType.QP_ACCESS_ERR if syndrome == NAK_ACCESS else EventType.QP_REQ_ERR, *last]
        assert self.count("sent_naks") == 1

    def close(self) -> None:
        self.net.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def with_checksum(ip_packet: bytes | bytearray) -> bytes:
    """Return an IPv4 packet that was changed by hand with a right header checksum."""
    data = bytearray(ip_packet)
    data[10:12] = b"\x00\x00"
    words = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, 20, 2))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    data[10:12] = (words ^ 0xFFFF).to_bytes(2, "big")
    return bytes(data)


def sealed(ip_packet: bytes | bytearray) -> bytes:
    """Return an IPv4 packet that was changed by hand with right header checksum and ICRC."""
    data = with_checksum(ip_packet)
    return data[:-4] + icrc(data).to_bytes(4, "little")


_INIT = Mask.PKEY_INDEX | Mask.PORT
_RTR = Mask.AV | Mask.PATH_MTU | Mask.DEST_QPN | Mask.RQ_PSN
# What a transition needs besides the state (IBTA vol 1, 11.2.5.2), written down a second time for the tests.
REQUIRED = {
    QpState.INIT: {
        QpType.RC: _INIT | Mask.ACCESS_FLAGS,
        QpType.UC: _INIT | Mask.ACCESS_FLAGS,
        QpType.UD: _INIT | Mask.QKEY,
        QpType.XRC_SEND: _INIT | Mask.ACCESS_FLAGS,
        QpType.XRC_RECV: _INIT | Mask.ACCESS_FLAGS,
    },
    QpState.RTR: {
        QpType.RC: _RTR | Mask.MAX_DEST_RD_ATOMIC | Mask.MIN_RNR_TIMER,
        QpType.UC: _RTR,
        QpType.UD: Mask(0),
        QpType.XRC_SEND: _RTR,
        QpType.XRC_RECV: _RTR | Mask.MAX_DEST_RD_ATOMIC | Mask.MIN_RNR_TIMER,
    },
    QpState.RTS: {
        QpType.RC: Mask.SQ_PSN | Mask.TIMEOUT | Mask.RETRY_CNT | Mask.RNR_RETRY | Mask.MAX_QP_RD_ATOMIC,
        QpType.UC: Mask.SQ_PSN,
        QpType.UD: Mask.SQ_PSN,
        QpType.XRC_SEND: Mask.SQ_PSN | Mask.TIMEOUT | Mask.RETRY_CNT | Mask.RNR_RETRY | Mask.MAX_QP_RD_ATOMIC,
        QpType.XRC_RECV: Mask.SQ_PSN | Mask.TIMEOUT,
    },
    QpState.SQD: dict.fromkeys(QpType, Mask(0)),
}
