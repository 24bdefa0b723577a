"""Conversions: implicit ones into a context's type, explicit casts, values that can be assigned to.

Language specification, 8.11 (casts) and 6.7 (l-values).
"""

from datapath.p4c import ir
from datapath.p4c.check_base import INT, ListValue, describe
from datapath.p4c.check_types import TypeChecker
from datapath.p4c.fold import in_range, wrap
from datapath.p4c.infer import same_type
from datapath.p4c.source import Pos
from datapath.p4c.types import (
    BitType,
    BoolType,
    DontCareType,
    ExternType,
    HeaderType,
    InfIntType,
    IntType,
    ListType,
    NewType,
    ParserType,
    SerEnumType,
    StackType,
    StructType,
    TupleType,
    Type,
    UnionType,
)


def under(t: Type) -> Type:
    """Return what a new type or an enum with values is made of."""
    while isinstance(t, (NewType, SerEnumType)):
        t = t.base if isinstance(t, NewType) else t.underlying
    return t


def is_flexible(value: ir.Expr) -> bool:
    """Whether the type of ``value`` depends on its context."""
    return isinstance(value, ListValue) or isinstance(value.type, (InfIntType, DontCareType))


def is_constant(value: ir.Expr) -> bool:
    """Whether the compiler knows a value when instances are made."""
    match value:
        case ir.Literal() | ir.InstanceRef() | ir.NewInstance() | ir.Default() | ir.InvalidHeader():
            return True
        case ir.StructExpr():
            return all(map(is_constant, value.items))
        case ir.VarRef():
            return value.var.kind == "ctor" or isinstance(value.type, (ExternType, ParserType))
        case ir.Cast() | ir.Unary():
            return is_constant(value.operand)
        case ir.Binary():
            return is_constant(value.left) and is_constant(value.right)
        case ir.Member():
            return is_constant(value.base)
        case ir.Mux():
            return all(map(is_constant, (value.cond, value.then, value.other)))
    return False


