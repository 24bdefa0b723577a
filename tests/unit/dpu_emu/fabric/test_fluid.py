"""DCQCN's fixed points against a table of an independent solver, to the digits that the table has."""

from dataclasses import replace

import pytest

from dpu_emu.fabric.fluid import DcqcnModel, fixed_point

PAPER_40G = DcqcnModel(
    rate_bps=40e9,
    flows=2,
    mtu_bytes=1000,
    ai_bps=40e6,
    kmin_bytes=5e3,
    kmax_bytes=200e3,
    pmax=0.01,
    alpha_timer_s=55e-6,
)
AT_100G = DcqcnModel(
    rate_bps=100e9, flows=2, mtu_bytes=1000, ai_bps=20e6, kmin_bytes=400e3, kmax_bytes=1600e3, pmax=0.2
)


@pytest.mark.parametrize(
    ("model", "flows", "p", "alpha", "queue_bytes"),
    [
        (PAPER_40G, 2, 7.77e-4, 0.1014, 20.2e3),
        (PAPER_40G, 4, 1.888e-3, 0.1218, 41.8e3),
        (PAPER_40G, 8, 4.552e-3, 0.1452, 93.8e3),
        (PAPER_40G, 10, 6.03e-3, 0.153, 122.6e3),
        (AT_100G, 2, 2.00e-4, 0.0605, 401e3),
        (AT_100G, 8, 1.20e-3, 0.0893, 407e3),
        (AT_100G, 32, 7.01e-3, 0.128, 442e3),
        (AT_100G, 64, 1.67e-2, 0.152, 500e3),
    ],
)
def test_the_table(model: DcqcnModel, flows: int, p: float, alpha: float, queue_bytes: float) -> None:
    found = fixed_point(replace(model, flows=flows))
    assert found.p == pytest.approx(p, rel=4e-3)
    assert found.alpha == pytest.approx(alpha, rel=4e-3)
    assert found.queue_bytes == pytest.approx(queue_bytes, rel=3e-3)


@pytest.mark.parametrize(("flows", "queue_bytes"), [(32, 569e3), (64, 795e3)])
def test_larger_packets_need_a_longer_queue(flows: int, queue_bytes: float) -> None:
    found = fixed_point(replace(AT_100G, flows=flows, mtu_bytes=4096))
    assert found.queue_bytes == pytest.approx(queue_bytes, rel=1e-3)


def test_sixteen_flows_at_40g_need_more_than_the_ramp_has() -> None:
    found = fixed_point(replace(PAPER_40G, flows=16))
    assert found.p == pytest.approx(1.09e-2, rel=3e-3)
    assert found.queue_bytes is None


def test_there_is_no_balance_of_what_does_not_grow() -> None:
    with pytest.raises(ValueError, match="1e-30 b/s and 2 flows"):
        fixed_point(replace(PAPER_40G, ai_bps=1e-30))
