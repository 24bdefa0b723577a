"""The models refuse: each test takes what a legal run showed, and changes one thing that the rules forbid."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rdma_verbs import WcStatus
from tests.property.model import IllegalError, execute, judge_rc, may_overtake
from tests.property.model_unreliable import judge_unreliable
from tests.property.run import Seen, play
from tests.property.scenario import Allocator, Kind, Op, Piece, Recv, Scenario, Service, Side, region_at, with_regions

MTU = 256
Change = Callable[[Scenario, Seen, Seen], tuple[Seen, Seen]]


def made(service: Service) -> Scenario:
    """Side 0 sends, writes and reads; side 1 only receives. The network is clean."""
    landing, recv = Allocator((4, 5)), Allocator((6, 7))
    message = (Piece(0, 0, 200), Piece(1, 5, 300))
    ops = [
        Op(Kind.WRITE, message, remote=(2, 40)),
        Op(Kind.WRITE_IMM, (Piece(0, 9, 30),), remote=(2, 300), imm=7),
        Op(Kind.SEND, message, solicited=True),
        Op(Kind.SEND_IMM, (Piece(1, 0, 10),), imm=8),
    ]
    if service.is_reliable:
        ops += [
            Op(Kind.READ, landing.take([400]), remote=(2, 0)),
            Op(Kind.FAA, landing.take([8]), remote=(2, 0), operand=1),
            Op(Kind.ATOMIC_WRITE, (Piece(0, 3, 8),), remote=(2, 16)),
            Op(Kind.FLUSH, remote=(2, 0), flush=(3, 0, 100)),
        ]
    if service is Service.UD:
        ops = [Op(Kind.SEND, (Piece(0, i, 100 + i),)) for i in range(4)]
    recvs = tuple(Recv(recv.take([600])) for _ in range(4))
    return Scenario(
        service,
        (
            with_regions(Side((), tuple(ops), memory_seed=1), 1000, 1000, landing, Allocator((6, 7))),
            with_regions(Side((), (), recvs, memory_seed=2), 1000, 1000, Allocator((4, 5)), recv),
        ),
        mtu=MTU,
    )


def flipped(seen: Seen, place: int) -> Seen:
    memory = bytearray(seen.memory)
    memory[place] ^= 1
    return replace(seen, memory=bytes(memory))


def target(scenario: Scenario, offset: int) -> int:
    return region_at(scenario.sides[1], 2) + offset


RC_CHANGES: dict[str, Change] = {
    "completion lost": lambda _, a, b: (replace(a, sends=a.sends[:-1]), b),
    "completion twice": lambda _, a, b: (replace(a, sends=[a.sends[0], *a.sends]), b),
    "completions swapped": lambda _, a, b: (replace(a, sends=[a.sends[1], a.sends[0], *a.sends[2:]]), b),
    "failure on a clean network": lambda _, a, b: (
        replace(a, sends=[*a.sends[:-1], replace(a.sends[-1], status=WcStatus.RETRY_EXC_ERR)]),
        b,
    ),
    "message not received": lambda _, a, b: (a, replace(b, recvs=b.recvs[:-1])),
    "message received twice": lambda _, a, b: (
        a,
        replace(b, recvs=[*b.recvs, replace(b.recvs[-1], wr_id=(1 << 32) + 3)]),
    ),
    "wrong immediate": lambda _, a, b: (a, replace(b, recvs=[replace(b.recvs[0], imm_data=9), *b.recvs[1:]])),
    "wrong length": lambda _, a, b: (a, replace(b, recvs=[replace(b.recvs[0], byte_len=9), *b.recvs[1:]])),
    "written byte": lambda s, a, b: (a, flipped(b, target(s, 41))),
    "byte beside the WRITE": lambda s, a, b: (a, flipped(b, target(s, 39))),
    "guard byte": lambda _, a, b: (a, flipped(b, 0)),
    "source byte": lambda s, a, b: (flipped(a, region_at(s.sides[0], 0)), b),
    "byte that was read": lambda s, a, b: (flipped(a, region_at(s.sides[0], 4) + 20), b),
    "result of the atomic": lambda s, a, b: (flipped(a, region_at(s.sides[0], 5) + 16), b),
    "atomic executed twice": lambda s, a, b: (a, flipped(b, target(s, 0))),
    "bytes of the ATOMIC WRITE": lambda s, a, b: (a, flipped(b, target(s, 20))),
    "wrong state": lambda _, a, b: (replace(a, state="ERR"), b),
    "notified for nothing": lambda _, a, b: (replace(a, notified=True), b),
    "solicited and not notified": lambda _, a, b: (a, replace(b, notified=False)),
    "retries on a clean network": lambda _, a, b: (replace(a, counters={**a.counters, "timeouts": 1}), b),
}
UC_CHANGES = {
    name: RC_CHANGES[name]
    for name in (
        "completion lost",
        "completion twice",
        "message not received",
        "message received twice",
        "wrong immediate",
        "wrong length",
        "written byte",
        "byte beside the WRITE",
        "guard byte",
        "solicited and not notified",
    )
}
UD_CHANGES: dict[str, Change] = {
    "datagram not received": lambda _, a, b: (a, replace(b, recvs=b.recvs[:-1])),
    "datagrams swapped": lambda s, a, b: (a, replace(b, memory=swapped(s, b))),
    "wrong source": lambda _, a, b: (a, replace(b, recvs=[replace(b.recvs[0], src_qp=9), *b.recvs[1:]])),
    "GRH byte": lambda s, a, b: (a, flipped(b, region_at(s.sides[1], 6) + 16 + 32)),
    "payload byte": lambda s, a, b: (a, flipped(b, region_at(s.sides[1], 6) + 16 + 40)),
    "byte after the datagram": lambda s, a, b: (a, flipped(b, region_at(s.sides[1], 6) + 16 + 40 + 100)),
    "guard byte": RC_CHANGES["guard byte"],
}


def swapped(scenario: Scenario, seen: Seen) -> bytes:
    """Memory with the first two receive buffers' payloads exchanged."""
    memory = bytearray(seen.memory)
    one, two = (region_at(scenario.sides[1], region) + 16 + 40 for region in (6, 7))
    memory[one : one + 100], memory[two : two + 100] = memory[two : two + 100], memory[one : one + 100]
    return bytes(memory)


