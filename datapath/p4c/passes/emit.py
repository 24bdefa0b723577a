"""The ground of expansion: emitting instructions into the current unit, temporaries, labels, constants."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from datapath.p4c.code import NONE, Insn, Item
from datapath.p4c.passes.fold import fold
from datapath.p4c.passes.layout import Layouts
from datapath.p4c.passes.lir import CONST, ENDS, Area, Lir, Unit, words
from datapath.p4c.source import NOWHERE, CompileError, Message, Pos
from datapath.p4c.types import Type

MAX_INSNS = 100_000
"""A program that expands to more is refused: calls of calls can make it exponential."""


def unsupported(pos: Pos, what: str) -> NoReturn:
    """Refuse a program that the language allows and the engine cannot run."""
    raise CompileError([Message("error", pos, f"{what} is not supported by the engine")])


class Emitter:
    """Emits into ``code``, the instructions of the unit at hand. Code that nothing reaches is not emitted."""

    def __init__(self) -> None:
        self.lir = Lir()
        self.layouts = Layouts(self.lir.layouts)
        self.unit = Unit("")
        self.code: list[Insn] = self.unit.insns
        self.reachable = True
        self.pool = 1
        self.clock = 0
        self.emitted = 0
        self.where = NOWHERE
        self._scope: list[Area] = []

    # ---- slots ----

    def new_temp(self, n: int = 1, name: str = "t") -> int:
        """Return the first of ``n`` slots that live until the scope ends."""
        area = self.lir.new_area(name, n)
        area.pool, area.since, area.until = self.pool, self.clock, -1
        self._scope.append(area)
        return area.base

    def temp_of(self, t: Type, name: str = "t") -> int:
        """Return a temporary for a value of ``t``."""
        return self.new_temp(self.layouts.slots(t), name)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Temporaries made inside end with it."""
        outer, self._scope = self._scope, []
        try:
            yield
        finally:
            self.clock += 1
            for area in self._scope:
                area.until = self.clock
            self._scope = outer

    def keep(self, slot: int) -> None:
        """Make a temporary of this scope live for ever."""
        for area in self._scope:
            if area.base <= slot < area.base + area.n:
                area.pool = 0

    def const(self, value: int, width: int = 64) -> int:
        """Return the slot of a constant."""
        return self.lir.const(value, width)

    def known(self, slot: int, width: int) -> int | None:
        """Return the value in a constant's slots, None for others."""
        if slot < CONST:
            return None
        at = slot - CONST
        return sum(word << (64 * i) for i, word in enumerate(self.lir.const_words[at : at + words(width)]))

    # ---- code ----

    def emit(self, op: str, w: int = 0, d: int = 0, a: int = 0, b: int = 0, imm: int = 0) -> None:
        """Append an instruction."""
        if self.reachable:
            self.code.append(Insn(op, w, d, a, b, imm))
            self.emitted += 1
            if self.emitted > MAX_INSNS:
                text = f"with all calls expanded the program has more than {MAX_INSNS} instructions"
                raise CompileError([Message("error", self.where, text)])
            if op in ENDS:
                self.reachable = False

    def new_label(self) -> int:
        """Return a label that is nowhere yet."""
        self.lir.labels += 1
        return self.lir.labels

    def place_label(self, label: int) -> None:
        """Put a label here."""
        self.reachable = True
        self.code.append(Insn("LABEL", imm=label))

    def jump(self, label: int) -> None:
        """Go to a label."""
        self.emit("JMP", imm=label)

    def jump_table(self, slot: int, labels: list[int]) -> None:
        """Go to the label at the index in ``slot``; the last one is for all that are too large."""
        self.lir.jump_tables.append(labels)
        self.emit("JTAB", a=slot, b=len(self.lir.jump_tables) - 1)

    def alu(self, op: str, w: int, a: int, b: int = 0, dest: int | None = None, truth: bool = False) -> int:
        """Emit ``op`` of ``w`` bits in the form for its width, or fold it; returns where the result is."""
        if w == 0:
            return self.moved(self.const(int(truth and op in ("EQ", "LE", "SLE")), 1), 1, dest)
        x, y = self.known(a, w), self.known(b, 64 if op in ("SHL", "SHR", "SAR") else w)
        if x is not None and (y is not None or op in ("NOT", "NEG", "LNOT")):
            value = fold(op, w, x, y or 0)
            if value is not None:
                return self.moved(self.const(value, 1 if truth else w), 1 if truth else w, dest)
        if dest is None:
            dest = self.new_temp(1 if truth else words(w))
        self.emit(op + "X" if w > 64 else op, w, dest, a, b)
        return dest

    def moved(self, slot: int, width: int, dest: int | None) -> int:
        """Return ``slot``, or ``dest`` after a move to it."""
        if dest is None or dest == slot:
            return slot
        self.emit("MOVX" if width > 64 else "MOV", width or 1, dest, slot)
        return dest

    def copy(self, dest: int, source: int, t: Type) -> None:
        """Copy a whole value of ``t``."""
        n = self.layouts.slots(t)
        if dest == source or n == 0:
            return
        if n == 1:
            self.emit("MOV", 64, dest, source)
        else:
            self.emit("COPY", 0, dest, source, 0, n)

    def zero(self, dest: int, n: int) -> None:
        """Set slots to zero."""
        if n == 1:
            self.emit("MOV", 64, dest, self.const(0))
        elif n:
            self.emit("ZERO", 0, dest, imm=n)

    def jump_if(self, slot: int, when: bool, label: int) -> None:
        """Go to ``label`` if the truth value in ``slot`` is ``when``."""
        value = self.known(slot, 1)
        if value is None:
            self.emit("JNZ" if when else "JZ", a=slot, imm=label)
        elif bool(value) == when:
            self.jump(label)

    def new_list(self, items: list[tuple[int, int, bool]]) -> int:
        """Return the number of a list of (slot, width, varbit)."""
        made = tuple(Item(*item) for item in items if item[1])
        for i, old in enumerate(self.lir.lists):
            if old == made:
                return i
        self.lir.lists.append(made)
        return len(self.lir.lists) - 1


__all__ = ["MAX_INSNS", "NONE", "Emitter", "unsupported"]
