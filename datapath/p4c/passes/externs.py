"""Extern objects and functions of core and v1model. PNA's are in :mod:`externs_pna`."""

from collections.abc import Callable
from typing import TypeAlias

from datapath.p4c import ir
from datapath.p4c.code import HASHES, NONE, Array, Digest, Table
from datapath.p4c.passes.emit import unsupported
from datapath.p4c.passes.layout import fields_of, is_aggregate
from datapath.p4c.passes.lir import words
from datapath.p4c.passes.parsers import Parsers
from datapath.p4c.passes.places import Bits, Place
from datapath.p4c.passes.tables import (
    COUNT_HITS,
    COUNTER,
    IDLE_NOTIFY,
    METER,
    METER_BYTES,
    TableInfo,
)
from datapath.p4c.source import NOWHERE
from datapath.p4c.types import ExternType, HeaderType, StructType, TupleType, Type, is_signed, scalar_width, strip

UNITS = {"packets": 1, "bytes": 2, "packets_and_bytes": 3}
DROP_PORT = 511
TABLE_CALLS = frozenset(
    (
        *("direct_meter.read", "DirectCounter.count", "DirectMeter.execute"),
        *("add_entry", "set_entry_expire_time", "restart_expire_timer"),
    )
)
"""Calls that mean the table whose action they are in."""

Handler: TypeAlias = Callable[["Externs", ir.ExternCall], "int | None"]


