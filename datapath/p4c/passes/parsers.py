"""Parsers: states become labels, selects compares and jumps; sub-parsers are spliced in where they are applied."""

from collections.abc import Callable
from dataclasses import dataclass

from datapath.p4c import ir
from datapath.p4c.passes.emit import unsupported
from datapath.p4c.passes.layout import fields_of, is_header_stack
from datapath.p4c.passes.places import Place
from datapath.p4c.passes.stmts import Frame
from datapath.p4c.passes.tables import Tables
from datapath.p4c.source import NOWHERE
from datapath.p4c.types import (
    HeaderType,
    InfIntType,
    StructType,
    TupleType,
    Type,
    UnionType,
    VarbitType,
    is_signed,
    scalar_width,
    strip,
)

MAX_TRANSITIONS = 4096

Labels = Callable[[str], int]


@dataclass(slots=True)
class Reject:
    """Where a parser goes that gives up: the label behind the whole, and how many calls there are around that."""

    label: int
    depth: int


class Parsers(Tables):
    """Runs parsers. ``error_slot`` is the intrinsic parser_error."""

    def __init__(self) -> None:
        super().__init__()
        self.error_slot = 0
        self.steps: int | None = None
        self.end_reject: Reject | None = None
        self._landings: dict[tuple[object, ...], int] = {}
        self._pending: list[tuple[int, int | None, list[Frame]]] = []

    # ---- errors ----

    def reject_label(self, error: str | None = None) -> int:
        """Return a label that sets an error, copies back what calls have changed and gives the packet up.

        The code behind the label is emitted with the parser's end.
        """
        assert self.end_reject is not None
        number = None if error is None else self.design.program.errors.index(error)
        frames = self.frames[self.end_reject.depth :]
        pending = any(f.copy_outs for f in frames)
        if number is None and not pending:
            return self.end_reject.label
        key = (number, *(id(f) for f in frames if f.copy_outs))
        found = self._landings.get(key)
        if found is None:
            label = self.new_label()
            found = self._landings[key] = label
            self._pending.append((label, number, [f for f in frames if f.copy_outs]))
        return found

    def bounds_error(self) -> int:
        """Return a label where StackOutOfBounds is handled."""
        return self.reject_label("StackOutOfBounds")

    def run_top_parser(self, instance: ir.Instance) -> None:
        """Run the parser of the package; its parameters are bound."""
        decl = instance.decl
        assert isinstance(decl, ir.ParserDecl)
        self.in_parser = True
        end = self.new_label()
        self.end_reject = Reject(end, 0)
        self.instance = instance
        with self.scope():
            if self._cyclic(instance):
                self.steps = self.new_temp(1, "transitions")
                self.emit("MOV", 64, self.steps, self.const(0))
            for local in decl.locals:
                self.declare(local.var, local.init)
            self.run_parser(instance)
            self.jump(end)
            for label, number, frames in self._pending:
                self.place_label(label)
                if number is not None:
                    self.emit("MOV", 32, self.error_slot, self.const(number, 32))
                for frame in reversed(frames):
                    self.copy_out(frame)
                self.jump(end)
            self.place_label(end)
        self.emit("END")
        self.in_parser = False
        self.steps = None

    def _cyclic(self, instance: ir.Instance) -> bool:
        """Whether a state may come again, in this parser or one that it has."""
        decl = instance.decl
        if not isinstance(decl, ir.ParserDecl):
            return False
        colour: dict[str, int] = {}

        def visit(name: str) -> bool:
            state = decl.states.get(name)
            if state is None or colour.get(name) == 2:
                return False
            if colour.get(name) == 1:
                return True
            colour[name] = 1
            found = any(visit(n) for n in _next_states(state))
            colour[name] = 2
            return found

        return visit("start") or any(map(self._cyclic, instance.children.values()))

    # ---- states ----

    def run_parser(self, parser: ir.Instance) -> None:
        """Run a parser's states; it goes on behind when the parser accepts."""
        decl = parser.decl
        assert isinstance(decl, ir.ParserDecl)
        accept = self.new_label()
        labels: dict[str, int] = {}
        waiting: list[str] = []
        done: set[str] = set()

        def label_of(name: str) -> int:
            if name == "accept":
                return accept
            if name == "reject":
                return self.reject_label()
            if name not in labels:
                labels[name] = self.new_label()
                waiting.append(name)
            return labels[name]

        label_of("start")
        while waiting:
            name = waiting.pop()
            if name in done:
                continue
            done.add(name)
            state = decl.states[name]
            self.place_label(labels[name])
            if self.steps is not None:
                self.emit("ADD", 64, self.steps, self.steps, self.const(1))
                timeout = self.reject_label("ParserTimeout")
                self.emit("JLT", a=self.const(MAX_TRANSITIONS), b=self.steps, imm=timeout)
            with self.scope():
                for s in state.body.stmts:
                    self.statement(s)
                if isinstance(state.next, str):
                    self.jump(label_of(state.next))
                else:
                    self._select(state.next, label_of)
        self.place_label(accept)

    def _select(self, select: ir.Select, label_of: Labels) -> None:
        slots: list[tuple[int, Type]] = []
        for i, e in enumerate(select.exprs):
            slots.append((self.steady(e, select.exprs[i + 1 :]), e.type))
        cases = select.cases
        if len(slots) == 1 and scalar_width(slots[0][1]) is not None:
            cases = self._constant_cases(slots[0], cases, label_of)
        for case in cases:
            if all(isinstance(k, ir.Any) for k in case.keys):
                self.jump(label_of(case.next))
                return
            if len(slots) == 1 and len(case.keys) == 1:
                self._match(slots, case.keys[0], True, label_of(case.next))
                continue
            miss = self.new_label()
            at = 0
            for key in case.keys:
                n = len(key.value_set.fields) if isinstance(key, ir.InValueSet) else 1
                self._match(slots[at : at + n], key, False, miss)
                at += n
            self.jump(label_of(case.next))
            self.place_label(miss)
        self.jump(self.reject_label("NoMatch"))

    def _constant_cases(
        self, slot: tuple[int, Type], cases: list[ir.SelectCase], label_of: Labels
    ) -> list[ir.SelectCase]:
        """Jump by table over the leading cases that are constants, if they are dense; returns the other cases."""
        width = self.width(slot[1])
        values: dict[int, int] = {}
        n = 0
        for case in cases:
            key = case.keys[0]
            if not isinstance(key, ir.Exact) or not isinstance(key.value, ir.Literal):
                break
            number = self.number(key.value.value, key.value.type) & ((1 << width) - 1)
            values.setdefault(number, label_of(case.next))
            n += 1
        if len(values) < 4 or max(values) > 4 * len(values):
            return cases
        other = self.new_label()
        self.choose(slot[0], width, values, other)
        self.place_label(other)
        return cases[n:]

    def _match(self, slots: list[tuple[int, Type]], key: ir.KeySet, when: bool, label: int) -> None:
        """Go to ``label`` if whether the key set has the value is ``when``."""
        if isinstance(key, ir.InValueSet):
            self._match_value_set(slots, key, when, label)
            return
        slot, t = slots[0]
        w = scalar_width(t)
        if w is None:
            if isinstance(key, ir.Exact):
                self.jump_if(self.equal(t, slot, self.value(key.value)), when, label)
                return
            if isinstance(key, ir.Any):
                self._always(when, label)
                return
            unsupported(NOWHERE, f"a select over {t}")
        match key:
            case ir.Any():
                self._always(when, label)
            case ir.Exact(value=value):
                self._compare_equal(w, slot, self._operand(value, w), when, label)
            case ir.Mask(value=value, mask=mask):
                bits = self._operand(mask, w)
                if self.known(bits, w) == 0:
                    self._always(when, label)
                    return
                left = slot if self.known(bits, w) == (1 << w) - 1 else self.alu("AND", w, slot, bits)
                right = self.alu("AND", w, self._operand(value, w), bits)
                self._compare_equal(w, left, right, when, label)
            case ir.Range(lo=lo, hi=hi):
                op = "SLE" if is_signed(t) else "LE"
                above = self.alu(op, w, self._operand(lo, w), slot, truth=True)
                below = self.alu(op, w, slot, self._operand(hi, w), truth=True)
                self.jump_if(self.alu("AND", 1, above, below, truth=True), when, label)

    def _operand(self, e: ir.Expr, w: int) -> int:
        if isinstance(e, ir.Literal) and isinstance(strip(e.type), InfIntType):
            assert isinstance(e.value, int)
            return self.const(e.value, w)
        return self.value(e)

    def _always(self, when: bool, label: int) -> None:
        if when:
            self.jump(label)

    def _compare_equal(self, w: int, left: int, right: int, when: bool, label: int) -> None:
        known, other = self.known(left, w), self.known(right, w)
        if w > 64 or (known is not None and other is not None):
            self.jump_if(self.alu("EQ", w, left, right, truth=True), when, label)
        else:
            self.emit("JEQ" if when else "JNE", a=left, b=right, imm=label)

    def _match_value_set(self, slots: list[tuple[int, Type]], key: ir.InValueSet, when: bool, label: int) -> None:
        number = self.value_set(key.value_set)
        keys = self.code_value_sets[number].keys
        scalars = [(slot + s.slot, s.width) for slot, t in slots for s in self.layouts.scalars(t)]
        for (target, width, _), (slot, _) in zip(keys, scalars, strict=True):
            self.moved(slot, width, target)
        found = self.new_temp(1, "found")
        self.emit("VSET", 0, found, b=number)
        self.jump_if(found, when, label)

    # ---- packet_in and packet_out ----

    def packet_call(self, e: ir.ExternCall, dest: int | None) -> int:
        """Run a method of ``packet_in`` or ``packet_out``."""
        match e.method.name:
            case "extract":
                self._extract(e)
            case "lookahead":
                return self._lookahead(e, dest)
            case "advance":
                arg = e.args[0]
                assert arg is not None
                self.emit("ADVANCE", 0, a=self.value(arg), imm=self.reject_label())
            case "length":
                slot = self.new_temp() if dest is None else dest
                self.emit("PKTLEN", 32, slot)
                return slot
            case "emit":
                arg = e.args[0]
                assert arg is not None
                if isinstance(arg, ir.StructExpr) and not isinstance(strip(arg.type), HeaderType):
                    for item in arg.items:
                        self.emit_value(item.type, self.value(item))
                else:
                    self.emit_value(arg.type, self.value(arg))
            case _:
                unsupported(e.pos, f"{e.method.owner}.{e.method.name}()")
        return self.const(0)

    def _extract(self, e: ir.ExternCall) -> None:
        arg = e.args[0]
        t = e.type_args[0] if arg is None and e.type_args else arg.type if arg is not None else e.method.returns
        inner = strip(t)
        layout = self.layouts.number(t)
        length: int | None = None
        if len(e.args) == 2 and e.args[1] is not None:
            length = self.steady(e.args[1], ())
        if arg is None:
            place = Place(t, self.temp_of(t, "skipped"))
        else:
            found = self.lvalue(arg)
            if not isinstance(found, Place):
                unsupported(e.pos, "extract() into a slice")
            place = found
        shift = 0 if isinstance(inner, HeaderType) else 1
        if any(isinstance(strip(s.type), VarbitType) for s in self.layouts.scalars(t)) != (length is not None):
            if length is not None:
                unsupported(e.pos, "extract() with a length into a header without varbit")
            length = self.const(0)
        fail = self.reject_label()

        def one(p: Place) -> None:
            if shift:  # not a header: a layout without validity, one slot before
                kept = self.new_temp(self.layouts.slots(t) + 1)
                self.emit("LOOK", 0, kept, layout, imm=fail)
                self.emit("ADVANCE", 0, a=self.const(self.lir.layouts[layout].bits), imm=fail)
                self.copy(p.base, kept + 1, t)
                return
            if length is None:
                self.emit("EXTRACT", 0, p.base, layout, imm=fail)
            else:
                self.emit("EXTRACTV", 0, p.base, layout, length, fail)
            if p.union is not None:
                self.invalidate_others(p)

        self.each(place, one)
        self._move_next(arg)

    def _move_next(self, arg: ir.Expr | None) -> None:
        """What was extracted to ``stack.next`` moves the stack on."""
        while isinstance(arg, ir.Member):
            arg = arg.base
        if isinstance(arg, ir.StackMember) and arg.name == "next":
            stack = self.place(arg.base)
            self.each(stack, lambda p: self.emit("ADD", 32, p.base, p.base, self.const(1)))

    def _lookahead(self, e: ir.ExternCall, dest: int | None) -> int:
        inner = strip(e.type)
        if not isinstance(inner, HeaderType | StructType | TupleType) and scalar_width(inner) is None:
            unsupported(e.pos, f"lookahead of {e.type}")
        layout = self.layouts.number(e.type)
        shift = 0 if isinstance(inner, HeaderType) else 1
        slot = self.new_temp(self.layouts.slots(e.type) + shift, "ahead")
        self.emit("LOOK", 0, slot, layout, imm=self.reject_label())
        self._set_valid(e.type, slot + shift)
        if dest is not None:
            self.copy(dest, slot + shift, e.type)
            return dest
        return slot + shift

    def _set_valid(self, t: Type, slot: int) -> None:
        """All headers of a value that was looked up are valid."""
        if isinstance(strip(t), HeaderType):
            self.emit("MOV", 1, slot, self.const(1))
            return
        for at, part in self.layouts.offsets(t).values():
            self._set_valid(part, slot + at)

    def emit_value(self, t: Type, slot: int) -> None:
        """Append all valid headers of a value to the packet."""
        inner = strip(t)
        if isinstance(inner, HeaderType):
            self.emit("EMIT", 0, a=slot, b=self.layouts.number(t))
            return
        if isinstance(inner, StructType | UnionType | TupleType) or is_header_stack(t) or fields_of(t):
            for at, part in self.layouts.offsets(t).values():
                if fields_of(part) or isinstance(strip(part), HeaderType):
                    self.emit_value(part, slot + at)


def _next_states(state: ir.State) -> list[str]:
    return [state.next] if isinstance(state.next, str) else [c.next for c in state.next.cases]
