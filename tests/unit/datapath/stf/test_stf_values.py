import pytest

from datapath.errors import CallerError
from datapath.p4c.info import FieldInfo
from datapath.pipeline.target import Match
from datapath.stf.values import any_match, find_field, parse_match, parse_value


def fields(*names: str) -> list[FieldInfo]:
    return [FieldInfo(i + 1, n, 8, "exact") for i, n in enumerate(names)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12), ("012", 12), ("0x1F", 31), ("0b101", 5), ("0o17", 15), ("true", 1), ("False", 0), ("-1", -1),
        ("10.0.0.1", 0x0A000001), ("00:11:22:33:44:ff", 0x0011223344FF), ("1_000", 1000),
    ],
)  # fmt: skip
def test_plain_value(text: str, value: int) -> None:
    assert parse_value(text) == value


@pytest.mark.parametrize("text", ["", "x", "0x", "1.2.3", "1.2.3.256", "0xg"])
def test_no_value(text: str) -> None:
    with pytest.raises(CallerError, match="is not a number"):
        parse_value(text)


@pytest.mark.parametrize(
    ("kind", "width", "text", "match"),
    [
        ("exact", 16, "0x12", (0x12, 0xFFFF)),
        ("exact", 8, "-1", (0xFF, 0xFF)),
        ("exact", 1, "true", (1, 1)),
        ("lpm", 32, "10.0.0.0/8", (0x0A000000, 0xFF000000)),
        ("lpm", 32, "0x0a000000/8", (0x0A000000, 0xFF000000)),
        ("lpm", 32, "0x0a0b****", (0x0A0B0000, 0xFFFF0000)),
        ("lpm", 32, "0x0a0b0c0d", (0x0A0B0C0D, 0xFFFFFFFF)),
        ("lpm", 8, "0b101*****", (0xA0, 0xE0)),
        ("lpm", 32, "7", (7, 0xFFFFFFFF)),
        ("lpm", 32, "0/0", (0, 0)),
        ("ternary", 16, "0x12**", (0x1200, 0xFF00)),
        ("ternary", 16, "0x*2*4", (0x0204, 0x0F0F)),
        ("ternary", 8, "0b1*0*", (0b1000, 0b1010)),
        ("ternary", 16, "0x1 &&& 0x3".replace(" ", ""), (1, 3)),
        ("ternary", 16, "0x1234", (0x1234, 0xFFFF)),
        ("ternary", 16, "0x12", (0x12, 0xFF)),
        ("ternary", 16, "5", (5, 0xFFFF)),
        ("ternary", 16, "*", (0, 0)),
        ("ternary", 9, "0x*ff", (0xFF, 0xFF)),
        ("ternary", 32, "10.0.0.0/8", (0x0A000000, 0xFF000000)),
        ("ternary", 1, "true", (1, 1)),
        ("range", 16, "3..0x10", (3, 16)),
        ("range", 16, "3->5", (3, 5)),
        ("range", 16, "7", (7, 7)),
        ("range", 16, "*", (0, 0xFFFF)),
        ("optional", 8, "5", (5, 0xFF)),
        ("optional", 8, "*", (0, 0)),
        ("optional", 8, "0x**", (0, 0)),
    ],
)
def test_match(kind: str, width: int, text: str, match: tuple[int, int]) -> None:
    assert parse_match(FieldInfo(1, "f", width, kind), text) == Match(*match)


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("exact", "0x1*", "but the field is exact"),
        ("lpm", "1/9", "a prefix of 9 bits, the field has 8"),
        ("ternary", "1*", "is exact|field is ternary"),
        ("ternary", "0x1&&&x", "'x' is not a number"),
        ("range", "1..x", "'x' is not a number"),
    ],
)
def test_no_match(kind: str, text: str, message: str) -> None:
    with pytest.raises(CallerError, match=message):
        parse_match(FieldInfo(1, "f", 8, kind), text)


def test_a_field_that_is_not_given() -> None:
    found = [any_match(FieldInfo(1, "f", 8, kind)) for kind in ("exact", "lpm", "ternary", "range", "optional")]
    assert found == [Match(0, 255), Match(0, 0), Match(0, 0), Match(0, 255), Match(0, 0)]


@pytest.mark.parametrize(
    ("names", "wanted", "index"),
    [
        (("h.a.x", "h.b.x"), "h.b.x", 1),
        (("h.a.x", "h.b.y"), "y", 1),
        (("h.a.x", "h.b.x"), "b.x", 1),
        (("h.s[0].x", "h.s[1].x"), "h.s$1.x", 1),
        (("h.s[0].x", "h.s[1].x"), "s$0.x", 0),
        (("h.a.isValid()", "h.b.isValid()"), "h.b.$valid$", 1),
        (("h.a.$valid$", "h.b.$valid$"), "b.isValid()", 1),
        (("h.a.isValid()", "h.b.x"), "a.valid", 0),
        (("h.b.x", "h.a.isValid()"), "valid", 1),
        (("h.b.x", "h.a.$valid$"), "h.a", 1),
        (("h.b.x", "h.c"), "h$c", 1),
        (("h.b.x", "h.c"), "headers.b.x", 0),
        (("meta.a", "h.c"), "scalars.meta.a", 0),
        (("ethernet.dst", "h.c"), "hdr.ethernet.dst", 0),
        (("x", "y.x"), "x", 0),
    ],
)
def test_field_of_that_name(names: tuple[str, ...], wanted: str, index: int) -> None:
    assert find_field(fields(*names), wanted) == index


def test_no_field_or_several_of_that_name() -> None:
    with pytest.raises(CallerError, match=r"no key 'z'; there are: h\.a, h\.b"):
        find_field(fields("h.a", "h.b"), "z")
    with pytest.raises(CallerError, match=r"key 'x' is ambiguous: h\.a\.x, h\.b\.x"):
        find_field(fields("h.a.x", "h.b.x"), "x")
