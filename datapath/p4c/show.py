"""The typed IR as text: P4 with its types and conversions spelt out, always the same for the same program.

It is for people and golden tests; a program's text compiles again to the same text.
"""

from collections.abc import Iterable, Sequence

from datapath.p4c import ir
from datapath.p4c.types import (
    BitType,
    EnumType,
    ErrorType,
    HeaderType,
    InfIntType,
    IntType,
    MatchKindType,
    NewType,
    SerEnumType,
    StringType,
    StructType,
    Type,
    UnionType,
)

INDENT = "    "


def show_program(program: ir.Program) -> str:
    """Return a program as text; of the libraries' declarations only those that a program can add to."""
    out: list[str] = []
    out.append(f"error {{ {', '.join(program.errors)} }}")
    out.append(f"match_kind {{ {', '.join(program.match_kinds)} }}")
    out += [_type_decl(t) for t in program.types.values()]
    for f in program.functions:
        out.append(f"{f.returns} {f.name}({_params(f.params)}) {_block(f.body, 0)}")
    out += [_action(a, 0) for a in program.actions.values()]
    out += [_parser(p) for p in program.parsers.values()]
    out += [_control(c) for c in program.controls.values()]
    out += [_instance(i) + ";" for i in program.instances]
    return "\n\n".join(out) + "\n"


def show_design(design: ir.Design) -> str:
    """Return a design as text: its program, then all objects with their control-plane paths."""
    out = [show_program(design.program), f"/* {design.arch}: objects */"]
    for name, block in design.blocks.items():
        out.append(f"block {name} = {block.path}")
    for instance in design.instances():
        args = ", ".join(f"{v.name} = {_ctor_value(x)}" for v, x in instance.args.items())
        out.append(f"object {instance.path or '(nameless)'}: {instance.type}({args})")
        out += [f"{INDENT}table {t.name} = {path}" for t, path in instance.table_paths.items()]
        out += [f"{INDENT}action {a.name} = {path}" for a, path in instance.action_paths.items()]
        out += [f"{INDENT}value_set {v.name} = {path}" for v, path in instance.value_set_paths.items()]
    return "\n".join(out) + "\n"


def _ctor_value(x: "ir.Expr | ir.Instance | None") -> str:
    if x is None:
        return "/* none */"
    return x.path or str(x.type) if isinstance(x, ir.Instance) else show_expr(x)


# ---- declarations ----


def _annotations(found: Sequence[object]) -> str:
    return "".join(f"@{a.name}{_annotation_body(a)} " for a in found if isinstance(a, ir.Annotation))


def _annotation_body(a: ir.Annotation) -> str:
    if a.text:
        return f"({a.text})"
    items = [f"{k} = {_annotation_value(v)}" for k, v in a.kv] or [_annotation_value(v) for v in a.args]
    return f"[{', '.join(items)}]" if items else ""


def _annotation_value(v: object) -> str:
    if isinstance(v, bool):
        return "true" if v else "false"
    return str(v) if isinstance(v, int) else f'"{v}"'


def _type_decl(t: Type) -> str:
    match t:
        case StructType() | HeaderType() | UnionType():
            kind = {StructType: "struct", HeaderType: "header", UnionType: "header_union"}[type(t)]
            fields = "".join(f"{INDENT}{_annotations(f.annotations)}{f.type} {f.name};\n" for f in t.fields)
            return f"{_annotations(t.annotations)}{kind} {t.name} {{\n{fields}}}"
        case EnumType():
            return f"enum {t.name} {{ {', '.join(t.members)} }}"
        case SerEnumType():
            return f"enum {t.underlying} {t.name} {{ {', '.join(f'{n} = {v}' for n, v in t.members)} }}"
        case NewType():
            return f"{_annotations(t.annotations)}type {t.base} {t.name};"
    return f"/* type */ {t};"


def _params(params: Iterable[ir.Var]) -> str:
    return ", ".join(
        f"{_annotations(p.annotations)}{p.direction}{' ' if p.direction else ''}{p.type} {p.name}"
        + (f" = {show_expr(p.default)}" if p.default is not None else "")
        for p in params
    )


def _action(a: ir.Action, depth: int) -> str:
    pad = INDENT * depth
    return f"{pad}{_annotations(a.annotations)}action {a.name}({_params(a.params)}) {_block(a.body, depth)}"


def _instance(i: ir.InstanceDecl) -> str:
    text = f"{_annotations(i.annotations)}{i.type}({_args(i.args)})"
    if i.name:
        text += f" {i.name}"
    if i.methods:
        bodies = [f"{INDENT}{m.returns} {m.name}({_params(m.params)}) {_block(m.body, 1)}" for m in i.methods]
        text += " = {\n" + "\n".join(bodies) + "\n}"
    return text


def _head(kind: str, decl: ir.ParserDecl | ir.ControlDecl) -> str:
    text = f"{_annotations(decl.annotations)}{kind} {decl.name}({_params(decl.params)})"
    return f"{text}({_params(decl.ctor_params)})" if decl.ctor_params else text


