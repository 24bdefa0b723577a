"""Which variables a body of code touches: what decides whether an argument needs a copy."""

from dataclasses import dataclass, field

from datapath.p4c import ir
from datapath.p4c.passes.exprs import children


@dataclass(slots=True)
class Usage:
    """Variables that are mentioned, and those that may be written; calls of externs."""

    used: set[ir.Var] = field(default_factory=set)
    written: set[ir.Var] = field(default_factory=set)
    externs: list[ir.ExternCall] = field(default_factory=list)


def usage(body: ir.Block) -> Usage:
    """Return the usage of a body, actions that it calls included."""
    out = Usage()
    _block(body, out, set())
    return out


def _root(e: ir.Expr) -> ir.Var | None:
    while True:
        match e:
            case ir.VarRef(var=var):
                return var
            case ir.Member(base=base) | ir.Index(base=base) | ir.Slice(base=base) | ir.StackMember(base=base):
                e = base
            case ir.Cast(operand=operand):
                e = operand
            case _:
                return None


def _write(e: ir.Expr | None, out: Usage) -> None:
    if e is not None and (var := _root(e)) is not None:
        out.written.add(var)


def _expr(e: ir.Expr, out: Usage, seen: set[ir.Action]) -> None:
    match e:
        case ir.VarRef(var=var):
            out.used.add(var)
        case ir.ExternCall():
            out.externs.append(e)
            _args(e.method.params, e.args, out)
        case ir.FunctionCall(function=ir.Function(params=params), args=args):
            _args(params, args, out)
        case ir.Apply(params=params, args=args):
            _args(params, args, out)
        case ir.ActionCall(action=action, args=args):
            _args(action.params, args, out)
            if action not in seen:
                seen.add(action)
                _block(action.body, out, seen)
        case ir.BuiltinCall(name=name, obj=obj) if name != "isValid":
            _write(obj, out)
        case ir.StackMember(base=base, name="next"):
            _write(base, out)
    for child in children(e):
        _expr(child, out, seen)


def _args(params: tuple[ir.Var, ...], args: tuple[ir.Expr | None, ...], out: Usage) -> None:
    for param, arg in zip(params, args, strict=True):
        if param.direction in ("out", "inout"):
            _write(arg, out)


def _block(block: ir.Block | None, out: Usage, seen: set[ir.Action]) -> None:
    for s in block.stmts if block is not None else ():
        _stmt(s, out, seen)


def _stmt(s: ir.Stmt, out: Usage, seen: set[ir.Action]) -> None:
    match s:
        case ir.Declare(var=var, init=init):
            out.written.add(var)
            if init is not None:
                _expr(init, out, seen)
        case ir.Assign(target=target, value=value):
            _write(target, out)
            _expr(target, out, seen)
            _expr(value, out, seen)
        case ir.Call(call=call):
            _expr(call, out, seen)
        case ir.Block():
            _block(s, out, seen)
        case ir.If(cond=cond, then=then, other=other):
            _expr(cond, out, seen)
            _block(then, out, seen)
            _block(other, out, seen)
        case ir.SwitchAction(cases=action_cases):
            for _, body in action_cases:
                _block(body, out, seen)
        case ir.SwitchValue(expr=expr, cases=cases):
            _expr(expr, out, seen)
            for _, body in cases:
                _block(body, out, seen)
        case ir.For(init=start, cond=cond, update=update, body=body):
            _expr(cond, out, seen)
            for inner in (*start, *update, body):
                _stmt(inner, out, seen)
        case ir.ForIn(var=var, lo=lo, hi=hi, body=body):
            out.written.add(var)
            _expr(lo, out, seen)
            if hi is not None:
                _expr(hi, out, seen)
            _block(body, out, seen)
        case ir.Return(value=result) if result is not None:
            _expr(result, out, seen)