class Externs(Parsers):
    """Runs calls of externs. ``handlers`` are by ``owner.method`` or the function's name."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: dict[str, Handler] = {}
        self.block_name = ""
        self.counters: list[Array] = []
        self.meters: list[Array] = []
        self.registers: list[Array] = []
        self.digests: list[Digest] = []
        self.messages: list[str] = []
        self._message_keys: list[tuple[str, int]] = []
        self.intrinsics: dict[str, int] = {}
        self.preserved: list[tuple[int, int]] = []
        """Spans of slots that a clone, resubmit or recirculate may keep."""
        self.user_meta: Place | None = None
        self.numbers: dict[ir.Instance, int] = {}
        self.colours: dict[tuple[ir.Instance, ir.Table], int] = {}

    # ---- objects ----

    def argument(self, instance: ir.Instance, name: str) -> ir.Expr | None:
        """Return a constructor's argument by the parameter's name."""
        for var, value in instance.args.items():
            if var.name == name and not isinstance(value, ir.Instance):
                return value
        return None

    def number_argument(self, instance: ir.Instance, name: str, default: int = 0) -> int:
        """Return a constructor's argument that is a number."""
        e = self.argument(instance, name)
        if isinstance(e, ir.Literal) and isinstance(e.value, int):
            return int(e.value)
        return default if e is None else self.constant(e)

    def name_argument(self, instance: ir.Instance, name: str) -> str:
        """Return a constructor's argument that is an enum's member."""
        e = self.argument(instance, name)
        if isinstance(e, ir.Literal):
            return str(e.value)
        return ""

    def new_register(self, instance: ir.Instance, size: int, initial: ir.Expr | None = None) -> None:
        """Make a register for each scalar of the cell's type; ``initial`` is a constant of that type."""
        assert isinstance(instance.type, ExternType)
        cell = instance.type.args[0]
        self.numbers[instance] = len(self.registers)
        start = 0 if initial is None else self.value(initial)
        for s in self.layouts.scalars(cell):
            if s.varbit:
                unsupported(NOWHERE, f"register {instance.path} of {cell}")
            name = f"{instance.path}.{s.name}" if s.name else instance.path
            value = 0 if initial is None else self.known(start + s.slot, s.width)
            if value is None:
                unsupported(NOWHERE, f"register {instance.path} with an initial value that is no constant")
            self.registers.append(Array(name, size, max(s.width, 1), value))

    def make_objects(self, instances: list[ir.Instance]) -> None:
        """Number counters, meters and registers in the order of the design."""
        for instance in instances:
            if not isinstance(instance.decl, ir.ExternDecl):
                continue
            size = self.number_argument(instance, "size")
            match instance.decl.name:
                case "counter":
                    self.numbers[instance] = len(self.counters)
                    self.counters.append(Array(instance.path, size, UNITS[self.name_argument(instance, "type")]))
                case "meter":
                    self.numbers[instance] = len(self.meters)
                    self.meters.append(Array(instance.path, size, UNITS[self.name_argument(instance, "type")]))
                case "register":
                    self.new_register(instance, size)
                case _:
                    self.make_object(instance)

    def make_object(self, instance: ir.Instance) -> None:
        """Number an object of another architecture."""

    # ---- calls ----

    def extern_call(self, e: ir.ExternCall, dest: int | None) -> int:
        """Run a call of an extern."""
        owner, name = e.method.owner, e.method.name
        if owner in ("packet_in", "packet_out"):
            return self.packet_call(e, dest)
        if owner:
            assert e.obj is not None
            instance = self.resolve(e.obj)
            if instance is not None and instance.source is not None and instance.source.methods:
                unsupported(e.pos, f"an object of {owner} with methods of its own")
        handler = self.handlers.get(f"{owner}.{name}" if owner else name)
        if handler is None:
            unsupported(e.pos, f"{owner}.{name}()" if owner else f"{name}()")
        slot = handler(self, e)
        if slot is None:
            return self.const(0)
        if dest is not None and slot != dest:
            self.copy(dest, slot, e.type)
            return dest
        return slot

    def object_number(self, e: ir.ExternCall) -> int:
        """Return the number of the array that the call is about."""
        assert e.obj is not None
        instance = self.resolve(e.obj)
        if instance is None or instance not in self.numbers:
            unsupported(e.pos, f"{e.method.owner}.{e.method.name}() of this object")
        return self.numbers[instance]

    def arg(self, e: ir.ExternCall, i: int) -> int:
        """Return the slot of an ``in`` argument, steady while the others are evaluated."""
        one = e.args[i]
        assert one is not None
        return self.steady(one, [a for a in e.args[i + 1 :] if a is not None])

    def arg_type(self, e: ir.ExternCall, i: int) -> Type:
        """Return an argument's type."""
        one = e.args[i]
        assert one is not None
        return one.type

    def one_slot(self, e: ir.ExternCall, i: int) -> int:
        """Return an argument as a value of 64 bits."""
        slot, t = self.arg(e, i), self.arg_type(e, i)
        width = scalar_width(t)
        if width is None:
            known = self.known(slot, 64)
            return slot if known is None else self.const(known)
        return self.resize(slot, width, 64, is_signed(t)) if width > 64 or is_signed(t) else slot

    def member(self, e: ir.ExternCall, i: int) -> str:
        """Return the name of an enum's member that an argument says."""
        one = e.args[i]
        if isinstance(one, ir.Literal) and isinstance(one.value, str):
            return one.value
        if isinstance(one, ir.VarRef):
            value = self.instance.args.get(one.var)
            if isinstance(value, ir.Literal):
                return str(value.value)
        return unsupported(e.pos, f"{e.method.name}() with a {e.method.params[i].name} that is not constant")

    def out(self, e: ir.ExternCall, i: int) -> Place | Bits | None:
        """Return where an ``out`` argument goes."""
        one = e.args[i]
        return None if one is None else self.lvalue(one)

    def result(self, place: Place | Bits | None, n: int = 1) -> int:
        """Return the slot in which a result for ``place`` is to be made: its own if that can be."""
        if isinstance(place, Place) and not place.dims and place.union is None:
            return place.base
        return self.new_temp(n, "result")

    def give(self, place: Place | Bits | None, slot: int) -> None:
        """Bring a result to where it goes."""
        if place is not None and not (isinstance(place, Place) and not place.dims and place.base == slot):
            self.store(place, slot)

    def read_register(self, e: ir.ExternCall, t: Type, index: int, target: int) -> None:
        """Read a cell, scalar after scalar."""
        number = self.object_number(e)
        if is_aggregate(t):
            self.zero(target, self.layouts.slots(t))
        for i, s in enumerate(self.layouts.scalars(t)):
            self.emit("REGRD", max(s.width, 1), target + s.slot, index, number + i)

    def write_register(self, e: ir.ExternCall, t: Type, index: int, source: int) -> None:
        """Write a cell, scalar after scalar."""
        number = self.object_number(e)
        for i, s in enumerate(self.layouts.scalars(t)):
            self.emit("REGWR", max(s.width, 1), source + s.slot, index, number + i)

    def data_list(self, e: ir.ExternCall, i: int) -> int:
        """Return the number of the list of fields that an argument is."""
        one = e.args[i]
        assert one is not None
        return self.new_list(self.items(one))

    def hash_into(
        self, algorithm: str, data: int, width: int, payload: bool = False, place: Place | Bits | None = None
    ) -> int:
        """Return a slot with a checksum or hash over a list, in ``width`` bits; that of ``place`` if it may be."""
        slot = self.result(place) if 16 <= width <= 64 else self.new_temp(words(width), "hash")
        if width > 64:
            self.zero(slot, words(width))
        if algorithm == "csum16":
            self.emit("CSUM", 16, slot, b=data, imm=int(payload))
            if width < 16:
                self.emit("TRUNC", width, slot, slot)
        else:
            self.emit("HASH", min(width, 64), slot, b=data, imm=HASHES.index(algorithm) + 256 * payload)
        return slot

    def hash_mod(self, place: Place | Bits | None, width: int, base: int, data: int, most: int, algorithm: str) -> int:
        """Emit base + hash % most; returns the result's slot."""
        x, y = self.known(base, 64), self.known(most, 64)
        if x is not None and y is not None:
            pair = self.lir.const_block((x, y))
        else:
            pair = self.new_temp(2, "range")
            self.emit("MOV", 64, pair, base)
            self.emit("MOV", 64, pair + 1, most)
        slot = self.result(place) if width <= 64 else self.new_temp(words(width), "hash")
        if width > 64:
            self.zero(slot, words(width))
        self.emit("HASHMOD", min(width, 64), slot, pair, data, HASHES.index(algorithm))
        return slot

    def field_list(self, index: int) -> int:
        """Return the list of the user metadata's fields with ``@field_list(index)``; NONE if there are none."""
        if self.user_meta is None:
            return NONE
        items: list[tuple[int, int, bool]] = []

        def walk(t: Type, base: int) -> None:
            inner = strip(t)
            if not isinstance(inner, StructType):
                return
            offsets = self.layouts.offsets(t)
            for f in inner.fields:
                lists = [a for a in f.annotations if isinstance(a, ir.Annotation) and a.name == "field_list"]
                at, part = offsets[f.name]
                if any(index in a.args for a in lists):
                    items.extend((base + at + i, 64, False) for i in range(self.layouts.slots(part)))
                else:
                    walk(part, base + at)

        walk(self.user_meta.type, self.user_meta.base)
        return self.new_list(items) if items else NONE

    def kept_list(self, e: ir.ExternCall, i: int) -> int:
        """Return the list of the metadata that an old style argument names."""
        one = e.args[i]
        found = list(one.items) if isinstance(one, ir.StructExpr) else [one] if one is not None else []
        items: list[tuple[int, int, bool]] = []
        for part in found:
            if not self.is_place(part):
                continue
            place = self.place(part)
            n = self.layouts.slots(place.type)
            if place.dims or not any(lo <= place.base and place.base + n <= hi for lo, hi in self.preserved):
                continue
            skip = self.intrinsics.get("instance_type")
            items.extend((s, 64, False) for s in range(place.base, place.base + n) if s != skip)
        return self.new_list(items) if items else NONE

    def message(self, text: str, fields: int = NONE) -> int:
        """Return the number of a text that is shown with a list of fields."""
        key = (text, fields)
        if key not in self._message_keys:
            self._message_keys.append(key)
            self.messages.append(text)
        return self._message_keys.index(key)

    def digest_number(self, t: Type, items: list[tuple[int, int, bool]], name: str) -> int:
        """Return the number of a digest with these fields."""
        numbered = self.new_list(items)
        scalars = [s for s in self.layouts.scalars(t) if s.width]
        named = isinstance(strip(t), StructType | HeaderType)
        fields = tuple((s.name if named else f"f{i}", s.width) for i, s in enumerate(scalars))
        digest = Digest(name, numbered, fields)
        if digest not in self.digests:
            self.digests.append(digest)
            self.lir.kept.extend((slot, words(width) + varbit) for slot, width, varbit in items)
        return self.digests.index(digest)

    # ---- tables ----

    def table_property(self, info: TableInfo, code: Table, name: str, e: ir.Expr) -> None:
        """Take note of what belongs to a table."""
        if name == "support_timeout":
            if isinstance(e, ir.Literal) and e.value:
                code.flags |= IDLE_NOTIFY
            return
        if not isinstance(e, ir.InstanceRef | ir.VarRef | ir.NewInstance):
            return
        decl = e.decl if isinstance(e, ir.NewInstance) else None
        instance = self.instance.children.get(decl) if decl is not None else self.resolve(e)
        if instance is None or not isinstance(instance.decl, ir.ExternDecl):
            return
        match instance.decl.name:
            case "direct_counter":
                code.flags |= COUNTER | COUNT_HITS
            case "direct_meter":
                code.flags |= METER
                if self.name_argument(instance, "type") == "bytes":
                    code.flags |= METER_BYTES
                slot = self.lir.new_area(f"{code.name}.colour", 1).base
                self.lir.kept.append((slot, 1))
                code.meter_slot = self.colours[info.instance, info.table] = slot
            case "action_profile":
                code.profile = self.profile(instance, self.number_argument(instance, "size"), None, 0)
            case "action_selector":
                algorithm = self.name_argument(instance, "algorithm")
                width = self.number_argument(instance, "outputWidth", 16)
                code.profile = self.profile(instance, self.number_argument(instance, "size"), algorithm, width)

    def asks_table(self, action: ir.Action) -> bool:
        """Whether an action's code depends on the table that runs it: direct externs and PNA's table functions."""
        for e in self.usage_of(action.body).externs:
            name = f"{e.method.owner}.{e.method.name}" if e.method.owner else e.method.name
            if name in TABLE_CALLS:
                return True
        return False

    def before_apply(self, info: TableInfo) -> None:
        """A colour of an earlier lookup does not count."""
        slot = self.colours.get((info.instance, info.table))
        if slot is not None:
            self.emit("MOV", 64, slot, self.const(2**64 - 1))


