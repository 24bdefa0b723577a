"""Takes away instructions whose results nothing reads."""

from datapath.p4c.code import NONE, Insn
from datapath.p4c.passes.expand import Expanded
from datapath.p4c.passes.lir import CONST, ENDS, JUMPS, PURE, Lir, reads, writes

_BARRIERS = frozenset(
    ("LABEL", "APPLY", "CALL", "ADDENTRY", "VSET", "ASSERT", "DIGEST", "CLONE", "RESUBMIT", "RECIRCULATE")
)


def remove_dead(program: Expanded) -> None:
    """Remove what has no effect, until nothing changes.

    That is instructions that write slots which nobody reads, and those whose result is overwritten in the same straight
    piece of code before anything reads it.
    """
    units = [*program.blocks.values(), *program.actions]
    while True:
        read = _read_slots(program.lir, [i for u in units for i in u.insns])
        changed = False
        for unit in units:
            changed |= _remove(unit.insns, read, program.lir)
            changed |= _overwritten(unit.insns, program.lir)
        if not changed:
            return


def _read_slots(lir: Lir, insns: list[Insn]) -> bytearray:
    read = bytearray(lir.n_slots)

    def mark(slot: int, n: int) -> None:
        if slot < CONST:
            read[slot : slot + n] = b"\1" * n

    for insn in insns:
        for slot, n in reads(insn, lir):
            mark(slot, n)
    for slot, n in lir.kept:
        mark(slot, n)
    return read


def _remove(insns: list[Insn], read: bytearray, lir: Lir) -> bool:
    out = []
    for insn in insns:
        if insn.op in PURE and insn.op not in JUMPS:
            spans = list(writes(insn, lir))
            if all(not any(read[s : s + n]) for s, n in spans):
                continue
        elif insn.op == "APPLY" and insn.d != NONE and not read[insn.d]:
            insn.d = NONE
        out.append(insn)
    changed = len(out) != len(insns)
    insns[:] = out
    return changed


def _overwritten(insns: list[Insn], lir: Lir) -> bool:
    """Go backwards: a slot in ``later`` is written before anything reads it."""
    later: set[int] = set()
    gone = False
    for i in range(len(insns) - 1, -1, -1):
        insn = insns[i]
        op = insn.op
        if op in JUMPS or op in ENDS or op in _BARRIERS:
            later.clear()
            continue
        spans = list(writes(insn, lir))
        if op in PURE and spans and all(n <= 16 and all(s + k in later for k in range(n)) for s, n in spans):
            insns[i] = Insn("NOP")
            gone = True
            continue
        for s, n in spans:
            if n <= 16:
                later.update(range(s, s + n))
        for s, n in reads(insn, lir):
            if s < CONST and later:
                later.difference_update(range(s, s + n))
    if gone:
        insns[:] = [i for i in insns if i.op != "NOP"]
    return gone
