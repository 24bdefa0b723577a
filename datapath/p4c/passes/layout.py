"""How a value of a type lies in slots.

A scalar takes ceil(width / 64) slots. A varbit: its length, then its bytes. A struct, tuple: its fields one after
the other. A header: validity, fields. A union: its headers. A stack of headers: nextIndex, elements; an array of
other things has no nextIndex. So copying any value is copying a run of slots, and all slots of a value are canonical
(bits above the width are zero): two values without headers are equal if their slots are.
"""

from dataclasses import dataclass, field

from datapath.p4c.code import HeaderLayout
from datapath.p4c.passes.lir import words
from datapath.p4c.source import NOWHERE, CompileError, Message
from datapath.p4c.types import (
    Field,
    HeaderType,
    ListType,
    StackType,
    StructType,
    TupleType,
    Type,
    UnionType,
    VarbitType,
    scalar_width,
    strip,
)

MAX_SLOTS = 1 << 18


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar or varbit inside of a value: the way to it, its slot from the base, its width, whether a varbit."""

    name: str
    slot: int
    width: int
    varbit: bool
    type: Type


def fields_of(t: Type) -> tuple[tuple[str, Type], ...]:
    """Return names and types of what a struct, header, union, tuple or stack consists of."""
    t = strip(t)
    match t:
        case StructType(fields=fields) | HeaderType(fields=fields) | UnionType(fields=fields):
            return tuple((f.name, f.type) for f in fields)
        case TupleType(elems):
            return tuple((str(i), elem) for i, elem in enumerate(elems))
        case StackType(elem, size):
            return tuple((str(i), elem) for i in range(size))
    return ()


def is_aggregate(t: Type) -> bool:
    """Whether a value of ``t`` has parts."""
    return isinstance(strip(t), StructType | HeaderType | UnionType | TupleType | StackType | ListType)


def has_validity(t: Type) -> bool:
    """Whether a value of ``t`` is or contains headers."""
    t = strip(t)
    if isinstance(t, HeaderType | UnionType):
        return True
    return any(has_validity(part) for _, part in fields_of(t))


def is_header_stack(t: Type) -> bool:
    """Whether ``t`` is a stack with nextIndex."""
    t = strip(t)
    return isinstance(t, StackType) and isinstance(strip(t.elem), HeaderType | UnionType)


@dataclass(slots=True)
class Layouts:
    """Answers about types, remembered; ``headers`` are the layouts in use, in order."""

    headers: list[HeaderLayout]
    _slots: dict[Type, int] = field(default_factory=dict)
    _offsets: dict[Type, dict[str, tuple[int, Type]]] = field(default_factory=dict)
    _numbers: dict[Type, int] = field(default_factory=dict)
    _scalars: dict[Type, tuple[Scalar, ...]] = field(default_factory=dict)

    def slots(self, t: Type) -> int:
        """Return how many slots a value of ``t`` takes."""
        found = self._slots.get(t)
        if found is None:
            found = self._slots[t] = self._count(strip(t))
            if found > MAX_SLOTS:
                text = f"a value of type {t!s:.60} takes {found} words: more than {MAX_SLOTS} are not supported"
                raise CompileError([Message("error", NOWHERE, f"{text} by the engine")])
        return found

    def _count(self, t: Type) -> int:
        if isinstance(t, VarbitType):
            return 1 + words(t.width)
        width = scalar_width(t)
        if width is not None:
            return words(width)
        parts = sum(self.slots(part) for _, part in fields_of(t))
        return parts + (1 if isinstance(t, HeaderType) or is_header_stack(t) else 0)

    def offsets(self, t: Type) -> dict[str, tuple[int, Type]]:
        """Return the first slot from the base, and the type, of each part of ``t``."""
        found = self._offsets.get(t)
        if found is None:
            found, at = {}, 1 if isinstance(strip(t), HeaderType) or is_header_stack(t) else 0
            for name, part in fields_of(t):
                found[name] = (at, part)
                at += self.slots(part)
            self._offsets[t] = found
        return found

    def scalars(self, t: Type) -> tuple[Scalar, ...]:
        """Return all scalars and varbits of ``t``, in order, without validity and nextIndex."""
        found = self._scalars.get(t)
        if found is None:
            inner = strip(t)
            if isinstance(inner, VarbitType):
                found = (Scalar("", 0, inner.width, True, t),)
            elif (width := scalar_width(inner)) is not None:
                found = (Scalar("", 0, width, False, t),)
            else:
                found = tuple(
                    Scalar(f"{name}.{s.name}" if s.name else name, at + s.slot, s.width, s.varbit, s.type)
                    for name, (at, part) in self.offsets(t).items()
                    for s in self.scalars(part)
                )
            self._scalars[t] = found
        return found

    def number(self, t: Type) -> int:
        """Return the number of a header's layout; of one without validity for a struct or scalar (lookahead)."""
        found = self._numbers.get(t)
        if found is None:
            at, fields, varbit = 0, [], None
            shift = 0 if isinstance(strip(t), HeaderType) else 1
            for i, s in enumerate(self.scalars(t)):
                fields.append((s.name or "value", s.slot + shift, at, s.width))
                if s.varbit:
                    varbit = i
                else:
                    at += s.width
            found = self._numbers[t] = len(self.headers)
            self.headers.append(HeaderLayout(str(t), tuple(fields), at, varbit, self.slots(t) + shift))
        return found

    def header_field(self, t: Type, name: str) -> Field | None:
        """Return the declaration of a part of a struct, header or union."""
        inner = strip(t)
        if isinstance(inner, StructType | HeaderType | UnionType):
            return next((f for f in inner.fields if f.name == name), None)
        return None
