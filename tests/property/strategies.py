"""Hypothesis strategies for scenarios. They shrink towards few small requests, no faults and first PSN 0."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from tests.property.scenario import (
    GRH_BYTES,
    Allocator,
    FaultMix,
    Kind,
    Op,
    Options,
    Outage,
    Piece,
    Recv,
    Scenario,
    Service,
    Side,
    cut,
    with_regions,
)

MTUS = (256, 512, 1024, 2048, 4096)
MAX_PACKETS = 5
INLINE_BYTES = 700
_SLACK = 64
# More often: resuming a READ in its middle, and to overwrite an ATOMIC WRITE of which the response was lost, are rare.
_RELIABLE = (*Kind, Kind.READ, Kind.ATOMIC_WRITE, Kind.ATOMIC_WRITE)
_KINDS = {
    Service.RC: _RELIABLE,
    Service.XRC: _RELIABLE,
    Service.UC: (Kind.SEND, Kind.SEND_IMM, Kind.WRITE, Kind.WRITE_IMM),
    Service.UD: (Kind.SEND, Kind.SEND_IMM),
}
_PSN_WRAP = 1 << 24

_chance = st.sampled_from((0.0, 0.0, 0.02, 0.1, 0.2))
_cuts = st.lists(st.integers(0, 1 << 16), max_size=4)
_flags = st.integers(0, 31)
# Few values, so that a compare often succeeds.
_operand = st.sampled_from((0, 1, 2, (1 << 64) - 1, 0x0123456789ABCDEF))
_pause_ns = st.sampled_from((0, 0, 0, 0, 1, 1500, 7000, 40_000))
_psn = st.one_of(
    st.integers(0, 2),
    st.integers(1, 4).map(lambda back: _PSN_WRAP - back),
    st.integers(1, 40).map(lambda back: _PSN_WRAP - back),
    st.integers((1 << 23) - 20, (1 << 23) + 20),
    st.integers(0, _PSN_WRAP - 1),
)


@st.composite
def fault_mixes(draw: st.DrawFn) -> FaultMix:
    """Each chance is 0 or up to 20 %; often all are 0."""
    if draw(st.integers(0, 3)) == 0:
        return FaultMix()
    return FaultMix(
        loss=draw(_chance),
        duplicate=draw(_chance),
        reorder=draw(_chance),
        corrupt=draw(_chance),
        delay=draw(_chance),
        seed=draw(st.integers(0, 1 << 32)),
        reorder_frames=draw(st.integers(1, 6)),
        late_ns=draw(st.sampled_from((500, 5_000, 20_000, 100_000))),
    )


@dataclass(slots=True)
class _Draft:
    """A request before memory is found for it."""

    kind: Kind
    length: int
    cuts: list[int]
    spot: int
    flags: int
    operand: int
    compare: int
    pause_ns: int


@st.composite
def _drafts(draw: st.DrawFn, service: Service, mtu: int) -> _Draft:
    kind = draw(st.sampled_from(_KINDS[service]))
    most = mtu if service is Service.UD else MAX_PACKETS * mtu
    length = 8
    if not kind.is_aligned:
        edges = (0, 1, 8, mtu - 1, mtu) if service is Service.UD else (0, 1, 8, mtu - 1, mtu, mtu + 1, 2 * mtu, 3 * mtu)
        length = draw(st.one_of(st.sampled_from(edges), st.integers(0, most)))
    return _Draft(
        kind,
        length,
        draw(_cuts),
        draw(st.integers(0, 1 << 16)),
        draw(_flags),
        draw(_operand) if kind.is_atomic or kind is Kind.FLUSH else 0,
        draw(_operand) if kind is Kind.CAS else 0,
        draw(_pause_ns),
    )


def _op(draft: _Draft, number: int, at_ns: int, room: int, landing: Allocator) -> Op:
    """Place a draft: sources and targets may overlap those of other requests, landing places never do."""
    kind, spot = draft.kind, draft.spot
    parts = [] if kind is Kind.FLUSH else cut(draft.length, draft.cuts)
    inline = bool(draft.flags & 8) and not kind.lands and bool(parts) and draft.length <= INLINE_BYTES
    if kind.lands:
        pieces = landing.take(parts)
    else:
        pieces = tuple(Piece(i % 2, (spot + 7 * i) % (room - part + 1), part) for i, part in enumerate(parts))
    region, offset = 2 + spot % 2, spot % (room - draft.length + 1)
    if kind.is_aligned:
        offset = spot % 2 * 8  # few places, so that atomics meet; the run aligns the regions
    return Op(
        kind,
        pieces,
        remote=(region, offset),
        imm=0x1000 + number if kind.has_imm else 0,
        operand=draft.operand,
        compare=draft.compare,
        signaled=not draft.flags & 1,
        fence=bool(draft.flags & 2) and bool(draft.flags & 16),
        solicited=bool(draft.flags & 4),
        inline=inline,
        flush=(draft.operand % 3 + 1, draft.cuts != [], draft.length) if kind is Kind.FLUSH else (0, 0, 0),
        at_ns=at_ns,
    )


@st.composite
def _sides(draw: st.DrawFn, service: Service, mtu: int, max_ops: int) -> tuple[Side, list[_Draft]]:
    drafts = draw(st.lists(_drafts(service, mtu), max_size=max_ops))
    side = Side(
        regions=(),
        psn=draw(_psn),
        memory_seed=draw(st.integers(0, 1 << 16)),
        max_rd_atomic=draw(st.sampled_from((1, 2, 3, 8))),
        retry_cnt=draw(st.sampled_from((7, 7, 7, 3, 1, 0))),
        timeout=draw(st.sampled_from((3, 2, 4, 6))),
        rnr_retry=draw(st.sampled_from((7, 7, 0, 1, 3, 6))),
        min_rnr_timer=draw(st.sampled_from((1, 2, 5))),
        sig_all=draw(st.integers(0, 7)) == 7,
        shared_cq=draw(st.booleans()),
        tx_window=draw(st.sampled_from((0, 0, 2, 5, 16))),
        ack_every=draw(st.sampled_from((0, 1, 3))),
        tx_burst=draw(st.sampled_from((0, 1, 5))),
        rx_window=draw(st.sampled_from((0, 0, 4, 16))),
        reorder_pkts=draw(st.sampled_from((0, 0, 3))),
        faults=draw(fault_mixes()),
    )
    return side, drafts


@st.composite
def _recvs(draw: st.DrawFn, lengths: list[int], forever: bool, allocator: Allocator) -> tuple[Recv, ...]:
    """Receives for messages of these lengths; some late, and unless the peer retries ``forever`` some missing."""
    missing = 0 if forever else draw(st.sampled_from((0, 0, 0, 1, 2)))
    pauses = draw(st.lists(_pause_ns, max_size=len(lengths)))
    extra = draw(st.sampled_from((0, 1, 40)))
    splits = draw(st.lists(_cuts, min_size=1, max_size=4))
    recvs, at_ns = [], 0
    for i, length in enumerate(lengths[: max(0, len(lengths) - missing)]):
        at_ns += pauses[i] if i < len(pauses) else 0
        recvs.append(Recv(allocator.take(cut(length + extra, splits[i % len(splits)])), at_ns))
    return tuple(recvs)


@st.composite
def scenarios(
    draw: st.DrawFn,
    service: Service,
    max_ops: int = 12,
    *,
    every_recv: bool = False,
    recovery: tuple[Options, Options] = ((), ()),
) -> Scenario:
    """Both sides with requests, memory and faults, and the wire between them.

    ``every_recv``: no receive is missing, whatever ``rnr_retry`` says.
    """
    mtu = draw(st.sampled_from(MTUS))
    room = MAX_PACKETS * mtu + _SLACK
    made = [draw(_sides(service, mtu, max_ops)) for _ in range(2)]
    sides: list[Side] = []
    landings = [Allocator((4, 5)) for _ in range(2)]
    recvs = [Allocator((6, 7)) for _ in range(2)]
    for (side, drafts), landing in zip(made, landings, strict=True):
        at_ns, ops = 0, []
        for number, draft in enumerate(drafts):
            at_ns += draft.pause_ns
            ops.append(_op(draft, number, at_ns, room, landing))
        sides.append(replace(side, ops=tuple(ops)))
    for i in range(2):
        lengths = [op.length for op in sides[1 - i].ops if op.kind.takes_recv]
        if not service.is_reliable:  # which message meets which receive is not known
            lengths = [max(lengths, default=0) + (GRH_BYTES if service is Service.UD else 0)] * len(lengths)
            if service is Service.UD and draw(st.booleans()):
                lengths *= 2  # room for what the network duplicates
        forever = every_recv or (service.is_reliable and sides[1 - i].rnr_retry == 7)
        posted = draw(_recvs(lengths, forever, recvs[i]))
        sides[i] = with_regions(replace(sides[i], recvs=posted), room, room, landings[i], recvs[i])
    dead_side = draw(st.sampled_from((None, None, None, 0, 1)))
    return Scenario(
        service,
        (sides[0], sides[1]),
        mtu=mtu,
        ipv6=draw(st.booleans()),
        depth=draw(st.sampled_from((512, 8))),
        dead_side=dead_side,
        dead_ns=0 if dead_side is None else draw(st.integers(0, 60_000)),
        recovery=recovery,
    )


@st.composite
def outages(draw: st.DrawFn) -> Scenario:
    """Any requests on a network that is clean but for outages, each shorter than the retries last.

    A last retry is kept for the NAK that the first packets after an outage may cause, and the pauses between are long
    enough for an answer.
    """
    scenario = draw(scenarios(Service.RC, every_recv=True))
    timeout, retry_cnt = draw(st.sampled_from((2, 3, 4))), draw(st.integers(2, 7))
    timeout_ns = 4096 << timeout
    one, two = (
        replace(
            side,
            faults=FaultMix(),
            timeout=timeout,
            retry_cnt=retry_cnt,
            rnr_retry=7,
            recvs=tuple(replace(recv, at_ns=0) for recv in side.recvs),
        )
        for side in scenario.sides
    )
    found, at_ns = [], 0
    most_ns = (retry_cnt - 1) * timeout_ns
    for _ in range(draw(st.integers(1, 4))):
        start_ns = at_ns + draw(st.integers(0, 3000))
        at_ns = start_ns + draw(st.one_of(st.just(most_ns), st.integers(1, most_ns)))
        found.append(Outage(draw(st.integers(0, 1)), start_ns, at_ns))
        at_ns += 2 * timeout_ns + 20_000
    one, two = (_posted_in_outages(side, found) for side in (one, two))
    return replace(scenario, sides=(one, two), dead_side=None, outages=tuple(found))


def _posted_in_outages(side: Side, found: list[Outage]) -> Side:
    """The side with its requests posted when the outages begin, so that each of them costs retries."""
    ops = side.ops
    starts = [found[i * len(found) // len(ops)].start_ns for i in range(len(ops))]
    return replace(side, ops=tuple(replace(op, at_ns=at_ns) for op, at_ns in zip(ops, starts, strict=True)))


@st.composite
def gaps(draw: st.DrawFn) -> Scenario:
    """A stream of one-way messages of which packets are lost one after the other, each the next time it is sent."""
    mtu = draw(st.sampled_from(MTUS))
    parts = draw(st.lists(st.integers(1, MAX_PACKETS), min_size=2, max_size=10))
    recv = Allocator((6, 7))
    room = MAX_PACKETS * mtu + _SLACK
    ops = tuple(Op(Kind.SEND, (Piece(i % 2, i, (n - 1) * mtu + 1 + i),)) for i, n in enumerate(parts))
    lost = sorted(draw(st.sets(st.integers(0, sum(parts) - 2), min_size=1, max_size=5)))
    one = Side((), ops, psn=draw(_psn), drops=tuple((place, i) for i, place in enumerate(lost, 1)), timeout=8)
    two = Side((), (), tuple(Recv(recv.take([op.length])) for op in ops), memory_seed=1)
    empty = Allocator((4, 5))
    return Scenario(
        Service.RC,
        (
            with_regions(one, room, room, empty, Allocator((6, 7))),
            with_regions(two, room, room, empty, recv),
        ),
        mtu=mtu,
    )
