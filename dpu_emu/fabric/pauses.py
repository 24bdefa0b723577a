"""Who paused whom: pause events as a tree, from the congested port outwards.

A switch that asks its neighbour to pause names the egress port that its buffer waits for. When that port is paused
itself, the pause came on from there; else the port is the root: congested, or a host that drains slowly.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from dpu_emu.fabric.topology import Topology

__all__ = ["Cause", "PauseTree"]

Array = npt.NDArray[Any]
_HOST_BUFFER = 0xFFFF


@dataclass(slots=True)
class Cause:
    """Pauses of one direction and priority that have the same reason; ``because`` is a direction, or -1: the host."""

    direction: int
    prio: int
    because: int
    pauses: int = 0
    paused_ps: int = 0


@dataclass(slots=True)
class PauseTree:
    """All causes. ``roots`` are what nothing else paused: directions by number, or hosts as -1 - node."""

    causes: list[Cause] = field(default_factory=list)
    roots: dict[tuple[int, int], int] = field(default_factory=dict)
    """(direction or -1 - host, priority): paused time in ps that began there."""

    @classmethod
    def of(cls, topology: Topology, events: Array, end_ps: int) -> "PauseTree":
        """Return the tree of pause events up to ``end_ps``."""
        ports = topology.ports()
        causes: dict[tuple[int, int, int], Cause] = {}
        open_now: dict[tuple[int, int], tuple[Cause, int]] = {}
        tree = cls()

        def close(key: tuple[int, int], at_ps: int) -> None:
            cause, since = open_now.pop(key)
            cause.paused_ps += at_ps - since

        for at_ps, direction, prio, on, port in zip(
            *(events[name].tolist() for name in ("at_ps", "dir", "prio", "on", "cause_port")), strict=True
        ):
            key = (direction, prio)
            if not on:
                if key in open_now:
                    close(key, at_ps)
                continue
            if key in open_now:
                continue  # refreshed
            asker = topology.ends(direction)[1]
            because = -1 - asker if port == _HOST_BUFFER or port >= len(ports[asker]) else ports[asker][port]
            cause = causes.setdefault((direction, prio, because), Cause(direction, prio, because))
            cause.pauses += 1
            open_now[key] = (cause, at_ps)
        for key in list(open_now):
            close(key, end_ps)
        tree.causes = sorted(causes.values(), key=lambda c: -c.paused_ps)
        tree._find_roots()
        return tree

    def _find_roots(self) -> None:
        """A root is a reason that nothing paused itself; of a cycle that no root reaches, what cost most."""
        cost: dict[tuple[int, int], int] = {}
        for c in self.causes:
            cost[c.because, c.prio] = cost.get((c.because, c.prio), 0) + c.paused_ps
        left = {(c.direction, c.prio) for c in self.causes}
        reasons = sorted(cost, key=lambda r: (r in left, -cost[r]))
        for reason in reasons:
            if reason in left and self.roots and reason not in self._unreached():
                continue
            self.roots[reason] = cost[reason]

    def _unreached(self) -> set[tuple[int, int]]:
        """Return the reasons that no root leads to."""
        reached, news = set(self.roots), list(self.roots)
        while news:
            because, prio = news.pop()
            for c in self.causes:
                if (c.because, c.prio) == (because, prio) and (c.direction, prio) not in reached:
                    reached.add((c.direction, prio))
                    news.append((c.direction, prio))
        return {(c.because, c.prio) for c in self.causes} - reached

    def lines(self, topology: Topology, most: int = 40) -> list[tuple[int, str, Cause | None]]:
        """Return the tree as ``(depth, what, cause)``: roots by the time that they cost, below each whom it paused."""
        found: list[tuple[int, str, Cause | None]] = []
        shown: set[tuple[int, int]] = set()

        def below(direction: int, prio: int, depth: int) -> None:
            for cause in self.causes:
                key = (cause.direction, prio)
                if (cause.because, cause.prio) != (direction, prio) or len(found) >= most:
                    continue
                found.append((depth, topology.direction_name(cause.direction), cause))
                if key not in shown:
                    shown.add(key)
                    below(cause.direction, prio, depth + 1)

        for (root, prio), _ in sorted(self.roots.items(), key=lambda r: -r[1]):
            if len(found) >= most or (root, prio) in shown:
                continue
            shown.add((root, prio))
            if root < 0:
                what = f"{topology.names[-1 - root]} drains slowly (priority {prio})"
            else:
                what = f"{topology.direction_name(root)} is congested (priority {prio})"
            found.append((0, what, None))
            below(root, prio, 1)
        return found
