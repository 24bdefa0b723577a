"""Our options that go beyond IBTA meet a peer that knows nothing of them: Soft-RoCE sees plain RoCEv2.

The stage is that of :mod:`tests.e2e.ends`; our side is a process of its own, with the option.
"""

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from datapath.port import Direction
from rdma_verbs import wire
from rdma_verbs.wire import Packet
from tests import captures
from tests.e2e.dpu import DpuPeer
from tests.e2e.ends import Ends, Stage, ends_of, exchange
from tests.e2e.rxe import HOST_IPV4

SIDES = pytest.mark.parametrize("requester", ["ours", "rxe"], ids=lambda side: f"{side}-requests")
OURS = ipaddress.ip_address(HOST_IPV4)
ECT0, CE = 2, 3
SEQUENCE_ERROR = 0x60
EXTENSION_BIT = 0x40  # the first of the BTH's seven reserved bits after AckReq
ACK, CNP = 0x11, 0x81
CNP_DSCP = 48  # np_cnp_dscp of the set "nvidia"
BECN = 0x40


@contextmanager
def device(stage: Stage, requester: str, capture: Path, *options: str) -> Iterator[Ends]:
    """A device of ours with options and a capture, as one end."""
    with DpuPeer(stage.space, HOST_IPV4, ["--capture", str(capture), *options]) as ours:
        ends = ends_of(Stage(stage.space, stage.rxe, {4: ours}), requester, 4)
        yield ends
        ours.faults()
        ends.reset()
        assert ours.call("flush")["lost"] == 0


def from_us(capture: Path) -> list[tuple[Packet, bytes]]:
    """The packets that we sent, and the BTH of each."""
    sent = [ip for ip in captures.roce_packets(capture) if ip[12:16] == OURS.packed]
    return [(wire.parse(ip), ip[28:40]) for ip in sent]


@SIDES
@pytest.mark.parametrize(("loss", "size"), [(0.01, 700_000), (0.05, 200_000)])
def test_recovery_beyond_ibta_is_go_back_n_towards_rxe(
    stage: Stage, tmp_path: Path, requester: str, loss: float, size: int
) -> None:
    """All recovery options on, and loss: every byte as ever, sequence error NAKs, no manufacturer opcode."""
    capture = tmp_path / "ours.pcapng"
    options = "SELECTIVE_REPEAT,OOO,NAK_REARM,ADAPTIVE_TIMEOUT"
    with device(stage, requester, capture, "--recovery", options) as ends:
        for number, opcode in enumerate(("SEND_WITH_IMM", "RDMA_WRITE", "RDMA_READ")):
            ends.ours.faults(loss=loss, seed=number + 1)
            exchange(ends, "RC", opcode, [1, 3000, size, *[500] * 40], 1024, seed=number, timeout=15)
        lost = ends.ours.stats()["outer"]
        counters = ends.ours.counters()
    assert sum(count for name, count in lost.items() if name.startswith("fault_")) > 0
    sent = from_us(capture)
    assert {packet.opcode >> 5 for packet, _ in sent} == {0}, "RC of IBTA, nothing of ours"
    assert all(bth[8] & EXTENSION_BIT for _, bth in sent), "the option is on"
    naks = sum(packet.opcode == ACK and packet.syndrome == SEQUENCE_ERROR for packet, _ in sent)
    if requester == "rxe":
        assert 0 < naks <= counters["sent_naks"]
    else:
        assert counters["retransmitted_pkts"] > 0


@SIDES
def test_congestion_control_asks_nothing_of_rxe(stage: Stage, tmp_path: Path, requester: str) -> None:
    """DCQCN on, every data packet marked: rxe drops our CNPs and goes on; it sends us none, and we go on."""
    capture = tmp_path / "ours.pcapng"
    with device(stage, requester, capture, "--dcqcn", "1000") as ends:
        ends.ours.faults(marked=Direction.RX if requester == "rxe" else Direction.TX)
        # rxe says ECT if its address vector does; we say it by ourselves.
        tos = ECT0 if requester == "rxe" else 0
        for number, opcode in enumerate(("SEND_WITH_IMM", "RDMA_WRITE")):
            exchange(ends, "RC", opcode, [1, 3000, 300_000], 1024, seed=number, traffic_class=tos)
        counters = ends.ours.counters()
    sent = from_us(capture)
    cnps = [(packet, bth) for packet, bth in sent if packet.opcode == CNP]
    assert len(cnps) == counters["np_cnp_sent"]
    assert (counters["rp_cnp_handled"], counters["rp_cnp_ignored"]) == (0, 0)
    if requester == "ours":
        assert {packet.tos & CE for packet, _ in sent} == {CE}, "what we sent was ECT, and marked on its way"
        assert cnps == []
    else:
        assert counters["np_ecn_marked_roce_packets"] == counters["rcvd_pkts"]
        assert len(cnps) > 0
        assert all(packet.tos >> 2 == CNP_DSCP and bth[4] & BECN for packet, bth in cnps)
        assert {packet.dqpn for packet, _ in cnps} == {packet.dqpn for packet, _ in sent if packet.opcode == ACK}
