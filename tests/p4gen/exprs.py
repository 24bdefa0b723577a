"""Random well-typed expressions.

Types are strings as P4 writes them: ``bit<7>``, ``int<33>``, ``bool``, or a name. A scope lists what can be read and
written where the expression stands.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

ENUMS = {
    "enum_t": ["enum_t.A", "enum_t.B", "enum_t.C"],
    "ser_t": ["ser_t.ONE", "ser_t.MANY", "ser_t.ALL"],
    "error": ["error.NoError", "error.Odd", "error.PacketTooShort", "error.StackOutOfBounds"],
}

WIDTHS = (1, 2, 3, 4, 5, 7, 8, 8, 9, 13, 16, 16, 17, 24, 31, 32, 32, 33, 48, 63, 64, 65, 72, 100, 128)


@dataclass(slots=True)
class Function:
    """``params``: (direction, type)."""

    name: str
    returns: str
    params: list[tuple[str, str]]


@dataclass(slots=True)
class Scope:
    """What an expression may use: ``readable`` and ``writable`` places by type, headers, functions."""

    readable: dict[str, list[str]] = field(default_factory=dict)
    writable: dict[str, list[str]] = field(default_factory=dict)
    headers: list[tuple[str, str]] = field(default_factory=list)
    """Places that are headers: (text, type)."""
    stacks: list[tuple[str, str, int]] = field(default_factory=list)
    structs: list[tuple[str, str]] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    fields: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Of each header and struct type: (name, type)."""

    def copy(self) -> "Scope":
        """Return a scope that can be added to."""
        return Scope(
            {k: list(v) for k, v in self.readable.items()},
            {k: list(v) for k, v in self.writable.items()},
            list(self.headers),
            list(self.stacks),
            list(self.structs),
            list(self.functions),
            self.fields,
        )

    def add_any(self, text: str, type_: str, *, write: bool = True, header: bool = False) -> None:
        """Make a place known with all that is in it; a read-only one only by its fields."""
        if type_ not in self.fields:
            self.add(text, type_, write=write)
            return
        if write:
            (self.headers if header else self.structs).append((text, type_))
        for f, ty in self.fields[type_]:
            self.add(f"{text}.{f}", ty, write=write)

    def add(self, text: str, type_: str, *, write: bool = True) -> None:
        """Make a scalar place known; a varbit is none."""
        if type_.startswith("varbit"):
            return
        self.readable.setdefault(type_, []).append(text)
        if write:
            self.writable.setdefault(type_, []).append(text)


def width_of(type_: str) -> int:
    """Return the bits of ``bit<N>`` or ``int<N>``."""
    if type_ in ("bool", "ser_t"):
        return 8 if type_ == "ser_t" else 1
    return int(type_[4:-1])


def is_number(type_: str) -> bool:
    """Whether the type is ``bit<N>`` or ``int<N>``."""
    return type_.startswith(("bit<", "int<"))


