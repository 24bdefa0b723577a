"""The low-level form and the engine's code as text: for people, and for golden files."""

from datapath.p4c.code import NONE, Code, Insn, Item
from datapath.p4c.passes.expand import Expanded
from datapath.p4c.passes.lir import CONST, ROLES, Lir, Unit, slot_operands

_NAMES = ("d", "a", "b", "imm")


def lir_text(program: Expanded) -> str:
    """Return all units."""
    lir = program.lir
    names: dict[int, str] = {}
    for area in lir.areas:
        for i in range(area.n):
            own = area.names.get(i)
            tail = f"+{i}" if area.n > 1 else ""
            names[area.base + i] = (
                own if own is not None else f"{area.name}{'' if area.pool == 0 else f'%{area.base}'}{tail}"
            )
    out: list[str] = []
    for unit in (*program.blocks.values(), *program.actions):
        out += [f"{unit.name}:", *_unit_lines(unit, lir, names), ""]
    return "\n".join(out)


def _slot(slot: int, lir: Lir, names: dict[int, str]) -> str:
    if slot == NONE:
        return "-"
    return str(lir.const_value(slot)) if slot >= CONST else names[slot]


def _unit_lines(unit: Unit, lir: Lir, names: dict[int, str]) -> list[str]:
    labels: dict[int, int] = {}
    for insn in unit.insns:
        if insn.op == "LABEL":
            labels[insn.imm] = len(labels) + 1
    return [_line(insn, lir, names, labels) for insn in unit.insns]


def _line(insn: Insn, lir: Lir, names: dict[int, str], labels: dict[int, int]) -> str:
    if insn.op == "LABEL":
        return f"  L{labels[insn.imm]}:"
    slots, parts = slot_operands(insn.op), []
    for name, role in zip(_NAMES, ROLES[insn.op], strict=True):
        value = getattr(insn, name)
        if name in slots:
            parts.append(_slot(value, lir, names))
        elif role in "Tt":
            parts.append(_list(() if value == NONE else lir.lists[value], lir, names))
        elif role == "L":
            parts.append(f"-> L{labels[value]}")
        elif insn.op == "JTAB" and name == "b":
            parts.append("-> " + " ".join(f"L{labels[label]}" for label in lir.jump_tables[value]))
        elif role == "n":
            parts.append(f"#{value}")
    width = f".{insn.w}" if insn.w else ""
    return f"    {insn.op}{width} {', '.join(parts)}".rstrip()


def _list(items: tuple[Item, ...], lir: Lir, names: dict[int, str]) -> str:
    return "{" + ", ".join(f"{_slot(i.slot, lir, names)}:{i.width}{'v' if i.varbit else ''}" for i in items) + "}"


def code_text(code: Code) -> str:
    """Return the engine's program."""
    starts = {at: name for name, at in code.blocks.items()}
    for table in code.tables:
        for action in table.actions:
            if action.code != NONE:
                starts.setdefault(action.code, f"action {action.name}")
    out = [f"slots {code.n_slots}, constants {len(code.consts)}"]
    for header in code.headers:
        fields = " ".join(f"{name}@{slot}:{width}" for name, slot, _, width in header.fields)
        out.append(f"layout {header.name}: {header.bits} bits, {header.slots} slots: {fields}")
    for table in code.tables:
        keys = ", ".join(f"{_real(slot, code)}:{width} {kind}" for slot, width, kind in table.keys)
        actions = ", ".join(
            f"{a.name}({', '.join(f's{p.slot}:{p.width}' for p in a.params)})@{'-' if a.code == NONE else a.code}"
            for a in table.actions
        )
        out.append(f"table {table.name}: key {keys or '-'}; actions {actions}; default {table.default_action}")
    for entry in code.entries:
        out.append(f"entry of {code.tables[entry.table].name}: {entry.key} -> {entry.action} {entry.data}")
    for at, insn in enumerate(code.insns):
        if at in starts:
            out.append(f"{starts[at]}:")
        out.append(f"  {at:4} {_real_line(insn, code)}")
    return "\n".join(out) + "\n"


def _real(slot: int, code: Code) -> str:
    if slot == NONE:
        return "-"
    if slot < len(code.consts):
        return str(code.consts[slot])
    return code.slot_names.get(slot, f"s{slot}")


def _real_line(insn: Insn, code: Code) -> str:
    slots, parts = slot_operands(insn.op), []
    for name, role in zip(_NAMES, ROLES[insn.op], strict=True):
        value = getattr(insn, name)
        if name in slots:
            parts.append(_real(value, code))
        elif role == "L":
            parts.append(f"-> {value}")
        elif insn.op == "JTAB" and name == "b":
            parts.append(f"-> {' '.join(map(str, code.jump_tables[value]))}")
        elif role in "Tt":
            parts.append("-" if value == NONE else f"list {value}")
        elif role == "n":
            parts.append(f"#{value}")
    width = f".{insn.w}" if insn.w else ""
    return f"{insn.op}{width} {', '.join(parts)}".rstrip()
