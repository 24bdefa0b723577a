"""Goes through the expressions and statements of the IR, whatever they are."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from datapath.p4c import ir

# Things with a name are not entered where they are referred to: only where they are declared.
_REFERENCES = (ir.Var, ir.Action, ir.Table, ir.Function, ir.ExternMethod, ir.InstanceDecl, ir.ValueSet)
_PARTS: tuple[type, ...] = (
    ir.Node,
    ir.Statement,
    ir.Key,
    ir.ActionRef,
    ir.Entry,
    ir.Exact,
    ir.Mask,
    ir.Range,
    ir.Select,
    ir.SelectCase,
)


_NAMES: dict[type, tuple[str, ...]] = {
    kind: tuple(f.name for f in fields(kind) if f.name not in ("type", "pos", "annotations"))
    for kind in vars(ir).values()
    if isinstance(kind, type) and issubclass(kind, _PARTS) and is_dataclass(kind)
}


def walk(thing: object) -> Iterator[object]:
    """Yield a part of the IR and all parts in it, outer ones first."""
    todo = [thing]
    while todo:
        at = todo.pop()
        if isinstance(at, (list, tuple)):
            todo += reversed(at)
        elif isinstance(at, dict):
            todo += reversed(at.values())
        elif isinstance(at, _PARTS):
            yield at
            todo += [getattr(at, n) for n in reversed(_NAMES[type(at)])]


def blocks_of(decl: ir.ParserDecl | ir.ControlDecl) -> list[object]:
    """Return all that a parser or control runs, as roots for :func:`walk`."""
    if isinstance(decl, ir.ParserDecl):
        return [decl.locals, *([s.body, s.next] for s in decl.states.values())]
    tables = [[t.keys, t.actions, t.default_action, t.entries] for t in decl.tables]
    return [decl.locals, decl.body, *(a.body for a in decl.actions), *tables]


def reachable(decl: ir.ParserDecl | ir.ControlDecl) -> Iterator[object]:
    """Yield all parts that a parser or control runs, those of called functions and top-level actions too."""
    seen: set[int] = set()
    todo: list[object] = list(blocks_of(decl))
    while todo:
        for part in walk(todo.pop(0)):
            yield part
            body: ir.Block | None = None
            if isinstance(part, ir.FunctionCall):
                body = part.function.body
            elif isinstance(part, (ir.ActionCall, ir.ActionRef)) and part.action.top_level:
                body = part.action.body
            if body is not None and id(body) not in seen:
                seen.add(id(body))
                todo.append(body)
