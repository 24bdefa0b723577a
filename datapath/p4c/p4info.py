"""P4Info as P4Runtime's controllers read it: text (``.p4info.txtpb``) and binary.

Source: P4Runtime specification 1.4, chapter 6, and its ``p4/config/v1/p4info.proto`` and ``p4types.proto``, whose field
numbers stand here beside the fields' names.
"""

from collections.abc import Iterable

from datapath.p4c import ir
from datapath.p4c.info import ArrayInfo, FieldInfo, Info, Preamble, TableInfo
from datapath.p4c.protobuf import Enum, Message
from datapath.p4c.types import (
    BitType,
    BoolType,
    EnumType,
    ErrorType,
    ExternType,
    HeaderType,
    IntType,
    NewType,
    SerEnumType,
    StackType,
    StructType,
    TupleType,
    Type,
    UnionType,
    VarbitType,
)

_MATCH = {
    "exact": Enum("EXACT", 2),
    "lpm": Enum("LPM", 3),
    "ternary": Enum("TERNARY", 4),
    "range": Enum("RANGE", 5),
    "optional": Enum("OPTIONAL", 6),
}
_UNITS = {"bytes": Enum("BYTES", 1), "packets": Enum("PACKETS", 2), "both": Enum("BOTH", 3)}
_SCOPES = {
    "both": Enum("TABLE_AND_DEFAULT", 0),
    "table_only": Enum("TABLE_ONLY", 1),
    "default_only": Enum("DEFAULT_ONLY", 2),
}

_NOT_SHOWN = frozenset(("name", "id", "brief", "description", "pkginfo", "match"))
"""Annotations that have a place of their own."""


def p4info_text(design: ir.Design, info: Info) -> str:
    """Return P4Info in protobuf's text format."""
    return make_p4info(design, info).text()


def p4info_binary(design: ir.Design, info: Info) -> bytes:
    """Return P4Info in protobuf's wire format."""
    return make_p4info(design, info).binary()


def make_p4info(design: ir.Design, info: Info) -> Message:
    """Return the message ``p4.config.v1.P4Info``."""
    return _Writer(design, info).write()