def _parser(p: ir.ParserDecl) -> str:
    lines = [_head("parser", p) + " {"]
    lines += [f"{INDENT}{_instance(i)};" for i in p.instances]
    for v in p.value_sets:
        lines.append(f"{INDENT}{_annotations(v.annotations)}value_set<{v.type}>({v.size}) {v.name};")
    lines += [_stmt(d, 1) for d in p.locals]
    for s in p.states.values():
        lines.append(f"{INDENT}{_annotations(s.annotations)}state {s.name} {{")
        lines += [_stmt(x, 2) for x in s.body.stmts]
        if isinstance(s.next, str):
            lines.append(f"{INDENT * 2}transition {s.next};")
        else:
            lines.append(f"{INDENT * 2}transition select({_args(s.next.exprs)}) {{")
            for c in s.next.cases:
                lines.append(f"{INDENT * 3}({', '.join(map(show_keyset, c.keys))}): {c.next};")
            lines.append(f"{INDENT * 2}}}")
        lines.append(f"{INDENT}}}")
    return "\n".join([*lines, "}"])


def _control(c: ir.ControlDecl) -> str:
    lines = [_head("control", c) + " {"]
    lines += [f"{INDENT}{_instance(i)};" for i in c.instances]
    lines += [_stmt(d, 1) for d in c.locals]
    lines += [_action(a, 1) for a in c.actions]
    lines += [_table(t) for t in c.tables]
    lines.append(f"{INDENT}apply {_block(c.body, 1)}")
    return "\n".join([*lines, "}"])


def _table(t: ir.Table) -> str:
    one, two, three = INDENT, INDENT * 2, INDENT * 3
    lines = [f"{one}{_annotations(t.annotations)}table {t.name} {{"]
    if t.keys:
        lines.append(f"{two}key = {{")
        for k in t.keys:
            lines.append(f'{three}{show_expr(k.expr)}: {k.match_kind} @name("{k.name}");')
        lines.append(f"{two}}}")
    lines.append(f"{two}actions = {{")
    for r in t.actions:
        lines.append(f"{three}{_annotations(r.annotations)}{_action_ref(r)};")
    lines.append(f"{two}}}")
    lines.append(f"{two}{'const ' if t.default_const else ''}default_action = {_action_ref(t.default_action)};")
    if t.entries:
        lines.append(f"{two}{'const ' if t.entries_const else ''}entries = {{")
        for e in t.entries:
            const = "const " if e.const and not t.entries_const else ""
            priority, note = "", ""
            if e.priority is not None:
                number = e.priority if 2 * e.priority < ir.FIRST_PRIORITY else ir.FIRST_PRIORITY - e.priority
                priority = "" if t.entries_const else f"priority = {number}: "
                note = f" @priority({number})" if t.entries_const else ""
            keys = ", ".join(map(show_keyset, e.keys))
            lines.append(f"{three}{const}{priority}({keys}): {_action_ref(e.action)}{note};")
        lines.append(f"{two}}}")
    if t.size is not None:
        lines.append(f"{two}size = {t.size};")
    for name, (value, fixed) in t.properties.items():
        lines.append(f"{two}{'const ' if fixed else ''}{name} = {show_expr(value)};")
    return "\n".join([*lines, f"{one}}}"])


def _action_ref(r: ir.ActionRef) -> str:
    """In a table's list action data has no argument, in a default action or an entry it has one."""
    args = [a for p, a in zip(r.action.params, r.args, strict=True) if p.direction or a is not None]
    return f"{r.action.name}({_args(args)})"


# ---- statements ----


def _block(b: ir.Block, depth: int) -> str:
    if not b.stmts:
        return "{}"
    inner = "\n".join(_stmt(s, depth + 1) for s in b.stmts)
    return f"{{\n{inner}\n{INDENT * depth}}}"


def _inline(stmts: Iterable[ir.Stmt]) -> str:
    return ", ".join(_stmt(s, 0).rstrip(";") for s in stmts)


def _stmt(s: ir.Stmt, depth: int) -> str:
    return INDENT * depth + _stmt_text(s, depth)


