"""The words of the verbs: enumerations with the field's names and the values of ``ibv_*``.

Values that come out of the engine (``wc.status``, ``qp.state``) are members, never bare integers.
"""

from enum import IntEnum, IntFlag

__all__ = [
    "AccessFlags",
    "AdviseMrAdvice",
    "AdviseMrFlags",
    "EventType",
    "Mtu",
    "MwType",
    "PlacementType",
    "QpAttrMask",
    "QpState",
    "QpType",
    "Recovery",
    "ReregMrFlags",
    "SelectivityLevel",
    "SendFlags",
    "SrqAttrMask",
    "SrqType",
    "WcFlags",
    "WcOpcode",
    "WcStatus",
    "WrOpcode",
]


class QpType(IntEnum):
    """Transport service of a queue pair."""

    RC = 2
    UC = 3
    UD = 4
    XRC_SEND = 9
    XRC_RECV = 10


class QpState(IntEnum):
    """State of a queue pair (IBTA vol 1, 10.3.1)."""

    RESET = 0
    INIT = 1
    RTR = 2
    RTS = 3
    SQD = 4
    SQE = 5
    ERR = 6


class Mtu(IntEnum):
    """Path MTU as the wire and the verbs encode it; ``.bytes`` is the payload of a full packet."""

    MTU_256 = 1
    MTU_512 = 2
    MTU_1024 = 3
    MTU_2048 = 4
    MTU_4096 = 5

    @property
    def bytes(self) -> int:
        """Payload bytes of a full packet."""
        return 128 << self.value


class Recovery(IntFlag):
    """How reliable queue pairs recover from loss. ``GO_BACK_N`` alone is what the InfiniBand specification says."""

    GO_BACK_N = 0
    """Everything from the lost packet on is sent again, after one NAK or the queue pair's timeout (9.7.5, 9.7.6)."""
    NAK_REARM = 1
    """As responder, answer a resent stream that skips the expected PSN again by another NAK: no timeout for that."""
    ADAPTIVE_TIMEOUT = 2
    """As requester, time out by measured round trips (RFC 6298, doubled by each), at most the queue pair's timeout.

    Timeouts that are shorter than the queue pair's take no retry: a peer is dead no sooner than without."""
    RETRY_FOREVER = 4
    """Retries do not run out. For tests of liveness: a peer that is gone is never found out."""
    SELECTIVE_REPEAT = 8
    """Send again only what is lost, between devices that both have this option; with others go-back-N.

    As responder, hold what comes after a gap (``rx_window`` packets) and execute it in order, so that memory and
    completions show no difference. RC only. It sets a reserved bit of the BTH, by which the devices find each other."""
    OOO = 16
    """With ``SELECTIVE_REPEAT``: RDMA WRITEs are placed as they come, in any order; completions stay in order.

    For packets sprayed over many paths. Not for programs that poll the last byte of a buffer."""


class MwType(IntEnum):
    """Sort of a memory window (IBTA vol 1, 10.6.7.2)."""

    TYPE_1 = 1
    TYPE_2 = 2


class AccessFlags(IntFlag):
    """What may be done to a memory region, or by the peer through a queue pair. Local read is always allowed."""

    LOCAL_WRITE = 1
    REMOTE_WRITE = 2
    REMOTE_READ = 4
    REMOTE_ATOMIC = 8
    MW_BIND = 16
    ZERO_BASED = 32
    ON_DEMAND = 64
    HUGETLB = 128
    FLUSH_GLOBAL = 1 << 8
    FLUSH_PERSISTENT = 1 << 9
    RELAXED_ORDERING = 1 << 20


class ReregMrFlags(IntFlag):
    """What ``MR.rereg`` changes."""

    CHANGE_TRANSLATION = 1
    CHANGE_PD = 2
    CHANGE_ACCESS = 4


class AdviseMrAdvice(IntEnum):
    """What ``PD.advise_mr`` asks for: bring pages in, for reading, for writing, or only those that need no fault."""

    PREFETCH = 0
    PREFETCH_WRITE = 1
    PREFETCH_NO_FAULT = 2


class AdviseMrFlags(IntFlag):
    """How ``PD.advise_mr`` does it: it always waits for the pages, so ``FLUSH`` changes nothing."""

    FLUSH = 1


