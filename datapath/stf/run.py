"""Runs STF commands on a program, engine or evaluator alike.

As the reference's runner has it: packets go in one after the other; what comes out at a port that the test names is
compared, in order, with what is expected there. A port that no ``packet`` or ``expect`` names is not looked at, unless
``strict``. A larger priority wins.
"""

import operator
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from datapath.errors import CallerError
from datapath.p4c.info import ActionInfo, Info, TableInfo
from datapath.pipeline.check_entry import key_fields
from datapath.pipeline.names import find
from datapath.pipeline.target import Entry, Match, Output, Packet, Target
from datapath.stf.parse import (
    Add,
    Call,
    CheckCounter,
    CheckRegister,
    Command,
    Control,
    Expect,
    NoPacket,
    Remove,
    SendPacket,
    SetDefault,
    StfError,
    Unknown,
    Wait,
    parse_number,
)
from datapath.stf.values import any_match, find_field, parse_match, parse_value

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
# Packets come that far apart.
PACKET_GAP_NS = 1_000_000
# The engine's clock counts picoseconds in 64 bits.
MAX_NOW_NS = 2**63 // 1000

T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """What came of a test: it passed when there are no failures. ``notes``: what was read or not looked at."""

    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    packets: int = 0
    expected: int = 0

    @property
    def ok(self) -> bool:
        """Whether all that was expected came, and nothing else."""
        return not self.failures


@dataclass(slots=True)
class _Node:
    """A multicast node: ``rid`` and its ports."""

    rid: int
    ports: tuple[int, ...]


