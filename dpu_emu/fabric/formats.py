"""Readers of other simulators' files, as they are: HPCC's topologies and flows, htsim's connection matrices.

A file that is cut short or wrong is refused by file, line and value.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

from datapath.errors import CallerError
from dpu_emu.fabric import units
from dpu_emu.fabric.units import Quantity

__all__ = ["Connection", "Matrix", "read_hpcc_flows", "read_hpcc_topology", "read_htsim"]


_PS_MAX = (1 << 63) - 1


class _Lines:
    """The words of each line that is not empty; errors know where."""

    def __init__(self, path: Path) -> None:
        self.path, self.number = path, 0
        try:
            if not path.exists():
                raise CallerError(f"{path}: no such file")
            if not path.is_file():  # a device may never end
                raise CallerError(f"{path}: not a regular file")
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            if not isinstance(error, UnicodeDecodeError):
                raise CallerError(f"{str(path)!r}: {getattr(error, 'strerror', None) or error}") from None
            raise CallerError(f"{path}: not text: byte {error.start}") from None
        self.rows = [(i, row.split()) for i, row in enumerate(text.splitlines(), 1) if row.split()]
        self.at = 0

    def error(self, message: str) -> CallerError:
        return CallerError(f"{self.path}:{self.number}: {message}")

    def next(self, wanted: str) -> list[str]:
        if self.at == len(self.rows):
            self.number = self.rows[-1][0] if self.rows else 1
            raise self.error(f"the file ends here, {wanted} is missing")
        self.number, words = self.rows[self.at]
        self.at += 1
        return words

    def rest(self) -> Iterator[list[str]]:
        while self.at < len(self.rows):
            yield self.next("")

    def integer(self, word: str, what: str, low: int, high: int) -> int:
        try:
            value = int(word)
        except ValueError:
            raise self.error(f"{what} {word!r:.40} is not an integer") from None
        if not low <= value <= high:
            raise self.error(f"{what} {value} is not from {low} to {high}")
        return value

    def words(self, words: list[str], names: str) -> None:
        if len(words) != len(names.split()):
            raise self.error(f"{len(words)} values, not {len(names.split())}: {names}")

    def scaled(self, word: str, what: str, scale: int, high: int) -> int:
        """Return a decimal number times ``scale``, of at most ``high``."""
        try:
            value = Decimal(word)
            if 0 <= value <= Decimal(high) / scale:  # compared first: 1e999999 has a million digits
                return int((value * scale).to_integral_value(ROUND_FLOOR))
        except ArithmeticError:  # no number, or NaN
            pass
        raise self.error(f"{what} {word!r:.40} is not a number from 0 to {Decimal(high) / scale:g}")

    def end(self, count: int, what: str) -> None:
        for words in self.rest():
            raise self.error(f"{' '.join(words)!r:.40}: more than the {count} {what} that line 1 says")


def read_hpcc_topology(path: Path) -> tuple[int, set[int], list[tuple[int, int, int, int, int]]]:
    """Return the number of nodes, which are switches, and links ``(src, dst, bit/s, ps, loss per 10^9)``."""
    lines = _Lines(path)
    first = lines.next("`nodes switches links`")
    lines.words(first, "nodes switches links")
    nodes = lines.integer(first[0], "nodes", 1, 65535)
    count = lines.integer(first[1], "switches", 0, nodes - 1)
    nlinks = lines.integer(first[2], "links", 1, 10**7)
    switches: set[int] = set()
    while len(switches) < count:  # some files fold the line
        for word in lines.next(f"switch {len(switches) + 1} of {count}"):
            switch = lines.integer(word, "switch", 0, nodes - 1)
            if switch in switches:
                raise lines.error(f"switch {switch} is there twice")
            switches.add(switch)
    if len(switches) > count:
        raise lines.error(f"{len(switches)} switches, not the {count} that line 1 says")
    links = []
    for i in range(nlinks):
        words = lines.next(f"link {i + 1} of {nlinks}")
        lines.words(words, "src dst rate delay loss")
        try:
            rate = units.parse(words[2], Quantity.RATE)
            delay = units.parse(words[3], Quantity.TIME)
        except CallerError as error:
            raise lines.error(str(error)) from None
        loss = lines.scaled(words[4], "loss", 10**9, 10**9)
        ends = [lines.integer(word, "node", 0, nodes - 1) for word in words[:2]]
        links.append((ends[0], ends[1], rate, delay, loss))
    lines.end(nlinks, "links")
    return nodes, switches, links


def read_hpcc_flows(path: Path) -> list[tuple[int, int, int, int, int]]:
    """Return flows ``(src, dst, priority group, bytes, start ps)``."""
    lines = _Lines(path)
    first = lines.next("the number of flows")
    lines.words(first, "flows")
    count = lines.integer(first[0], "flows", 0, 10**8)
    flows = []
    for i in range(count):
        words = lines.next(f"flow {i + 1} of {count}")
        lines.words(words, "src dst group dport bytes start")
        src = lines.integer(words[0], "src", 0, 65534)
        dst = lines.integer(words[1], "dst", 0, 65534)
        group = lines.integer(words[2], "priority group", 0, 7)
        lines.integer(words[3], "dport", 0, 65535)
        size = lines.integer(words[4], "bytes", 1, (1 << 62))
        if src == dst:
            raise lines.error(f"flow {i + 1} from node {src} to itself")
        flows.append((src, dst, group, size, lines.scaled(words[5], "start time", 10**12, _PS_MAX)))
    lines.end(count, "flows")
    return flows


@dataclass(slots=True)
class Connection:
    """One line of a connection matrix; ``start_ps`` None: a trigger starts it."""

    src: int
    dst: int
    size_bytes: int = 0
    start_ps: int | None = None
    prio: int | None = None
    trigger: int | None = None
    fires: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Matrix:
    """A connection matrix: ``after`` are pairs of connections of which the first waits for the second."""

    nodes: int
    connections: list[Connection]
    after: list[tuple[int, int]]


def read_htsim(path: Path) -> Matrix:
    """Return a connection matrix of htsim (``.cm``)."""
    lines = _Lines(path)
    counts: dict[str, int] = {}
    connections: list[Connection] = []
    where: list[int] = []
    triggers: dict[int, tuple[str, int, int]] = {}
    ids: dict[int, int] = {}
    for words in lines.rest():
        if words[0].startswith("#"):
            continue
        if words[0] in ("Nodes", "Connections", "Triggers", "Failures"):
            lines.words(words, "name number")
            counts[words[0]] = lines.integer(words[1], words[0], 0, 10**8)
            if words[0] == "Failures" and counts["Failures"]:
                raise lines.error("Failures: not supported; use faults of the scenario")
        elif words[0] == "trigger":
            _trigger(lines, words, triggers)
        elif "->" in words[0]:
            if "Nodes" not in counts:
                raise lines.error("a connection before `Nodes N`")
            connections.append(_connection(lines, words, counts["Nodes"], ids))
            where.append(lines.number)
        else:
            raise lines.error(f"{words[0]!r:.40} is none of Nodes, Connections, Triggers, trigger, src->dst")
    lines.number = lines.rows[-1][0] if lines.rows else 1
    if "Nodes" not in counts or "Connections" not in counts:
        raise lines.error(f"`{'Nodes' if 'Nodes' not in counts else 'Connections'} N` is missing")
    for what, have in (("Connections", len(connections)), ("Triggers", len(triggers))):
        if counts.get(what, 0) != have:
            raise lines.error(f"{have} {what.lower()}, not the {counts.get(what, 0)} that the file announces")
    return Matrix(counts["Nodes"], connections, _order(lines, connections, where, triggers))


def _trigger(lines: _Lines, words: list[str], triggers: dict[int, tuple[str, int, int]]) -> None:
    if len(words) not in (4, 5) or words[1] != "id" or words[3] not in ("oneshot", "multishot", "barrier"):
        raise lines.error(f"{' '.join(words)!r:.60} is not `trigger id N oneshot|multishot|barrier [count]`")
    number = lines.integer(words[2], "trigger", 0, 1 << 31)
    if number in triggers:
        raise lines.error(f"trigger {number} is there twice, first in line {triggers[number][2]}")
    if (words[3] == "barrier") != (len(words) == 5):
        raise lines.error(f"trigger {number}: a count goes with barrier, and only with it")
    count = lines.integer(words[4], "count", 1, 1 << 31) if len(words) == 5 else 0
    triggers[number] = (words[3], count, lines.number)


def _connection(lines: _Lines, words: list[str], nodes: int, ids: dict[int, int]) -> Connection:
    ends = words[0].split("->")
    if len(ends) != 2:
        raise lines.error(f"{words[0]!r:.40} is not src->dst")
    src, dst = (lines.integer(end, "node", 0, nodes - 1) for end in ends)
    if src == dst:
        raise lines.error(f"connection from node {src} to itself")
    found = Connection(src, dst)
    if len(words) % 2 == 0:
        raise lines.error(f"{words[-1]!r:.40} has no value")
    for key, word in zip(words[1::2], words[2::2], strict=True):
        if key == "id":
            number = lines.integer(word, "id", 0, 1 << 31)
            if number in ids:
                raise lines.error(f"id {number} is there twice, first in line {ids[number]}")
            ids[number] = lines.number
        elif key == "start":
            found.start_ps = lines.scaled(word, "start", 1, _PS_MAX)  # some generators write ps as a float
        elif key == "size":
            found.size_bytes = lines.integer(word, "size", 1, 1 << 62)
        elif key == "prio":
            found.prio = lines.integer(word, "prio", 0, 7)
        elif key == "trigger":
            found.trigger = lines.integer(word, "trigger", 0, 1 << 31)
        elif key in ("send_done_trigger", "recv_done_trigger"):
            found.fires.append(lines.integer(word, key, 0, 1 << 31))
        else:
            raise lines.error(f"{key!r:.40} is none of id, start, size, prio, trigger and the done triggers")
    if not found.size_bytes:
        raise lines.error("size is missing")
    if found.start_ps is None and found.trigger is None:
        raise lines.error("neither start nor trigger")
    return found


def _order(
    lines: _Lines, connections: list[Connection], where: list[int], triggers: dict[int, tuple[str, int, int]]
) -> list[tuple[int, int]]:
    """Return the pairs of connections that triggers put in order.

    A flow can wait for all of some others, not for any of them: a trigger that several fire is a barrier of them all.
    """
    fired: dict[int, list[int]] = {}
    targets: dict[int, list[int]] = {}
    for i, c in enumerate(connections):
        for number in [*c.fires, *([c.trigger] if c.trigger is not None else [])]:
            if number not in triggers:
                lines.number = where[i]
                raise lines.error(f"trigger {number} is nowhere defined")
        for number in c.fires:
            fired.setdefault(number, []).append(i)
        if c.trigger is not None:
            targets.setdefault(c.trigger, []).append(i)
    after = []
    for number, (kind, count, line) in triggers.items():
        lines.number = line
        by, waiting = fired.get(number, []), targets.get(number, [])
        if waiting and not by:
            raise lines.error(f"trigger {number}: nothing fires it, and {len(waiting)} connections wait for it")
        if kind == "barrier" and count != len(by):
            raise lines.error(f"trigger {number}: barrier of {count}, and {len(by)} fire it: only all is supported")
        if kind == "oneshot" and len(by) > 1:
            raise lines.error(f"trigger {number}: oneshot that {len(by)} fire, whichever first: not supported")
        if kind == "multishot" and len(by) > 1:
            raise lines.error(f"trigger {number}: multishot that {len(by)} fire, whichever first: not supported")
        if kind == "multishot" and len(waiting) > 1:
            raise lines.error(f"trigger {number}: multishot fired once, {len(waiting)} connections wait")
        after += [(w, b) for w in waiting for b in by]
    return after
