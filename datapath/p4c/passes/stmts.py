"""Statements, and calls of functions, actions and controls: inlined, with the copies that the language wants.

An argument is bound to the caller's storage itself when nothing can tell that from a copy: nobody else in the callee
reads or writes that storage. Else ``in`` and ``inout`` are copied to a temporary and ``out`` and ``inout`` copied
back behind the call, at ``exit`` too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from datapath.p4c import ir
from datapath.p4c.passes.emit import unsupported
from datapath.p4c.passes.exprs import Exprs
from datapath.p4c.passes.layout import is_header_stack
from datapath.p4c.passes.lir import CONST
from datapath.p4c.passes.places import Bits, Place
from datapath.p4c.passes.usage import Usage, usage
from datapath.p4c.types import ExternType, ParserType, StackType, is_signed, scalar_width, strip

Spans: TypeAlias = list[tuple[int, int]]

DENSE = 4
"""A switch becomes a jump table if it has that many cases and at least every fourth value has one."""


@dataclass(slots=True)
class Frame:
    """A call that is being expanded: where ``return`` goes and what is copied back."""

    end: int
    result: int | None = None
    copy_outs: list[tuple[Place | Bits, int]] = field(default_factory=list)


class Rebind(Exception):  # noqa: N818 - a signal, not an error
    """What was said of an object does not hold: expand again with it in ``Stmts.apart``."""

    def __init__(self, obj: object) -> None:
        super().__init__(obj)
        self.obj = obj


class Stmts(Exprs):
    """Runs statements."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self.loops: list[tuple[int, int]] = []
        self.objects: dict[ir.Var, ir.Instance | None] = {}
        self.apart: set[object] = set()
        self.exit_flag: int | None = None
        self._usage: dict[int, Usage] = {}
        self._bound: dict[tuple[ir.Instance, ir.Var], Place] = {}

    # ---- what later layers do ----

    def extern_call(self, e: ir.ExternCall, dest: int | None) -> int:
        """Run a call of an extern."""
        raise NotImplementedError

    def run_parser(self, parser: ir.Instance) -> None:
        """Run a parser whose parameters are bound."""
        raise NotImplementedError

    def table_actions(self, table: ir.Table) -> list[ir.ActionRef]:
        """Return a table's actions in the engine's order."""
        raise NotImplementedError

    # ---- statements ----

    def block(self, block: ir.Block) -> None:
        """Run a block."""
        with self.scope():
            for s in block.stmts:
                self.statement(s)

    def declare(self, var: ir.Var, init: ir.Expr | None, base: int | None = None) -> None:
        """Make a variable, in slots of its own or from ``base`` on, and give it its first value."""
        if base is None:
            base = self.temp_of(var.type, var.name)
        place = Place(var.type, base)
        with self.scope():
            if init is None:
                self.zero(base, self.layouts.slots(var.type))
            else:
                self.value(init, base)
        self.vars[var] = place

    def statement(self, s: ir.Stmt) -> None:
        """Run a statement."""
        self.where = s.pos
        if isinstance(s, ir.Declare):
            self.declare(s.var, s.init)
            return
        with self.scope():
            match s:
                case ir.Assign(target=target, value=value):
                    self.assign(target, value)
                case ir.Call(call=call):
                    self.call(call)
                case ir.Block():
                    self.block(s)
                case ir.If():
                    self._if(s)
                case ir.SwitchAction():
                    self._switch_action(s)
                case ir.SwitchValue():
                    self._switch_value(s)
                case ir.For():
                    self._for(s)
                case ir.ForIn():
                    self._for_in(s)
                case ir.Return(value=result):
                    self._return(result)
                case ir.Exit():
                    self.exit()
                case ir.Break():
                    self.jump(self.loops[-1][0])
                case ir.Continue():
                    self.jump(self.loops[-1][1])

    def _if(self, s: ir.If) -> None:
        other, end = self.new_label(), self.new_label()
        self.branch(s.cond, False, other)
        self.block(s.then)
        if s.other is not None:
            self.jump(end)
            self.place_label(other)
            self.block(s.other)
            self.place_label(end)
        else:
            self.place_label(other)

    def _return(self, result: ir.Expr | None) -> None:
        frame = self.frames[-1]
        if result is not None and frame.result is not None:
            self.value(result, frame.result)
        self.jump(frame.end)

    def copy_out(self, frame: Frame) -> None:
        """Copy back what a call has changed."""
        for place, slot in frame.copy_outs:
            self.store(place, slot)

    def exit(self) -> None:
        """Leave the whole block."""
        for frame in reversed(self.frames):
            self.copy_out(frame)
        if self.exit_flag is not None:
            self.emit("MOV", 1, self.exit_flag, self.const(1))
            self.emit("RET")
        else:
            self.emit("END")

    def _switch_action(self, s: ir.SwitchAction) -> None:
        actions = [ref.action for ref in self.table_actions(s.table)]
        _, index = self.apply_table(s.table, False, True)
        end = self.new_label()
        labels = [end] * len(actions)
        bodies: list[tuple[int, ir.Block]] = []
        taken: set[int] = set()
        for names, body in s.cases:
            label = self.new_label()
            for name in names:
                mine = range(len(actions)) if name is None else [i for i, a in enumerate(actions) if a is name]
                for i in mine:
                    if i not in taken:
                        taken.add(i)
                        labels[i] = label
            bodies.append((label, body))
        if len(set(labels)) == 1:
            self.jump(labels[0])
        elif len(set(labels)) == 2 and min(labels.count(x) for x in labels) == 1:
            odd = next(x for x in labels if labels.count(x) == 1)
            self.emit("JEQ", a=index, b=self.const(labels.index(odd)), imm=odd)
            self.jump(next(x for x in labels if x != odd))
        else:
            self.jump_table(index, labels)
        self._bodies(bodies, labels, end)

    def _bodies(self, bodies: list[tuple[int, ir.Block]], used: Sequence[int], end: int) -> None:
        for label, body in bodies:
            if label in used:
                self.place_label(label)
                self.block(body)
                self.jump(end)
        self.place_label(end)

    def _switch_value(self, s: ir.SwitchValue) -> None:
        width = self.width(s.expr.type, s.expr)
        slot = self.value(s.expr)
        end = self.new_label()
        default = end
        values: dict[int, int] = {}
        bodies: list[tuple[int, ir.Block]] = []
        for names, body in s.cases:
            label = self.new_label()
            for name in names:
                if name is None:
                    default = label
                else:
                    number = self.number(name.value, name.type) & ((1 << width) - 1)
                    values.setdefault(number, label)
            bodies.append((label, body))
        self.choose(slot, width, values, default)
        self._bodies(bodies, [*values.values(), default], end)

    def choose(self, slot: int, width: int, values: dict[int, int], default: int) -> None:
        """Go to the label of the value in ``slot``, or to ``default``."""
        known = self.known(slot, width)
        if known is not None:
            self.jump(values.get(known, default))
        elif width > 64:
            for value, label in values.items():
                self.jump_if(self.alu("EQ", width, slot, self.const(value, width), truth=True), True, label)
            self.jump(default)
        elif len(values) >= DENSE and max(values) <= 4 * len(values):
            self.jump_table(slot, [values.get(i, default) for i in range(max(values) + 1)] + [default])
        else:
            for value, label in values.items():
                self.emit("JEQ", a=slot, b=self.const(value, width), imm=label)
            self.jump(default)

    def _for(self, s: ir.For) -> None:
        for init in s.init:
            self.statement(init)
        again, update, end = self.new_label(), self.new_label(), self.new_label()
        self.place_label(again)
        with self.scope():
            self.branch(s.cond, False, end)
        self._loop_body(s.body, end, update)
        for step in s.update:
            self.statement(step)
        self.jump(again)
        self.place_label(end)

    def _loop_body(self, body: ir.Block, end: int, update: int) -> None:
        self.loops.append((end, update))
        self.block(body)
        self.loops.pop()
        self.place_label(update)

    def _for_in(self, s: ir.ForIn) -> None:
        if s.declares:
            self.declare(s.var, None)
        place = self.vars[s.var]
        end = self.new_label()
        whole = s.lo
        if isinstance(whole, ir.VarRef) and isinstance(argument := self.instance.args.get(whole.var), ir.StructExpr):
            whole = argument
        if isinstance(whole, ir.StructExpr):
            # All elements are evaluated before the first round, which may change what they are made of.
            slots = [
                self.value(item, None if isinstance(item, ir.Literal) else self.temp_of(item.type))
                for item in whole.items
            ]
            for slot in slots:
                update = self.new_label()
                self.store(place, slot)
                self._loop_body(s.body, end, update)
            self.place_label(end)
            return
        if s.hi is None:
            items = Place(s.lo.type, self.temp_of(s.lo.type))
            self.value(s.lo, items.base)
            for name in self.layouts.offsets(items.type):
                update = self.new_label()
                self.store(place, self.load(self.part(items, name)))
                self._loop_body(s.body, end, update)
            self.place_label(end)
            return
        width = self.width(s.var.type)
        count, last = self.temp_of(s.var.type), self.temp_of(s.var.type)
        self.value(s.lo, count)
        self.value(s.hi, last)
        again, update = self.new_label(), self.new_label()
        too_far = self.alu("SLT" if is_signed(s.var.type) else "LT", width, last, count, truth=True)
        self.jump_if(too_far, True, end)
        self.place_label(again)
        self.store(place, count)
        self._loop_body(s.body, end, update)
        self.jump_if(self.alu("EQ", width, count, last, truth=True), True, end)
        self.alu("ADD", width, count, self.const(1, width), count)
        self.jump(again)
        self.place_label(end)

    # ---- calls ----

    def resolve(self, e: ir.Expr) -> ir.Instance | None:
        """Return the object that ``e`` names; None for a packet."""
        match e:
            case ir.InstanceRef(decl=decl):
                found = self.instance.children.get(decl) or self.design.globals.get(decl)
                if found is not None:
                    return found
            case ir.VarRef(var=var):
                if var in self.objects:
                    return self.objects[var]
                argument = self.instance.args.get(var)
                if isinstance(argument, ir.Instance):
                    return argument
                if argument is not None:
                    return self.resolve(argument)
        return unsupported(e.pos, "this way to name an object")

    def call(self, e: ir.Expr) -> None:
        """Run a call for its effects."""
        match e:
            case ir.TableApply(table=table):
                self.apply_table(table, False, False)
            case ir.BuiltinCall():
                self._builtin_effect(e)
            case ir.Member(base=ir.TableApply(table=table)):
                self.apply_table(table, False, False)
            case _:
                self.call_value(e)

    def call_value(self, e: ir.Expr, dest: int | None = None) -> int:
        """Run a call; returns where its result is."""
        match e:
            case ir.FunctionCall(function=function, args=args):
                return self._call_function(function, args, dest)
            case ir.ActionCall(action=action, args=args):
                self._call_action(action, args)
            case ir.Apply():
                self._apply(e)
            case ir.ExternCall():
                return self.extern_call(e, dest)
            case ir.TableApply(table=table):
                self.apply_table(table, False, False)
        return self.const(0)

    def _builtin_effect(self, e: ir.BuiltinCall) -> None:
        match e.name:
            case "setValid" | "setInvalid":
                place = self.lvalue(e.obj)
                assert isinstance(place, Place)
                self.set_validity(place, e.name == "setValid")
            case "push_front" | "pop_front":
                stack = self.place(e.obj)
                count = self.known(self.value(e.args[0]), 64) if e.args else 1
                if count is None:
                    unsupported(e.pos, f"{e.name}() by a count that is not constant")
                self.each(stack, lambda p: self._shift_stack(p, e.name == "push_front", count))

    def _shift_stack(self, stack: Place, push: bool, count: int) -> None:
        t = strip(stack.type)
        assert isinstance(t, StackType)
        assert is_header_stack(t)
        stride, first = self.layouts.slots(t.elem), stack.base + 1
        count = min(count, t.size)
        moved = (t.size - count) * stride
        one, size = self.const(count, 32), self.const(t.size, 32)
        if moved:
            shifted = first + count * stride
            self.emit("COPY", 0, shifted if push else first, first if push else shifted, imm=moved)
        fresh = first if push else first + moved
        self.zero(fresh, count * stride)
        end = self.new_label()
        if push:
            self.alu("ADD", 32, stack.base, one, stack.base)
            self.emit("JLE", a=stack.base, b=size, imm=end)
            self.emit("MOV", 32, stack.base, size)
        else:
            self.alu("SUBS", 32, stack.base, one, stack.base)
        self.place_label(end)

    def usage_of(self, body: ir.Block) -> Usage:
        """Return what a body touches."""
        found = self._usage.get(id(body))
        if found is None:
            found = self._usage[id(body)] = usage(body)
        return found

    def bind(
        self,
        params: tuple[ir.Var, ...],
        args: Sequence[ir.Expr | None],
        touched: Usage | None,
        homes: dict[ir.Var, int] | None = None,
    ) -> list[tuple[Place | Bits, int]]:
        """Bind parameters to arguments; returns what is to be copied back.

        ``touched`` is the callee's usage. ``homes``: parameters that must live in these slots.
        """
        places: list[tuple[ir.Var, Place | Bits | None, int]] = []  # an argument's place, the value's slot or -1
        for i, (param, arg) in enumerate(zip(params, args, strict=True)):
            later = [a for a in args[i + 1 :] if a is not None]
            if isinstance(strip(param.type), ExternType | ParserType):
                self.objects[param] = None if arg is None else self._packet_or_object(arg)
            elif param.direction in ("out", "inout"):
                if arg is None:
                    places.append((param, None, -1))
                    continue
                place = self.lvalue(arg)
                slot = -1
                if param.direction == "inout" and any(map(self.has_effects, later)):
                    slot = self._copy_in(place, param)
                places.append((param, place, slot))
            elif arg is None:
                places.append((param, None, self._no_argument(param)))
            else:
                places.append((param, None, self.steady(arg, later)))
        return self._settle(places, touched, homes or {})

    def _no_argument(self, param: ir.Var) -> int:
        n = self.layouts.slots(param.type)
        return self.lir.const_block((0,) * n)

    def _packet_or_object(self, arg: ir.Expr) -> ir.Instance | None:
        if isinstance(arg, ir.VarRef) and arg.var not in self.objects and arg.var not in self.instance.args:
            return None
        return self.resolve(arg)

    def _copy_in(self, place: Place | Bits, param: ir.Var, home: int | None = None) -> int:
        target = self.temp_of(param.type, param.name) if home is None else home
        if isinstance(place, Bits):
            self.load_bits(place, target)
        else:
            self.load(place, target)
        return target

    def _settle(
        self, places: list[tuple[ir.Var, Place | Bits | None, int]], touched: Usage | None, homes: dict[ir.Var, int]
    ) -> list[tuple[Place | Bits, int]]:
        used, written = self._foreign(touched, [p for p, _, _ in places])
        spans: list[tuple[int, int]] = []
        for param, place, slot in places:
            if isinstance(place, Place) and slot < 0 and not place.dims:
                spans.append((place.base, place.base + self.layouts.slots(place.type)))
            elif place is not None:
                whole = place.whole if isinstance(place, Bits) else place
                spans.append(self._reach(whole))
            else:
                spans.append((slot, slot + self.layouts.slots(param.type)) if 0 <= slot < CONST else (0, 0))
        outs = [span for span, (param, _, _) in zip(spans, places, strict=True) if param.direction in ("out", "inout")]
        bound: dict[ir.Var, int] = {}
        copy_outs: list[tuple[Place | Bits, int]] = []
        zeroed: list[tuple[int, int]] = []
        for i, (param, place, given) in enumerate(places):
            slot = given
            n = self.layouts.slots(param.type)
            home = homes.get(param)
            if param.direction not in ("out", "inout"):
                clash = touched is not None and param in touched.written
                if home is not None or clash or _meets(spans[i], outs) or _meets(spans[i], written):
                    target = self.temp_of(param.type, param.name) if home is None else home
                    self.copy(target, slot, param.type)
                    slot = target
            elif (
                isinstance(place, Place)
                and not place.dims
                and place.union is None
                and slot < 0
                and home is None
                and not _meets(spans[i], spans[:i] + spans[i + 1 :], only=outs)
                and not _meets(spans[i], used)
            ):
                slot = place.base
                if param.direction == "out":
                    zeroed.append((slot, n))
            else:
                if slot < 0 or home is not None:
                    if param.direction == "inout" and place is not None:
                        slot = self._copy_in(place, param, home) if slot < 0 else self._moved_home(slot, param, home)
                    else:
                        slot = self.new_temp(n, param.name) if home is None else home
                        zeroed.append((slot, n))
                if place is not None:
                    copy_outs.append((place, slot))
            bound[param] = slot
        for slot, n in zeroed:
            self.zero(slot, n)
        for param, slot in bound.items():
            self.vars[param] = Place(param.type, slot)
        return copy_outs

    def _moved_home(self, slot: int, param: ir.Var, home: int | None) -> int:
        assert home is not None
        self.copy(home, slot, param.type)
        return home

    def _reach(self, place: Place) -> tuple[int, int]:
        end = place.base + self.layouts.slots(place.type)
        return place.base, end + sum((d.size - 1) * d.stride for d in place.dims)

    def _foreign(
        self, touched: Usage | None, params: list[ir.Var]
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return spans of what the callee uses and writes that is not its own."""
        if touched is None:
            return [], []
        mine = set(params)

        def spans(of: set[ir.Var]) -> list[tuple[int, int]]:
            return [self._reach(self.vars[v]) for v in of if v not in mine and v in self.vars]

        return spans(touched.used), spans(touched.written)

    def _call_function(self, function: ir.Function, args: tuple[ir.Expr | None, ...], dest: int | None) -> int:
        touched = self.usage_of(function.body)
        frame = Frame(self.new_label())
        # A function sees nothing but its parameters: only what it writes of those counts.
        frame.copy_outs = self.bind(function.params, args, Usage(set(), touched.written & set(function.params)))
        n = self.layouts.slots(function.returns)
        stmts = function.body.stmts
        if len(stmts) == 1 and isinstance(stmts[0], ir.Return) and stmts[0].value is not None:
            slot = self.value(stmts[0].value, None if frame.copy_outs else dest)
            if frame.copy_outs:
                kept = self.temp_of(function.returns)
                self.copy(kept, slot, function.returns)
                self.copy_out(frame)
                slot = kept
        else:
            if n:
                slot = self.new_temp(n, "result") if dest is None or frame.copy_outs or n > 1 else dest
                frame.result = slot
            else:
                slot = self.const(0)
            self._run(frame, function.body)
        if dest is not None and n:
            self.copy(dest, slot, function.returns)
            return dest
        return slot

    def _run(self, frame: Frame, body: ir.Block) -> None:
        outer_loops, self.loops = self.loops, []
        self.frames.append(frame)
        self.block(body)
        self.frames.pop()
        self.loops = outer_loops
        self.place_label(frame.end)
        self.copy_out(frame)

    def _call_action(self, action: ir.Action, args: tuple[ir.Expr | None, ...]) -> None:
        frame = Frame(self.new_label())
        frame.copy_outs = self.bind(action.params, args, self.usage_of(action.body))
        self._run(frame, action.body)

    def _apply(self, e: ir.Apply) -> None:
        callee = self.resolve(e.obj)
        assert callee is not None
        decl = callee.decl
        assert isinstance(decl, ir.ParserDecl | ir.ControlDecl)
        homes: dict[ir.Var, int] = {}
        if callee in self.apart:
            for param in decl.params:
                if not isinstance(strip(param.type), ExternType | ParserType):
                    area = self._bound.get((callee, param))
                    homes[param] = area.base if area is not None else self._home(callee, param)
        frame = Frame(self.new_label())
        frame.copy_outs = self.bind(decl.params, e.args, None, homes)
        self.run_instance(callee, frame)

    def _home(self, instance: ir.Instance, var: ir.Var) -> int:
        return self.lir.new_area(f"{instance.path}.{var.name}", self.layouts.slots(var.type)).base

    def run_instance(self, callee: ir.Instance, frame: Frame) -> None:
        """Run a parser or control whose parameters are bound."""
        caller, self.instance = self.instance, callee
        decl = callee.decl
        assert isinstance(decl, ir.ParserDecl | ir.ControlDecl)
        self.frames.append(frame)
        outer_loops, self.loops = self.loops, []
        if isinstance(decl, ir.ControlDecl):
            self._check_binding(callee, decl)
            for local in decl.locals:
                place = self._bound.get((callee, local.var))
                if place is None:
                    place = self._bound[callee, local.var] = Place(local.var.type, self._home(callee, local.var))
                self.declare(local.var, local.init, place.base)
            self.block(decl.body)
        else:
            with self.scope():
                for local in decl.locals:
                    self.declare(local.var, local.init)
                self.run_parser(callee)
        self.loops = outer_loops
        self.frames.pop()
        self.place_label(frame.end)
        self.copy_out(frame)
        self.instance = caller

    def _check_binding(self, callee: ir.Instance, decl: ir.ControlDecl) -> None:
        """The code of a table's actions is made once: all calls of an instance must bind it alike."""
        if not decl.tables:
            return
        for param in decl.params:
            place = self.vars.get(param)
            if place is None:
                continue
            old = self._bound.setdefault((callee, param), place)
            if old.base != place.base:
                if callee in self.apart:
                    unsupported(decl.pos, f"applying {callee.path} with these different arguments")
                raise Rebind(callee)


__all__ = ["Frame", "Rebind", "Stmts", "scalar_width"]


def _meets(
    span: tuple[int, int], others: Sequence[tuple[int, int]], only: Sequence[tuple[int, int]] | None = None
) -> bool:
    return any(span[0] < hi and lo < span[1] and (only is None or (lo, hi) in only) for lo, hi in others)
