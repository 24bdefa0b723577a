"""The last pass: real slots and instruction numbers. Temporaries that do not live at the same time share slots."""

from datapath.p4c import code
from datapath.p4c.code import NONE, Code, Insn, Item
from datapath.p4c.passes.expand import Expanded
from datapath.p4c.passes.lir import CONST, JUMPS, Area, Lir, slot_operands

_IDLE = frozenset(("LABEL", "NOP", "END"))
"""What a block consists of that does nothing: the engine need not run it."""


def finish(program: Expanded) -> Code:
    """Return the engine's program."""
    lir, out = program.lir, program.code
    units = [*program.blocks.values(), *program.actions]
    where = _assign(lir, [i for u in units for i in u.insns])
    out.consts = list(lir.const_words) or [0]
    out.n_slots = where.top
    out.slot_names = where.names

    starts: dict[int, int] = {}
    labels: dict[int, int] = {}
    for unit in units:
        starts[id(unit)] = len(out.insns)
        for insn in unit.insns:
            if insn.op == "LABEL":
                labels[insn.imm] = len(out.insns)
            else:
                out.insns.append(insn)
    used_tables: dict[int, int] = {}
    for at, insn in enumerate(out.insns):
        out.insns[at] = _place(insn, where, labels, used_tables, lir, out)
    out.blocks = {
        name: starts[id(unit)] for name, unit in program.blocks.items() if any(i.op not in _IDLE for i in unit.insns)
    }
    out.lists = [tuple(Item(where[i.slot], i.width, i.varbit) for i in items) for items in lir.lists]
    out.intrinsics = {name: where[slot] for name, slot in program.intrinsics.items() if where.has(slot)}
    for table in out.tables:
        table.keys[:] = [(where[slot], width, kind) for slot, width, kind in table.keys]
        table.default_data = where[table.default_data]
        if table.meter_slot != NONE:
            table.meter_slot = where[table.meter_slot]
    for table in out.tables:
        table.actions = [_action(a, where, program, starts) for a in table.actions]
    for profile in out.profiles:
        profile.actions = [_action(a, where, program, starts) for a in profile.actions]
    for value_set in out.value_sets:
        value_set.keys[:] = [(where[slot], width, kind) for slot, width, kind in value_set.keys]
    if program.headers[1] and where.has(program.headers[0]):
        out.header_slots = (where[program.headers[0]], program.headers[1])
    return out


def _action(a: code.TableAction, where: "_Slots", program: Expanded, starts: dict[int, int]) -> code.TableAction:
    params = tuple(Item(where[i.slot], i.width, i.varbit) for i in a.params)
    start = NONE if a.code == NONE else starts[id(program.actions[a.code])]
    return code.TableAction(a.name, start, params, a.default_only, a.table_only)


def _place(
    insn: Insn, where: "_Slots", labels: dict[int, int], used_tables: dict[int, int], lir: Lir, out: Code
) -> Insn:
    made = Insn("NOP" if insn.op == "ADDRESULT" else insn.op, insn.w, insn.d, insn.a, insn.b, insn.imm)
    for name in slot_operands(insn.op):
        slot = getattr(insn, name)
        if slot != NONE:
            setattr(made, name, where[slot])
    if insn.op in JUMPS:
        made.imm = labels[insn.imm]
    elif insn.op == "JTAB":
        if insn.b not in used_tables:
            used_tables[insn.b] = len(out.jump_tables)
            out.jump_tables.append([labels[label] for label in lir.jump_tables[insn.b]])
        made.b = used_tables[insn.b]
    return made


class _Slots:
    """Real slots of virtual ones: constants first, then what lives for ever, then temporaries."""

    def __init__(self, lir: Lir) -> None:
        self.n_consts = max(len(lir.const_words), 1)
        self.bases: list[int | None] = [None] * lir.n_slots
        self.top = self.n_consts
        self.names: dict[int, str] = {}

    def __getitem__(self, slot: int) -> int:
        if slot >= CONST:
            return slot - CONST
        found = self.bases[slot]
        assert found is not None, slot
        return found

    def has(self, slot: int) -> bool:
        """Whether a slot is in use."""
        return slot >= CONST or self.bases[slot] is not None

    def put(self, area: Area, base: int) -> None:
        """Give an area its slots."""
        for i in range(area.n):
            self.bases[area.base + i] = base + i
        if area.names:
            self.names.update({base + i: name for i, name in area.names.items()})
        elif area.pool == 0:
            self.names.update({base + i: area.name if area.n == 1 else f"{area.name}+{i}" for i in range(area.n)})


def used_areas(lir: Lir, insns: list[Insn]) -> list[Area]:
    """Return the areas that anything touches, in order."""
    owner: list[Area] = [area for area in lir.areas for _ in range(area.n)]
    seen: dict[int, Area] = {}

    def touch(slot: int) -> None:
        if slot < CONST and slot != NONE:
            area = owner[slot]
            seen[area.base] = area

    for insn in insns:
        for name in slot_operands(insn.op):
            touch(getattr(insn, name))
    for slot, _ in lir.kept:
        touch(slot)
    for items in lir.lists:
        for item in items:
            touch(item.slot)
    return [seen[base] for base in sorted(seen)]


def _assign(lir: Lir, insns: list[Insn]) -> _Slots:
    where = _Slots(lir)
    areas = used_areas(lir, insns)
    for area in areas:
        if area.pool == 0:
            where.put(area, where.top)
            where.top += area.n
    for pool in (1, 2):
        where.top = _share(where, sorted((a for a in areas if a.pool == pool), key=lambda a: a.since))
    return where


def _share(where: _Slots, areas: list[Area]) -> int:
    """Give temporaries the lowest slots that are free while they live; returns the end."""
    first = end = where.top
    active: list[tuple[int, Area]] = []  # by slot
    for area in areas:
        active = [(base, a) for base, a in active if a.until > area.since or a.until < 0]
        at, place = first, len(active)
        for i, (base, other) in enumerate(active):
            if base - at >= area.n:
                place = i
                break
            at = base + other.n
        active.insert(place, (at, area))
        where.put(area, at)
        end = max(end, at + area.n)
    return end
