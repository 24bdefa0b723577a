"""Defaults, assignment, equality and bits of values."""

from typing import Any

import pytest

from datapath.p4c.evaluate.values import Header, Struct, Union, Varbit, assign, copy, default, equal, to_bytes
from datapath.p4c.types import (
    BitType,
    BoolType,
    Field,
    HeaderType,
    IntType,
    StackType,
    StructType,
    UnionType,
    VarbitType,
)

H = HeaderType("h_t", (Field("a", BitType(4)), Field("b", IntType(12)), Field("v", VarbitType(32))))
U = UnionType("u_t", (Field("x", H), Field("y", H)))
S = StructType("s_t", (Field("h", H), Field("u", U), Field("hs", StackType(H, 2)), Field("flag", BoolType())))


def header(a: int, b: int, valid: bool = True) -> Header:
    out = default(H)
    assert isinstance(out, Header)
    out.fields.update(a=a, b=b)
    out.valid = valid
    return out


def test_default_is_zero_and_invalid() -> None:
    s: Any = default(S)
    assert isinstance(default(S), Struct)
    assert s.fields["flag"] is False
    assert s.fields["h"].fields == {"a": 0, "b": 0, "v": Varbit()}
    assert not s.fields["h"].valid
    assert not s.fields["u"].valid
    assert [h.valid for h in s.fields["hs"].items] == [False, False]


def test_assignment_keeps_the_object_and_shares_nothing() -> None:
    s: Any = default(S)
    other: Any = default(S)
    inner = s.fields["hs"].items[1]
    other.fields["hs"].items[1].fields["a"] = 7
    assign(s, copy(other))
    assert s.fields["hs"].items[1] is inner
    assert inner.fields["a"] == 7
    other.fields["hs"].items[1].fields["a"] = 9
    assert inner.fields["a"] == 7


def test_a_header_of_a_union_makes_the_others_invalid() -> None:
    u: Any = default(U)
    assert isinstance(u, Union)
    assign(u.fields["x"], header(1, 2))
    assert (u.fields["x"].valid, u.fields["y"].valid) == (True, False)
    assign(u.fields["y"], header(3, 4))
    assert (u.fields["x"].valid, u.fields["y"].valid) == (False, True)
    assign(u.fields["x"], header(3, 4, valid=False))
    assert (u.fields["x"].valid, u.fields["y"].valid) == (False, True)


def test_assigning_a_union_keeps_the_one_that_is_valid() -> None:
    u: Any = default(U)
    v: Any = default(U)
    u.fields["y"].set_valid(True)
    assign(v, copy(u))
    assert [v.fields[n].valid for n in "xy"] == [False, True]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (header(1, 2), header(1, 2), True),
        (header(1, 2), header(1, 3), False),
        (header(1, 2, valid=False), header(1, 3, valid=False), True),
        (header(1, 2, valid=False), header(1, 2), False),
    ],
)
def test_equality_of_headers(left: Header, right: Header, same: bool) -> None:
    assert equal(left, right) is same


def test_equality_of_stacks_looks_at_every_element() -> None:
    a: Any = default(StackType(H, 2))
    b: Any = default(StackType(H, 2))
    a.next = 1
    assert equal(a, b)
    a.items[1].valid = True
    assert not equal(a, b)


def test_bits_are_packed_and_padded_behind() -> None:
    h = header(0xA, -1)
    h.fields["v"] = Varbit(0b101, 3)
    assert to_bytes(h, H) == bytes([0xAF, 0xFF, 0b10100000])