class QpAttrMask(IntFlag):
    """Which fields of a :class:`~rdma_verbs.qp.QPAttr` a call of ``modify`` means."""

    STATE = 1 << 0
    CUR_STATE = 1 << 1
    EN_SQD_ASYNC_NOTIFY = 1 << 2
    ACCESS_FLAGS = 1 << 3
    PKEY_INDEX = 1 << 4
    PORT = 1 << 5
    QKEY = 1 << 6
    AV = 1 << 7
    PATH_MTU = 1 << 8
    TIMEOUT = 1 << 9
    RETRY_CNT = 1 << 10
    RNR_RETRY = 1 << 11
    RQ_PSN = 1 << 12
    MAX_QP_RD_ATOMIC = 1 << 13
    ALT_PATH = 1 << 14
    MIN_RNR_TIMER = 1 << 15
    SQ_PSN = 1 << 16
    MAX_DEST_RD_ATOMIC = 1 << 17
    PATH_MIG_STATE = 1 << 18
    CAP = 1 << 19
    DEST_QPN = 1 << 20
    RATE_LIMIT = 1 << 25


class SrqAttrMask(IntFlag):
    """Which fields of a :class:`~rdma_verbs.srq.SrqAttr` a call of ``modify`` means."""

    MAX_WR = 1
    LIMIT = 2


class SrqType(IntEnum):
    """Who may serve a shared receive queue: queue pairs made with it, or every target of its XRC domain."""

    BASIC = 0
    XRC = 1


class WrOpcode(IntEnum):
    """What a send work request asks for."""

    RDMA_WRITE = 0
    RDMA_WRITE_WITH_IMM = 1
    SEND = 2
    SEND_WITH_IMM = 3
    RDMA_READ = 4
    ATOMIC_CMP_AND_SWP = 5
    ATOMIC_FETCH_AND_ADD = 6
    LOCAL_INV = 7
    BIND_MW = 8
    SEND_WITH_INV = 9
    FLUSH = 14
    ATOMIC_WRITE = 15


class SendFlags(IntFlag):
    """How a send work request is executed."""

    FENCE = 1
    SIGNALED = 2
    SOLICITED = 4
    INLINE = 8


class PlacementType(IntFlag):
    """How far data must have come before a FLUSH is answered (IBTA vol 1, A19)."""

    GLOBAL = 1
    PERSISTENT = 2


class SelectivityLevel(IntEnum):
    """What a FLUSH is about: a range, or the whole region of its key (IBTA vol 1, A19)."""

    RANGE = 0
    MR = 1


class WcStatus(IntEnum):
    """How a work request ended (``ibv_wc_status``). An error is data, not an exception."""

    SUCCESS = 0
    LOC_LEN_ERR = 1
    LOC_QP_OP_ERR = 2
    LOC_EEC_OP_ERR = 3
    LOC_PROT_ERR = 4
    WR_FLUSH_ERR = 5
    MW_BIND_ERR = 6
    BAD_RESP_ERR = 7
    LOC_ACCESS_ERR = 8
    REM_INV_REQ_ERR = 9
    REM_ACCESS_ERR = 10
    REM_OP_ERR = 11
    RETRY_EXC_ERR = 12
    RNR_RETRY_EXC_ERR = 13
    LOC_RDD_VIOL_ERR = 14
    REM_INV_RD_REQ_ERR = 15
    REM_ABORT_ERR = 16
    INV_EECN_ERR = 17
    INV_EEC_STATE_ERR = 18
    FATAL_ERR = 19
    RESP_TIMEOUT_ERR = 20
    GENERAL_ERR = 21


class WcOpcode(IntEnum):
    """What a completed work request did; meaningful when its status is success."""

    SEND = 0
    RDMA_WRITE = 1
    RDMA_READ = 2
    COMP_SWAP = 3
    FETCH_ADD = 4
    BIND_MW = 5
    LOCAL_INV = 6
    FLUSH = 8
    ATOMIC_WRITE = 9
    RECV = 128
    RECV_RDMA_WITH_IMM = 129


class WcFlags(IntFlag):
    """What else a completion carries."""

    GRH = 1
    WITH_IMM = 2
    WITH_INV = 8


class EventType(IntEnum):
    """Asynchronous events of a device."""

    CQ_ERR = 0
    QP_FATAL = 1
    QP_REQ_ERR = 2
    QP_ACCESS_ERR = 3
    COMM_EST = 4
    SQ_DRAINED = 5
    PORT_ACTIVE = 9
    PORT_ERR = 10
    SRQ_LIMIT_REACHED = 15
    QP_LAST_WQE_REACHED = 16
