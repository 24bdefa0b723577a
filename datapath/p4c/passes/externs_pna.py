"""Extern objects and functions of the Portable NIC Architecture (PNA 0.7)."""

from datapath.p4c import ir
from datapath.p4c.code import NONE, Array, Table
from datapath.p4c.passes.emit import unsupported
from datapath.p4c.passes.externs import Externs, Handler
from datapath.p4c.passes.lir import words
from datapath.p4c.passes.places import Place
from datapath.p4c.passes.tables import (
    ADD_ON_MISS,
    COUNTER,
    IDLE_DELETE,
    IDLE_NOTIFY,
    METER,
    METER_BYTES,
    TableInfo,
)
from datapath.p4c.types import EnumType, strip

UNITS = {"PACKETS": 1, "BYTES": 2, "PACKETS_AND_BYTES": 3}
ALGORITHMS = {
    "IDENTITY": "identity",
    "CRC32": "crc32",
    "CRC32_CUSTOM": "crc32_custom",
    "CRC16": "crc16",
    "CRC16_CUSTOM": "crc16_custom",
    "ONES_COMPLEMENT16": "csum16",
    "TOEPLITZ": "toeplitz",
    "TARGET_DEFAULT": "crc32",
}
_FROM = {
    "input_port": "ingress_port",
    "parser_error": "parser_error",
    "direction": "direction",
    "pass": "pass",
    "loopedback": "loopedback",
    "timestamp": "ingress_timestamp",
    "class_of_service": "class_of_service",
}
"""Field of an input metadata struct -> intrinsic."""

_COLOURS = ("GREEN", "YELLOW", "RED")
"""By the engine's number."""


class PnaExterns(Externs):
    """Runs calls of PNA's externs."""

    def make_intrinsics(self) -> None:
        """Make the slots that the architecture fills and reads; each block copies what it uses of them."""
        for name in (*_FROM.values(), "drop", "dest_port"):
            slot = self.lir.new_area(name, 1).base
            self.intrinsics[name] = slot
            self.lir.kept.append((slot, 1))
        self.error_slot = self.intrinsics["parser_error"]

    def fill_metadata(self, role: str, place: Place) -> None:
        """Fill a block's input metadata; its output's class of service is the intrinsic."""
        offsets = self.layouts.offsets(place.type)
        if role == "istd":
            for name, (at, _) in offsets.items():
                if name in _FROM:
                    self.emit("MOV", 64, place.base + at, self.intrinsics[_FROM[name]])
        elif role == "ostd" and "class_of_service" in offsets:
            self.intrinsics["class_of_service"] = place.base + offsets["class_of_service"][0]
            self.lir.kept.append((self.intrinsics["class_of_service"], 1))

    def make_object(self, instance: ir.Instance) -> None:
        """Number counters, meters and registers."""
        assert isinstance(instance.decl, ir.ExternDecl)
        match instance.decl.name:
            case "Counter":
                self.numbers[instance] = len(self.counters)
                size = self.number_argument(instance, "n_counters")
                self.counters.append(Array(instance.path, size, UNITS[self.name_argument(instance, "type")]))
            case "Meter":
                self.numbers[instance] = len(self.meters)
                size = self.number_argument(instance, "n_meters")
                self.meters.append(Array(instance.path, size, UNITS[self.name_argument(instance, "type")]))
            case "Register":
                initial = self.argument(instance, "initial_value")
                self.new_register(instance, self.number_argument(instance, "size"), initial)
            case "InternetChecksum" | "Checksum":
                self.numbers[instance] = self.lir.new_area(instance.path, 1).base

    def table_property(self, _info: TableInfo, code: Table, name: str, e: ir.Expr) -> None:
        """Take note of what belongs to a table."""
        match name:
            case "add_on_miss":
                if isinstance(e, ir.Literal) and e.value:
                    code.flags |= ADD_ON_MISS
            case "pna_idle_timeout" | "idle_timeout_with_auto_delete":
                text = str(e.value) if isinstance(e, ir.Literal) else ""
                if text == "NOTIFY_CONTROL":
                    code.flags |= IDLE_NOTIFY
                elif text in ("AUTO_DELETE", "True"):
                    code.flags |= IDLE_DELETE
            case _:
                self._object_property(code, e)

    def _object_property(self, code: Table, e: ir.Expr) -> None:
        if not isinstance(e, ir.InstanceRef | ir.VarRef):
            return
        instance = self.resolve(e)
        if instance is None or not isinstance(instance.decl, ir.ExternDecl):
            return
        match instance.decl.name:
            case "DirectCounter":
                code.flags |= COUNTER
            case "DirectMeter":
                code.flags |= METER
                if self.name_argument(instance, "type") == "BYTES":
                    code.flags |= METER_BYTES
            case "ActionProfile":
                code.profile = self.profile(instance, self.number_argument(instance, "size"), None, 0)
            case "ActionSelector":
                algorithm = ALGORITHMS[self.name_argument(instance, "algo")]
                width = self.number_argument(instance, "outputWidth", 16)
                code.profile = self.profile(instance, self.number_argument(instance, "size"), algorithm, width)

    def algorithm(self, e: ir.ExternCall) -> str:
        """Return the hash of a Hash object."""
        assert e.obj is not None
        instance = self.resolve(e.obj)
        assert instance is not None
        return ALGORITHMS[self.name_argument(instance, "algo") or self.name_argument(instance, "hash")]

    def direct_table(self, e: ir.ExternCall) -> int:
        """Return the table whose action this is."""
        assert e.obj is not None
        instance = self.resolve(e.obj)
        assert instance is not None
        return self.table_of(instance, e)

    def action_table(self, e: ir.ExternCall) -> TableInfo:
        """Return the table that runs the action at hand."""
        if self.running is None:
            unsupported(e.pos, f"{e.method.name}() outside of a table's action")
        return self.running

    def colour_out(self, e: ir.ExternCall, raw: int) -> int:
        """Return the member's number of a colour as the engine has it."""
        t = strip(e.type)
        assert isinstance(t, EnumType)
        target = self.new_temp(1, "colour")
        green, yellow, red = (self.const(t.members.index(c)) for c in _COLOURS)
        end = self.new_label()
        self.emit("MOV", 64, target, green)
        self.emit("JZ", a=raw, imm=end)
        self.emit("MOV", 64, target, yellow)
        self.emit("JEQ", a=raw, b=self.const(1), imm=end)
        self.emit("MOV", 64, target, red)
        self.place_label(end)
        return target

    def colour_in(self, e: ir.ExternCall, i: int) -> int:
        """Return the slot of a colour as the engine numbers it."""
        t = strip(self.arg_type(e, i))
        assert isinstance(t, EnumType)
        slot = self.arg(e, i)
        target, end = self.new_temp(1, "colour"), self.new_label()
        for number, name in enumerate(_COLOURS):
            self.emit("MOV", 64, target, self.const(number))
            self.emit("JEQ", a=slot, b=self.const(t.members.index(name)), imm=end)
        self.place_label(end)
        return target