@dataclass(slots=True)
class Runner:
    """One test on one target."""

    target: Target
    info: Info
    strict: bool = False
    report: Report = field(default_factory=Report)
    on_packet: Callable[[Packet], list[Output]] | None = None
    now_ns: int = 0
    outputs: dict[int, list[bytes]] = field(default_factory=dict)
    expects: dict[int, list[Expect]] = field(default_factory=dict)
    any_ports: set[int] = field(default_factory=set)
    named_ports: set[int] = field(default_factory=set)
    handles: dict[str, tuple[str, int]] = field(default_factory=dict)
    added: dict[str, list[int]] = field(default_factory=dict)
    nodes: dict[int, _Node] = field(default_factory=dict)
    groups: dict[int, list[int]] = field(default_factory=dict)
    mirror_groups: dict[int, int] = field(default_factory=dict)
    told_groups: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    told_sessions: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    n_nodes: int = 0

    def run(self, commands: Sequence[Command]) -> Report:
        """Run all commands, then compare.

        Raises:
            StfError: a command does not fit the program.
        """
        for command in commands:
            try:
                self._do(command)
            except StfError:
                raise
            except CallerError as e:
                raise StfError(command.where, str(e)) from e
        self._compare()
        return self.report

    def _do(self, command: Command) -> None:
        match command:
            case Add():
                self._add(command)
            case SetDefault():
                table = _find(self.info.tables, command.table, "table")
                action, args = self._call(table, command.call)
                self.target.set_default(table.name, action.name, args)
            case Remove():
                self._remove(command)
            case SendPacket():
                self.send(command)
            case Expect(port=port):
                self.named_ports.add(port)
                if command.pattern is None:
                    self.any_ports.add(port)
                else:
                    self.expects.setdefault(port, []).append(command)
            case NoPacket(port=None):
                self.strict = True
            case NoPacket(port=int(port)):
                self.named_ports.add(port)
            case Wait():
                self.now_ns += int(command.seconds * 1e9)
                if self.now_ns > MAX_NOW_NS:
                    raise CallerError(f"wait: the clock would be {self.now_ns} ns, it ends at {MAX_NOW_NS}")
                self.target.tick(self.now_ns)
            case CheckCounter():
                self._check_counter(command)
            case CheckRegister():
                path = _find_path(self.info.registers, command.name, "register")
                value = self.target.register(path, command.index)
                self._check(command.where, f"register {path}[{command.index}]", value, command.op, command.value)
            case Control():
                self._control(command)
            case Unknown():
                if self.strict:
                    raise StfError(command.where, f"unknown command {command.verb!r}")
                self.report.notes.append(f"{command.where}: unknown command {command.verb!r} was passed over")

    # ---- entries ----

    def _call(self, table: TableInfo, call: Call) -> tuple[ActionInfo, list[int]]:
        actions = {r.action.name: r.action for r in table.actions}
        action = _find(actions, call.action, f"action of table {table.name}:")
        values: list[int | None] = [None] * len(action.params)
        for i, (name, text) in enumerate(call.args):
            if name is None:
                at = i if i < len(values) else -1
            else:
                at = next((j for j, p in enumerate(action.params) if p.name == name), -1)
            if at < 0:
                names = ", ".join(p.name for p in action.params) or "none"
                raise CallerError(f"action {action.name} has no parameter {name or i!r}; there are: {names}")
            width = action.params[at].width
            value = parse_value(text)
            values[at] = value & ((1 << width) - 1) if value < 0 else value
        missing = [p.name for p, v in zip(action.params, values, strict=True) if v is None]
        if missing:
            raise CallerError(f"action {action.name}: no value for {', '.join(missing)}")
        return action, [v for v in values if v is not None]

    def _match(self, table: TableInfo, keys: Sequence[tuple[str, str]]) -> tuple[Match, ...]:
        fields = key_fields(table)
        match = [any_match(f) for f in fields]
        for name, text in keys:
            try:
                at = find_field(fields, name)
            except CallerError:
                # A selector's field is in the key, too, but nothing matches on it.
                if any(k.kind == "selector" and k.name.endswith(name) for k in table.keys):
                    continue
                raise
            try:
                match[at] = parse_match(fields[at], text)
            except CallerError as e:
                raise CallerError(f"key {name}: {e}") from None
        return tuple(match)

    def _add(self, command: Add) -> None:
        table = _find(self.info.tables, command.table, "table")
        action, args = self._call(table, command.call)
        match = self._match(table, command.keys)
        # Only tables that need it have a priority: elsewhere the longest prefix or the only entry wins.
        priority = (command.priority or 0) if table.needs_priority else 0
        if table.profile is not None:
            member = self.members.get(table.profile, 0)
            self.members[table.profile] = member + 1
            self.target.set_member(table.profile, member, action.name, args)
            entry = Entry(table.name, match, "", (), priority, member=member)
        else:
            entry = Entry(table.name, match, action.name, tuple(args), priority)
        handle = self.target.insert(entry)
        self.added.setdefault(table.name, []).append(handle)
        if command.handle:
            self.handles[command.handle] = (table.name, handle)

    def _remove(self, command: Remove) -> None:
        if command.what in self.handles:
            table, handle = self.handles.pop(command.what)
            self.target.delete(table, handle)
            self.added[table].remove(handle)
            return
        if command.what.startswith("$"):
            raise CallerError(f"no entry has the handle {command.what!r}")
        names = list(self.added)
        if command.what != "all":
            names = [_find(self.info.tables, command.what, "table").name]
        for name in names:
            for handle in self.added.pop(name, []):
                self.target.delete(name, handle)
            self.handles = {k: v for k, v in self.handles.items() if v[0] != name}

    # ---- packets ----

    def send(self, command: SendPacket) -> None:
        """Send a packet and keep what comes out."""
        self.named_ports.add(command.port)
        self.now_ns += PACKET_GAP_NS
        packet = Packet(command.port, command.data, self.now_ns)
        self.report.packets += 1
        outputs = self.on_packet(packet) if self.on_packet else self.target.process([packet])
        for out in outputs:
            self.outputs.setdefault(out.port, []).append(out.data)

    def _compare(self) -> None:
        for port in sorted(set(self.outputs) | set(self.expects)):
            expected = self.expects.get(port, [])
            received = self.outputs.get(port, [])
            self.report.expected += len(expected)
            if port in self.any_ports:
                if expected:
                    self.report.failures.append(
                        f"port {port}: both any packet and {len(expected)} certain ones expected"
                    )
                continue
            if port not in self.named_ports and not self.strict:
                self.report.notes.append(f"port {port}: {len(received)} packets came out; the test does not name it")
                continue
            for i, want in enumerate(expected):
                if i >= len(received):
                    self.report.failures.append(
                        f"{want.where}: port {port}: packet {i} never came\n  expected {want.pattern}"
                    )
                elif difference := differ(want, received[i].hex()):
                    self.report.failures.append(f"{want.where}: port {port}: packet {i} {difference}")
            for i, data in enumerate(received[len(expected) :], len(expected)):
                self.report.failures.append(f"port {port}: packet {i} was not expected\n  received {data.hex()}")

    # ---- state ----

    def _check(self, where: str, what: str, value: int, op: str, wanted: int) -> None:
        if not op:
            self.report.notes.append(f"{where}: {what} is {value} ({value:#x})")
        elif not _COMPARE[op](value, wanted):
            self.report.failures.append(
                f"{where}: {what} is {value} ({value:#x}), expected {op} {wanted} ({wanted:#x})"
            )

    def _counter_place(self, name: str, index: str) -> tuple[str, int]:
        """The counter's path, or its table's, and the index or handle."""
        if index in self.handles:
            return self.handles[index]
        try:
            return _find_path(self.info.counters, name, "counter"), parse_value(index)
        except CallerError:
            try:
                direct = _find(self.info.direct_counters, name, "counter")
            except CallerError:
                direct = None
            if direct is None or direct.table is None:
                raise
            return direct.table, parse_value(index)

    def _check_counter(self, command: CheckCounter) -> None:
        path, index = self._counter_place(command.name, command.index)
        packets, octets = self.target.counter(path, index)
        value = octets if command.unit == "bytes" else packets
        self._check(command.where, f"counter {path}[{command.index}] {command.unit}", value, command.op, command.value)

    def _control(self, command: Control) -> None:
        words = command.words

        def number(i: int) -> int:
            return parse_number(words[i], command.where, command.verb)

        match command.verb:
            case "counter_read":
                path, index = self._counter_place(words[0], words[1])
                packets, octets = self.target.counter(path, index)
                self.report.notes.append(f"{command.where}: counter {path}[{index}]: {packets} packets, {octets} bytes")
            case "counter_write":
                path, index = self._counter_place(words[0], words[1])
                self.target.write_counter(path, index, number(2), number(3))
            case "counter_reset":
                path = _find_path(self.info.counters, words[0], "counter")
                for i in range(self.info.counters[path].size):
                    self.target.write_counter(path, i, 0, 0)
            case "register_write":
                path = _find_path(self.info.registers, words[0], "register")
                self.target.write_register(path, number(1), number(2))
            case "register_reset":
                path = _find_path(self.info.registers, words[0], "register")
                for i in range(self.info.registers[path].size):
                    self.target.write_register(path, i, 0)
            case "meter_set_rates" | "meter_array_set_rates":
                self._meter(command)
            case "pvs_add":
                self._value_set(words[0], words[1:])
            case "pvs_clear":
                self.target.clear_value_set(_find_path(self.info.value_sets, words[0], "value set"))
            case "mirroring_add":
                self.mirror_groups.pop(number(0), None)
                self._tell(self.told_sessions, number(0), [(number(1), 0)], self.target.set_clone)
            case "mirroring_add_mc":
                self.mirror_groups[number(0)] = number(1)
                self._replicate()
            case "mirroring_delete":
                self.mirror_groups.pop(number(0), None)
                self._tell(self.told_sessions, number(0), [], self.target.set_clone)
            case "mirroring_get" | "mc_dump" | "pvs_get" | "meter_get_rates":
                pass
            case _:
                self._multicast(command)

    def _multicast(self, command: Control) -> None:
        numbers = [parse_number(w, command.where, command.verb) for w in command.words]
        first = numbers[0]
        match command.verb:
            case "mc_mgrp_create":
                if first in self.groups:
                    raise CallerError(f"multicast group {first} is there already")
                self.groups[first] = []
            case "mc_mgrp_destroy":
                self._need(self.groups, first, "multicast group")
                del self.groups[first]
            case "mc_node_create":
                self.nodes[self.n_nodes] = _Node(first, tuple(numbers[1:]))
                self.n_nodes += 1
            case "mc_node_update":
                self._need(self.nodes, first, "multicast node")
                self.nodes[first].ports = tuple(numbers[1:])
            case "mc_node_destroy":
                self._need(self.nodes, first, "multicast node")
                del self.nodes[first]
                for members in self.groups.values():
                    members[:] = [m for m in members if m != first]
            case "mc_node_associate":
                self._need(self.groups, first, "multicast group")
                self._need(self.nodes, numbers[1], "multicast node")
                self.groups[first].append(numbers[1])
            case "mc_node_dissociate":
                self._need(self.groups, first, "multicast group")
                if numbers[1] not in self.groups[first]:
                    raise CallerError(f"multicast node {numbers[1]} is not in group {first}")
                self.groups[first].remove(numbers[1])
        self._replicate()

    @staticmethod
    def _need(objects: Container[int], key: int, what: str) -> None:
        if key not in objects:
            raise CallerError(f"there is no {what} {key}")

    def _replicate(self) -> None:
        """Tell the target what the groups, and the sessions that mirror to them, are now."""
        replicas = {
            g: [(port, self.nodes[n].rid) for n in members for port in self.nodes[n].ports]
            for g, members in self.groups.items()
        }
        for group in replicas.keys() | self.told_groups.keys():
            self._tell(self.told_groups, group, replicas.get(group, []), self.target.set_multicast)
        for session, group in self.mirror_groups.items():
            self._tell(self.told_sessions, session, replicas.get(group, []), self.target.set_clone)

    @staticmethod
    def _tell(
        told: dict[int, list[tuple[int, int]]],
        number: int,
        replicas: list[tuple[int, int]],
        setter: Callable[[int, Sequence[tuple[int, int]]], None],
    ) -> None:
        """Nobody takes away what is not there."""
        if told.get(number, []) != replicas:
            setter(number, replicas)
            told[number] = replicas

    def _meter(self, command: Control) -> None:
        words = list(command.words)
        path = _find_path(self.info.meters, words.pop(0), "meter")
        indices = range(self.info.meters[path].size)
        if command.verb == "meter_set_rates":
            index = parse_number(words.pop(0), command.where, "meter index")
            indices = range(index, index + 1)
        rates: list[int] = []
        for word in words:
            rate, colon, burst = word.partition(":")
            try:
                # Rates are in units a microsecond.
                rates += [round(float(rate) * 1e6), int(burst)]
            except ValueError:
                colon = ""
            if not colon:
                raise StfError(command.where, f"{command.verb}: {word!r} is not rate:burst")
        for i in indices:
            self.target.set_meter(path, i, *rates)

    def _value_set(self, name: str, words: Sequence[str]) -> None:
        value_set = _find(self.info.value_sets, name, "value set")
        fields = value_set.fields
        if len(words) == 1 and len(fields) > 1 and "&&&" not in words[0]:
            # All fields in one number.
            whole = parse_value(words[0])
            match: list[Match] = []
            for f in reversed(fields):
                match.insert(0, Match(whole & ((1 << f.width) - 1), (1 << f.width) - 1))
                whole >>= f.width
            self.target.add_to_value_set(value_set.name, tuple(match))
            return
        if len(words) != len(fields):
            raise CallerError(f"value set {value_set.name} has {len(fields)} fields, {len(words)} values given")
        self.target.add_to_value_set(
            value_set.name, tuple(parse_match(f, w) for f, w in zip(fields, words, strict=True))
        )


