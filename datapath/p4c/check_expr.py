"""Expressions: names, members, operators (language specification, chapter 8). Calls are in ``check_call``."""

from collections.abc import Callable

from datapath.p4c import fold, ir, syntax
from datapath.p4c.check_base import (
    BIT32,
    BOOL,
    INT,
    STRING,
    WHAT,
    Const,
    GenericStruct,
    ListValue,
    Overloads,
    Poison,
    Reported,
    Symbol,
    TypeName,
    close_name,
    describe,
    is_numeric,
    with_article,
)
from datapath.p4c.check_convert import Converter, is_constant, is_flexible
from datapath.p4c.infer import same_type
from datapath.p4c.source import Diagnostics, Pos
from datapath.p4c.types import (
    ApplyResultType,
    BitType,
    BoolType,
    DontCareType,
    EnumType,
    ErrorType,
    ExternType,
    HeaderType,
    InfIntType,
    IntType,
    ListType,
    MatchKindType,
    ParserType,
    SerEnumType,
    StackType,
    StringType,
    StructType,
    TupleType,
    Type,
    TypeVar,
    UnionType,
    VarbitType,
    VoidType,
)

ARITHMETIC = frozenset(("+", "-", "*", "/", "%", "|+|", "|-|", "&", "|", "^"))


