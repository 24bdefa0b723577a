"""Soft-RoCE and our engine on a UDP socket, as the requester and the responder of a test.

    namespace                                                  guest (QEMU, Linux rdma_rxe)
    +----------------------------------------------+          +------------------------------+
    | dpu_peer.py: Context.open("10.77.0.1")       |   tap    | rxe0 on eth0                 |
    |              Faults > UDP socket, port 4791  +----------+   10.77.0.2, fd77::2         |
    | dpu_peer.py: Context.open("fd77::1")         | MTU 4300 |   rxe_peer.py: TCP 18515     |
    +----------------------------------------------+          +------------------------------+

One boot serves all tests. Each side executes the same commands, so a test is written once, for a requester and a
responder, and runs with our engine as either. Payload is a seed's pattern; digests are compared at the end.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from dpu_emu.lab.netns import Namespace
from tests.e2e.dpu import DpuPeer
from tests.e2e.rxe import (
    GUEST_IPV4,
    GUEST_IPV6,
    HOST_IPV4,
    HOST_IPV6,
    PeerAddress,
    PeerCompletion,
    PeerQp,
    RxePeer,
    VerbsPeer,
    gid_of,
    recv,
    send,
)

TAIL = 64  # bytes after what is written, which must stay zero


@dataclass(frozen=True)
class Stage:
    """What all tests share: the guest, and our process for each address family."""

    space: Namespace
    rxe: RxePeer
    ours: dict[int, DpuPeer]


@dataclass(frozen=True)
class Ends:
    """A requester and a responder with their addresses; one of them is ours."""

    requester: VerbsPeer
    responder: VerbsPeer
    requester_ip: str
    responder_ip: str
    ours: DpuPeer

    def connected(
        self,
        kind: str,
        mtu: int = 1024,
        psn: int = 0xFFFFF2,
        *,
        name: str = "q",
        far: dict[str, Any] | None = None,
        traffic_class: int = 0,
        **options: Any,
    ) -> tuple[PeerQp, PeerQp]:
        """Return new QPs of requester and responder that are connected; the requester's PSNs start at ``psn``.

        ``far`` is what the responder's is made with. The timeout is 0.5 s by default: an emulated guest on a busy
        machine may need 100 ms for a window of packets.
        """
        options = {"timeout": 17, **options}
        one, two = self.requester.create_qp(name, kind), self.responder.create_qp(name, kind, **far or {})
        at_one, at_two = (
            PeerAddress(gid_of(self.requester_ip), one.qpn, traffic_class),
            PeerAddress(gid_of(self.responder_ip), two.qpn, traffic_class),
        )
        back = 0x000100
        self.requester.connect(one, at_two, sq_psn=psn, rq_psn=back, mtu=mtu, own=self.requester_ip, **options)
        self.responder.connect(two, at_one, sq_psn=back, rq_psn=psn, mtu=mtu, own=self.responder_ip, **options)
        return one, two

    @property
    def ttl(self) -> int:
        """What becomes of hop limit 33: Linux replaces it by the route's (``rdma_addr_find_l2_eth_by_grh``)."""
        return 33 if self.requester is self.ours else 64

    def reset(self) -> None:
        """Destroy what was made on both ends."""
        self.requester.destroy_all()
        self.responder.destroy_all()


def ends_of(stage: Stage, requester: str, family: int) -> Ends:
    ours, rxe = stage.ours[family], stage.rxe
    host, guest = (HOST_IPV4, GUEST_IPV4) if family == 4 else (HOST_IPV6, GUEST_IPV6)
    return Ends(ours, rxe, host, guest, ours) if requester == "ours" else Ends(rxe, ours, guest, host, ours)


def statuses(completions: list[PeerCompletion]) -> list[str]:
    return [entry.status for entry in completions]


def exchange(ends: Ends, kind: str, opcode: str, sizes: list[int], mtu: int, seed: int, **options: Any) -> None:
    """One message of each size by ``opcode``, all posted at once; completions, order and every byte are checked."""
    qp, far = ends.connected(kind, mtu, **options)
    total = sum(sizes)
    offsets = [0, *accumulate(sizes)]
    mine = ends.requester.create_mr("m", total + TAIL)
    theirs = ends.responder.create_mr("m", total + TAIL)
    source, target = (theirs, mine) if opcode == "RDMA_READ" else (mine, theirs)
    giver, taker = (ends.responder, ends.requester) if opcode == "RDMA_READ" else (ends.requester, ends.responder)
    giver.write_pattern(source, 0, total, seed)
    consumes = opcode.startswith("SEND") or opcode.endswith("WITH_IMM")
    if consumes:
        empty = not opcode.startswith("SEND")
        pieces = [[] if empty else [theirs.sge(at, size)] for at, size in zip(offsets, sizes, strict=False)]
        ends.responder.post_recv(far, *(recv(1000 + i, *piece) for i, piece in enumerate(pieces)))
    requests = []
    for i, size in enumerate(sizes):
        fields: dict[str, Any] = {"imm": 0xCAFE_0000 + i} if opcode.endswith("WITH_IMM") else {}
        if opcode.startswith("RDMA"):
            fields |= {"remote_addr": theirs.addr + offsets[i], "rkey": theirs.rkey}
        requests.append(send(i, opcode, mine.sge(offsets[i], size), **fields))
    ends.requester.post_send(qp, *requests)
    sent = ends.requester.poll(qp.send_cq, len(sizes), timeout_ms=40000)
    assert [(entry.wr_id, entry.status) for entry in sent] == [(i, "SUCCESS") for i in range(len(sizes))]
    if consumes:
        received = ends.responder.poll(far.recv_cq, len(sizes))
        name = "RECV" if opcode.startswith("SEND") else "RECV_RDMA_WITH_IMM"
        assert [(entry.wr_id, entry.status, entry.opcode, entry.byte_len) for entry in received] == [
            (1000 + i, "SUCCESS", name, size) for i, size in enumerate(sizes)
        ]
        imms = [0xCAFE_0000 + i if opcode.endswith("WITH_IMM") else None for i in range(len(sizes))]
        assert [entry.imm for entry in received] == imms
    assert taker.digest(target, 0, total) == giver.digest(source, 0, total)
    assert taker.read_mr(target, total, TAIL) == bytes(TAIL)
    assert (ends.requester.qp_state(qp), ends.responder.qp_state(far)) == ("RTS", "RTS")
    ends.reset()