# ---- v1model ----


def _count(x: Externs, e: ir.ExternCall) -> None:
    x.emit("COUNT", 0, a=x.one_slot(e, 0), b=x.object_number(e))


def _execute_meter(x: Externs, e: ir.ExternCall) -> None:
    index = x.one_slot(e, 0)
    _colour(x, e, 1, lambda slot: x.emit("METER", 0, slot, index, x.object_number(e), NONE))


def _colour(x: Externs, e: ir.ExternCall, i: int, emit: Callable[[int], None]) -> None:
    """Emit what makes a colour in a slot and bring it to an ``out`` argument."""
    place = x.out(e, i)
    width = x.width(x.arg_type(e, i)) if place is not None else 64
    raw = x.new_temp(1, "colour") if width < 2 or width > 64 else x.result(place)
    emit(raw)
    x.give(place, raw if 2 <= width <= 64 else x.resize(raw, 2, width, False))


def _read_direct_meter(x: Externs, e: ir.ExternCall) -> None:
    assert e.obj is not None
    meter = x.resolve(e.obj)
    assert meter is not None
    x.table_of(meter, e)
    assert x.running is not None
    slot = x.colours[x.running.instance, x.running.table]
    end = x.new_label()
    x.emit("JEQ", a=slot, b=x.const(2**64 - 1), imm=end)
    _colour(x, e, 0, lambda target: x.emit("MOV", 64, target, slot))
    x.place_label(end)