def _pna(x: Externs) -> PnaExterns:
    assert isinstance(x, PnaExterns)
    return x


def _count(x: Externs, e: ir.ExternCall) -> None:
    if len(e.args) > 1 and e.args[1] is not None:
        unsupported(e.pos, "Counter.count() with a length")
    x.emit("COUNT", 0, a=x.one_slot(e, 0), b=x.object_number(e))


def _direct_count(x: Externs, e: ir.ExternCall) -> None:
    if e.args and e.args[0] is not None:
        unsupported(e.pos, "DirectCounter.count() with a length")
    x.emit("DCOUNT", 0, b=_pna(x).direct_table(e))


def _meter(x: Externs, e: ir.ExternCall) -> int:
    index = x.one_slot(e, 0)
    colour = _pna(x).colour_in(e, 1) if len(e.args) > 1 and e.args[1] is not None else NONE
    raw = x.new_temp(1, "colour")
    x.emit("METER", 0, raw, index, x.object_number(e), colour)
    return _pna(x).colour_out(e, raw)


def _direct_meter(x: Externs, e: ir.ExternCall) -> int:
    colour = _pna(x).colour_in(e, 0) if e.args and e.args[0] is not None else NONE
    raw = x.new_temp(1, "colour")
    x.emit("DMETER", 0, raw, b=_pna(x).direct_table(e), imm=colour)
    return _pna(x).colour_out(e, raw)


def _register_read(x: Externs, e: ir.ExternCall) -> int:
    index = x.one_slot(e, 0)
    target = x.temp_of(e.type)
    x.read_register(e, e.type, index, target)
    return target


def _register_write(x: Externs, e: ir.ExternCall) -> None:
    index = x.one_slot(e, 0)
    x.write_register(e, x.arg_type(e, 1), index, x.arg(e, 1))


def _random(x: Externs, e: ir.ExternCall) -> int:
    assert e.obj is not None
    instance = x.resolve(e.obj)
    assert instance is not None
    width = x.width(e.type, e)
    if width > 64:
        unsupported(e.pos, f"Random of {width} bits")
    low, high = x.number_argument(instance, "min"), x.number_argument(instance, "max")
    target = x.new_temp(1, "random")
    x.emit("RANDOM", width, target, x.const(low), x.const(high))
    return target


def _get_hash(x: Externs, e: ir.ExternCall) -> int:
    algorithm = _pna(x).algorithm(e)
    width = x.width(e.type, e)
    if len(e.args) == 1:
        return x.hash_into(algorithm, x.data_list(e, 0), width)
    base = x.one_slot(e, 0)
    data = x.data_list(e, 1)
    return x.hash_mod(None, width, base, data, x.one_slot(e, 2), algorithm)


def _sum(op: str) -> Handler:
    def handler(x: Externs, e: ir.ExternCall) -> None:
        x.emit(op, 0, x.object_number(e), b=x.data_list(e, 0))

    return handler


def _sum_clear(x: Externs, e: ir.ExternCall) -> None:
    x.emit("MOV", 64, x.object_number(e), x.const(0))


