"""The evaluator as a target: what the control plane asks, what packets do."""

import random
from collections.abc import Sequence
from dataclasses import replace

from datapath.errors import CallerError
from datapath.p4c import ir
from datapath.p4c.depth import deep_recursion
from datapath.p4c.evaluate import externs, pna, v1model
from datapath.p4c.evaluate.interp import Machine
from datapath.p4c.evaluate.meter import Meter
from datapath.p4c.evaluate.parse import Parsers
from datapath.p4c.evaluate.tables import Row, Tables, TableState
from datapath.p4c.evaluate.trace import Trace
from datapath.p4c.info import Info
from datapath.pipeline.check_entry import (
    check_action,
    check_entry,
    check_fits,
    check_match,
    check_member,
    check_packets,
    check_replicas,
)
from datapath.pipeline.names import find, find_path
from datapath.pipeline.target import Entry, Event, Match, Output, Packet


class Evaluator:
    """Runs a design as :class:`datapath.pipeline.target.Target` says."""

    def __init__(self, design: ir.Design, info: Info, seed: int = 0) -> None:
        self.design = design
        self.info = info
        self._tables = Tables(info)
        self._parsers = Parsers()
        self._running = externs.Running(info, self._tables, random.Random(seed))
        self._arch: v1model.V1Model | pna.Pna
        if design.arch == "v1model":
            v1model.check(design)
            switch: list[v1model.V1Model] = []
            self._machine = Machine(design, self._tables, self._parsers, v1model.handlers(self._running, switch))
            switch.append(v1model.V1Model(design, self._machine, self._running))
            self._arch = switch[0]
        elif design.arch == "pna":
            device: list[pna.Pna] = []
            self._machine = Machine(design, self._tables, self._parsers, pna.handlers(self._running, device))
            device.append(pna.Pna(design, self._machine, self._running))
            pna.build_objects(self._machine, design)
            self._arch = device[0]
        else:
            raise CallerError(f"no architecture {design.arch!r}; there are v1model and pna")
        externs.build_objects(self._machine, design, info)
        self._tables.build(self._machine, design)
        self._parsers.value_sets = {path: [] for path in info.value_sets}

    def trace(self, packet: Packet) -> tuple[list[Output], Trace]:
        """Run a packet; returns what goes out, and what happened on the way."""
        self._machine.trace = Trace()
        try:
            return self.process([packet]), self._machine.trace
        finally:
            self._machine.trace = None

    # ---- tables ----

    def _table(self, name: str) -> TableState:
        return self._tables.by_path[find_path(self.info.tables, name, "table")]

    def _row(self, state: TableState, handle: int) -> Row:
        row = state.row(handle)
        if row.const:
            raise CallerError(f"table {state.info.name}: entry {handle} is const")
        return row

    def insert(self, entry: Entry) -> int:
        """Add an entry; returns its handle."""
        entry = check_entry(self.info, entry)
        state = self._tables.by_path[entry.table]
        if state.profile is not None:
            if entry.member is not None and entry.member not in state.profile.members:
                raise CallerError(f"table {entry.table}: its action profile has no member {entry.member}")
            if entry.group is not None and entry.group not in state.profile.groups:
                raise CallerError(f"table {entry.table}: its action profile has no group {entry.group}")
        return state.add(entry, now_ns=self._running.now_ns).handle

    def modify(self, table: str, handle: int, action: str, args: Sequence[int]) -> None:
        """Give an entry another action."""
        state = self._table(table)
        row = self._row(state, handle)
        path = check_action(state.info, action, args).name
        row.entry = replace(row.entry, action=path, args=tuple(args))

    def delete(self, table: str, handle: int) -> None:
        """Take an entry away."""
        state = self._table(table)
        state.rows.remove(self._row(state, handle))

    def set_default(self, table: str, action: str, args: Sequence[int]) -> None:
        """Set a table's default action."""
        state = self._table(table)
        state.default = (check_action(state.info, action, args, default=True).name, tuple(args))

    def set_member(self, profile: str, member: int, action: str, args: Sequence[int]) -> None:
        """Add or change a member of an action profile."""
        path, found = check_member(self.info, profile, action, args)
        self._tables.profiles[path].members[member] = (found.name, tuple(args))

    def set_group(self, profile: str, group: int, members: Sequence[int]) -> None:
        """Add or change a group of an action selector."""
        path = find_path(self.info.profiles, profile, "action profile")
        if not self.info.profiles[path].with_selector:
            raise CallerError(f"action profile {path} is no selector: it has no groups")
        state = self._tables.profiles[path]
        for member in members:
            if member not in state.members:
                raise CallerError(f"action selector {path}: group {group} names member {member}, which is not there")
        state.groups[group] = tuple(members)

    # ---- value sets, counters, meters, registers ----

    def add_to_value_set(self, value_set: str, match: tuple[Match, ...]) -> None:
        """Add a member to a parser value set."""
        info = find(self.info.value_sets, value_set, "value set")
        members = self._parsers.value_sets[info.name]
        if len(members) >= info.size:
            raise CallerError(f"value set {info.name} is full: {info.size} members")
        members.append(check_match(info.fields, match, f"value set {info.name}"))

    def clear_value_set(self, value_set: str) -> None:
        """Empty a parser value set."""
        self._parsers.value_sets[find_path(self.info.value_sets, value_set, "value set")].clear()

    def _object(self, path: str) -> object:
        for instance, obj in self._machine.objects.items():
            if instance.path == path:
                return obj
        raise CallerError(f"{path} was not made")

    def _direct_row(self, name: str, handle: int, kind: str) -> Row:
        """Return the entry that a direct counter's or meter's ``name`` (or its table's) and a handle mean."""
        direct = self.info.direct_counters if kind == "counter" else self.info.direct_meters
        tables = {path: info for path, info in self.info.tables.items() if getattr(info, kind) is not None}
        names: dict[str, str] = {path: path for path in tables}
        names.update({path: info.table or "" for path, info in direct.items()})
        table = find(names, name, f"direct {kind} or table with one")
        return self._tables.by_path[table].row(handle)

    def _has(self, paths: Sequence[str], name: str) -> bool:
        tail = name.rpartition(".")[2]
        return any(p.rpartition(".")[2] == tail for p in paths)

    def _cell(self, name: str, index: int) -> list[int]:
        info = find(self.info.counters, name, "counter")
        counter = self._object(info.name)
        assert isinstance(counter, externs.Counter)
        _check_index(info.name, "counter", index, len(counter.cells))
        return counter.cells[index]

    def counter(self, name: str, index: int) -> tuple[int, int]:
        """Return packets and bytes of a counter; of a direct one when ``name`` is a table and ``index`` a handle."""
        if not self._has(list(self.info.counters), name) and self.info.direct_counters:
            row = self._direct_row(name, index, "counter")
            return row.packets, row.octets
        packets, octets = self._cell(name, index)
        return packets, octets

    def write_counter(self, name: str, index: int, packets: int, octets: int) -> None:
        """Set a counter."""
        check_fits(packets, 64, f"counter {name}: packets")
        check_fits(octets, 64, f"counter {name}: bytes")
        if not self._has(list(self.info.counters), name) and self.info.direct_counters:
            row = self._direct_row(name, index, "counter")
            row.packets, row.octets = packets, octets
        else:
            self._cell(name, index)[:] = [packets, octets]

    def set_meter(self, name: str, index: int, cir: int, cbs: int, pir: int, pbs: int) -> None:
        """Set a meter's rates (units a second) and bursts (units); a direct one as in :meth:`counter`."""
        for what, value in (("cir", cir), ("cbs", cbs), ("pir", pir), ("pbs", pbs)):
            check_fits(value, 64, f"meter {name}: {what}")
        meter: Meter
        if not self._has(list(self.info.meters), name) and self.info.direct_meters:
            meter = self._direct_row(name, index, "meter").meter
        else:
            info = find(self.info.meters, name, "meter")
            meters = self._object(info.name)
            assert isinstance(meters, externs.Meters)
            _check_index(info.name, "meter", index, len(meters.cells))
            meter = meters.cells[index]
        meter.set(cir, cbs, pir, pbs, self._running.now_ns * 1000)

    def _register(self, name: str, index: int) -> externs.Register:
        info = find(self.info.registers, name, "register")
        register = self._object(info.name)
        assert isinstance(register, externs.Register)
        _check_index(info.name, "register", index, len(register.cells))
        return register

    def register(self, name: str, index: int) -> int:
        """Return a register's cell."""
        return self._register(name, index).cells[index]

    def write_register(self, name: str, index: int, value: int) -> None:
        """Set a register's cell."""
        register = self._register(name, index)
        check_fits(value, register.info.width, f"register {register.info.name}: value")
        register.cells[index] = value

    # ---- the packet replication engine ----

    def set_multicast(self, group: int, replicas: Sequence[tuple[int, int]]) -> None:
        """Set a multicast group's replicas: (port, rid)."""
        check_replicas(group, replicas, "multicast group")
        self._arch.multicast[group] = v1model.Fanout(tuple(replicas))

    def set_clone(self, session: int, replicas: Sequence[tuple[int, int]], truncate_bytes: int = 0) -> None:
        """Set a clone session's replicas: (port, rid)."""
        check_replicas(session, replicas, "clone session")
        if replicas:
            self._arch.clones[session] = v1model.Fanout(tuple(replicas), truncate_bytes)
        else:
            self._arch.clones.pop(session, None)

    def set_expire(self, profile: int, idle_ns: int) -> None:
        """Set the time of a PNA expire time profile."""
        if not isinstance(self._arch, pna.Pna):
            raise CallerError(f"expire time profile {profile}: only PNA has them, this is {self.design.arch}")
        check_fits(profile, 8, "expire time profile")
        self._arch.expire_ns[profile] = idle_ns

    # ---- packets and time ----

    def process(self, packets: Sequence[Packet]) -> list[Output]:
        """Run packets one after the other; returns what goes out, in order."""
        check_packets(packets)
        out: list[Output] = []
        with deep_recursion():
            for i, packet in enumerate(packets):
                self._advance(packet.ts_ns)
                out.extend(self._arch.process(packet, i))
        return out

    def _advance(self, now_ns: int) -> None:
        self._running.now_ns = self._tables.now_ns = max(now_ns, self._running.now_ns)

    def tick(self, now_ns: int) -> None:
        """Let time go on: idle entries time out."""
        self._advance(now_ns)
        for path, state in self._tables.by_path.items():
            for row in list(state.rows):
                if not row.idle_ns or now_ns - row.used_ns < row.idle_ns:
                    continue
                if state.auto_delete:
                    state.rows.remove(row)
                    self._running.events.append(Event("idle", path, handle=row.handle))
                elif row.told_ns != row.used_ns:
                    row.told_ns = row.used_ns
                    self._running.events.append(Event("idle", path, handle=row.handle))

    def events(self) -> list[Event]:
        """Return what happened since the last call."""
        out = self._running.events
        self._running.events = []
        return out


def _check_index(name: str, kind: str, index: int, size: int) -> None:
    if not 0 <= index < size:
        raise CallerError(f"{kind} {name}: index {index} is not below its size {size}")