def _register_read(x: Externs, e: ir.ExternCall) -> None:
    place = x.out(e, 0)
    if place is None:
        return
    t = x.arg_type(e, 0)
    target = x.result(place, x.layouts.slots(t))
    x.read_register(e, t, x.one_slot(e, 1), target)
    x.give(place, target)


def _register_write(x: Externs, e: ir.ExternCall) -> None:
    index = x.one_slot(e, 0)
    x.write_register(e, x.arg_type(e, 1), index, x.arg(e, 1))


def _random(x: Externs, e: ir.ExternCall) -> None:
    place = x.out(e, 0)
    low, high = x.arg(e, 1), x.arg(e, 2)
    if place is None:
        return
    width = x.width(x.arg_type(e, 0))
    if width > 64:
        unsupported(e.pos, f"random() of {width} bits")
    slot = x.result(place)
    x.emit("RANDOM", width, slot, low, high)
    x.give(place, slot)


def _digest(x: Externs, e: ir.ExternCall) -> None:
    receiver = x.known(x.arg(e, 0), 32)
    data = e.args[1]
    assert data is not None
    items = x.items(data)
    x.emit("DIGEST", 0, b=x.digest_number(data.type, items, str(strip(data.type))), imm=receiver or 0)


def _mark_to_drop(x: Externs, e: ir.ExternCall) -> None:
    port, group = x.const(DROP_PORT), x.const(0)
    if e.args and e.args[0] is not None:
        place = x.lvalue(e.args[0])
        assert isinstance(place, Place)
        spec, mcast = x.part(place, "egress_spec"), x.part(place, "mcast_grp")
        x.store(spec, port)
        x.store(mcast, group)
    else:
        x.emit("MOV", 64, x.intrinsics["egress_spec"], port)
        x.emit("MOV", 64, x.intrinsics["mcast_grp"], group)


