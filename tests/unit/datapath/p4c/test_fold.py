"""Arithmetic of constants against arithmetic written down another way: over bits, one at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.p4c.fold import MAX_INT_BITS, FoldError, arithmetic, concat, in_range, saturate, take_slice, wrap
from datapath.p4c.types import BitType, InfIntType, IntType

INT = InfIntType()
WIDTHS = st.integers(1, 70)
NUMBERS = st.integers(-(1 << 75), 1 << 75)


def bits(value: int, width: int) -> list[int]:
    """Return the bits of a number in two's complement, lowest first."""
    out = []
    for _ in range(width):
        out.append(value % 2)
        value = (value - value % 2) // 2
    return out


def number(found: list[int], signed: bool) -> int:
    """Return the number of some bits, lowest first."""
    total = sum(b * (1 << i) for i, b in enumerate(found))
    return total - (1 << len(found)) if signed and found[-1] else total


@given(NUMBERS, WIDTHS, st.booleans())
def test_wrapping_keeps_the_low_bits(value: int, width: int, signed: bool) -> None:
    t = IntType(width) if signed else BitType(width)
    assert wrap(value, t) == number(bits(value, width), signed)
    assert in_range(wrap(value, t), t)


@given(NUMBERS, WIDTHS, st.booleans())
def test_saturation_takes_the_nearest_value(value: int, width: int, signed: bool) -> None:
    t = IntType(width) if signed else BitType(width)
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    assert saturate(value, t) == (low if value < low else min(value, high))


@given(NUMBERS, NUMBERS, st.integers(1, 40), st.integers(1, 40))
def test_concatenation_puts_the_left_side_above(a: int, b: int, wide: int, narrow: int) -> None:
    joined = concat(wrap(a, BitType(wide)), wide, wrap(b, IntType(narrow)), narrow, BitType(wide + narrow))
    assert bits(joined, wide + narrow) == bits(b, narrow) + bits(a, wide)


@given(NUMBERS, st.integers(0, 60), st.integers(0, 60))
def test_a_slice_has_its_bits(value: int, hi: int, lo: int) -> None:
    hi, lo = max(hi, lo), min(hi, lo)
    assert take_slice(value, hi, lo) == number(bits(value, 80)[lo : hi + 1], False)


@given(NUMBERS, st.integers(0, 90), WIDTHS, st.booleans())
def test_shifts_move_bits_and_keep_the_sign(value: int, count: int, width: int, signed: bool) -> None:
    t = IntType(width) if signed else BitType(width)
    value = wrap(value, t)
    mine = bits(value, width)
    fill = mine[-1] if signed else 0
    assert arithmetic("<<", value, count, t) == number(([0] * count + mine)[:width], signed)
    assert arithmetic(">>", value, count, t) == number((mine + [fill] * count)[count:], signed)


@pytest.mark.parametrize(
    ("op", "a", "b", "text"),
    [
        ("/", 1, 0, "division by zero"),
        ("%", 1, 0, "division by zero"),
        ("/", -4, 2, "negative numbers"),
        ("<<", 1, -1, "negative number"),
        ("<<", 1, MAX_INT_BITS, "the limit of int"),
        ("*", 1 << MAX_INT_BITS - 1, 4, "the limit of int"),
    ],
)
def test_what_has_no_result_is_refused(op: str, a: int, b: int, text: str) -> None:
    with pytest.raises(FoldError, match=text):
        arithmetic(op, a, b, INT)
