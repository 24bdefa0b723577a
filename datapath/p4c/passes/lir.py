"""The low-level form between the typed IR and the engine's code: instructions over virtual slots, with labels.

An instruction is a :class:`code.Insn` whose jumps name labels and whose slots are virtual: each variable, header and
temporary has numbers of its own, constants have numbers from ``CONST`` on. ``LABEL`` (number in ``imm``) and
``ADDRESULT`` (the NOP behind ADDENTRY) are the ops that the engine does not have. The last pass gives real slots.

``ROLES`` says what each operand is; every pass reads it, so an op is described once:

* ``r``/``w``/``m`` one slot that is read, written, or both; ``R``/``W``/``M`` as many slots as ``w`` bits need
* ``c``/``C`` as many slots as the number in ``imm`` says are read/written; ``i`` bits in ``imm``, ``j`` bits in ``b``
* ``n`` a number, ``L`` a label, ``o`` a slot or NONE, ``-`` nothing
* ``H``/``h`` a header (of the layout in ``a``, ``b``) that is written/read, ``T`` a list that is read
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from datapath.p4c.code import NONE, HeaderLayout, Insn, Item

CONST = 1 << 40
"""Virtual slots from here on are constants."""

_ROLES = """
NOP ----
MOV wr--  NOT wr--  NEG wr--  LNOT wr--  TRUNC wr--
ADD wrr-  SUB wrr-  MUL wrr-  AND wrr-  OR wrr-  XOR wrr-  SHL wrr-  SHR wrr-  SAR wrr-
ADDS wrr-  SUBS wrr-  ADDSS wrr-  SUBSS wrr-  DIV wrr-  MOD wrr-
SLICE wr-n  INS mr-n  CAT wrrn  SEXT wr-n  SEL wrrr
EQ wrr-  NE wrr-  LT wrr-  LE wrr-  SLT wrr-  SLE wrr-
MOVX WR--  NOTX WR--  NEGX WR--
ADDX WRR-  SUBX WRR-  MULX WRR-  ANDX WRR-  ORX WRR-  XORX WRR-  SHLX WRr-  SHRX WRr-  SARX WRr-
ADDSX WRR-  SUBSX WRR-  ADDSSX WRR-  SUBSSX WRR-  DIVX WRR-  MODX WRR-
SLICEX Wjnn  INSX kRnn  SEXTX Wi-n  ZEXTX Wi-n
EQX wRR-  NEX wRR-  LTX wRR-  LEX wRR-  SLTX wRR-  SLEX wRR-
COPY Cc-n  ZERO C--n
JMP ---L  JZ -r-L  JNZ -r-L  JEQ -rrL  JNE -rrL  JLT -rrL  JLE -rrL  JTAB -rn-
CALL ---L  RET ----  END ----
EXTRACT HnnL  EXTRACTV HnrL  LOOK HnnL  ADVANCE -r-L  PKTLEN w---
EMIT -hn-
APPLY wwn-  VSET w-n-
COUNT -rn-  DCOUNT --n-  METER wrno  DMETER w-no  REGRD Wrn-  REGWR Rrn-
HASH W-Tn  HASHMOD W2Tn  CSUM w-Tn  CSUMADD m-T-  CSUMSUB m-T-
RANDOM WRR-  DIGEST --nn  LOG --tn  ASSERT -r-n
CLONE -rtn  RESUBMIT --t-  RECIRCULATE --t-  TRUNCATE -r--
ADDENTRY 1rnn  ADDRESULT w---  SETEXPIRE -rn-  RESTARTEXPIRE --n-  MIRROR -rr-
LABEL ---n
"""

ROLES: dict[str, str] = dict(zip(_ROLES.split()[::2], _ROLES.split()[1::2], strict=True))

JUMPS = frozenset(op for op, roles in ROLES.items() if roles[3] == "L")
"""Ops that may go to the label in ``imm``."""

ENDS = frozenset(("JMP", "RET", "END", "JTAB"))
"""Ops behind which control does not go on."""

PURE = frozenset(
    op
    for op in ROLES
    if ROLES[op][0] in "wWmMCk"
    and op not in ("APPLY", "ADDRESULT", "METER", "DMETER", "RANDOM", "LOOK", "CSUMADD", "CSUMSUB")
)
"""Ops that do nothing but write their result."""


def words(width: int) -> int:
    """Return the slots that a value of ``width`` bits takes."""
    return max(1, (width + 63) >> 6)


@dataclass(eq=False, slots=True)
class Area:
    """Consecutive virtual slots from ``base``: a variable, a structure of the architecture or a temporary.

    A temporary (``pool`` not 0) lives while ``since <= clock < until``; those of one pool share real slots.
    """

    name: str
    base: int
    n: int
    pool: int = 0
    since: int = 0
    until: int = 0
    names: dict[int, str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Unit:
    """A piece of code that is entered at its beginning: a block of the architecture or an action as a table runs it."""

    name: str
    insns: list[Insn] = field(default_factory=list)


@dataclass(slots=True)
class ApplyInfo:
    """What APPLY of a table touches: slots of the keys, slots written by parameters and actions."""

    reads: list[tuple[int, int]] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)


@dataclass(slots=True)
class Lir:
    """A whole program in this form, and the tables that its numbers mean."""

    units: dict[str, Unit] = field(default_factory=dict)
    areas: list[Area] = field(default_factory=list)
    consts: dict[tuple[int, ...], int] = field(default_factory=dict)
    const_words: list[int] = field(default_factory=list)
    layouts: list[HeaderLayout] = field(default_factory=list)
    lists: list[tuple[Item, ...]] = field(default_factory=list)
    jump_tables: list[list[int]] = field(default_factory=list)
    kept: list[tuple[int, int]] = field(default_factory=list)
    """Slots that are read from outside: intrinsics, keys and parameters of tables."""
    n_slots: int = 0
    labels: int = 0

    def new_area(self, name: str, n: int) -> Area:
        """Return a new area of ``n`` slots."""
        area = Area(name, self.n_slots, max(n, 1))
        self.areas.append(area)
        self.n_slots += area.n
        return area

    def const_block(self, values: tuple[int, ...]) -> int:
        """Return the first virtual slot of these words, one behind the other."""
        found = self.consts.get(values)
        if found is None:
            found = self.consts[values] = CONST + len(self.const_words)
            self.const_words.extend(values)
        return found

    def const(self, value: int, width: int) -> int:
        """Return the virtual slot of a constant of ``width`` bits."""
        value &= (1 << width) - 1
        if width <= 64:
            return self.const_block((value,))
        return self.const_block(tuple((value >> (64 * i)) & (2**64 - 1) for i in range(words(width))))

    def const_value(self, slot: int) -> int | None:
        """Return the word in a constant's slot, None for other slots."""
        return self.const_words[slot - CONST] if slot >= CONST else None