class Converter(TypeChecker):
    """Converts checked expressions."""

    def literal(self, value: int, t: Type, pos: Pos) -> ir.Literal:
        """Return an integer constant of a type, with a warning when it does not fit."""
        base = under(t)
        if isinstance(base, (BitType, IntType)) and not in_range(value, base):
            short = value if abs(value) < 1 << 128 else hex(value)[:34] + "..."
            self.diag.warning(pos, f"{short} does not fit into {t}; it is cut to {wrap(value, base)}")
            value = wrap(value, base)
        return ir.Literal(type=t, pos=pos, value=value)

    def settle(self, value: ir.Expr) -> ir.Expr:
        """Return a value that no context gives a type: lists become tuples."""
        if isinstance(value, ListValue):
            if value.rest:
                self.fail(value.pos, "'...' needs a context that says what it stands for")
            items = tuple(self.settle(i) for i in value.items)
            return ir.StructExpr(type=TupleType(tuple(i.type for i in items)), pos=value.pos, items=items)
        if isinstance(value.type, DontCareType):
            self.fail(value.pos, "the type of this expression is not known here", "put a cast before it: (T){...}")
        return value

    def convert(self, value: ir.Expr, t: Type, what: str, *, keyset: bool = False) -> ir.Expr:
        """Convert implicitly to ``t``; an error, beginning with ``what``, when the language has no such conversion."""
        have = value.type
        if isinstance(value, ListValue):
            return self._from_list(value, t, what)
        if have == t:
            return value
        if isinstance(have, DontCareType):
            return self._from_context(value, t, what)
        match t:
            case BitType() | IntType():
                if isinstance(have, InfIntType):
                    if isinstance(value, ir.Literal):
                        return self.literal(int(value.value), t, value.pos)
                    return ir.Cast(type=t, pos=value.pos, operand=value)
                if isinstance(have, SerEnumType) and have.underlying == t:
                    return self.cast_scalar(value, t)
            case InfIntType():
                if isinstance(value, ir.Literal) and isinstance(have, (BitType, IntType)):
                    return ir.Literal(type=INT, pos=value.pos, value=value.value)
            case NewType() | SerEnumType():
                if keyset and isinstance(have, InfIntType):
                    return self.cast(value, t, value.pos)
                if keyset and isinstance(t, SerEnumType) and have == t.underlying:
                    return self.cast_scalar(value, t)
            case ParserType() if isinstance(have, ParserType) and have.kind == t.kind:
                return value  # inference compared the parameters
            case ExternType() | TupleType() | StackType():
                if same_type(t, have):
                    return value
            case DontCareType():
                return self.settle(value)
        self.fail(value.pos, f"{what}: expected {describe(t)}, got {describe(have)}", _hint(have, t))

    def _from_context(self, value: ir.Expr, t: Type, what: str) -> ir.Expr:
        if isinstance(value, ir.InvalidHeader):
            if not isinstance(t, (HeaderType, UnionType)):
                self.fail(value.pos, f"{what}: {{#}} is an invalid header or union, expected {describe(t)}")
            return ir.InvalidHeader(type=t, pos=value.pos)
        if isinstance(t, (ExternType, ParserType)):
            self.fail(value.pos, f"{what}: {describe(t)} has no default value")
        return ir.Default(type=t, pos=value.pos)

    def _from_list(self, value: ListValue, t: Type, what: str) -> ir.Expr:
        match t:
            case StructType() | HeaderType():
                wanted = [(f.name, f.type) for f in t.fields]
            case TupleType():
                wanted = [(f"[{i}]", e) for i, e in enumerate(t.elems)]
            case ListType():
                wanted = [(f"[{i}]", t.elem) for i in range(len(value.items))]
            case StackType():
                wanted = [(f"[{i}]", t.elem) for i in range(t.size)]
            case DontCareType():
                return self.settle(value)
            case _:
                self.fail(value.pos, f"{what}: expected {describe(t)}, got a list of {len(value.items)} values")
        given: list[ir.Expr | None]
        if value.names is not None:
            if not isinstance(t, (StructType, HeaderType)):
                self.fail(value.pos, f"{what}: expected {describe(t)}, got a list with field names")
            by_name = dict(zip(value.names, value.items, strict=True))
            for name, item in by_name.items():
                if name not in dict(wanted):
                    self.fail(item.pos, f"{what}: {t} has no field '{name}'")
            given = [by_name.get(name) for name, _ in wanted]
            missing = [name for name, _ in wanted if name not in by_name]
            if missing and not value.rest:
                self.fail(
                    value.pos,
                    f"{what}: no value for {', '.join(repr(m) for m in missing[:4])} of {t}",
                    "'...' at the end stands for default values",
                )
        else:
            if len(value.items) > len(wanted) or (len(value.items) < len(wanted) and not value.rest):
                self.fail(value.pos, f"{what}: {t} has {len(wanted)} members, the list has {len(value.items)}")
            given = [*value.items, *[None] * (len(wanted) - len(value.items))]
        items = tuple(
            ir.Default(type=ft, pos=value.pos)
            if item is None
            else self.convert(item, ft, f"{'member' if name[0] == '[' else 'field'} {name} of {t}")
            for (name, ft), item in zip(wanted, given, strict=True)
        )
        return ir.StructExpr(type=t, pos=value.pos, items=items)

    # ---- explicit casts ----

    def can_cast(self, to: Type, have: Type) -> bool:
        """Whether ``(to)`` may stand before a value of type ``have`` (lists apart)."""
        if to == have:
            return True
        if isinstance(to, NewType):
            return self.can_cast(to.base, have)
        if isinstance(have, NewType):
            return self.can_cast(to, have.base)
        if isinstance(to, SerEnumType):
            return self.can_cast(to.underlying, have)
        if isinstance(have, SerEnumType):
            return self.can_cast(to, have.underlying)
        match have, to:
            case (BitType(a), BitType(b)) | (IntType(a), IntType(b)):
                return True
            case (BitType(a), IntType(b)) | (IntType(a), BitType(b)):
                return a == b
            case (BitType(1), BoolType()) | (BoolType(), BitType(1)):
                return True
            case (BitType() | IntType(), InfIntType()):
                return True
            case (InfIntType(), BitType() | IntType() | BoolType() | InfIntType()):
                return True
        return same_type(to, have)

    def cast_scalar(self, value: ir.Expr, t: Type) -> ir.Expr:
        """Cast without further questions, folding constants."""
        if not isinstance(value, ir.Literal) or isinstance(value.value, str):
            return ir.Cast(type=t, pos=value.pos, operand=value)
        base = under(t)
        if isinstance(base, BoolType):
            return ir.Literal(type=t, pos=value.pos, value=bool(value.value))
        if isinstance(base, (BitType, IntType, InfIntType)):
            return ir.Literal(type=t, pos=value.pos, value=wrap(int(value.value), base))
        return ir.Cast(type=t, pos=value.pos, operand=value)

    def cast(self, value: ir.Expr, t: Type, pos: Pos) -> ir.Expr:
        """``(t) value``."""
        if isinstance(value, ListValue) or isinstance(value.type, DontCareType):
            return self.convert(value, t, f"cast to {t}")
        if not self.can_cast(t, value.type):
            hint = _hint(value.type, t)
            self.fail(pos, f"{describe(value.type)} cannot be cast to {describe(t)}", hint)
        if isinstance(value, ir.Literal) and isinstance(value.type, InfIntType):
            number = int(value.value)
            if isinstance(t, BoolType) and number not in (0, 1):
                self.fail(pos, f"{number} cannot be cast to bool: only 0 and 1 can")
            if isinstance(t, (BitType, IntType)) and not in_range(number, t):
                return self.literal(number, t, pos)
        if value.type == t:
            return value
        return self.cast_scalar(value, t)

    # ---- l-values ----

    def assignable(self, target: ir.Expr, what: str) -> None:
        """Check that a value can be assigned to ``target``."""
        at = target
        while True:
            match at:
                case ir.Member() | ir.Index() | ir.Slice() | ir.StackMember():
                    if isinstance(at, ir.Index) and isinstance(at.base.type, (TupleType, ListType)):
                        self.fail(target.pos, f"{what}: members of a tuple cannot be assigned to")
                    if isinstance(at, ir.StackMember) and at.name == "lastIndex":
                        self.fail(target.pos, f"{what}: 'lastIndex' cannot be assigned to")
                    at = at.base
                case ir.VarRef(var=var):
                    if var.kind == "ctor":
                        self.fail(target.pos, f"{what}: constructor parameter '{var.name}' is a constant")
                    if var.kind == "param" and var.direction in ("", "in"):
                        kind = "'in' parameter" if var.direction else "parameter without direction"
                        self.fail(target.pos, f"{what}: '{var.name}' is read-only: it is a {kind}")
                    return
                case _:
                    self.fail(target.pos, f"{what}: this expression cannot be assigned to")


def _hint(have: Type, want: Type) -> str:
    if isinstance(have, NewType) or isinstance(want, (NewType, SerEnumType)):
        return f"a cast is needed: ({want})"
    if isinstance(have, (BitType, IntType)) and isinstance(want, (BitType, IntType)):
        if type(have) is not type(want) and have.width != want.width:
            return "casts change either the width or the sign, not both at once"
        return f"a cast is needed: ({want})"
    if isinstance(have, BitType) and isinstance(want, BoolType):
        return (
            "bit<1> needs a cast to bool; wider values a comparison" if have.width == 1 else "compare it with a number"
        )
    if isinstance(have, BoolType) and want == BitType(1):
        return "a cast is needed: (bit<1>)"
    return ""