def _stmt_text(s: ir.Stmt, depth: int) -> str:
    match s:
        case ir.Declare():
            init = "" if s.init is None else f" = {show_expr(s.init)}"
            return f"{s.var.type} {s.var.name}{init};"
        case ir.Assign():
            return f"{show_expr(s.target)} = {show_expr(s.value)};"
        case ir.Call():
            return f"{show_expr(s.call)};"
        case ir.Block():
            return _block(s, depth)
        case ir.If():
            other = "" if s.other is None else f" else {_block(s.other, depth)}"
            return f"if ({show_expr(s.cond)}) {_block(s.then, depth)}{other}"
        case ir.SwitchAction():
            cases = [([a.name if a else "default" for a in labels], body) for labels, body in s.cases]
            return _switch(f"{s.table.name}.apply().action_run", cases, depth)
        case ir.SwitchValue():
            values = [([show_expr(x) if x else "default" for x in labels], body) for labels, body in s.cases]
            return _switch(show_expr(s.expr), values, depth)
        case ir.For():
            head = f"{_inline(s.init)}; {show_expr(s.cond)}; {_inline(s.update)}"
            return f"for ({head}) {_block(s.body, depth)}"
        case ir.ForIn():
            over = show_expr(s.lo) if s.hi is None else f"{show_expr(s.lo)} .. {show_expr(s.hi)}"
            var = f"{s.var.type} {s.var.name}" if s.declares else s.var.name
            return f"for ({var} in {over}) {_block(s.body, depth)}"
        case ir.Return():
            return "return;" if s.value is None else f"return {show_expr(s.value)};"
        case ir.Exit():
            return "exit;"
        case ir.Break():
            return "break;"
        case ir.Continue():
            return "continue;"


def _switch(what: str, cases: Iterable[tuple[list[str], ir.Block]], depth: int) -> str:
    pad = INDENT * (depth + 1)
    lines = [f"switch ({what}) {{"]
    for labels, body in cases:
        lines += [f"{pad}{label}:" for label in labels[:-1]]
        lines.append(f"{pad}{labels[-1]}: {_block(body, depth + 1)}")
    return "\n".join([*lines, f"{INDENT * depth}}}"])


# ---- expressions ----


def _args(args: Iterable["ir.Expr | None"]) -> str:
    return ", ".join("_" if a is None else show_expr(a) for a in args)


def show_keyset(k: ir.KeySet) -> str:
    """Return a key set as text."""
    match k:
        case ir.Exact():
            return show_expr(k.value)
        case ir.Mask():
            return f"{show_expr(k.value)} &&& {show_expr(k.mask)}"
        case ir.Range():
            return f"{show_expr(k.lo)} .. {show_expr(k.hi)}"
        case ir.Any():
            return "_"
        case ir.InValueSet():
            return k.value_set.name


def _literal(e: ir.Literal) -> str:
    value, t = e.value, e.type
    match t:
        case StringType():
            return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case EnumType() | ErrorType() | MatchKindType():
            return f"{t}.{value}"
        case SerEnumType():
            return next((f"{t.name}.{n}" for n, v in t.members if v == value), f"({t.name}){value}")
        case NewType():
            return f"({t.name}){_literal(ir.Literal(type=t.base, value=value))}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and isinstance(t, (BitType, IntType)):
        number = f"{t.width}{'w' if isinstance(t, BitType) else 's'}{abs(value)}"
        return f"-{number}" if value < 0 else number
    return str(value)


def show_expr(e: ir.Expr) -> str:
    """Return an expression as text."""
    match e:
        case ir.Literal():
            return _literal(e)
        case ir.VarRef():
            return e.var.name
        case ir.InstanceRef():
            return e.decl.name
        case ir.NewInstance():
            return _instance(e.decl)
        case ir.Member() | ir.StackMember():
            return f"{_operand(e.base)}.{e.name}"
        case ir.Index():
            return f"{_operand(e.base)}[{show_expr(e.index)}]"
        case ir.Slice():
            return f"{_operand(e.base)}[{e.hi}:{e.lo}]"
        case ir.Unary():
            return f"{e.op}{_operand(e.operand)}"
        case ir.Binary():
            return f"{_operand(e.left)} {e.op} {_operand(e.right)}"
        case ir.Mux():
            return f"{_operand(e.cond)} ? {_operand(e.then)} : {_operand(e.other)}"
        case ir.Cast():
            return f"({e.type}){_operand(e.operand)}"
        case ir.StructExpr():
            return f"({e.type}){{{_args(e.items)}}}"
        case ir.InvalidHeader():
            return f"({e.type}){{#}}"
        case ir.Default():
            return "..." if isinstance(e.type, InfIntType) else f"({e.type})..."
        case ir.FunctionCall():
            named = zip(e.function.params, e.args, strict=True)  # names tell functions of one name apart
            return f"{e.function.name}({', '.join(f'{p.name} = {_args([a])}' for p, a in named)})"
        case ir.ExternCall():
            name = e.method.name if e.obj is None else f"{_operand(e.obj)}.{e.method.name}"
            types = f"<{', '.join(map(str, e.type_args))}>" if e.type_args else ""
            return f"{name}{types}({_args(e.args)})"
        case ir.BuiltinCall():
            return f"{_operand(e.obj)}.{e.name}({_args(e.args)})"
        case ir.TableApply():
            return f"{e.table.name}.apply()"
        case ir.Apply():
            return f"{_operand(e.obj)}.apply({_args(e.args)})"
        case ir.ActionCall():
            return f"{e.action.name}({_args(e.args)})"


def _operand(e: ir.Expr) -> str:
    text = show_expr(e)
    return f"({text})" if isinstance(e, (ir.Binary, ir.Mux, ir.Unary, ir.Cast)) else text