_OPERANDS = ("d", "a", "b", "imm")


def _count(role: str, insn: Insn, layouts: list[HeaderLayout], position: int) -> int:
    match role:
        case "r" | "w" | "m" | "o" | "1":
            return 1
        case "R" | "W" | "M":
            return words(insn.w)
        case "c" | "C":
            return insn.imm
        case "i":
            return words(insn.imm)
        case "j" | "k":
            return words(insn.b)
        case "2":
            return 2
        case "H":
            return layouts[insn.a].slots
        case "h":
            return layouts[insn.b].slots
    raise AssertionError(f"{insn.op}: role {role} at {position}")


_SHAPES: dict[str, tuple[tuple[tuple[int, str], ...], tuple[tuple[int, str], ...], bool]] = {}
for _op, _roles in ROLES.items():
    _SHAPES[_op] = (
        tuple((i, r) for i, r in enumerate(_roles) if r in "rmRMcijkho21"),
        tuple((i, r) for i, r in enumerate(_roles) if r in "wmWMCkH"),
        _roles[2] in "Tt",
    )


def slot_operands(op: str) -> tuple[str, ...]:
    """Return the names of the operands of ``op`` that are slots."""
    return _SLOT_OPERANDS[op]


_SLOT_OPERANDS = {
    op: tuple(_OPERANDS[i] for i, r in enumerate(roles) if r in "rmRMcijkho21wWCH") for op, roles in ROLES.items()
}


def reads(insn: Insn, lir: Lir) -> Iterator[tuple[int, int]]:
    """Each run of slots that ``insn`` reads by itself: first slot, number. APPLY's keys are in ``Lir.kept``."""
    shape = _SHAPES[insn.op]
    for i, role in shape[0]:
        slot = getattr(insn, _OPERANDS[i])
        if slot == NONE:
            continue
        yield slot, _count(role, insn, lir.layouts, i)
    if shape[2] and insn.b != NONE:
        for item in lir.lists[insn.b]:
            yield item.slot, words(item.width) + item.varbit


def writes(insn: Insn, lir: Lir) -> Iterator[tuple[int, int]]:
    """Each run of slots that ``insn`` writes by itself."""
    for i, role in _SHAPES[insn.op][1]:
        slot = getattr(insn, _OPERANDS[i])
        if slot != NONE:
            yield slot, _count(role, insn, lir.layouts, i)


def read_slots(op: str) -> tuple[tuple[str, str], ...]:
    """Return (operand, role) of what ``op`` reads."""
    return _READ_SLOTS[op]


_READ_SLOTS = {op: tuple((_OPERANDS[i], r) for i, r in shape[0]) for op, shape in _SHAPES.items()}
