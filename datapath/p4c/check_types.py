"""Type references to types, and the rules of what may be in what (language specification, 7.2)."""

from collections.abc import Callable, Sequence

from datapath.p4c import ir, syntax
from datapath.p4c.check_base import (
    Base,
    BlockType,
    GenericStruct,
    Poison,
    Reported,
    TypeName,
    describe,
    has_typevar,
)
from datapath.p4c.fold import MAX_WIDTH
from datapath.p4c.source import Pos
from datapath.p4c.types import (
    BitType,
    BoolType,
    DontCareType,
    EnumType,
    ErrorType,
    ExternType,
    Field,
    HeaderType,
    InfIntType,
    IntType,
    ListType,
    MatchKindType,
    NewType,
    ParserType,
    SerEnumType,
    SetType,
    StackType,
    StringType,
    StructType,
    TupleType,
    Type,
    TypeVar,
    UnionType,
    VarbitType,
    VoidType,
    measure,
    strip,
)

MAX_STACK = 65536
# Fields, elements and scalars in one type: structs of structs of structs grow fast.
MAX_PARTS = 200_000
MAX_NESTED = 200

BASE_TYPES: dict[str, Type] = {
    "bool": BoolType(),
    "error": ErrorType(),
    "string": StringType(),
    "void": VoidType(),
    "match_kind": MatchKindType(),
    "int": InfIntType(),
    "_": DontCareType(),
}

Substitution = dict[TypeVar, Type]


