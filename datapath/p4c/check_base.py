"""What the parts of the checker share: scopes, what a name may mean, and how an error ends a statement.

An error is noted and :class:`Reported` is raised; whoever goes through statements or declarations catches it and takes
the next one. A declaration that failed leaves a :class:`Poison` behind, of which nothing more is said.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

from datapath.p4c import ir, syntax
from datapath.p4c.source import NOWHERE, Diagnostics, Pos
from datapath.p4c.types import (
    BitType,
    BoolType,
    EnumType,
    ErrorType,
    ExternType,
    InfIntType,
    IntType,
    ListType,
    ParserType,
    SerEnumType,
    StackType,
    StringType,
    TupleType,
    Type,
    TypeVar,
    strip,
)

BIT32 = BitType(32)
BOOL = BoolType()
INT = InfIntType()
STRING = StringType()


class Reported(Exception):  # noqa: N818
    """An error was noted; go on with the next statement. No error of ours, but the way out of one statement."""


@dataclass(eq=False, slots=True)
class Const:
    """A named constant."""

    name: str
    value: ir.Expr
    pos: Pos


@dataclass(eq=False, slots=True)
class TypeName:
    """A name of a type that has no parameters."""

    name: str
    type: Type
    pos: Pos


@dataclass(eq=False, slots=True)
class GenericStruct:
    """A struct, header or union with type parameters: instantiated when used."""

    name: str
    decl: syntax.StructDecl
    pos: Pos


@dataclass(eq=False, slots=True)
class BlockType:
    """``parser P<T>(params);`` or ``control ...;``: a type that parsers or controls with bodies fit."""

    name: str
    kind: str
    type_params: tuple[str, ...]
    params: tuple[ir.Var, ...]
    pos: Pos


@dataclass(eq=False, slots=True)
class UserFunction:
    """A function with a body; ``made`` has one for each list of type arguments. ``None``: in the making."""

    decl: syntax.FunctionDecl
    params: tuple[ir.Var, ...]
    returns: Type
    scope: "Scope"
    made: dict[tuple[Type, ...], ir.Function | None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name."""
        return self.decl.name

    @property
    def pos(self) -> Pos:
        """Where it stands."""
        return self.decl.pos

    @property
    def type_params(self) -> tuple[str, ...]:
        """Names of its type parameters."""
        return tuple(self.decl.type_params)


@dataclass(eq=False, slots=True)
class Overloads:
    """Functions of one name."""

    name: str
    choices: list["ir.ExternMethod | UserFunction"]
    pos: Pos


@dataclass(eq=False, slots=True)
class Poison:
    """What a wrong declaration leaves."""

    name: str
    pos: Pos


@dataclass(eq=False, slots=True)
class StateName:
    """A state: only a target of ``transition``."""

    name: str
    pos: Pos


Symbol: TypeAlias = (
    ir.Var
    | Const
    | TypeName
    | GenericStruct
    | BlockType
    | Overloads
    | Poison
    | StateName
    | ir.ExternDecl
    | ir.ParserDecl
    | ir.ControlDecl
    | ir.PackageDecl
    | ir.Action
    | ir.Table
    | ir.InstanceDecl
    | ir.ValueSet
)

TYPE_SYMBOLS = (TypeName, GenericStruct, BlockType, ir.ExternDecl, ir.ParserDecl, ir.ControlDecl, ir.PackageDecl)

WHAT = {
    Const: "constant",
    TypeName: "type",
    GenericStruct: "generic type",
    Overloads: "function",
    StateName: "state",
    ir.ExternDecl: "extern",
    ir.ParserDecl: "parser",
    ir.ControlDecl: "control",
    ir.PackageDecl: "package",
    ir.Action: "action",
    ir.Table: "table",
    ir.InstanceDecl: "instance",
    ir.ValueSet: "value set",
    ir.Var: "variable",
    BlockType: "type",
}


