"""Walks the typed IR: expressions, statements and calls, plainly and in the order that the language says.

A :class:`Frame` holds the variables of one run of a parser, control, function or action. What may be assigned to is a
:class:`Ref`, found once, before what is assigned is evaluated. Arguments are copied in left to right and out left to
right (language specification, 6.8), also when the call ends by ``exit``, ``return`` or a parser error.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from datapath.errors import CallerError
from datapath.p4c import ir
from datapath.p4c import types as t
from datapath.p4c.evaluate.trace import Trace
from datapath.p4c.evaluate.values import (
    COMPOUND,
    Header,
    Stack,
    Struct,
    Tuple,
    Union,
    Value,
    assign,
    copy,
    default,
    equal,
    from_bits,
    put,
    to_bits,
    wrap,
)

MAX_STEPS = 1_000_000
"""Statements a packet: what loops for ever ends here."""


class Signal(Exception):  # noqa: N818 - not an error: how a block ends early
    """The way out of nested statements."""


class ExitSignal(Signal):
    """``exit``."""


class BreakSignal(Signal):
    """``break``."""


class ContinueSignal(Signal):
    """``continue``."""


class ReturnSignal(Signal):
    """``return``."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class RejectSignal(Signal):
    """The parser goes to ``reject``; ``error`` is a member's name (NoError: the program said so itself)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class StopSignal(Signal):
    """The packet is given up: an assertion failed, or it took too many steps."""


@dataclass(eq=False, slots=True)
class Frame:
    """The variables of one run. ``outer`` of an action is its control's.

    ``args`` are the expressions that the parameters were called with and ``caller`` the frame that these belong to.
    """

    instance: ir.Instance
    vars: dict[ir.Var, Value]
    outer: "Frame | None" = None
    args: dict[ir.Var, "ir.Expr | None"] = field(default_factory=dict)
    caller: "Frame | None" = None


class Ref:
    """A place that holds a value: ``container[key]``."""

    __slots__ = ("container", "key")

    def __init__(self, container: Any, key: object) -> None:
        self.container = container
        self.key = key

    def get(self) -> Value:
        """Return what is there now."""
        value: Value = self.container[self.key]
        return value

    def set(self, value: Value) -> None:
        """Put a value there."""
        put(self.container, self.key, value)


class SliceRef(Ref):
    """Bits ``hi`` down to ``lo`` of a scalar in another place."""

    __slots__ = ("base", "hi", "lo", "type")

    def __init__(self, base: Ref, type_: t.Type, hi: int, lo: int) -> None:
        super().__init__(None, None)
        self.base = base
        self.type = type_
        self.hi = hi
        self.lo = lo

    def get(self) -> Value:
        """Return the bits."""
        return to_bits(self.base.get(), self.type) >> self.lo & ((1 << (self.hi - self.lo + 1)) - 1)

    def set(self, value: Value) -> None:
        """Replace the bits, leave the others."""
        assert isinstance(value, int)
        mask = ((1 << (self.hi - self.lo + 1)) - 1) << self.lo
        old = to_bits(self.base.get(), self.type)
        self.base.set(from_bits(old & ~mask | (int(value) << self.lo & mask), self.type))


def nowhere(value: Value) -> Ref:
    """Return a place that nobody reads: where a dropped ``out`` argument and a write outside of a stack go."""
    return Ref([value], 0)


@dataclass(slots=True)
class ExternArgs:
    """A call of an extern.

    ``args`` are values that were copied in (of ``out`` ones the default), ``refs`` the places of ``out`` and ``inout``
    ones.
    """

    machine: "Machine"
    frame: Frame
    node: ir.ExternCall
    obj: Any
    args: list[Any]
    refs: list[Ref | None]

    def type(self, i: int) -> t.Type:
        """Return the concrete type of an argument; a dropped one has none."""
        arg = self.node.args[i]
        return self.node.type_args[0] if arg is None else arg.type

    def out(self, i: int, bits: int) -> None:
        """Store a scalar in an ``out`` argument, cut to its width."""
        ref = self.refs[i]
        if ref is not None and self.node.args[i] is not None:
            ref.set(from_bits(bits, self.type(i)))


Handler = Callable[[ExternArgs], Value]


class TableRunner(Protocol):
    """Who applies tables."""

    def apply(self, machine: "Machine", frame: Frame, table: ir.Table) -> tuple[bool, ir.Action]:
        """Look up and run the action; returns hit and the action."""


class ParserRunner(Protocol):
    """Who runs parsers."""

    def __call__(self, machine: "Machine", frame: Frame) -> None:
        """Run the parser of the frame from its start to ``accept``.

        Raises:
            RejectSignal: it rejects.
        """


class Machine:
    """Runs blocks of one design."""

    def __init__(self, design: ir.Design, tables: TableRunner, run_parser: ParserRunner, handlers: dict[str, Handler]):
        self.design = design
        self.errors = {name: i for i, name in enumerate(design.program.errors)}
        self.tables = tables
        self.run_parser = run_parser
        self.handlers = handlers
        """By ``function`` or ``Type.method``."""
        self.objects: dict[ir.Instance, Any] = {}
        """The state of each extern object."""
        self.steps = 0
        self.transitions = 0
        self.trace: Trace | None = None
        self.frames: list[Frame] = []
        """The top-level block that runs now."""
        self._evals: dict[type, Callable[[Any, Frame], Value]] = {
            ir.Literal: self._literal,
            ir.VarRef: self._var,
            ir.InstanceRef: self._instance,
            ir.NewInstance: self._no_value,
            ir.Member: self._member,
            ir.StackMember: self._stack_member,
            ir.Index: self._index,
            ir.Slice: self._slice,
            ir.Unary: self._unary,
            ir.Binary: self._binary,
            ir.Mux: self._mux,
            ir.Cast: self._cast,
            ir.StructExpr: self._struct,
            ir.InvalidHeader: self._default,
            ir.Default: self._default,
            ir.FunctionCall: self._function_call,
            ir.ExternCall: self._extern_call,
            ir.BuiltinCall: self._builtin,
            ir.TableApply: self._table_apply,
            ir.Apply: self._apply,
            ir.ActionCall: self._action_call,
        }
        self._execs: dict[type, Callable[[Any, Frame], None]] = {
            ir.Declare: self._declare,
            ir.Assign: self._assign,
            ir.Call: self._call_stmt,
            ir.Block: self._block,
            ir.If: self._if,
            ir.SwitchAction: self._switch_action,
            ir.SwitchValue: self._switch_value,
            ir.For: self._for,
            ir.ForIn: self._for_in,
            ir.Return: self._return,
            ir.Exit: self._exit,
            ir.Break: self._break,
            ir.Continue: self._continue,
        }

    # ---- blocks and calls ----

    def start(self) -> None:
        """Begin a run of the pipeline: its limits begin anew."""
        self.steps = 0
        self.transitions = 0

    def run_block(self, instance: ir.Instance, args: Sequence[Value]) -> None:
        """Run a block of the architecture on these very objects; an ``exit`` ends it.

        Raises:
            RejectSignal: the parser rejects.
        """
        decl = instance.decl
        assert isinstance(decl, ir.ParserDecl | ir.ControlDecl)
        frame = Frame(instance, dict(zip(decl.params, args, strict=True)))
        for p, arg in frame.vars.items():
            if p.direction == "out" and isinstance(arg, COMPOUND):
                assign(arg, default(p.type))
        self.frames.append(frame)
        try:
            with suppress(ExitSignal):
                self._run_body(frame)
        finally:
            self.frames.pop()

    def _run_body(self, frame: Frame) -> None:
        decl = frame.instance.decl
        assert isinstance(decl, ir.ParserDecl | ir.ControlDecl)
        if isinstance(decl, ir.ParserDecl):
            self.run_parser(self, frame)
            return
        for local in decl.locals:
            self.exec(local, frame)
        with suppress(ReturnSignal):
            self.exec(decl.body, frame)

    def _call(
        self,
        frame: Frame,
        params: Sequence[ir.Var],
        args: "Sequence[ir.Expr | None]",
        caller: Frame,
        body: ir.Block | None,
    ) -> Value:
        """Copy in, run ``body`` (None: that of the frame's parser or control), copy out; returns the result."""
        outs: list[tuple[ir.Var, Ref]] = []
        for p, arg in zip(params, args, strict=True):
            frame.args[p] = arg
            if p.direction in ("out", "inout"):
                ref = nowhere(default(p.type)) if arg is None else self.ref(arg, caller)
                outs.append((p, ref))
                frame.vars[p] = copy(ref.get()) if p.direction == "inout" else default(p.type)
            else:
                frame.vars[p] = default(p.type) if arg is None else copy(self.eval(arg, caller))
        frame.caller = caller
        result: Value = None
        try:
            if body is None:
                self._run_body(frame)
            else:
                self.exec(body, frame)
        except ReturnSignal as e:
            result = e.value
        finally:
            for p, ref in outs:
                ref.set(copy(frame.vars[p]))
        return result

    def run_action(
        self, action: ir.Action, args: "Sequence[ir.Expr | None]", data: Sequence[Value], frame: Frame
    ) -> None:
        """Run an action: directed parameters from ``args``, the others from ``data``."""
        inner = Frame(frame.instance, {}, frame.outer or frame)
        inner.vars.update(zip(action.data_params, data, strict=True))
        directed = [(p, a) for p, a in zip(action.params, args, strict=True) if p.direction]
        self._call(inner, [p for p, _ in directed], [a for _, a in directed], frame, action.body)

    def instance_of(self, expr: ir.Expr, frame: Frame) -> ir.Instance:
        """Return the instance that an expression names."""
        if isinstance(expr, ir.InstanceRef):
            child = frame.instance.children.get(expr.decl)
            return self.design.globals[expr.decl] if child is None else child
        if isinstance(expr, ir.VarRef):
            value = frame.instance.args.get(expr.var)
            if isinstance(value, ir.Instance):
                return value
        raise CallerError(f"{frame.instance.path}: {type(expr).__name__} at {expr.pos} is no instance")

    # ---- places ----

    def _scope(self, var: ir.Var, frame: Frame) -> dict[ir.Var, Value] | None:
        at: Frame | None = frame
        while at is not None:
            if var in at.vars:
                return at.vars
            at = at.outer
        return None

    def ref(self, expr: ir.Expr, frame: Frame) -> Ref:
        """Return the place that an expression means, its subexpressions evaluated once."""
        match expr:
            case ir.VarRef(var=var):
                scope = self._scope(var, frame)
                if scope is not None:
                    return Ref(scope, var)
            case ir.Member(base=base, name=name):
                value = self.eval(base, frame)
                if isinstance(value, Struct | Header | Union):
                    return Ref(value.fields, name)
            case ir.StackMember(base=base, name="next" | "last"):
                stack = self.eval(base, frame)
                assert isinstance(stack, Stack)
                return Ref(stack.items, self._stack_position(stack, expr.name))
            case ir.Index(base=base, index=index):
                items = self.eval(base, frame)
                i = self.eval(index, frame)
                assert isinstance(items, Stack | Tuple)
                assert isinstance(i, int)
                if 0 <= i < len(items.items):
                    return Ref(items.items, i)
                return nowhere(default(expr.type))
            case ir.Slice(base=base, hi=hi, lo=lo):
                return SliceRef(self.ref(base, frame), base.type, hi, lo)
            case ir.Cast(operand=operand) if t.strip(expr.type) == t.strip(operand.type):
                return self.ref(operand, frame)
        return nowhere(copy(self.eval(expr, frame)))

    def _stack_position(self, stack: Stack, name: str) -> int:
        i = stack.next if name == "next" else stack.next - 1
        if not 0 <= i < len(stack.items):
            raise RejectSignal("StackOutOfBounds")
        return i

    # ---- expressions ----

    def eval(self, expr: ir.Expr, frame: Frame) -> Value:
        """Return the value of an expression. A compound one may be the variable's own object: copy it to keep it."""
        return self._evals[type(expr)](expr, frame)

    def _number(self, expr: ir.Expr, frame: Frame) -> int:
        value = self.eval(expr, frame)
        assert isinstance(value, int), expr
        return value

    def literal(self, value: int | bool | str, type_: t.Type) -> Value:
        """Return the value that a literal of ``type_`` means."""
        base = t.strip(type_)
        if isinstance(value, str):
            if isinstance(base, t.EnumType):
                return base.members.index(value)
            if isinstance(base, t.ErrorType):
                return self.errors[value]
            if isinstance(base, t.SerEnumType):
                return dict(base.members)[value]
        return value

    def _literal(self, e: ir.Literal, _frame: Frame) -> Value:
        return self.literal(e.value, e.type)

    def _var(self, e: ir.VarRef, frame: Frame) -> Value:
        scope = self._scope(e.var, frame)
        if scope is not None:
            return scope[e.var]
        value = frame.instance.args.get(e.var)
        if value is None:
            raise CallerError(f"{e.pos}: {e.var.name} has no value in {frame.instance.path}")
        if isinstance(value, ir.Instance):
            return self.objects.get(value, value)
        return self.eval(value, frame)

    def _instance(self, e: ir.InstanceRef, frame: Frame) -> Value:
        instance = self.instance_of(e, frame)
        return self.objects.get(instance, instance)

    def _member(self, e: ir.Member, frame: Frame) -> Value:
        if isinstance(e.base, ir.TableApply):
            hit, _ = self.tables.apply(self, frame, e.base.table)
            return hit == (e.name == "hit")
        value = self.eval(e.base, frame)
        assert isinstance(value, Struct | Header | Union), e
        return value.fields[e.name]

    def _stack_member(self, e: ir.StackMember, frame: Frame) -> Value:
        stack = self.eval(e.base, frame)
        assert isinstance(stack, Stack)
        if e.name == "lastIndex":
            return (stack.next - 1) & 0xFFFFFFFF
        return stack.items[self._stack_position(stack, e.name)]

    def _index(self, e: ir.Index, frame: Frame) -> Value:
        items = self.eval(e.base, frame)
        i = self._number(e.index, frame)
        assert isinstance(items, Stack | Tuple)
        return items.items[i] if 0 <= i < len(items.items) else default(e.type)

    def _slice(self, e: ir.Slice, frame: Frame) -> Value:
        return to_bits(self.eval(e.base, frame), e.base.type) >> e.lo & ((1 << (e.hi - e.lo + 1)) - 1)

    def _unary(self, e: ir.Unary, frame: Frame) -> Value:
        value = self._number(e.operand, frame)
        match e.op:
            case "!":
                return not value
            case "-":
                return wrap(-value, e.type)
            case "~":
                return wrap(~value, e.type)
            case "+":
                return value
        raise CallerError(f"{e.pos}: unknown operator {e.op}")

    def _binary(self, e: ir.Binary, frame: Frame) -> Value:
        if e.op == "&&":
            return bool(self.eval(e.left, frame)) and bool(self.eval(e.right, frame))
        if e.op == "||":
            return bool(self.eval(e.left, frame)) or bool(self.eval(e.right, frame))
        left = self.eval(e.left, frame)
        if isinstance(left, COMPOUND):
            left = copy(left)  # the right side may have effects
        right = self.eval(e.right, frame)
        if e.op in ("==", "!="):
            return equal(left, right) == (e.op == "==")
        assert isinstance(left, int), e
        assert isinstance(right, int), e
        if e.op == "++":
            width = t.scalar_width(e.right.type)
            assert width is not None
            return from_bits(to_bits(left, e.left.type) << width | to_bits(right, e.right.type), e.type)
        return arithmetic(e.op, left, right, e.type)

    def _mux(self, e: ir.Mux, frame: Frame) -> Value:
        return self.eval(e.then if self.eval(e.cond, frame) else e.other, frame)

    def _cast(self, e: ir.Cast, frame: Frame) -> Value:
        value = self.eval(e.operand, frame)
        if not isinstance(value, int):
            return value
        if isinstance(t.strip(e.type), t.BoolType):
            return bool(value)
        return wrap(int(value), e.type)

    def _struct(self, e: ir.StructExpr, frame: Frame) -> Value:
        items = [copy(self.eval(item, frame)) for item in e.items]
        base = t.strip(e.type)
        match base:
            case t.StructType():
                return Struct(base, {f.name: v for f, v in zip(base.fields, items, strict=True)})
            case t.HeaderType():
                return Header(base, {f.name: v for f, v in zip(base.fields, items, strict=True)}, True)
            case t.StackType():
                return Stack(base, items)
        return Tuple(items)

    def _default(self, e: ir.InvalidHeader | ir.Default, _frame: Frame) -> Value:
        return default(e.type)

    def _function_call(self, e: ir.FunctionCall, frame: Frame) -> Value:
        return self._call(Frame(frame.instance, {}), e.function.params, e.args, frame, e.function.body)

    def _extern_call(self, e: ir.ExternCall, frame: Frame) -> Value:
        name = f"{e.method.owner}.{e.method.name}" if e.method.owner else e.method.name
        handler = self.handlers.get(name)
        if handler is None:
            raise CallerError(f"{e.pos}: {self.design.arch} has no extern {name}")
        obj = None if e.obj is None else self.eval(e.obj, frame)
        args: list[Value] = []
        refs: list[Ref | None] = []
        for p, arg in zip(e.method.params, e.args, strict=True):
            if p.direction in ("out", "inout") and arg is not None:
                ref = self.ref(arg, frame)
                refs.append(ref)
                args.append(copy(ref.get()) if p.direction == "inout" else default(arg.type))
            else:
                refs.append(None)
                args.append(None if arg is None else copy(self.eval(arg, frame)))
        return handler(ExternArgs(self, frame, e, obj, args, refs))

    def _builtin(self, e: ir.BuiltinCall, frame: Frame) -> Value:
        obj = self.eval(e.obj, frame)
        match e.name, obj:
            case "isValid", Header() | Union():
                return obj.valid
            case "setValid", Header():
                if not obj.valid:  # the reference switch clears the fields then
                    assign(obj, default(obj.type))
                obj.set_valid(True)
            case "setInvalid", Header():
                obj.set_valid(False)
            case "setInvalid", Union():
                for header in obj.fields.values():
                    header.valid = False
            case "push_front", Stack():
                self._shift(obj, self._number(e.args[0], frame) if e.args else 1)
            case "pop_front", Stack():
                self._shift(obj, -self._number(e.args[0], frame) if e.args else -1)
            case _:
                raise CallerError(f"{e.pos}: {e.obj.type} has no {e.name}")
        return None

    def _shift(self, stack: Stack, count: int) -> None:
        """Move the elements up by ``count`` (down, when negative); those that come in are invalid and zero."""
        size = len(stack.items)
        old = [copy(item) for item in stack.items]
        for i in range(size):
            put(stack.items, i, old[i - count] if 0 <= i - count < size else default(stack.type.elem))
        stack.next = min(max(stack.next + count, 0), size)

    def _table_apply(self, e: ir.TableApply, frame: Frame) -> Value:
        self.tables.apply(self, frame, e.table)
        return None

    def _apply(self, e: ir.Apply, frame: Frame) -> Value:
        instance = self.instance_of(e.obj, frame)
        decl = instance.decl
        assert isinstance(decl, ir.ParserDecl | ir.ControlDecl)
        self._call(Frame(instance, {}), decl.params, e.args, frame, None)
        return None

    def _action_call(self, e: ir.ActionCall, frame: Frame) -> Value:
        inner = Frame(frame.instance, {}, frame.outer or frame)
        self._call(inner, e.action.params, e.args, frame, e.action.body)
        return None

    def _no_value(self, e: ir.NewInstance, _frame: Frame) -> Value:
        raise CallerError(f"{e.pos}: a constructor call has no value at run time")

    # ---- statements ----

    def exec(self, stmt: ir.Stmt, frame: Frame) -> None:
        """Run a statement.

        Raises:
            Signal: it ends the block, the loop or the packet.
        """
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise StopSignal
        self._execs[type(stmt)](stmt, frame)

    def _declare(self, s: ir.Declare, frame: Frame) -> None:
        frame.vars[s.var] = default(s.var.type) if s.init is None else copy(self.eval(s.init, frame))

    def _assign(self, s: ir.Assign, frame: Frame) -> None:
        ref = self.ref(s.target, frame)
        ref.set(copy(self.eval(s.value, frame)))

    def _call_stmt(self, s: ir.Call, frame: Frame) -> None:
        self.eval(s.call, frame)

    def _block(self, s: ir.Block, frame: Frame) -> None:
        for stmt in s.stmts:
            self.exec(stmt, frame)

    def _if(self, s: ir.If, frame: Frame) -> None:
        if self.eval(s.cond, frame):
            self.exec(s.then, frame)
        elif s.other is not None:
            self.exec(s.other, frame)

    def _switch_action(self, s: ir.SwitchAction, frame: Frame) -> None:
        _, action = self.tables.apply(self, frame, s.table)
        self._switch(action, s.cases, frame)

    def _switch_value(self, s: ir.SwitchValue, frame: Frame) -> None:
        value = self.eval(s.expr, frame)
        cases = [
            (tuple(None if x is None else _Wrapped(self.literal(x.value, x.type)) for x in labels), body)
            for labels, body in s.cases
        ]
        self._switch(_Wrapped(value), cases, frame)

    def _switch(self, value: object, cases: Sequence[tuple[tuple[object, ...], ir.Block]], frame: Frame) -> None:
        for labels, body in cases:
            if any(x is not None and x == value for x in labels):
                self.exec(body, frame)
                return
        for labels, body in cases:
            if None in labels:
                self.exec(body, frame)
                return

    def _loop_body(self, body: ir.Block, frame: Frame) -> bool:
        """Run the body of a loop once; returns False after ``break``."""
        try:
            with suppress(ContinueSignal):
                self.exec(body, frame)
        except BreakSignal:
            return False
        return True

    def _for(self, s: ir.For, frame: Frame) -> None:
        for stmt in s.init:
            self.exec(stmt, frame)
        while self.eval(s.cond, frame):
            if not self._loop_body(s.body, frame):
                return
            for stmt in s.update:
                self.exec(stmt, frame)

    def _for_in(self, s: ir.ForIn, frame: Frame) -> None:
        values: Sequence[Value]
        if s.hi is None:
            whole = self.eval(s.lo, frame)
            assert isinstance(whole, Stack | Tuple)
            values = [copy(v) for v in whole.items]
        else:
            lo = self._number(s.lo, frame)
            values = range(lo, self._number(s.hi, frame) + 1)
        if s.declares:
            frame.vars[s.var] = default(s.var.type)
        scope = self._scope(s.var, frame)
        assert scope is not None
        for value in values:
            put(scope, s.var, value)
            if not self._loop_body(s.body, frame):
                return

    def _return(self, s: ir.Return, frame: Frame) -> None:
        raise ReturnSignal(None if s.value is None else copy(self.eval(s.value, frame)))

    def _exit(self, _s: ir.Exit, _frame: Frame) -> None:
        raise ExitSignal

    def _break(self, _s: ir.Break, _frame: Frame) -> None:
        raise BreakSignal

    def _continue(self, _s: ir.Continue, _frame: Frame) -> None:
        raise ContinueSignal


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """A value among labels, where None says ``default``."""

    value: Value


def arithmetic(op: str, left: int, right: int, type_: t.Type) -> int | bool:
    """Return ``left op right``; ``type_`` is that of the result (of a comparison: bool)."""
    match op:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "+":
            return wrap(left + right, type_)
        case "-":
            return wrap(left - right, type_)
        case "*":
            return wrap(left * right, type_)
        case "/":
            return wrap(left // right, type_) if right else 0
        case "%":
            return wrap(left % right, type_) if right else 0
        case "&":
            return wrap(left & right, type_)
        case "|":
            return wrap(left | right, type_)
        case "^":
            return wrap(left ^ right, type_)
        case "|+|":
            return _saturate(left + right, type_)
        case "|-|":
            return _saturate(left - right, type_)
        case "<<" | ">>":
            return _shift(op, left, right, type_)
    raise CallerError(f"unknown operator {op}")


def _shift(op: str, left: int, right: int, type_: t.Type) -> int:
    width = t.scalar_width(type_) or 0
    if op == "<<":
        return wrap(left << right, type_) if right < width else 0
    return left >> min(right, width)  # Python's shift is arithmetic, as that of int<w> is


def _saturate(value: int, type_: t.Type) -> int:
    width = t.scalar_width(type_) or 0
    if t.is_signed(type_):
        return min(max(value, -(1 << (width - 1))), (1 << (width - 1)) - 1)
    return min(max(value, 0), (1 << width) - 1)
