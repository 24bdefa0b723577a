"""The types of P4-16 (language specification, chapter 7). Structural ones compare by value, named ones by name."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class BitType:
    """``bit<width>``: unsigned."""

    width: int

    def __str__(self) -> str:
        return f"bit<{self.width}>"


@dataclass(frozen=True, slots=True)
class IntType:
    """``int<width>``: two's complement. A value of it is a Python int in its signed range."""

    width: int

    def __str__(self) -> str:
        return f"int<{self.width}>"


@dataclass(frozen=True, slots=True)
class VarbitType:
    """``varbit<width>``: up to that many bits."""

    width: int

    def __str__(self) -> str:
        return f"varbit<{self.width}>"


@dataclass(frozen=True, slots=True)
class InfIntType:
    """``int``: integers of the compiler, of any size."""

    def __str__(self) -> str:
        return "int"


@dataclass(frozen=True, slots=True)
class BoolType:
    """``bool``."""

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class StringType:
    """``string``: only known to the compiler."""

    def __str__(self) -> str:
        return "string"


@dataclass(frozen=True, slots=True)
class VoidType:
    """``void``."""

    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True, slots=True)
class ErrorType:
    """``error``; its members are in ``ir.Program.errors``, numbered by their order."""

    def __str__(self) -> str:
        return "error"


@dataclass(frozen=True, slots=True)
class MatchKindType:
    """``match_kind``."""

    def __str__(self) -> str:
        return "match_kind"


@dataclass(frozen=True, slots=True)
class DontCareType:
    """The type of ``_`` where the compiler need not know."""

    def __str__(self) -> str:
        return "_"


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum without values; a value of it is the index of a member."""

    name: str
    members: tuple[str, ...] = field(compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class SerEnumType:
    """An enum over ``underlying``; any value of that is a value of it."""

    name: str
    underlying: "BitType | IntType" = field(compare=False)
    members: tuple[tuple[str, int], ...] = field(compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class NewType:
    """``type base name;``: distinct from its base."""

    name: str
    base: "Type" = field(compare=False)
    annotations: tuple[object, ...] = field(compare=False, default=())

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct, header or union."""

    name: str
    type: "Type"
    annotations: tuple[object, ...] = field(compare=False, default=())


@dataclass(frozen=True, slots=True)
class StructType:
    """A struct. A generic one has the arguments in its name: ``S<bit<8>>``."""

    name: str
    fields: tuple[Field, ...] = field(compare=False)
    annotations: tuple[object, ...] = field(compare=False, default=())

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class HeaderType:
    """A header: fields and a validity bit."""

    name: str
    fields: tuple[Field, ...] = field(compare=False)
    annotations: tuple[object, ...] = field(compare=False, default=())

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class UnionType:
    """A header union: at most one of its headers is valid."""

    name: str
    fields: tuple[Field, ...] = field(compare=False)
    annotations: tuple[object, ...] = field(compare=False, default=())

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class StackType:
    """``elem[size]``, of headers or unions; arrays of anything since language version 1.2.5."""

    elem: "Type"
    size: int

    def __str__(self) -> str:
        return f"{self.elem}[{self.size}]"


@dataclass(frozen=True, slots=True)
class TupleType:
    """``tuple<...>``, and the type of ``{a, b}`` before a context gives it another."""

    elems: tuple["Type", ...]

    def __hash__(self) -> int:
        # Not by the elements' own: tuples of tuples may be exponentially large when written out.
        return hash((TupleType, len(self.elems)))

    def __str__(self) -> str:
        return f"tuple<{', '.join(map(str, self.elems))}>"


@dataclass(frozen=True, slots=True)
class ListType:
    """``list<elem>``: only known to the compiler."""

    elem: "Type"

    def __str__(self) -> str:
        return f"list<{self.elem}>"


@dataclass(frozen=True, slots=True)
class SetType:
    """The type of a key set, such as ``a &&& b``."""

    elem: "Type"

    def __str__(self) -> str:
        return f"set<{self.elem}>"


@dataclass(frozen=True, slots=True)
class TypeVar:
    """A parameter of a generic declaration; ``owner`` names that, so that two of one name differ."""

    name: str
    owner: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ExternType:
    """An extern object's type, with its arguments."""

    name: str
    args: tuple["Type", ...] = ()

    def __str__(self) -> str:
        return f"{self.name}<{', '.join(map(str, self.args))}>" if self.args else self.name


@dataclass(frozen=True, slots=True)
class ParserType:
    """A parser, control or package (by ``kind``): ``name`` of its declaration, and its type arguments."""

    kind: str
    name: str
    args: tuple["Type", ...] = ()

    def __str__(self) -> str:
        return f"{self.name}<{', '.join(map(str, self.args))}>" if self.args else self.name


@dataclass(frozen=True, slots=True)
class ApplyResultType:
    """What ``table.apply()`` gives: ``hit``, ``miss`` and ``action_run`` of that table."""

    table: str

    def __str__(self) -> str:
        return f"apply_result({self.table})"


Type: TypeAlias = (
    BitType
    | IntType
    | VarbitType
    | InfIntType
    | BoolType
    | StringType
    | VoidType
    | ErrorType
    | MatchKindType
    | DontCareType
    | EnumType
    | SerEnumType
    | NewType
    | StructType
    | HeaderType
    | UnionType
    | StackType
    | TupleType
    | ListType
    | SetType
    | TypeVar
    | ExternType
    | ParserType
    | ApplyResultType
)


def strip(t: Type) -> Type:
    """Return ``t`` without the names that ``type`` gave it."""
    while isinstance(t, NewType):
        t = t.base
    return t


def scalar_width(t: Type) -> int | None:
    """Return the bits that a value of ``t`` takes in the engine: None when it is not one scalar of fixed width.

    A bool takes 1, an enum and ``error`` take 32.
    """
    t = strip(t)
    match t:
        case BitType(width) | IntType(width):
            return width
        case BoolType():
            return 1
        case SerEnumType():
            return t.underlying.width
        case EnumType() | ErrorType():
            return 32
    return None


def measure(t: Type, limit: int) -> tuple[int, int]:
    """Return how many fields, elements and scalars a value of ``t`` has in all, and how deep they are nested.

    Both without going on once there are more than ``limit``.
    """
    n = depth = 0
    todo: list[tuple[Type, int, int]] = [(t, 1, 1)]
    while todo and n <= limit:
        part, times, level = todo.pop()
        n += times
        depth = max(depth, level)
        match strip(part):
            case StructType(fields=fields) | HeaderType(fields=fields) | UnionType(fields=fields):
                todo.extend((f.type, times, level + 1) for f in fields)
            case TupleType(elems):
                todo.extend((e, times, level + 1) for e in elems)
            case StackType(elem, size):
                todo.append((elem, times * size, level + 1))
    return n, depth


def is_signed(t: Type) -> bool:
    """Whether values of ``t`` are two's complement."""
    t = strip(t)
    return isinstance(t, IntType) or (isinstance(t, SerEnumType) and isinstance(t.underlying, IntType))
