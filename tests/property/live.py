"""Plays a scenario on live devices of this process that reach each other by the local path, on the real clock."""

import time
from dataclasses import replace

from rdma_verbs import WC, AccessFlags, Context, DeviceConfig
from tests.property.run import ACCESS, End, HangError, Seen
from tests.property.scenario import FaultMix, Kind, Op, Piece, Recv, Scenario, Side

ADDRESSES = ("127.15.4.1", "127.15.4.2")
WAIT_S = 20
_LIVE_ACCESS = {use: access & ~AccessFlags.FLUSH_PERSISTENT for use, access in ACCESS.items()}
"""Memory that is no file's cannot be persistent."""


def last(scenario: Scenario) -> Op:
    """A request that tells the end: of a reliable side when it completes, else when it is received."""
    return Op(Kind.WRITE, remote=(2, 0)) if scenario.service.is_reliable else Op(Kind.SEND)


def for_live(scenario: Scenario) -> Scenario:
    """The scenario without faults, posted at once, with timeouts of the real clock and a last request that tells."""
    end = last(scenario)
    sides = []
    for side in scenario.sides:
        ops = [replace(op, at_ns=0, flush=(1, *op.flush[1:]) if op.kind is Kind.FLUSH else op.flush) for op in side.ops]
        recvs = [replace(recv, at_ns=0) for recv in side.recvs]
        sides.append(
            replace(side, ops=(*ops, end), recvs=(*recvs,), timeout=16, retry_cnt=7, rnr_retry=7, faults=FaultMix())
        )
    if not scenario.service.is_reliable:
        sides = [replace(side, recvs=(*side.recvs, Recv((Piece(6, 0, 0),)))) for side in sides]
    return replace(scenario, sides=(sides[0], sides[1]), dead_side=None, ipv6=False)


def _wanted(scenario: Scenario, side: Side, peer: Side) -> int:
    """Completions that the side must have."""
    return sum(side.signals(op) for op in side.ops) + sum(op.kind.takes_recv for op in peer.ops)


def play_live(scenario: Scenario) -> tuple[Seen, Seen]:
    """Run the scenario until all completions are there.

    Raises:
        HangError: some are not.
    """
    one, two = scenario.sides
    config = [DeviceConfig(tx_window=s.tx_window, ack_every=s.ack_every, tx_burst=s.tx_burst) for s in (one, two)]
    with (
        Context.open(ADDRESSES[0], config=config[0], transport="local") as first,
        Context.open(ADDRESSES[1], config=config[1], transport="local") as second,
    ):
        ends = [
            End(context, scenario, side, _LIVE_ACCESS)
            for context, side in zip((first, second), scenario.sides, strict=True)
        ]
        for end, peer in (ends, ends[::-1]):
            end.connect(peer, scenario)
        for end in ends:  # no receive is late
            end.post([], list(enumerate(end.side.recvs)))
        for end in ends:
            end.post(list(enumerate(end.side.ops)), [])
        polled = _until_done(scenario, ends)
        assert all(context.local and context.local.links for context in (first, second))
        return ends[0].seen(None, polled[0]), ends[1].seen(None, polled[1])


def _until_done(scenario: Scenario, ends: list[End]) -> list[list[WC]]:
    polled: list[list[WC]] = [[], []]
    wanted = [_wanted(scenario, end.side, peer.side) for end, peer in (ends, ends[::-1])]
    until = time.monotonic() + WAIT_S
    while any(len(seen) < n for seen, n in zip(polled, wanted, strict=True)):
        for i, end in enumerate(ends):
            polled[i] += end.poll()
        failed = [wc for seen in polled for wc in seen if wc.status.name != "SUCCESS"]
        if failed or time.monotonic() > until:
            raise HangError(f"{[len(seen) for seen in polled]} of {wanted} completions, failed: {failed}")
    return polled
