"""Reads a YAML file into dataclasses, strictly: an unknown key is an error with file, line and what was meant.

A dataclass is its own schema. A field ``rate_bps: int`` is the key ``rate``, which takes ``100Gb/s``; the end of a
field's name says its unit (``units.kind_of``). A field whose type is a union of dataclasses is chosen by the key
``kind``, which is each one's class variable of that name.
"""

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import yaml

from datapath.errors import CallerError
from dpu_emu.fabric import units

__all__ = ["AUTO", "Document", "key_of", "plain", "suggest"]

T = TypeVar("T")

AUTO = -1
"""A number that the scenario leaves to us: ``auto`` in a file."""


def suggest(name: str, known: typing.Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` or a list of what is known."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(names)}"


def key_of(field: str) -> str:
    """Return the key in a file of a field: its name without the unit."""
    found = units.kind_of(field)
    return found[0] if found else field


class Document:
    """One YAML file; ``lines`` has the line of every key that was read, by its path (``switches.buffer``)."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines: dict[str, int] = {}
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise CallerError(f"{name}:{line}: not YAML: {error.problem}") from None
        except RecursionError:
            raise CallerError(f"{name}: lists and mappings are nested too deep") from None
        except yaml.YAMLError as error:
            raise CallerError(f"{name}: not YAML: {str(error).splitlines()[0]}") from None
        if root is None:
            raise CallerError(f"{name}:1: the file is empty")
        self.root: yaml.Node = root

    @classmethod
    def open(cls, path: Path) -> "Document":
        """Read a file."""
        try:
            return cls(str(path), path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise CallerError(f"{path}: not UTF-8: byte {error.start}") from None
        except OSError as error:
            raise CallerError(f"{path}: {error.strerror}") from None

    def error(self, path: str, message: str, node: yaml.Node | None = None) -> CallerError:
        """Return an error at a node, or at the line where the nearest key above ``path`` was read."""
        line = node.start_mark.line + 1 if node is not None else None
        above = path
        while line is None and above:
            line = self.lines.get(above)
            above = above.rpartition("[" if above.endswith("]") else ".")[0]
        return CallerError(f"{self.name}:{line or 1}: {path + ': ' if path else ''}{message}")

    def read(self, kind: type[T], base: T | None = None) -> T:
        """Return the whole file as a ``kind``."""
        return typing.cast("T", self.value(self.root, kind, "", base))

    def pairs(self, node: yaml.Node, path: str) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return the keys of a mapping with their nodes and their values'; a key twice is an error."""
        if not isinstance(node, yaml.MappingNode):
            raise self.error(path, f"{_shown(node)} is not a mapping (key: value)", node)
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.error(path, "a key must be a word", key)
            if key.value in found:
                first = found[key.value][0].start_mark.line + 1
                raise self.error(path, f"key {key.value!r} is here twice, first in line {first}", key)
            found[key.value] = (key, value)
            self.lines[_join(path, key.value)] = key.start_mark.line + 1
        return found

    def value(self, node: yaml.Node, kind: Any, path: str, base: Any = None, field: str = "") -> Any:
        """Return a node as a value of the type ``kind``; ``field`` is the name that says the unit."""
        origin, args = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType):
            if isinstance(node, yaml.ScalarNode) and type(None) in args and node.value in ("", "null", "none", "~"):
                return None
            choices = [a for a in args if a is not type(None)]
            if len(choices) == 1:
                return self.value(node, choices[0], path, base, field)
            if all(dataclasses.is_dataclass(c) for c in choices):
                return self._chosen(node, choices, path)
            for choice in choices:  # a word, or a list of them
                if (typing.get_origin(choice) is tuple) == isinstance(node, yaml.SequenceNode):
                    return self.value(node, choice, path, base, field)
            raise self.error(path, f"{_shown(node)} is not what goes here", node)
        if kind is yaml.Node:
            return node
        if dataclasses.is_dataclass(kind):
            return self._dataclass(node, kind, path, base)
        if origin is tuple:
            if not isinstance(node, yaml.SequenceNode):
                raise self.error(path, f"{_shown(node)} is not a list", node)
            for i, n in enumerate(node.value):
                self.lines[f"{path}[{i}]"] = n.start_mark.line + 1
            return tuple(self.value(n, args[0], f"{path}[{i}]", None, field) for i, n in enumerate(node.value))
        if origin is dict:
            have = dict(base or {})
            for key, (key_node, value) in self.pairs(node, path).items():
                name = self.value(key_node, args[0], _join(path, key))
                have[name] = self.value(value, args[1], _join(path, key), have.get(name))
            return have
        if not isinstance(node, yaml.ScalarNode):
            raise self.error(path, "one value is wanted here, not a list or a mapping", node)
        return self._scalar(node, kind, path, field)

    def _scalar(self, node: yaml.ScalarNode, kind: Any, path: str, field: str) -> Any:
        text = node.value
        quantity = units.kind_of(field)
        if kind is int and text == "auto" and field:
            return AUTO
        if kind is int and quantity:
            try:
                return units.parse(text, quantity[1], quantity[2])
            except CallerError as error:
                raise self.error(path, str(error), node) from None
        if kind is bool:
            if text.lower() not in ("true", "false", "yes", "no", "on", "off"):
                raise self.error(path, f"{text!r} is not true or false", node)
            return text.lower() in ("true", "yes", "on")
        if kind in (int, float):
            try:
                number = int(text, 0) if kind is int else float(text)
            except ValueError:
                what = "an integer" if kind is int else "a number"
                raise self.error(path, f"{text!r:.60} is not {what}", node) from None
            if not -(1 << 63) < number < 1 << 63:
                raise self.error(path, f"{text!r:.60} is not within 2^63", node)
            return number
        if typing.get_origin(kind) is typing.Literal:
            if text not in typing.get_args(kind):
                raise self.error(path, f"{text!r:.60}{suggest(text, typing.get_args(kind))}", node)
            return text
        if isinstance(kind, type) and issubclass(kind, Enum):
            names = [str(e.value) for e in kind]
            if text not in names:
                raise self.error(path, f"{text!r:.60}{suggest(text, names)}", node)
            return kind(text)
        return text

    def _chosen(self, node: yaml.Node, choices: list[Any], path: str) -> Any:
        by_kind = {c.kind: c for c in choices}
        pairs = self.pairs(node, path)
        if "kind" not in pairs:
            raise self.error(path, f"key 'kind' is missing: one of {', '.join(by_kind)}", node)
        value = pairs["kind"][1]
        name = str(value.value) if isinstance(value, yaml.ScalarNode) else ""
        if name not in by_kind:
            raise self.error(_join(path, "kind"), f"{name!r:.60}{suggest(name, by_kind)}", value)
        return self._dataclass(node, by_kind[name], path, None)

    def _dataclass(self, node: yaml.Node, kind: Any, path: str, base: Any) -> Any:
        hints = typing.get_type_hints(kind)
        fields = {key_of(f.name): f for f in dataclasses.fields(kind) if f.init}
        pairs = self.pairs(node, path)
        known = [*(["kind"] if hasattr(kind, "kind") else []), *fields]
        values: dict[str, Any] = {}
        for key, (key_node, value) in pairs.items():
            if key == "kind" and "kind" in known:
                continue
            if key not in fields:
                raise self.error(path, f"unknown key {key!r:.60}{suggest(key, known)}", key_node)
            name = fields[key].name
            default = getattr(base, name) if base is not None else _default(fields[key])
            values[name] = self.value(value, hints[name], _join(path, key), default, name)
        for key, f in fields.items():
            if base is None and f.name not in values and _default(f) is dataclasses.MISSING:
                raise self.error(path, f"key {key!r} is missing", node)
        try:
            return dataclasses.replace(base, **values) if base is not None else kind(**values)
        except CallerError as error:
            raise self.error(path, str(error), node) from None


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else dataclasses.MISSING


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return f"{node.value!r:.60}"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def plain(value: Any, field: str = "") -> Any:
    """Return a value as YAML and JSON have it, keys and units as in a file: the inverse of reading."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = {"kind": value.kind} if hasattr(value, "kind") else {}
        return kind | {
            key_of(f.name): plain(getattr(value, f.name), f.name) for f in dataclasses.fields(value) if f.init
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v, field) for v in value]
    if isinstance(value, int) and not isinstance(value, bool):
        quantity = units.kind_of(field)
        if value == AUTO and field:
            return "auto"
        return units.show(value, quantity[1], quantity[2]) if quantity else value
    return value
