"""The pipeline engine behind cffi: a program in, numbers and bytes out. :mod:`datapath.pipeline.engine` has names."""

import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datapath._dp_cffi import ffi, lib
from datapath._native import Handle, check
from datapath.errors import CallerError
from datapath.p4c.code import BLOCKS, HASHES, INTRINSICS, MATCH_KINDS, NONE, Code, Item

__all__ = ["Fanout", "Pipeline", "RawEvent", "RawOutput", "pack_words", "words"]

_MASK = 2**64 - 1
_INSN = struct.Struct("=HHIIIQ")


@dataclass(frozen=True, slots=True)
class RawOutput:
    """A packet that goes out; ``flags``: 1 clone, 2 multicast."""

    port: int
    data: bytes
    source: int
    rid: int
    flags: int


@dataclass(frozen=True, slots=True)
class RawEvent:
    """``kind`` is a ``DP_PL_E_*``; ``data`` are the list's fields."""

    kind: int
    id: int
    handle: int
    data: bytes


Fanout = Sequence[tuple[int, int]]
"""Replicas: (port, rid)."""


def words(width: int) -> int:
    """Return the 64-bit words that ``width`` bits take."""
    return max(1, (width + 63) >> 6)


def pack_words(values: Iterable[tuple[int, int]]) -> list[int]:
    """Return the words of (value, width) one behind the other, least significant first."""
    out: list[int] = []
    for value, width in values:
        out += [(value >> (64 * i)) & _MASK for i in range(words(width))]
    return out