@pytest.mark.parametrize(
    ("service", "name", "change"),
    [
        (service, name, change)
        for service, changes in (
            (Service.RC, RC_CHANGES),
            (Service.XRC, RC_CHANGES),
            (Service.UC, UC_CHANGES),
            (Service.UD, UD_CHANGES),
        )
        for name, change in changes.items()
    ],
)
def test_model_refuses(service: Service, name: str, change: Change) -> None:
    scenario = made(service)
    judge: Callable[[Scenario, tuple[Seen, Seen]], object] = judge_rc if service.is_reliable else judge_unreliable
    seen = play(scenario)
    judge(scenario, seen)
    with pytest.raises(IllegalError):
        judge(scenario, change(scenario, *seen))


def test_what_may_overtake_a_read_ends_at_a_fence_or_at_one_read_too_many() -> None:
    base = made(Service.RC)
    landing = Allocator((4, 5))
    reads = [Op(Kind.READ, landing.take([4]), remote=(2, 0)) for _ in range(3)]
    write = Op(Kind.WRITE, (Piece(0, 0, 4),), remote=(2, 2))
    ops = (reads[0], write, reads[1], write, reads[2], write, replace(write, fence=True))
    side = with_regions(replace(base.sides[0], ops=ops, max_rd_atomic=2), 1000, 1000, landing, Allocator((6, 7)))
    steps = execute(replace(base, sides=(side, base.sides[1])), 0)
    assert [step.number for step in may_overtake(steps, 0, 2)] == [1, 2, 3]
    assert [step.number for step in may_overtake(steps, 0, 3)] == [1, 2, 3, 4, 5]
    assert [step.number for step in may_overtake(steps, 4, 2)] == [5]
    assert [offset for offset, _ in steps[0].later] == [2, 2]
