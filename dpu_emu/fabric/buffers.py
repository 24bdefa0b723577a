"""How much a lossless ingress group must hold after Xoff, so that nothing is lost."""

__all__ = ["cable_ps", "headroom_bytes", "response_ps", "sonic_xoff_bytes"]

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


def cable_ps(length_m: int) -> int:
    """Return how long light takes through a cable: 1.98e8 m/s, as switch vendors count."""
    return length_m * 10**12 // 198_000_000


def sonic_xoff_bytes(
    rate_bps: int,
    length_m: int,
    wire_mtu: int,
    *,
    cell_bytes: int,
    gearbox_bytes: int = 0,
    mac_phy_bytes: int = 0,
    small_share: float = 1.0,
) -> int:
    """Return what SONiC's dynamic model takes for the same: its cable term is twice the round trip.

    ``small_share`` of the traffic is packets of 64 bytes, or of a byte more than a cell, whichever fills cells worse.
    """
    worst = cell_bytes / 64 if cell_bytes > 128 else 2 * cell_bytes / (1 + cell_bytes)
    factor = 1 - small_share + small_share * worst
    round_trip = rate_bps * 2 * cable_ps(length_m) // (8 * 10**12)
    peer = rate_bps * response_ps(rate_bps) // (8 * 10**12)
    return wire_mtu + int(factor * (wire_mtu + 2 * (round_trip + gearbox_bytes) + mac_phy_bytes + peer))
