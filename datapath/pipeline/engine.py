"""The C engine as a target: names to numbers, values to words, the engine's events to ours."""

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from datapath._native_pipeline import Pipeline, RawEvent, pack_words
from datapath.errors import CallerError
from datapath.p4c.code import NONE, Array, Code, Item
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

_KINDS: tuple[Literal["digest", "idle", "log", "assert", "learnt"], ...] = ("digest", "idle", "log", "assert", "learnt")
"""By the engine's number."""

_HOLE = re.compile(r"\{(?:i(\d+)|x)?\}")
"""Where a message shows a field; ``{i8}``: one of eight bits, two's complement; ``{x}``: in hexadecimal."""


class Engine:
    """Runs a compiled program as :class:`datapath.pipeline.target.Target` says.

    ``seed`` is that of the program's random numbers. Tables of the program are filled with its own entries.
    """

    def __init__(self, code: Code, info: Info, seed: int = 0) -> None:
        self.code = code
        self.info = info
        self._pl = Pipeline(code, seed)
        self._tables = {t.name: i for i, t in enumerate(code.tables)}
        self._actions = [{a.name: i for i, a in enumerate(t.actions)} for t in code.tables]
        self._profiles = {p.name: i for i, p in enumerate(code.profiles)}
        self._profile_actions = [{a.name: i for i, a in enumerate(p.actions)} for p in code.profiles]
        self._value_sets = {v.name: i for i, v in enumerate(code.value_sets)}
        self._message_lists = {i.imm: i.b for i in code.insns if i.op == "LOG" and i.b != NONE}
        self._groups: set[int] = set()
        self._sessions: set[int] = set()
        self._members: dict[str, set[int]] = {path: set() for path in info.profiles}
        for number, register in enumerate(code.registers):
            for i in range(register.size if register.initial else 0):
                self._pl.set_register(f"register {register.name}", number, i, register.what, register.initial)
        for e in code.entries:
            what = f"table {code.tables[e.table].name}: an entry of the program"
            self._pl.insert(what, e.table, e.action, e.key, e.data, e.priority, is_const=e.const)

    def close(self) -> None:
        """Free the engine's memory."""
        self._pl.close()

    # ---- tables ----

    def _table(self, name: str) -> tuple[str, int]:
        path = find_path(self.info.tables, name, "table")
        return path, self._tables[path]

    def _data(self, table: int, action: int, args: Sequence[int]) -> list[int]:
        params = self.code.tables[table].actions[action].params
        return pack_words(zip(args, (p.width for p in params), strict=True))

    def _key(self, keys: Sequence[tuple[int, int, str]], match: Sequence[Match]) -> list[int]:
        fields = [width for _, width, kind in keys if kind != "selector"]
        return pack_words((v, width) for width, m in zip(fields, match, strict=True) for v in (m.value, m.other))

    def insert(self, entry: Entry) -> int:
        """Add an entry; returns its handle."""
        entry = check_entry(self.info, entry)
        table = self._tables[entry.table]
        key = self._key(self.code.tables[table].keys, entry.match)
        action, data = 0, []
        if entry.action:
            action = self._actions[table][entry.action]
            data = self._data(table, action, entry.args)
        else:
            self._check_profile(entry)
        return self._pl.insert(
            f"table {entry.table}: entry",
            table,
            action,
            key,
            data,
            entry.priority,
            entry.idle_ns * 1000,
            entry.member,
            entry.group,
        )

    def _check_profile(self, entry: Entry) -> None:
        profile = self.info.tables[entry.table].profile
        if entry.member is not None and profile is not None and entry.member not in self._members[profile]:
            raise CallerError(f"table {entry.table}: its action profile has no member {entry.member}")

    def insert_many(
        self, table: str, action: str, keys: NDArray[np.uint64], data: NDArray[np.uint64], priority: int = 0
    ) -> NDArray[np.uint64]:
        """Add many entries of one action; returns their handles, fewer if an entry was refused.

        ``keys`` has shape (n, words): each field's value, then its mask (or a range's end), each in as many 64-bit
        words as its width needs, least significant first. ``data`` has shape (n, words): the arguments in the same way.
        """
        path, number = self._table(table)
        found = self._actions[number][check_action_name(self.info, path, action)]
        fields = [width for _, width, kind in self.code.tables[number].keys if kind != "selector"]
        n_key = len(pack_words((0, width) for width in fields for _ in range(2)))
        n_data = len(self._data(number, found, [0] * len(self.code.tables[number].actions[found].params)))
        for what, given, wanted in (("key", keys, n_key), ("data", data, n_data)):
            if given.ndim != 2 or given.shape[1] != wanted:
                raise CallerError(f"table {path}: {what} of shape {given.shape}, needed: (n, {wanted})")
        return self._pl.insert_many(f"table {path}: entries", number, found, keys, data, priority)

    def modify(self, table: str, handle: int, action: str, args: Sequence[int]) -> None:
        """Give an entry another action."""
        path, number = self._table(table)
        found = self._actions[number][check_action(self.info.tables[path], action, args).name]
        self._pl.modify(f"table {path}: entry {handle}", number, handle, found, self._data(number, found, args))

    def delete(self, table: str, handle: int) -> None:
        """Take an entry away."""
        path, number = self._table(table)
        self._pl.delete(f"table {path}: entry {handle}", number, handle)

    def set_default(self, table: str, action: str, args: Sequence[int]) -> None:
        """Set a table's default action."""
        path, number = self._table(table)
        found = self._actions[number][check_action(self.info.tables[path], action, args, default=True).name]
        self._pl.set_default(f"table {path}: default action", number, found, self._data(number, found, args))

    def table_stats(self, table: str) -> dict[str, int]:
        """Return a table's entries, bytes of memory, hits and misses."""
        path, number = self._table(table)
        return self._pl.table_stats(f"table {path}", number)

    def set_member(self, profile: str, member: int, action: str, args: Sequence[int]) -> None:
        """Add or change a member of an action profile."""
        path, action_info = check_member(self.info, profile, action, args)
        number = self._profiles[path]
        found = self._profile_actions[number][action_info.name]
        params = self.code.profiles[number].actions[found].params
        data = pack_words(zip(args, (p.width for p in params), strict=True))
        self._pl.set_member(f"action profile {path}: member {member}", number, member, found, data)
        self._members[path].add(member)

    def set_group(self, profile: str, group: int, members: Sequence[int]) -> None:
        """Add or change a group of an action selector."""
        path = find_path(self.info.profiles, profile, "action profile")
        if not self.info.profiles[path].with_selector:
            raise CallerError(f"action profile {path} is no selector: it has no groups")
        for member in members:
            if member not in self._members[path]:
                raise CallerError(f"action selector {path}: group {group} names member {member}, which is not there")
        self._pl.set_group(f"action selector {path}: group {group}", self._profiles[path], group, members)

    # ---- value sets, counters, meters, registers ----

    def add_to_value_set(self, value_set: str, match: tuple[Match, ...]) -> None:
        """Add a member to a parser value set."""
        info = find(self.info.value_sets, value_set, "value set")
        what = f"value set {info.name}"
        match = check_match(info.fields, match, what)
        number = self._value_sets.get(info.name)
        if number is not None:
            self._pl.value_set_add(what, number, self._key(self.code.value_sets[number].keys, match))

    def clear_value_set(self, value_set: str) -> None:
        """Empty a parser value set."""
        path = find_path(self.info.value_sets, value_set, "value set")
        number = self._value_sets.get(path)
        if number is not None:
            self._pl.value_set_clear(f"value set {path}", number)

    def _direct_table(self, name: str, kind: str) -> tuple[str, int]:
        """Return the table that a direct counter's or meter's ``name``, or its table's, means."""
        direct = self.info.direct_counters if kind == "counter" else self.info.direct_meters
        names = {path: path for path, info in self.info.tables.items() if getattr(info, kind) is not None}
        names.update({path: info.table or "" for path, info in direct.items()})
        path = find(names, name, f"direct {kind} or table with one")
        return path, self._tables[path]

    def _is_direct(self, name: str, arrays: Sequence[str], direct: Sequence[str]) -> bool:
        tail = name.rpartition(".")[2]
        return bool(direct) and not any(p.rpartition(".")[2] == tail for p in arrays)

    def _array(self, kind: str, arrays: Sequence[Array], paths: Sequence[str], name: str, index: int) -> int:
        path = find_path(paths, name, kind)
        number = next(i for i, a in enumerate(arrays) if a.name == path)
        if not 0 <= index < arrays[number].size:
            raise CallerError(f"{kind} {path}: index {index} is not below its size {arrays[number].size}")
        return number

    def counter(self, name: str, index: int) -> tuple[int, int]:
        """Return packets and bytes of a counter; of a direct one when ``name`` is a table and ``index`` a handle."""
        if self._is_direct(name, list(self.info.counters), list(self.info.direct_counters)):
            path, table = self._direct_table(name, "counter")
            return self._pl.entry_counter(f"table {path}: entry {index}", table, index)
        number = self._array("counter", self.code.counters, list(self.info.counters), name, index)
        return self._pl.counter(f"counter {name}", number, index)

    def write_counter(self, name: str, index: int, packets: int, octets: int) -> None:
        """Set a counter."""
        check_fits(packets, 64, f"counter {name}: packets")
        check_fits(octets, 64, f"counter {name}: bytes")
        if self._is_direct(name, list(self.info.counters), list(self.info.direct_counters)):
            path, table = self._direct_table(name, "counter")
            self._pl.set_entry_counter(f"table {path}: entry {index}", table, index, packets, octets)
            return
        number = self._array("counter", self.code.counters, list(self.info.counters), name, index)
        self._pl.set_counter(f"counter {name}", number, index, packets, octets)

    def set_meter(self, name: str, index: int, cir: int, cbs: int, pir: int, pbs: int) -> None:
        """Set a meter's rates (units a second) and bursts (units); a direct one as in :meth:`counter`."""
        rates = (cir, cbs, pir, pbs)
        for what, value in zip(("cir", "cbs", "pir", "pbs"), rates, strict=True):
            check_fits(value, 64, f"meter {name}: {what}")
        if self._is_direct(name, list(self.info.meters), list(self.info.direct_meters)):
            path, table = self._direct_table(name, "meter")
            self._pl.set_entry_meter(f"table {path}: entry {index}", table, index, rates)
            return
        number = self._array("meter", self.code.meters, list(self.info.meters), name, index)
        self._pl.set_meter(f"meter {name}", number, index, rates)

    def _register_parts(self, name: str, index: int) -> tuple[str, list[tuple[int, int]]]:
        """Return the engine's registers (number, width) that make one of the program's, the first field first."""
        path = find_path(self.info.registers, name, "register")
        parts = [
            (i, a.what)
            for i, a in enumerate(self.code.registers)
            if a.name == path or (a.name.startswith(path + ".") and a.name not in self.info.registers)
        ]
        size = self.code.registers[parts[0][0]].size if parts else 0
        if not 0 <= index < size:
            raise CallerError(f"register {path}: index {index} is not below its size {size}")
        return path, parts

    def register(self, name: str, index: int) -> int:
        """Return a register's cell; of a struct: its fields one behind the other, the first the most significant."""
        path, parts = self._register_parts(name, index)
        value = 0
        for number, width in parts:
            value = value << width | self._pl.register(f"register {path}", number, index, width)
        return value

    def write_register(self, name: str, index: int, value: int) -> None:
        """Set a register's cell."""
        path, parts = self._register_parts(name, index)
        check_fits(value, sum(width for _, width in parts), f"register {path}: value")
        for number, width in reversed(parts):
            self._pl.set_register(f"register {path}", number, index, width, value & ((1 << width) - 1))
            value >>= width

    # ---- replication ----

    def set_multicast(self, group: int, replicas: Sequence[tuple[int, int]]) -> None:
        """Set a multicast group's replicas: (port, rid)."""
        check_replicas(group, replicas, "multicast group")
        if replicas or group in self._groups:
            self._pl.set_multicast(f"multicast group {group}", group, replicas)
        (self._groups.add if replicas else self._groups.discard)(group)

    def set_clone(self, session: int, replicas: Sequence[tuple[int, int]], truncate_bytes: int = 0) -> None:
        """Set a clone session's replicas: (port, rid)."""
        check_replicas(session, replicas, "clone session")
        if replicas or session in self._sessions:
            self._pl.set_clone(f"clone session {session}", session, replicas, truncate_bytes)
        (self._sessions.add if replicas else self._sessions.discard)(session)

    def set_expire(self, profile: int, idle_ns: int) -> None:
        """Set the time of a PNA expire time profile."""
        if self.code.arch != "pna":
            raise CallerError(f"expire time profile {profile}: only PNA has them, this is {self.code.arch}")
        check_fits(profile, 8, "expire time profile")
        self._pl.set_expire(f"expire time profile {profile}", profile, idle_ns * 1000)

    # ---- packets ----

    def process(self, packets: Sequence[Packet]) -> list[Output]:
        """Run packets one after the other; returns what goes out, in order."""
        try:
            raw = self._pl.run([(p.port, p.data, p.ts_ns * 1000, p.from_host) for p in packets])
        except OverflowError:
            # Only now: it would cost a packet as much as its way through a small program.
            check_packets(packets)
            raise
        return [Output(o.port, o.data, o.source, o.rid) for o in raw]

    def run_frames(self, frames: NDArray[np.uint8], port: int, rounds: int, batch: int = 64) -> int:
        """Run the rows of ``frames`` (n, bytes) ``rounds`` times, ``batch`` at once; returns the number of outputs."""
        return self._pl.run_frames(frames, port, rounds, batch)

    def stats(self) -> dict[str, int]:
        """Return counters of packets: drops by reason, clones and so on."""
        return self._pl.stats()

    def tick(self, now_ns: int) -> None:
        """Let time go on: idle entries time out."""
        check_fits(now_ns * 1000, 64, "time (ps)")
        self._pl.tick(now_ns * 1000)

    def events(self) -> list[Event]:
        """Return what happened since the last call."""
        return [self._event(e) for e in self._pl.events()]

    def _event(self, e: RawEvent) -> Event:
        kind = _KINDS[e.kind]
        if kind == "digest":
            digest = self.code.digests[e.id]
            values = _field_values(self.code.lists[digest.list_id], e.data)
            fields = tuple((name, v) for (name, _), v in zip(digest.fields, values, strict=True))
            return Event("digest", digest.name, fields)
        if kind in ("idle", "learnt"):
            return Event(kind, self.code.tables[e.id].name, handle=e.handle)
        text = self.code.messages[e.id]
        if kind == "assert":
            return Event("assert", text.split(maxsplit=1)[0], text=text)
        found = self._message_lists.get(e.id)
        values = _field_values(self.code.lists[found], e.data) if found is not None else []
        return Event("log", "log_msg", text=_format(text, values))


def check_action_name(info: Info, table: str, action: str) -> str:
    """Return the path of a table's action."""
    return find_path([r.action.name for r in info.tables[table].actions], action, f"action of table {table}:")


def _field_values(items: Sequence[Item], data: bytes) -> list[int]:
    out, at = [], 0
    for item in items:
        n = (item.width + 7) // 8
        out.append(int.from_bytes(data[at : at + n], "big"))
        at += n
    return out


def _format(text: str, values: Sequence[int]) -> str:
    left = list(values)

    def show(hole: re.Match[str]) -> str:
        if not left:
            return hole[0]
        value = left.pop(0)
        if hole[0] == "{x}":
            return f"{value:#x}"
        width = int(hole[1]) if hole[1] else 0
        return str(value - (1 << width) if width and value >> (width - 1) else value)

    return _HOLE.sub(show, text)
