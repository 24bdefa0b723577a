"""DCQCN's fixed point by its fluid model: what N equal flows on one link settle at.

The model is that of Zhu et al. (CoNEXT 2016), for small signals: a queue that marks a share p of the packets, the
reaction point's two counters of increases, and its alpha. Rates are in packets a second inside.
"""

import math
from dataclasses import dataclass

from datapath.errors import CallerError

__all__ = ["FixedPoint", "dcqcn_fixed_point", "go_back_n_goodput"]


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Marked share, alpha and queue; ``on_ramp`` False: more than Pmax is needed, the queue oscillates above Kmax."""

    p: float
    alpha: float
    queue_bytes: float
    on_ramp: bool


def dcqcn_fixed_point(
    rate_bps: float,
    flows: int,
    *,
    mtu_bytes: int,
    kmin_bytes: float,
    kmax_bytes: float,
    pmax: float,
    ai_bps: float,
    cut_gap_s: float = 50e-6,
    alpha_timer_s: float = 55e-6,
    increase_timer_s: float = 55e-6,
    byte_counter_bytes: float = 10e6,
    stages: int = 5,
) -> FixedPoint:
    """Return the fixed point; with ``alpha_timer_s`` the decay of alpha without CNPs.

    Raises:
        CallerError: there is none below a marked share of 1.
    """
    packet = 8.0 * mtu_bytes
    rate = rate_bps / packet / flows
    ai = ai_bps / packet
    counter = byte_counter_bytes / mtu_bytes

    def alpha_at(p: float) -> float:
        return float(1 - (1 - p) ** (alpha_timer_s * rate))

    def stages_of(p: float, packets: float) -> tuple[float, float]:
        """Return increases a packet of a counter of so many packets: of all stages, and after fast recovery."""
        x = -packets * math.log1p(-p)
        every = p * math.exp(-x) / -math.expm1(-x)
        return every, every * math.exp(-x * stages)

    def excess(p: float) -> float:
        cut = float(1 - (1 - p) ** (cut_gap_s * rate))
        by_bytes, by_time = stages_of(p, counter), stages_of(p, increase_timer_s * rate)
        rise = (by_bytes[0] + by_time[0]) * (by_bytes[1] + by_time[1])
        return cut * cut * alpha_at(p) / rise - cut_gap_s**2 * ai * rate if rise else math.inf

    low, high = 1e-9, 0.5
    if excess(low) > 0 or excess(high) < 0:
        raise CallerError(f"DCQCN: no fixed point for {flows} flows at {rate_bps / 1e9:g} Gb/s")
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) > 0 else (middle, high)
    queue = kmin_bytes + low / pmax * (kmax_bytes - kmin_bytes)
    return FixedPoint(low, alpha_at(low), queue, low <= pmax)


def go_back_n_goodput(loss: float, in_flight: float) -> float:
    """Return the share of the link that go-back-N delivers when ``in_flight`` packets are resent for each lost one."""
    return (1 - loss) / (1 - loss + loss * in_flight)
