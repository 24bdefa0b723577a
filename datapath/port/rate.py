"""A rate limit on any port."""

from dataclasses import dataclass

from datapath import _native
from datapath.port.base import Port

__all__ = ["Rate", "RatePort"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket for what is sent: ``rate_bps`` bits a second in the long run, ``burst_bytes`` at once."""

    rate_bps: int
    burst_bytes: int = 65536
    overhead_bytes: int = 38
    """Added to each frame's bytes from the IP header on; 38 is what Ethernet adds on the wire."""

    def around(self, port: Port) -> "RatePort":
        """Return ``port`` with this limit.

        Raises:
            CallerError: the rate is below 1000, or the burst too small for one frame.
        """
        return RatePort(port, self)


class RatePort(Port):
    """A port that sends at a limited rate."""

    def __init__(self, inner: Port, rate: Rate) -> None:
        inner.check_free()
        raw = _native.rate_new(inner.handle, rate.rate_bps, rate.burst_bytes, rate.overhead_bytes)
        super().__init__(raw, inner)

    def set(self, rate: Rate) -> None:
        """Change the limit; the bucket starts full."""
        with self.guard():
            _native.rate_set(self.handle, rate.rate_bps, rate.burst_bytes, rate.overhead_bytes)