def _hash(x: Externs, e: ir.ExternCall) -> None:
    place = x.out(e, 0)
    algorithm = x.member(e, 1)
    base = x.one_slot(e, 2)
    data = x.data_list(e, 3)
    most = x.one_slot(e, 4)
    if place is None:
        return
    x.give(place, x.hash_mod(place, x.width(x.arg_type(e, 0)), base, data, most, algorithm))


def _checksum(x: Externs, e: ir.ExternCall, payload: bool, update: bool) -> None:
    condition = e.args[0]
    assert condition is not None
    algorithm = x.member(e, 3)
    end = x.new_label()
    x.branch(condition, False, end)
    data = x.data_list(e, 1)
    width = x.width(x.arg_type(e, 2))
    if update:
        place = x.out(e, 2)
        x.give(place, x.hash_into(algorithm, data, width, payload, place))
    else:
        made = x.hash_into(algorithm, data, width, payload)
        given = x.arg(e, 2)
        if width <= 64:
            x.emit("JEQ", a=made, b=given, imm=end)
        else:
            x.jump_if(x.alu("EQ", width, made, given, truth=True), True, end)
        x.emit("MOV", 1, x.intrinsics["checksum_error"], x.const(1))
    x.place_label(end)


def _checksum16(x: Externs, e: ir.ExternCall) -> int:
    return x.hash_into("csum16", x.data_list(e, 0), 16)


def _clone(x: Externs, e: ir.ExternCall, kind: int) -> None:
    wanted = {"ig": "I2E", "eg": "E2E"}.get(x.block_name)
    if x.member(e, 0) != wanted:
        return  # the reference switch looks at each kind behind its own block only
    session = x.one_slot(e, 1)
    kept = NONE
    if kind == 1:
        kept = x.kept_list(e, 2)
    elif kind == 2:
        index = e.args[2]
        assert index is not None
        kept = x.field_list(x.constant(index))
    x.emit("CLONE", 0, a=session, b=kept, imm=int(wanted == "E2E"))


