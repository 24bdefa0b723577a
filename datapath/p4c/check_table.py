"""Key sets, and tables: keys, actions, default action, entries and their priorities (specification, 14.2)."""

from collections.abc import Sequence

from datapath.p4c import ir, syntax
from datapath.p4c.check_base import (
    BOOL,
    INT,
    Poison,
    Reported,
    describe,
    is_key_type,
)
from datapath.p4c.check_call import misfit
from datapath.p4c.check_convert import is_constant
from datapath.p4c.check_stmt import StmtChecker
from datapath.p4c.paths import join, own_name
from datapath.p4c.source import Pos
from datapath.p4c.types import BitType, HeaderType, InfIntType, IntType, SerEnumType, StructType, Type, UnionType, strip

MAX_TABLE_SIZE = (1 << 31) - 1
ORDERED_KINDS = ("ternary", "range", "optional")


class TableChecker(StmtChecker):
    """Checks tables and key sets."""

    # ---- key sets ----

    def keyset(self, e: syntax.Expr, t: Type, what: str) -> ir.KeySet:
        """Check a key set for a field of type ``t``."""
        if isinstance(e, (syntax.DontCare, syntax.DefaultExpr)):
            return ir.Any()
        if isinstance(e, syntax.BinaryExpr) and e.op in ("&&&", ".."):
            bare = strip(t)
            if isinstance(bare, SerEnumType):
                bare = bare.underlying
            if not isinstance(bare, (BitType, IntType)):
                self.fail(e.pos, f"{what}: '{e.op}' needs a bit or int, the key is {describe(t)}")
            sides = (self._key_value(e.left, t, what), self._key_value(e.right, t, what))
            if e.op == "&&&":
                return ir.Mask(*sides)
            low, high = sides
            if isinstance(low, ir.Literal) and isinstance(high, ir.Literal) and int(low.value) > int(high.value):
                self.fail(e.pos, f"{what}: range {low.value} .. {high.value} is empty")
            return ir.Range(low, high)
        return ir.Exact(self._key_value(e, t, what))

    def _key_value(self, e: syntax.Expr, t: Type, what: str) -> ir.Expr:
        return self.convert(self.expr(e), t, what, keyset=True)

    # ---- tables ----

    def table(self, d: syntax.TableDecl) -> ir.Table:
        """Check a table and declare it."""
        annotations = self.annotations(d.annotations)
        name = f"table '{d.name}'"
        no_action = self.top.names.get("NoAction")
        placeholder = no_action if isinstance(no_action, ir.Action) else ir.Action("NoAction", (), ir.Block(stmts=[]))
        table = ir.Table(
            d.name, [], [], ir.ActionRef(placeholder, ()), False, [], d.entries_const, None, {}, annotations, d.pos
        )
        before = self.diag.error_count
        for k in d.keys or []:
            with self.recover():
                table.keys.append(self._key(k, name))
        lpm = [k for k in table.keys if k.match_kind == "lpm"]
        if len(lpm) > 1:
            self.diag.error(lpm[1].pos, f"{name}: a table can have only one lpm key")
        if d.actions is None:
            self.diag.error(d.pos, f"{name} has no property 'actions'")
        for a in d.actions or []:
            with self.recover():
                self._action_of_list(a, table, name)
        seen: dict[str, Pos] = {}
        self._order(d, name)
        for p in d.properties:
            with self.recover():
                if p.name in seen:
                    self.fail(p.pos, f"{name}: property '{p.name}' is given twice")
                seen[p.name] = p.pos
                self._property(p, table, name)
        if "default_action" not in seen and self.diag.error_count == before:
            self._default_no_action(table, placeholder)
        if d.entries is not None:
            self._entries(d, table, name)
        if self.diag.error_count > before and not table.actions:
            self.scope.names.setdefault(d.name, Poison(d.name, d.pos))
            raise Reported
        self.declare(d.name, table, d.pos)
        return table

    def _order(self, d: syntax.TableDecl, name: str) -> None:
        """Entries and the default action come after what they refer to (specification, 14.2.1)."""

        def place(pos: Pos) -> tuple[int, int]:
            return pos.line, pos.col

        keys = [place(k.pos) for k in d.keys or [] if k.pos.file == d.pos.file]
        actions = [place(a.pos) for a in d.actions or [] if a.pos.file == d.pos.file]
        later = [(p.pos, "default_action", actions) for p in d.properties if p.name == "default_action"]
        later += [(e.pos, "entries", keys + actions) for e in (d.entries or [])[:1]]
        for pos, what, before in later:
            if before and pos.file == d.pos.file and place(pos) < max(before):
                parts = "the keys and the actions" if what == "entries" else "the actions"
                self.diag.error(pos, f"{name}: '{what}' must come after {parts}")

    def _key(self, k: syntax.KeyElement, name: str) -> ir.Key:
        expr = self.settle(self.expr(k.expr))
        if isinstance(expr.type, InfIntType) and isinstance(expr, ir.Literal):
            self.fail(k.pos, f"{name}: the width of key {expr.value} is not known", "write it as 32w1 or cast it")
        if not is_key_type(expr.type):
            self.fail(k.pos, f"{name}: a key cannot be of type {describe(expr.type)}")
        kind = k.kind
        if kind not in self.program.match_kinds:
            hint = f"known: {', '.join(self.program.match_kinds)}"
            self.fail(k.pos, f"{name}: match kind '{kind}' is not declared", hint)
        bare = strip(expr.type)
        if kind in ("lpm", "range") and not isinstance(bare, (BitType, IntType, SerEnumType)):
            self.fail(k.pos, f"{name}: match kind '{kind}' needs a bit or int, not {describe(expr.type)}")
        annotations = self.annotations(k.annotations)
        given = ir.find_annotation(annotations, "name")
        if given is not None and given.args and isinstance(given.args[0], str):
            text: str | None = given.args[0]
        else:
            text = self._key_name(k.expr)
        if text is None:
            self.fail(k.pos, f"{name}: the key is a complex expression, which needs a name", 'add @name("...") to it')
        return ir.Key(expr, kind, text, annotations, k.pos)

    def _key_name(self, e: syntax.Expr) -> str | None:
        """Return the name that the control plane knows a key expression by; None when it is too complex for one.

        ``isValid()`` is ``$valid$``, as P4Runtime's controllers and packet tests know it.
        """
        match e:
            case syntax.Name():
                return e.name
            case syntax.MemberExpr():
                base = self._key_name(e.base)
                return None if base is None else join(base, self._field_name(e))
            case syntax.IndexExpr():
                base, index = self._key_name(e.base), self._key_name(e.index)
                return None if base is None or index is None else f"{base}[{index}]"
            case syntax.SliceExpr(plus=False):
                base, hi, lo = (self._key_name(x) for x in (e.base, e.hi, e.lo))
                return None if base is None or hi is None or lo is None else f"{base}[{hi}:{lo}]"
            case syntax.IntLit():
                line = self.diag.lines.get(e.pos.file, [])[e.pos.line - 1 : e.pos.line]
                text = line[0][e.pos.col - 1 : e.pos.col - 1 + e.pos.length].lower() if line else ""
                return hex(e.value) if "0x" in text else str(e.value)
            case syntax.CallExpr(callee=syntax.MemberExpr(name="isValid") as callee):
                base = self._key_name(callee.base)
                return None if base is None else f"{base}.$valid$"
            case syntax.BinaryExpr(op="&", left=left, right=right):
                a, b = self._key_name(left), self._key_name(right)
                return None if a is None or b is None else f"{a} & {b}"
        return None

    def _field_name(self, e: syntax.MemberExpr) -> str:
        """Return a field's name, or what its ``@name`` says."""
        t = self.expr(e.base).type
        if isinstance(t, (StructType, HeaderType, UnionType)):
            for f in t.fields:
                if f.name == e.name:
                    return own_name(f.annotations, e.name)
        return e.name

    def _action_of_list(self, a: syntax.ActionRef, table: ir.Table, name: str) -> None:
        action = self._action_named(a)
        if any(r.action is action for r in table.actions):
            self.fail(a.pos, f"{name}: action '{a.name}' is listed twice")
        directed = [p for p in action.params if p.direction]
        given = a.args or []
        what = f"action '{a.name}' of {name}"
        if len(given) > len(directed):
            data = len(action.params) - len(directed)
            hint = f"its {data} parameters without direction are set by the control plane" if data else ""
            self.fail(a.pos, f"{what}: {len(given)} arguments are given, {len(directed)} can be", hint)
        problem = misfit(directed, given)
        if problem:
            self.fail(a.pos, f"{what}: {problem}", "parameters with a direction must be set in the list of actions")
        args = iter(self.plain_args(directed, given, what, a.pos))
        values = tuple(next(args) if p.direction else None for p in action.params)
        table.actions.append(ir.ActionRef(action, values, self.annotations(a.annotations), a.pos))

    def _action_named(self, a: syntax.ActionRef) -> ir.Action:
        symbol = self.find(a.name, a.absolute)
        if symbol is None:
            self.unknown(a.name, a.pos, "action")
        if isinstance(symbol, Poison):
            raise Reported
        if not isinstance(symbol, ir.Action):
            self.fail(a.pos, f"'{a.name}' is not an action")
        return symbol

    def _default_no_action(self, table: ir.Table, no_action: ir.Action) -> None:
        if not any(r.action is no_action for r in table.actions):
            only = ir.Annotation("defaultonly")
            table.actions.append(ir.ActionRef(no_action, (), (only,), table.pos))
        table.default_action = ir.ActionRef(no_action, (), pos=table.pos)

    # ---- properties ----

    def _property(self, p: syntax.Property, table: ir.Table, name: str) -> None:
        match p.name:
            case "default_action":
                table.default_action = self._default_action(p.value, table, name)
                table.default_const = p.const
            case "size":
                size = self.constant_int(p.value, f"{name}: property 'size'")
                if not 0 <= size <= MAX_TABLE_SIZE:
                    self.fail(p.value.pos, f"{name}: a size of {size} is not from 0 to {MAX_TABLE_SIZE}")
                table.size = size
            case "largest_priority_wins":
                value = self.value(p.value, BOOL, f"{name}: property '{p.name}'")
                if not isinstance(value, ir.Literal):
                    self.fail(p.value.pos, f"{name}: property '{p.name}' must be a constant")
                table.properties[p.name] = (value, p.const)
            case "priority_delta":
                delta = self.constant_int(p.value, f"{name}: property '{p.name}'")
                if delta <= 0:
                    self.fail(p.value.pos, f"{name}: property '{p.name}' must be above 0, not {delta}")
                table.properties[p.name] = (ir.Literal(type=INT, pos=p.pos, value=delta), p.const)
            case _:
                value = self.expr(p.value)
                if not is_constant(value):
                    self.fail(p.value.pos, f"{name}: property '{p.name}' must be a constant")
                if isinstance(value, ir.NewInstance):
                    value.decl.annotations = self.annotations(p.annotations)
                table.properties[p.name] = (self.settle(value), p.const)

    def _default_action(self, e: syntax.Expr, table: ir.Table, name: str) -> ir.ActionRef:
        what = f"default action of {name}"
        if isinstance(e, syntax.CallExpr) and isinstance(e.callee, syntax.Name):
            ref = syntax.ActionRef(pos=e.pos, name=e.callee.name, absolute=e.callee.absolute, args=e.args)
        elif isinstance(e, syntax.Name):
            ref = syntax.ActionRef(pos=e.pos, name=e.name, absolute=e.absolute)
        else:
            self.fail(e.pos, f"{what}: an action is expected")
        return self._full_action(ref, table, what)

    def _full_action(self, a: syntax.ActionRef, table: ir.Table, what: str) -> ir.ActionRef:
        """Check an action with all its arguments: of the default action or an entry."""
        action = self._action_named(a)
        listed = next((r for r in table.actions if r.action is action), None)
        if listed is None:
            known = ", ".join(r.action.name for r in table.actions)
            self.fail(a.pos, f"{what}: '{a.name}' is not in the table's list of actions", f"it has {known}")
        given = a.args or []
        data = list(action.data_params)
        directed = [p for p in action.params if p.direction]
        text = f"{what}, action '{a.name}'"
        if directed and misfit(action.params, given) and not misfit(data, given):
            args = iter(self.plain_args(data, given, text, a.pos))
            values = tuple(listed.args[i] if p.direction else next(args) for i, p in enumerate(action.params))
        else:
            values = self.plain_args(action.params, given, text, a.pos)
            for p, mine, theirs in zip(action.params, values, listed.args, strict=True):
                if p.direction and not same_expr(mine, theirs):
                    where = mine.pos if mine is not None else a.pos
                    self.fail(where, f"{text}: argument '{p.name}' differs from that in the list of actions")
        for p, v in zip(action.params, values, strict=True):
            if not p.direction and v is not None and not is_constant(v):
                self.fail(v.pos, f"{text}: argument '{p.name}' must be a constant")
        return ir.ActionRef(action, values, self.annotations(a.annotations), a.pos)

    # ---- entries ----

    def _entries(self, d: syntax.TableDecl, table: ir.Table, name: str) -> None:
        if not d.keys:
            self.diag.error(d.pos, f"{name} has entries but no key")
            return
        if len(table.keys) != len(d.keys):
            return
        found: list[tuple[syntax.Entry, ir.Entry]] = []
        for e in d.entries or []:
            with self.recover():
                found.append((e, self._entry(e, d, table, name)))
        with self.recover():
            self._priorities(found, table, name)
        table.entries = [made for _, made in found]

    def _entry(self, e: syntax.Entry, d: syntax.TableDecl, table: ir.Table, name: str) -> ir.Entry:
        keys = e.keys
        if len(keys) == 1 and len(table.keys) != 1:
            only = keys[0]
            if isinstance(only, syntax.ListExpr):
                keys = only.items
            elif isinstance(only, (syntax.DefaultExpr, syntax.DontCare)):
                keys = [only] * len(table.keys)
        if len(keys) != len(table.keys):
            self.fail(e.pos, f"{name}: an entry has {len(keys)} key sets, the table has {len(table.keys)} keys")
        sets: list[ir.KeySet] = []
        for x, k in zip(keys, table.keys, strict=True):
            sets.append(self._entry_key(x, k, name))
        action = self._full_action(e.action, table, f"entry of {name}")
        return ir.Entry(tuple(sets), action, None, e.const or d.entries_const, self.annotations(e.annotations), e.pos)

    def _entry_key(self, x: syntax.Expr, k: ir.Key, name: str) -> ir.KeySet:
        what = f"{name}, key '{k.name}'"
        made = self.keyset(x, k.expr.type, what)
        parts: Sequence[ir.Expr] = ()
        match made:
            case ir.Exact(value):
                parts = (value,)
            case ir.Mask(value, mask):
                parts = (value, mask)
                if k.match_kind not in ("ternary", "lpm"):
                    self.fail(x.pos, f"{what}: a mask does not fit match kind '{k.match_kind}'")
                if k.match_kind == "lpm" and isinstance(mask, ir.Literal):
                    self._prefix(x, k, mask, what)
            case ir.Range():
                parts = (made.lo, made.hi)
                if k.match_kind != "range":
                    self.fail(x.pos, f"{what}: a range does not fit match kind '{k.match_kind}'")
            case ir.Any():
                if k.match_kind == "exact":
                    self.fail(x.pos, f"{what}: match kind 'exact' needs a value, not '_' or 'default'")
        for part in parts:
            if not isinstance(part, ir.Literal):
                self.fail(part.pos, f"{what}: a constant is expected")
        return made

    def _prefix(self, x: syntax.Expr, k: ir.Key, mask: ir.Literal, what: str) -> None:
        t = strip(k.expr.type)
        if isinstance(t, SerEnumType):
            t = t.underlying
        if not isinstance(t, (BitType, IntType)):
            return
        inverse = ~int(mask.value) & (1 << t.width) - 1
        if inverse & inverse + 1:
            self.fail(x.pos, f"{what}: mask {int(mask.value):#x} is not a prefix, as lpm needs")

    def _priorities(self, found: list[tuple[syntax.Entry, ir.Entry]], table: ir.Table, name: str) -> None:
        """Give entries their priorities (specification, 14.2.1.4); none has one when the program gives none."""
        old = {i: self._annotated(e) for i, (_, e) in enumerate(found)}
        if any(p is not None for p in old.values()):
            for i, (_, e) in enumerate(found):
                mine = old[i]
                e.priority = ir.FIRST_PRIORITY - (mine if mine is not None else i + 1)
            return
        if not any(s.priority is not None for s, _ in found) and "priority_delta" not in table.properties:
            return
        first = next((s.priority for s, _ in found if s.priority is not None), None)
        if first is not None and table.entries_const:
            self.fail(first.pos, f"{name}: 'const' entries cannot have priorities: the first that matches wins")
        if first is not None and found[0][0].priority is None:
            self.fail(found[0][1].pos, f"{name}: the first entry must have a priority when another one has")
        for s, _ in found:
            if s.priority is not None and all(k.match_kind in ("exact", "lpm") for k in table.keys):
                self.fail(s.priority.pos, f"{name}: entries have priorities only when a key is ternary, range or so")
        largest = table.properties.get("largest_priority_wins")
        wins = bool(largest[0].value) if largest and isinstance(largest[0], ir.Literal) else True
        delta_found = table.properties.get("priority_delta")
        delta = int(delta_found[0].value) if delta_found and isinstance(delta_found[0], ir.Literal) else 1
        last: int | None = None
        for i, (s, e) in enumerate(found):
            if s.priority is not None:
                mine = self.constant_int(s.priority, f"{name}: priority")
            elif last is None:
                mine = 1 + (len(found) - 1) * delta if wins else 1
            else:
                mine = last - delta if wins else last + delta
            if not 0 <= mine < ir.FIRST_PRIORITY:
                self.fail(
                    e.pos, f"{name}: entry {i + 1} has priority {mine}, which is not from 0 to {ir.FIRST_PRIORITY - 1}"
                )
            if last is not None and (mine > last if wins else mine < last):
                self.diag.warning(e.pos, f"{name}: entry {i + 1} has priority {mine}, but those before it win less")
            last = mine
            e.priority = mine if wins else ir.FIRST_PRIORITY - mine

    def _annotated(self, e: ir.Entry) -> int | None:
        """``@priority(n)`` of older programs: the smaller wins."""
        a = ir.find_annotation(e.annotations, "priority")
        if a is None:
            return None
        if not a.args or not isinstance(a.args[0], int):
            self.fail(e.pos, "@priority takes an integer")
        return a.args[0]


