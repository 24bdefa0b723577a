"""Arithmetic of compile-time constants, exact as the language has it: ``int`` of any size, wrap-around, saturation.

Values are Python ints in the range of their type (see :mod:`ir`). Language specification, chapter 8.
"""

from datapath.p4c.types import BitType, InfIntType, IntType, Type

MAX_WIDTH = 8192
"""The widest ``bit``, ``int`` and ``varbit``; the reference compiler's limit is 2048."""

MAX_INT_BITS = 14_000
"""The largest ``int`` that the compiler computes with, in bits: Python writes no more than 4300 digits."""


class FoldError(Exception):
    """An operation on constants has no result; the text says why."""


def in_range(value: int, t: Type) -> bool:
    """Whether ``value`` is a value of ``t``."""
    match t:
        case BitType(width):
            return 0 <= value < 1 << width
        case IntType(width):
            return width > 0 and -(1 << width - 1) <= value < 1 << width - 1
    return True


def wrap(value: int, t: Type) -> int:
    """Return ``value`` modulo the range of ``t``."""
    match t:
        case BitType(width):
            return value & (1 << width) - 1
        case IntType(width):
            value &= (1 << width) - 1
            return value - (1 << width) if width and value >> width - 1 else value
    if value.bit_length() > MAX_INT_BITS:
        raise FoldError(f"the result takes {value.bit_length()} bits; the limit of int is {MAX_INT_BITS}")
    return value


def saturate(value: int, t: Type) -> int:
    """Return the value of ``t`` that is nearest to ``value``."""
    match t:
        case BitType(width):
            return min(max(value, 0), (1 << width) - 1)
        case IntType(width):
            return min(max(value, -(1 << width - 1)), (1 << width - 1) - 1)
    raise FoldError("saturation needs a width")


def unsigned(value: int, width: int) -> int:
    """Return the bits of a value."""
    return value & (1 << width) - 1


def _shift_left(value: int, count: int, t: Type) -> int:
    if not isinstance(t, InfIntType):
        return wrap(value << min(count, MAX_WIDTH + 1), t)
    if value and value.bit_length() + count > MAX_INT_BITS:
        raise FoldError(f"a shift by {count} makes more than {MAX_INT_BITS} bits, the limit of int")
    return value << count if value else 0


def arithmetic(op: str, a: int, b: int, t: Type) -> int:
    """Return ``a op b`` for operands of ``t`` (a shift's ``b`` may be of any type).

    Raises:
        FoldError: division by zero, negative shift and the like.
    """
    match op:
        case "+":
            return wrap(a + b, t)
        case "-":
            return wrap(a - b, t)
        case "*":
            return wrap(a * b, t)
        case "/" | "%":
            if b == 0:
                raise FoldError("division by zero")
            if a < 0 or b < 0:
                raise FoldError(f"'{op}' is not defined for negative numbers")
            return a // b if op == "/" else a % b
        case "|+|":
            return saturate(a + b, t)
        case "|-|":
            return saturate(a - b, t)
        case "&":
            return a & b
        case "|":
            return a | b
        case "^":
            return a ^ b
        case "<<" | ">>":
            if b < 0:
                raise FoldError(f"shift by a negative number ({b})")
            return _shift_left(a, b, t) if op == "<<" else a >> min(b, MAX_INT_BITS)
    raise FoldError(f"'{op}' is not arithmetic")


def compare(op: str, a: int, b: int) -> bool:
    """Return ``a op b`` of a relation."""
    match op:
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        case ">=":
            return a >= b
        case "==":
            return a == b
    return a != b


def concat(a: int, a_width: int, b: int, b_width: int, t: Type) -> int:
    """Return ``a ++ b`` as a value of ``t``."""
    return wrap(unsigned(a, a_width) << b_width | unsigned(b, b_width), t)


def take_slice(value: int, hi: int, lo: int) -> int:
    """Return bits ``hi`` down to ``lo``."""
    return value >> lo & (1 << hi - lo + 1) - 1
