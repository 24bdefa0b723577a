"""Queue pairs: the two ends of a conversation.

The verbs' own way is ``modify`` with a mask. ``connect`` walks RESET, INIT, RTR, RTS for a connected pair, given the
peer's ``endpoint``; ``start`` does it for UD.
"""

import dataclasses
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

from datapath.errors import CallerError, PeerError, expect
from rdma_verbs._native import Kind
from rdma_verbs.addr import GID, AHAttr
from rdma_verbs.ah import AH
from rdma_verbs.attr import QPAttr, QPCap
from rdma_verbs.cq import CQ
from rdma_verbs.enums import AccessFlags, Mtu, QpState, QpType
from rdma_verbs.enums import QpAttrMask as Mask
from rdma_verbs.mw import MW, MWBind
from rdma_verbs.resource import Resource
from rdma_verbs.srq import SRQ
from rdma_verbs.wr import RecvWR, SendWR

if TYPE_CHECKING:
    from rdma_verbs.pd import PD

T = TypeVar("T")

__all__ = ["MULTICAST_QPN", "QP", "QPEndpoint", "QPInitAttr"]

MULTICAST_QPN = 0xFFFFFF
"""The destination of what is sent to a multicast group."""

_ALL_ACCESS = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ | AccessFlags.REMOTE_ATOMIC

# Attributes that each transition needs besides the state (IBTA vol 1, 11.2.5.2).
_INIT = {
    QpType.RC: Mask.PKEY_INDEX | Mask.PORT | Mask.ACCESS_FLAGS,
    QpType.UC: Mask.PKEY_INDEX | Mask.PORT | Mask.ACCESS_FLAGS,
    QpType.UD: Mask.PKEY_INDEX | Mask.PORT | Mask.QKEY,
}
_RTR_UC = Mask.AV | Mask.PATH_MTU | Mask.DEST_QPN | Mask.RQ_PSN
_RTR = {
    QpType.RC: _RTR_UC | Mask.MAX_DEST_RD_ATOMIC | Mask.MIN_RNR_TIMER,
    QpType.UC: _RTR_UC,
    QpType.UD: Mask(0),
}
_RTS = {
    QpType.RC: Mask.SQ_PSN | Mask.TIMEOUT | Mask.RETRY_CNT | Mask.RNR_RETRY | Mask.MAX_QP_RD_ATOMIC,
    QpType.UC: Mask.SQ_PSN,
    QpType.UD: Mask.SQ_PSN,
}


@dataclass(frozen=True, slots=True)
class QPInitAttr:
    """What a queue pair is made with. ``recv_cq`` is ``send_cq`` if not given."""

    qp_type: QpType
    send_cq: CQ
    recv_cq: CQ | None = None
    cap: QPCap = field(default_factory=QPCap)
    sq_sig_all: bool = False
    """Every send request makes a completion, whatever its flags say."""
    srq: SRQ | None = None
    """Where receive requests come from, instead of a receive queue of its own."""


