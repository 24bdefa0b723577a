"""Tables as lists: every lookup goes through all entries in order of their rank."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from datapath.errors import CallerError
from datapath.p4c import ir
from datapath.p4c import types as t
from datapath.p4c.evaluate.hashes import digest
from datapath.p4c.evaluate.interp import Frame, Machine
from datapath.p4c.evaluate.meter import Meter
from datapath.p4c.evaluate.parse import match_field
from datapath.p4c.evaluate.trace import snapshot
from datapath.p4c.evaluate.values import Value, from_bits, leaves, to_bits
from datapath.p4c.info import Info, TableInfo
from datapath.pipeline.target import Entry, Match


@dataclass(eq=False, slots=True)
class Row:
    """An entry in its table."""

    handle: int
    entry: Entry
    const: bool = False
    used_ns: int = 0
    idle_ns: int = 0
    told_ns: int = -1
    """The value of ``used_ns`` that was reported as idle."""
    packets: int = 0
    octets: int = 0
    meter: Meter = field(default_factory=Meter)
    colour: int = 0


@dataclass(eq=False, slots=True)
class Profile:
    """An action profile or selector: what its members do, and the members of each group."""

    algorithm: str
    width: int
    members: dict[int, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    groups: dict[int, tuple[int, ...]] = field(default_factory=dict)


class TableState:
    """One table of one instance."""

    def __init__(
        self, machine: Machine, instance: ir.Instance, table: ir.Table, info: TableInfo, profile: Profile | None
    ):
        self.instance = instance
        self.table = table
        self.info = info
        self.profile = profile
        self.rows: list[Row] = []
        self.next_handle = 1
        self.hit_row: Row | None = None
        """The entry that was hit by the last lookup."""
        self.missed_key: tuple[int, ...] | None = None
        """The key of the last lookup, when it missed."""
        self.auto_delete = any(
            isinstance(e, ir.Literal)
            and (e.value == "AUTO_DELETE" or (name == "idle_timeout_with_auto_delete" and e.value is True))
            for name, (e, _) in table.properties.items()
        )
        """PNA: entries go when they are idle; else they are reported, and stay."""
        self.actions = {action_path(instance, ref.action): ref for ref in table.actions}
        ref = table.default_action
        self.actions.setdefault(action_path(instance, ref.action), ref)
        self.first_default = (action_path(instance, ref.action), self.data(machine, ref))
        self.default = self.first_default

    def data(self, machine: Machine, ref: ir.ActionRef) -> tuple[int, ...]:
        """Return the action data of a default action or an entry of the program."""
        frame = Frame(self.instance, {})
        return tuple(
            to_bits(machine.eval(arg, frame), p.type) if arg is not None else 0
            for p, arg in zip(ref.action.params, ref.args, strict=True)
            if not p.direction
        )

    @property
    def counts_hits(self) -> bool:
        """Whether a direct counter belongs to the table."""
        return self.info.counter is not None

    def add(self, entry: Entry, *, const: bool = False, now_ns: int = 0) -> Row:
        """Add a checked entry.

        Raises:
            CallerError: the key is there, or the table is full.
        """
        for row in self.rows:
            if row.entry.match == entry.match and row.entry.priority == entry.priority:
                raise CallerError(f"table {self.info.name}: there is an entry with this key: handle {row.handle}")
        if len(self.rows) >= (self.info.size or 1024):
            raise CallerError(f"table {self.info.name} is full: {len(self.rows)} entries")
        row = Row(self.next_handle, entry, const, now_ns, entry.idle_ns)
        self.next_handle += 1
        self.rows.append(row)
        self.rows.sort(key=lambda r: (self._rank(r), r.handle))
        return row

    def _rank(self, row: Row) -> tuple[int, int]:
        """Smaller comes first: by priority, where a table has them, then by length of the prefix."""
        kinds = [k.match_kind for k in self.table.keys if k.match_kind != "selector"]
        prefix = sum(m.other.bit_count() for k, m in zip(kinds, row.entry.match, strict=True) if k == "lpm")
        return -row.entry.priority, -prefix

    def row(self, handle: int) -> Row:
        """Return the entry of a handle.

        Raises:
            CallerError: there is none.
        """
        for row in self.rows:
            if row.handle == handle:
                return row
        raise CallerError(f"table {self.info.name} has no entry of handle {handle}")

    def lookup(self, key: Sequence[int]) -> Row | None:
        """Return the best entry for the unsigned bits of the key's fields (without a selector's)."""
        kinds = [k.match_kind for k in self.table.keys if k.match_kind != "selector"]
        for row in self.rows:
            if all(match_field(k, b, m) for k, b, m in zip(kinds, key, row.entry.match, strict=True)):
                return row
        return None


def action_path(instance: ir.Instance, action: ir.Action) -> str:
    """Return an action's control-plane path."""
    return instance.action_paths.get(action, action.name)


