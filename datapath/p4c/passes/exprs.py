"""Expressions to instructions: values into slots, conditions into jumps."""

from collections.abc import Callable

from datapath.p4c import ir
from datapath.p4c.passes.emit import unsupported
from datapath.p4c.passes.layout import has_validity, is_aggregate, is_header_stack
from datapath.p4c.passes.lir import words
from datapath.p4c.passes.places import Bits, Place, Places
from datapath.p4c.source import NOWHERE
from datapath.p4c.types import (
    BoolType,
    EnumType,
    ErrorType,
    HeaderType,
    InfIntType,
    ListType,
    StackType,
    TupleType,
    Type,
    UnionType,
    VarbitType,
    is_signed,
    scalar_width,
    strip,
)

_ALU = {"+": "ADD", "-": "SUB", "*": "MUL", "&": "AND", "|": "OR", "^": "XOR", "/": "DIV", "%": "MOD", "<<": "SHL"}
_CALLS = (ir.FunctionCall, ir.ExternCall, ir.TableApply, ir.Apply, ir.ActionCall)


class Exprs(Places):
    """Evaluates expressions. A value that is in storage already stays there: the slot of the storage is given back."""

    def __init__(self) -> None:
        super().__init__()
        self.design: ir.Design
        self.instance: ir.Instance
        self._effects: dict[int, tuple[ir.Expr, bool]] = {}
        self._eval: dict[type, Callable[..., int]] = {
            ir.Literal: self._literal,
            ir.VarRef: self._var,
            ir.Member: self._member,
            ir.StackMember: self._stack_value,
            ir.Index: self._index,
            ir.Slice: self._slice,
            ir.Unary: self._unary,
            ir.Binary: self._binary,
            ir.Mux: self._mux,
            ir.Cast: self._cast,
            ir.StructExpr: self._struct,
            ir.InvalidHeader: self._default,
            ir.Default: self._default,
            ir.BuiltinCall: self._builtin,
            ir.FunctionCall: self.call_value,
            ir.ExternCall: self.call_value,
            ir.TableApply: self.call_value,
            ir.Apply: self.call_value,
            ir.ActionCall: self.call_value,
        }

    # ---- what later layers do ----

    def call_value(self, e: ir.Expr, dest: int | None = None) -> int:
        """Run a call and return its result."""
        raise NotImplementedError

    def apply_table(self, table: ir.Table, hit: bool, action: bool) -> tuple[int, int]:
        """Apply a table and return the slots of hit and of the action's index."""
        raise NotImplementedError

    # ---- helpers ----

    def width(self, t: Type, e: ir.Expr | None = None) -> int:
        """Return the width of a scalar type."""
        w = scalar_width(t)
        if w is None:
            if isinstance(strip(t), InfIntType):
                return 64
            unsupported(e.pos if e is not None else NOWHERE, f"a value of type {t} here")
        return w

    def has_effects(self, e: ir.Expr | None) -> bool:
        """Whether evaluating ``e`` may change something."""
        if e is None:
            return False
        found = self._effects.get(id(e))
        if found is None:
            found = self._effects[id(e)] = (e, isinstance(e, _CALLS) or any(map(self.has_effects, children(e))))
        return found[1]

    def steady(self, e: ir.Expr, later: "list[ir.Expr] | tuple[ir.Expr, ...]") -> int:
        """Return ``e``'s value in a slot that the evaluation of ``later`` does not change."""
        slot = self.value(e)
        if self.known(slot, 1) is None and any(map(self.has_effects, later)):
            kept = self.temp_of(e.type)
            self.copy(kept, slot, e.type)
            return kept
        return slot

    def number(self, value: object, t: Type) -> int:
        """Return the number that stands for a literal's value."""
        inner = strip(t)
        if isinstance(value, str):
            if isinstance(inner, ErrorType):
                return self.design.program.errors.index(value)
            if isinstance(inner, EnumType):
                return inner.members.index(value)
            raise AssertionError(f"literal {value!r} of {t}")
        assert isinstance(value, int)
        return int(value)

    # ---- values ----

    def value(self, e: ir.Expr, dest: int | None = None) -> int:
        """Return the first slot of an expression's value: ``dest`` if given, else perhaps that of a variable."""
        return self._eval[type(e)](e, dest)

    def _give(self, slot: int, t: Type, dest: int | None) -> int:
        if dest is None or dest == slot:
            return slot
        self.copy(dest, slot, t)
        return dest

    def _literal(self, e: ir.Literal, dest: int | None = None) -> int:
        width = self.width(e.type, e)
        return self.moved(self.const(self.number(e.value, e.type), width), width, dest)

    def _var(self, e: ir.VarRef, dest: int | None = None) -> int:
        place = self.vars.get(e.var)
        if place is not None:
            return self.load(place, dest)
        argument = self.instance.args.get(e.var)
        if argument is None or isinstance(argument, ir.Instance):
            unsupported(e.pos, f"{e.var.name} as a value")
        return self.value(argument, dest)

    def _member(self, e: ir.Member, dest: int | None = None) -> int:
        if isinstance(e.base, ir.TableApply):
            hit, _ = self.apply_table(e.base.table, True, False)
            if e.name == "miss":
                return self.alu("LNOT", 1, hit, dest=dest, truth=True)
            return self.moved(hit, 1, dest)
        return self.load(self.place(e), dest)

    def _index(self, e: ir.Index, dest: int | None = None) -> int:
        return self.load(self.place(e), dest)

    def _stack_value(self, e: ir.StackMember, dest: int | None = None) -> int:
        if e.name == "lastIndex":
            stack = self.place(e.base)
            return self.alu("SUB", 32, self.next_index(stack), self.const(1, 32), dest)
        return self.load(self.place(e), dest)

    def _slice(self, e: ir.Slice, dest: int | None = None) -> int:
        width = self.width(e.base.type, e.base)
        return self.slice(self.value(e.base), width, e.hi, e.lo, dest)

    def _unary(self, e: ir.Unary, dest: int | None = None) -> int:
        w = self.width(e.type, e)
        slot = self.value(e.operand)
        if e.op == "!":
            return self.alu("LNOT", 1, slot, dest=dest, truth=True)
        return self.alu("NEG" if e.op == "-" else "NOT", w, slot, dest=dest)

    def _binary(self, e: ir.Binary, dest: int | None = None) -> int:
        op = e.op
        if op in ("&&", "||"):
            return self._logic(e, dest)
        left = self.steady(e.left, (e.right,))
        right = self.value(e.right)
        if op in ("==", "!="):
            result = self.equal(e.left.type, left, right)
            if op == "!=":
                return self.alu("LNOT", 1, result, dest=dest, truth=True)
            return self.moved(result, 1, dest)
        w = self.width(e.left.type, e.left)
        signed = is_signed(e.left.type)
        if op in ("<", "<=", ">", ">="):
            if op[0] == ">":
                left, right = right, left
            return self.alu(
                ("S" if signed else "") + ("LE" if len(op) == 2 else "LT"), w, left, right, dest, truth=True
            )
        if op == "++":
            return self._concat(left, w, right, self.width(e.right.type, e.right), dest)
        if op in ("<<", ">>"):
            return self._shift(e, op, w, left, right, dest)
        if op in ("|+|", "|-|"):
            return self.alu(("ADDS" if op == "|+|" else "SUBS") + ("S" if signed else ""), w, left, right, dest)
        return self.alu(_ALU[op], w, left, right, dest)

    def _shift(self, e: ir.Binary, op: str, w: int, left: int, right: int, dest: int | None) -> int:
        amount = scalar_width(e.right.type)
        if amount is not None and amount > 64:  # the engine looks at one slot: at or over 2^64 is far enough, too
            known = self.known(right, amount)
            if known is not None:
                right = self.const(min(known, 65535))
            else:
                high = self.alu("NE", amount - 64, right + 1, self.const(0, amount - 64), truth=True)
                chosen = self.new_temp()
                self.emit("SEL", 64, chosen, self.const(65535), right, high)
                right = chosen
        name = "SHL" if op == "<<" else "SAR" if is_signed(e.left.type) else "SHR"
        return self.alu(name, w, left, right, dest)

    def _concat(self, left: int, lw: int, right: int, rw: int, dest: int | None) -> int:
        w = lw + rw
        if lw == 0 or rw == 0:
            return self.moved(right if lw == 0 else left, w, dest)
        x, y = self.known(left, lw), self.known(right, rw)
        if x is not None and y is not None:
            return self.moved(self.const(x << rw | y, w), w, dest)
        if w <= 64:
            target = self.new_temp() if dest is None else dest
            self.emit("CAT", w, target, left, right, rw)
            return target
        target = self.new_temp(words(w))  # never dest: an operand may live there
        self.emit("ZEXTX", w, target, right, imm=rw)
        self.insert(target, w, w - 1, rw, left)
        return self.moved(target, w, dest)

    def _logic(self, e: ir.Binary, dest: int | None) -> int:
        if not self.has_effects(e.right):
            left = self.value(e.left)
            known = self.known(left, 1)
            if known is not None:
                if bool(known) == (e.op == "||"):
                    return self.moved(left, 1, dest)
                return self.value(e.right, dest)
            return self.alu("AND" if e.op == "&&" else "OR", 1, left, self.value(e.right), dest, truth=True)
        result = self.new_temp()
        end = self.new_label()
        self.value(e.left, result)
        self.jump_if(result, e.op == "||", end)
        self.value(e.right, result)
        self.place_label(end)
        return self.moved(result, 1, dest)

    def _mux(self, e: ir.Mux, dest: int | None = None) -> int:
        if not self.has_effects(e.cond):
            known = self.known(self.value(e.cond), 1) if isinstance(e.cond, ir.Literal) else None
            if known is not None:
                return self.value(e.then if known else e.other, dest)
        n = self.layouts.slots(e.type)
        if n == 1 and _simple(e.then) and _simple(e.other):
            cond = self.value(e.cond)
            then, other = self.value(e.then), self.value(e.other)
            target = self.new_temp() if dest is None else dest
            self.emit("SEL", 64, target, then, other, cond)
            return target
        # A temporary, not dest: dest may be read by the chosen one, part after part.
        target = self.new_temp(n, "mux") if dest is None or n > 1 else dest
        other_label, end = self.new_label(), self.new_label()
        self.branch(e.cond, False, other_label)
        self.value(e.then, target)
        self.jump(end)
        self.place_label(other_label)
        self.value(e.other, target)
        self.place_label(end)
        return self._give(target, e.type, dest)

    def _cast(self, e: ir.Cast, dest: int | None = None) -> int:
        source, target = strip(e.operand.type), strip(e.type)
        slot = self.value(e.operand)
        w, old = scalar_width(target), scalar_width(source)
        if w is None or old is None:
            if isinstance(source, InfIntType) and w is not None:
                known = self.known(slot, 64)
                if known is not None:
                    return self.moved(self.const(known, w), w, dest)
            return self._give(slot, e.type, dest)
        if isinstance(target, BoolType) and not isinstance(source, BoolType):
            return self.moved(slot, 1, dest)
        return self.resize(slot, old, w, is_signed(source), dest)

    def resize(self, slot: int, old: int, w: int, signed: bool, dest: int | None = None) -> int:
        """Return a value of ``old`` bits cut or extended to ``w``."""
        if w == 0:
            return self.moved(self.const(0, 1), 1, dest)
        known = self.known(slot, old)
        if known is not None:
            if signed and old and known >> (old - 1):
                known -= 1 << old
            return self.moved(self.const(known, w), w, dest)
        if w == old:
            return self.moved(slot, w, dest)
        if w < old:
            return self.slice(slot, old, w - 1, 0, dest)
        if not signed and w <= 64:
            return self.moved(slot, w, dest)
        target = self.new_temp(words(w)) if dest is None or words(w) > 1 else dest
        self.emit(("SEXT" if signed else "ZEXT") + ("X" if w > 64 else ""), w, target, slot, imm=old)
        return self.moved(target, w, dest)

    def _struct(self, e: ir.StructExpr, dest: int | None = None) -> int:
        t = strip(e.type)
        # Built aside if what is there may be read on the way.
        target = dest if dest is not None and all(isinstance(i, ir.Literal) for i in e.items) else None
        if target is None:
            target = self.new_temp(self.layouts.slots(t), "struct")
        self.fill(e, target)
        return self._give(target, e.type, dest)

    def fill(self, e: ir.StructExpr, target: int) -> None:
        """Evaluate a struct expression into storage that nothing in it reads."""
        t = strip(e.type)
        if isinstance(t, ListType):
            t = TupleType(tuple(i.type for i in e.items))
        if isinstance(t, UnionType):
            self.zero(target, self.layouts.slots(t))
        if isinstance(t, HeaderType):
            self.emit("MOV", 1, target, self.const(1))
        elif is_header_stack(t):
            self.emit("MOV", 32, target, self.const(0))
        for item, (at, _) in zip(e.items, self.layouts.offsets(t).values(), strict=False):
            if isinstance(item, ir.StructExpr) and is_aggregate(item.type):
                self.fill(item, target + at)
            else:
                self.value(item, target + at)
        if isinstance(t, StackType) and len(e.items) < t.size:
            at = list(self.layouts.offsets(t).values())[len(e.items)][0]
            self.zero(target + at, self.layouts.slots(t) - at)

    def _default(self, e: ir.Default | ir.InvalidHeader, dest: int | None = None) -> int:
        n = self.layouts.slots(e.type)
        if dest is None:
            if n == 1:
                return self.const(0)
            return self.lir.const_block((0,) * n)
        self.zero(dest, n)
        return dest

    def _builtin(self, e: ir.BuiltinCall, dest: int | None = None) -> int:
        if e.name != "isValid":
            unsupported(e.pos, f"{e.name}() as a value")
        return self.moved(self.validity(self.place(e.obj)), 1, dest)

    # ---- assignment ----

    def assign(self, target: ir.Expr, e: ir.Expr) -> None:
        """``target = e;``."""
        place = self.lvalue(target)
        if isinstance(place, Place) and not place.dims:
            if place.union is None:
                self.value(e, place.base)
            else:
                self.store(place, self.value(e))
            return
        slot = self.value(e)
        self.store(place, slot)

    # ---- conditions ----

    def branch(self, e: ir.Expr, when: bool, label: int) -> None:
        """Go to ``label`` if the condition is ``when``, else on."""
        match e:
            case ir.Unary(op="!", operand=operand):
                self.branch(operand, not when, label)
            case ir.Binary(op="&&" | "||" as op, left=left, right=right):
                if (op == "||") == when:
                    self.branch(left, when, label)
                    self.branch(right, when, label)
                else:
                    end = self.new_label()
                    self.branch(left, not when, end)
                    self.branch(right, when, label)
                    self.place_label(end)
            case ir.Binary(op="==" | "!=" | "<" | "<=" | ">" | ">=") if self._one_slot(e.left.type):
                self._compare(e, when, label)
            case ir.Member(base=ir.TableApply(table=table), name=name):
                hit, _ = self.apply_table(table, True, False)
                self.jump_if(hit, when == (name == "hit"), label)
            case _:
                self.jump_if(self.value(e), when, label)

    def _one_slot(self, t: Type) -> bool:
        width = scalar_width(t)
        return width is not None and width <= 64

    def _compare(self, e: ir.Binary, when: bool, label: int) -> None:
        op, w = e.op, self.width(e.left.type)
        ordered = op not in ("==", "!=")
        if ordered and is_signed(e.left.type):
            self.jump_if(self._binary(e), when, label)
            return
        left = self.steady(e.left, (e.right,))
        right = self.value(e.right)
        x, y = self.known(left, w), self.known(right, w)
        if op in (">", ">="):
            left, right, x, y, op = right, left, y, x, op.replace(">", "<")
        if x is not None and y is not None:
            holds = {"==": x == y, "!=": x != y, "<": x < y, "<=": x <= y}[op]
            if holds == when:
                self.jump(label)
        elif not ordered:
            equal = (op == "==") == when
            if y is None:
                left, right, y = right, left, x
            other = left if y is not None else -1
            if w == 1 and y is not None:
                self.jump_if(other, bool(y) == equal, label)
            elif y == 0:
                self.emit("JZ" if equal else "JNZ", a=left, imm=label)
            else:
                self.emit("JEQ" if equal else "JNE", a=left, b=right, imm=label)
        elif when:
            self.emit("JLT" if op == "<" else "JLE", a=left, b=right, imm=label)
        else:
            self.emit("JLE" if op == "<" else "JLT", a=right, b=left, imm=label)

    # ---- lists of fields ----

    def items(self, e: ir.Expr) -> list[tuple[int, int, bool]]:
        """Return (slot, width, varbit) of all scalars of an expression, in order."""
        if isinstance(e, ir.StructExpr):
            out = []
            for i, item in enumerate(e.items):
                later = e.items[i + 1 :]
                if not isinstance(item, ir.StructExpr) and any(map(self.has_effects, later)):
                    out += self._scalars_at(self.steady(item, later), item.type)
                else:
                    out += self.items(item)
            return out
        return self._scalars_at(self.value(e), e.type)

    def _scalars_at(self, slot: int, t: Type) -> list[tuple[int, int, bool]]:
        if isinstance(strip(t), InfIntType):
            unsupported(NOWHERE, "an integer without width in a list of fields")
        return [(slot + s.slot, s.width, s.varbit) for s in self.layouts.scalars(t)]


def _simple(e: ir.Expr) -> bool:
    """Whether evaluating ``e`` costs nothing: it is a constant or a field at a fixed place."""
    while isinstance(e, ir.Member):
        e = e.base
    return isinstance(e, ir.Literal | ir.VarRef)


def children(e: ir.Expr) -> tuple[ir.Expr, ...]:
    """Return the expressions that ``e`` consists of."""
    match e:
        case ir.Member(base=base) | ir.StackMember(base=base) | ir.Slice(base=base):
            return (base,)
        case ir.Index(base=base, index=index):
            return (base, index)
        case ir.Unary(operand=operand) | ir.Cast(operand=operand):
            return (operand,)
        case ir.Binary(left=left, right=right):
            return (left, right)
        case ir.Mux(cond=cond, then=then, other=other):
            return (cond, then, other)
        case ir.StructExpr(items=items):
            return items
        case ir.FunctionCall(args=args) | ir.ExternCall(args=args) | ir.Apply(args=args) | ir.ActionCall(args=args):
            return tuple(a for a in args if a is not None)
        case ir.BuiltinCall(obj=obj):
            return (obj,)
    return ()


__all__ = ["Bits", "Exprs", "Place", "VarbitType", "children", "has_validity"]
