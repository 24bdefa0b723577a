"""Congestion control of a device: which algorithm, and its parameters."""

from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Self

from datapath.errors import CallerError

__all__ = ["PAPER_NAMES", "CcAlgorithm", "CongestionControl"]

_U32 = (0, (1 << 32) - 1)
_MBPS_MAX = 10_000_000

PAPER_NAMES = {
    "R_AI": "rpg_ai_rate",
    "R_HAI": "rpg_hai_rate",
    "F": "rpg_threshold",
    "T": "rpg_time_reset",
    "B": "rpg_byte_reset",
    "K": "dce_tcp_rtt",
    "N": "np_min_time_between_cnps",
}
"""Names of Zhu et al., SIGCOMM 2015, which ``dcqcn()`` takes too, besides ``g``: 1 - dce_tcp_g/1024."""


class CcAlgorithm(IntEnum):
    """What limits a queue pair's rate and window."""

    NONE = 0
    WINDOW = 1
    DCQCN = 2


@dataclass(frozen=True, slots=True)
class CongestionControl:
    """Congestion control of the RC and UC queue pairs of a device; ``none``, ``window`` and ``dcqcn`` make one.

    From ``rpg_max_rate`` on, names and units are those of NVIDIA's adapters (mlx5, ``mlxconfig``): rates in Mb/s, here
    of IP packets, and times in microseconds.
    """

    algorithm: CcAlgorithm = CcAlgorithm.NONE
    window_bytes: int = 0
    """``WINDOW``: payload outstanding per RC queue pair; one packet always goes."""
    burst_bytes: int = 0
    """What a queue pair that was served late may catch up; 0: packets are never closer than the rate says."""
    rpg_max_rate: int = 0
    """Line rate, at which queue pairs begin."""
    rpg_min_rate: int = 0
    rpg_time_reset: int = 0
    """Increase timer (T); 0: none."""
    rpg_byte_reset: int = 0
    """Byte counter (B); 0: none."""
    rpg_threshold: int = 0
    """Stages of fast recovery (F)."""
    rpg_ai_rate: int = 0
    """Additive increase (R_AI)."""
    rpg_hai_rate: int = 0
    """Hyper increase (R_HAI)."""
    rate_reduce_monitor_period: int = 0
    """At most one cut in this time; 0: one for each CNP."""
    rpg_gd: int = 0
    """A cut is alpha * 1024 / 2**rpg_gd; 11: alpha / 2."""
    rpg_min_dec_fac: int = 0
    """Percent of the rate that a cut leaves at least."""
    rate_to_set_on_first_cnp: int = 0
    """Instead of the first cut; 0: cut."""
    clamp_tgt_rate: int = 0
    """1: every cut makes the current rate the target (the paper); 0: only one that follows an increase."""
    clamp_tgt_rate_after_time_inc: int = 0
    """1: an increase by the timer counts for that, too; 0: only one by the byte counter."""
    initial_alpha_value: int = 0
    """In 1/1024."""
    dce_tcp_g: int = 0
    """1 - g in 1/1024; 1020: g = 1/256."""
    dce_tcp_rtt: int = 0
    """Alpha decays once in this time without a CNP (K)."""
    np_min_time_between_cnps: int = 0
    """As receiver: between two CNPs of a queue pair (N); 0: one for each marked packet."""
    np_cnp_dscp: int = 0
    np_cnp_802p_prio: int = 0

    def __post_init__(self) -> None:
        for f in fields(self):
            low, high = _LIMITS.get(f.name, _U32) if self._limited(f.name) else _U32
            value = getattr(self, f.name)
            if not isinstance(value, int) or not low <= value <= high:
                raise CallerError(f"CongestionControl: {f.name} {value!r} is not an integer from {low} to {high}")
        if self.algorithm is not CcAlgorithm.DCQCN:
            return
        for name in ("rpg_min_rate", "rate_to_set_on_first_cnp"):
            if getattr(self, name) > self.rpg_max_rate:
                raise CallerError(
                    f"CongestionControl: {name} {getattr(self, name)} exceeds rpg_max_rate {self.rpg_max_rate}"
                )
        if not self.rpg_time_reset and not self.rpg_byte_reset:
            raise CallerError("CongestionControl: rpg_time_reset 0 and rpg_byte_reset 0, no rate would ever rise")

    def _limited(self, name: str) -> bool:
        """Whether the algorithm reads this parameter."""
        if name.startswith("window"):
            return self.algorithm is CcAlgorithm.WINDOW
        return name.startswith(("np_", "algorithm")) or self.algorithm is CcAlgorithm.DCQCN

    @classmethod
    def none(cls) -> Self:
        """Return: no limit, packets not marked, CNPs counted and ignored."""
        return cls()

    @classmethod
    def window(cls, window_bytes: int) -> Self:
        """Return a fixed window of payload bytes."""
        return cls(CcAlgorithm.WINDOW, window_bytes, np_min_time_between_cnps=50, np_cnp_dscp=48, np_cnp_802p_prio=6)

    @classmethod
    def dcqcn(cls, preset: str = "nvidia", *, max_rate: int, **changes: float) -> Self:
        """Return DCQCN with a set of parameters for a link of ``max_rate`` Mb/s, and ``changes`` to it.

        Sets: ``nvidia`` (defaults of mlx5), ``paper`` (SIGCOMM 2015, for 40 Gb/s), ``hpcc_dcqcn`` and
        ``hpcc_dcqcn_paper`` (what HPCC is compared with). ``changes`` go by the names of the fields or the paper's.

        Raises:
            CallerError: no such set or parameter, or a value that it cannot have.
        """
        from rdma_verbs._native_congestion import preset as preset_values
        from rdma_verbs._native_congestion import preset_names

        values = preset_values(preset, max_rate)
        if values is None:
            raise CallerError(f"CongestionControl: no set {preset!r}, there are {', '.join(preset_names())}")
        plain: dict[str, int] = {}
        for given, value in changes.items():
            name = "dce_tcp_g" if given == "g" else PAPER_NAMES.get(given, given)
            number = 1024 - 1024 * value if given == "g" else value
            if name not in values or name == "algorithm":
                raise CallerError(f"CongestionControl: no parameter {name!r}")
            if number != int(number):
                raise CallerError(f"CongestionControl: {name} {number} is not an integer")
            plain[name] = int(number)
        return cls(CcAlgorithm.DCQCN, **{name: n for name, n in (values | plain).items() if name != "algorithm"})

    def numbers(self) -> dict[str, int]:
        """Return the parameters by name."""
        return {name: int(value) for name, value in asdict(self).items()}


_LIMITS = {
    "algorithm": (0, max(CcAlgorithm)),
    "window_bytes": (1, _U32[1]),
    "rpg_max_rate": (1, _MBPS_MAX),
    "rpg_min_rate": (1, _MBPS_MAX),
    "rpg_ai_rate": (0, _MBPS_MAX),
    "rpg_hai_rate": (0, _MBPS_MAX),
    "rpg_gd": (10, 31),
    "rpg_min_dec_fac": (0, 100),
    "clamp_tgt_rate": (0, 1),
    "clamp_tgt_rate_after_time_inc": (0, 1),
    "initial_alpha_value": (1, 1024),
    "dce_tcp_g": (0, 1023),
    "dce_tcp_rtt": (1, _U32[1]),
    "np_cnp_dscp": (0, 63),
    "np_cnp_802p_prio": (0, 7),
}