@dataclass(frozen=True, slots=True)
class QPEndpoint:
    """All that the other side must know to talk to a queue pair; to be exchanged by any means, as JSON for example."""

    gid: GID
    qpn: int
    psn: int
    """PSN of the first packet that this side sends."""
    mtu: Mtu
    """The largest path MTU that this side takes; the connection uses the smaller of both."""
    qkey: int = 0

    def to_json(self) -> str:
        """Return the endpoint as one line of JSON."""
        return json.dumps(dataclasses.asdict(self) | {"gid": str(self.gid), "mtu": self.mtu.bytes})

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the endpoint that ``to_json`` wrote, possibly on another machine.

        Raises:
            PeerError: it is not one.
        """
        try:
            plain: dict[str, Any] = json.loads(text)
            return cls(
                gid=GID.of(plain["gid"]),
                qpn=_number(plain, "qpn", 24),
                psn=_number(plain, "psn", 24),
                mtu=next(mtu for mtu in Mtu if mtu.bytes == plain["mtu"]),
                qkey=_number(plain, "qkey", 32),
            )
        except (ValueError, KeyError, TypeError, StopIteration, CallerError) as error:
            raise PeerError(f"QP endpoint {text[:200]!r}: {type(error).__name__} {error}") from None


class QP(Resource):
    """A queue pair. It holds its queues and its domain open; closing them closes it.

    ``psn`` is the PSN of its first packet, drawn from the device's seed if not given.

    Raises:
        CallerError: a size exceeds the device's limit, or ``psn`` 24 bits.
    """

    def __init__(self, pd: "PD", init_attr: QPInitAttr, *, psn: int | None = None) -> None:
        from rdma_verbs.pd import PD

        context = expect(pd, PD, "QP: pd").context
        expect(init_attr, QPInitAttr, "QP: init_attr")
        recv_cq = init_attr.recv_cq or init_attr.send_cq
        expect(init_attr.send_cq, CQ, "QP: send_cq")
        expect(recv_cq, CQ, "QP: recv_cq")
        for cq in (init_attr.send_cq, recv_cq):
            if cq.context is not context:
                raise CallerError(f"QP: {cq.name} belongs to {cq.context.name}, its PD to {context.name}")
        if init_attr.srq and init_attr.srq.context is not context:
            raise CallerError(
                f"QP: {init_attr.srq.name} belongs to {init_attr.srq.context.name}, its PD to {context.name}"
            )
        if psn is not None and not 0 <= psn <= 0xFFFFFF:
            raise CallerError(f"QP: psn {psn} exceeds 24 bits")
        try:
            self.qp_type = QpType(init_attr.qp_type)
        except ValueError:
            raise CallerError(f"QP: qp_type {init_attr.qp_type!r} is none of {[t.name for t in QpType]}") from None
        with context.engine as engine:
            number = engine.number()
            made, self.cap = engine.qp_create(
                pd.handle,
                init_attr.send_cq.handle,
                recv_cq.handle,
                self.qp_type,
                init_attr.cap,
                init_attr.sq_sig_all,
                number,
                init_attr.srq.handle if init_attr.srq else None,
            )
            self.qp_num = engine.qp_num(made)
            super().__init__(engine, Kind.QP, made, f"QP {self.qp_num}")
            engine.register(number, self)
        self.pd = pd
        self.context = context
        self.send_cq = init_attr.send_cq
        self.recv_cq = recv_cq
        self.srq = init_attr.srq
        self.psn = context.random_psn() if psn is None else psn
        self.qkey = 0
        self._groups: set[GID] = set()
        pd.adopt(self)
        self.send_cq.adopt(self)
        recv_cq.adopt(self)
        if self.srq:
            self.srq.adopt(self)

    @property
    def state(self) -> QpState:
        """The state it is in now; an error moves it by itself."""
        with self._engine as engine:
            return engine.qp_state(self.handle)

    @property
    def endpoint(self) -> QPEndpoint:
        """What the peer needs to ``connect`` to this queue pair."""
        context = self.context
        return QPEndpoint(context.gids[0], self.qp_num, self.psn, context.active_mtu, self.qkey)

    def counters(self) -> dict[str, int]:
        """Return its counters by all their names, which are those of the device (docs/counters.md)."""
        with self._engine as engine:
            return engine.qp_counters(self.handle)

    def query(self) -> QPAttr:
        """Return its state and attributes."""
        with self._engine as engine:
            return engine.qp_query(self.handle)

    def modify(self, attr: QPAttr, mask: Mask | int) -> None:
        """Set the attributes that ``mask`` names, usually with a new state.

        Raises:
            CallerError: the transition is illegal, lacks an attribute or has one too many, or a value is out of range.
        """
        if Mask(mask) & Mask.AV:
            self.context.reach(attr.ah_attr.dgid)
        with self._engine as engine:
            engine.qp_modify(self.handle, attr, int(mask))

    def modify_rate_limit(self, rate_limit: int, *, max_burst_sz: int = 0, typical_pkt_sz: int = 0) -> None:
        """Send at most ``rate_limit`` kb/s of IP packets from now on, 0: as fast as it goes; in RTS.

        As ``ibv_modify_qp_rate_limit``. READ responses count, ACKs do not. After a silence ``max_burst_sz`` bytes may
        go at once. Congestion control may be slower, not faster. ``typical_pkt_sz`` is a hint that is not needed here.

        Raises:
            CallerError: another state, a burst without a limit or above 2 MiB, or a number that does not fit.
        """
        with self._engine as engine:
            engine.qp_modify_rate_limit(self.handle, rate_limit, max_burst_sz, typical_pkt_sz)

    def attach_mcast(self, group: GID | str, lid: int = 0) -> None:
        """Receive what is sent to a group from now on; for UD. A second time does nothing.

        ``group`` is of ff00::/8 or 224.0.0.0/4. What is sent to a group has its address in the AH and ``remote_qpn``
        MULTICAST_QPN; every attached queue pair with the same Q_Key has a copy, those of the sender's device too.
        ``lid`` means nothing on RoCE.

        Raises:
            CallerError: not UD, or no group.
            DpuError: the device or the group has too many (ENOMEM).
        """
        gid, groups = GID.of(group), self.context.groups
        with self._engine as engine:
            engine.attach_mcast(self.handle, gid, lid)
            if groups and gid not in self._groups:
                groups.join(gid)
                self._groups.add(gid)
                engine.port_changed()

    def detach_mcast(self, group: GID | str, lid: int = 0) -> None:
        """Receive no more what is sent to a group.

        Raises:
            CallerError: it is not attached to it.
        """
        gid = GID.of(group)
        with self._engine as engine:
            engine.detach_mcast(self.handle, gid, lid)
            self._leave(gid)

    def _leave(self, group: GID) -> None:
        if self.context.groups and group in self._groups:
            self._groups.remove(group)
            self.context.groups.leave(group)
            self._engine.port_changed()

    def _on_closed(self) -> None:
        for group in list(self._groups):
            self._leave(group)

    def to_init(self, *, access: AccessFlags = _ALL_ACCESS, qkey: int = 0) -> None:
        """Go to INIT: receive requests can be posted. ``qkey`` counts for UD only."""
        attr = QPAttr(qp_state=QpState.INIT, qp_access_flags=access, qkey=qkey)
        self.modify(attr, Mask.STATE | _INIT[self.qp_type])
        self.qkey = qkey

    def to_rtr(
        self,
        remote: QPEndpoint | None = None,
        *,
        mtu: Mtu | None = None,
        min_rnr_timer: int = 12,
        max_dest_rd_atomic: int | None = None,
        ah_attr: AHAttr | None = None,
    ) -> None:
        """Go to RTR: packets are received. ``remote`` is needed for RC and UC.

        ``mtu`` is by default the smaller of both ends'; ``ah_attr`` replaces the path to ``remote``'s address, for
        a priority or a traffic class.

        Raises:
            CallerError: RC or UC without ``remote``, or as ``modify``.
        """
        if remote is not None:
            expect(remote, QPEndpoint, f"{self.name}: remote")
        attr = QPAttr(qp_state=QpState.RTR)
        if self.qp_type is not QpType.UD:
            if remote is None:
                raise CallerError(f"{self.name}: {self.qp_type.name} goes to RTR only with a remote endpoint")
            attr = dataclasses.replace(
                attr,
                ah_attr=ah_attr or AHAttr(dgid=remote.gid),
                path_mtu=mtu or min(remote.mtu, self.context.active_mtu),
                dest_qp_num=remote.qpn,
                rq_psn=remote.psn,
                min_rnr_timer=min_rnr_timer,
                max_dest_rd_atomic=self._rd_atomic(max_dest_rd_atomic),
            )
        self.modify(attr, Mask.STATE | _RTR[self.qp_type])

    def to_rts(
        self, *, timeout: int = 14, retry_cnt: int = 7, rnr_retry: int = 7, max_rd_atomic: int | None = None
    ) -> None:
        """Go to RTS: requests are sent. ``timeout`` is 4.096 us * 2**timeout (14: 67 ms); ``rnr_retry`` 7: for ever."""
        attr = QPAttr(
            qp_state=QpState.RTS,
            sq_psn=self.psn,
            timeout=timeout,
            retry_cnt=retry_cnt,
            rnr_retry=rnr_retry,
            max_rd_atomic=self._rd_atomic(max_rd_atomic),
        )
        self.modify(attr, Mask.STATE | _RTS[self.qp_type])

    def connect(
        self,
        remote: QPEndpoint,
        *,
        access: AccessFlags = _ALL_ACCESS,
        mtu: Mtu | None = None,
        timeout: int = 14,
        retry_cnt: int = 7,
        rnr_retry: int = 7,
        min_rnr_timer: int = 12,
        ah_attr: AHAttr | None = None,
    ) -> None:
        """Go from RESET or INIT to RTS, connected to ``remote``, which must do the same with this one's endpoint.

        Raises:
            CallerError: this is UD, or as ``modify``.
        """
        if self.qp_type is QpType.UD:
            raise CallerError(f"{self.name}: UD is not connected, use start() and an AH")
        if self.state is QpState.RESET:
            self.to_init(access=access)
        self.to_rtr(remote, mtu=mtu, min_rnr_timer=min_rnr_timer, ah_attr=ah_attr)
        self.to_rts(timeout=timeout, retry_cnt=retry_cnt, rnr_retry=rnr_retry)

    def start(self, *, qkey: int = 0x11111111) -> None:
        """Go from RESET to RTS; for UD.

        Raises:
            CallerError: this is not UD.
        """
        if self.qp_type is not QpType.UD:
            raise CallerError(f"{self.name}: {self.qp_type.name} must be connected, use connect()")
        self.to_init(qkey=qkey)
        self.to_rtr()
        self.to_rts()

    def drain(self) -> None:
        """Go to ERR; when this returns, every request that was posted has its completion in the queues.

        As the kernel's ``ib_drain_qp``: a request posted last marks the end of each queue, and its completion is taken
        out again. Memory and receives can be given back then. ``poll`` and ``wait`` find the completions as ever.

        Raises:
            DpuError: a completion queue overflowed.
        """
        if self.state is QpState.RESET:
            return  # nothing was posted, or it is forgotten
        marker = secrets.randbits(64)
        ah = AH(self.pd, AHAttr(dgid=self.context.gids[0])) if self.qp_type is QpType.UD else None
        with self._engine.lock:
            self.modify(QPAttr(qp_state=QpState.ERR), Mask.STATE)
            self._keep_completions(marker)  # makes room: a marker must not overflow a queue
            if self.cap.max_send_wr:
                self.post_send(SendWR(wr_id=marker, ah=ah))
            if self.cap.max_recv_wr:
                self.post_recv(RecvWR(wr_id=marker))
            self._keep_completions(marker)

    def _keep_completions(self, marker: int) -> None:
        for cq in {self.send_cq, self.recv_cq}:
            cq.keep(marker, self.qp_num)

    def post_send(self, wr: SendWR | Sequence[SendWR]) -> None:
        """Post one request or several, in order.

        Raises:
            QueueFullError: no room for one of them; ``error.posted`` were taken.
            PostError: one is illegal (state, opcode, sizes); likewise.
        """
        self._engine.tidy()
        with self._engine.lock:
            self._engine.post_send(self.handle, (wr,) if isinstance(wr, SendWR) else self._several(wr))

    def bind_mw(self, mw: MW, bind: MWBind) -> int:
        """Post a request that binds a window of type 1; returns the window's new key, good once that completes.

        Raises:
            QueueFullError: no room for it.
            PostError: the window is of type 2, or the state does not allow it.
        """
        with self._engine as engine:
            engine.bind_mw(self.handle, mw.handle, bind)
        return mw.rkey

    def post_recv(self, wr: RecvWR | Sequence[RecvWR]) -> None:
        """Post one receive request or several, in order; raises as ``post_send``."""
        self._engine.tidy()
        with self._engine.lock:
            self._engine.post_recv(self.handle, (wr,) if isinstance(wr, RecvWR) else self._several(wr))

    def _several(self, wrs: Sequence[T]) -> Sequence[T]:
        if not hasattr(wrs, "__len__") or not hasattr(wrs, "__getitem__"):
            raise CallerError(f"{self.name}: wr is {wrs!r:.60}, neither a request nor a sequence of them")
        return wrs

    def _rd_atomic(self, asked: int | None) -> int:
        return min(16, self.context.config.max_rd_atomic) if asked is None else asked


def _number(plain: dict[str, Any], name: str, bits: int) -> int:
    value = plain[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise ValueError(f"{name} {value!r} is not an unsigned integer of {bits} bits")
    return value
