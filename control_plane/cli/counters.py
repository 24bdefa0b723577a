"""What ``dpu-emu rdma stat`` shows: counters of devices, queue pairs or a priority, once or again and again."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datapath.errors import CallerError

if TYPE_CHECKING:
    from rich.table import Table

    from rdma_verbs.agent.status import NodeStatus

__all__ = ["Sample", "Selection", "per_second", "samples", "watch"]

EMPTY = "no counters: no node of this user is up, or none has seen a packet"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which counters are asked for."""

    node: str | None = None
    qp: str | None = None
    """A number, ``all``, or ``None``: the devices' counters."""
    prio: int | None = None

    def __post_init__(self) -> None:
        if self.qp is not None and self.prio is not None:
            raise CallerError("rdma stat: --qp with --prio; a queue pair's counters are not by priority")
        self.qpn()

    def qpn(self) -> int | None:
        """Return the number of the queue pair asked for; ``None``: all, or none."""
        if self.qp in (None, "all"):
            return None
        try:
            return int(self.qp or "", 0)
        except ValueError:
            raise CallerError(f"rdma stat: --qp {self.qp}, neither a number nor all") from None

    def wants(self, name: str) -> bool:
        """Whether a device's counter of this name is asked for."""
        return self.prio is None or re.match(rf"[rt]x_prio{self.prio}_", name) is not None


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters of a process's device (or of those that have left), or of one of its queue pairs."""

    node: str
    pid: str
    qp: str | None
    counters: dict[str, int]

    @property
    def head(self) -> dict[str, str]:
        """Whose they are, by column."""
        return {"node": self.node, "pid": self.pid} | ({} if self.qp is None else {"qp": self.qp})


Key = tuple[str, ...]


def samples(nodes: "Sequence[NodeStatus]", want: Selection) -> list[Sample]:
    """Return what was asked for, of the nodes that there are."""
    from rdma_verbs.counters import counter_names, named_counters, qp_counter_names

    shown = [node for node in nodes if want.node in (None, node.ip)]
    if want.qp is not None:
        names, qpn = qp_counter_names(), want.qpn()
        return [
            Sample(node.ip, str(slot.pid), f"{row[0]:#x}", named_counters(names, row[1:]))
            for node in shown
            for slot in node.slots
            for row in slot.qps
            if qpn in (None, row[0])
        ]
    names = counter_names()
    found = [(node.ip, str(slot.pid), slot.counters) for node in shown for slot in node.slots if slot.slot]
    found += [(node.ip, "left", node.totals) for node in shown]
    return [
        Sample(ip, pid, None, {name: n for name, n in named_counters(names, values).items() if want.wants(name)})
        for ip, pid, values in found
    ]


def check(nodes: "Sequence[NodeStatus]", want: Selection) -> None:
    """Refuse a selection that is of nothing.

    Raises:
        CallerError: there is no such node or queue pair.
    """
    if want.node is not None and want.node not in {node.ip for node in nodes}:
        raise CallerError(f"rdma stat: no node {want.node}; there are {', '.join(n.ip for n in nodes) or 'none'}")
    if want.qpn() is not None and not samples(nodes, want):
        raise CallerError(f"rdma stat: no queue pair {want.qp} on {want.node or 'any node'}")


def rows_of(found: Sequence[Sample], *, zeros: bool) -> list[dict[str, object]]:
    """Return a row for each counter, those that are zero only if asked for."""
    return [
        one.head | {"counter": name, "value": value}
        for one in found
        for name, value in one.counters.items()
        if value or zeros
    ]


def _values(found: Sequence[Sample]) -> dict[Key, int]:
    return {(*one.head.values(), name): value for one in found for name, value in one.counters.items()}


def per_second(before: Mapping[Key, int], after: Mapping[Key, int], elapsed_ns: int) -> dict[Key, int]:
    """Return how fast counters grew, rounded; those that were not there before, or are another process's, are not."""
    return {
        key: round((value - before[key]) * 1_000_000_000 / elapsed_ns)
        for key, value in after.items()
        if key in before and value >= before[key] and elapsed_ns > 0
    }


def _table(found: Sequence[Sample], rates: Mapping[Key, int], *, zeros: bool) -> "Table":
    from rich.box import SIMPLE
    from rich.table import Table

    rows = rows_of(found, zeros=zeros)
    if not rows:
        return Table(EMPTY, box=None)
    table = Table(*rows[0], "per second", box=SIMPLE)
    for row in rows:
        *head, value = (str(cell) for cell in row.values())
        table.add_row(*head, value, str(rates.get(tuple(head), "")))
    return table


def watch(
    look: "Callable[[], Sequence[NodeStatus]]", want: Selection, *, interval_ns: int, zeros: bool = False
) -> None:
    """Show the counters and how fast they grow, again after each interval, until Ctrl-C."""
    from rich.live import Live

    before: dict[Key, int] = {}
    then_ns = 0
    with Live(auto_refresh=False) as live:
        try:
            while True:
                found, now_ns = samples(look(), want), time.monotonic_ns()
                after = _values(found)
                rates = per_second(before, after, now_ns - then_ns)
                live.update(_table(found, rates, zeros=zeros), refresh=True)
                before, then_ns = after, now_ns
                time.sleep(interval_ns / 1_000_000_000)
        except KeyboardInterrupt:
            return
