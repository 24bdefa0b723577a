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
from rdma_verbs._native import Handle, Kind
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
    from rdma_verbs.device import Context
    from rdma_verbs.pd import PD
    from rdma_verbs.xrcd import XRCD

T = TypeVar("T")

__all__ = ["MULTICAST_QPN", "QP", "QPEndpoint", "QPInitAttr"]

MULTICAST_QPN = 0xFFFFFF
"""The destination of what is sent to a multicast group."""

_ALL_ACCESS = (
    AccessFlags.LOCAL_WRITE
    | AccessFlags.REMOTE_WRITE
    | AccessFlags.REMOTE_READ
    | AccessFlags.REMOTE_ATOMIC
    | AccessFlags.FLUSH_GLOBAL
    | AccessFlags.FLUSH_PERSISTENT
)

# Attributes that each transition needs besides the state (IBTA vol 1, 11.2.5.2).
_INIT = {
    QpType.RC: Mask.PKEY_INDEX | Mask.PORT | Mask.ACCESS_FLAGS,
    QpType.UC: Mask.PKEY_INDEX | Mask.PORT | Mask.ACCESS_FLAGS,
    QpType.UD: Mask.PKEY_INDEX | Mask.PORT | Mask.QKEY,
    QpType.XRC_SEND: Mask.PKEY_INDEX | Mask.PORT | Mask.ACCESS_FLAGS,
    QpType.XRC_RECV: Mask.PKEY_INDEX | Mask.PORT | Mask.ACCESS_FLAGS,
}
_RTR_UC = Mask.AV | Mask.PATH_MTU | Mask.DEST_QPN | Mask.RQ_PSN
_RTR = {
    QpType.RC: _RTR_UC | Mask.MAX_DEST_RD_ATOMIC | Mask.MIN_RNR_TIMER,
    QpType.UC: _RTR_UC,
    QpType.UD: Mask(0),
    QpType.XRC_SEND: _RTR_UC,
    QpType.XRC_RECV: _RTR_UC | Mask.MAX_DEST_RD_ATOMIC | Mask.MIN_RNR_TIMER,
}
_RTS_RC = Mask.SQ_PSN | Mask.TIMEOUT | Mask.RETRY_CNT | Mask.RNR_RETRY | Mask.MAX_QP_RD_ATOMIC
_RTS = {
    QpType.RC: _RTS_RC,
    QpType.UC: Mask.SQ_PSN,
    QpType.UD: Mask.SQ_PSN,
    QpType.XRC_SEND: _RTS_RC,
    QpType.XRC_RECV: Mask.SQ_PSN | Mask.TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class QPInitAttr:
    """What a queue pair is made with. ``recv_cq`` is ``send_cq`` if not given."""

    qp_type: QpType
    send_cq: CQ | None = None
    """Needed by all but an XRC target, whose completions go to the queue of the SRQ that a request names."""
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

    ``domain`` is a ``PD``, for an XRC target an ``XRCD``.

    Raises:
        CallerError: a size exceeds the device's limit, or ``psn`` 24 bits; a part is missing, or another device's.
    """

    def __init__(self, domain: "PD | XRCD", init_attr: QPInitAttr, *, psn: int | None = None) -> None:
        expect(init_attr, QPInitAttr, "QP: init_attr")
        try:
            qp_type = QpType(init_attr.qp_type)
        except ValueError:
            raise CallerError(f"QP: qp_type {init_attr.qp_type!r} is none of {[t.name for t in QpType]}") from None
        parts = _parts(domain, qp_type, init_attr)
        if psn is not None and not 0 <= psn <= 0xFFFFFF:
            raise CallerError(f"QP: psn {psn} exceeds 24 bits")
        with domain.context.engine as engine:
            number = engine.number()
            made, self.cap = engine.qp_create(
                _handle(parts.pd),
                _handle(parts.send_cq),
                _handle(parts.recv_cq),
                qp_type,
                init_attr.cap,
                init_attr.sq_sig_all,
                number,
                _handle(parts.srq),
                _handle(parts.xrcd),
            )
            super().__init__(engine, Kind.QP, made, f"QP {engine.qp_num(made)}")
            engine.register(number, self)
        self._take(parts, qp_type, psn)

    @classmethod
    def open(cls, xrcd: "XRCD", qp_num: int) -> Self:
        """Return one more handle of an XRC target of the domain; the target lives until all are closed.

        Raises:
            CallerError: no target of the domain has this number.
        """
        qp = cls.__new__(cls)
        with xrcd.context.engine as engine:
            made = engine.qp_open(xrcd.handle, qp_num)
            Resource.__init__(qp, engine, Kind.QP, made, f"QP {qp_num}")
        qp.cap = QPCap(0, 0, 0, 0, 0)
        qp._take(_Parts(xrcd.context, xrcd=xrcd), QpType.XRC_RECV, None)  # noqa: SLF001 (its own class)
        return qp

    def _take(self, parts: "_Parts", qp_type: QpType, psn: int | None) -> None:
        self.qp_type = qp_type
        self._parts = parts
        self.context = parts.context
        self.srq = parts.srq
        self.psn = parts.context.random_psn() if psn is None else psn
        self.qkey = 0
        self._groups: set[GID] = set()
        with self._engine as engine:
            self.qp_num = engine.qp_num(self.handle)
        for owner in (parts.pd, parts.send_cq, parts.recv_cq, parts.srq, parts.xrcd):
            if owner:
                owner.adopt(self)

    @property
    def pd(self) -> "PD":
        """Its protection domain.

        Raises:
            CallerError: it is an XRC target, which has none.
        """
        return self._part(self._parts.pd, "protection domain")

    @property
    def send_cq(self) -> CQ:
        """Where its send requests complete.

        Raises:
            CallerError: it is an XRC target, which sends nothing.
        """
        return self._part(self._parts.send_cq, "send queue")

    @property
    def recv_cq(self) -> CQ:
        """Where its receive requests complete.

        Raises:
            CallerError: it is of XRC: receives complete to the queue of their ``SRQ``.
        """
        return self._part(self._parts.recv_cq, "receive queue")

    def _part(self, part: T | None, what: str) -> T:
        if part is None:
            raise CallerError(f"{self.name}: {self.qp_type.name} has no {what} of its own")
        return part

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
        """Go to RTR: packets are received. ``remote`` is needed for all but UD.

        ``mtu`` is by default the smaller of both ends'; ``ah_attr`` replaces the path to ``remote``'s address, for
        a priority or a traffic class.

        Raises:
            CallerError: no ``remote`` where one is needed, or as ``modify``.
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


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a queue pair is made of, as far as its service has it."""

    context: "Context"
    pd: "PD | None" = None
    send_cq: CQ | None = None
    recv_cq: CQ | None = None
    srq: SRQ | None = None
    xrcd: "XRCD | None" = None


def _parts(domain: "PD | XRCD", qp_type: QpType, init: QPInitAttr) -> _Parts:
    from rdma_verbs.pd import PD
    from rdma_verbs.xrcd import XRCD

    if qp_type is QpType.XRC_RECV:
        xrcd = expect(domain, XRCD, "QP: xrcd")
        return _Parts(xrcd.context, xrcd=xrcd)
    pd = expect(domain, PD, "QP: pd")
    send_cq = expect(init.send_cq, CQ, "QP: send_cq")
    recv_cq = None if qp_type is QpType.XRC_SEND else expect(init.recv_cq or send_cq, CQ, "QP: recv_cq")
    for part in (send_cq, recv_cq, init.srq):
        if part and part.context is not pd.context:
            raise CallerError(f"QP: {part.name} belongs to {part.context.name}, its PD to {pd.context.name}")
    return _Parts(pd.context, pd, send_cq, recv_cq, init.srq)


def _handle(part: Resource | None) -> Handle:
    return part.handle if part else None


def _number(plain: dict[str, Any], name: str, bits: int) -> int:
    value = plain[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise ValueError(f"{name} {value!r} is not an unsigned integer of {bits} bits")
    return value
