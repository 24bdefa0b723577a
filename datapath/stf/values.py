"""Values of STF keys to matches, and STF's names of key fields to a table's.

A value with ``*`` hides those digits. A ternary value in hexadecimal, octal or binary matches as many bits as it has
digits, a prefix without ``/`` as many bits from the top as it has digits before the ``*``: so do the tests' own.
"""

import re
from collections.abc import Sequence

from datapath.errors import CallerError
from datapath.p4c.info import FieldInfo
from datapath.pipeline.target import Match

_BITS = {"0x": 4, "0o": 3, "0b": 1}
_STACK = re.compile(r"\$([0-9]+)")


def parse_value(text: str) -> int:
    """Return a plain value: a number of any base, ``true``, ``false``, an IPv4 or a MAC address.

    Raises:
        CallerError: it is none.
    """
    lower = text.lower().replace("_", "")
    if lower in ("true", "false"):
        return int(lower == "true")
    try:
        if lower.count(".") == 3:
            parts = [int(p) for p in lower.split(".")]
            if all(0 <= p < 256 for p in parts):
                return int.from_bytes(bytes(parts), "big")
        elif lower.count(":") == 5:
            return int(lower.replace(":", ""), 16)
        elif lower.lstrip("-").isdigit():
            return int(lower)
        else:
            return int(lower, 0)
    except ValueError:
        pass
    raise CallerError(f"{text!r} is not a number")


def _fit(value: int, width: int) -> int:
    """A negative number is its two's complement."""
    return value & ((1 << width) - 1) if value < 0 else value


def _digits(text: str) -> tuple[int, int, int]:
    """Value, bits a digit, and mask of a number with ``*``."""
    lower = text.lower().replace("_", "")
    bits = _BITS.get(lower[:2], 0)
    if not bits:
        raise CallerError(f"{text!r}: '*' needs a number with 0x, 0o or 0b")
    digits = lower[2:]
    mask = 0
    for d in digits:
        mask = mask << bits | (0 if d == "*" else (1 << bits) - 1)
    return parse_value(lower[:2] + (digits.replace("*", "0") or "0")), bits, mask


def parse_match(field: FieldInfo, text: str) -> Match:
    """Return what ``text`` means for a key field.

    Raises:
        CallerError: it cannot be one.
    """
    width = field.width
    ones = (1 << width) - 1
    match field.kind:
        case "range":
            low, found, high = text.partition("->" if "->" in text else "..")
            if not found and set(text) == {"*"}:
                return Match(0, ones)
            first = _fit(parse_value(low), width)
            return Match(first, _fit(parse_value(high), width) if found else first)
        case "ternary":
            value, found, mask = text.partition("&&&")
            if found:
                return Match(_fit(parse_value(value), width), _fit(parse_value(mask), width))
            if set(text) == {"*"}:
                return Match(0, 0)
            if "/" in text:
                return _prefix(text, width)
            if text[:2].lower() in _BITS:
                number, _, bits = _digits(text)
                return Match(number, bits & ones)
        case "lpm":
            if "/" in text:
                return _prefix(text, width)
            if "&&&" in text:
                value, _, mask = text.partition("&&&")
                return Match(parse_value(value), parse_value(mask))
            if text[:2].lower() in _BITS:
                number, bits, _ = _digits(text)
                length = min(width, bits * (len(text) - 2 - text.count("*") - text.count("_")))
                return Match(number, ones ^ (ones >> length))
        case "optional":
            if set(text.lower().removeprefix("0x").removeprefix("0b")) == {"*"}:
                return Match(0, 0)
    if "*" in text:
        raise CallerError(f"'*' in {text!r}, but the field is {field.kind}")
    return Match(_fit(parse_value(text), width), ones)


def _prefix(text: str, width: int) -> Match:
    value, _, length_text = text.partition("/")
    length = parse_value(length_text)
    if not 0 <= length <= width:
        raise CallerError(f"{text!r}: a prefix of {length} bits, the field has {width}")
    ones = (1 << width) - 1
    number, _, _ = _digits(value) if "*" in value else (_fit(parse_value(value), width), 0, 0)
    return Match(number, ones ^ (ones >> length))


def any_match(field: FieldInfo) -> Match:
    """Return what a field that is not given matches: anything, or 0 where it must be exact."""
    ones = (1 << field.width) - 1
    return Match(0, ones if field.kind in ("exact", "range") else 0)


def _canonical(name: str) -> str:
    name = _STACK.sub(r"[\1]", name).removesuffix("$")
    for tail in (".isValid()", ".$valid", ".valid"):
        if name.endswith(tail):
            return name.removesuffix(tail) + ".$valid$"
    return "$valid$" if name in ("$valid", "valid") else name


def find_field(fields: Sequence[FieldInfo], name: str) -> int:
    """Return the index of the key field that ``name`` means.

    The whole name, or the last parts of one; ``h.x.$valid$`` and ``h.x`` are ``h.x.isValid()``, ``h$1`` is ``h[1]``.
    Last of all, the first part may be another: the tests know it by the name that the switch gave it.

    Raises:
        CallerError: none or several.
    """
    for i, f in enumerate(fields):
        if f.name == name:
            return i
    names = [_canonical(f.name) for f in fields]
    wanted = _canonical(name)
    dotted = wanted.replace("$valid$", "\0").replace("$", ".").replace("\0", "$valid$")
    rules = (
        lambda n: n == wanted,
        lambda n: n == wanted + ".$valid$",
        lambda n: n.endswith("." + wanted),
        lambda n: n.endswith("." + wanted + ".$valid$"),
        lambda n: n == dotted or n.endswith("." + dotted),
        lambda n: wanted.endswith("." + n),
        lambda n: n.partition(".")[2] not in ("", "$valid$") and wanted.endswith("." + n.partition(".")[2]),
        lambda n: n.partition(".")[2] not in ("", "$valid$") and n.partition(".")[2] == wanted.partition(".")[2],
    )
    for rule in rules:
        found = [i for i, n in enumerate(names) if rule(n)]
        if len(found) == 1:
            return found[0]
        if found:
            raise CallerError(f"key {name!r} is ambiguous: {', '.join(fields[i].name for i in found)}")
    raise CallerError(f"no key {name!r}; there are: {', '.join(f.name for f in fields) or 'none'}")