class _Desc:
    """Fills a ``struct dp_pl_desc``; keeps what it points at."""

    def __init__(self, code: Code, seed: int) -> None:
        self.kept: list[Any] = []
        self.raw = ffi.new("struct dp_pl_desc *")
        self.raw.arch = 1 if code.arch == "pna" else 0
        self.raw.n_slots = code.n_slots
        self.raw.n_errors = len(code.errors)
        self.raw.seed = seed
        self.raw.hdr_first, self.raw.hdr_slots = code.header_slots
        self.items: list[int] = []
        self.lists: list[int] = []
        self.list_numbers: dict[tuple[Item, ...], int] = {}
        self.keys: list[int] = []
        self.actions: list[int] = []
        for items in code.lists:
            self._list(items, new=True)
        self._code(code)
        self._objects(code)
        self._tables(code)
        self._array("dp_pl_list", "lists", self.lists, 2)
        self._array("dp_pl_item", "items", self.items, 3)
        for i, name in enumerate(BLOCKS):
            self.raw.blocks[i] = code.blocks.get(name, NONE)
        for i, name in enumerate(INTRINSICS):
            self.raw.intrinsics[i] = code.intrinsics.get(name, NONE)

    def _array(self, kind: str, name: str, flat: list[int], fields: int) -> None:
        data = array("I", flat)
        self.kept.append(data)
        setattr(self.raw, name, ffi.from_buffer(f"struct {kind} *" if kind else "uint32_t *", data))
        setattr(self.raw, f"n_{name}", len(flat) // fields)

    def _list(self, items: Sequence[Item], new: bool = False) -> int:
        key = tuple(items)
        found = self.list_numbers.get(key)
        if found is None or new:
            found = len(self.lists) // 2
            self.list_numbers.setdefault(key, found)
            self.lists += (len(self.items) // 3, len(items))
            for item in items:
                self.items += (item.slot, item.width, int(item.varbit))
        return found

    def _code(self, code: Code) -> None:
        numbers: dict[str, int] = {}
        for insn in code.insns:
            if insn.op not in numbers:
                numbers[insn.op] = check(lib.dp_pl_op_number(insn.op.encode()), f"instruction {insn.op}")
        insns = b"".join(_INSN.pack(numbers[i.op], i.w, i.d, i.a, i.b, i.imm) for i in code.insns)
        consts = array("Q", code.consts)
        self.kept += [insns, consts]
        self.raw.insns, self.raw.n_insns = ffi.from_buffer("struct dp_pl_insn *", insns), len(code.insns)
        self.raw.consts, self.raw.n_consts = ffi.from_buffer("uint64_t *", consts), len(consts)
        headers: list[int] = []
        fields: list[int] = []
        for h in code.headers:
            varbit = NONE if h.varbit is None else h.varbit
            headers += (len(fields) // 3, len(h.fields), h.bits, varbit, h.slots)
            for _, slot, offset, width in h.fields:
                fields += (slot, offset, width)
        self._array("dp_pl_hdr", "hdrs", headers, 5)
        self._array("dp_pl_field", "fields", fields, 3)
        targets: list[int] = []
        jump_tables: list[int] = []
        for table in code.jump_tables:
            jump_tables += (len(targets), len(table))
            targets += table
        self._array("dp_pl_jtab", "jtabs", jump_tables, 2)
        self._array("", "targets", targets, 1)

    def _objects(self, code: Code) -> None:
        for name in ("counters", "meters", "registers"):
            flat: list[int] = []
            for a in getattr(code, name):
                flat += (a.size, a.what)
            self._array("dp_pl_array", name, flat, 2)
        self._array("", "digests", [d.list_id for d in code.digests], 1)

    def _keys(self, keys: Iterable[tuple[int, int, str]]) -> int:
        first = len(self.keys) // 3
        for slot, width, kind in keys:
            self.keys += (slot, width, MATCH_KINDS.index(kind))
        return first

    def _tables(self, code: Code) -> None:
        tables: list[int] = []
        for t in code.tables:
            first_key, first_action = self._keys(t.keys), self._actions(t.actions)
            profile = NONE if t.profile is None else t.profile
            tables += (first_key, len(t.keys), first_action, len(t.actions), t.default_action, t.default_data, t.size)
            tables += (t.flags, profile, t.meter_slot)
        profiles: list[int] = []
        for p in code.profiles:
            algorithm = NONE if p.algorithm is None else HASHES.index(p.algorithm)
            profiles += (p.size, p.max_group, algorithm, p.width, self._actions(p.actions), len(p.actions))
        value_sets: list[int] = []
        for v in code.value_sets:
            value_sets += (self._keys(v.keys), len(v.keys), v.size)
        self._array("dp_pl_table", "tables", tables, 10)
        self._array("dp_pl_profile", "profiles", profiles, 6)
        self._array("dp_pl_vset", "vsets", value_sets, 3)
        self._array("dp_pl_key", "keys", self.keys, 3)
        self._array("dp_pl_action", "actions", self.actions, 3)

    def _actions(self, actions: Iterable[Any]) -> int:
        first = len(self.actions) // 3
        for a in actions:
            self.actions += (a.code, self._list(a.params), int(a.default_only) | int(a.table_only) << 1)
        return first


class Pipeline:
    """A loaded program and one worker. Objects are numbers here.

    All methods raise what :func:`datapath.errors.from_errno` makes of a refusal.
    """

    def __init__(self, code: Code, seed: int = 0) -> None:
        desc = _Desc(code, seed)
        err = ffi.new("char[]", 256)
        raw = lib.dp_pl_new(desc.raw, err, len(err))
        if raw == ffi.NULL:
            raise CallerError(f"the engine refuses the program: {ffi.string(err).decode(errors='replace')}")
        worker = lib.dp_pl_worker_new(raw)
        if worker == ffi.NULL:
            lib.dp_pl_free(raw)
            raise MemoryError("pipeline worker")

        # One destructor for both: objects that are let go together go in any order, and the worker must go first.
        def free(program: Handle) -> None:
            lib.dp_pl_worker_free(worker)
            lib.dp_pl_free(program)

        self._pl: Handle = ffi.gc(raw, free)
        self._worker: Handle = worker
        self._desc = desc

    def close(self) -> None:
        """Free the worker, then the program; no other call may follow."""
        if self._pl is not None:
            ffi.release(self._pl)
        self._pl = self._worker = None

    # ---- entries ----

    def _entry(
        self, table: int, action: int, key: Sequence[int], data: Sequence[int], priority: int = 0, idle_ps: int = 0
    ) -> tuple[Any, list[Any]]:
        e = ffi.new("struct dp_pl_entry *")
        kept = [ffi.new("uint64_t[]", list(key) or [0]), ffi.new("uint64_t[]", list(data) or [0])]
        e.table, e.action, e.priority, e.idle_ps = table, action, priority, idle_ps
        e.key, e.n_key, e.data, e.n_data = kept[0], len(key), kept[1], len(data)
        return e, kept

    def insert(
        self,
        what: str,
        table: int,
        action: int,
        key: Sequence[int],
        data: Sequence[int],
        priority: int = 0,
        idle_ps: int = 0,
        member: int | None = None,
        group: int | None = None,
        is_const: bool = False,
    ) -> int:
        """Add an entry; ``key`` and ``data`` are words as ``struct dp_pl_entry`` says; returns the handle."""
        e, _kept = self._entry(table, action, key, data, priority, idle_ps)
        e.member, e.group = (0 if member is None else member + 1), (0 if group is None else group + 1)
        e.is_const = is_const
        handle = ffi.new("uint64_t *")
        check(lib.dp_pl_entry_add(self._pl, e, handle), what)
        return int(handle[0])

    def insert_many(
        self, what: str, table: int, action: int, keys: NDArray[np.uint64], data: NDArray[np.uint64], priority: int
    ) -> NDArray[np.uint64]:
        """Add entries; ``keys``: shape (n, a key's words), ``data``: shape (n, the data's words). Returns handles."""
        keys, data = np.ascontiguousarray(keys, np.uint64), np.ascontiguousarray(data, np.uint64)
        n = len(keys)
        if len(data) != n:
            raise CallerError(f"{what}: {n} keys, {len(data)} rows of data")
        handles = np.zeros(n, np.uint64)
        if not n:
            return handles
        e = ffi.new("struct dp_pl_entry *")
        e.table, e.action, e.priority, e.n_key, e.n_data = table, action, priority, keys.shape[1], data.shape[1]
        e.key, e.data = ffi.from_buffer("uint64_t *", keys), ffi.from_buffer("uint64_t *", data)
        done = check(lib.dp_pl_entry_add_bulk(self._pl, e, n, ffi.from_buffer("uint64_t *", handles)), what)
        return handles[:done]

    def modify(self, what: str, table: int, handle: int, action: int, data: Sequence[int]) -> None:
        """Give an entry another action."""
        e, _kept = self._entry(table, action, (), data)
        check(lib.dp_pl_entry_modify(self._pl, handle, e), what)

    def delete(self, what: str, table: int, handle: int) -> None:
        """Take an entry away."""
        check(lib.dp_pl_entry_del(self._pl, table, handle), what)

    def set_default(self, what: str, table: int, action: int, data: Sequence[int]) -> None:
        """Set a table's default action."""
        check(lib.dp_pl_table_default(self._pl, table, action, ffi.new("uint64_t[]", list(data)), len(data)), what)

    def reset_default(self, what: str, table: int) -> None:
        """Set a table's default action to the program's."""
        check(lib.dp_pl_table_default_reset(self._pl, table), what)

    def clear(self, what: str, table: int) -> None:
        """Empty a table."""
        check(lib.dp_pl_table_clear(self._pl, table), what)

    def table_stats(self, what: str, table: int) -> dict[str, int]:
        """Return entries, bytes of memory, hits and misses."""
        raw = ffi.new("struct dp_pl_table_stats *")
        check(lib.dp_pl_table_stats(self._pl, table, raw), what)
        return {name: int(getattr(raw, name)) for name, _ in ffi.typeof("struct dp_pl_table_stats").fields}

    def set_member(self, what: str, profile: int, member: int, action: int, data: Sequence[int]) -> None:
        """Add or change a member of an action profile."""
        raw = ffi.new("uint64_t[]", list(data))
        check(lib.dp_pl_member_set(self._pl, profile, member, action, raw, len(data)), what)

    def delete_member(self, what: str, profile: int, member: int) -> None:
        """Take a member away."""
        check(lib.dp_pl_member_del(self._pl, profile, member), what)

    def set_group(self, what: str, profile: int, group: int, members: Sequence[int]) -> None:
        """Add or change a group."""
        raw = ffi.new("uint32_t[]", list(members))
        check(lib.dp_pl_group_set(self._pl, profile, group, raw, len(members)), what)

    def delete_group(self, what: str, profile: int, group: int) -> None:
        """Take a group away."""
        check(lib.dp_pl_group_del(self._pl, profile, group), what)

    def value_set_add(self, what: str, value_set: int, key: Sequence[int]) -> None:
        """Add a member to a value set."""
        check(lib.dp_pl_vset_add(self._pl, value_set, ffi.new("uint64_t[]", list(key)), len(key)), what)

    def value_set_clear(self, what: str, value_set: int) -> None:
        """Empty a value set."""
        check(lib.dp_pl_vset_clear(self._pl, value_set), what)

    # ---- counters, meters, registers ----

    def counter(self, what: str, counter: int, index: int) -> tuple[int, int]:
        """Return packets and bytes."""
        raw = ffi.new("struct dp_pl_count *")
        check(lib.dp_pl_counter_get(self._pl, counter, index, raw), what)
        return int(raw.packets), int(raw.bytes)

    def set_counter(self, what: str, counter: int, index: int, packets: int, octets: int) -> None:
        """Set packets and bytes."""
        raw = ffi.new("struct dp_pl_count *", (packets, octets))
        check(lib.dp_pl_counter_set(self._pl, counter, index, raw), what)

    def entry_counter(self, what: str, table: int, handle: int) -> tuple[int, int]:
        """Return packets and bytes of an entry."""
        raw = ffi.new("struct dp_pl_count *")
        check(lib.dp_pl_entry_counter_get(self._pl, table, handle, raw), what)
        return int(raw.packets), int(raw.bytes)

    def set_entry_counter(self, what: str, table: int, handle: int, packets: int, octets: int) -> None:
        """Set packets and bytes of an entry."""
        raw = ffi.new("struct dp_pl_count *", (packets, octets))
        check(lib.dp_pl_entry_counter_set(self._pl, table, handle, raw), what)

    def set_meter(self, what: str, meter: int, index: int, rates: tuple[int, int, int, int]) -> None:
        """Set cir, cbs, pir, pbs."""
        check(lib.dp_pl_meter_set(self._pl, meter, index, ffi.new("struct dp_pl_meter_cfg *", rates)), what)

    def set_entry_meter(self, what: str, table: int, handle: int, rates: tuple[int, int, int, int]) -> None:
        """Set cir, cbs, pir, pbs of an entry."""
        check(lib.dp_pl_entry_meter_set(self._pl, table, handle, ffi.new("struct dp_pl_meter_cfg *", rates)), what)

    def register(self, what: str, register: int, index: int, width: int) -> int:
        """Return a cell of ``width`` bits."""
        raw = ffi.new("uint64_t[]", words(width))
        check(lib.dp_pl_register_get(self._pl, register, index, raw, len(raw)), what)
        return sum(int(word) << (64 * i) for i, word in enumerate(raw))

    def set_register(self, what: str, register: int, index: int, width: int, value: int) -> None:
        """Set a cell."""
        raw = ffi.new("uint64_t[]", pack_words([(value, width)]))
        check(lib.dp_pl_register_set(self._pl, register, index, raw, len(raw)), what)

    # ---- replication ----

    def set_multicast(self, what: str, group: int, replicas: Fanout) -> None:
        """Set a multicast group."""
        raw = ffi.new("struct dp_pl_replica[]", [tuple(r) for r in replicas])
        check(lib.dp_pl_mcast_set(self._pl, group, raw, len(raw)), what)

    def set_clone(self, what: str, session: int, replicas: Fanout, truncate_bytes: int) -> None:
        """Set a clone session."""
        raw = ffi.new("struct dp_pl_replica[]", [tuple(r) for r in replicas])
        check(lib.dp_pl_clone_set(self._pl, session, raw, len(raw), truncate_bytes), what)

    def set_expire(self, what: str, profile: int, idle_ps: int) -> None:
        """Set the time of an expire profile."""
        check(lib.dp_pl_expire_set(self._pl, profile, idle_ps), what)

    # ---- packets ----

    def run(self, packets: Sequence[tuple[int, bytes, int, bool]]) -> list[RawOutput]:
        """Run packets (port, data, time in ps, from the host); the GIL is free meanwhile."""
        n = len(packets)
        raw = ffi.new("struct dp_pl_in[]", n)
        kept = []
        for i, (port, data, ts_ps, from_host) in enumerate(packets):
            buffer = ffi.from_buffer("uint8_t[]", data)
            kept.append(buffer)
            raw[i].data, raw[i].len, raw[i].port, raw[i].ts_ps, raw[i].flags = buffer, len(data), port, ts_ps, from_host
        out = ffi.new("struct dp_pl_out **")
        count = check(lib.dp_pl_run(self._worker, raw, n, out), f"{n} packets")
        return [
            RawOutput(int(o.port), bytes(ffi.buffer(o.data, o.len)), int(getattr(o, "in")), int(o.rid), int(o.flags))
            for o in (out[0][i] for i in range(count))
        ]

    def run_frames(self, frames: NDArray[np.uint8], port: int, rounds: int, batch: int = 64) -> int:
        """Run the rows of ``frames``, shape (n, bytes of a frame), ``rounds`` times, ``batch`` at once.

        Returns the number of outputs, which are not kept. For measurements: no Python between the packets of a batch.
        """
        frames = np.ascontiguousarray(frames, np.uint8)
        n, length = frames.shape
        raw = ffi.new("struct dp_pl_in[]", max(n, 1))
        first = raw[0]
        first.data, first.len, first.port, first.ts_ps = ffi.from_buffer("uint8_t *", frames), length, port, 10**12
        rows = np.frombuffer(ffi.buffer(raw), np.uint64).reshape(max(n, 1), -1)
        rows[:] = rows[0]
        rows[:, 0] += np.arange(max(n, 1), dtype=np.uint64) * np.uint64(length)
        out = ffi.new("struct dp_pl_out **")
        total = 0
        for _ in range(rounds):
            for at in range(0, n, batch):
                total += check(lib.dp_pl_run(self._worker, raw + at, min(batch, n - at), out), "packets")
        return total

    def events(self) -> list[RawEvent]:
        """Return what happened since the last call."""
        out = ffi.new("struct dp_pl_event **")
        n = check(lib.dp_pl_events(self._worker, out), "events")
        return [
            RawEvent(int(e.kind), int(e.id), int(e.handle), bytes(ffi.buffer(e.data, e.len)) if e.len else b"")
            for e in (out[0][i] for i in range(n))
        ]

    def stats(self) -> dict[str, int]:
        """Return the worker's counters."""
        raw = ffi.new("struct dp_pl_stats *")
        lib.dp_pl_worker_stats(self._worker, raw)
        return {name: int(getattr(raw, name)) for name, _ in ffi.typeof("struct dp_pl_stats").fields}

    def next_ps(self) -> int:
        """Return when :meth:`tick` has something to do."""
        return int(lib.dp_pl_next_ps(self._pl))

    def tick(self, now_ps: int) -> None:
        """Let entries time out."""
        lib.dp_pl_tick(self._worker, now_ps)