@dataclass(eq=False, slots=True)
class Scope:
    """Names of one block; ``later`` says where names stand that the block declares further on."""

    parent: "Scope | None"
    names: dict[str, Symbol] = field(default_factory=dict)
    later: dict[str, Pos] = field(default_factory=dict)

    def chain(self) -> Iterator["Scope"]:
        """Yield this scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


@dataclass(slots=True)
class ListValue(ir.StructExpr):
    """``{a, b}`` before a context gives it a type.

    ``names`` are those of ``{n = a, ...}``; ``rest``: ``...`` stands at its end.
    """

    names: tuple[str, ...] | None = None
    rest: bool = False


@dataclass(slots=True)
class Place:
    """What the code that is being checked belongs to, and so what is allowed in it."""

    kind: str
    """``top``, ``parser``, ``control``, ``action``, ``function``, ``method`` or ``table``."""
    name: str = ""
    returns: Type | None = None
    instances: list[ir.InstanceDecl] | None = None
    loops: int = 0


class Base:
    """Scopes, messages, and the program that is being made."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diag = diagnostics
        self.program = ir.Program()
        self.top = Scope(None)
        self.scope = self.top
        self.place = Place("top")
        self.blocks: dict[str, BlockType | ir.ParserDecl | ir.ControlDecl | ir.PackageDecl] = {}
        self.generics: dict[str, tuple[GenericStruct, tuple[Type, ...]]] = {}
        """Of each instance of a generic struct, by its name: what it was made of."""

    # ---- messages ----

    def fail(self, pos: Pos, text: str, hint: str = "") -> NoReturn:
        """Note an error and leave the statement."""
        self.diag.error(pos, text, hint)
        raise Reported

    @contextmanager
    def recover(self) -> Iterator[None]:
        """Go on after an error in the body."""
        with suppress(Reported):
            yield

    # ---- scopes ----

    @contextmanager
    def new_scope(self, parent: Scope | None = None) -> Iterator[Scope]:
        """Enter a scope within the present one (or ``parent``)."""
        saved = self.scope
        self.scope = Scope(parent or saved)
        try:
            yield self.scope
        finally:
            self.scope = saved

    @contextmanager
    def at(self, place: Place) -> Iterator[None]:
        """Check code of another place."""
        saved = self.place
        self.place = place
        try:
            yield
        finally:
            self.place = saved

    def declare(self, name: str, symbol: Symbol, pos: Pos) -> None:
        """Give a name its meaning in the present scope."""
        old = self.scope.names.get(name)
        if old is not None:
            if isinstance(old, Overloads) and isinstance(symbol, Overloads):
                old.choices += symbol.choices
                return
            if not isinstance(old, Poison):
                self.fail(pos, f"'{name}' is declared twice", f"the first one: {WHAT[type(old)]} at {where(old)}")
        elif self.scope.parent is not None and not isinstance(symbol, (Poison, StateName)):
            # States share no uses with other names, so hiding one confuses nobody.
            for scope in self.scope.parent.chain():
                outer = scope.names.get(name)
                if outer is not None:
                    if (
                        scope is not self.top
                        and not isinstance(outer, (Poison, StateName))
                        and where(outer) is not NOWHERE
                    ):
                        self.diag.warning(pos, f"'{name}' hides the {WHAT[type(outer)]} at {where(outer)}")
                    break
        self.scope.names[name] = symbol

    def find(self, name: str, absolute: bool = False, *, types: bool = False) -> Symbol | None:
        """Return what a name means, innermost first. Where a type stands only types count."""
        for scope in (self.top,) if absolute else self.scope.chain():
            symbol = scope.names.get(name)
            if symbol is not None and (not types or isinstance(symbol, (*TYPE_SYMBOLS, Poison))):
                return symbol
        return None

    def lookup(self, name: str, pos: Pos, absolute: bool = False) -> Symbol:
        """Return what a name means; an error when nothing."""
        symbol = self.find(name, absolute)
        if symbol is None:
            self.unknown(name, pos)
        if isinstance(symbol, Poison):
            raise Reported
        return symbol

    def unknown(self, name: str, pos: Pos, what: str = "") -> NoReturn:
        """Note that a name has no meaning here."""
        if name == self.place.name and self.place.kind in ("action", "function", "parser", "control"):
            self.fail(pos, f"{self.place.kind} '{name}' uses itself: P4 has no recursion")
        for scope in self.scope.chain():
            if name in scope.later:
                self.fail(
                    pos,
                    f"{what or 'name'} '{name}' is not declared yet",
                    f"it is declared later, at {scope.later[name]}",
                )
        hint = ""
        known = [n for scope in self.scope.chain() for n in scope.names]
        near = close_name(name, known)
        if near:
            hint = f"did you mean '{near}'?"
        self.fail(pos, f"{what or 'name'} '{name}' is not declared", hint)


def where(symbol: Symbol) -> Pos:
    """Return where a thing was declared."""
    return symbol.pos


def close_name(name: str, known: list[str]) -> str:
    """Return the known name that is most like ``name``, or nothing."""
    import difflib

    return next(iter(difflib.get_close_matches(name, known, 1, 0.75)), "")


def describe(t: Type) -> str:
    """Return a type as a message names it."""
    match t:
        case InfIntType():
            return "int (an integer without width)"
        case ParserType():
            return f"{t.kind} {t}"
        case ExternType():
            return f"extern {t}"
    return str(t)


def has_typevar(t: Type) -> bool:
    """Whether a parameter of a generic declaration is in ``t``."""
    match t:
        case TypeVar():
            return True
        case TupleType(elems):
            return any(map(has_typevar, elems))
        case ListType(elem) | StackType(elem, _):
            return has_typevar(elem)
        case ExternType(_, args) | ParserType(_, _, args):
            return any(map(has_typevar, args))
    return ":" in getattr(t, "name", "")


def is_numeric(t: Type) -> bool:
    """Whether arithmetic is defined on ``t``."""
    return isinstance(t, (BitType, IntType, InfIntType))


def is_key_type(t: Type) -> bool:
    """Whether a table's key or a select's expression may have type ``t``."""
    return isinstance(strip(t), (BitType, IntType, BoolType, EnumType, SerEnumType, ErrorType))


def with_article(word: str) -> str:
    """Return ``a parser``, ``an action``."""
    return f"{'an' if word[:1] in 'aeiou' else 'a'} {word}"
