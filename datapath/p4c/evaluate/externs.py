"""Extern objects that both architectures have: counters, meters, registers; and what their externs share."""

import random
from dataclasses import dataclass, field

from datapath.errors import CallerError
from datapath.p4c import ir
from datapath.p4c import types as t
from datapath.p4c.evaluate.interp import ExternArgs, Machine
from datapath.p4c.evaluate.meter import Meter
from datapath.p4c.evaluate.tables import Tables, TableState
from datapath.p4c.evaluate.values import to_bits, to_bytes
from datapath.p4c.info import ArrayInfo, Info
from datapath.pipeline.target import Event


@dataclass(slots=True)
class Counter:
    """Packets and bytes of each cell: both are counted, whatever the unit is."""

    info: ArrayInfo
    cells: list[list[int]]

    def count(self, index: int, octets: int) -> None:
        """Count a packet; outside of the array: nothing."""
        if index < len(self.cells):
            self.cells[index][0] += 1
            self.cells[index][1] += octets


@dataclass(slots=True)
class Meters:
    """An array of meters."""

    info: ArrayInfo
    cells: list[Meter]

    def run(self, index: int, now_ps: int, octets: int, colour: int | None = None) -> int:
        """Return the colour; outside of the array: green."""
        if index >= len(self.cells):
            return 0
        return self.cells[index].run(now_ps, octets if self.info.unit == "bytes" else 1, colour)


@dataclass(slots=True)
class Register:
    """An array of scalars, kept as their unsigned bits."""

    info: ArrayInfo
    cells: list[int]

    def read(self, index: int) -> int:
        """Return a cell; outside of the array: zero."""
        return self.cells[index] if index < len(self.cells) else 0

    def write(self, index: int, bits: int) -> None:
        """Set a cell; outside of the array: nothing."""
        if index < len(self.cells):
            self.cells[index] = bits


@dataclass(slots=True)
class Direct:
    """A direct counter or meter: belongs to a table's entries."""

    table: str


@dataclass(slots=True)
class Running:
    """What externs work on beside their arguments: the packet's length, the time, what is to be reported."""

    info: Info
    tables: Tables
    rng: random.Random
    events: list[Event] = field(default_factory=list)
    length: int = 0
    now_ns: int = 0
    payload: bytes = b""

    def state_of(self, direct: Direct) -> TableState:
        """Return the table of a direct object."""
        return self.tables.by_path[direct.table]


# Cells are Python objects: the engine's limit is sixteen times as large.
MAX_CELLS = 1 << 24


def build_objects(machine: Machine, design: ir.Design, info: Info) -> None:
    """Make the state of all extern objects that the control plane can see."""
    for instance in design.instances():
        if not isinstance(instance.decl, ir.ExternDecl):
            continue
        path = instance.path
        for objects in (info.counters, info.meters, info.registers):
            if path in objects and objects[path].size > MAX_CELLS:
                raise CallerError(f"{path}: size {objects[path].size}, the evaluator's limit is {MAX_CELLS}")
        if path in info.counters:
            machine.objects[instance] = Counter(info.counters[path], [[0, 0] for _ in range(info.counters[path].size)])
        elif path in info.meters:
            machine.objects[instance] = Meters(info.meters[path], [Meter() for _ in range(info.meters[path].size)])
        elif path in info.registers:
            first = _initial_value(machine, instance)
            machine.objects[instance] = Register(info.registers[path], [first] * info.registers[path].size)
        elif path in info.direct_counters:
            machine.objects[instance] = Direct(info.direct_counters[path].table or "")
        elif path in info.direct_meters:
            machine.objects[instance] = Direct(info.direct_meters[path].table or "")


def _initial_value(machine: Machine, instance: ir.Instance) -> int:
    """Return the bits of a register's second constructor argument, if it has one."""
    args = list(instance.args.values())
    if len(args) < 2 or not isinstance(args[1], ir.Literal):
        return 0
    value = machine.literal(args[1].value, args[1].type)
    return to_bits(value, args[1].type)


def member_name(type_: t.Type, value: int) -> str:
    """Return the name of an enum's member."""
    base = t.strip(type_)
    assert isinstance(base, t.EnumType)
    return base.members[value]


def data_bytes(call: ExternArgs, i: int) -> bytes:
    """Return an argument's bits in whole bytes."""
    return to_bytes(call.args[i], call.type(i))
