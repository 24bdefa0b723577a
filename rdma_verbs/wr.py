"""Work requests and work completions: values that say what a queue pair shall do, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rdma_verbs.enums import PlacementType, SelectivityLevel, SendFlags, WcFlags, WcOpcode, WcStatus, WrOpcode

if TYPE_CHECKING:
    from rdma_verbs.ah import AH
    from rdma_verbs.mw import MW, MWBindInfo

__all__ = ["SGE", "WC", "RecvWR", "SendWR"]


@dataclass(frozen=True, slots=True)
class SGE:
    """A piece of registered memory: ``length`` bytes at ``addr``, an address in the space of the region ``lkey``."""

    addr: int
    length: int
    lkey: int


@dataclass(frozen=True, slots=True)
class SendWR:
    """A request for the send queue.

    ``sg`` is what is sent, or where a READ or an atomic puts its result. ``data``, instead of ``sg``, is copied when
    the request is posted (an inline send), so it needs no region and may change at once; the limit is
    ``max_inline_data`` of the queue pair. ``imm_data`` is in host order. ``ah``, ``remote_qpn`` and ``remote_qkey`` are
    for UD; a ``remote_qkey`` with bit 31 set stands for the queue pair's own (IBTA vol 1, 10.2.5).
    """

    wr_id: int = 0
    opcode: WrOpcode = WrOpcode.SEND
    sg: Sequence[SGE] = ()
    send_flags: SendFlags = SendFlags.SIGNALED
    imm_data: int = 0
    remote_addr: int = 0
    rkey: int = 0
    compare_add: int = 0
    """Atomics: the value compared with, or the value added."""
    swap: int = 0
    ah: "AH | None" = None
    remote_qpn: int = 0
    remote_qkey: int = 0
    data: bytes | bytearray | memoryview | None = None
    invalidate_rkey: int = 0
    """SEND_WITH_INV: the peer's key that this takes back; LOCAL_INV: one's own."""
    mw: "MW | None" = None
    """BIND_MW: the window, of type 2; ``rkey`` is its new key."""
    bind: "MWBindInfo | None" = None
    remote_srqn: int = 0
    """XRC_SEND: the peer's XRC shared receive queue, ``SRQ.num`` there; every request names one."""
    flush_type: PlacementType = PlacementType.GLOBAL
    """FLUSH: to be visible to all, or persistent, or both."""
    flush_level: SelectivityLevel = SelectivityLevel.RANGE
    flush_length: int = 0
    """FLUSH of a range: bytes from ``remote_addr`` on. FLUSH of a region needs neither."""


@dataclass(frozen=True, slots=True)
class RecvWR:
    """A request for the receive queue: where the next message goes. UD puts 40 bytes of GRH before the message."""

    wr_id: int = 0
    sg: Sequence[SGE] = ()


@dataclass(frozen=True, slots=True)
class WC:
    """How a work request ended. With an error status only ``wr_id``, ``status``, ``vendor_err``, ``qp_num`` count."""

    wr_id: int
    status: WcStatus
    opcode: WcOpcode
    vendor_err: int
    byte_len: int
    """Bytes received or read; for UD with the 40 bytes of GRH."""
    imm_data: int
    """In host order; valid if ``wc_flags`` has WITH_IMM."""
    qp_num: int
    src_qp: int
    """UD receive: the sender's queue pair."""
    wc_flags: WcFlags
    pkey_index: int
    sl: int
    timestamp_ps: int
    """The device's time when the completion was made, in ps: see ``Context.query_rt_values``. A live device reads its
    clock once for each batch of packets."""
    invalidated_rkey: int = 0
    """The key that the peer's SEND_WITH_INV took back; valid if ``wc_flags`` has WITH_INV."""
