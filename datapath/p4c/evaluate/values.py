"""The values of a running P4 program, and what holds for them: defaults, copies, equality, bits.

A scalar is a Python int or bool (an enum and ``error``: the index of the member). Everything else is an object that
stays the same for the life of its variable: an assignment copies into it, so that a reference to one of its fields
stays good.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from datapath.p4c import types as t


@dataclass(frozen=True, slots=True)
class Varbit:
    """A value of ``varbit``: ``length`` bits, the first on the wire the most significant."""

    bits: int = 0
    length: int = 0


class Struct:
    """A struct's fields by name."""

    __slots__ = ("fields", "type")

    def __init__(self, type_: t.StructType, fields: "dict[str, Value]") -> None:
        self.type = type_
        self.fields = fields


class Header:
    """A header: fields and validity. ``union`` is the header union that it is a member of."""

    __slots__ = ("fields", "type", "union", "valid")

    def __init__(self, type_: t.HeaderType, fields: "dict[str, Value]", valid: bool) -> None:
        self.type = type_
        self.fields = fields
        self.valid = valid
        self.union: Union | None = None

    def set_valid(self, valid: bool) -> None:
        """Set the validity; of a union's headers at most one is valid."""
        if valid and self.union is not None:
            for other in self.union.fields.values():
                other.valid = False
        self.valid = valid


class Union:
    """A header union's headers by name."""

    __slots__ = ("fields", "type")

    def __init__(self, type_: t.UnionType, fields: dict[str, Header]) -> None:
        self.type = type_
        self.fields = fields
        for header in fields.values():
            header.union = self

    @property
    def valid(self) -> bool:
        """Whether one of the headers is valid."""
        return any(h.valid for h in self.fields.values())


class Stack:
    """A header stack or array; ``next`` is the index that ``next`` means."""

    __slots__ = ("items", "next", "type")

    def __init__(self, type_: t.StackType, items: "list[Value]") -> None:
        self.type = type_
        self.items = items
        self.next = 0


class Tuple:
    """A tuple or list."""

    __slots__ = ("items",)

    def __init__(self, items: "list[Value]") -> None:
        self.items = items


Value: TypeAlias = object
"""An int, bool, str, None, one of the classes above, or an object of the architecture (a packet, a counter)."""

COMPOUND = (Struct, Header, Union, Stack, Tuple)


def default(type_: t.Type) -> Value:
    """Return the value of an uninitialised variable: zero, false, the first member, headers invalid."""
    base = t.strip(type_)
    match base:
        case t.BitType() | t.IntType() | t.InfIntType() | t.EnumType() | t.SerEnumType() | t.ErrorType():
            return 0
        case t.BoolType():
            return False
        case t.VarbitType():
            return Varbit()
        case t.StructType():
            return Struct(base, {f.name: default(f.type) for f in base.fields})
        case t.HeaderType():
            return Header(base, {f.name: default(f.type) for f in base.fields}, False)
        case t.UnionType():
            return Union(base, {f.name: _header(default(f.type)) for f in base.fields})
        case t.StackType():
            return Stack(base, [default(base.elem) for _ in range(base.size)])
        case t.TupleType():
            return Tuple([default(e) for e in base.elems])
        case t.StringType():
            return ""
    return None


def _header(value: Value) -> Header:
    assert isinstance(value, Header)
    return value


def copy(value: Value) -> Value:
    """Return a value that shares nothing with this one."""
    match value:
        case Struct():
            return Struct(value.type, {n: copy(v) for n, v in value.fields.items()})
        case Header():
            return Header(value.type, {n: copy(v) for n, v in value.fields.items()}, value.valid)
        case Union():
            return Union(value.type, {n: _header(copy(v)) for n, v in value.fields.items()})
        case Stack():
            out = Stack(value.type, [copy(v) for v in value.items])
            out.next = value.next
            return out
        case Tuple():
            return Tuple([copy(v) for v in value.items])
    return value


def assign(target: Value, value: Value) -> None:
    """Copy ``value``, which is of the same shape and shares nothing with it, into the compound ``target``.

    A header takes the fields of an invalid one, too. A valid one that goes into a union makes the others invalid.
    """
    match target, value:
        case Struct(), Struct():
            _assign_all(target.fields, value.fields)
        case Header(), Header():
            _assign_all(target.fields, value.fields)
            target.set_valid(value.valid)
        case Union(), Union():
            # One by one, not by assign(): the headers before a valid one must keep what they hold but not their bit.
            for name, header in value.fields.items():
                into = target.fields[name]
                _assign_all(into.fields, header.fields)
                into.valid = header.valid
        case Stack(), Stack():
            for i, item in enumerate(value.items):
                put(target.items, i, item)
            target.next = value.next
        case Tuple(), Tuple():
            for i, item in enumerate(value.items):
                put(target.items, i, item)
        case _:
            raise TypeError(f"cannot assign {type(value).__name__} to {type(target).__name__}")


