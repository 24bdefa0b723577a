"""Random statements for the bodies of actions, functions, states and controls."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.p4gen.exprs import Exprs, Scope, is_number, width_of
from tests.p4gen.text import Node


@dataclass(slots=True)
class Callables:
    """What a control's body may call, by the text of a statement maker."""

    actions: list[Callable[[Scope], str]] = field(default_factory=list)
    tables: list[tuple[str, list[str]]] = field(default_factory=list)
    """Tables not yet applied: (name, names of their actions)."""
    controls: list[Callable[[Scope], str | None]] = field(default_factory=list)
    externs: list[Callable[[Scope], list[Node]]] = field(default_factory=list)


class Stmts:
    """Makes statements. ``place`` says where: ``control``, ``action``, ``function`` or ``parser``."""

    def __init__(self, rng: random.Random, exprs: Exprs) -> None:
        self.rng = rng
        self.exprs = exprs
        self.count = 0

    def name(self, prefix: str) -> str:
        """Return a name that no other thing has."""
        self.count += 1
        return f"{prefix}{self.count}"

    def block(self, scope: Scope, place: str, calls: Callables, depth: int, n: int, loop: bool = False) -> list[Node]:
        """Return about ``n`` statements; what they declare is known to those behind them."""
        scope = scope.copy()
        out: list[Node] = []
        for _ in range(n):
            out.extend(self._one(scope, place, calls, depth, loop))
        return out

    def _one(self, scope: Scope, place: str, calls: Callables, depth: int, loop: bool) -> list[Node]:
        r = self.rng.random()
        if r < 0.38:
            return [self._assign(scope)]
        if r < 0.46:
            return [self._declare(scope)]
        if r < 0.56 and (scope.headers or scope.stacks):
            return [self._header(scope)]
        if r < 0.60 and scope.structs:
            return [self._copy_struct(scope)]
        if place == "parser":
            return [self._if(scope, place, calls, depth, loop)] if depth > 0 else [self._assign(scope)]
        if r < 0.72 and depth > 0:
            return [self._if(scope, place, calls, depth, loop)]
        if r < 0.77 and depth > 0:
            return [self._switch(scope, place, calls, depth, loop)]
        if r < 0.81 and depth > 0:
            return self._for(scope, place, calls, depth)
        if r < 0.83 and loop:
            return [self._guarded(scope, self.rng.choice(["break;", "continue;"]))]
        if r < 0.85 and place in ("control", "action"):
            return [self._guarded(scope, self.rng.choice(["exit;", "return;"]))]
        if place == "control":
            return self._control_only(scope, calls, depth)
        if place == "action" and calls.externs:
            return self.rng.choice(calls.externs)(scope)
        return [self._assign(scope)]

    def _control_only(self, scope: Scope, calls: Callables, depth: int) -> list[Node]:
        kinds: list[str] = []
        kinds += ["action"] * 2 * bool(calls.actions) + ["table"] * 4 * bool(calls.tables)
        kinds += ["control"] * bool(calls.controls) + ["extern"] * 3 * bool(calls.externs)
        if not kinds:
            return [self._assign(scope)]
        match self.rng.choice(kinds):
            case "action":
                return [Node(self.rng.choice(calls.actions)(scope))]
            case "control":
                text = self.rng.choice(calls.controls)(scope)
                return [Node(text)] if text else [self._assign(scope)]
            case "extern":
                return self.rng.choice(calls.externs)(scope)
        name, actions = calls.tables.pop(self.rng.randrange(len(calls.tables)))
        r = self.rng.random()
        if r < 0.4 or depth <= 0:
            return [Node(f"{name}.apply();")]
        if r < 0.7:
            word = self.rng.choice(["hit", "miss"])
            body = self.block(scope, "control", calls, depth - 1, self.rng.randint(1, 2))
            return [Node(f"if ({self.rng.choice(['', '!'])}{name}.apply().{word}) {{", body, "}")]
        cases = []
        for action in self.rng.sample(actions, self.rng.randint(1, len(actions))):
            body = self.block(scope, "control", calls, depth - 1, self.rng.randint(0, 2))
            cases.append(Node(f"{action}: {{", body, "}"))
        if self.rng.random() < 0.5:
            cases.append(Node("default: {", self.block(scope, "control", calls, depth - 1, 1), "}"))
        return [Node(f"switch ({name}.apply().action_run) {{", cases, "}")]

    def _assign(self, scope: Scope) -> Node:
        types = [k for k, v in scope.writable.items() if v]
        if not types:
            return Node("{ }")
        type_ = self.rng.choice(types)
        if type_.startswith("bit") and width_of(type_) > 1 and self.rng.random() < 0.2:
            narrow = f"bit<{self.rng.randint(1, width_of(type_) - 1)}>"
            return Node(f"{self.exprs.place(narrow, scope)} = {self.exprs.expr(narrow, scope, 3)};")
        if is_number(type_) and self.rng.random() < 0.1:
            op = self.rng.choice(["+", "-", "&", "|", "^", "*", "|+|", "|-|"])
            return Node(f"{self.exprs.place(type_, scope)} {op}= {self.exprs.expr(type_, scope, 2)};")
        if is_number(type_) and self.rng.random() < 0.03:
            return Node(f"{self.exprs.place(type_, scope)} {self.rng.choice(['<<', '>>'])}= {self.rng.randint(0, 9)};")
        return Node(f"{self.exprs.place(type_, scope)} = {self.exprs.expr(type_, scope, self.rng.randint(1, 4))};")

    def _declare(self, scope: Scope) -> Node:
        r = self.rng.random()
        kinds = scope.headers + scope.structs
        if r < 0.15 and kinds:
            text, type_ = self.rng.choice(kinds)
            name = self.name("v")
            if (text, type_) in scope.headers:
                scope.headers.append((name, type_))
            else:
                scope.structs.append((name, type_))
            for f, ty in scope.fields[type_]:
                scope.add(f"{name}.{f}", ty)
            return Node(f"{type_} {name} = {text};", fixed=False)
        type_ = self.exprs.any_type(scope) if r < 0.85 else "bool"
        name = self.name("v")
        node = Node(f"{type_} {name} = {self.exprs.expr(type_, scope, 2)};")
        scope.add(name, type_)
        return node

    def _header(self, scope: Scope) -> Node:
        if scope.stacks and self.rng.random() < 0.3:
            text, type_, size = self.rng.choice(scope.stacks)
            r = self.rng.random()
            if r < 0.6:
                return Node(f"{text}.{self.rng.choice(['push_front', 'pop_front'])}({self.rng.randint(1, size)});")
            same = [t for t, ty in scope.headers if ty == type_]
            index = f"({self.exprs.variable('bit<8>', scope)} & {self.rng.choice([1, 1, 3])})"
            if r < 0.8 and same:
                return Node(f"{text}[{index}] = {self.rng.choice(same)};")
            if same:
                return Node(f"{self.rng.choice(same)} = {text}[{index}];")
            return Node(f"{text}[{index}].{self.rng.choice(['setValid', 'setInvalid'])}();")
        if not scope.headers:
            return self._assign(scope)
        text, type_ = self.rng.choice(scope.headers)
        r = self.rng.random()
        if r < 0.35:
            return Node(f"{text}.setValid();")
        if r < 0.6:
            return Node(f"{text}.setInvalid();")
        if r < 0.72 and not any(ty.startswith("varbit") for _, ty in scope.fields[type_]):
            items = ", ".join(self.exprs.expr(ty, scope, 1) for _, ty in scope.fields[type_])
            return Node(f"{text} = {{ {items} }};")
        same = [t for t, ty in scope.headers if ty == type_]
        return Node(f"{text} = {self.rng.choice(same)};")

    def _copy_struct(self, scope: Scope) -> Node:
        text, type_ = self.rng.choice(scope.structs)
        same = [t for t, ty in scope.structs if ty == type_]
        if self.rng.random() < 0.5:
            items = ", ".join(self.exprs.expr(ty, scope, 1) for _, ty in scope.fields[type_])
            return Node(f"{text} = {{ {items} }};")
        return Node(f"{text} = {self.rng.choice(same)};")

    def _if(self, scope: Scope, place: str, calls: Callables, depth: int, loop: bool) -> Node:
        cond = self.exprs.expr("bool", scope, 3)
        then = self.block(scope, place, calls, depth - 1, self.rng.randint(1, 3), loop)
        if self.rng.random() < 0.5:
            other = self.block(scope, place, calls, depth - 1, self.rng.randint(1, 2), loop)
            return Node("{", [Node(f"if ({cond}) {{", then, "}"), Node("else {", other, "}", True)], "}")
        return Node(f"if ({cond}) {{", then, "}")

    def _guarded(self, scope: Scope, text: str) -> Node:
        return Node(f"if ({self.exprs.expr('bool', scope, 2)}) {{", [Node(text)], "}")

    def _switch(self, scope: Scope, place: str, calls: Callables, depth: int, loop: bool) -> Node:
        width = self.rng.choice([2, 3, 8])
        type_ = f"bit<{width}>"
        labels = self.rng.sample(range(1 << min(width, 3)), self.rng.randint(1, 3))
        cases = []
        for i, label in enumerate(labels):
            if self.rng.random() < 0.2 and i + 1 < len(labels):
                cases.append(Node(f"{width}w{label}:", fixed=True))
                continue
            body = self.block(scope, place, calls, depth - 1, self.rng.randint(0, 2), loop)
            cases.append(Node(f"{width}w{label}: {{", body, "}"))
        if self.rng.random() < 0.6:
            cases.append(Node("default: {", self.block(scope, place, calls, depth - 1, 1, loop), "}"))
        value = self.exprs.expr(type_, scope, 2)
        if value[0].isdigit():
            value = f"{self.exprs.rng.choice(scope.readable[type_])}" if scope.readable.get(type_) else f"(~{value})"
        return Node(f"switch ({value}) {{", cases, "}")

    def _for(self, scope: Scope, place: str, calls: Callables, depth: int) -> list[Node]:
        name = self.name("i")
        inner = scope.copy()
        if scope.stacks and self.rng.random() < 0.15:
            text, type_, _ = self.rng.choice(scope.stacks)
            inner.add_any(name, type_, write=False)
            body = self.block(inner, place, Callables(calls.actions, [], [], calls.externs), depth - 1, 1, True)
            return [Node(f"for ({type_} {name} in {text}) {{", body, "}")]
        inner.add(name, "bit<8>", write=False)
        # A table may be applied in one place only, and not in a loop.
        no_tables = Callables(calls.actions, [], [], calls.externs)
        body = self.block(inner, place, no_tables, depth - 1, self.rng.randint(1, 2), True)
        if self.rng.random() < 0.5:
            head = f"for (bit<8> {name} = 0; {name} < {self.rng.randint(1, 4)}; {name} = {name} + 1) {{"
        else:
            lo = self.rng.randint(0, 3)
            head = f"for (bit<8> {name} in {lo} .. {lo + self.rng.randint(0, 3)}) {{"
        return [Node(head, body, "}")]


__all__ = ["Callables", "Stmts"]
