"""The two-rate and single-rate three-colour markers (RFC 2698, RFC 2697), in whole units and picoseconds."""

from dataclasses import dataclass

GREEN, YELLOW, RED = 0, 1, 2

_SECOND_PS = 10**12


@dataclass(slots=True)
class Bucket:
    """Tokens up to ``burst``; ``rest`` is what the last division left of a token."""

    burst: int = 0
    tokens: int = 0
    rest: int = 0

    def fill(self, more: int) -> int:
        """Add tokens; returns those that had no room."""
        over = max(0, self.tokens + more - self.burst)
        self.tokens += more - over
        return over

    def made(self, rate: int, elapsed_ps: int) -> int:
        """Return the tokens that ``rate`` a second makes."""
        more, self.rest = divmod(rate * elapsed_ps + self.rest, _SECOND_PS)
        return more

    def take(self, size: int) -> bool:
        """Take tokens if there are so many."""
        if self.tokens < size:
            return False
        self.tokens -= size
        return True


class Meter:
    """Rates a second and bursts; with all of them zero everything is green."""

    def __init__(self) -> None:
        self.cir = self.pir = 0
        self.committed = Bucket()
        self.peak = Bucket()
        self.is_set = False
        self.last_ps = 0

    def set(self, cir: int, cbs: int, pir: int, pbs: int, now_ps: int) -> None:
        """Give it new rates; both buckets are full. ``pir`` 0: single rate, ``pbs`` the excess burst."""
        self.cir, self.pir = cir, pir
        self.committed, self.peak = Bucket(cbs, cbs), Bucket(pbs, pbs)
        self.is_set = bool(cir or cbs or pir or pbs)
        self.last_ps = now_ps

    def run(self, now_ps: int, size: int, colour: int | None = None) -> int:
        """Return the colour of ``size`` units now, no better than ``colour``."""
        before = GREEN if colour is None else min(colour, RED)
        if not self.is_set:
            return before
        elapsed = max(0, now_ps - self.last_ps)
        self.last_ps = max(self.last_ps, now_ps)
        over = self.committed.fill(self.committed.made(self.cir, elapsed))
        if self.pir:
            self.peak.fill(self.peak.made(self.pir, elapsed))
            if before == RED or not self.peak.take(size):
                return RED
            return GREEN if before == GREEN and self.committed.take(size) else YELLOW
        # RFC 2697: what the committed bucket cannot hold goes to the excess bucket.
        self.peak.fill(over)
        if before == GREEN and self.committed.take(size):
            return GREEN
        return YELLOW if before != RED and self.peak.take(size) else RED