def _sum_get(x: Externs, e: ir.ExternCall) -> int:
    width = x.width(e.type, e)
    target = x.new_temp(words(width), "sum")
    x.emit("NOT", 16, target, x.object_number(e))
    return x.resize(target, 16, width, False)


def _sum_state(x: Externs, e: ir.ExternCall) -> int:
    return x.object_number(e)


def _sum_set(x: Externs, e: ir.ExternCall) -> None:
    x.emit("MOV", 64, x.object_number(e), x.arg(e, 0))


def _checksum(handler: Handler) -> Handler:
    """Checksum of ones' complement is InternetChecksum; other algorithms would need the data until get()."""

    def check(x: Externs, e: ir.ExternCall) -> int | None:
        if _pna(x).algorithm(e) != "csum16":
            unsupported(e.pos, "Checksum of another algorithm than ONES_COMPLEMENT16")
        return handler(x, e)

    return check


def _pack(x: Externs, e: ir.ExternCall) -> None:
    assert e.obj is not None
    instance, data = x.resolve(e.obj), e.args[0]
    assert instance is not None
    assert data is not None
    items = x.items(data)
    x.emit("DIGEST", 0, b=x.digest_number(data.type, items, instance.path))


def _drop(x: Externs, _e: ir.ExternCall) -> None:
    x.emit("MOV", 1, x.intrinsics["drop"], x.const(1))


def _send(x: Externs, e: ir.ExternCall) -> None:
    x.emit("MOV", 32, x.intrinsics["dest_port"], x.arg(e, 0))
    x.emit("MOV", 1, x.intrinsics["drop"], x.const(0))


def _mirror(x: Externs, e: ir.ExternCall) -> None:
    slot = x.arg(e, 0)
    x.emit("MIRROR", 0, a=x.arg(e, 1), b=slot)


def _recirculate(x: Externs, _e: ir.ExternCall) -> None:
    x.emit("RECIRCULATE", 0, b=NONE)


def _add_entry(x: Externs, e: ir.ExternCall) -> int:
    info = _pna(x).action_table(e)
    name = e.args[0]
    params = e.args[1]
    assert isinstance(name, ir.Literal)
    assert params is not None
    number = next((i for i, r in enumerate(info.refs) if r.action.name == name.value), None)
    if number is None:
        unsupported(e.pos, f"add_entry() with an action that {info.table.name} does not have: {name.value}")
    action = info.refs[number].action
    wanted = [p for p in action.params if not p.direction]
    n = sum(x.layouts.slots(p.type) for p in wanted)
    value = x.steady(params, [a for a in e.args[2:] if a is not None])
    if x.layouts.slots(params.type) != n and n != 0:
        unsupported(e.pos, f"add_entry() with data that are not those of {name.value}")
    profile = x.arg(e, 2)
    target = x.new_temp(1, "failed")
    x.emit("ADDENTRY", 0, value, profile, info.number, number)
    x.emit("ADDRESULT", 0, target)
    return x.alu("LNOT", 1, target, truth=True)


def _set_expire(x: Externs, e: ir.ExternCall) -> None:
    x.emit("SETEXPIRE", 0, a=x.arg(e, 0), b=_pna(x).action_table(e).number)


def _restart(x: Externs, e: ir.ExternCall) -> None:
    x.emit("RESTARTEXPIRE", 0, b=_pna(x).action_table(e).number)


def _by_direction(x: Externs, e: ir.ExternCall) -> int:
    t = strip(x.arg_type(e, 0))
    assert isinstance(t, EnumType)
    direction = x.arg(e, 0)
    target, end = x.temp_of(e.type), x.new_label()
    n2h, h2n = x.arg(e, 1), x.arg(e, 2)
    x.copy(target, n2h, e.type)
    x.emit("JEQ", a=direction, b=x.const(t.members.index("NET_TO_HOST")), imm=end)
    x.copy(target, h2n, e.type)
    x.place_label(end)
    return target


PNA: dict[str, Handler] = {
    "Counter.count": _count,
    "DirectCounter.count": _direct_count,
    "Meter.execute": _meter,
    "DirectMeter.execute": _direct_meter,
    "Register.read": _register_read,
    "Register.write": _register_write,
    "Random.read": _random,
    "Hash.get_hash": _get_hash,
    "InternetChecksum.clear": _sum_clear,
    "InternetChecksum.add": _sum("CSUMADD"),
    "InternetChecksum.subtract": _sum("CSUMSUB"),
    "InternetChecksum.get": _sum_get,
    "InternetChecksum.get_state": _sum_state,
    "InternetChecksum.set_state": _sum_set,
    "Checksum.clear": _checksum(_sum_clear),
    "Checksum.update": _checksum(_sum("CSUMADD")),
    "Checksum.get": _checksum(_sum_get),
    "Digest.pack": _pack,
    "drop_packet": _drop,
    "send_to_port": _send,
    "mirror_packet": _mirror,
    "recirculate": _recirculate,
    "add_entry": _add_entry,
    "set_entry_expire_time": _set_expire,
    "restart_expire_timer": _restart,
    "SelectByDirection": _by_direction,
}
