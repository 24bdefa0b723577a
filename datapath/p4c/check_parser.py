"""Parsers: states, transitions and value sets (language specification, chapter 13)."""

from datapath.p4c import ir, syntax
from datapath.p4c.check_base import Place, Reported, StateName, describe, is_key_type
from datapath.p4c.check_table import TableChecker
from datapath.p4c.source import Pos
from datapath.p4c.types import ErrorType, InfIntType, StructType, TupleType, Type

FINAL = ("accept", "reject")
MAX_VALUE_SET = 1 << 20


class ParserChecker(TableChecker):
    """Checks what is in a parser."""

    def value_set(self, d: syntax.ValueSetDecl) -> ir.ValueSet:
        """Check and declare a value set."""
        t = self.value_type(d.ref, f"value set '{d.name}'")
        size = self.constant_int(d.size, f"the size of value set '{d.name}'")
        if not 0 <= size <= MAX_VALUE_SET:
            self.fail(d.size.pos, f"value set '{d.name}': a size of {size} is not from 0 to {MAX_VALUE_SET}")
        fields: list[tuple[str, Type, str]] = []
        match t:
            case StructType():
                for f in t.fields:
                    kind = "exact"
                    for a in f.annotations:
                        if isinstance(a, ir.Annotation) and a.name == "match":
                            kind = a.text.strip() or "exact"
                    if kind not in self.program.match_kinds:
                        self.fail(d.pos, f"value set '{d.name}': match kind '{kind}' is not declared")
                    fields.append((f.name, f.type, kind))
            case TupleType():
                fields = [(f"f{i}", e, "exact") for i, e in enumerate(t.elems)]
            case _:
                fields = [("", t, "exact")]
        for name, ft, _ in fields:
            if not is_key_type(ft) or isinstance(ft, ErrorType):
                self.fail(d.pos, f"value set '{d.name}': field '{name}' cannot be of type {describe(ft)}")
        made = ir.ValueSet(d.name, t, size, tuple(fields), self.annotations(d.annotations), d.pos)
        self.declare(d.name, made, d.pos)
        return made

    def states(self, d: syntax.ParserDecl, made: ir.ParserDecl) -> None:
        """Check the states of a parser."""
        for s in d.states:
            with self.recover():
                if s.name in FINAL:
                    self.fail(s.pos, f"state '{s.name}' is built in and cannot be declared")
                self.declare(s.name, StateName(s.name, s.pos), s.pos)
        if not any(s.name == "start" for s in d.states):
            self.diag.error(d.pos, f"parser '{d.name}' has no state 'start'")
        known = {s.name for s in d.states} | set(FINAL)
        for s in d.states:
            if s.name in made.states or s.name in FINAL:
                continue
            with self.new_scope():
                body = self.block(s.body, own_scope=False)
                try:
                    after = self._transition(s, known)
                except Reported:
                    after = "reject"
            made.states[s.name] = ir.State(s.name, body, after, self.annotations(s.annotations), s.pos)
        self._reach(made)

    def _reach(self, made: ir.ParserDecl) -> None:
        seen: set[str] = set()
        todo = ["start"]
        while todo:
            name = todo.pop()
            state = made.states.get(name)
            if state is None or name in seen:
                continue
            seen.add(name)
            todo += [state.next] if isinstance(state.next, str) else [c.next for c in state.next.cases]
        for name, state in made.states.items():
            if name not in seen and "start" in made.states:
                self.diag.warning(state.pos, f"state '{name}' of parser '{made.name}' is never reached")

    def _target(self, name: str, known: set[str], pos: Pos) -> str:
        if name not in known:
            self.fail(pos, f"state '{name}' is not declared", f"known: {', '.join(sorted(known))}")
        return name

    def _transition(self, s: syntax.StateDecl, known: set[str]) -> str | ir.Select:
        if s.next is None:
            self.diag.warning(s.pos, f"state '{s.name}' has no transition: it rejects")
            return "reject"
        if isinstance(s.next, str):
            return self._target(s.next, known, s.next_pos or s.pos)
        exprs: list[ir.Expr] = []
        for e in s.next.exprs:
            value = self.settle(self.expr(e))
            if isinstance(value.type, InfIntType):
                self.fail(e.pos, "select: the width of this value is not known", "write it as 32w1 or cast it")
            if isinstance(value.type, (StructType, TupleType)) and len(s.next.exprs) == 1:
                exprs += self._spread(value, e)
                continue
            if not is_key_type(value.type):
                self.fail(e.pos, f"select: {describe(value.type)} cannot be selected on")
            exprs.append(value)
        out = ir.Select(tuple(exprs), [])
        catch_all: Pos | None = None
        for c in s.next.cases:
            with self.recover():
                keys = self._case_keys(c, exprs)
                if catch_all is not None:
                    self.diag.warning(c.pos, f"this case is never reached: the one at {catch_all} takes everything")
                if all(isinstance(k, ir.Any) for k in keys):
                    catch_all = c.pos
                out.cases.append(ir.SelectCase(tuple(keys), self._target(c.state, known, c.pos), c.pos))
        return out

    def _spread(self, value: ir.Expr, e: syntax.Expr) -> list[ir.Expr]:
        """Return the members of a struct or tuple that a select goes by."""
        t = value.type
        assert isinstance(t, (StructType, TupleType))
        if isinstance(value, ir.StructExpr):
            parts = list(value.items)
        elif isinstance(t, StructType):
            parts = [ir.Member(type=f.type, pos=e.pos, base=value, name=f.name) for f in t.fields]
        else:
            parts = [
                ir.Index(type=x, pos=e.pos, base=value, index=ir.Literal(type=InfIntType(), value=i))
                for i, x in enumerate(t.elems)
            ]
        for p in parts:
            if not is_key_type(p.type):
                self.fail(e.pos, f"select: {describe(p.type)} cannot be selected on")
        return parts

    def _case_keys(self, c: syntax.SelectCase, exprs: list[ir.Expr]) -> list[ir.KeySet]:
        keys = c.keys
        if len(keys) == 1 and len(exprs) != 1:
            only = keys[0]
            if isinstance(only, (syntax.DefaultExpr, syntax.DontCare)):
                return [ir.Any() for _ in exprs]
            if isinstance(only, syntax.ListExpr):
                keys = only.items
        out: list[ir.KeySet] = []
        at = 0
        for k in keys:
            found = self.find(k.name, k.absolute) if isinstance(k, syntax.Name) else None
            if isinstance(found, ir.ValueSet):
                for name, ft, _ in found.fields:
                    if at < len(exprs) and exprs[at].type != ft:
                        self.fail(
                            k.pos,
                            f"value set '{found.name}': {'field ' + repr(name) if name else 'its type'} is {ft}, "
                            f"the select's expression is {exprs[at].type}",
                        )
                    at += 1
                out.append(ir.InValueSet(found))
                continue
            if at < len(exprs):
                out.append(self.keyset(k, exprs[at].type, "select"))
            at += 1
        if at != len(exprs):
            self.fail(c.pos, f"this case has {at} key sets, the select has {len(exprs)} expressions")
        return out

    def parser_place(self, made: ir.ParserDecl) -> Place:
        """Return the place that a parser's code is in."""
        return Place("parser", made.name, instances=made.instances)
