"""Parser states and selects, and the packet that comes in and goes out."""

from datapath.p4c import ir
from datapath.p4c import types as t
from datapath.p4c.evaluate.interp import ExternArgs, Frame, Handler, Machine, RejectSignal
from datapath.p4c.evaluate.trace import show_fields
from datapath.p4c.evaluate.values import (
    Header,
    Stack,
    Struct,
    Tuple,
    Union,
    Value,
    Varbit,
    field_width,
    from_bits,
    leaves,
    to_bits,
)
from datapath.pipeline.target import Match

MAX_TRANSITIONS = 4096
"""State transitions a packet; more are error.ParserTimeout."""


class PacketIn:
    """The packet that is parsed; ``pos`` is in bits."""

    __slots__ = ("data", "pos")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.pos = 0

    def need(self, bits: int) -> None:
        """Check that so many bits are left.

        Raises:
            RejectSignal: PacketTooShort.
        """
        if bits > len(self.data) * 8 - self.pos:
            raise RejectSignal("PacketTooShort")

    def peek(self, at: int, bits: int) -> int:
        """Return ``bits`` bits from bit ``at``."""
        first, end = at // 8, -(-(at + bits) // 8)
        return int.from_bytes(self.data[first:end], "big") >> (end * 8 - at - bits) & ((1 << bits) - 1)

    @property
    def payload(self) -> bytes:
        """What no state took."""
        return self.data[-(-self.pos // 8) :]


class PacketOut:
    """The packet that is put together."""

    __slots__ = ("acc", "bits")

    def __init__(self) -> None:
        self.acc = 0
        self.bits = 0

    def append(self, value: int, bits: int) -> None:
        """Add bits at the end."""
        self.acc = self.acc << bits | value
        self.bits += bits

    @property
    def data(self) -> bytes:
        """All, with zero bits to a whole byte."""
        pad = -self.bits % 8
        return (self.acc << pad).to_bytes((self.bits + pad) // 8, "big")


def read(packet: PacketIn, at: int, type_: t.Type, varbit_bits: int = 0) -> tuple[Value, int]:
    """Return a value of ``type_`` from bit ``at`` on, and the bit behind it; headers are valid."""
    base = t.strip(type_)
    match base:
        case t.StructType() | t.HeaderType():
            fields: dict[str, Value] = {}
            for f in base.fields:
                fields[f.name], at = read(packet, at, f.type, varbit_bits)
            return (Header(base, fields, True) if isinstance(base, t.HeaderType) else Struct(base, fields)), at
        case t.TupleType():
            items: list[Value] = []
            for elem in base.elems:
                item, at = read(packet, at, elem, varbit_bits)
                items.append(item)
            return Tuple(items), at
        case t.StackType():
            items = []
            for _ in range(base.size):
                item, at = read(packet, at, base.elem, varbit_bits)
                items.append(item)
            return Stack(base, items), at
        case t.VarbitType():
            return Varbit(packet.peek(at, varbit_bits), varbit_bits), at + varbit_bits
    width = t.scalar_width(base)
    assert width is not None, type_
    return from_bits(packet.peek(at, width), base), at + width


def _extract(call: ExternArgs) -> Value:
    packet = call.obj
    assert isinstance(packet, PacketIn)
    type_ = call.type(0)
    bits = field_width(type_)
    varbit_bits = 0
    if len(call.args) == 2:
        base = t.strip(type_)
        assert isinstance(base, t.HeaderType)
        varbit_bits = call.args[1]
        most = max((f.type.width for f in base.fields if isinstance(f.type, t.VarbitType)), default=0)
        # In the order of the reference switch.
        if varbit_bits % 8:
            raise RejectSignal("ParserInvalidArgument")
        packet.need(bits + varbit_bits)
        if varbit_bits > most:
            raise RejectSignal("HeaderTooShort")
    packet.need(bits + varbit_bits)
    value, packet.pos = read(packet, packet.pos, type_, varbit_bits)
    ref = call.refs[0]
    if ref is not None:
        ref.set(value)
    _move_next(call.node.args[0], call)
    if call.machine.trace is not None and isinstance(value, Header):
        call.machine.trace.add("extract", text_of(call.node.args[0]), show_fields(value))
    return None


def _move_next(arg: ir.Expr | None, call: ExternArgs) -> None:
    """What was extracted to ``stack.next`` (or to a member of the union there) moves the stack on."""
    while isinstance(arg, ir.Member):
        arg = arg.base
    if isinstance(arg, ir.StackMember) and arg.name == "next":
        stack = call.machine.eval(arg.base, call.frame)
        assert isinstance(stack, Stack)
        stack.next += 1


def _lookahead(call: ExternArgs) -> Value:
    packet = call.obj
    assert isinstance(packet, PacketIn)
    packet.need(field_width(call.node.type))
    return read(packet, packet.pos, call.node.type)[0]


def _advance(call: ExternArgs) -> Value:
    call.obj.need(call.args[0])
    call.obj.pos += call.args[0]
    return None


def _length(call: ExternArgs) -> Value:
    return len(call.obj.data)


def _emit(call: ExternArgs) -> Value:
    assert isinstance(call.obj, PacketOut)
    emit(call.obj, call.args[0], call.type(0))
    return None


def emit(packet: PacketOut, value: Value, type_: t.Type) -> None:
    """Append all valid headers of a value."""
    base = t.strip(type_)
    match base, value:
        case _, Header():
            if value.valid:
                for bits, width in leaves(value, base):
                    packet.append(bits, width)
        case _, Struct() | Union():
            for f in value.type.fields:
                emit(packet, value.fields[f.name], f.type)
        case t.StackType(), Stack():
            for item in value.items:
                emit(packet, item, base.elem)
        case t.TupleType(), Tuple():
            for item, elem in zip(value.items, base.elems, strict=True):
                emit(packet, item, elem)


def _verify(call: ExternArgs) -> Value:
    if not call.args[0]:
        raise RejectSignal(call.machine.design.program.errors[call.args[1]])
    return None


HANDLERS: dict[str, Handler] = {
    "packet_in.extract": _extract,
    "packet_in.lookahead": _lookahead,
    "packet_in.advance": _advance,
    "packet_in.length": _length,
    "packet_out.emit": _emit,
    "verify": _verify,
}


def text_of(expr: ir.Expr | None) -> str:
    """Return the source text of a place, for people."""
    match expr:
        case ir.VarRef(var=var):
            return var.name
        case ir.Member(base=base, name=name) | ir.StackMember(base=base, name=name):
            return f"{text_of(base)}.{name}"
        case ir.Index(base=base, index=ir.Literal(value=value)):
            return f"{text_of(base)}[{value}]"
        case ir.Index(base=base):
            return f"{text_of(base)}[...]"
        case None:
            return "_"
    return "..."


class Parsers:
    """Runs parsers; ``value_sets`` holds the members of each by its path."""

    def __init__(self) -> None:
        self.value_sets: dict[str, list[tuple[Match, ...]]] = {}

    def __call__(self, machine: Machine, frame: Frame) -> None:
        """Run a parser from its start.

        Raises:
            RejectSignal: it rejects.
        """
        decl = frame.instance.decl
        assert isinstance(decl, ir.ParserDecl)
        for local in decl.locals:
            machine.exec(local, frame)
        state = "start"
        while state != "accept":
            if state == "reject":
                raise RejectSignal("NoError")
            machine.transitions += 1
            if machine.transitions > MAX_TRANSITIONS:
                raise RejectSignal("ParserTimeout")
            if machine.trace is not None:
                machine.trace.add("state", f"{decl.name}.{state}")
            state = self._run_state(machine, frame, decl.states[state])

    def _run_state(self, machine: Machine, frame: Frame, state: ir.State) -> str:
        machine.exec(state.body, frame)
        if isinstance(state.next, str):
            return state.next
        values = [machine.eval(e, frame) for e in state.next.exprs]
        types = [e.type for e in state.next.exprs]
        for case in state.next.cases:
            if self._case_matches(machine, frame, case, values, types):
                return case.next
        raise RejectSignal("NoMatch")

    def _case_matches(
        self, machine: Machine, frame: Frame, case: ir.SelectCase, values: list[Value], types: list[t.Type]
    ) -> bool:
        at = 0
        for key in case.keys:
            if isinstance(key, ir.InValueSet):
                n = len(key.value_set.fields)
                bits = [
                    b for v, ty in zip(values[at : at + n], types[at : at + n], strict=True) for b, _ in leaves(v, ty)
                ]
                members = self.value_sets.get(frame.instance.value_set_paths[key.value_set], [])
                kinds = [kind for _, _, kind in key.value_set.fields]
                if not any(
                    all(match_field(k, b, m) for k, b, m in zip(kinds, bits, member, strict=True)) for member in members
                ):
                    return False
                at += n
            else:
                if not key_matches(machine, frame, key, values[at], types[at]):
                    return False
                at += 1
        return True


def match_field(kind: str, bits: int, match: Match) -> bool:
    """Whether a field's unsigned bits match."""
    if kind == "range":
        return match.value <= bits <= match.other
    return bits & match.other == match.value & match.other


def key_matches(machine: Machine, frame: Frame, key: ir.KeySet, value: Value, type_: t.Type) -> bool:
    """Whether a select's value is in a key set."""
    match key:
        case ir.Any():
            return True
        case ir.Exact(value=e):
            return bool(value == machine.eval(e, frame))
        case ir.Mask(value=e, mask=m):
            mask = to_bits(machine.eval(m, frame), type_)
            return to_bits(value, type_) & mask == to_bits(machine.eval(e, frame), type_) & mask
        case ir.Range(lo=lo, hi=hi):
            low, high = machine.eval(lo, frame), machine.eval(hi, frame)
            assert isinstance(low, int)
            assert isinstance(high, int)
            assert isinstance(value, int)
            return low <= value <= high
    raise TypeError(f"{type(key).__name__} is no key set of a select")
