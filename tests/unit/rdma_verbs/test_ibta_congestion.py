"""Congestion notification on the wire: what marked packets and CNPs do to a queue pair."""

from collections.abc import Callable

import pytest

from rdma_verbs import CongestionControl, DeviceConfig, QpType
from rdma_verbs.wire import build
from tests.unit.rdma_verbs.wirepeer import PEER_QPN, WirePeer

MakePeer = Callable[..., WirePeer]
DCQCN = DeviceConfig(cc=CongestionControl.dcqcn("paper", max_rate=1000))
CE = 3


@pytest.mark.ibta("A17.9.3", "a marked packet is answered by a CNP to the peer's QP: BECN, 16 reserved bytes")
def test_cnp(make_peer: MakePeer) -> None:
    peer = make_peer(config=DCQCN, recvs=1)
    peer.send_raw(build(peer.packet("RC_SEND_ONLY", b"x", ackreq=True, tos=CE)))
    cnp = next(p for p in peer.collect() if p.opcode == 0x81)
    assert cnp.dqpn == PEER_QPN
    assert cnp.becn
    assert cnp.tos == 48 << 2
    assert cnp.payload == b""


@pytest.mark.ibta("A17.9.3", "without congestion control marks say nothing; CNPs are counted and ignored")
def test_cnp_ignored(make_peer: MakePeer) -> None:
    peer = make_peer(recvs=1)
    peer.send_raw(build(peer.packet("RC_SEND_ONLY", b"x", ackreq=True, tos=CE)))
    peer.send_raw(build(peer.packet("CNP")))
    assert [p.opcode for p in peer.collect()] == [0x11]
    counters = peer.context.counters()
    assert counters["rp_cnp_ignored"] == 1
    assert counters["rp_cnp_handled"] == counters["np_ecn_marked_roce_packets"] == counters["np_cnp_sent"] == 0
    assert peer.context.drops() == {}


@pytest.mark.ibta("A17.9.3", "a CNP for a UD QP is dropped and counted: there is no rate to cut")
def test_cnp_for_ud(make_peer: MakePeer) -> None:
    peer = make_peer(QpType.UD, config=DCQCN)
    peer.send_raw(build(peer.packet("CNP")))
    assert peer.collect() == []
    assert peer.context.drops() == {"bad_service": 1}
