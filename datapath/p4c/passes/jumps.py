"""Shorter ways: jumps to jumps, jumps to what comes next, code that nothing reaches, labels that nobody uses."""

from datapath.p4c.code import Insn
from datapath.p4c.passes.expand import Expanded
from datapath.p4c.passes.lir import ENDS, JUMPS

_OPPOSITE = {"JZ": "JNZ", "JNZ": "JZ", "JEQ": "JNE", "JNE": "JEQ"}


def shorten(program: Expanded) -> None:
    """Shorten all ways until nothing changes."""
    tables = program.lir.jump_tables
    for unit in (*program.blocks.values(), *program.actions):
        while _once(unit.insns, tables):
            pass


def _targets(insns: list[Insn]) -> dict[int, int]:
    return {insn.imm: i for i, insn in enumerate(insns) if insn.op == "LABEL"}


def _once(insns: list[Insn], tables: list[list[int]]) -> bool:
    changed = _thread(insns, tables)
    _turn(insns)
    return _sweep(insns, tables) or changed


def _thread(insns: list[Insn], tables: list[list[int]]) -> bool:
    """A jump to a jump goes to where that goes; a jump to an end of a block or action is one."""
    where = _targets(insns)
    final: dict[int, int] = {}

    def follow(label: int, steps: int = 0) -> int:
        found = final.get(label)
        if found is None:
            at = where[label]
            while insns[at].op == "LABEL" and at + 1 < len(insns):
                at += 1
            found = follow(insns[at].imm, steps + 1) if insns[at].op == "JMP" and steps < 50 else label
            final[label] = found
        return found

    changed = False
    for insn in insns:
        if insn.op in JUMPS:
            label = follow(insn.imm)
            changed |= label != insn.imm
            insn.imm = label
            if insn.op == "JMP":
                at = where[label]
                while insns[at].op == "LABEL" and at + 1 < len(insns):
                    at += 1
                if insns[at].op in ("END", "RET"):
                    insn.op, insn.imm = insns[at].op, 0
                    changed = True
        elif insn.op == "JTAB":
            table = tables[insn.b]
            table[:] = [follow(label) for label in table]
    return changed


def _turn(insns: list[Insn]) -> None:
    """``JZ a, x; JMP y; x:`` is ``JNZ a, y; x:``."""
    for i in range(len(insns) - 2):
        first, second = insns[i], insns[i + 1]
        if second.op != "JMP" or first.op not in JUMPS or first.op == "JMP":
            continue
        at = i + 2
        while at < len(insns) and insns[at].op == "LABEL" and insns[at].imm != first.imm:
            at += 1
        if at >= len(insns) or insns[at].op != "LABEL":
            continue
        if first.op in _OPPOSITE:
            first.op, first.imm = _OPPOSITE[first.op], second.imm
        elif first.op in ("JLT", "JLE"):  # not a < b: b <= a
            first.op = "JLE" if first.op == "JLT" else "JLT"
            first.a, first.b, first.imm = first.b, first.a, second.imm
        else:
            continue
        second.op, second.imm = "NOP", 0


def _sweep(insns: list[Insn], tables: list[list[int]]) -> bool:
    """Take away what is not reached, jumps to the next instruction, NOPs and unused labels."""
    used = {insn.imm for insn in insns if insn.op in JUMPS}
    for insn in insns:
        if insn.op == "JTAB":
            used.update(tables[insn.b])
    out: list[Insn] = []
    reached = True
    for i, insn in enumerate(insns):
        if insn.op == "LABEL":
            if insn.imm not in used:
                continue
            reached = True
        elif (
            not reached
            or insn.op == "NOP"
            or (insn.op in ("JMP", "JZ", "JNZ", "JEQ", "JNE", "JLT", "JLE") and _next_is(insns, i + 1, insn.imm))
        ):
            continue
        out.append(insn)
        if insn.op in ENDS:
            reached = False
    changed = len(out) != len(insns)
    insns[:] = out
    return changed


def _next_is(insns: list[Insn], at: int, label: int) -> bool:
    while at < len(insns) and insns[at].op in ("LABEL", "NOP"):
        if insns[at].op == "LABEL" and insns[at].imm == label:
            return True
        at += 1
    return False