def same_expr(a: ir.Expr | None, b: ir.Expr | None) -> bool:
    """Whether two expressions are written alike."""
    if a is None or b is None or type(a) is not type(b):
        return a is b
    match a, b:
        case ir.Literal(), ir.Literal():
            return a.value == b.value and a.type == b.type
        case ir.VarRef(), ir.VarRef():
            return a.var is b.var
        case ir.InstanceRef(), ir.InstanceRef():
            return a.decl is b.decl
        case ir.Member(), ir.Member():
            return a.name == b.name and same_expr(a.base, b.base)
        case ir.StackMember(), ir.StackMember():
            return a.name == b.name and same_expr(a.base, b.base)
        case ir.Index(), ir.Index():
            return same_expr(a.base, b.base) and same_expr(a.index, b.index)
        case ir.Slice(), ir.Slice():
            return (a.hi, a.lo) == (b.hi, b.lo) and same_expr(a.base, b.base)
        case ir.Unary(), ir.Unary():
            return a.op == b.op and same_expr(a.operand, b.operand)
        case ir.Cast(), ir.Cast():
            return a.type == b.type and same_expr(a.operand, b.operand)
        case ir.Binary(), ir.Binary():
            return a.op == b.op and same_expr(a.left, b.left) and same_expr(a.right, b.right)
        case ir.StructExpr(), ir.StructExpr():
            return len(a.items) == len(b.items) and all(map(same_expr, a.items, b.items))
        case ir.BuiltinCall(), ir.BuiltinCall():
            return a.name == b.name and same_expr(a.obj, b.obj)
        case ir.Mux(), ir.Mux():
            return same_expr(a.cond, b.cond) and same_expr(a.then, b.then) and same_expr(a.other, b.other)
        case ir.FunctionCall(), ir.FunctionCall():
            return a.function is b.function and all(map(same_expr, a.args, b.args))
        case ir.ExternCall(), ir.ExternCall():
            same = a.method is b.method and a.type_args == b.type_args and all(map(same_expr, a.args, b.args))
            return same and (a.obj is b.obj or same_expr(a.obj, b.obj))
        case (ir.Default(), ir.Default()) | (ir.InvalidHeader(), ir.InvalidHeader()):
            return a.type == b.type
    return False
