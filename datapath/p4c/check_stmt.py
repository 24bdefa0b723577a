"""Statements (language specification, chapter 12)."""

from collections.abc import Sequence

from datapath.p4c import ir, syntax
from datapath.p4c.check_base import BOOL, Const, Poison, Reported, describe, with_article
from datapath.p4c.check_call import CallChecker
from datapath.p4c.infer import same_type
from datapath.p4c.show import show_expr
from datapath.p4c.types import (
    ApplyResultType,
    BitType,
    BoolType,
    EnumType,
    ErrorType,
    ExternType,
    InfIntType,
    IntType,
    ListType,
    ParserType,
    SerEnumType,
    StackType,
    StringType,
    TupleType,
    Type,
    VoidType,
    strip,
)

CALLS = (ir.FunctionCall, ir.ExternCall, ir.BuiltinCall, ir.TableApply, ir.Apply, ir.ActionCall)


class StmtChecker(CallChecker):
    """Checks statements."""

    def instance_decl(self, d: syntax.InstanceDecl) -> ir.InstanceDecl:
        """Check and declare an instance; see ``check_decl``."""
        raise NotImplementedError

    def block(self, stmts: Sequence[syntax.Stmt], *, own_scope: bool = True) -> ir.Block:
        """Check statements in order; each one that is wrong is left out."""
        out = ir.Block(stmts=[])
        if own_scope:
            with self.new_scope():
                self._statements(stmts, out)
        else:
            self._statements(stmts, out)
        return out

    def _statements(self, stmts: Sequence[syntax.Stmt], out: ir.Block) -> None:
        for s in stmts:
            if isinstance(s, syntax.DeclStmt):
                self.scope.later.setdefault(s.decl.name, s.decl.pos)
        for s in stmts:
            with self.recover():
                made = self.stmt(s)
                if made is not None:
                    out.stmts.append(made)

    def body(self, s: syntax.Stmt) -> ir.Block:
        """Check a statement that is a branch or a loop's body."""
        return self.block(s.stmts if isinstance(s, syntax.Block) else [s])

    def stmt(self, s: syntax.Stmt) -> ir.Stmt | None:
        """Check a statement; None when nothing is left of it."""
        match s:
            case syntax.AssignStmt():
                return self._assign(s)
            case syntax.CallStmt():
                return self._call_stmt(s)
            case syntax.IfStmt():
                return self._if(s)
            case syntax.Block():
                block = self.block(s.stmts)
                block.pos = s.pos
                return block
            case syntax.DeclStmt():
                return self.local_decl(s.decl)
            case syntax.SwitchStmt():
                return self._switch(s)
            case syntax.ReturnStmt():
                return self._return(s)
            case syntax.ExitStmt():
                if self.place.kind in ("function", "parser", "method"):
                    self.fail(s.pos, f"'exit' is not allowed in {with_article(self.place.kind)}")
                return ir.Exit(pos=s.pos)
            case syntax.ForStmt():
                return self._for(s)
            case syntax.ForInStmt():
                return self._for_in(s)
            case syntax.BreakStmt() | syntax.ContinueStmt():
                word = "break" if isinstance(s, syntax.BreakStmt) else "continue"
                if not self.place.loops:
                    self.fail(s.pos, f"'{word}' is only allowed in a loop")
                return ir.Break(pos=s.pos) if word == "break" else ir.Continue(pos=s.pos)
            case syntax.EmptyStmt():
                return None
        self.fail(s.pos, "this statement is not known")

    # ---- declarations ----

    def local_decl(self, d: syntax.Decl) -> ir.Stmt | None:
        """Check a variable, constant or instance among statements."""
        match d:
            case syntax.VarDecl():
                return self.var_decl(d)
            case syntax.ConstDecl():
                self.const_decl(d)
                return None
            case syntax.InstanceDecl():
                if self.place.instances is None or self.place.kind == "parser":
                    where = with_article(self.place.kind)
                    self.fail(
                        d.pos,
                        f"'{d.name}': no instance can be declared among the statements of {where}",
                    )
                self.place.instances.append(self.instance_decl(d))
                return None
        self.fail(d.pos, f"'{d.name}' cannot be declared here")

    def var_decl(self, d: syntax.VarDecl) -> ir.Declare:
        """Check and declare a variable. When its value is wrong, it is declared nevertheless."""
        init = None
        try:
            t = self.value_type(d.ref, f"variable '{d.name}'")
            if isinstance(strip(t), (InfIntType, StringType, ListType)):
                self.fail(
                    d.pos, f"variable '{d.name}' cannot be of type {describe(t)}", "only constants can have this type"
                )
        except Reported:
            self.scope.names.setdefault(d.name, Poison(d.name, d.pos))
            raise
        try:
            if d.init is not None:
                init = self.value(d.init, t, f"value of '{d.name}'")
        finally:
            var = ir.Var(d.name, t, "local", pos=d.pos, annotations=self.annotations(d.annotations))
            self.declare(d.name, var, d.pos)
        return ir.Declare(pos=d.pos, var=var, init=init)

    def const_decl(self, d: syntax.ConstDecl) -> None:
        """Check and declare a constant."""
        try:
            t = self.type(d.ref)
            if isinstance(t, (VoidType, ExternType, ParserType)):
                self.fail(d.pos, f"constant '{d.name}' cannot be of type {describe(t)}")
            value = self.value(d.value, t, f"value of '{d.name}'")
            if not self.known(value):
                self.fail(d.value.pos, f"the value of constant '{d.name}' is not a constant that the compiler knows")
        except Reported:
            self.scope.names.setdefault(d.name, Poison(d.name, d.pos))
            raise
        self.declare(d.name, Const(d.name, value, d.pos), d.pos)

    def known(self, value: ir.Expr) -> bool:
        """Whether a value is one that the compiler knows here (constructor parameters count)."""
        match value:
            case ir.Literal() | ir.Default() | ir.InvalidHeader():
                return True
            case ir.StructExpr():
                return all(map(self.known, value.items))
            case ir.VarRef():
                return value.var.kind == "ctor"
            case ir.Cast() | ir.Unary():
                return self.known(value.operand)
            case ir.Binary():
                return self.known(value.left) and self.known(value.right)
            case ir.Member() | ir.Index() | ir.Slice():
                return self.known(value.base)
        return False

    # ---- assignments and calls ----

    def _assign(self, s: syntax.AssignStmt) -> ir.Stmt:
        if isinstance(s.left, syntax.SliceExpr) and s.left.plus:
            moved = self._assign_moving_slice(s, s.left)
            if moved is not None:
                return moved
        target = self.settle_member_base(self.expr(s.left))
        what = f"assignment to {_short(target)}"
        self.assignable(target, what)
        value = self.expr(s.right)
        if s.op:
            value = self.binary(s.op, target, value, s.pos)
        value = self.convert(value, target.type, what)
        return ir.Assign(pos=s.pos, target=target, value=value)

    def _assign_moving_slice(self, s: syntax.AssignStmt, left: syntax.SliceExpr) -> ir.Stmt | None:
        """``base[start +: w] = v`` with a start that is not constant: mask and shift; None when it is constant."""
        start = self.expr(left.hi)
        if isinstance(start, ir.Literal):
            return None
        old = self.expr(left)
        target = self.expr(left.base)
        self.assignable(target, "assignment")
        value = self.expr(s.right)
        if s.op:
            value = self.binary(s.op, old, value, s.pos)
        value = self.convert(value, old.type, "assignment")
        assert isinstance(old.type, BitType)
        if not isinstance(target.type, (BitType, IntType)):
            self.fail(left.pos, f"{describe(target.type)} cannot be sliced")
        wide = BitType(target.type.width)
        bits = self.cast_scalar(target, wide) if isinstance(target.type, IntType) else target
        ones = ir.Literal(type=wide, pos=s.pos, value=(1 << old.type.width) - 1)

        def node(op: str, a: ir.Expr, b: ir.Expr) -> ir.Expr:
            return ir.Binary(type=wide, pos=s.pos, op=op, left=a, right=b)

        hole = ir.Unary(type=wide, pos=s.pos, op="~", operand=node("<<", ones, start))
        moved = node("<<", ir.Cast(type=wide, pos=s.pos, operand=value), start)
        result = node("|", node("&", bits, hole), moved)
        if wide != target.type:
            result = ir.Cast(type=target.type, pos=s.pos, operand=result)
        return ir.Assign(pos=s.pos, target=target, value=result)

    def _call_stmt(self, s: syntax.CallStmt) -> ir.Stmt | None:
        value = self.expr(s.call)
        if isinstance(value, ir.Member) and isinstance(value.base, ir.TableApply):
            value = value.base
        if isinstance(value, ir.NewInstance):
            self.fail(s.pos, "a constructor call alone does nothing", "an instance needs a name: T(args) name;")
        if not isinstance(value, CALLS):
            return None  # folded: static_assert and sizes
        return ir.Call(pos=s.pos, call=value)

    # ---- branches ----

    def _if(self, s: syntax.IfStmt) -> ir.Stmt:
        try:
            cond = self.condition(s.cond, "the condition of 'if'")
        except Reported:
            self.body(s.then)
            if s.other is not None:
                self.body(s.other)
            raise
        then = self.body(s.then)
        other = self.body(s.other) if s.other is not None else None
        return ir.If(pos=s.pos, cond=cond, then=then, other=other)

    def _switch(self, s: syntax.SwitchStmt) -> ir.Stmt:
        if isinstance(s.expr, syntax.MemberExpr) and s.expr.name == "action_run":
            applied = self.expr(s.expr.base)
            if isinstance(applied, ir.TableApply) and isinstance(applied.type, ApplyResultType):
                return self._switch_action(s, applied.table)
            self.fail(s.expr.pos, "'action_run' is only known of 'table.apply()'")
        return self._switch_value(s)

    def _switch_action(self, s: syntax.SwitchStmt, table: ir.Table) -> ir.Stmt:
        known = {r.action.name: r.action for r in table.actions}
        seen: set[str | None] = set()
        cases: list[tuple[tuple[ir.Action | None, ...], ir.Block]] = []
        waiting: list[ir.Action | None] = []
        for c in s.cases:
            with self.recover():
                self._default_last(c, seen)
                if isinstance(c.label, syntax.DefaultExpr):
                    waiting.append(None)
                    seen.add(None)
                else:
                    if not isinstance(c.label, syntax.Name):
                        self.fail(c.label.pos, f"a label must be an action of table '{table.name}' or 'default'")
                    name = c.label.name
                    if name not in known:
                        self.fail(
                            c.label.pos,
                            f"'{name}' is not an action of table '{table.name}'",
                            f"it has {', '.join(known)}",
                        )
                    if name in seen:
                        self.fail(c.label.pos, f"label '{name}' appears twice")
                    seen.add(name)
                    waiting.append(known[name])
            if c.body is not None:
                cases.append((tuple(waiting), self.body(c.body)))
                waiting = []
        return ir.SwitchAction(pos=s.pos, table=table, cases=cases)

    def _default_last(self, c: syntax.SwitchCase, seen: set[str | None]) -> None:
        if None in seen:
            if isinstance(c.label, syntax.DefaultExpr):
                self.fail(c.pos, "'default' appears twice")
            self.fail(c.pos, "'default' must be the last label")

    def _switch_value(self, s: syntax.SwitchStmt) -> ir.Stmt:
        expr = self.runtime(self.expr(s.expr), "the expression of 'switch'")
        if not isinstance(strip(expr.type), (BitType, IntType, EnumType, SerEnumType, ErrorType, BoolType)):
            self.fail(s.expr.pos, f"the expression of 'switch' cannot be of type {describe(expr.type)}")
        seen: set[object] = set()
        had_default = False
        cases: list[tuple[tuple[ir.Literal | None, ...], ir.Block]] = []
        waiting: list[ir.Literal | None] = []
        for c in s.cases:
            with self.recover():
                if had_default:
                    self._default_last(c, {None})
                if isinstance(c.label, syntax.DefaultExpr):
                    waiting.append(None)
                    had_default = True
                else:
                    label = self.convert(self.expr(c.label), expr.type, "label of 'switch'", keyset=True)
                    if not isinstance(label, ir.Literal):
                        self.fail(c.label.pos, "a label of 'switch' must be a constant")
                    if label.value in seen:
                        self.fail(c.label.pos, f"label {label.value} appears twice")
                    seen.add(label.value)
                    waiting.append(label)
            if c.body is not None:
                cases.append((tuple(waiting), self.body(c.body)))
                waiting = []
        return ir.SwitchValue(pos=s.pos, expr=expr, cases=cases)

    def _return(self, s: syntax.ReturnStmt) -> ir.Stmt:
        returns = self.place.returns
        if self.place.kind == "parser":
            self.fail(s.pos, "'return' is not allowed in a parser", "'transition accept;' ends it")
        if returns is None or isinstance(returns, VoidType):
            if s.value is not None:
                self.fail(s.pos, f"{self.place.kind} '{self.place.name}' returns nothing, but a value is given")
            return ir.Return(pos=s.pos, value=None)
        if s.value is None:
            self.fail(s.pos, f"function '{self.place.name}' must return a value of type {describe(returns)}")
        value = self.value(s.value, returns, f"return value of '{self.place.name}'")
        return ir.Return(pos=s.pos, value=value)

    # ---- loops ----

    def _loop_body(self, s: syntax.Stmt) -> ir.Block:
        self.place.loops += 1
        try:
            return self.body(s)
        finally:
            self.place.loops -= 1

    def _for(self, s: syntax.ForStmt) -> ir.Stmt:
        self._loops_allowed(s)
        with self.new_scope():
            init = self.block(s.init, own_scope=False)
            cond = self.value(s.cond, BOOL, "the condition of 'for'")
            update = self.block(s.update)
            return ir.For(pos=s.pos, init=init.stmts, cond=cond, update=update.stmts, body=self._loop_body(s.body))

    def _loops_allowed(self, s: syntax.Stmt) -> None:
        if self.place.kind == "parser":
            self.fail(s.pos, "a parser has no 'for' loops", "a state can be its own successor")

    def _for_in(self, s: syntax.ForInStmt) -> ir.Stmt:
        self._loops_allowed(s)
        with self.new_scope():
            lo: ir.Expr
            hi: ir.Expr | None = None
            wanted = None if s.ref is None else self.value_type(s.ref, f"variable '{s.name}'")
            var = None
            if wanted is None:
                found = self.lookup(s.name, s.pos)
                if not isinstance(found, ir.Var):
                    self.fail(s.pos, f"'{s.name}' is not a variable")
                var, wanted = found, found.type
                self.assignable(ir.VarRef(type=var.type, pos=s.pos, var=var), "loop variable")
            if isinstance(s.expr, syntax.BinaryExpr) and s.expr.op == "..":
                if not isinstance(strip(wanted), (BitType, IntType)):
                    self.fail(s.pos, f"the variable of a range must be bit or int, not {describe(wanted)}")
                lo = self.value(s.expr.left, wanted, "start of the range")
                hi = self.value(s.expr.right, wanted, "end of the range")
            else:
                lo = self._elements(s, self.expr(s.expr), wanted)
            if var is None:
                var = ir.Var(s.name, wanted, "local", pos=s.pos, annotations=self.annotations(s.annotations))
                self.declare(s.name, var, s.pos)
            body = self._loop_body(s.body)
            return ir.ForIn(pos=s.pos, var=var, declares=s.ref is not None, lo=lo, hi=hi, body=body)

    def _elements(self, s: syntax.ForInStmt, lo: ir.Expr, wanted: Type) -> ir.Expr:
        if isinstance(lo.type, TupleType):
            lo = self.convert(lo, ListType(wanted), "elements of 'for'")
        match lo.type:
            case StackType(elem, _) | ListType(elem):
                if not same_type(elem, wanted):
                    self.fail(s.pos, f"'{s.name}' is of type {describe(wanted)}, the elements are {describe(elem)}")
                return lo
        self.fail(s.expr.pos, f"'for' goes over a range, a stack or a list, not {describe(lo.type)}")


def _short(target: ir.Expr) -> str:
    """Return what is assigned to, for a message."""
    text = show_expr(target)
    return f"'{text}'" if len(text) <= 60 else "it"


def returns_always(block: ir.Block) -> bool:
    """Whether all ways through a block end with ``return`` or ``exit``."""
    return any(map(_ends, block.stmts))


def _ends(s: ir.Stmt) -> bool:
    match s:
        case ir.Return() | ir.Exit():
            return True
        case ir.Block():
            return returns_always(s)
        case ir.If():
            return s.other is not None and returns_always(s.then) and returns_always(s.other)
        case ir.SwitchValue() | ir.SwitchAction():
            has_default = any(None in labels for labels, _ in s.cases)
            return has_default and all(returns_always(b) for _, b in s.cases)
    return False
