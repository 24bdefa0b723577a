"""RDMA over Converged Ethernet, version 2: the engine and its faces.

The names are those of rdma-core's pyverbs; ``docs/python-api.md`` shows them at work.
"""

from datapath.errors import CallerError, DpuError, PeerError
from datapath.port import Faults, Port, Rule
from rdma_verbs.addr import GID, AHAttr
from rdma_verbs.ah import AH
from rdma_verbs.attr import DeviceConfig, QPAttr, QPCap
from rdma_verbs.congestion import CcAlgorithm, CongestionControl
from rdma_verbs.cq import CQ
from rdma_verbs.device import HCA_CORE_CLOCK_KHZ, AsyncEvent, Context, RtValues
from rdma_verbs.dm import DM, DMMR, AllocDmAttr
from rdma_verbs.enums import (
    AccessFlags,
    AdviseMrAdvice,
    AdviseMrFlags,
    EventType,
    Mtu,
    MwType,
    PlacementType,
    QpAttrMask,
    QpState,
    QpType,
    Recovery,
    ReregMrFlags,
    SelectivityLevel,
    SendFlags,
    SrqAttrMask,
    SrqType,
    WcFlags,
    WcOpcode,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.errors import PostError, QueueFullError
from rdma_verbs.mr import MR, NullMR
from rdma_verbs.mw import MW, MWBind, MWBindInfo, inc_rkey
from rdma_verbs.pd import PD
from rdma_verbs.qp import MULTICAST_QPN, QP, QPEndpoint, QPInitAttr
from rdma_verbs.srq import SRQ, SrqAttr, SrqInitAttr
from rdma_verbs.virtual import VirtualNet
from rdma_verbs.wr import SGE, WC, RecvWR, SendWR
from rdma_verbs.xrcd import XRCD

__all__ = [
    "AH",
    "CQ",
    "DM",
    "DMMR",
    "GID",
    "HCA_CORE_CLOCK_KHZ",
    "MR",
    "MULTICAST_QPN",
    "MW",
    "PD",
    "QP",
    "SGE",
    "SRQ",
    "WC",
    "XRCD",
    "AHAttr",
    "AccessFlags",
    "AdviseMrAdvice",
    "AdviseMrFlags",
    "AllocDmAttr",
    "AsyncEvent",
    "CallerError",
    "CcAlgorithm",
    "CongestionControl",
    "Context",
    "DeviceConfig",
    "DpuError",
    "EventType",
    "Faults",
    "MWBind",
    "MWBindInfo",
    "Mtu",
    "MwType",
    "NullMR",
    "PeerError",
    "PlacementType",
    "Port",
    "PostError",
    "QPAttr",
    "QPCap",
    "QPEndpoint",
    "QPInitAttr",
    "QpAttrMask",
    "QpState",
    "QpType",
    "QueueFullError",
    "Recovery",
    "RecvWR",
    "ReregMrFlags",
    "RtValues",
    "Rule",
    "SelectivityLevel",
    "SendFlags",
    "SendWR",
    "SrqAttr",
    "SrqAttrMask",
    "SrqInitAttr",
    "SrqType",
    "VirtualNet",
    "WcFlags",
    "WcOpcode",
    "WcStatus",
    "WrOpcode",
    "inc_rkey",
]
