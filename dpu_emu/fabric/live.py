"""A switch of a fabric on the real clock: processes at its ports, real PFC frames and CE marks on the wire.

The same traffic manager with the same parameters as in the simulator, as a live switch between AF_UNIX datagram ports.
Its time is the clock's divided by ``dilation``, which the devices at its ports have to share
(``Context.over(port, address, dilation=...)``): at 100, a line of 100 Gb/s moves 1 Gb/s, and a control timer of 55 us
is 5.5 ms long. How late each frame left is measured; a run whose p99 of that exceeds its shortest control timer says
nothing about congestion.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from datapath.errors import CallerError
from dpu_emu._native_bridge import Bridge
from dpu_emu.fabric.plan import Plan

__all__ = ["Lateness", "LiveSwitch", "switch_parameters"]

ETHERNET_OVERHEAD_BYTES = 24
"""Preamble, FCS and gap: what a frame of the simulator's or ours takes on the wire besides its bytes."""
_MAC = bytes.fromhex("0200000000fe")
_DILATION_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late frames left, in the switch's time; percentiles are upper ends of buckets of powers of two."""

    sends: int
    p50_ns: int
    p99_ns: int
    max_ns: int

    @classmethod
    def of(cls, buckets: Sequence[int], max_ps: int) -> Self:
        """Return it from a histogram: bucket k counts 2**k to 2**(k + 1) - 1 nanoseconds."""
        total = sum(buckets)

        def percentile(part: float) -> int:
            seen = 0
            for k, count in enumerate(buckets):
                seen += count
                if count and seen >= part * total:
                    return min((2 << k) - 1, -(-max_ps // 1000))
            return 0

        return cls(total, percentile(0.5), percentile(0.99), -(-max_ps // 1000))


def switch_parameters(plan: Plan) -> tuple[dict[str, Any], int]:
    """Return what ``LiveSwitch`` takes as ``tm`` and ``rate_bps`` of the only switch of a scenario.

    Raises:
        CallerError: it has another number of switches, or its links have different rates.
    """
    if len(plan.switches) != 1 or len(plan.switches[0].nodes) != 1:
        count = sum(len(switch.nodes) for switch in plan.switches)
        raise CallerError(f"scenario: {count} switches; a live one stands for exactly 1")
    rates = {int(rate) for rate in plan.topology.links["rate_bps"]}
    if len(rates) != 1:
        raise CallerError(f"scenario: links of {sorted(rates)} bit/s; the ports of a live switch have one rate")
    return dict(plan.switches[0].native["tm"]), rates.pop()


class LiveSwitch:
    """A switch that joins AF_UNIX datagram ports until it is closed; a context manager.

    ``ports`` are, by port, the path that the switch binds and the path at the other end (a ``DgramPort``'s ``remote``
    and ``local``). ``tm`` has the fields of ``struct dp_tm_cfg``, as ``switch_parameters`` takes them from a scenario.
    Frames with an 802.1Q tag have its priority; others that of their DSCP in ``dscp_priorities``, 0 if it is not there.
    Addresses are learnt; ``addresses`` are known from the start. ``capture`` is a pcapng file with every frame that
    came in or left, an interface for each port.

    Raises:
        CallerError: a parameter is illegal; the message names it, its value and the limit.
        DpuError: a path or the capture's file cannot be had.
    """

    def __init__(
        self,
        ports: Sequence[tuple[str | os.PathLike[str], str | os.PathLike[str]]],
        tm: Mapping[str, Any],
        *,
        rate_bps: int,
        dilation: int,
        frame_bytes: int = 9216 + 18,
        dscp_priorities: Mapping[int, int] | None = None,
        addresses: Mapping[str, int] | None = None,
        capture: str | os.PathLike[str] | None = None,
        snaplen: int = 0,
    ) -> None:
        if not 1 <= dilation <= _DILATION_MAX:
            raise CallerError(f"switch: dilation {dilation} is not within 1 and {_DILATION_MAX}")
        dscp = [0] * 64
        for value, prio in (dscp_priorities or {}).items():
            if not (0 <= value < 64 and 0 <= prio < 8):
                raise CallerError(f"switch: priority {prio} of DSCP {value}: not within 0 and 7, or 0 and 63")
            dscp[value] = prio
        for what, path in [(f"port {i}", path) for i, pair in enumerate(ports) for path in pair] + [
            ("capture", capture)
        ]:
            if path is not None and b"\0" in os.fsencode(path):
                raise CallerError(f"switch: {what}: path {os.fspath(path)!r} has a 0 byte in it")
        self.dilation = dilation
        self.rate_bps = rate_bps
        self._bridge = Bridge(
            {
                "tm": {**tm, "nports": len(ports)},
                "rate_bps": rate_bps,
                "frame_bytes": frame_bytes,
                "overhead_bytes": ETHERNET_OVERHEAD_BYTES,
                "mac": list(_MAC),
                "dscp_prio": dscp,
            },
            [(os.fsencode(here), os.fsencode(there)) for here, there in ports],
            dilation=dilation,
            capture=None if capture is None else os.fsencode(capture),
            snaplen=snaplen,
        )
        try:
            for mac, port in (addresses or {}).items():
                self._bridge.set_address(bytes.fromhex(mac.replace(":", "")), port)
        except BaseException:
            self._bridge.close()
            raise

    def stats(self) -> dict[str, Any]:
        """Return all counters by their C names: of the loop, the switch and its traffic manager (``tm_...``)."""
        found = self._bridge.stats()
        plain = {name: value for name, value in found["bridge"].items() if name != "late_sends"}
        return found["live"] | plain | {f"tm_{name}": value for name, value in found["tm"].items()}

    def lateness(self) -> Lateness:
        """Return how late frames have left so far."""
        found = self._bridge.stats()["bridge"]
        return Lateness.of(found["late_sends"], found["late_max_ps"])

    def close(self) -> None:
        """Stop; counters stay readable."""
        self._bridge.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