class ExprChecker(Converter):
    """Checks expressions."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        super().__init__(diagnostics)
        self._by_node: dict[type[syntax.Expr], Callable[..., ir.Expr]] = {
            syntax.IntLit: self._int,
            syntax.BoolLit: lambda e: ir.Literal(type=BOOL, pos=e.pos, value=e.value),
            syntax.StringLit: lambda e: ir.Literal(type=STRING, pos=e.pos, value=e.value),
            syntax.Name: self._name,
            syntax.TypeExpr: self._type_alone,
            syntax.MemberExpr: self._member,
            syntax.IndexExpr: self._index,
            syntax.SliceExpr: self._slice,
            syntax.UnaryExpr: self._unary,
            syntax.BinaryExpr: self._binary,
            syntax.MuxExpr: self._mux,
            syntax.CastExpr: self._cast_expr,
            syntax.ListExpr: self._list,
            syntax.StructExpr: self._struct,
            syntax.InvalidExpr: lambda e: ir.InvalidHeader(type=DontCareType(), pos=e.pos),
            syntax.DefaultExpr: lambda e: ir.Default(type=DontCareType(), pos=e.pos),
            syntax.DontCare: self._dont_care,
            syntax.CallExpr: self.call,
        }

    def call(self, e: syntax.CallExpr) -> ir.Expr:
        """Check a call; see ``check_call``."""
        raise NotImplementedError

    # ---- entry points ----

    def expr(self, e: syntax.Expr) -> ir.Expr:
        """Check an expression by itself; integers and lists may still lack a type."""
        return self._by_node[type(e)](e)

    def value(self, e: syntax.Expr, t: Type, what: str) -> ir.Expr:
        """Check an expression that stands where type ``t`` is expected."""
        return self.convert(self.expr(e), t, what)

    def condition(self, e: syntax.Expr, what: str) -> ir.Expr:
        """Check a condition."""
        return self.value(e, BOOL, what)

    def runtime(self, value: ir.Expr, what: str) -> ir.Expr:
        """Check that a value has a type that a running program can hold."""
        value = self.settle(value)
        if isinstance(value.type, InfIntType) and isinstance(value, ir.Literal):
            self.fail(value.pos, f"{what}: the width of {value.value} is not known here", "write it as 32w1 or cast it")
        if isinstance(value.type, (InfIntType, StringType, VoidType, ExternType, ParserType)):
            self.fail(value.pos, f"{what} cannot be of type {describe(value.type)}")
        return value

    # ---- leaves ----

    def _int(self, e: syntax.IntLit) -> ir.Expr:
        if e.value.bit_length() > fold.MAX_INT_BITS:
            self.fail(e.pos, f"a number of {e.value.bit_length()} bits; the limit is {fold.MAX_INT_BITS}")
        if e.width is None:
            return ir.Literal(type=INT, pos=e.pos, value=e.value)
        if e.width > fold.MAX_WIDTH or (e.width == 0 and e.signed):
            self.fail(e.pos, f"a width of {e.width} is not from 1 to {fold.MAX_WIDTH}")
        return self.literal(e.value, IntType(e.width) if e.signed else BitType(e.width), e.pos)

    def _dont_care(self, e: syntax.DontCare) -> ir.Expr:
        self.fail(e.pos, "'_' is no value")

    def _type_alone(self, e: syntax.TypeExpr) -> ir.Expr:
        self.fail(e.pos, f"{describe(self.type(e.ref))} is a type; a value is expected")

    def _name(self, e: syntax.Name) -> ir.Expr:
        return self.of_symbol(self.lookup(e.name, e.pos, e.absolute), e.name, e.pos)

    def of_symbol(self, symbol: Symbol, name: str, pos: Pos) -> ir.Expr:
        """Return the value that a name stands for."""
        match symbol:
            case ir.Var():
                return ir.VarRef(type=symbol.type, pos=pos, var=symbol)
            case Const():
                value = symbol.value
                if isinstance(value, ir.Literal):
                    return ir.Literal(type=value.type, pos=pos, value=value.value)
                return value
            case ir.InstanceDecl():
                return ir.InstanceRef(type=symbol.type, pos=pos, decl=symbol)
            case ir.Table():
                self.fail(pos, f"table '{name}' is no value", f"'{name}.apply()' runs it")
            case ir.Action():
                self.fail(pos, f"action '{name}' is no value", f"'{name}(...)' calls it")
            case _:
                self.fail(pos, f"'{name}' is a {WHAT[type(symbol)]}; a value is expected")

    # ---- members ----

    def type_before_dot(self, e: syntax.Expr) -> Type | None:
        """Return the type that ``e`` names, None when it is a value."""
        if isinstance(e, syntax.TypeExpr):
            return self.type(e.ref)
        if isinstance(e, syntax.Name):
            symbol = self.find(e.name, e.absolute)
            if isinstance(symbol, TypeName):
                return symbol.type
            if isinstance(symbol, Poison):
                raise Reported
            if isinstance(symbol, GenericStruct):
                self.fail(e.pos, f"type '{e.name}' takes {len(symbol.decl.type_params)} type arguments")
        return None

    def _member(self, e: syntax.MemberExpr) -> ir.Expr:
        t = self.type_before_dot(e.base)
        if t is not None:
            return self._type_member(t, e)
        base = self.settle_member_base(self.expr(e.base))
        return self.member(base, e.name, e.pos)

    def settle_member_base(self, base: ir.Expr) -> ir.Expr:
        """Return what stands before a dot or bracket with its type settled."""
        if isinstance(base, ListValue) or isinstance(base.type, DontCareType):
            return self.settle(base)
        return base

    def _type_member(self, t: Type, e: syntax.MemberExpr) -> ir.Expr:
        match t:
            case EnumType():
                names = list(t.members)
                if e.name in names:
                    return ir.Literal(type=t, pos=e.pos, value=e.name)
            case SerEnumType():
                values = dict(t.members)
                names = list(values)
                if e.name in values:
                    return ir.Literal(type=t, pos=e.pos, value=values[e.name])
            case ErrorType():
                names = self.program.errors
                if e.name in names:
                    return ir.Literal(type=t, pos=e.pos, value=e.name)
            case MatchKindType():
                names = self.program.match_kinds
                if e.name in names:
                    return ir.Literal(type=t, pos=e.pos, value=e.name)
            case _:
                self.fail(e.pos, f"type {describe(t)} has no member '{e.name}'")
        near = close_name(e.name, names)
        self.fail(e.pos, f"{describe(t)} has no member '{e.name}'", f"did you mean '{near}'?" if near else "")

    def member(self, base: ir.Expr, name: str, pos: Pos) -> ir.Expr:
        """``base.name``."""
        t = base.type
        match t:
            case StructType() | HeaderType() | UnionType():
                for i, f in enumerate(t.fields):
                    if f.name == name:
                        if isinstance(base, ir.StructExpr) and is_constant(base):
                            return base.items[i]
                        return ir.Member(type=f.type, pos=pos, base=base, name=name)
                near = close_name(name, [f.name for f in t.fields])
                self.fail(pos, f"{t} has no field '{name}'", f"did you mean '{near}'?" if near else "")
            case StackType():
                return self._stack_member(base, t, name, pos)
            case ApplyResultType():
                if name in ("hit", "miss"):
                    return ir.Member(type=BOOL, pos=pos, base=base, name=name)
                if name == "action_run":
                    self.fail(pos, "'action_run' can only be the expression of a switch")
        self.fail(pos, f"{describe(t)} has no member '{name}'")

    def _stack_member(self, base: ir.Expr, t: StackType, name: str, pos: Pos) -> ir.Expr:
        if name == "size":
            return ir.Literal(type=BIT32, pos=pos, value=t.size)
        if name in ("next", "last", "lastIndex"):
            if self.place.kind != "parser":
                self.fail(
                    pos, f"'{name}' of a stack can only be used in a parser, not in {with_article(self.place.kind)}"
                )
            if name == "lastIndex":
                return ir.StackMember(type=BIT32, pos=pos, base=base, name="lastIndex")
            return ir.StackMember(type=t.elem, pos=pos, base=base, name="next" if name == "next" else "last")
        self.fail(pos, f"stack {t} has no member '{name}'", "a stack has next, last, lastIndex, size")

    def _index(self, e: syntax.IndexExpr) -> ir.Expr:
        base = self.settle_member_base(self.expr(e.base))
        index = self.expr(e.index)
        t = base.type
        if isinstance(index.type, SerEnumType):
            index = self.cast_scalar(index, index.type.underlying)
        if not is_numeric(index.type):
            self.fail(e.index.pos, f"an index must be an integer, not {describe(index.type)}")
        match t:
            case StackType():
                size: int | None = t.size
            case TupleType():
                size = len(t.elems)
            case ListType():
                size = len(base.items) if isinstance(base, ir.StructExpr) else None
            case _:
                self.fail(e.pos, f"{describe(t)} cannot be indexed: only stacks, tuples and lists can")
        if isinstance(index, ir.Literal):
            at = int(index.value)
            if at < 0 or (size is not None and at >= size):
                self.fail(e.index.pos, f"index {at} is outside of {t}, which has {size} elements")
            if isinstance(t, (TupleType, ListType)) and isinstance(base, ir.StructExpr) and is_constant(base):
                return base.items[at]
            if isinstance(index.type, InfIntType):
                index = ir.Literal(type=BIT32, pos=index.pos, value=at)
        elif isinstance(t, (TupleType, ListType)):
            self.fail(e.index.pos, f"the index of {describe(t)} must be a constant")
        elif isinstance(index.type, InfIntType):
            index = self.convert(index, BIT32, "index")
        if isinstance(t, TupleType):
            elem = t.elems[int(index.value)] if isinstance(index, ir.Literal) else t.elems[0]
        else:
            elem = t.elem
        return ir.Index(type=elem, pos=e.pos, base=base, index=index)

    def _slice(self, e: syntax.SliceExpr) -> ir.Expr:
        base = self.expr(e.base)
        if isinstance(base.type, SerEnumType):
            base = self.cast_scalar(base, base.type.underlying)
        t = base.type
        if isinstance(t, InfIntType) and isinstance(base, ir.Literal):
            width = fold.MAX_WIDTH
        elif isinstance(t, (BitType, IntType)):
            width = t.width
        else:
            self.fail(e.base.pos, f"{describe(t)} cannot be sliced: only bit and int can")
        if e.plus:
            return self._plus_slice(e, base, width)
        hi = self.constant_int(e.hi, "the upper end of a slice")
        lo = self.constant_int(e.lo, "the lower end of a slice")
        return self._slice_at(e, base, width, hi, lo)

    def _slice_at(self, e: syntax.SliceExpr, base: ir.Expr, width: int, hi: int, lo: int) -> ir.Expr:
        if lo < 0:
            self.fail(e.lo.pos, f"slice [{hi}:{lo}]: the lower end is below 0")
        if hi < lo:
            self.fail(e.pos, f"slice [{hi}:{lo}]: the upper end comes first and cannot be below the lower one")
        if hi >= width:
            self.fail(e.hi.pos, f"slice [{hi}:{lo}] is outside of {describe(base.type)}")
        t = BitType(hi - lo + 1)
        if isinstance(base, ir.Literal):
            return ir.Literal(type=t, pos=e.pos, value=fold.take_slice(int(base.value), hi, lo))
        return ir.Slice(type=t, pos=e.pos, base=base, hi=hi, lo=lo)

    def _plus_slice(self, e: syntax.SliceExpr, base: ir.Expr, width: int) -> ir.Expr:
        """``base[start +: count]``: a start that is not constant makes it a shift."""
        count = self.constant_int(e.lo, "the width of a slice")
        if not 1 <= count <= width:
            self.fail(e.lo.pos, f"a slice of {count} bits is not within {describe(base.type)}")
        start = self.expr(e.hi)
        if isinstance(start, ir.Literal):
            low = int(start.value)
            return self._slice_at(e, base, width, low + count - 1, low)
        if not isinstance(start.type, BitType):
            self.fail(e.hi.pos, f"the start of a slice must be unsigned, not {describe(start.type)}")
        if isinstance(base.type, IntType):
            base = self.cast_scalar(base, BitType(width))
        shifted = ir.Binary(type=base.type, pos=e.pos, op=">>", left=base, right=start)
        return ir.Slice(type=BitType(count), pos=e.pos, base=shifted, hi=count - 1, lo=0)

    # ---- lists ----

    def _list(self, e: syntax.ListExpr) -> ir.Expr:
        items = tuple(self.expr(i) for i in e.items)
        t = TupleType(tuple(i.type for i in items))
        return ListValue(type=t, pos=e.pos, items=items, rest=e.rest)

    def _struct(self, e: syntax.StructExpr) -> ir.Expr:
        names = tuple(n for n, _ in e.items)
        for n in names:
            if names.count(n) > 1:
                self.fail(e.pos, f"field '{n}' is given twice")
        items = tuple(self.expr(i) for _, i in e.items)
        t = TupleType(tuple(i.type for i in items))
        return ListValue(type=t, pos=e.pos, items=items, names=names, rest=e.rest)

    def _cast_expr(self, e: syntax.CastExpr) -> ir.Expr:
        t = self.type(e.ref)
        if isinstance(t, (VoidType, ExternType, ParserType, TypeVar, MatchKindType)):
            self.fail(e.pos, f"nothing can be cast to {describe(t)}")
        return self.cast(self.expr(e.operand), t, e.pos)

    # ---- operators ----

    def _unary(self, e: syntax.UnaryExpr) -> ir.Expr:
        operand = self.expr(e.operand)
        t = operand.type
        if e.op == "!":
            if not isinstance(t, BoolType):
                self.fail(e.pos, f"'!' needs a bool, not {describe(t)}", "'~' inverts bits" if is_numeric(t) else "")
            if isinstance(operand, ir.Literal):
                return ir.Literal(type=t, pos=e.pos, value=not operand.value)
            return ir.Unary(type=t, pos=e.pos, op="!", operand=operand)
        if isinstance(t, SerEnumType):
            operand = self.cast_scalar(operand, t.underlying)
            t = operand.type
        if not is_numeric(t):
            hint = "'!' negates a bool" if isinstance(t, BoolType) else ""
            self.fail(e.pos, f"'{e.op}' needs a bit or int, not {describe(t)}", hint)
        if e.op == "+":
            return operand
        if e.op == "~" and isinstance(t, InfIntType):
            self.fail(e.pos, "'~' needs a value with a width", "write it as 8w1 or cast it")
        if isinstance(operand, ir.Literal):
            number = int(operand.value)
            return ir.Literal(type=t, pos=e.pos, value=fold.wrap(-number if e.op == "-" else ~number, t))
        return ir.Unary(type=t, pos=e.pos, op=e.op, operand=operand)

    def _binary(self, e: syntax.BinaryExpr) -> ir.Expr:
        op = e.op
        if op in ("&&&", ".."):
            self.fail(e.pos, f"'{op}' makes a set: it can only stand in a select or a table's entries")
        return self.binary(op, self.expr(e.left), self.expr(e.right), e.pos)

    def binary(self, op: str, left: ir.Expr, right: ir.Expr, pos: Pos) -> ir.Expr:
        """``left op right``."""
        if op in ("&&", "||"):
            return self._logic(op, left, right, pos)
        if op in ("==", "!="):
            return self._equal(op, left, right, pos)
        if op == "++":
            return self._concat(left, right, pos)
        if isinstance(left.type, SerEnumType):
            left = self.cast_scalar(left, left.type.underlying)
        if isinstance(right.type, SerEnumType):
            right = self.cast_scalar(right, right.type.underlying)
        for side in (left, right):
            if not is_numeric(side.type):
                self.fail(side.pos, f"'{op}' needs bit or int operands, not {describe(side.type)}")
        if op in ("<<", ">>"):
            return self._shift(op, left, right, pos)
        left, right = self._same(op, left, right, pos)
        if op in ("|+|", "|-|") and isinstance(left.type, InfIntType):
            self.fail(pos, f"'{op}' needs operands with a width")
        if op in ("/", "%"):
            if isinstance(left.type, IntType):
                self.fail(pos, f"'{op}' is not defined for signed values ({left.type})")
            if isinstance(right, ir.Literal) and right.value == 0:
                self.fail(right.pos, "division by zero")
        relation = op not in ARITHMETIC
        if isinstance(left, ir.Literal) and isinstance(right, ir.Literal):
            a, b = int(left.value), int(right.value)
            if relation:
                return ir.Literal(type=BOOL, pos=pos, value=fold.compare(op, a, b))
            return ir.Literal(type=left.type, pos=pos, value=self._fold(op, a, b, left.type, pos))
        return ir.Binary(type=BOOL if relation else left.type, pos=pos, op=op, left=left, right=right)

    def _fold(self, op: str, a: int, b: int, t: Type, pos: Pos) -> int:
        try:
            return fold.arithmetic(op, a, b, t)
        except fold.FoldError as e:
            self.fail(pos, str(e))

    def _same(self, op: str, left: ir.Expr, right: ir.Expr, pos: Pos) -> tuple[ir.Expr, ir.Expr]:
        """Give an integer without width the type of the other side."""
        if isinstance(left.type, InfIntType) and not isinstance(right.type, InfIntType):
            left = self.convert(left, right.type, f"left of '{op}'")
        elif isinstance(right.type, InfIntType) and not isinstance(left.type, InfIntType):
            right = self.convert(right, left.type, f"right of '{op}'")
        if left.type != right.type:
            self.fail(
                pos,
                f"'{op}' needs operands of one type, not {describe(left.type)} and {describe(right.type)}",
                "cast one of them",
            )
        return left, right

    def _logic(self, op: str, left: ir.Expr, right: ir.Expr, pos: Pos) -> ir.Expr:
        for side in (left, right):
            if not isinstance(side.type, BoolType):
                hint = f"'{op[0]}' works on bits" if is_numeric(side.type) else ""
                self.fail(side.pos, f"'{op}' needs bool operands, not {describe(side.type)}", hint)
        if isinstance(left, ir.Literal):
            if bool(left.value) is (op == "||"):
                return ir.Literal(type=BOOL, pos=pos, value=op == "||")
            return right
        return ir.Binary(type=BOOL, pos=pos, op=op, left=left, right=right)

    def _equal(self, op: str, left: ir.Expr, right: ir.Expr, pos: Pos) -> ir.Expr:
        if is_flexible(left) and not is_flexible(right):
            left = self._flex(op, left, right.type, "left")
        elif is_flexible(right) and not is_flexible(left):
            right = self._flex(op, right, left.type, "right")
        left, right = self.settle(left), self.settle(right)
        if isinstance(left.type, SerEnumType) and left.type != right.type:
            left = self.cast_scalar(left, left.type.underlying)
        if isinstance(right.type, SerEnumType) and left.type != right.type:
            right = self.cast_scalar(right, right.type.underlying)
        if isinstance(left, ir.Literal) and isinstance(right, ir.Literal) and left.type == right.type:
            return ir.Literal(type=BOOL, pos=pos, value=(left.value == right.value) is (op == "=="))
        t = left.type
        both_varbit = isinstance(t, VarbitType) and isinstance(right.type, VarbitType)
        if not same_type(t, right.type) and not both_varbit:
            self.fail(pos, f"'{op}' needs operands of one type, not {describe(t)} and {describe(right.type)}")
        if isinstance(t, (ExternType, ParserType, ApplyResultType, VoidType, TypeVar)):
            self.fail(pos, f"'{op}' is not defined for {describe(t)}")
        return ir.Binary(type=BOOL, pos=pos, op=op, left=left, right=right)

    def _flex(self, op: str, value: ir.Expr, t: Type, side: str) -> ir.Expr:
        """Give one side of a comparison the other's type."""
        if isinstance(value.type, InfIntType) and isinstance(t, SerEnumType):
            t = t.underlying
        return self.convert(value, t, f"{side} of '{op}'")

    def _concat(self, left: ir.Expr, right: ir.Expr, pos: Pos) -> ir.Expr:
        if isinstance(left.type, StringType) and isinstance(right.type, StringType):
            if isinstance(left, ir.Literal) and isinstance(right, ir.Literal):
                return ir.Literal(type=STRING, pos=pos, value=f"{left.value}{right.value}")
            self.fail(pos, "strings can only be joined when the compiler knows them")
        sides: list[ir.Expr] = []
        for side in (left, right):
            bits = self.cast_scalar(side, side.type.underlying) if isinstance(side.type, SerEnumType) else side
            if isinstance(bits.type, InfIntType):
                self.fail(bits.pos, "an operand of '++' needs a width", "write it as 8w1 or cast it")
            if not isinstance(bits.type, (BitType, IntType)):
                self.fail(bits.pos, f"'++' needs bit or int operands, not {describe(bits.type)}")
            sides.append(bits)
        left, right = sides
        assert isinstance(left.type, (BitType, IntType))
        assert isinstance(right.type, (BitType, IntType))
        width = left.type.width + right.type.width
        if width > fold.MAX_WIDTH:
            self.fail(pos, f"'++' makes {width} bits; the limit is {fold.MAX_WIDTH}")
        t = BitType(width) if isinstance(left.type, BitType) else IntType(width)
        if isinstance(left, ir.Literal) and isinstance(right, ir.Literal):
            joined = fold.concat(int(left.value), left.type.width, int(right.value), right.type.width, t)
            return ir.Literal(type=t, pos=pos, value=joined)
        return ir.Binary(type=t, pos=pos, op="++", left=left, right=right)

    def _shift(self, op: str, left: ir.Expr, right: ir.Expr, pos: Pos) -> ir.Expr:
        if isinstance(right, ir.Literal):
            count = int(right.value)
            if count < 0:
                self.fail(right.pos, f"shift by a negative number ({count})")
            width = left.type.width if isinstance(left.type, (BitType, IntType)) else None
            if width is not None and count >= width:
                self.diag.warning(right.pos, f"a shift by {count} leaves nothing of {left.type}")
            if isinstance(left, ir.Literal):
                return ir.Literal(type=left.type, pos=pos, value=self._fold(op, int(left.value), count, left.type, pos))
            if isinstance(right.type, (InfIntType, IntType)):
                right = ir.Literal(type=BIT32, pos=right.pos, value=min(count, (1 << 32) - 1))
        if isinstance(left.type, InfIntType):
            self.fail(left.pos, f"the left side of '{op}' needs a width, because the right side is not a constant")
        if isinstance(right.type, IntType):
            self.fail(right.pos, f"the right side of '{op}' must be unsigned, not {right.type}")
        if isinstance(right.type, InfIntType):
            right = self.convert(right, BIT32, f"right of '{op}'")
        return ir.Binary(type=left.type, pos=pos, op=op, left=left, right=right)

    def _mux(self, e: syntax.MuxExpr) -> ir.Expr:
        cond = self.condition(e.cond, "the condition of '?:'")
        then, other = self.expr(e.then), self.expr(e.other)
        if is_flexible(then) and not is_flexible(other):
            then = self.convert(then, other.type, "second operand of '?:'")
        elif is_flexible(other) and not is_flexible(then):
            other = self.convert(other, then.type, "third operand of '?:'")
        if isinstance(then, ListValue) and isinstance(other, ListValue):
            if isinstance(cond, ir.Literal):
                return then if cond.value else other
            return self._mux_lists(e, cond, then, other)
        then, other = self.settle(then), self.settle(other)
        if isinstance(then.type, SerEnumType) and other.type == then.type.underlying:
            then = self.cast_scalar(then, other.type)
        elif isinstance(other.type, SerEnumType) and then.type == other.type.underlying:
            other = self.cast_scalar(other, then.type)
        if not same_type(then.type, other.type):
            self.fail(e.pos, f"'?:' needs values of one type, not {describe(then.type)} and {describe(other.type)}")
        if isinstance(cond, ir.Literal):
            return then if cond.value else other
        if isinstance(then.type, InfIntType):
            self.fail(e.pos, "one of the values of '?:' needs a width", "write it as 8w1 or cast it")
        return ir.Mux(type=then.type, pos=e.pos, cond=cond, then=then, other=other)

    def _mux_lists(self, e: syntax.MuxExpr, cond: ir.Expr, then: ListValue, other: ListValue) -> ir.Expr:
        if len(then.items) != len(other.items) or then.names != other.names:
            self.fail(e.pos, "the lists of '?:' differ in their members")
        a, b = self.settle(then), self.settle(other)
        if a.type != b.type:
            self.fail(e.pos, f"'?:' needs values of one type, not {describe(a.type)} and {describe(b.type)}")
        return ir.Mux(type=a.type, pos=e.pos, cond=cond, then=a, other=b)

    # ---- functions by name ----

    def overloads(self, e: syntax.Expr) -> Overloads | None:
        """Return the functions that ``e`` names."""
        if isinstance(e, syntax.Name):
            symbol = self.find(e.name, e.absolute)
            if isinstance(symbol, Overloads):
                return symbol
        return None
