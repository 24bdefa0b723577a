"""DCQCN's fixed point by its fluid model: what a packet-level run of N long flows through one link should come to.

Source: Zhu et al., "ECN or Delay: Lessons Learnt from Analysis of DCQCN and TIMELY", CoNEXT 2016, section 3.
"""

from dataclasses import dataclass
from math import exp, expm1, inf, log1p


@dataclass(frozen=True, slots=True)
class DcqcnModel:
    """DCQCN and its marking on one link that N flows share. Rates are of IP packets of ``mtu_bytes``."""

    rate_bps: float
    flows: int
    mtu_bytes: int
    ai_bps: float
    """R_AI, the additive increase."""
    kmin_bytes: float
    kmax_bytes: float
    pmax: float
    cut_gap_s: float = 50e-6
    """tau: at most one cut, and one CNP, in this time."""
    alpha_timer_s: float = 50e-6
    """tau': alpha decays once in this time."""
    increase_timer_s: float = 55e-6
    """T."""
    byte_counter_bytes: float = 10e6
    """B."""
    fast_recovery: int = 5
    """F: stages before the target rate grows."""

    @property
    def packets_per_s(self) -> float:
        """Return R: packets a second of one flow at its fair share."""
        return self.rate_bps / self.flows / (8 * self.mtu_bytes)


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Where increase and decrease are in balance."""

    p: float
    """Marking probability of a packet."""
    alpha: float
    queue_bytes: float | None
    """None: p is above pmax, so that no queue on the ramp gives it, and the rates go in a limit cycle."""


def _excess(m: DcqcnModel, p: float) -> float:
    """Return by how much decrease outweighs increase at this marking, as a ratio less 1; it grows with p."""
    rate = m.packets_per_s
    log_unmarked = log1p(-p)

    def marked_within(packets: float) -> float:
        return -expm1(packets * log_unmarked)

    def restarts(packets: float) -> float:
        """Return p / ((1 - p)^-packets - 1), without its overflow."""
        unmarked = exp(packets * log_unmarked)
        return p * unmarked / -expm1(packets * log_unmarked)

    counter = m.byte_counter_bytes / m.mtu_bytes
    period = m.increase_timer_s * rate
    by_bytes = restarts(counter)
    by_time = restarts(period)
    stages = by_bytes * (1 - marked_within(m.fast_recovery * counter)) + by_time * (
        1 - marked_within(m.fast_recovery * period)
    )
    cut = marked_within(m.cut_gap_s * rate) ** 2 * marked_within(m.alpha_timer_s * rate)
    ai_packets = m.ai_bps / (8 * m.mtu_bytes)
    increase = (by_bytes + by_time) * stages * m.cut_gap_s**2 * ai_packets * rate
    return cut / increase - 1 if increase else inf


def fixed_point(model: DcqcnModel) -> FixedPoint:
    """Solve for the marking probability by bisection.

    Raises:
        ValueError: there is no balance between 1e-9 and 0.999.
    """
    low, high = 1e-9, 0.999
    if _excess(model, low) > 0 or _excess(model, high) < 0:
        raise ValueError(f"DCQCN with R_AI {model.ai_bps:g} b/s and {model.flows} flows has no fixed point in (0, 1)")
    while high / low > 1 + 1e-12:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _excess(model, middle) < 0 else (low, middle)
    p = (low * high) ** 0.5
    ramp = model.kmax_bytes - model.kmin_bytes
    return FixedPoint(
        p=p,
        alpha=-expm1(model.alpha_timer_s * model.packets_per_s * log1p(-p)),
        queue_bytes=model.kmin_bytes + p / model.pmax * ramp if p <= model.pmax else None,
    )
