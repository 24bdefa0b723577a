"""Attributes: what a device is made with, what a queue pair can hold, how it is set up."""

from dataclasses import dataclass, field

from rdma_verbs.addr import GID, AHAttr
from rdma_verbs.congestion import CongestionControl
from rdma_verbs.enums import AccessFlags, Mtu, QpState, Recovery

__all__ = ["DeviceConfig", "QPAttr", "QPCap"]


_NO_ACCESS = AccessFlags(0)
_NO_CC = CongestionControl.none()


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """Limits and behaviour of a device. Zero means the engine's default; ``Context.config`` has them filled in."""

    seed: int = 0
    """Keys and first PSNs come from a generator with this seed."""
    node_guid: int = 0
    qpn_base: int = 0
    qpn_count: int = 0
    max_cq: int = 0
    max_srq: int = 0
    max_mr: int = 0
    max_pd: int = 0
    max_qp_wr: int = 0
    max_cqe: int = 0
    max_sge: int = 0
    max_inline: int = 0
    """Bytes."""
    max_rd_atomic: int = 0
    max_dm_size: int = 0
    """Bytes of device memory in all."""
    tx_window: int = 0
    """Packets outstanding per RC queue pair."""
    ack_every: int = 0
    """Packets of one message between two that ask for an ACK."""
    tx_burst: int = 0
    """Packets of one queue pair before the next one of its priority has its turn."""
    recovery: Recovery = Recovery.GO_BACK_N
    """How reliable queue pairs recover from loss."""
    rto_min_us: int = 0
    """The least adaptive timeout, microseconds."""
    rx_window: int = 0
    """Packets that a queue pair with selective repeat holds behind a gap; about one bandwidth-delay product."""
    reorder_pkts: int = 0
    """So many packets may overtake another before selective repeat takes that for lost."""
    max_mtu: Mtu | None = None
    sport: int = 0
    """UDP source port of every packet; 0: 0xC000 and a hash of both queue pair numbers."""
    gids: tuple[GID, ...] = ()
    cc: CongestionControl = _NO_CC
    """Congestion control of its RC and UC queue pairs; none."""


@dataclass(frozen=True, slots=True)
class QPCap:
    """Sizes of a queue pair: requests, pieces of memory a request, bytes of inline data."""

    max_send_wr: int = 64
    max_recv_wr: int = 64
    max_send_sge: int = 4
    max_recv_sge: int = 4
    max_inline_data: int = 0


@dataclass(frozen=True, slots=True)
class QPAttr:
    """State and attributes of a queue pair, as ``ibv_qp_attr``: ``modify`` reads those that its mask names."""

    qp_state: QpState = QpState.RESET
    cur_qp_state: QpState = QpState.RESET
    path_mtu: Mtu = Mtu.MTU_1024
    qkey: int = 0
    rq_psn: int = 0
    sq_psn: int = 0
    dest_qp_num: int = 0
    qp_access_flags: AccessFlags = _NO_ACCESS
    rate_limit: int = 0
    """Of what it sends, in kb/s of IP packets; 0: none. With it the pacer sends no two packets closer."""
    cap: QPCap = field(default_factory=QPCap)
    ah_attr: AHAttr = field(default_factory=AHAttr)
    pkey_index: int = 0
    en_sqd_async_notify: bool = False
    sq_draining: bool = False
    max_rd_atomic: int = 0
    """READs and atomics outstanding as initiator."""
    max_dest_rd_atomic: int = 0
    """READs and atomics outstanding as responder."""
    min_rnr_timer: int = 0
    """Code of the IBTA table (vol 1, 9.7.5.2.8), 0 to 31; 12 is 0.64 ms."""
    port_num: int = 1
    timeout: int = 0
    """The ACK timeout is 4.096 us * 2**timeout; 0: none."""
    retry_cnt: int = 0
    """0 to 7."""
    rnr_retry: int = 0
    """0 to 7; 7: for ever."""
