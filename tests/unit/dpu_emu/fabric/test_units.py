"""Quantities with units: exact, and nothing is guessed."""

import pytest

from datapath.errors import CallerError
from dpu_emu.fabric.units import Quantity, parse, show


@pytest.mark.parametrize(
    ("text", "quantity", "value"),
    [
        ("100Gb/s", Quantity.RATE, 10**11),
        ("0.4 Tbps", Quantity.RATE, 4 * 10**11),
        ("400G", Quantity.RATE, 4 * 10**11),
        ("5us", Quantity.TIME, 5_000_000),
        ("0.001ms", Quantity.TIME, 1_000_000),
        ("2MB", Quantity.SIZE, 2_000_000),
        ("64KiB", Quantity.SIZE, 65536),
        (4096, Quantity.SIZE, 4096),
        ("1e3km", Quantity.LENGTH, 1_000_000),
        (0, Quantity.TIME, 0),
    ],
)
def test_text_is_a_number_of_base_units(text: object, quantity: Quantity, value: int) -> None:
    assert parse(text, quantity) == value
    assert parse(show(value, quantity), quantity) == value


@pytest.mark.parametrize(
    ("text", "quantity", "told"),
    [
        ("5", Quantity.TIME, "no unit"),
        ("5mus", Quantity.TIME, "'mus' is no unit of a time"),
        ("100GB", Quantity.RATE, "'GB' is no unit of a rate"),
        ("0.5ps", Quantity.TIME, "finer than 1ps"),
        ("-1ns", Quantity.TIME, "below 0"),
        ("fast", Quantity.RATE, "is not a rate such as 100Gb/s"),
        ("nan", Quantity.SHARE, "is not a share"),
        (True, Quantity.SIZE, "is not a size"),
        ("99999999s", Quantity.TIME, "2^63"),
        ("1e999999s", Quantity.TIME, "2^63"),
        ("1e99999999999999", Quantity.SIZE, "2^63"),
        ("1e-999999s", Quantity.TIME, "finer than 1ps"),
    ],
)
def test_what_is_no_quantity_is_refused(text: object, quantity: Quantity, told: str) -> None:
    with pytest.raises(CallerError, match=told.replace("^", r"\^")):
        parse(text, quantity)


def test_share_scales() -> None:
    from decimal import Decimal

    assert parse("0.1%", Quantity.SHARE, Decimal(10**9)) == 1_000_000
    assert show(200_000, Quantity.SHARE, Decimal(10**6)) == "20%"