def _assign_all(target: dict[str, Value], fields: dict[str, Value]) -> None:
    for name, value in fields.items():
        put(target, name, value)


def put(container: Any, key: object, value: Value) -> None:
    """Store a value in a place: scalars anew, others by copying into what is there."""
    old = container[key]
    if isinstance(old, COMPOUND) and isinstance(value, COMPOUND):
        assign(old, value)
    else:
        container[key] = value


def equal(a: Value, b: Value) -> bool:
    """Compare as ``==`` does: headers are equal when both are invalid, or both are valid with equal fields."""
    match a, b:
        case Header(), Header():
            if not (a.valid and b.valid):
                return a.valid == b.valid
            return all(equal(v, b.fields[n]) for n, v in a.fields.items())
        case (Struct() | Union(), Struct() | Union()):
            return all(equal(v, b.fields[n]) for n, v in a.fields.items())
        case (Stack() | Tuple(), Stack() | Tuple()):
            return len(a.items) == len(b.items) and all(equal(x, y) for x, y in zip(a.items, b.items, strict=True))
    return a == b


# ---- bits ----


def wrap(value: int, type_: t.Type) -> int:
    """Return ``value`` modulo the width of ``type_``, in its range."""
    base = t.strip(type_)
    if isinstance(base, t.SerEnumType):
        base = base.underlying
    if isinstance(base, t.BitType):
        return value & ((1 << base.width) - 1)
    if isinstance(base, t.IntType):
        if not base.width:
            return 0
        value &= (1 << base.width) - 1
        return value - (1 << base.width) if value >> (base.width - 1) else value
    return value


def to_bits(value: Value, type_: t.Type) -> int:
    """Return a scalar's unsigned bits."""
    width = t.scalar_width(type_)
    if width is None or not isinstance(value, int):
        raise TypeError(f"{type_} is not a scalar")
    return int(value) & ((1 << width) - 1)


def from_bits(bits: int, type_: t.Type) -> int | bool:
    """Return the scalar of ``type_`` whose unsigned bits these are."""
    if isinstance(t.strip(type_), t.BoolType):
        return bool(bits & 1)
    return wrap(bits, type_)


def leaves(value: Value, type_: t.Type) -> Iterator[tuple[int, int]]:
    """Give (bits, width) of all scalars in order, of invalid headers, too; a varbit with the bits it has."""
    base = t.strip(type_)
    match base, value:
        case t.StructType() | t.HeaderType() | t.UnionType(), Struct() | Header() | Union():
            for f in base.fields:
                yield from leaves(value.fields[f.name], f.type)
        case t.StackType(), Stack() | Tuple():
            for item in value.items:
                yield from leaves(item, base.elem)
        case t.TupleType(), Tuple():
            for item, elem in zip(value.items, base.elems, strict=True):
                yield from leaves(item, elem)
        case t.ListType(), Tuple():
            for item in value.items:
                yield from leaves(item, base.elem)
        case t.VarbitType(), Varbit():
            yield value.bits, value.length
        case _:
            width = t.scalar_width(base)
            if width is None:
                raise TypeError(f"{type_} has no bits")
            yield to_bits(value, base), width


def to_bytes(value: Value, type_: t.Type) -> bytes:
    """Return all scalars one after the other, most significant bit first, zero bits behind the last to a whole byte.

    This is what hashes and checksums run over (the reference switch packs and pads so).
    """
    acc = bits = 0
    for leaf, width in leaves(value, type_):
        acc = acc << width | leaf
        bits += width
    pad = -bits % 8
    return (acc << pad).to_bytes((bits + pad) // 8, "big")


def field_width(type_: t.Type) -> int:
    """Return the bits of a header field, lookahead or emitted type without its varbits."""
    base = t.strip(type_)
    match base:
        case t.VarbitType():
            return 0
        case t.StructType() | t.HeaderType() | t.UnionType():
            return sum(field_width(f.type) for f in base.fields)
        case t.TupleType():
            return sum(map(field_width, base.elems))
        case t.StackType():
            return base.size * field_width(base.elem)
    width = t.scalar_width(base)
    if width is None:
        raise TypeError(f"{type_} has no width")
    return width
