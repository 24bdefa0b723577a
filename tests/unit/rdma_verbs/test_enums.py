from enum import IntEnum, IntFlag

import pytest

from rdma_verbs import (
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
    WcFlags,
    WcOpcode,
    WcStatus,
    WrOpcode,
)
from rdma_verbs._native import ffi

ENUMS: list[tuple[type[IntEnum | IntFlag], str, str]] = [
    (QpType, "roce_qp_type", "ROCE_QPT_"),
    (QpState, "roce_qp_state", "ROCE_QPS_"),
    (Mtu, "roce_mtu", "ROCE_"),
    (MwType, "roce_mw_type", "ROCE_MW_"),
    (AccessFlags, "roce_access", "ROCE_ACCESS_"),
    (ReregMrFlags, "roce_rereg_mr_flags", "ROCE_REREG_MR_"),
    (AdviseMrAdvice, "roce_advise_mr_advice", "ROCE_ADVISE_MR_ADVICE_"),
    (AdviseMrFlags, "roce_advise_mr_flags", "ROCE_ADVISE_MR_FLAG_"),
    (QpAttrMask, "roce_qp_attr_mask", "ROCE_QP_"),
    (SrqAttrMask, "roce_srq_attr_mask", "ROCE_SRQ_"),
    (Recovery, "roce_recovery", "ROCE_RECOVERY_"),
    (WrOpcode, "roce_wr_opcode", "ROCE_WR_"),
    (PlacementType, "roce_placement_type", "ROCE_FLUSH_"),
    (SelectivityLevel, "roce_selectivity_level", "ROCE_FLUSH_"),
    (SendFlags, "roce_send_flags", "ROCE_SEND_"),
    (WcStatus, "roce_wc_status", "ROCE_WC_"),
    (WcOpcode, "roce_wc_opcode", "ROCE_WC_"),
    (WcFlags, "roce_wc_flags", "ROCE_WC_FLAG_"),
    (EventType, "roce_event_type", "ROCE_EVENT_"),
]


@pytest.mark.parametrize(("kind", "name", "prefix"), ENUMS, ids=[name for _, name, _ in ENUMS])
def test_members_are_those_of_the_header(kind: type[IntEnum | IntFlag], name: str, prefix: str) -> None:
    header = {key.removeprefix(prefix): value for key, value in ffi.typeof(f"enum {name}").relements.items()}
    header.pop("COUNT", None)
    ours = {key: int(value) for key, value in kind.__members__.items()}
    assert header.items() <= ours.items()


def test_mtu_in_bytes() -> None:
    assert [mtu.bytes for mtu in Mtu] == [256, 512, 1024, 2048, 4096]
