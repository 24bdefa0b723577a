"""Operators on fixed widths, by hand: language specification, 8.5 to 8.9."""

import pytest

from datapath.p4c.evaluate.interp import arithmetic
from datapath.p4c.evaluate.values import wrap
from datapath.p4c.types import BitType, BoolType, IntType

B8, I8, B128 = BitType(8), IntType(8), BitType(128)


@pytest.mark.parametrize(
    ("op", "left", "right", "type_", "result"),
    [
        ("+", 250, 10, B8, 4),
        ("+", 120, 10, I8, -126),
        ("-", 3, 5, B8, 254),
        ("-", -128, 1, I8, 127),
        ("*", 16, 17, B8, 16),
        ("*", -128, -1, I8, -128),
        ("/", 200, 7, B8, 28),
        ("%", 200, 7, B8, 4),
        ("|+|", 250, 10, B8, 255),
        ("|-|", 3, 5, B8, 0),
        ("|+|", 120, 10, I8, 127),
        ("|-|", -120, 10, I8, -128),
        ("|+|", -120, -10, I8, -128),
        ("<<", 1, 7, B8, 128),
        ("<<", 1, 8, B8, 0),
        ("<<", 1, 1 << 100, B8, 0),
        ("<<", 64, 1, I8, -128),
        (">>", 128, 7, B8, 1),
        (">>", 128, 8, B8, 0),
        (">>", -128, 3, I8, -16),
        (">>", -1, 200, I8, -1),
        (">>", 127, 200, I8, 0),
        ("&", -1, 15, I8, 15),
        ("^", -1, 1, I8, -2),
        ("+", (1 << 128) - 1, 2, B128, 1),
        ("<<", 1, 127, B128, 1 << 127),
        ("<", -1, 0, BoolType(), True),
        (">=", 255, 255, BoolType(), True),
    ],
)
def test_operator(op: str, left: int, right: int, type_: BitType | BoolType | IntType, result: int) -> None:
    assert arithmetic(op, left, right, type_) == result


@pytest.mark.parametrize(
    ("value", "type_", "result"), [(300, B8, 44), (-1, B8, 255), (255, I8, -1), (128, I8, -128), (-129, I8, 127)]
)
def test_wrap(value: int, type_: BitType | IntType, result: int) -> None:
    assert wrap(value, type_) == result
