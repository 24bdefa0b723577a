"""DCQCN's fixed point agrees with the reference table within 1e-3."""

import pytest

from datapath.errors import CallerError
from dpu_emu.fabric.fluid import dcqcn_fixed_point, go_back_n_goodput


@pytest.mark.parametrize(
    ("flows", "p", "alpha", "queue_kb"),
    [(2, 7.77e-4, 0.1014, 20.2), (4, 1.888e-3, 0.1218, 41.8), (8, 4.552e-3, 0.1452, 93.8), (10, 6.03e-3, 0.153, 122.6)],
)
def test_paper_set_at_40g(flows: int, p: float, alpha: float, queue_kb: float) -> None:
    point = dcqcn_fixed_point(40e9, flows, mtu_bytes=1000, kmin_bytes=5e3, kmax_bytes=2e5, pmax=0.01, ai_bps=40e6)
    assert point.p == pytest.approx(p, rel=1e-3)
    assert point.alpha == pytest.approx(alpha, rel=2.5e-3)  # the table has four digits
    assert point.queue_bytes / 1e3 == pytest.approx(queue_kb, rel=2.5e-3)
    assert point.on_ramp


@pytest.mark.parametrize(
    ("mtu", "flows", "p", "queue_kb"),
    [
        *((1000, 2, 2.00e-4, 401), (1000, 8, 1.20e-3, 407), (1000, 32, 7.01e-3, 442), (1000, 64, 1.67e-2, 500)),
        *((4096, 32, None, 569), (4096, 64, None, 795)),
    ],
)
def test_scaled_set_at_100g(mtu: int, flows: int, p: float | None, queue_kb: float) -> None:
    point = dcqcn_fixed_point(
        100e9, flows, mtu_bytes=mtu, kmin_bytes=4e5, kmax_bytes=1.6e6, pmax=0.2, ai_bps=20e6, alpha_timer_s=50e-6
    )
    assert p is None or point.p == pytest.approx(p, rel=5e-3)
    assert point.queue_bytes / 1e3 == pytest.approx(queue_kb, rel=1.5e-3)


def test_too_many_flows_are_not_on_the_ramp() -> None:
    point = dcqcn_fixed_point(40e9, 16, mtu_bytes=1000, kmin_bytes=5e3, kmax_bytes=2e5, pmax=0.01, ai_bps=40e6)
    assert not point.on_ramp
    assert point.p == pytest.approx(1.09e-2, rel=5e-3)


def test_nothing_to_settle_is_refused() -> None:
    with pytest.raises(CallerError, match="no fixed point"):
        dcqcn_fixed_point(1e9, 5000, mtu_bytes=1000, kmin_bytes=5e3, kmax_bytes=2e5, pmax=0.01, ai_bps=40e9)


@pytest.mark.parametrize(
    ("w", "p", "goodput"), [(24, 1e-3, 0.9766), (96, 1e-2, 0.508), (1000, 1e-3, 0.500), (2992, 1e-3, 0.25)]
)
def test_go_back_n_model(w: float, p: float, goodput: float) -> None:
    assert go_back_n_goodput(p, w) == pytest.approx(goodput, abs=6e-4)
