"""What can be asked of a running P4 program, whoever runs it: the engine or the reference evaluator.

Tables, actions, counters and so on are called by their control-plane path (``ingress.ipv4_lpm``); :mod:`names` finds
a path by its last parts. Values are plain ints (two's complement fields as their unsigned bits).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

MatchKind = Literal["exact", "lpm", "ternary", "range", "optional", "selector"]


@dataclass(frozen=True, slots=True)
class Match:
    """One key field's match: ``value`` and ``other``: the mask (exact: all ones), or a range's upper end."""

    value: int
    other: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a table.

    ``match`` has one for each key field that is no selector's. The longest prefix wins, then the larger ``priority``.
    ``member`` or ``group`` instead of an action when the table has an action profile.
    """

    table: str
    match: tuple[Match, ...]
    action: str
    args: tuple[int, ...] = ()
    priority: int = 0
    idle_ns: int = 0
    member: int | None = None
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that comes in."""

    port: int
    data: bytes
    ts_ns: int = 0
    from_host: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """A packet that goes out; ``source`` is the index of the input."""

    port: int
    data: bytes
    source: int = 0
    rid: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """``digest`` (fields by name), ``idle`` and ``learnt`` (an entry's handle), ``log`` and ``assert`` (a text)."""

    kind: Literal["digest", "idle", "learnt", "log", "assert"]
    name: str
    fields: tuple[tuple[str, int], ...] = ()
    handle: int = 0
    text: str = ""


class Target(Protocol):
    """A running program.

    All raise :class:`datapath.errors.CallerError` for what is not there or does not fit, naming it and the limit.
    """

    def insert(self, entry: Entry) -> int:
        """Add an entry; returns its handle."""

    def modify(self, table: str, handle: int, action: str, args: Sequence[int]) -> None:
        """Give an entry another action."""

    def delete(self, table: str, handle: int) -> None:
        """Take an entry away."""

    def set_default(self, table: str, action: str, args: Sequence[int]) -> None:
        """Set a table's default action."""

    def set_member(self, profile: str, member: int, action: str, args: Sequence[int]) -> None:
        """Add or change a member of an action profile."""

    def set_group(self, profile: str, group: int, members: Sequence[int]) -> None:
        """Add or change a group of an action selector."""

    def add_to_value_set(self, value_set: str, match: tuple[Match, ...]) -> None:
        """Add a member to a parser value set."""

    def clear_value_set(self, value_set: str) -> None:
        """Empty a parser value set."""

    def counter(self, name: str, index: int) -> tuple[int, int]:
        """Return packets and bytes of a counter; of a direct one when ``name`` is a table and ``index`` a handle."""

    def write_counter(self, name: str, index: int, packets: int, octets: int) -> None:
        """Set a counter."""

    def set_meter(self, name: str, index: int, cir: int, cbs: int, pir: int, pbs: int) -> None:
        """Set a meter's rates (units a second) and bursts (units); a direct one as in :meth:`counter`."""

    def register(self, name: str, index: int) -> int:
        """Return a register's cell."""

    def write_register(self, name: str, index: int, value: int) -> None:
        """Set a register's cell."""

    def set_multicast(self, group: int, replicas: Sequence[tuple[int, int]]) -> None:
        """Set a multicast group's replicas: (port, rid)."""

    def set_clone(self, session: int, replicas: Sequence[tuple[int, int]], truncate_bytes: int = 0) -> None:
        """Set a clone session's replicas: (port, rid)."""

    def set_expire(self, profile: int, idle_ns: int) -> None:
        """Set the time of a PNA expire time profile."""

    def process(self, packets: Sequence[Packet]) -> list[Output]:
        """Run packets one after the other; returns what goes out, in order."""

    def tick(self, now_ns: int) -> None:
        """Let time go on: idle entries time out."""

    def events(self) -> list[Event]:
        """Return what happened since the last call."""
