"""What a property test plays: two queue pairs, their memory, work requests and the faults of the wire between them.

Plain data without any type of the engine's, so that the model reads the same scenario as the run but shares nothing
else with it. Positions in memory are (region, offset in the region).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

GUARD_BYTES = 32
"""Unregistered bytes before, between and after the regions: nothing may ever write them."""
GRH_BYTES = 40


Options = tuple[str, ...]


class Service(Enum):
    RC = "RC"
    XRC = "XRC"
    UC = "UC"
    UD = "UD"

    @property
    def is_reliable(self) -> bool:
        return self in (Service.RC, Service.XRC)


class Kind(Enum):
    SEND = "SEND"
    SEND_IMM = "SEND with immediate"
    WRITE = "WRITE"
    WRITE_IMM = "WRITE with immediate"
    READ = "READ"
    CAS = "compare and swap"
    FAA = "fetch and add"
    ATOMIC_WRITE = "ATOMIC WRITE"
    FLUSH = "FLUSH"

    @property
    def is_send(self) -> bool:
        return self in (Kind.SEND, Kind.SEND_IMM)

    @property
    def is_write(self) -> bool:
        return self in (Kind.WRITE, Kind.WRITE_IMM)

    @property
    def is_atomic(self) -> bool:
        return self in (Kind.CAS, Kind.FAA)

    @property
    def has_imm(self) -> bool:
        return self in (Kind.SEND_IMM, Kind.WRITE_IMM)

    @property
    def takes_recv(self) -> bool:
        return self.is_send or self is Kind.WRITE_IMM

    @property
    def lands(self) -> bool:
        """Answered by data: READ or atomic."""
        return self is Kind.READ or self.is_atomic

    @property
    def is_rd(self) -> bool:
        """Has a response of its own, so that it counts for max_rd_atomic and fences wait for it."""
        return self.lands or self in (Kind.ATOMIC_WRITE, Kind.FLUSH)

    @property
    def is_aligned(self) -> bool:
        """Of eight bytes at a multiple of eight."""
        return self.is_atomic or self is Kind.ATOMIC_WRITE


class Use(Enum):
    """What a region is for; the access rights that it is registered with follow."""

    SOURCE = 0  # gathered from; no rights at all
    TARGET = 1  # all remote rights; no local piece lies here
    LANDING = 2  # results of READs and atomics; local write
    RECV = 3  # receive buffers; local write


REGION_USE = (
    Use.SOURCE,
    Use.SOURCE,
    Use.TARGET,
    Use.TARGET,
    Use.LANDING,
    Use.LANDING,
    Use.RECV,
    Use.RECV,
)
"""Two regions of each sort, so that every list of pieces can span two regions."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A scatter/gather element."""

    region: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Op:
    """A send work request. Its wr_id is its place in ``Side.ops``."""

    kind: Kind
    pieces: tuple[Piece, ...] = ()
    remote: tuple[int, int] = (0, 0)
    imm: int = 0
    operand: int = 0
    """What is added, or what is swapped in."""
    compare: int = 0
    signaled: bool = True
    fence: bool = False
    solicited: bool = False
    inline: bool = False
    flush: tuple[int, int, int] = (0, 0, 0)
    """FLUSH: placement type, selectivity level, length."""
    at_ns: int = 0
    """When it is posted."""

    @property
    def length(self) -> int:
        return sum(piece.length for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Recv:
    """A receive work request. Its wr_id is RECV_ID and its place in ``Side.recvs``."""

    pieces: tuple[Piece, ...]
    at_ns: int = 0

    @property
    def length(self) -> int:
        return sum(piece.length for piece in self.pieces)


RECV_ID = 1 << 32


@dataclass(frozen=True, slots=True)
class FaultMix:
    """Chances of the frames that one side sends."""

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    delay: float = 0.0
    seed: int = 0
    reorder_frames: int = 3
    late_ns: int = 20_000
    """The longest delay, and the longest that a reordered frame waits."""

    @property
    def clean(self) -> bool:
        return not (self.loss or self.duplicate or self.reorder or self.corrupt or self.delay)

    @property
    def loses(self) -> bool:
        return bool(self.loss or self.corrupt)

    @property
    def in_order(self) -> bool:
        return not (self.reorder or self.delay or self.duplicate)


@dataclass(frozen=True, slots=True)
class Side:
    """One end."""

    regions: tuple[int, ...]
    """Bytes of each region of REGION_USE."""
    ops: tuple[Op, ...] = ()
    recvs: tuple[Recv, ...] = ()
    psn: int = 0
    memory_seed: int = 0
    max_rd_atomic: int = 1
    retry_cnt: int = 7
    timeout: int = 3
    """4.096 us * 2**timeout."""
    rnr_retry: int = 7
    min_rnr_timer: int = 1
    sig_all: bool = False
    shared_cq: bool = False
    tx_window: int = 0
    ack_every: int = 0
    tx_burst: int = 0
    rx_window: int = 0
    reorder_pkts: int = 0
    faults: FaultMix = FaultMix()
    drops: tuple[tuple[int, int], ...] = ()
    """Packets lost by rule: (packets after the first PSN, which transmission of that PSN)."""

    def signals(self, op: Op) -> bool:
        """Whether the request makes a completion when it succeeds."""
        return op.signaled or self.sig_all


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which all frames that a side sends are lost."""

    side: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a run depends on."""

    service: Service
    sides: tuple[Side, Side]
    mtu: int = 1024
    ipv6: bool = False
    latency_ns: int = 1000
    depth: int = 4096
    dead_side: int | None = None
    """The frames that this side sends are all lost from ``dead_ns`` on."""
    dead_ns: int = 0
    outages: tuple[Outage, ...] = ()
    recovery: tuple[Options, Options] = ((), ())
    """Names of the options of each side's device."""

    @property
    def selective(self) -> bool:
        """Both devices know selective repeat, so both use it once they have heard of each other."""
        return all("SELECTIVE_REPEAT" in options for options in self.recovery)

    @property
    def unordered(self) -> bool:
        """RDMA WRITEs may be placed in any order."""
        return self.selective and any("OOO" in options for options in self.recovery)

    @property
    def clean(self) -> bool:
        """The network loses and changes nothing."""
        return (
            self.dead_side is None
            and not self.outages
            and all(side.faults.clean and not side.drops for side in self.sides)
        )

    @property
    def quiet_ns(self) -> int:
        """After this time no frame is under way that was sent at 0, nor waits for room."""
        return self.latency_ns + max(side.faults.late_ns for side in self.sides) + 30_000


def other(side: int) -> int:
    return 1 - side


def region_at(side: Side, region: int) -> int:
    """Where a region starts in the side's arena."""
    return GUARD_BYTES + sum(length + GUARD_BYTES for length in side.regions[:region])


def arena_bytes(side: Side) -> int:
    return region_at(side, len(side.regions))


def initial_memory(side: Side) -> bytes:
    """The side's whole arena before anything happens."""
    return random.Random(side.memory_seed).randbytes(arena_bytes(side))


def spans(side: Side, pieces: tuple[Piece, ...]) -> Iterator[tuple[int, int]]:
    """The pieces as (start in the arena, length)."""
    for piece in pieces:
        yield region_at(side, piece.region) + piece.offset, piece.length


def gather(side: Side, memory: bytes | bytearray, pieces: tuple[Piece, ...]) -> bytes:
    """The bytes that the pieces hold, in their order."""
    return b"".join(bytes(memory[at : at + length]) for at, length in spans(side, pieces))


def cut(total: int, cuts: list[int]) -> list[int]:
    """Lengths of the parts of ``total`` bytes, cut at the given places (taken modulo); some may be empty."""
    places = sorted(place % (total + 1) for place in cuts)
    return [end - start for start, end in pairwise([0, *places, total])]


class Allocator:
    """Hands out disjoint pieces of two regions by turns, at odd distances; ``sizes`` is how long the regions get."""

    def __init__(self, regions: tuple[int, int]) -> None:
        self._regions = regions
        self.sizes = [16, 16]
        self._turn = 0

    def take(self, lengths: list[int]) -> tuple[Piece, ...]:
        pieces = []
        for length in lengths:
            turn = self._turn
            self._turn = 1 - turn
            pieces.append(Piece(self._regions[turn], self.sizes[turn], length))
            self.sizes[turn] += length + 3
        return tuple(pieces)


def with_regions(side: Side, source: int, target: int, landing: Allocator, recv: Allocator) -> Side:
    """The side with its regions as long as its requests need."""
    return replace(side, regions=(source, source, target, target, *landing.sizes, *recv.sizes))
