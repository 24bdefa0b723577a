"""Tables: keys into slots, actions as units of their own, entries and defaults of the program."""

from dataclasses import dataclass, field

from datapath.p4c import ir
from datapath.p4c.code import NONE, Entry, Item, Profile, Table, TableAction, ValueSet
from datapath.p4c.passes.emit import unsupported
from datapath.p4c.passes.lir import CONST, Unit, words
from datapath.p4c.passes.places import Place
from datapath.p4c.passes.stmts import Frame, Rebind, Stmts
from datapath.p4c.types import is_signed, scalar_width, strip

CONST_DEFAULT, COUNTER, COUNT_HITS, METER, METER_BYTES, ADD_ON_MISS, IDLE_NOTIFY, IDLE_DELETE, CONST_ENTRIES = (
    1 << i for i in range(9)
)


@dataclass(eq=False, slots=True)
class TableInfo:
    """A table that is being expanded: its number, the keys' slots, whether each has a slot of its own."""

    number: int
    table: ir.Table
    instance: ir.Instance
    refs: list[ir.ActionRef]
    own: list[bool] = field(default_factory=list)
    keys: list[tuple[int, int, str]] = field(default_factory=list)
    exit_flag: int | None = None
    units: list[Unit | None] = field(default_factory=list)


class Tables(Stmts):
    """Applies tables. ``code_tables`` are in the order of first use."""

    def __init__(self) -> None:
        super().__init__()
        self.code_tables: list[Table] = []
        self.code_profiles: list[Profile] = []
        self.code_value_sets: list[ValueSet] = []
        self.code_entries: list[Entry] = []
        self.infos: dict[tuple[ir.Instance, ir.Table], TableInfo] = {}
        self.action_codes: dict[int, int] = {}
        self.unit_list: list[Unit] = []
        self.running: TableInfo | None = None
        """The table whose action is being expanded."""
        self._actions: dict[tuple[object, ...], tuple[Unit | None, tuple[Item, ...]]] = {}
        self._refs: dict[ir.Table, list[ir.ActionRef]] = {}
        self._profiles: dict[ir.Instance, int] = {}

    # ---- applying ----

    def table_actions(self, table: ir.Table) -> list[ir.ActionRef]:
        """Return a table's actions; a default action that is not among them is the last."""
        found = self._refs.get(table)
        if found is None:
            found = list(table.actions)
            if all(ref.action is not table.default_action.action for ref in found):
                found.append(table.default_action)
            self._refs[table] = found
        return found

    def before_apply(self, info: TableInfo) -> None:
        """Prepare what belongs to a table."""

    def apply_table(self, table: ir.Table, hit: bool, action: bool) -> tuple[int, int]:
        """Apply a table and return the slots of hit and of the action's index."""
        info = self.infos.get((self.instance, table))
        if info is None:
            info = self._new_table(table)
        else:
            self._same_keys(info)
        pending = any(frame.copy_outs for frame in self.frames)
        if pending and info.exit_flag is None and self._may_exit(info):
            raise Rebind((self.instance, table))
        hit_slot = self.new_temp(1, "hit") if hit else NONE
        index = self.new_temp(1, "action") if action else NONE
        self.before_apply(info)
        if info.exit_flag is not None:
            self.emit("MOV", 1, info.exit_flag, self.const(0))
        self.emit("APPLY", 0, hit_slot, index, info.number)
        if info.exit_flag is not None:
            end = self.new_label()
            self.emit("JZ", a=info.exit_flag, imm=end)
            self.exit()
            self.place_label(end)
        return hit_slot, index

    def _may_exit(self, info: TableInfo) -> bool:
        return any(unit is not None and any(i.op == "END" for i in unit.insns) for unit in info.units)

    def _new_table(self, table: ir.Table) -> TableInfo:
        info = TableInfo(len(self.code_tables), table, self.instance, self.table_actions(table))
        self.infos[self.instance, table] = info
        path = self.instance.table_paths.get(table, f"{self.instance.path}.{table.name}")
        code = Table(path, info.keys, [], 0, 0, table.size or 0, 0)
        self.code_tables.append(code)
        for key in table.keys:
            self._key(info, key)
        if (self.instance, table) in self.apart:
            info.exit_flag = self.lir.new_area(f"{path}.exited", 1).base
        self._properties(info, code)
        for ref in info.refs:
            self._action(info, code, ref)
        self._default_action(info, code)
        self._entries(info, code)
        return info

    def _key(self, info: TableInfo, key: ir.Key) -> None:
        width = scalar_width(key.expr.type)
        if width is None:
            unsupported(key.pos, f"a key of type {key.expr.type}")
        apart = (self.instance, info.table, len(info.keys)) in self.apart
        if apart or any(self.has_effects(k.expr) for k in info.table.keys):
            slot = self.lir.new_area(f"{info.table.name}.{key.name}", words(width)).base
            self.value(key.expr, slot)
            own = True
        else:
            before = self.lir.n_slots
            slot = self.value(key.expr)
            own = before <= slot < CONST
            if own:
                self.keep(slot)
        info.own.append(own)
        info.keys.append((slot, max(width, 1), key.match_kind))
        self.lir.kept.append((slot, words(width)))

    def _same_keys(self, info: TableInfo) -> None:
        for i, key in enumerate(info.table.keys):
            slot = info.keys[i][0]
            if info.own[i]:
                self.value(key.expr, slot)
            elif self.value(key.expr) != slot:
                raise Rebind((self.instance, info.table, i))

    # ---- actions ----

    def _action(self, info: TableInfo, code: Table, ref: ir.ActionRef) -> None:
        directed = [p for p in ref.action.params if p.direction]
        name = self.instance.action_paths.get(ref.action, ref.action.name)
        default_only = ref not in info.table.actions or ir.find_annotation(ref.annotations, "defaultonly") is not None
        table_only = ir.find_annotation(ref.annotations, "tableonly") is not None
        # Code that is the same for all tables: nothing is bound here, and nothing asks which table it was.
        shared = not directed and info.exit_flag is None and not self.asks_table(ref.action)
        key: tuple[object, ...] = (self.instance, ref.action) if shared else (self.instance, ref.action, info)
        found = self._actions.get(key)
        if found is None:
            found = self._actions[key] = self._action_unit(info, ref, f"{name}@{code.name}" if not shared else name)
        unit, params = found
        info.units.append(unit)
        number = NONE if unit is None else self.unit_list.index(unit)
        code.actions.append(TableAction(name, number, params, default_only, table_only))

    def asks_table(self, _action: ir.Action) -> bool:
        """Whether an action's code depends on the table that runs it."""
        return False

    def _action_unit(self, info: TableInfo, ref: ir.ActionRef, name: str) -> tuple[Unit | None, tuple[Item, ...]]:
        saved = (self.unit, self.code, self.reachable, self.pool, self.frames, self.loops, self._scope, self.running)
        unit = Unit(f"action {name}")
        self.unit, self.code, self.reachable, self.pool = unit, unit.insns, True, 2
        self.frames, self.loops, self._scope, self.running = [], [], [], info
        saved_exit, self.exit_flag = self.exit_flag, info.exit_flag
        params: list[Item] = []
        with self.scope():
            args: list[ir.Expr | None] = []
            data: list[ir.Var] = []
            for param, arg in zip(ref.action.params, ref.args, strict=False):
                if param.direction:
                    args.append(arg)
                else:
                    data.append(param)
            bound = tuple(p for p in ref.action.params if p.direction)
            for param in data:
                width = scalar_width(param.type)
                if width is None:
                    unsupported(param.pos, f"action data of type {param.type}")
                slot = self.temp_of(param.type, param.name)
                self.vars[param] = Place(param.type, slot)
                params.append(Item(slot, max(width, 1)))
                self.lir.kept.append((slot, words(width)))
            frame = Frame(self.new_label())
            frame.copy_outs = self.bind(bound, args, self.usage_of(ref.action.body)) if bound else []
            self._run(frame, ref.action.body)
        self.emit("RET")
        self.unit, self.code, self.reachable, self.pool, self.frames, self.loops, self._scope, self.running = saved
        self.exit_flag = saved_exit
        if all(i.op in ("LABEL", "RET", "NOP") for i in unit.insns):
            return None, tuple(params)
        self.unit_list.append(unit)
        return unit, tuple(params)

    def _args(self, ref: ir.ActionRef) -> list[int]:
        """Return the words of an action's data, of constants."""
        out: list[int] = []
        for param, arg in zip(ref.action.params, ref.args, strict=False):
            if param.direction:
                continue
            if arg is None:
                unsupported(ref.pos, f"action {ref.action.name} without a value for {param.name}")
            width = scalar_width(param.type) or 0
            value = self.constant(arg)
            out += [(value >> (64 * i)) & (2**64 - 1) for i in range(words(width))]
        return out

    def constant(self, e: ir.Expr) -> int:
        """Return the unsigned bits of a constant expression."""
        width = self.width(e.type, e)
        value = self.known(self.value(e), width)
        if value is None:
            unsupported(e.pos, "a value that is not constant here")
        return value & ((1 << width) - 1)

    def _default_action(self, info: TableInfo, code: Table) -> None:
        ref = info.table.default_action
        code.default_action = next(i for i, r in enumerate(info.refs) if r.action is ref.action)
        data = tuple(self._args(ref))
        code.default_data = self.lir.const_block(data) if data else CONST
        if data:
            self.lir.kept.append((code.default_data, len(data)))
        if info.table.default_const:
            code.flags |= CONST_DEFAULT

    # ---- entries ----

    def _entries(self, info: TableInfo, code: Table) -> None:
        entries = info.table.entries
        if info.table.entries_const:
            code.flags |= CONST_ENTRIES
        for i, entry in enumerate(entries):
            key: list[int] = []
            fields = [(k, s) for k, s in zip(info.keys, entry.keys, strict=True) if k[2] != "selector"]
            for (_, width, kind), keyset in fields:
                value, other = self.key_words(keyset, width, kind)
                n = words(width)
                key += [(value >> (64 * j)) & (2**64 - 1) for j in range(n)]
                key += [(other >> (64 * j)) & (2**64 - 1) for j in range(n)]
            action = next(j for j, r in enumerate(info.refs) if r.action is entry.action.action)
            ordered = any(k[2] in ("ternary", "range", "optional") for k in info.keys)
            priority = entry.priority if entry.priority is not None else len(entries) - i
            self.code_entries.append(
                Entry(
                    info.number,
                    action,
                    key,
                    self._args(entry.action),
                    priority if ordered else 0,
                    entry.const or info.table.entries_const,
                )
            )
        if len(entries) > (code.size or 1024):
            code.size = len(entries)

    def key_words(self, keyset: ir.KeySet, width: int, kind: str) -> tuple[int, int]:
        """Return value and mask (or a range's ends) of an entry's key set."""
        full = (1 << width) - 1
        match keyset:
            case ir.Any():
                return (0, full) if kind == "range" else (0, 0)
            case ir.Exact(value=value):
                number = self.constant(value) & full
                return number, number if kind == "range" else full
            case ir.Mask(value=value, mask=mask):
                bits = self.constant(mask) & full
                return self.constant(value) & bits, bits
            case ir.Range(lo=lo, hi=hi):
                low, high = self.constant(lo) & full, self.constant(hi) & full
                if kind != "range" and low == high:
                    return low, full
                return low, high
        raise AssertionError(keyset)

    # ---- what belongs to a table ----

    def _properties(self, info: TableInfo, code: Table) -> None:
        for name, (e, _) in info.table.properties.items():
            self.table_property(info, code, name, e)

    def table_property(self, info: TableInfo, code: Table, name: str, e: ir.Expr) -> None:
        """Take note of a property of a table."""
        raise NotImplementedError

    def profile(self, instance: ir.Instance, size: int, algorithm: str | None, width: int) -> int:
        """Return the number of an action profile or selector."""
        number = self._profiles.get(instance)
        if number is None:
            number = self._profiles[instance] = len(self.code_profiles)
            self.code_profiles.append(Profile(instance.path, size, 0, algorithm, width, []))
        return number

    def table_of(self, extern: ir.Instance, e: ir.ExternCall) -> int:
        """Return the number of the table that a direct counter or meter belongs to."""
        if self.running is not None:
            for ref, _ in self.running.table.properties.values():
                if isinstance(ref, ir.InstanceRef | ir.VarRef) and self.resolve(ref) is extern:
                    return self.running.number
        return unsupported(e.pos, f"{extern.path} outside of an action of its table")

    def finish_tables(self, controls: list[ir.Instance]) -> None:
        """Make the tables that no code applies, too: the control plane knows them."""
        for control in controls:
            assert isinstance(control.decl, ir.ControlDecl)
            for table in control.decl.tables:
                if (control, table) not in self.infos:
                    self.instance = control
                    self._idle_table(control, table)
        for info in self.infos.values():
            code = self.code_tables[info.number]
            if code.profile is None:
                continue
            profile, own = self.code_profiles[code.profile], code.actions[: len(info.table.actions)]
            if not profile.actions:
                profile.actions = list(own)
            elif [a.name for a in profile.actions] != [a.name for a in own]:
                what = f"table {code.name}: other actions than in another table with {profile.name}"
                unsupported(info.table.pos, what)

    def _idle_table(self, control: ir.Instance, table: ir.Table) -> None:
        info = TableInfo(len(self.code_tables), table, control, self.table_actions(table))
        path = control.table_paths.get(table, f"{control.path}.{table.name}")
        code = Table(path, info.keys, [], 0, CONST, table.size or 0, 0)
        self.code_tables.append(code)
        self.infos[control, table] = info
        for key in table.keys:
            width = scalar_width(key.expr.type)
            if width is None:
                unsupported(key.pos, f"a key of type {key.expr.type}")
            info.keys.append((self.const(0, width), max(width, 1), key.match_kind))
        self._properties(info, code)
        for ref in info.refs:
            params = []
            for param in ref.action.params:
                if not param.direction:
                    width = scalar_width(param.type) or 1
                    params.append(Item(self.lir.new_area("unused", words(width)).base, width))
                    self.lir.kept.append((params[-1].slot, words(width)))
            name = control.action_paths.get(ref.action, ref.action.name)
            code.actions.append(TableAction(name, NONE, tuple(params)))
        self._default_action(info, code)
        self._entries(info, code)

    # ---- value sets ----

    def value_set(self, value_set: ir.ValueSet) -> int:
        """Return the number of a value set of the parser at hand; its keys have slots of their own."""
        path = self.instance.value_set_paths.get(value_set, f"{self.instance.path}.{value_set.name}")
        for i, old in enumerate(self.code_value_sets):
            if old.name == path:
                return i
        keys = []
        for name, t, kind in value_set.fields:
            width = scalar_width(t)
            if width is None or strip(t) is None or (is_signed(t) and kind == "range"):
                unsupported(value_set.pos, f"a value set's field of type {t}")
            slot = self.lir.new_area(f"{path}.{name}", words(width)).base
            self.lir.kept.append((slot, words(width)))
            keys.append((slot, max(width, 1), kind))
        self.code_value_sets.append(ValueSet(path, keys, value_set.size))
        return len(self.code_value_sets) - 1
