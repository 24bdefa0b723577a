"""Protocol buffer messages as they are written: one tree, two forms, text and binary (proto3).

Enough for writing P4Info without the protobuf library. Fields are added in any order and come out by number; zero,
false and empty are left out, as proto3 has it. Encoding: protobuf.dev, "Encoding" and "Text Format".
"""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Enum:
    """A member of an enum: its name for text, its number for the wire."""

    name: str
    number: int


Value: TypeAlias = "int | bool | str | bytes | Enum | Message | tuple[int, ...]"


@dataclass(slots=True)
class Message:
    """A message: (number, name, value) of its fields; a tuple of ints is a packed repeated field."""

    fields: list[tuple[int, str, Value]] = field(default_factory=list)

    def add(self, number: int, name: str, value: Value) -> "Message":
        """Add a field, unless its value is the default; returns the message."""
        empty = value.number == 0 if isinstance(value, Enum) else not isinstance(value, Message) and not value
        if not empty:
            self.fields.append((number, name, value))
        return self

    def sorted(self) -> list[tuple[int, str, Value]]:
        """Return the fields by number; repeated ones keep their order."""
        return sorted(self.fields, key=lambda f: f[0])

    # ---- text ----

    def text(self, depth: int = 0) -> str:
        """Return the text form."""
        pad = "  " * depth
        out = ""
        for _, name, value in self.sorted():
            if isinstance(value, Message):
                out += f"{pad}{name} {{\n{value.text(depth + 1)}{pad}}}\n"
            elif isinstance(value, tuple):
                out += "".join(f"{pad}{name}: {v}\n" for v in value)
            else:
                out += f"{pad}{name}: {_scalar_text(value)}\n"
        return out

    # ---- binary ----

    def binary(self) -> bytes:
        """Return the wire form."""
        out = bytearray()
        for number, _, value in self.sorted():
            match value:
                case Message():
                    out += _chunk(number, value.binary())
                case bytes():
                    out += _chunk(number, value)
                case str():
                    out += _chunk(number, value.encode())
                case tuple():
                    out += _chunk(number, b"".join(map(_varint, value)))
                case Enum():
                    out += _varint(number << 3) + _varint(value.number)
                case _:
                    out += _varint(number << 3) + _varint(int(value))
        return bytes(out)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _chunk(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


_ESCAPES = {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x22: '\\"', 0x27: "\\'", 0x5C: "\\\\"}


def _scalar_text(value: int | bool | str | bytes | Enum) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Enum():
            return value.name
        case str():
            value = value.encode()
    shown = (_ESCAPES.get(b) or (chr(b) if 0x20 <= b < 0x7F else f"\\{b:03o}") for b in value)
    return f'"{"".join(shown)}"'
