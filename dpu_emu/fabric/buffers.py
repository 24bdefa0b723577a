"""How much a lossless ingress group must hold after Xoff, so that nothing is lost."""

__all__ = ["headroom_bytes", "response_ps"]

# IEEE 802.3 31B.3.7: the longest time from a PFC frame's end to the pause, in quanta of 512 bits, by speed in Gb/s.
_QUANTA = {10: 67, 25: 80, 40: 118, 50: 147, 100: 394, 200: 453, 400: 905}


def response_ps(rate_bps: int) -> int:
    """Return the response time of a port; of a speed that the standard lacks, that of the next above it."""
    quanta = next((q for gbps, q in _QUANTA.items() if rate_bps <= gbps * 10**9), 905)
    return quanta * 512 * 10**12 // rate_bps


def headroom_bytes(
    rate_bps: int, delay_ps: int, wire_mtu: int, response: int, *, cell_bytes: int = 1, pipeline_ps: int = 0
) -> int:
    """Return what arrives after Xoff: two packets, the PFC frame, and the line's bytes of the loop's time.

    Cells are filled worst by packets of 64 bytes, or by those just longer than a cell.
    """
    loop = rate_bps * (2 * delay_ps + response + pipeline_ps)
    need = 2 * wire_mtu + 64 + -(-loop // (8 * 10**12))
    if cell_bytes <= 1:
        return need
    worst = max(-(-size // cell_bytes) * cell_bytes / size for size in (64, cell_bytes + 1) if size >= 64)
    return int(need * worst) + 2 * cell_bytes
