"""An argument of a wrong sort gets an error that names the object and the argument, not whatever Python says later."""

from collections.abc import Callable
from typing import Any

import pytest

from datapath.errors import CallerError, PeerError
from rdma_verbs import (
    AH,
    CQ,
    MR,
    PD,
    QP,
    AccessFlags,
    AHAttr,
    QPEndpoint,
    QPInitAttr,
    QpType,
    RecvWR,
    SendWR,
    VirtualNet,
)

Wrong = Callable[[Any, Any, Any], object]

CASES: list[tuple[str, Wrong]] = [
    ("PD: context is None", lambda pd, cq, qp: PD(None)),  # type: ignore[arg-type]
    ("CQ: context is .*PD", lambda pd, cq, qp: CQ(pd)),
    ("QP: pd is <CQ", lambda pd, cq, qp: QP(cq, QPInitAttr(QpType.RC, cq))),
    ("QP: init_attr is 7", lambda pd, cq, qp: QP(pd, 7)),  # type: ignore[arg-type]
    ("QP: send_cq is None", lambda pd, cq, qp: QP(pd, QPInitAttr(QpType.RC, None))),
    ("QP: qp_type 99 is none of", lambda pd, cq, qp: QP(pd, QPInitAttr(99, cq))),  # type: ignore[arg-type]
    (r"QP \d+: remote is 'x'", lambda pd, cq, qp: qp.connect("x")),
    ("AH: attr is GID", lambda pd, cq, qp: AH(pd, pd.context.gids[0])),
    ("AH: pd is <CQ", lambda pd, cq, qp: AH(cq, AHAttr(dgid=pd.context.gids[0]))),
    (r"QP \d+: wr is None", lambda pd, cq, qp: qp.post_send(None)),
    (r"QP \d+: wr is None", lambda pd, cq, qp: qp.post_recv(None)),
    (r"QP \d+: send request 1 is .*RecvWR", lambda pd, cq, qp: qp.post_send([SendWR(), RecvWR()])),
    (r"QP \d+: receive request 0 is .*SendWR", lambda pd, cq, qp: qp.post_recv([SendWR()])),
    ("send request 0: sge 0 is 'x'", lambda pd, cq, qp: qp.post_send(SendWR(sg="x"))),  # type: ignore[arg-type]
    ("send request 0: data is str", lambda pd, cq, qp: qp.post_send(SendWR(data="x"))),  # type: ignore[arg-type]
    (r"CQ \d+: poll for is 'a'", lambda pd, cq, qp: cq.poll("a")),
    ("MR: pd is <CQ", lambda pd, cq, qp: MR(cq, 16, AccessFlags.LOCAL_WRITE)),
    ("MR: access 'w' is no combination", lambda pd, cq, qp: MR(pd, 16, "w")),  # type: ignore[arg-type]
    ("MR: cannot allocate 1180591620717411303424 bytes", lambda pd, cq, qp: MR(pd, 2**70, AccessFlags(0))),
    ("MR: cannot allocate 4611686018427387904 bytes", lambda pd, cq, qp: MR(pd, 2**62, AccessFlags(0))),
]


@pytest.mark.parametrize(("message", "wrong"), CASES)
def test_a_wrong_sort_of_argument_is_named(message: str, wrong: Wrong) -> None:
    a, _ = VirtualNet().pair()
    pd, cq = PD(a), CQ(a)
    qp = QP(pd, QPInitAttr(QpType.RC, cq))
    with pytest.raises(CallerError, match=message):
        wrong(pd, cq, qp)


@pytest.mark.parametrize("field", ["qpn", "psn", "qkey"])
def test_true_is_no_number_of_an_endpoint(field: str) -> None:
    text = f'{{"gid": "10.0.0.1", "qpn": 1, "psn": 1, "mtu": 1024, "qkey": 1, "{field}": true}}'
    with pytest.raises(PeerError, match=field):
        QPEndpoint.from_json(text)
