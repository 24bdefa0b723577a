"""Follows constants and copies through straight pieces of code: what reads a copy reads the original."""

from datapath.p4c.code import Insn
from datapath.p4c.passes.expand import Expanded
from datapath.p4c.passes.fold import fold
from datapath.p4c.passes.lir import CONST, Area, Lir, read_slots, writes

_JUMP_IF = {"JZ": "EQ", "JNZ": "NE", "JEQ": "EQ", "JNE": "NE", "JLT": "LT", "JLE": "LE"}
_FOLDS = frozenset(
    "ADD SUB MUL AND OR XOR SHL SHR SAR NOT NEG ADDS SUBS ADDSS SUBSS DIV MOD EQ NE LT LE LNOT".split()  # noqa: SIM905
)


def follow(program: Expanded) -> None:
    """Replace operands in all units."""
    owner = [area for area in program.lir.areas for _ in range(area.n)]
    for unit in (*program.blocks.values(), *program.actions):
        _unit(unit.insns, program.lir, owner)


def _unit(insns: list[Insn], lir: Lir, owner: list[Area]) -> None:
    copies: dict[int, int] = {}  # a slot -> the slot or constant that it equals
    copied: dict[int, set[int]] = {}  # a slot -> those that equal it
    for insn in insns:
        op = insn.op
        if op == "LABEL":
            copies.clear()
            copied.clear()
            continue
        if copies:
            for name, role in read_slots(op):
                if role in "ro1" or (role == "R" and insn.w <= 64):
                    source = copies.get(getattr(insn, name))
                    if source is not None and role != "1":
                        setattr(insn, name, source)
            _fold(insn, lir)
        if op in ("APPLY", "CALL", "VSET", "ADDENTRY"):
            copies.clear()
            copied.clear()
        for slot, n in writes(insn, lir):
            if copies or copied:
                for s in range(slot, slot + n):
                    copies.pop(s, None)
                    for other in copied.pop(s, ()):
                        copies.pop(other, None)
        if insn.op == "MOV" and insn.d != insn.a and _outlives(insn.a, insn.d, owner):
            copies[insn.d] = insn.a
            if insn.a < CONST:
                copied.setdefault(insn.a, set()).add(insn.d)


def _outlives(source: int, copy: int, owner: list[Area]) -> bool:
    """Whether the original is there as long as the copy: temporaries share slots."""
    if source >= CONST or owner[source].pool == 0:
        return True
    mine, other = owner[source], owner[copy]
    return other.pool == mine.pool and (mine.until >= other.until >= 0 or mine.until < 0)


def _fold(insn: Insn, lir: Lir) -> None:
    op = insn.op
    if op in _FOLDS and insn.a >= CONST and (insn.b >= CONST or op in ("NOT", "NEG", "LNOT")):
        a, b = lir.const_value(insn.a), lir.const_value(insn.b) or 0
        assert a is not None
        value = fold(op, insn.w, a, b)
        if value is not None:
            insn.op, insn.a, insn.b, insn.w = "MOV", lir.const(value, 64), 0, 64
    elif op in _JUMP_IF and insn.a >= CONST and (insn.b >= CONST or op in ("JZ", "JNZ")):
        x, y = lir.const_value(insn.a), 0 if op in ("JZ", "JNZ") else lir.const_value(insn.b)
        assert x is not None
        assert y is not None
        insn.op = "JMP" if fold(_JUMP_IF[op], 64, x, y) else "NOP"
        insn.a = insn.b = 0
        if insn.op == "NOP":
            insn.imm = 0