class Tables:
    """All tables of a design."""

    def __init__(self, info: Info) -> None:
        self.info = info
        self.by_path: dict[str, TableState] = {}
        self.by_table: dict[tuple[ir.Instance, ir.Table], TableState] = {}
        self.profiles: dict[str, Profile] = {}
        self.now_ns = 0
        self.length = 0
        """Bytes of the packet in work, for direct counters and meters."""
        self.current: TableState | None = None
        """The table whose action runs."""

    def build(self, machine: Machine, design: ir.Design) -> None:
        """Make all tables with the entries of the program."""
        for instance in design.instances():
            if isinstance(instance.decl, ir.ControlDecl):
                for table in instance.decl.tables:
                    self._build_table(machine, instance, table)

    def _build_table(self, machine: Machine, instance: ir.Instance, table: ir.Table) -> None:
        path = instance.table_paths[table]
        info = self.info.tables[path]
        profile = None
        if info.profile is not None:
            profile = self.profiles.setdefault(info.profile, self._make_profile(machine, instance, table))
        state = TableState(machine, instance, table, info, profile)
        self.by_path[path] = self.by_table[instance, table] = state
        count = len(table.entries)
        for i, e in enumerate(table.entries):
            match = tuple(
                _entry_match(machine, instance, k, key)
                for k, key in zip(e.keys, table.keys, strict=True)
                if key.match_kind != "selector"
            )
            priority = (count - i if e.priority is None else e.priority) if info.needs_priority else 0
            entry = Entry(path, match, action_path(instance, e.action.action), state.data(machine, e.action), priority)
            if not any(r.entry.match == match and r.entry.priority == priority for r in state.rows):
                state.add(entry, const=e.const)

    def _make_profile(self, machine: Machine, instance: ir.Instance, table: ir.Table) -> Profile:
        implementation, _ = next(v for k, v in table.properties.items() if k.endswith(("implementation", "selector")))
        made: ir.Instance | None = None
        if isinstance(implementation, ir.InstanceRef | ir.VarRef):
            made = machine.instance_of(implementation, Frame(instance, {}))
        elif isinstance(implementation, ir.NewInstance):
            made = instance.children.get(implementation.decl)
        if made is None or "elector" not in str(made.type):
            return Profile("", 0)
        algorithm, width = "crc16", 16
        for var, value in made.args.items():
            if isinstance(value, ir.Literal) and isinstance(t.strip(value.type), t.EnumType):
                algorithm = str(value.value)
            elif isinstance(value, ir.Literal) and "idth" in var.name:
                width = int(value.value)
        return Profile(algorithm, width)

    def apply(self, machine: Machine, frame: Frame, table: ir.Table) -> tuple[bool, ir.Action]:
        """Look up and run the action; returns hit and the action."""
        state = self.by_table[frame.instance, table]
        key: list[int] = []
        selector: list[tuple[int, int]] = []
        for k in table.keys:
            fields = list(leaves(machine.eval(k.expr, frame), k.expr.type))
            if k.match_kind == "selector":
                selector.extend(fields)
            else:
                key.extend(bits for bits, _ in fields)
        row = state.lookup(key)
        state.hit_row, state.missed_key = row, None if row else tuple(key)
        name, data = state.default
        if row is not None:
            row.used_ns = self.now_ns
            if state.counts_hits and self.info.arch == "v1model":
                row.packets += 1
                row.octets += self.length
            if state.info.meter is not None:
                row.colour = self.meter(state, row)
            name, data = self._action_of(state, row, selector)
        ref = state.actions[name]
        before: dict[str, str] = {}
        if machine.trace is not None:
            machine.trace.add("table", state.info.name, _describe(state, key, row, name, data))
            before = _visible(machine)
            machine.trace.depth += 1
        values: list[Value] = [from_bits(b, p.type) for b, p in zip(data, ref.action.data_params, strict=True)]
        outer, self.current = self.current, state
        try:
            machine.run_action(ref.action, ref.args, values, frame)
        finally:
            self.current = outer
            if machine.trace is not None:
                machine.trace.changes(before, _visible(machine))
                machine.trace.depth -= 1
        return row is not None, ref.action

    def meter(self, state: TableState, row: Row, colour: int | None = None) -> int:
        """Run an entry's direct meter over the packet."""
        assert state.info.meter is not None
        unit = self.info.direct_meters[state.info.meter].unit
        return row.meter.run(self.now_ns * 1000, self.length if unit == "bytes" else 1, colour)

    def _action_of(self, state: TableState, row: Row, selector: list[tuple[int, int]]) -> tuple[str, tuple[int, ...]]:
        profile = state.profile
        if profile is None or (row.entry.member is None and row.entry.group is None):
            return row.entry.action, row.entry.args
        member = row.entry.member
        if row.entry.group is not None:
            members = profile.groups.get(row.entry.group, ())
            if not members:
                return state.default
            acc = bits = 0
            for value, width in selector:
                acc, bits = acc << width | value, bits + width
            pad = -bits % 8
            data = (acc << pad).to_bytes((bits + pad) // 8, "big")
            number = digest(profile.algorithm, data) & ((1 << profile.width) - 1)
            member = members[number % len(members)]
        return profile.members.get(member if member is not None else -1, state.default)


def _entry_match(machine: Machine, instance: ir.Instance, keyset: ir.KeySet, key: ir.Key) -> Match:
    """Return what an entry of the program matches."""
    type_ = key.expr.type
    width = t.scalar_width(type_)
    assert width is not None
    ones = (1 << width) - 1
    frame = Frame(instance, {})

    def bits(e: ir.Expr) -> int:
        return to_bits(machine.eval(e, frame), type_)

    match keyset:
        case ir.Exact(value=value):
            return Match(bits(value), bits(value) if key.match_kind == "range" else ones)
        case ir.Mask(value=value, mask=mask):
            m = bits(mask)
            return Match(bits(value) & m, m)
        case ir.Range(lo=lo, hi=hi):
            return Match(bits(lo), bits(hi))
    return Match(0, ones if key.match_kind == "range" else 0)


def _describe(state: TableState, key: list[int], row: Row | None, name: str, data: tuple[int, ...]) -> str:
    names = [k for k in state.table.keys if k.match_kind != "selector"]
    keys = " ".join(f"{k.name}={v:#x}" for k, v in zip(names, key, strict=True))
    how = "miss" if row is None else f"hit entry {row.handle}"
    return f"{keys}{' ' if keys else ''}{how} -> {name}({', '.join(map(hex, data))})"


def _visible(machine: Machine) -> dict[str, str]:
    """Return the text of all that the running block's parameters hold."""
    out: dict[str, str] = {}
    for var, value in machine.frames[0].vars.items() if machine.frames else ():
        if var.kind == "param":
            out.update(snapshot(var.name, value))
    return out


def new_entry(state: TableState, action: str, args: Sequence[Any]) -> Entry:
    """Return the entry that PNA's ``add_entry`` makes for the key that was missed."""
    assert state.missed_key is not None
    widths = [t.scalar_width(k.expr.type) or 0 for k in state.table.keys]
    match = tuple(Match(b, (1 << w) - 1) for b, w in zip(state.missed_key, widths, strict=True))
    return Entry(state.info.name, match, action, tuple(args))
