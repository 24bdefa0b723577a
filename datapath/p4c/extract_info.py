"""What the control plane may see of a design: :class:`info.Info` from :class:`ir.Design`.

The extern objects of v1model and PNA that it knows are in ``KINDS``.
"""

from collections.abc import Callable
from typing import TypedDict

from datapath.p4c import ir
from datapath.p4c.check_base import with_article
from datapath.p4c.info import (
    ActionInfo,
    ActionRefInfo,
    ArrayInfo,
    DigestInfo,
    FieldInfo,
    Info,
    PacketMetadataInfo,
    ProfileInfo,
    TableInfo,
    ValueSetInfo,
)
from datapath.p4c.p4_ids import IdError, assign_ids, make_aliases
from datapath.p4c.source import Diagnostics, Pos
from datapath.p4c.types import (
    ExternType,
    HeaderType,
    NewType,
    StructType,
    TupleType,
    Type,
    is_signed,
    scalar_width,
)
from datapath.p4c.walk import reachable

DEFAULT_TABLE_SIZE = 1024

KINDS = {
    "counter": "counter",
    "Counter": "counter",
    "direct_counter": "direct_counter",
    "DirectCounter": "direct_counter",
    "meter": "meter",
    "Meter": "meter",
    "direct_meter": "direct_meter",
    "DirectMeter": "direct_meter",
    "register": "register",
    "Register": "register",
    "action_profile": "action_profile",
    "ActionProfile": "action_profile",
    "action_selector": "action_profile",
    "ActionSelector": "action_profile",
}
"""Extern types to the kinds of P4Info."""

PROFILE_PROPERTIES = ("implementation", "psa_implementation", "pna_implementation")
COUNTER_PROPERTIES = ("counters", "psa_direct_counter", "pna_direct_counter")
METER_PROPERTIES = ("meters", "psa_direct_meter", "pna_direct_meter")
IDLE_PROPERTIES = ("support_timeout", "psa_idle_timeout", "pna_idle_timeout")

UNITS = {
    "packets": "packets",
    "bytes": "bytes",
    "packets_and_bytes": "both",
    "PACKETS": "packets",
    "BYTES": "bytes",
    "PACKETS_AND_BYTES": "both",
}


def extract_info(design: ir.Design, diagnostics: Diagnostics | None = None) -> Info:
    """Return what the control plane may see of a design.

    Raises:
        CompileError: something has no place in P4Info, an ``@id`` is wrong.
    """
    diagnostics = diagnostics or Diagnostics()
    info = _Extractor(design, diagnostics).run()
    diagnostics.check()
    return info


class _Preamble(TypedDict):
    id: int
    name: str
    alias: str
    annotations: ir.Annotations


