"""Type inference for generic externs, functions, blocks and packages: unification of parameters with arguments.

Only what is needed to find the type parameters: whether an argument fits its parameter is the caller's question.
"""

from collections.abc import Mapping, Sequence

from datapath.p4c import ir
from datapath.p4c.check_base import BlockType, ListValue
from datapath.p4c.check_types import Substitution, TypeChecker
from datapath.p4c.types import (
    BitType,
    DontCareType,
    ExternType,
    HeaderType,
    InfIntType,
    IntType,
    ListType,
    ParserType,
    SerEnumType,
    StackType,
    StructType,
    TupleType,
    Type,
    TypeVar,
    UnionType,
)


class Inference:
    """What is known of the type parameters ``free``; ``problem`` says what went wrong."""

    def __init__(self, checker: TypeChecker, free: Sequence[TypeVar]) -> None:
        self.checker = checker
        self.free = list(free)
        self.known: Substitution = {}
        self.problem = ""

    def set(self, var: TypeVar, t: Type) -> bool:
        """Learn that ``var`` is ``t``; false when that contradicts what is known."""
        if isinstance(t, DontCareType) or t == var:
            return True
        old = self.known.get(var)
        if old is None or isinstance(old, InfIntType):
            if old is not None and not isinstance(t, (BitType, IntType, InfIntType)):
                self.problem = f"{var} cannot be both int and {t}"
                return False
            self.known[var] = t
            return True
        if isinstance(t, InfIntType) and isinstance(old, (BitType, IntType)):
            return True
        if isinstance(old, TupleType) and isinstance(t, (StructType, HeaderType)):
            self.known[var] = t  # the first argument was a list, which can be a struct, too
            return True
        if isinstance(old, (StructType, HeaderType)) and isinstance(t, TupleType):
            return True
        if isinstance(old, SerEnumType) and old.underlying == t:
            self.known[var] = t
            return True
        if old != t:
            self.problem = f"{var} cannot be both {old} and {t}"
            return False
        return True

    def unify(self, formal: Type, actual: Type, value: ir.Expr | None = None) -> bool:
        """Learn from an argument of type ``actual`` for a parameter of type ``formal``."""
        match formal:
            case TypeVar():
                if formal in self.free:
                    return self.set(formal, actual)
            case TupleType(elems):
                if isinstance(actual, TupleType) and len(actual.elems) == len(elems):
                    return all(map(self.unify, elems, actual.elems))
            case ListType(elem):
                if isinstance(actual, ListType):
                    return self.unify(elem, actual.elem)
                if isinstance(value, ListValue):
                    return all(self.unify(elem, i.type, i) for i in value.items)
            case StackType(elem, _):
                if isinstance(actual, StackType):
                    return self.unify(elem, actual.elem)
            case ExternType(name, args):
                if isinstance(actual, ExternType) and actual.name == name and len(args) == len(actual.args):
                    return all(map(self.unify, args, actual.args))
            case ParserType():
                if isinstance(actual, ParserType):
                    return self._blocks(formal, actual)
            case StructType() | HeaderType() | UnionType():
                return self._structs(formal, actual, value)
        return True

    def _structs(self, formal: StructType | HeaderType | UnionType, actual: Type, value: ir.Expr | None) -> bool:
        mine = self.checker.generics.get(formal.name)
        if mine is None:
            return True
        other = self.checker.generics.get(getattr(actual, "name", ""))
        if other is not None and other[0] is mine[0]:
            return all(map(self.unify, mine[1], other[1]))
        if isinstance(value, ListValue):
            if value.names is not None:
                types = {f.name: f.type for f in formal.fields}
                return all(self.unify(types[n], i.type, i) for n, i in zip(value.names, value.items, strict=True)
                           if n in types)  # fmt: skip
            return all(self.unify(f.type, i.type, i) for f, i in zip(formal.fields, value.items, strict=False))
        return True

    def _blocks(self, formal: ParserType, actual: ParserType) -> bool:
        if formal.name == actual.name:
            return all(map(self.unify, formal.args, actual.args))
        if formal.kind != actual.kind:
            self.problem = f"a {formal.kind} is expected, not the {actual.kind} '{actual.name}'"
            return False
        wanted, given = self.checker.blocks[formal.name], self.checker.blocks[actual.name]
        if not isinstance(wanted, BlockType) or isinstance(given, ir.PackageDecl):
            self.problem = f"{formal.kind} '{formal.name}' is expected, not '{actual.name}'"
            return False
        own = {TypeVar(n, wanted.name): a for n, a in zip(wanted.type_params, formal.args, strict=False)}
        theirs = {TypeVar(n, given.name): a for n, a in zip(given.type_params, actual.args, strict=False)}
        return self._params(formal, actual, own, theirs)

    def _params(
        self, formal: ParserType, actual: ParserType, own: Mapping[TypeVar, Type], theirs: Mapping[TypeVar, Type]
    ) -> bool:
        wanted, given = self.checker.blocks[formal.name].params, self.checker.blocks[actual.name].params
        i = 0
        for want in wanted:
            if i == len(given):
                if want.optional:
                    continue
                self.problem = (
                    f"{actual.kind} '{actual.name}' has {len(given)} parameters, '{formal.name}' wants {len(wanted)}"
                )
                return False
            have = given[i]
            want_type = self.checker.substitute(want.type, dict(own))
            have_type = self.checker.substitute(have.type, dict(theirs))
            fits = have.direction == want.direction and self.unify(want_type, have_type)
            if fits:
                settled = self.checker.substitute(want_type, self.known)
                fits = same_type(settled, have_type, self.free)
            if not fits:
                if want.optional:
                    continue
                settled = self.checker.substitute(want_type, self.known)
                self.problem = (
                    f"parameter '{have.name}' of {actual.kind} '{actual.name}' is "
                    f"'{(have.direction + ' ' + str(have_type)).strip()}', but '{formal.name}' wants "
                    f"'{(want.direction + ' ' + str(settled)).strip()}'"
                )
                return False
            i += 1
        if i < len(given):
            self.problem = (
                f"{actual.kind} '{actual.name}' has {len(given)} parameters, '{formal.name}' wants {len(wanted)}"
            )
            return False
        return True


def same_type(a: Type, b: Type, free: Sequence[TypeVar] = ()) -> bool:
    """Whether two types are one; a type parameter in ``free`` or ``_`` may be any."""
    if a == b or isinstance(a, DontCareType) or isinstance(b, DontCareType):
        return True
    if isinstance(a, TypeVar) and a in free:
        return True
    match a, b:
        case (TupleType(x), TupleType(y)) if len(x) == len(y):
            return all(same_type(p, q, free) for p, q in zip(x, y, strict=True))
        case (ExternType(n, x), ExternType(m, y)) if n == m:
            return not x or not y or all(same_type(p, q, free) for p, q in zip(x, y, strict=True))
        case (ListType(x), ListType(y)):
            return same_type(x, y, free)
        case (StackType(x, n), StackType(y, m)) if n == m:
            return same_type(x, y, free)
    return False