class _Writer:
    def __init__(self, design: ir.Design, info: Info) -> None:
        self.design = design
        self.info = info
        self.tables = {path: t for i in design.instances() for t, path in i.table_paths.items()}
        self.types: dict[str, Type] = {}
        """Named types that the message refers to, by name: they go into ``type_info``."""

    def write(self) -> Message:
        info = self.info
        out = Message().add(1, "pkg_info", self._package())
        for t in info.tables.values():
            out.add(2, "tables", self._table(t))
        for a in info.actions.values():
            message = self._preamble(a)
            for p in a.params:
                message.add(2, "params", self._field(p, type_name=6, structured=7))
            out.add(3, "actions", message)
        for profile in info.profiles.values():
            message = self._preamble(profile)
            message.add(2, "table_ids", tuple(info.tables[t].id for t in profile.tables))
            message.add(3, "with_selector", profile.with_selector)
            message.add(4, "size", profile.size)
            message.add(5, "max_group_size", profile.max_group_size)
            out.add(4, "action_profiles", message)
        self._arrays(out, 5, "counters", info.counters.values())
        self._arrays(out, 6, "direct_counters", info.direct_counters.values())
        self._arrays(out, 7, "meters", info.meters.values())
        self._arrays(out, 8, "direct_meters", info.direct_meters.values())
        for h in info.packet_metadata.values():
            message = self._preamble(h)
            for f in h.fields:
                message.add(2, "metadata", self._field(f, type_name=5, structured=6))
            out.add(9, "controller_packet_metadata", message)
        for v in info.value_sets.values():
            message = self._preamble(v)
            for f in v.fields:
                message.add(2, "match", self._match_field(f))
            out.add(10, "value_sets", message.add(3, "size", v.size))
        registers = {i.path: i.type for i in self.design.instances()}
        for r in info.registers.values():
            made = registers[r.name]
            cell = made.args[0] if isinstance(made, ExternType) and made.args else BitType(r.width)
            message = self._preamble(r).add(2, "type_spec", self._type_spec(cell))
            out.add(11, "registers", message.add(3, "size", r.size))
        for d in info.digests.values():
            t2 = self._type_called(d.type_name)
            spec = self._type_spec(t2) if t2 is not None else self._tuple_spec(d.fields)
            out.add(12, "digests", self._preamble(d).add(2, "type_spec", spec))
        types = self._type_info()
        if types.fields:
            out.add(200, "type_info", types)
        return out

    def _type_called(self, name: str) -> Type | None:
        return self.design.program.types.get(name)

    # ---- preambles ----

    def _package(self) -> Message:
        out = Message().add(5, "arch", self.info.arch)
        fields = {"name": 1, "version": 2, "organization": 6, "contact": 7, "url": 8}
        for a in self.info.package:
            if a.name == "pkginfo":
                for key, value in a.kv:
                    if key in fields:
                        out.add(fields[key], key, str(value))
        self._documentation(out, 3, self.info.package)
        self._annotate(out, self.info.package, plain=4, structured=9)
        return out

    def _preamble(self, thing: Preamble) -> Message:
        head = Message().add(1, "id", thing.id).add(2, "name", thing.name).add(3, "alias", thing.alias)
        self._annotate(head, thing.annotations, plain=4, structured=6)
        self._documentation(head, 5, thing.annotations)
        return Message().add(1, "preamble", head)

    @staticmethod
    def _documentation(out: Message, number: int, annotations: ir.Annotations) -> None:
        doc = Message()
        for i, name in enumerate(("brief", "description"), 1):
            a = ir.find_annotation(annotations, name)
            if a is not None and a.args and isinstance(a.args[0], str):
                doc.add(i, name, a.args[0])
        if doc.fields:
            out.add(number, "doc", doc)

    @staticmethod
    def _annotate(out: Message, annotations: ir.Annotations, *, plain: int, structured: int) -> None:
        for a in annotations:
            if a.name in _NOT_SHOWN:
                continue
            if a.text or not (a.args or a.kv):
                text = f"@{a.name}({a.text})" if a.text else f"@{a.name}"
                out.add(plain, "annotations", text)
                continue
            message = Message().add(1, "name", a.name)
            if a.kv:
                pairs = Message()
                for key, value in a.kv:
                    pairs.add(1, "kv_pairs", Message().add(1, "key", key).add(2, "value", _expression(value)))
                message.add(3, "kv_pair_list", pairs)
            else:
                items = Message()
                for value in a.args:
                    items.add(1, "expressions", _expression(value))
                message.add(2, "expression_list", items)
            out.add(structured, "structured_annotations", message)

    # ---- tables ----

    def _field(self, f: FieldInfo, *, type_name: int, structured: int) -> Message:
        out = Message().add(1, "id", f.id).add(2, "name", f.name)
        self._annotate(out, f.annotations, plain=3, structured=structured)
        width = f.width
        if f.type_name:
            translated = self._translation(self._type_called(f.type_name))
            if translated is not None:
                width = translated if isinstance(translated, int) else 0
            out.add(type_name, "type_name", self._named(f.type_name))
        return out.add(4, "bitwidth", width)

    def _match_field(self, f: FieldInfo) -> Message:
        out = self._field(f, type_name=8, structured=9)
        if f.kind in _MATCH:
            return out.add(5, "match_type", _MATCH[f.kind])
        return out.add(7, "other_match_type", f.kind)

    def _table(self, t: TableInfo) -> Message:
        out = self._preamble(t)
        for k in t.keys:
            if k.kind != "selector":
                out.add(2, "match_fields", self._match_field(k))
        for r in t.actions:
            ref = Message().add(1, "id", r.action.id).add(3, "scope", _SCOPES[r.scope])
            self._annotate(ref, r.annotations, plain=2, structured=4)
            out.add(3, "action_refs", ref)
        if t.const_default is not None:
            out.add(4, "const_default_action_id", t.const_default.id)
        out.add(5, "initial_default_action", self._default_call(t))
        if t.profile is not None:
            out.add(6, "implementation_id", self.info.profiles[t.profile].id)
        direct = [self.info.direct_counters[t.counter].id] if t.counter is not None else []
        if t.meter is not None:
            direct.append(self.info.direct_meters[t.meter].id)
        out.add(7, "direct_resource_ids", tuple(direct))
        out.add(8, "size", t.size)
        out.add(9, "idle_timeout_behavior", Enum("NOTIFY_CONTROL", 1) if t.idle_timeout else Enum("NO_TIMEOUT", 0))
        out.add(10, "is_const_table", t.const_entries)
        return out.add(11, "has_initial_entries", t.const_entries or t.initial_entries)

    def _default_call(self, t: TableInfo) -> Message:
        action = self.info.actions[t.default_action]
        out = Message().add(1, "action_id", action.id)
        ref = self.tables[t.name].default_action
        data = [a for p, a in zip(ref.action.params, ref.args, strict=False) if not p.direction]
        for p, a in zip(action.params, data, strict=False):
            value = a.value if isinstance(a, ir.Literal) and isinstance(a.value, int) else 0
            bits = int(value) & (1 << p.width) - 1
            raw = bits.to_bytes(max(1, (bits.bit_length() + 7) // 8), "big")
            out.add(4, "arguments", Message().add(2, "param_id", p.id).add(3, "value", raw))
        return out

    # ---- arrays ----

    def _arrays(self, out: Message, number: int, name: str, found: Iterable[ArrayInfo]) -> None:
        for a in found:
            message = self._preamble(a).add(2, "spec", Message().add(1, "unit", _UNITS[a.unit]))
            if name.startswith("direct"):
                message.add(3, "direct_table_id", self.info.tables[a.table].id if a.table is not None else 0)
            else:
                message.add(3, "size", a.size)
            out.add(number, name, message)

    # ---- types ----

    def _named(self, name: str) -> Message:
        t = self._type_called(name)
        if t is not None:
            self.types[name] = t
        return Message().add(1, "name", name)

    def _bits(self, t: BitType | IntType | VarbitType) -> Message:
        match t:
            case BitType():
                return Message().add(1, "bit", Message().add(1, "bitwidth", t.width))
            case IntType():
                return Message().add(2, "int", Message().add(1, "bitwidth", t.width))
        return Message().add(3, "varbit", Message().add(1, "max_bitwidth", t.width))

    def _type_spec(self, t: Type) -> Message:
        out = Message()
        match t:
            case BitType() | IntType() | VarbitType():
                return out.add(1, "bitstring", self._bits(t))
            case BoolType():
                return out.add(2, "bool", Message())
            case TupleType():
                members = Message()
                for e in t.elems:
                    members.add(1, "members", self._type_spec(e))
                return out.add(3, "tuple", members)
            case StructType():
                return out.add(4, "struct", self._named(t.name))
            case HeaderType():
                return out.add(5, "header", self._named(t.name))
            case UnionType():
                return out.add(6, "header_union", self._named(t.name))
            case StackType(HeaderType() as elem, size):
                return out.add(
                    7, "header_stack", Message().add(1, "header", self._named(elem.name)).add(2, "size", size)
                )
            case EnumType():
                return out.add(9, "enum", self._named(t.name))
            case ErrorType():
                return out.add(10, "error", Message())
            case SerEnumType():
                return out.add(11, "serializable_enum", self._named(t.name))
            case NewType():
                return out.add(12, "new_type", self._named(t.name))
        return out

    def _tuple_spec(self, fields: tuple[FieldInfo, ...]) -> Message:
        members = tuple(IntType(f.width) if f.signed else BitType(f.width) for f in fields)
        return self._type_spec(TupleType(members))

    @staticmethod
    def _translation(t: Type | None) -> int | str | None:
        """Return the controller's width of a translated type, ``"string"``, or None when it is not translated."""
        if not isinstance(t, NewType):
            return None
        a = ir.find_annotation(tuple(x for x in t.annotations if isinstance(x, ir.Annotation)), "p4runtime_translation")
        if a is None or len(a.args) < 2:
            return None
        return a.args[1] if isinstance(a.args[1], int) else "string"

    def _type_info(self) -> Message:
        """Return the named types, and those that they name, by kind and name."""
        sections: dict[int, tuple[str, dict[str, Message]]] = {
            1: ("structs", {}),
            2: ("headers", {}),
            3: ("header_unions", {}),
            4: ("enums", {}),
            6: ("serializable_enums", {}),
            7: ("new_types", {}),
        }
        done: set[str] = set()
        while len(done) < len(self.types):
            name = next(n for n in self.types if n not in done)
            done.add(name)
            number, message = self._named_type(self.types[name])
            sections[number][1][name] = message
        out = Message()
        for number, (section, entries) in sections.items():
            for name in sorted(entries):
                out.add(number, section, Message().add(1, "key", name).add(2, "value", entries[name]))
        return out

    def _named_type(self, t: Type) -> tuple[int, Message]:
        out = Message()
        match t:
            case StructType():
                for f in t.fields:
                    member = Message().add(1, "name", f.name).add(2, "type_spec", self._type_spec(f.type))
                    out.add(1, "members", member)
                return 1, out
            case HeaderType():
                for f in t.fields:
                    out.add(
                        1, "members", Message().add(1, "name", f.name).add(2, "type_spec", self._header_field(f.type))
                    )
                return 2, out
            case UnionType():
                for f in t.fields:
                    out.add(1, "members", Message().add(1, "name", f.name).add(2, "header", self._named(str(f.type))))
                return 3, out
            case EnumType():
                for m in t.members:
                    out.add(1, "members", Message().add(1, "name", m))
                return 4, out
            case SerEnumType():
                out.add(1, "underlying_type", Message().add(1, "bitwidth", t.underlying.width))
                octets = (t.underlying.width + 7) // 8
                for m, value in t.members:
                    raw = (value & (1 << t.underlying.width) - 1).to_bytes(octets, "big")
                    out.add(2, "members", Message().add(1, "name", m).add(2, "value", raw))
                return 6, out
        assert isinstance(t, NewType)
        translated = self._translation(t)
        if translated is None:
            return 7, out.add(1, "original_type", self._type_spec(t.base))
        a = next(x for x in t.annotations if isinstance(x, ir.Annotation) and x.name == "p4runtime_translation")
        message = Message().add(1, "uri", str(a.args[0]))
        if isinstance(translated, int):
            message.add(2, "sdn_bitwidth", translated)
        else:
            message.add(3, "sdn_string", Message())
        return 7, out.add(2, "translated_type", message)

    def _header_field(self, t: Type) -> Message:
        while isinstance(t, (NewType, SerEnumType)):
            t = t.base if isinstance(t, NewType) else t.underlying
        return self._bits(t if isinstance(t, (BitType, IntType, VarbitType)) else BitType(1))


def _expression(value: object) -> Message:
    match value:
        case bool():
            return Message().add(3, "bool_value", value)
        case int():
            return Message().add(2, "int64_value", value)
    return Message().add(1, "string_value", str(value))
