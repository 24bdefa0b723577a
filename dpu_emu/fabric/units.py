"""Quantities with their units: ``100Gb/s``, ``5us``, ``2MB``, ``100km``, ``0.1%``, as exact integers.

Decimal prefixes are powers of 1000 (``2MB`` is 2,000,000 bytes), binary ones have an ``i`` (``64KiB``). Only a size may
be a bare number, of bytes.
"""

import re
from decimal import Decimal, InvalidOperation
from enum import Enum

from datapath.errors import CallerError

__all__ = ["Quantity", "kind_of", "parse", "show"]

_DIGITS = 40
_RATE = {"b/s": 1, "kb/s": 10**3, "Mb/s": 10**6, "Gb/s": 10**9, "Tb/s": 10**12}
_TIME = {"ps": 1, "ns": 10**3, "us": 10**6, "ms": 10**9, "s": 10**12}
_SIZE = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_LENGTH = {"m": 1, "km": 1000}


class Quantity(Enum):
    """What a number measures."""

    RATE = "rate"
    TIME = "time"
    SIZE = "size"
    LENGTH = "length"
    SHARE = "share"


_UNITS: dict[Quantity, dict[str, int]] = {
    Quantity.RATE: _RATE,
    Quantity.TIME: _TIME,
    Quantity.SIZE: _SIZE,
    Quantity.LENGTH: _LENGTH,
    Quantity.SHARE: {},
}
# Other spellings that files of the field have.
_SPELLINGS: dict[Quantity, dict[str, int]] = {
    Quantity.RATE: _RATE
    | {unit.replace("b/s", "bps"): n for unit, n in _RATE.items()}
    | {unit.replace("b/s", "bit/s"): n for unit, n in _RATE.items()}
    | {"M": 10**6, "G": 10**9, "T": 10**12, "Kb/s": 10**3, "Kbps": 10**3},
    Quantity.TIME: _TIME | {"µs": 10**6},
    Quantity.SIZE: _SIZE | {"KB": 10**3, "TB": 10**12},
    Quantity.LENGTH: _LENGTH,
    Quantity.SHARE: {},
}
_EXAMPLE = {
    Quantity.RATE: "100Gb/s",
    Quantity.TIME: "5us",
    Quantity.SIZE: "2MB",
    Quantity.LENGTH: "100km",
    Quantity.SHARE: "0.1%",
}

# A field's name ends with its unit: what it measures, and how many of its unit are one of the base unit.
_SUFFIXES: dict[str, tuple[Quantity, Decimal]] = {
    "_bps": (Quantity.RATE, Decimal(1)),
    "_mbps": (Quantity.RATE, Decimal("1e-6")),
    "_bytes": (Quantity.SIZE, Decimal(1)),
    "_ps": (Quantity.TIME, Decimal(1)),
    "_ns": (Quantity.TIME, Decimal("1e-3")),
    "_us": (Quantity.TIME, Decimal("1e-6")),
    "_m": (Quantity.LENGTH, Decimal(1)),
    "_e6": (Quantity.SHARE, Decimal(10**6)),
    "_e9": (Quantity.SHARE, Decimal(10**9)),
}


def kind_of(field: str) -> tuple[str, Quantity, Decimal] | None:
    """Return a field's name without its unit, what it measures and its scale; None: it has no unit."""
    for suffix, (quantity, scale) in _SUFFIXES.items():
        if field.endswith(suffix):
            return field.removesuffix(suffix), quantity, scale
    return None


def parse(text: object, quantity: Quantity, scale: Decimal = Decimal(1)) -> int:
    """Return what ``text`` says in base units (b/s, ps, bytes, m, share) times ``scale``, exactly.

    Raises:
        CallerError: no number, a unit of something else, or not a whole number then.
    """
    wanted = f"a {quantity.value} such as {_EXAMPLE[quantity]}"
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        raise CallerError(f"{text!r:.60} is not {wanted}")
    found = re.fullmatch(r"\s*([-+0-9.eE_]*[0-9.])\s*([^\d\s.]\S*)?\s*", str(text))
    try:
        number = Decimal(found[1].replace("_", "")) if found else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if found is None or not number.is_finite():
        raise CallerError(f"{text!r:.60} is not {wanted}")
    unit = found[2] or ""
    if quantity is Quantity.SHARE:
        if unit not in ("", "%"):
            raise CallerError(f"{text!r:.60}: {unit!r:.20} is not %, for {wanted}")
        number = number / 100 if unit else number
        factor = Decimal(1)
    elif unit == "" and number and quantity is not Quantity.SIZE:
        raise CallerError(f"{text!r:.60} has no unit; {wanted}, units {', '.join(_UNITS[quantity])}")
    elif unit and unit not in _SPELLINGS[quantity]:
        raise CallerError(f"{text!r:.60}: {unit!r:.20} is no unit of a {quantity.value}; {', '.join(_UNITS[quantity])}")
    else:
        factor = Decimal(_SPELLINGS[quantity].get(unit, 1))
    if number < 0:
        raise CallerError(f"{text!r:.60} is below 0")
    if number >= 1 << 63 or number * factor * scale >= 1 << 63:  # first: 1e999999 has a million digits
        raise CallerError(f"{text!r:.60} is 2^63 or more")
    value = number * factor * scale
    if value % 1:
        raise CallerError(f"{text!r:.60} is finer than {_finest(quantity, scale)}")
    return int(value)


def _finest(quantity: Quantity, scale: Decimal) -> str:
    step = (1 / scale).normalize()
    if quantity is Quantity.SHARE:
        return f"{step}"
    return show(int(step) if step >= 1 else 1, quantity)


def show(value: int, quantity: Quantity, scale: Decimal = Decimal(1)) -> str:
    """Return ``value`` with the largest decimal unit that shows it in two decimals; the inverse of ``parse``."""
    base = Decimal(value) / scale
    if quantity is Quantity.SHARE:
        return f"{(base * 100).normalize():f}%"
    units = [(n, unit) for unit, n in _UNITS[quantity].items() if "i" not in unit]
    short = [u for u in units if u[0] <= base and (base * 100 / u[0]) % 1 == 0]
    factor, unit = max(short, default=units[0])
    return f"{(base / factor).normalize():f}{unit}"
