"""Elaboration: evaluates ``main`` and with it all constructors, so that every object of the program exists once.

Control-plane names are given here. A block of the architecture is called by its declaration's name, what is in it
``block.name``, what is in an instance of it ``block.instance.name``. ``@name("x")`` replaces the last part,
``@name(".x")`` all of it. Actions of the top level have their own name alone.
"""

from collections.abc import Mapping
from dataclasses import replace

from datapath.p4c import fold, ir
from datapath.p4c.check_convert import under
from datapath.p4c.paths import join, own_name
from datapath.p4c.source import Diagnostics, Pos
from datapath.p4c.types import BitType, BoolType, ExternType, InfIntType, IntType, ParserType

ARCHITECTURES = {"V1Switch": "v1model", "PNA_NIC": "pna"}

Env = Mapping[ir.Var, "ir.Expr | ir.Instance | None"]

MAX_INSTANCES = 10_000


def elaborate(program: ir.Program, diagnostics: Diagnostics) -> ir.Design:
    """Make all objects of a program.

    Raises:
        CompileError: no ``main``, an unknown architecture, two things of one control-plane name.
    """
    design = _Elaborator(program, diagnostics).run()
    diagnostics.check()
    return design


class _Elaborator:
    def __init__(self, program: ir.Program, diagnostics: Diagnostics) -> None:
        self.program = program
        self.diag = diagnostics
        self.globals: dict[ir.InstanceDecl, ir.Instance] = {}
        self.paths: dict[tuple[str, str], tuple[tuple[object, object], Pos]] = {}
        self.count = 0

    def run(self) -> ir.Design:
        main_decl = None
        for d in self.program.instances:
            if d.name == "main":
                main_decl = d
            elif isinstance(d.type, ExternType):
                self.globals[d] = self._extern(d, join("", own_name(d.annotations, d.name)), {}, {})
            elif d.type.kind == "package":
                self.globals[d] = self._package(d)
            else:
                self.globals[d] = self._block(d, own_name(_annotations(d), d.type.name), {}, {})
        if main_decl is None:
            where = Pos("<program>", 0, 0, 0)
            self.diag.fatal(where, "the program has no 'main'", "it ends with a package instance: V1Switch(...) main;")
        if not isinstance(main_decl.type, ParserType) or main_decl.type.kind != "package":
            self.diag.fatal(main_decl.pos, f"'main' must be a package, not {main_decl.type}")
        arch = ARCHITECTURES.get(main_decl.type.name)
        if arch is None:
            known = ", ".join(sorted(ARCHITECTURES))
            self.diag.fatal(main_decl.pos, f"package '{main_decl.type.name}' is not supported", f"known: {known}")
        main = self._package(main_decl)
        blocks: dict[str, ir.Instance] = {}
        for var, value in main.args.items():
            if isinstance(value, ir.Instance) and isinstance(value.decl, (ir.ParserDecl, ir.ControlDecl)):
                blocks[var.name] = value
        return ir.Design(self.program, main, arch, blocks, self.globals)

    # ---- objects ----

    def _make(
        self, d: ir.InstanceDecl, prefix: str, env: Env, children: Mapping[ir.InstanceDecl, ir.Instance], name: str = ""
    ) -> ir.Instance:
        """Make an object that is declared in, or an argument within, the block at ``prefix``."""
        self.count += 1
        if self.count > MAX_INSTANCES:
            self.diag.fatal(d.pos, f"the program makes more than {MAX_INSTANCES} objects")
        if isinstance(d.type, ParserType) and d.type.kind == "package":
            return self._package(d)
        path = join(prefix, own_name(d.annotations, name or d.name or d.type.name))
        if isinstance(d.type, ExternType):
            return self._extern(d, path, env, children)
        return self._block(d, path, env, children)

    def _package(self, d: ir.InstanceDecl) -> ir.Instance:
        decl = d.decl
        assert isinstance(decl, ir.PackageDecl)
        args: dict[ir.Var, ir.Expr | ir.Instance | None] = {}
        for p, a in zip(decl.params, d.args, strict=True):
            if isinstance(a, ir.NewInstance) and isinstance(a.decl.type, ParserType):
                inner = a.decl
                if isinstance(inner.type, ParserType) and inner.type.kind == "package":
                    args[p] = self._package(inner)
                else:
                    args[p] = self._block(inner, own_name(_annotations(inner), inner.type.name), {}, {})
            else:
                args[p] = self._value(a, {}, {}, "", p.name)
        return ir.Instance(d.name, d.type, decl, args, source=d)

    def _extern(
        self, d: ir.InstanceDecl, path: str, env: Env, children: Mapping[ir.InstanceDecl, ir.Instance]
    ) -> ir.Instance:
        params = d.ctor.params if d.ctor is not None else ()
        args = {p: self._value(a, env, children, path, p.name) for p, a in zip(params, d.args, strict=True)}
        assert isinstance(d.decl, ir.ExternDecl)
        instance = ir.Instance(path, d.type, d.decl, args, source=d)
        self._claim("extern object", path, instance, d.pos)
        return instance

    def _block(
        self, d: ir.InstanceDecl, path: str, env: Env, outer: Mapping[ir.InstanceDecl, ir.Instance]
    ) -> ir.Instance:
        decl = d.decl
        assert isinstance(decl, (ir.ParserDecl, ir.ControlDecl))
        path = path.removeprefix(".")
        args = {p: self._value(a, env, outer, path, p.name) for p, a in zip(decl.ctor_params, d.args, strict=True)}
        instance = ir.Instance(path, d.type, decl, args, source=d)
        for child in decl.instances:
            instance.children[child] = self._make(child, path, args, instance.children)
        if isinstance(decl, ir.ParserDecl):
            for vs in decl.value_sets:
                instance.value_set_paths[vs] = join(path, own_name(vs.annotations, vs.name))
                self._claim("value set", instance.value_set_paths[vs], vs, vs.pos, instance)
            return instance
        used = {r.action for t in decl.tables for r in t.actions}
        for action in decl.actions:
            instance.action_paths[action] = join(path, own_name(action.annotations, action.name))
            if action in used:
                self._claim("action", instance.action_paths[action], action, action.pos, instance)
        for table in decl.tables:
            self._table(table, instance, path, args)
        return instance

    def _table(self, table: ir.Table, instance: ir.Instance, path: str, args: Env) -> None:
        where = join(path, own_name(table.annotations, table.name))
        instance.table_paths[table] = where
        self._claim("table", where, table, table.pos, instance)
        for ref in table.actions:
            if ref.action not in instance.action_paths:
                name = join("", own_name(ref.action.annotations, ref.action.name))
                instance.action_paths[ref.action] = name
                self._claim("action", name, ref.action, ref.action.pos)
        for name, (value, _) in table.properties.items():
            if isinstance(value, ir.NewInstance):
                d = value.decl
                given = own_name(d.annotations, "")
                child = join(path, given) if given else f"{where}.{name}"
                instance.children[d] = self._extern(d, child, args, instance.children)

    def _claim(self, kind: str, path: str, thing: object, pos: Pos, owner: object = None) -> None:
        """Note the control-plane name of a thing; two things of a kind cannot share one."""
        old = self.paths.setdefault((kind, path), ((owner, thing), pos))
        if old[0] != (owner, thing) and not _same_action(old[0][1], thing):
            self.diag.error(pos, f"two things of kind {kind} have the control-plane name '{path}'",
                            f"the other is at {old[1]}; @name gives it another name")  # fmt: skip

    # ---- values ----

    def _value(
        self,
        e: ir.Expr | None,
        env: Env,
        children: Mapping[ir.InstanceDecl, ir.Instance],
        prefix: str,
        name: str,
    ) -> "ir.Expr | ir.Instance | None":
        """Evaluate an argument of a constructor."""
        match e:
            case ir.NewInstance():
                return self._make(e.decl, prefix, env, children, name)
            case ir.InstanceRef():
                found = children.get(e.decl) or self.globals.get(e.decl)
                if found is None:
                    self.diag.fatal(e.pos, f"'{e.decl.name}' is not made yet where it is used")
                return found
            case ir.VarRef() if e.var in env:
                return env[e.var]
            case None:
                return None
        return substitute(e, env)