def _again(op: str, block: str, by_index: bool) -> Handler:
    def handler(x: Externs, e: ir.ExternCall) -> None:
        if x.block_name != block:
            return
        index = e.args[0]
        assert index is not None
        x.emit(op, 0, b=x.field_list(x.constant(index)) if by_index else x.kept_list(e, 0))

    return handler


def _truncate(x: Externs, e: ir.ExternCall) -> None:
    x.emit("TRUNCATE", 0, a=x.one_slot(e, 0))


def _assert(x: Externs, e: ir.ExternCall) -> None:
    x.emit("ASSERT", 0, a=x.arg(e, 0), imm=x.message(f"{e.method.name} failed at {e.pos}"))


def _log_msg(x: Externs, e: ir.ExternCall) -> None:
    text = e.args[0]
    assert isinstance(text, ir.Literal)
    if len(e.args) < 2 or e.args[1] is None:
        x.emit("LOG", 0, b=NONE, imm=x.message(str(text.value)))
        return
    data = e.args[1]
    shown = str(text.value)
    inner = strip(data.type)
    whole = isinstance(inner, StructType | TupleType)
    holes = [_hole(x, t) for _, t in fields_of(inner)] if whole else [_hole(x, data.type)]
    pieces = shown.split("{}")
    out = pieces[0]
    for i, piece in enumerate(pieces[1:]):
        out += (holes[i] if i < len(holes) else "{}") + piece
    shown_fields = x.data_list(e, 1)
    x.emit("LOG", 0, b=shown_fields, imm=x.message(out, shown_fields))


def _hole(x: Externs, t: Type) -> str:
    """Return how a message shows a value of ``t``: a scalar as a number, others as hexadecimal ones."""
    width = scalar_width(t)
    if width is not None:
        return f"{{i{width}}}" if is_signed(t) else "{}"
    return " ".join("{x}" for s in x.layouts.scalars(t) if s.width)


def _verify(x: Externs, e: ir.ExternCall) -> None:
    check, error = e.args[0], e.args[1]
    assert check is not None
    assert error is not None
    if isinstance(error, ir.Literal):
        x.branch(check, False, x.reject_label(str(error.value)))
        return
    good = x.new_label()
    slot = x.steady(error, ())
    x.branch(check, True, good)
    x.emit("MOV", 32, x.error_slot, slot)
    x.jump(x.reject_label())
    x.place_label(good)


def _nothing(_x: Externs, _e: ir.ExternCall) -> None:
    return None


def _true(x: Externs, _e: ir.ExternCall) -> int:
    return x.const(1, 1)


CORE: dict[str, Handler] = {"verify": _verify, "static_assert": _true, "assert": _assert, "assume": _assert}

V1MODEL: dict[str, Handler] = {
    "counter.count": _count,
    "direct_counter.count": _nothing,
    "meter.execute_meter": _execute_meter,
    "direct_meter.read": _read_direct_meter,
    "register.read": _register_read,
    "register.write": _register_write,
    "random": _random,
    "digest": _digest,
    "mark_to_drop": _mark_to_drop,
    "hash": _hash,
    "Checksum16.get": _checksum16,
    "verify_checksum": lambda x, e: _checksum(x, e, False, False),
    "update_checksum": lambda x, e: _checksum(x, e, False, True),
    "verify_checksum_with_payload": lambda x, e: _checksum(x, e, True, False),
    "update_checksum_with_payload": lambda x, e: _checksum(x, e, True, True),
    "clone": lambda x, e: _clone(x, e, 0),
    "clone3": lambda x, e: _clone(x, e, 1),
    "clone_preserving_field_list": lambda x, e: _clone(x, e, 2),
    "resubmit": _again("RESUBMIT", "ig", False),
    "resubmit_preserving_field_list": _again("RESUBMIT", "ig", True),
    "recirculate": _again("RECIRCULATE", "eg", False),
    "recirculate_preserving_field_list": _again("RECIRCULATE", "eg", True),
    "truncate": _truncate,
    "log_msg": _log_msg,
}

__all__ = ["CORE", "V1MODEL", "Externs", "Handler"]
