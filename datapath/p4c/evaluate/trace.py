"""One packet's way through a program: what happened, in order, and as text."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from datapath.p4c import types as t
from datapath.p4c.evaluate.values import Header, Stack, Struct, Union, Value, Varbit, leaves


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: ``kind`` (``state``, ``extract``, ``table``, ``change``, ``drop``, ...) says it.

    ``name`` says to whom, ``text`` the rest; ``depth`` is how far it is set in.
    """

    kind: str
    name: str
    text: str = ""
    depth: int = 0


@dataclass(slots=True)
class Trace:
    """Collects events."""

    events: list[Event] = field(default_factory=list)
    depth: int = 0

    def add(self, kind: str, name: str, text: str = "") -> None:
        """Note what happened."""
        self.events.append(Event(kind, name, text, self.depth))

    def changes(self, before: dict[str, str], after: dict[str, str]) -> None:
        """Note all fields that differ between two :func:`snapshot`."""
        for name, text in after.items():
            if before.get(name) != text:
                self.add("change", name, f"{before.get(name, '-')} -> {text}")
        for name, text in before.items():
            if name not in after:
                self.add("change", name, f"{text} -> -")


def render(events: Sequence[Event]) -> str:
    """Return the events as text, one a line, set in by what they are part of."""
    lines = []
    for e in events:
        line = f"{'  ' * e.depth}{e.kind} {e.name}".rstrip()
        lines.append(f"{line}: {e.text}" if e.text else line)
    return "\n".join(lines) + ("\n" if lines else "")


def show(value: Value, type_: t.Type) -> str:
    """Return a scalar as hexadecimal digits of its width, others as their fields."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Varbit):
        return f"{value.bits:#x} ({value.length} bits)"
    base = t.strip(type_)
    if isinstance(value, int):
        if isinstance(base, t.EnumType) and value < len(base.members):
            return base.members[value]
        if isinstance(base, t.IntType):
            return str(value)
        return f"{value:#0{(t.scalar_width(base) or 0) // 4 + 2 + bool((t.scalar_width(base) or 0) % 4)}x}"
    return " ".join(f"{bits:#x}" for bits, _ in leaves(value, type_))


def show_fields(header: Header | Struct) -> str:
    """Return ``name=value`` of all fields."""
    return " ".join(f"{f.name}={show(header.fields[f.name], f.type)}" for f in header.type.fields)


def snapshot(prefix: str, value: Value) -> dict[str, str]:
    """Return the text of each scalar by its name, of valid headers only."""
    out: dict[str, str] = {}
    match value:
        case Header():
            if value.valid:
                for f in value.type.fields:
                    out[f"{prefix}.{f.name}"] = show(value.fields[f.name], f.type)
        case Struct() | Union():
            for f in value.type.fields:
                inner = value.fields[f.name]
                if isinstance(inner, Header | Struct | Union | Stack):
                    out.update(snapshot(f"{prefix}.{f.name}", inner))
                else:
                    out[f"{prefix}.{f.name}"] = show(inner, f.type)
        case Stack():
            for i, item in enumerate(value.items):
                out.update(snapshot(f"{prefix}[{i}]", item))
    return out