class TypeChecker(Base):
    """Resolves types."""

    def expr(self, e: syntax.Expr) -> ir.Expr:
        """Check an expression; see ``check_expr``."""
        raise NotImplementedError

    def annotations(self, found: Sequence[syntax.Annotation]) -> ir.Annotations:
        """Fold annotations; see ``check_decl``."""
        raise NotImplementedError

    # ---- constants that types need ----

    def constant_int(self, e: syntax.Expr, what: str) -> int:
        """Return the value of an expression that the compiler must know."""
        value = self.expr(e)
        if isinstance(value, ir.Literal) and isinstance(value.value, int) and not isinstance(value.value, bool):
            return value.value
        if isinstance(value, ir.Literal):
            self.fail(e.pos, f"{what} must be an integer, not {describe(value.type)}")
        self.fail(e.pos, f"{what} must be a constant that the compiler knows")

    def width(self, e: syntax.Expr, name: str) -> int:
        """Return a width, within the limits."""
        width = self.constant_int(e, f"the width of {name}")
        least = 1 if name == "int" else 0
        if not least <= width <= MAX_WIDTH:
            self.fail(e.pos, f"{name}<{width}>: a width is from {least} to {MAX_WIDTH}")
        return width

    # ---- references ----

    def type(self, ref: syntax.TypeRef) -> Type:
        """Return the type that was written."""
        match ref:
            case syntax.WidthType():
                width = self.width(ref.width, ref.name)
                if ref.name == "bit":
                    return BitType(width)
                return IntType(width) if ref.name == "int" else VarbitType(width)
            case syntax.BaseType():
                return BASE_TYPES[ref.name]
            case syntax.StackTypeRef():
                return self._stack(ref)
            case syntax.TupleTypeRef():
                return self._tuple(ref)
            case syntax.NamedType():
                return self._named(ref)
        self.fail(ref.pos, "this is no type")

    def value_type(self, ref: syntax.TypeRef, what: str) -> Type:
        """Return a type of which variables and fields may be."""
        t = self.type(ref)
        if isinstance(t, (VoidType, MatchKindType, DontCareType, ParserType, ExternType, SetType)):
            self.fail(ref.pos, f"{what} cannot be of type {describe(t)}")
        return t

    def _stack(self, ref: syntax.StackTypeRef) -> Type:
        elem = self.type(ref.elem)
        size = self.constant_int(ref.size, "the size of a stack")
        if not 1 <= size <= MAX_STACK:
            self.fail(ref.size.pos, f"{elem}[{size}]: a stack has from 1 to {MAX_STACK} elements")
        if not isinstance(elem, (HeaderType, UnionType)) and not has_typevar(elem):
            self.fail(ref.pos, f"a stack is of headers or header unions, not of {describe(elem)}")
        return self.limited(StackType(elem, size), ref.pos)

    def limited(self, t: Type, pos: Pos) -> Type:
        """Return the type, if it is not too large."""
        parts, depth = measure(t, MAX_PARTS)
        if parts > MAX_PARTS:
            self.fail(pos, f"the type has more than {MAX_PARTS} fields and elements in all")
        if depth > MAX_NESTED:
            self.fail(pos, f"the type is nested more than {MAX_NESTED} deep")
        return t

    def _tuple(self, ref: syntax.TupleTypeRef) -> Type:
        args = [self.type(a) for a in ref.args]
        for a, arg in zip(args, ref.args, strict=True):
            if isinstance(a, (VoidType, ParserType, ExternType)):
                self.fail(arg.pos, f"a {ref.name} cannot hold {describe(a)}")
        if ref.name == "list":
            if len(args) != 1:
                self.fail(ref.pos, f"list takes one type argument, not {len(args)}")
            return ListType(args[0])
        return self.limited(TupleType(tuple(args)), ref.pos)

    def _named(self, ref: syntax.NamedType) -> Type:
        symbol = self.find(ref.name, ref.absolute, types=True)
        if symbol is None:
            if self.find(ref.name, ref.absolute) is not None:
                self.fail(ref.pos, f"'{ref.name}' is not a type")
            self.unknown(ref.name, ref.pos, "type")
        args = tuple(self.type(a) for a in ref.args)
        match symbol:
            case Poison():
                raise Reported
            case TypeName():
                self._count(ref.pos, ref.name, (), args)
                return symbol.type
            case GenericStruct():
                self._count(ref.pos, ref.name, tuple(symbol.decl.type_params), args)
                return self.instantiate(symbol, args, ref.pos)
            case ir.ExternDecl():
                if args or not symbol.type_params:
                    self._count(ref.pos, ref.name, symbol.type_params, args)
                return ExternType(symbol.name, args)
            case BlockType():
                if args or not symbol.type_params:
                    self._count(ref.pos, ref.name, symbol.type_params, args)
                return ParserType(symbol.kind, symbol.name, args)
            case ir.PackageDecl():
                if args or not symbol.type_params:
                    self._count(ref.pos, ref.name, symbol.type_params, args)
                return ParserType("package", symbol.name, args)
            case ir.ParserDecl() | ir.ControlDecl():
                self._count(ref.pos, ref.name, symbol.type_params, args)
                return ParserType("parser" if isinstance(symbol, ir.ParserDecl) else "control", symbol.name, args)
        self.fail(ref.pos, f"'{ref.name}' is not a type")

    def _count(self, pos: Pos, name: str, params: tuple[str, ...], args: tuple[Type, ...]) -> None:
        if len(params) != len(args):
            if not params:
                self.fail(pos, f"type '{name}' takes no type arguments")
            self.fail(pos, f"type '{name}' takes {len(params)} type arguments, not {len(args)}")

    # ---- generic structs ----

    def instantiate(self, generic: GenericStruct, args: tuple[Type, ...], pos: Pos) -> Type:
        """Return a generic struct with its type arguments set."""
        texts = [f"{a.owner}:{a.name}" if isinstance(a, TypeVar) else str(a) for a in args]
        name = f"{generic.name}<{', '.join(texts)}>"
        found = self.program.types.get(name)
        if found is not None:
            return found
        if len(name) > 4096:
            self.fail(pos, f"type '{generic.name}' is nested too deeply in its own arguments")
        if name in self.generics:
            self.fail(pos, f"type '{generic.name}' contains itself")
        self.generics[name] = (generic, args)
        with self.new_scope(self.top):
            for param, arg in zip(generic.decl.type_params, args, strict=True):
                self.scope.names[param] = TypeName(param, arg, generic.pos)
            try:
                made = self.struct_type(generic.decl, name)
            except Reported:
                del self.generics[name]
                raise
        self.program.types[name] = made
        return made

    def struct_type(self, decl: syntax.StructDecl, name: str) -> Type:
        """Return the type that a struct, header or union declares, once its fields are found sound."""
        fields: list[Field] = []
        seen: dict[str, Pos] = {}
        failed = False
        for f in decl.fields:
            try:
                if f.name in seen:
                    self.fail(f.pos, f"field '{f.name}' of {decl.kind} '{decl.name}' is declared twice")
                seen[f.name] = f.pos
                t = self.value_type(f.ref, f"field '{f.name}' of {decl.kind} '{decl.name}'")
                self.check_field(decl.kind, decl.name, f, t)
                fields.append(Field(f.name, t, self.annotations(f.annotations)))
            except Reported:
                failed = True
        if failed:
            raise Reported
        annotations = self.annotations(decl.annotations)
        if decl.kind == "header":
            if sum(isinstance(f.type, VarbitType) for f in fields) > 1:
                self.fail(decl.pos, f"header '{decl.name}' has more than one varbit field")
            return self.limited(HeaderType(name, tuple(fields), annotations), decl.pos)
        if decl.kind == "header_union":
            return self.limited(UnionType(name, tuple(fields), annotations), decl.pos)
        return self.limited(StructType(name, tuple(fields), annotations), decl.pos)

    def check_field(self, kind: str, owner: str, f: syntax.FieldDecl, t: Type) -> None:
        """Check that a struct, header or union may have a field of that type."""
        bare = strip(t)
        if isinstance(bare, (InfIntType, StringType, ListType)) and kind != "struct":
            self.fail(f.pos, f"field '{f.name}' of {kind} '{owner}' cannot be of type {describe(t)}")
        if kind == "header" and not (
            isinstance(bare, (BitType, IntType, VarbitType, BoolType, SerEnumType)) or has_typevar(bare)
        ):
            if isinstance(bare, StructType):
                bad = self._not_in_header(bare)
                if bad is not None:
                    self.fail(f.pos, f"field '{f.name}' of header '{owner}': {bad} cannot be in a header")
                return
            hint = "an enum needs an underlying type to be in a header" if isinstance(bare, EnumType) else ""
            self.fail(f.pos, f"field '{f.name}' of header '{owner}' cannot be of type {describe(t)}", hint)
        if kind == "header_union" and not isinstance(bare, HeaderType) and not has_typevar(bare):
            self.fail(f.pos, f"field '{f.name}' of header_union '{owner}' must be a header, not {describe(t)}")

    def _not_in_header(self, t: StructType) -> str | None:
        for f in t.fields:
            bare = strip(f.type)
            if isinstance(bare, StructType):
                inner = self._not_in_header(bare)
                if inner:
                    return inner
            elif not isinstance(bare, (BitType, IntType, BoolType, SerEnumType)) and not has_typevar(bare):
                return f"its field '{f.name}' of type {describe(f.type)}"
        return None

    # ---- substitution ----

    def substitute(self, t: Type, known: Substitution) -> Type:
        """Return ``t`` with type parameters replaced as far as ``known`` goes."""
        if not known:
            return t
        match t:
            case TypeVar():
                return known.get(t, t)
            case TupleType(elems):
                return TupleType(tuple(self.substitute(e, known) for e in elems))
            case ListType(elem):
                return ListType(self.substitute(elem, known))
            case StackType(elem, size):
                return StackType(self.substitute(elem, known), size)
            case ExternType(name, args):
                return ExternType(name, tuple(self.substitute(a, known) for a in args)) if args else t
            case ParserType(kind, name, args):
                return ParserType(kind, name, tuple(self.substitute(a, known) for a in args)) if args else t
            case StructType() | HeaderType() | UnionType():
                origin = self.generics.get(t.name)
                if origin is not None and has_typevar(t):
                    args = tuple(self.substitute(a, known) for a in origin[1])
                    return self.instantiate(origin[0], args, origin[0].pos)
        return t


def all_of(t: Type, test: Callable[[Type], bool]) -> bool:
    """Whether ``test`` holds for ``t`` and all types in it."""
    if not test(t):
        return False
    match t:
        case NewType():
            return all_of(t.base, test)
        case StructType() | HeaderType() | UnionType():
            return all(all_of(f.type, test) for f in t.fields)
        case StackType(elem, _) | ListType(elem):
            return all_of(elem, test)
        case TupleType(elems):
            return all(all_of(e, test) for e in elems)
    return True