def differ(want: Expect, received: str) -> str:
    """Return how a packet, in hexadecimal, differs from what was expected: empty when it does not."""
    pattern = want.pattern or ""
    wrong = [i for i, (a, b) in enumerate(zip(pattern, received, strict=False)) if a not in ("*", b)]
    if len(received) < len(pattern):
        problem = f"is too short: {len(received) // 2} bytes, expected {(len(pattern) + 1) // 2}"
    elif want.exact and len(received) > len(pattern):
        problem = f"is too long: {len(received) // 2} bytes, expected {(len(pattern) + 1) // 2}"
    elif wrong:
        problem = f"differs from digit {wrong[0]} (byte {wrong[0] // 2})"
    else:
        return ""
    marks = [" "] * max(len(received), len(pattern))
    for i in wrong:
        marks[i] = "^"
    if len(received) < len(pattern) or want.exact:
        for i in range(min(len(received), len(pattern)), len(marks)):
            marks[i] = "^"
    return f"{problem}\n  expected {pattern}\n  received {received}\n           {''.join(marks).rstrip()}"


def _find_path(objects: Iterable[str], name: str, kind: str) -> str:
    return _find({k: k for k in objects}, name, kind)


def _find(objects: Mapping[str, T], name: str, kind: str) -> T:
    """As :func:`names.find`; then, as the tests' own runner does, by the end of the name."""
    try:
        return find(objects, name, kind)
    except CallerError:
        found = [k for k in objects if k.endswith(name)]
        if len(found) == 1:
            return objects[found[0]]
        raise


def run_stf(commands: Sequence[Command], target: Target, info: Info, *, strict: bool = False) -> Report:
    """Run commands on a target that runs the program of ``info``.

    Raises:
        StfError: a command does not fit the program.
    """
    return Runner(target, info, strict).run(commands)
