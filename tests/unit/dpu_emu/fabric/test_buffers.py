"""Headroom by speed and length, against the reference table (rows B5 to B9)."""

import pytest

from datapath.errors import CallerError
from dpu_emu.fabric.buffers import cable_ps, headroom_bytes, response_ps, sonic_xoff_bytes
from dpu_emu.fabric.describe import headroom_facts


@pytest.mark.parametrize(
    ("gbps", "quanta"), [(10, 67), (25, 80), (40, 118), (50, 147), (100, 394), (200, 453), (400, 905)]
)
def test_b5_response_is_the_standards(gbps: int, quanta: int) -> None:
    assert response_ps(gbps * 10**9) == quanta * 512 * 1000 // gbps


def test_b5_in_bytes_and_time() -> None:
    assert response_ps(100 * 10**9) == pytest.approx(2.02e6, rel=0.01)
    assert response_ps(400 * 10**9) == pytest.approx(1.16e6, rel=0.01)
    assert headroom_facts("100G", "0m", "1500", "1")["response_bytes"] == 25_216
    assert headroom_facts("400G", "0m", "1500", "1")["response_bytes"] == 57_920


@pytest.mark.parametrize(
    ("gbps", "metres", "kilobytes"),
    [
        *((100, 5, 44.3), (100, 40, 48.8), (100, 100, 56.3), (100, 300, 81.6)),
        *((400, 5, 78.9), (400, 40, 96.6), (400, 100, 126.9), (400, 300, 227.9), (400, 1000, 581.5)),
    ],
)
def test_b6_b7_headroom_by_length(gbps: int, metres: int, kilobytes: float) -> None:
    rate = gbps * 10**9
    assert headroom_bytes(rate, cable_ps(metres), 9216, response_ps(rate)) / 1000 == pytest.approx(kilobytes, abs=0.06)


def test_cells_and_a_pipeline_need_more() -> None:
    rate = 100 * 10**9
    bare = headroom_bytes(rate, 0, 4194, response_ps(rate))
    assert headroom_bytes(rate, 0, 4194, response_ps(rate), pipeline_ps=10**6) == bare + 12_500
    # A cell of 208 bytes holds 64: 3.25 times.
    assert headroom_bytes(rate, 0, 4194, response_ps(rate), cell_bytes=208) == int(bare * 3.25) + 416


def test_b9_sonics_cable_term_is_twice_the_round_trip() -> None:
    rate = 100 * 10**9
    near, far = (sonic_xoff_bytes(rate, m, 9216, cell_bytes=1, small_share=0) for m in (0, 100))
    assert far - near == pytest.approx(2 * (100e9 / 8) * 2 * 100 / 1.98e8, abs=4)
    assert near == 2 * 9216 + 25_216


def test_b8_vendors_take_two_to_four_times_as_much() -> None:
    """Arista 7060CX, cells of 208 bytes: 165,568 bytes at 5 m and 177,632 at 40 m."""
    for metres, vendor in ((5, 165_568), (40, 177_632)):
        rate = 100 * 10**9
        assert 2 <= vendor / headroom_bytes(rate, cable_ps(metres), 9216, response_ps(rate)) <= 4


def test_nothing_is_refused() -> None:
    with pytest.raises(CallerError, match="must be above 0"):
        headroom_facts("0G", "1m", "1500", "1")