class Exprs:
    """Makes expressions."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def literal(self, type_: str) -> str:
        """Return a literal, often one at the edge."""
        if type_ == "bool":
            return self.rng.choice(["true", "false"])
        if not is_number(type_):
            return self.rng.choice(ENUMS[type_])
        width = width_of(type_)
        value = self.rng.choice([0, 1, (1 << width) - 1, self.rng.getrandbits(width), 1 << (width - 1)])
        if type_.startswith("int"):
            if value >> (width - 1):
                return f"({type_})({width}w{value})"
            return f"{width}s{value}"
        return f"{width}w{value}" if self.rng.random() < 0.5 else f"{width}w{value:#x}"

    def variable(self, type_: str, scope: Scope) -> str:
        """Return something of ``bit<N>`` that is no constant, when the scope has any."""
        known = [(k, p) for k, v in scope.readable.items() if k.startswith("bit") for p in v]
        if not known:
            return self.literal(type_)
        k, place = self.rng.choice(known)
        return place if k == type_ else f"(({type_}){place})"

    def expr(self, type_: str, scope: Scope, depth: int) -> str:
        """Return an expression of ``type_``; about ``depth`` operators deep."""
        places = scope.readable.get(type_, [])
        if depth <= 0 or self.rng.random() < 0.15:
            if places and self.rng.random() < 0.75:
                return self.rng.choice(places)
            return self.literal(type_)
        if type_ == "bool":
            return self._bool(scope, depth)
        if not is_number(type_):
            return self._enum(type_, scope, depth)
        return self._number(type_, scope, depth)

    def _bool(self, scope: Scope, depth: int) -> str:
        make: list[Callable[[], str]] = [
            lambda: self._compare(scope, depth),
            lambda: self._compare(scope, depth),
            lambda: f"({self.expr('bool', scope, depth - 1)} && {self.expr('bool', scope, depth - 1)})",
            lambda: f"({self.expr('bool', scope, depth - 1)} || {self.expr('bool', scope, depth - 1)})",
            lambda: f"(!{self.expr('bool', scope, depth - 1)})",
            lambda: f"(bool)({self.expr('bit<1>', scope, depth - 1)})",
            lambda: self._mux("bool", scope, depth),
        ]
        if scope.headers:
            make += [lambda: f"{self.rng.choice(scope.headers)[0]}.isValid()"] * 2
            make.append(lambda: self._same_headers(scope))
        make += [lambda: self._call("bool", scope, depth)] * (3 * bool(self._callable("bool", scope)))
        return self.rng.choice(make)()

    def _enum(self, type_: str, scope: Scope, depth: int) -> str:
        r = self.rng.random()
        if r < 0.3:
            return self._mux(type_, scope, depth)
        if r < 0.7 and type_ == "ser_t":
            return f"(ser_t)({self.expr('bit<8>', scope, depth - 1)})"
        return self.expr(type_, scope, 0)

    def _same_headers(self, scope: Scope) -> str:
        text, type_ = self.rng.choice(scope.headers + scope.structs)
        others = [x for x, ty in scope.headers + scope.structs if ty == type_]
        return f"({text} {self.rng.choice(['==', '!='])} {self.rng.choice(others)})"

    def any_type(self, scope: Scope) -> str:
        """Return a type of number that something in the scope has."""
        known = [k for k in scope.readable if is_number(k)]
        if known and self.rng.random() < 0.8:
            return self.rng.choice(known)
        return f"{self.rng.choice(['bit', 'bit', 'int'])}<{self.rng.choice(WIDTHS)}>"

    def _compare(self, scope: Scope, depth: int) -> str:
        if self.rng.random() < 0.1 and "enum_t" in scope.readable:
            type_ = self.rng.choice(sorted(ENUMS))
            op = self.rng.choice(["==", "!="])
            return f"({self.expr(type_, scope, 1)} {op} {self.expr(type_, scope, 1)})"
        type_ = self.any_type(scope)
        op = self.rng.choice(["==", "!=", "<", "<=", ">", ">="])
        return f"({self.expr(type_, scope, depth - 1)} {op} {self.expr(type_, scope, depth - 1)})"

    def _mux(self, type_: str, scope: Scope, depth: int) -> str:
        cond = self.expr("bool", scope, depth - 1)
        return f"({cond} ? {self.expr(type_, scope, depth - 1)} : {self.expr(type_, scope, depth - 1)})"

    def _call(self, type_: str, scope: Scope, depth: int) -> str:
        return self.call(self.rng.choice(self._callable(type_, scope)), scope, depth - 1)

    def _callable(self, type_: str, scope: Scope) -> list[Function]:
        return [f for f in scope.functions if f.returns == type_ and self.can_call(f, scope)]

    def call(self, f: Function, scope: Scope, depth: int) -> str:
        """Return a call; arguments may alias."""
        args: list[str] = []
        written: list[str] = []
        for direction, type_ in f.params:
            if type_ in scope.fields:
                args.append(self.compound(type_, scope))
            elif direction == "in":
                args.append(self.expr(type_, scope, min(depth, 1)))
            else:
                again = [a for a, (_, ty) in zip(args, f.params, strict=False) if ty == type_ and a in written]
                args.append(self.rng.choice(again) if again and self.rng.random() < 0.5 else self.place(type_, scope))
                written.append(args[-1])
        return f"{f.name}({', '.join(args)})"

    def place(self, type_: str, scope: Scope) -> str:
        """Return something of ``type_`` that can be written; the scope must have it (or a wider bit<>)."""
        places = scope.writable.get(type_, [])
        if type_.startswith("bit"):
            width = width_of(type_)
            wider = [(p, width_of(k)) for k, v in scope.writable.items() if k.startswith("bit") for p in v]
            wider = [(p, w) for p, w in wider if w > width and not p.endswith("]")]
            if wider and (not places or self.rng.random() < 0.25):
                text, w = self.rng.choice(wider)
                lo = self.rng.randint(0, w - width)
                return f"{text}[{lo + width - 1}:{lo}]"
        return self.rng.choice(places)

    def can_call(self, f: Function, scope: Scope) -> bool:
        """Whether the scope has places for all that ``f`` writes."""
        return all(
            self.has(ty, scope) if ty in scope.fields else d == "in" or ty in scope.writable for d, ty in f.params
        )

    def has(self, type_: str, scope: Scope) -> bool:
        """Whether there is a header or struct of that type."""
        return any(ty == type_ for _, ty in scope.headers + scope.structs)

    def compound(self, type_: str, scope: Scope) -> str:
        """Return a place that is a header or struct of that type."""
        return self.rng.choice([x for x, ty in scope.headers + scope.structs if ty == type_])

    def _number(self, type_: str, scope: Scope, depth: int) -> str:
        signed, width = type_.startswith("int"), width_of(type_)

        def sub() -> str:
            return self.expr(type_, scope, depth - 1)

        def binary(*ops: str) -> str:
            return f"({sub()} {self.rng.choice(ops)} {sub()})"

        make: list[Callable[[], str]] = [
            lambda: binary("+", "-", "&", "|", "^"),
            lambda: binary("+", "-", "&", "|", "^"),
            lambda: binary("|+|", "|-|"),
            lambda: f"({sub()} {self.rng.choice(['<<', '>>'])} {self._amount(scope, depth, width)})",
            lambda: f"({self.rng.choice(['~', '-'])}{sub()})",
            lambda: self._mux(type_, scope, depth),
            lambda: f"({type_})({self.expr(self._cast_source(type_), scope, depth - 1)})",
            lambda: binary("*"),
        ]
        if not signed:
            make += [lambda: self._slice(width, scope, depth)] * 2
            if width > 1:
                make += [lambda: self._concat(width, scope, depth)] * 2
                make.append(
                    lambda: (
                        f"({sub()} {self.rng.choice(['/', '%'])} "
                        f"{width}w{self.rng.randint(1, (1 << min(width, 8)) - 1)})"
                    )
                )
        if self._callable(type_, scope):
            make += [lambda: self._call(type_, scope, depth)] * 2
        return self.rng.choice(make)()

    def _cast_source(self, type_: str) -> str:
        width = width_of(type_)
        if type_.startswith("int"):
            return self.rng.choice([f"bit<{width}>", f"int<{self.rng.choice(WIDTHS)}>"])
        options = [f"bit<{self.rng.choice(WIDTHS)}>", f"int<{width}>"]
        if width == 1:
            options.append("bool")
        if width == 8:
            options.append("ser_t")
        return self.rng.choice(options)

    def _amount(self, scope: Scope, depth: int, width: int) -> str:
        if self.rng.random() < 0.5:
            return str(self.rng.choice([0, 1, width - 1, width, width + 1, self.rng.randint(0, 2 * width)]))
        return self.expr(f"bit<{self.rng.choice([3, 8, 8, 16])}>", scope, depth - 1)

    def _slice(self, width: int, scope: Scope, depth: int) -> str:
        wider = [w for w in WIDTHS if w >= width] or [width]
        w = self.rng.choice(wider)
        lo = self.rng.randint(0, w - width)
        inner = self.expr(f"bit<{w}>", scope, depth - 1)
        if inner.endswith("]") or inner[0].isdigit() or inner.startswith(("(bit", "(int", "-", "~")):
            inner = f"({inner})"
        return f"{inner}[{lo + width - 1}:{lo}]"

    def _concat(self, width: int, scope: Scope, depth: int) -> str:
        left = self.rng.randint(1, width - 1)
        return (
            f"({self.expr(f'bit<{left}>', scope, depth - 1)} ++ {self.expr(f'bit<{width - left}>', scope, depth - 1)})"
        )