class _Extractor:
    def __init__(self, design: ir.Design, diagnostics: Diagnostics) -> None:
        self.design = design
        self.diag = diagnostics
        self.found: dict[str, dict[str, tuple[ir.Annotations, Pos]]] = {}
        """Names by kind, in order."""
        self.ids: dict[str, dict[str, int]] = {}
        self.aliases: dict[str, str] = {}

    def run(self) -> Info:
        instances = self.design.instances()
        controls = [i for i in instances if isinstance(i.decl, ir.ControlDecl)]
        tables = [(i, t) for i in controls if isinstance(i.decl, ir.ControlDecl) for t in i.decl.tables]
        externs = [i for i in instances if isinstance(i.type, ExternType)]
        actions = self._used_actions(tables)
        digests = self._digests(instances)
        headers = self._controller_headers()
        sets = [(i, v) for i in instances if isinstance(i.decl, ir.ParserDecl) for v in i.decl.value_sets]

        for i, t in tables:
            self._note("table", i.table_paths[t], t.annotations, t.pos)
        for path, a in actions.items():
            self._note("action", path, a.annotations, a.pos)
        for e in externs:
            kind = KINDS.get(e.type.name) if isinstance(e.type, ExternType) else None
            if kind is not None:
                self._note(kind, e.path, _source_annotations(e), _source_pos(e))
        for name, (_, pos, annotations) in digests.items():
            self._note("digest", name, annotations, pos)
        for name, h in headers.items():
            self._note("controller_header", name, _annotations(h.annotations), Pos("<program>", 0, 0, 0))
        for i, v in sets:
            self._note("value_set", i.value_set_paths[v], v.annotations, v.pos)
        self._number()

        action_infos = {path: self._action(path, a) for path, a in actions.items()}
        table_infos = {i.table_paths[t]: self._table(i, t, action_infos) for i, t in tables}
        return Info(
            arch=self.design.arch,
            package=self.design.program.annotations,
            tables=table_infos,
            actions=action_infos,
            profiles=self._profiles(externs, table_infos),
            counters=self._arrays("counter", externs, self._counter),
            direct_counters=self._arrays("direct_counter", externs, self._direct(table_infos, "counter")),
            meters=self._arrays("meter", externs, self._counter),
            direct_meters=self._arrays("direct_meter", externs, self._direct(table_infos, "meter")),
            registers=self._arrays("register", externs, self._register),
            digests={
                name: DigestInfo(**self._preamble("digest", name), type_name=str(t), fields=self._members(t, pos))
                for name, (t, pos, _) in digests.items()
            },
            value_sets={
                i.value_set_paths[v]: ValueSetInfo(
                    **self._preamble("value_set", i.value_set_paths[v]),
                    fields=tuple(
                        self._field(n, name, t, v.pos, kind=kind) for n, (name, t, kind) in enumerate(v.fields, 1)
                    ),
                    size=v.size,
                )
                for i, v in sets
            },
            packet_metadata={
                name: PacketMetadataInfo(**self._preamble("controller_header", name), fields=self._members(h))
                for name, h in headers.items()
            },
        )

    # ---- names and numbers ----

    def _note(self, kind: str, name: str, annotations: ir.Annotations, pos: Pos) -> None:
        self.found.setdefault(kind, {})[name] = (annotations, pos)

    def _number(self) -> None:
        for kind, names in self.found.items():
            wanted: dict[str, int] = {}
            for name, (annotations, _) in names.items():
                a = ir.find_annotation(annotations, "id")
                if a is not None and a.args and isinstance(a.args[0], int):
                    wanted[name] = a.args[0]
            try:
                self.ids[kind] = assign_ids(kind, names, wanted)
            except IdError as e:
                self.diag.error(names[e.name][1], str(e))
                self.ids[kind] = assign_ids(kind, names, {})
        self.aliases = make_aliases(name for names in self.found.values() for name in names)

    def _preamble(self, kind: str, name: str) -> _Preamble:
        return {
            "id": self.ids[kind][name],
            "name": name,
            "alias": self.aliases[name],
            "annotations": self.found[kind][name][0],
        }

    def _field(
        self, number: int, name: str, t: Type, pos: Pos, *, kind: str = "", annotations: ir.Annotations = ()
    ) -> FieldInfo:
        width = scalar_width(t)
        if width is None:
            self.diag.error(pos, f"'{name}' is of type {t}, which the control plane cannot write or read")
            width = 0
        given = ir.find_annotation(annotations, "id")
        if given is not None and given.args and isinstance(given.args[0], int):
            number = given.args[0]
        label = ir.find_annotation(annotations, "name")
        if label is not None and label.args and isinstance(label.args[0], str):
            name = label.args[0]
        return FieldInfo(number, name, width, kind, is_signed(t), t.name if isinstance(t, NewType) else "", annotations)

    def _members(self, t: Type, pos: Pos | None = None) -> tuple[FieldInfo, ...]:
        pos = pos or Pos("<program>", 0, 0, 0)
        out: list[FieldInfo] = []

        def add(prefix: str, t: Type) -> None:
            match t:
                case StructType() | HeaderType():
                    for f in t.fields:
                        path = f"{prefix}.{f.name}" if prefix else f.name
                        if isinstance(f.type, (StructType, HeaderType, TupleType)):
                            add(path, f.type)
                        else:
                            made = self._field(len(out) + 1, path, f.type, pos, annotations=_annotations(f.annotations))
                            out.append(made)
                case TupleType():
                    for i, e in enumerate(t.elems):
                        path = f"{prefix}.f{i}" if prefix else f"f{i}"
                        if isinstance(e, (StructType, HeaderType, TupleType)):
                            add(path, e)
                        else:
                            out.append(self._field(len(out) + 1, path, e, pos))
                case _:
                    out.append(self._field(len(out) + 1, prefix or "value", t, pos))

        add("", t)
        return tuple(out)

    # ---- tables and actions ----

    def _used_actions(self, tables: list[tuple[ir.Instance, ir.Table]]) -> dict[str, ir.Action]:
        """Return the actions of tables: those of the top level first, then in order of declaration."""
        found: dict[str, ir.Action] = {}
        for i, t in tables:
            for r in t.actions:
                if r.action not in getattr(i.decl, "actions", ()):
                    found.setdefault(i.action_paths[r.action], r.action)
        for i in dict.fromkeys(i for i, _ in tables):
            used = {r.action for j, t in tables if j is i for r in t.actions}
            for a, path in i.action_paths.items():
                if a in used:
                    found.setdefault(path, a)
        return found

    def _action(self, path: str, a: ir.Action) -> ActionInfo:
        params = tuple(
            self._field(n, p.name, p.type, p.pos, annotations=p.annotations) for n, p in enumerate(a.data_params, 1)
        )
        return ActionInfo(**self._preamble("action", path), params=params)

    def _table(self, i: ir.Instance, t: ir.Table, actions: dict[str, ActionInfo]) -> TableInfo:
        path = i.table_paths[t]
        refs: list[ActionRefInfo] = []
        for r in t.actions:
            scope = "both"
            if ir.find_annotation(r.annotations, "defaultonly") is not None:
                scope = "default_only"
            elif ir.find_annotation(r.annotations, "tableonly") is not None:
                scope = "table_only"
            refs.append(ActionRefInfo(actions[i.action_paths[r.action]], scope, r.annotations))
        default = actions[i.action_paths[t.default_action.action]]
        keys: list[FieldInfo] = []
        number = 0
        for k in t.keys:
            number += k.match_kind != "selector"  # a selector's field is none of the match, and has no number
            n = 0 if k.match_kind == "selector" else number
            keys.append(self._field(n, k.name, k.expr.type, k.pos, kind=k.match_kind, annotations=k.annotations))
        return TableInfo(
            **self._preamble("table", path),
            keys=tuple(keys),
            actions=tuple(refs),
            size=t.size if t.size is not None else DEFAULT_TABLE_SIZE,
            const_default=default if t.default_const else None,
            default_action=default.name,
            profile=self._belonging(i, t, PROFILE_PROPERTIES, "action_profile"),
            counter=self._belonging(i, t, COUNTER_PROPERTIES, "direct_counter"),
            meter=self._belonging(i, t, METER_PROPERTIES, "direct_meter"),
            const_entries=t.entries_const,
            initial_entries=bool(t.entries) and not t.entries_const,
            idle_timeout=self._says_yes(t, IDLE_PROPERTIES),
            add_on_miss=self._says_yes(t, ("add_on_miss",)),
        )

    def _belonging(self, i: ir.Instance, t: ir.Table, names: tuple[str, ...], kind: str) -> str | None:
        """Return the path of the object that a property names."""
        for name in names:
            if name not in t.properties:
                continue
            value, _ = t.properties[name]
            made: object = None
            if isinstance(value, (ir.InstanceRef, ir.NewInstance)):
                made = i.children.get(value.decl) or self.design.globals.get(value.decl)
            elif isinstance(value, ir.VarRef):
                made = i.args.get(value.var)
            if not isinstance(made, ir.Instance) or KINDS.get(getattr(made.type, "name", "")) != kind:
                self.diag.error(
                    value.pos, f"table '{t.name}': property '{name}' must be {with_article(kind.replace('_', ' '))}"
                )
                return None
            return made.path
        return None

    @staticmethod
    def _says_yes(t: ir.Table, names: tuple[str, ...]) -> bool:
        for name in names:
            value = t.properties[name][0] if name in t.properties else None
            if isinstance(value, ir.Literal):
                return value.value not in (False, "NO_TIMEOUT", 0)
        return False

    # ---- extern objects ----

    def _arrays(
        self, kind: str, externs: list[ir.Instance], make: Callable[[str, ir.Instance], ArrayInfo]
    ) -> dict[str, ArrayInfo]:
        return {e.path: make(kind, e) for e in externs if KINDS.get(getattr(e.type, "name", "")) == kind}

    def _counter(self, kind: str, e: ir.Instance) -> ArrayInfo:
        return ArrayInfo(**self._preamble(kind, e.path), size=self._size(e), unit=self._unit(e))

    def _direct(self, tables: dict[str, TableInfo], field: str) -> Callable[[str, ir.Instance], ArrayInfo]:
        def make(kind: str, e: ir.Instance) -> ArrayInfo:
            owners = [path for path, t in tables.items() if getattr(t, field) == e.path]
            if len(owners) > 1:
                self.diag.error(
                    _source_pos(e), f"'{e.path}' belongs to one table only, not to {' and '.join(map(repr, owners))}"
                )
            owner = owners[0] if owners else None
            size = tables[owner].size if owner else 0
            return ArrayInfo(**self._preamble(kind, e.path), size=size, unit=self._unit(e), table=owner)

        return make

    def _register(self, kind: str, e: ir.Instance) -> ArrayInfo:
        t = e.type.args[0] if isinstance(e.type, ExternType) and e.type.args else None
        width = scalar_width(t) if t is not None else None
        if t is None or width is None:
            self.diag.error(_source_pos(e), f"register '{e.path}' is of {t}; it can only be of bit, int, bool or enum")
            return ArrayInfo(**self._preamble(kind, e.path), size=self._size(e), width=1)
        return ArrayInfo(**self._preamble(kind, e.path), size=self._size(e), width=width, signed=is_signed(t))

    def _profiles(self, externs: list[ir.Instance], tables: dict[str, TableInfo]) -> dict[str, ProfileInfo]:
        out: dict[str, ProfileInfo] = {}
        for e in externs:
            name = getattr(e.type, "name", "")
            if KINDS.get(name) != "action_profile":
                continue
            group = ir.find_annotation(_source_annotations(e), "max_group_size")
            largest = group.args[0] if group is not None and group.args and isinstance(group.args[0], int) else 0
            out[e.path] = ProfileInfo(
                **self._preamble("action_profile", e.path),
                size=self._size(e),
                with_selector="elector" in name,
                max_group_size=largest,
                tables=tuple(path for path, t in tables.items() if t.profile == e.path),
            )
        return out

    @staticmethod
    def _size(e: ir.Instance) -> int:
        for var, value in e.args.items():
            if var.name in ("size", "n_counters", "n_meters", "instance_count") and isinstance(value, ir.Literal):
                return int(value.value)
        return 0

    @staticmethod
    def _unit(e: ir.Instance) -> str:
        for value in e.args.values():
            if isinstance(value, ir.Literal) and isinstance(value.value, str) and value.value in UNITS:
                return UNITS[value.value]
        return "packets"

    # ---- digests and packet metadata ----

    def _digests(self, instances: list[ir.Instance]) -> dict[str, tuple[Type, Pos, ir.Annotations]]:
        out: dict[str, tuple[Type, Pos, ir.Annotations]] = {}
        decls: list[ir.ParserDecl | ir.ControlDecl] = []
        for i in instances:
            if isinstance(i.decl, (ir.ParserDecl, ir.ControlDecl)) and i.decl not in decls:
                decls.append(i.decl)
            if isinstance(i.type, ExternType) and i.type.name == "Digest" and i.type.args:
                out[i.path] = (i.type.args[0], _source_pos(i), _source_annotations(i))
        for decl in decls:
            for part in reachable(decl):
                if isinstance(part, ir.ExternCall) and part.method.name == "digest" and not part.method.owner:
                    t = part.type_args[0]
                    if any(old == t for old, _, _ in out.values()):
                        continue
                    name = str(t) if isinstance(t, (StructType, HeaderType)) else f"digest_{len(out)}"
                    annotations = t.annotations if isinstance(t, (StructType, HeaderType)) else ()
                    out[name] = (t, part.pos, _annotations(annotations))
        return out

    def _controller_headers(self) -> dict[str, HeaderType]:
        out: dict[str, HeaderType] = {}
        for t in self.design.program.types.values():
            if isinstance(t, HeaderType):
                a = ir.find_annotation(_annotations(t.annotations), "controller_header")
                if a is not None and a.args and isinstance(a.args[0], str):
                    out[a.args[0]] = t
        return out


def _annotations(found: tuple[object, ...]) -> ir.Annotations:
    return tuple(a for a in found if isinstance(a, ir.Annotation))


def _source_annotations(i: ir.Instance) -> ir.Annotations:
    return i.source.annotations if i.source is not None else ()


def _source_pos(i: ir.Instance) -> Pos:
    return i.source.pos if i.source is not None else Pos("<program>", 0, 0, 0)
