"""Plays a scenario on the real engine in virtual time, and returns all that can be observed as plain data."""

import ctypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from datapath.errors import DpuError
from datapath.port import Direction, FaultPort, Faults, Rule
from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    SGE,
    SRQ,
    WC,
    XRCD,
    AccessFlags,
    AHAttr,
    Context,
    DeviceConfig,
    Mtu,
    PlacementType,
    QPCap,
    QPInitAttr,
    QpType,
    Recovery,
    RecvWR,
    SelectivityLevel,
    SendFlags,
    SendWR,
    SrqAttr,
    SrqInitAttr,
    SrqType,
    VirtualNet,
    WrOpcode,
)
from rdma_verbs.ah import AH
from tests.property.scenario import (
    RECV_ID,
    REGION_USE,
    Kind,
    Op,
    Options,
    Piece,
    Recv,
    Scenario,
    Service,
    Side,
    Use,
    gather,
    initial_memory,
    region_at,
)

MAX_EVENTS = 400_000
"""A run with the most requests needs a few thousand."""
UD_QKEY = 0x1BADCAFE
ADDRESSES = {False: ("10.0.0.1", "10.0.0.2"), True: ("fd00::1", "fd00::2")}

ACCESS = {
    Use.SOURCE: AccessFlags(0),
    Use.TARGET: AccessFlags.LOCAL_WRITE
    | AccessFlags.REMOTE_WRITE
    | AccessFlags.REMOTE_READ
    | AccessFlags.REMOTE_ATOMIC
    | AccessFlags.FLUSH_GLOBAL
    | AccessFlags.FLUSH_PERSISTENT,
    Use.LANDING: AccessFlags.LOCAL_WRITE,
    Use.RECV: AccessFlags.LOCAL_WRITE,
}
_OPCODE = {
    Kind.SEND: WrOpcode.SEND,
    Kind.SEND_IMM: WrOpcode.SEND_WITH_IMM,
    Kind.WRITE: WrOpcode.RDMA_WRITE,
    Kind.WRITE_IMM: WrOpcode.RDMA_WRITE_WITH_IMM,
    Kind.READ: WrOpcode.RDMA_READ,
    Kind.CAS: WrOpcode.ATOMIC_CMP_AND_SWP,
    Kind.FAA: WrOpcode.ATOMIC_FETCH_AND_ADD,
    Kind.ATOMIC_WRITE: WrOpcode.ATOMIC_WRITE,
    Kind.FLUSH: WrOpcode.FLUSH,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What one side shows in the end."""

    sends: list[WC]
    recvs: list[WC]
    memory: bytes
    state: str
    counters: dict[str, int]
    port: dict[str, int]
    notified: bool
    """The receive queue's notification for solicited completions fired."""
    events: list[str]
    quiet: dict[str, int] | None
    """Counters when the last frame from before the link's death had arrived."""
    qpn: int
    recv_state: str
    recv_qpn: int
    """State and number of the queue pair that receives: XRC has one for each role."""


class HangError(AssertionError):
    """The run did not come to rest."""


class End:
    """One side's objects. Its memory is one arena: regions with guard bytes between them."""

    def __init__(
        self, context: Context, scenario: Scenario, side: Side, access: Mapping[Use, AccessFlags] = ACCESS
    ) -> None:
        self.context = context
        self.side = side
        self.initial = initial_memory(side)
        # Regions must lie on 8-byte boundaries for atomics only as the address goes; the arena makes that so.
        self.memory = (ctypes.c_char * len(self.initial)).from_buffer_copy(self.initial)
        view = memoryview(self.memory).cast("B")
        pd = PD(context)
        self.pd = pd
        self.regions = [
            MR(
                pd,
                view[region_at(side, i) : region_at(side, i) + length],
                access[use],
                iova=0x7000_0000_0000 + (i << 24) + (0 if use is Use.TARGET else i),
            )
            for i, (use, length) in enumerate(zip(REGION_USE, side.regions, strict=True))
        ]
        sends, recvs = len(side.ops), len(side.recvs)
        # Exactly as large as needed: one completion too many overflows.
        self.recv_cq = CQ(context, max(1, recvs + (sends if side.shared_cq else 0)))
        self.send_cq = self.recv_cq if side.shared_cq else CQ(context, max(1, sends))
        self.recv_cq.req_notify(solicited_only=True)
        cap = QPCap(max(1, sends), max(1, recvs), 5, 5, 700)
        xrc = scenario.service is Service.XRC
        qp_type = QpType.XRC_SEND if xrc else QpType[scenario.service.name]
        self.qp = QP(pd, QPInitAttr(qp_type, self.send_cq, self.recv_cq, cap, side.sig_all), psn=side.psn)
        self.receiver = self.qp
        self.srq: SRQ | None = None
        if xrc:
            xrcd = XRCD(context)
            attr = SrqAttr(max(1, recvs), 5)
            self.srq = SRQ(pd, SrqInitAttr(attr, SrqType.XRC, xrcd, self.recv_cq))
            self.receiver = QP(xrcd, QPInitAttr(QpType.XRC_RECV))
        self.ah: AH | None = None

    def connect(self, peer: "End", scenario: Scenario) -> None:
        self.peer = peer
        side = self.side
        if scenario.service is Service.UD:
            self.qp.start(qkey=UD_QKEY)
            self.ah = AH(self.pd, AHAttr(dgid=peer.context.gids[0], hop_limit=17, traffic_class=0x68))
            return
        mtu = next(mtu for mtu in Mtu if mtu.bytes == scenario.mtu)
        for qp, other in {self.qp: peer.receiver, self.receiver: peer.qp}.items():
            qp.to_init()
            qp.to_rtr(
                other.endpoint,
                mtu=mtu,
                min_rnr_timer=side.min_rnr_timer,
                max_dest_rd_atomic=peer.side.max_rd_atomic,
            )
            qp.to_rts(
                timeout=side.timeout,
                retry_cnt=side.retry_cnt,
                rnr_retry=side.rnr_retry,
                max_rd_atomic=side.max_rd_atomic,
            )

    def sges(self, pieces: tuple[Piece, ...]) -> list[SGE]:
        return [self.regions[p.region].sge(p.offset, p.length) for p in pieces]

    def send_wr(self, number: int, op: Op) -> SendWR:
        flags = SendFlags(0)
        for wanted, flag in (
            (op.signaled, SendFlags.SIGNALED),
            (op.fence, SendFlags.FENCE),
            (op.solicited, SendFlags.SOLICITED),
        ):
            flags |= flag if wanted else 0
        target = self.peer.regions[op.remote[0]]
        plain = op.kind.is_send
        return SendWR(
            number,
            _OPCODE[op.kind],
            () if op.inline else self.sges(op.pieces),
            flags,
            imm_data=op.imm,
            remote_addr=0 if plain else target.addr + op.remote[1],
            rkey=0 if plain else target.rkey,
            compare_add=op.compare if op.kind is Kind.CAS else op.operand,
            swap=op.operand if op.kind is Kind.CAS else 0,
            ah=self.ah,
            remote_qpn=self.peer.qp.qp_num,
            remote_qkey=UD_QKEY,
            remote_srqn=self.peer.srq.num if self.peer.srq else 0,
            flush_type=PlacementType(op.flush[0]),
            flush_level=SelectivityLevel(op.flush[1]),
            flush_length=op.flush[2],
            data=gather(self.side, self.initial, op.pieces) if op.inline else None,
        )

    def post(self, ops: list[tuple[int, Op]], recvs: list[tuple[int, Recv]]) -> None:
        if recvs:
            (self.srq or self.qp).post_recv([RecvWR(RECV_ID + i, self.sges(recv.pieces)) for i, recv in recvs])
        if ops:
            self.qp.post_send([self.send_wr(i, op) for i, op in ops])

    def poll(self) -> list[WC]:
        room = len(self.side.ops) + len(self.side.recvs) + 1
        done = self.recv_cq.poll(room)
        if not self.side.shared_cq:
            done += self.send_cq.poll(room)
        return done

    def seen(self, quiet: dict[str, int] | None, polled: Iterable[WC] = ()) -> Seen:
        done = [*polled, *self.poll()]
        events = []
        while event := self.context.next_event():
            events.append(event.type.name)
        return Seen(
            sends=[wc for wc in done if wc.wr_id < RECV_ID],
            recvs=[wc for wc in done if wc.wr_id >= RECV_ID],
            memory=bytes(self.memory),
            state=self.qp.state.name,
            counters=self.context.counters(),
            port=self.context.port.stats(),
            notified=self.recv_cq in self.context.notified(),
            events=events,
            quiet=quiet,
            qpn=self.qp.qp_num,
            recv_state=self.receiver.state.name,
            recv_qpn=self.receiver.qp_num,
        )


_ALL_LOST = Faults(loss=1.0, direction=Direction.TX)


def _faults(side: Side) -> Faults:
    mix = side.faults
    return Faults(
        mix.loss,
        mix.duplicate,
        mix.reorder,
        mix.corrupt,
        mix.delay,
        mix.seed,
        Direction.TX,
        reorder_frames=mix.reorder_frames,
        reorder_ns=mix.late_ns,
        delay_max_ns=mix.late_ns,
        rules=[Rule.on_packet(psn=(side.psn + after) % (1 << 24), nth=nth) for after, nth in side.drops],
    )


def _config(side: Side, options: Options) -> DeviceConfig:
    return DeviceConfig(
        recovery=reduce(or_, (Recovery[name] for name in options), Recovery.GO_BACK_N),
        rx_window=side.rx_window,
        reorder_pkts=side.reorder_pkts,
        rto_min_us=1,
        seed=side.memory_seed + 1,
        max_mr=16,
        max_cq=4,
        max_pd=2,
        qpn_count=8,
        tx_window=side.tx_window,
        ack_every=side.ack_every,
        tx_burst=side.tx_burst,
    )


def play(scenario: Scenario) -> tuple[Seen, Seen]:
    """Run the scenario until nothing is left to happen.

    Raises:
        HangError: it does not come to rest.
    """
    with VirtualNet() as net:
        one, two = scenario.sides
        contexts = net.pair(
            addresses=ADDRESSES[scenario.ipv6],
            config=(_config(one, scenario.recovery[0]), _config(two, scenario.recovery[1])),
            latency_ns=scenario.latency_ns,
            depth=scenario.depth,
            wrappers=([_faults(one)], [_faults(two)]),
        )
        ends = [End(context, scenario, side) for context, side in zip(contexts, scenario.sides, strict=True)]
        for end, peer in (ends, ends[::-1]):
            end.connect(peer, scenario)
        try:
            quiet = _timeline(net, scenario, ends)
        except DpuError as error:
            raise HangError(f"no rest after {MAX_EVENTS} events, at {net.now_ns} ns: {error}") from error
        return ends[0].seen(quiet[0]), ends[1].seen(quiet[1])


def _timeline(net: VirtualNet, scenario: Scenario, ends: list[End]) -> list[dict[str, int] | None]:
    """Post everything at its time, then run to rest. Returns the counters of both after the link's death, if any."""
    times = {op.at_ns for end in ends for op in end.side.ops} | {recv.at_ns for end in ends for recv in end.side.recvs}
    dead_ns = scenario.dead_ns if scenario.dead_side is not None else -1
    quiet_ns = dead_ns + scenario.quiet_ns if dead_ns >= 0 else -1
    quiet: list[dict[str, int] | None] = [None, None]
    times |= {t for t in (dead_ns, quiet_ns) if t >= 0}
    times |= {t for outage in scenario.outages for t in (outage.start_ns, outage.end_ns)}
    for now_ns in sorted(times):
        net.run_until(now_ns, max_events=MAX_EVENTS)
        if now_ns == dead_ns and scenario.dead_side is not None:
            fault_port(ends[scenario.dead_side]).set(_ALL_LOST)
        for outage in scenario.outages:
            if now_ns in (outage.start_ns, outage.end_ns):
                end = ends[outage.side]
                fault_port(end).set(_ALL_LOST if now_ns == outage.start_ns else _faults(end.side))
        if now_ns == quiet_ns:
            quiet = [end.context.counters() for end in ends]
        for end in ends:
            end.post(
                [(i, op) for i, op in enumerate(end.side.ops) if op.at_ns == now_ns],
                [(i, recv) for i, recv in enumerate(end.side.recvs) if recv.at_ns == now_ns],
            )
    net.run(max_events=MAX_EVENTS)
    return quiet


def fault_port(end: End) -> FaultPort:
    port = end.context.port
    assert isinstance(port, FaultPort)
    return port


__all__ = ["ADDRESSES", "HangError", "Seen", "play"]