def _same_action(a: object, b: object) -> bool:
    """Whether two actions are one for the control plane: some programs give each control its ``@name(".nop")``."""
    if not isinstance(a, ir.Action) or not isinstance(b, ir.Action):
        return False
    return [(p.name, p.type) for p in a.data_params] == [(p.name, p.type) for p in b.data_params]


def _annotations(d: ir.InstanceDecl) -> ir.Annotations:
    return d.decl.annotations if d.decl is not None else ()


def substitute(e: ir.Expr, env: Env) -> ir.Expr:
    """Return a constant expression with the values of constructor parameters set, and folded."""
    match e:
        case ir.VarRef():
            value = env.get(e.var)
            return e if value is None or isinstance(value, ir.Instance) else value
        case ir.StructExpr():
            return replace(e, items=tuple(substitute(i, env) for i in e.items))
        case ir.Cast():
            operand = substitute(e.operand, env)
            base = under(e.type)
            if isinstance(operand, ir.Literal) and not isinstance(operand.value, str):
                if isinstance(base, (BitType, IntType, InfIntType)):
                    return ir.Literal(type=e.type, pos=e.pos, value=fold.wrap(int(operand.value), base))
                if isinstance(base, BoolType):
                    return ir.Literal(type=e.type, pos=e.pos, value=bool(operand.value))
            return replace(e, operand=operand)
        case ir.Binary():
            return _binary(e, substitute(e.left, env), substitute(e.right, env))
        case ir.Unary():
            operand = substitute(e.operand, env)
            if isinstance(operand, ir.Literal):
                if e.op == "!":
                    return ir.Literal(type=e.type, pos=e.pos, value=not operand.value)
                number = int(operand.value)
                return ir.Literal(
                    type=e.type, pos=e.pos, value=fold.wrap(-number if e.op == "-" else ~number, under(e.type))
                )
            return replace(e, operand=operand)
        case ir.Mux():
            cond = substitute(e.cond, env)
            if isinstance(cond, ir.Literal):
                return substitute(e.then if cond.value else e.other, env)
    return e


def _binary(e: ir.Binary, left: ir.Expr, right: ir.Expr) -> ir.Expr:
    if isinstance(left, ir.Literal) and isinstance(right, ir.Literal):
        a, b = left.value, right.value
        if e.op in ("==", "!="):
            return ir.Literal(type=e.type, pos=e.pos, value=(a == b) is (e.op == "=="))
        if e.op in ("&&", "||"):
            return ir.Literal(type=e.type, pos=e.pos, value=bool(a and b) if e.op == "&&" else bool(a or b))
        if not isinstance(a, str) and not isinstance(b, str):
            if (
                e.op == "++"
                and isinstance(left.type, (BitType, IntType))
                and isinstance(right.type, (BitType, IntType))
            ):
                joined = fold.concat(int(a), left.type.width, int(b), right.type.width, e.type)
                return ir.Literal(type=e.type, pos=e.pos, value=joined)
            if isinstance(e.type, BoolType):
                return ir.Literal(type=e.type, pos=e.pos, value=fold.compare(e.op, int(a), int(b)))
            try:
                return ir.Literal(type=e.type, pos=e.pos, value=fold.arithmetic(e.op, int(a), int(b), under(e.type)))
            except fold.FoldError:
                pass
    return replace(e, left=left, right=right)
