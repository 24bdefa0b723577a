"""Python values as C structures and back. What does not fit a C field gets an error with a name."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeAlias

from datapath.errors import CallerError, DpuError, expect
from rdma_verbs._roce_cffi import ffi
from rdma_verbs.addr import GID, AHAttr
from rdma_verbs.attr import DeviceConfig, QPCap
from rdma_verbs.enums import AccessFlags, Recovery, WcFlags, WcOpcode, WcStatus, WrOpcode
from rdma_verbs.wr import SGE, WC, RecvWR, SendWR

if TYPE_CHECKING:
    from rdma_verbs.mw import MWBindInfo
    from rdma_verbs.srq import SrqAttr

Handle: TypeAlias = Any
"""A pointer into the engine; only the ``_native`` files look inside."""

_STATUS = {int(s): s for s in WcStatus}
_OPCODE = {int(o): o for o in WcOpcode}
_FLAGS = {f: WcFlags(f) for f in range(16)}


def set_number(what: str, raw: Any, name: str, value: object) -> None:
    try:
        setattr(raw, name, value)
    except (OverflowError, TypeError):
        bits = 8 * ffi.sizeof(_field_type(raw, name))
        raise CallerError(f"{what}: {name} {value!r} is not an unsigned integer of {bits} bits") from None


def _field_type(raw: Any, name: str) -> Any:
    kind = ffi.typeof(raw)
    return dict((kind.item if kind.kind == "pointer" else kind).fields)[name].type


def fill(what: str, raw: Any, items: Iterable[tuple[str, object]]) -> None:
    for name, value in items:
        set_number(what, raw, name, value)


def u32(what: str, name: str, value: int) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << 32:
        raise CallerError(f"{what}: {name} {value!r} is not an unsigned integer of 32 bits")
    return int(value)


def user_of(number: int) -> Handle:
    return ffi.cast("void *", number)


# Values to structs and back


def cap_items(cap: QPCap) -> Iterable[tuple[str, object]]:
    return ((f.name, getattr(cap, f.name)) for f in fields(cap))


def cap_of(raw: Any) -> QPCap:
    return QPCap(*(int(getattr(raw, f.name)) for f in fields(QPCap)))


def gid_of(raw: Any) -> GID:
    return GID(bytes(ffi.buffer(raw.b)))


def fill_ah(what: str, raw: Any, attr: AHAttr) -> None:
    raw.dgid.b = attr.dgid.raw
    for name in ("flow_label", "sgid_index", "traffic_class", "hop_limit", "sl", "port_num"):
        set_number(f"{what}: ah_attr", raw, name, getattr(attr, name))


def ah_attr_of(raw: Any) -> AHAttr:
    return AHAttr(
        dgid=gid_of(raw.dgid),
        sgid_index=raw.sgid_index,
        flow_label=raw.flow_label,
        traffic_class=raw.traffic_class,
        hop_limit=raw.hop_limit,
        sl=raw.sl,
        port_num=raw.port_num,
    )


def new_ah(attr: AHAttr) -> Handle:
    """Return a native copy of the attributes; UD work requests point to it."""
    raw = ffi.new("struct roce_ah_attr *")
    fill_ah("AH", raw, attr)
    return raw


def fill_config(raw: Any, config: DeviceConfig) -> None:
    what = "device"
    if not 1 <= len(config.gids) <= 16:
        raise CallerError(f"{what}: {len(config.gids)} GIDs are not between 1 and 16")
    unknown = int(config.recovery) & ~sum(Recovery)
    if unknown:
        raise CallerError(f"{what}: recovery {int(config.recovery):#x} holds unknown bits {unknown:#x}")
    if Recovery.OOO in config.recovery and Recovery.SELECTIVE_REPEAT not in config.recovery:
        raise CallerError(f"{what}: recovery OOO needs SELECTIVE_REPEAT")
    for f in fields(config):
        if f.name in ("gids", "cc"):
            continue
        value = getattr(config, f.name)
        set_number(what, raw, f.name, 0 if value is None else value)
    fill(f"{what}: cc", raw.cc, config.cc.numbers().items())
    raw.ngid = len(config.gids)
    for i, gid in enumerate(config.gids):
        raw.gid[i].b = gid.raw


def wc_of(raw: Any) -> WC:
    return WC(
        raw.wr_id,
        _STATUS[raw.status],
        # After an error the engine need not name an opcode that we know.
        _OPCODE.get(raw.opcode, WcOpcode.SEND),
        raw.vendor_err,
        raw.byte_len,
        raw.imm_data,
        raw.qp_num,
        raw.src_qp,
        _FLAGS.get(raw.wc_flags) or WcFlags(raw.wc_flags),
        raw.pkey_index,
        raw.sl,
        raw.timestamp_ps,
        raw.invalidated_rkey,
    )


def _fill_sges(what: str, raw: Any, at: int, sg: Sequence[SGE]) -> None:
    for i, sge in enumerate(sg, at):
        if type(sge) is not SGE:  # no message is made where none is needed
            expect(sge, SGE, f"{what}: sge {i - at}")
        piece = raw[i]
        try:
            piece.addr, piece.length, piece.lkey = sge.addr, sge.length, sge.lkey
        except (OverflowError, TypeError):
            fill(f"{what}: sge {i - at}", piece, (("addr", sge.addr), ("length", sge.length), ("lkey", sge.lkey)))


def fill_bind(what: str, raw: Any, info: "MWBindInfo") -> None:
    raw.mr = info.mr.handle if info.mr else ffi.NULL
    fill(f"{what}: bind", raw, (("addr", info.addr), ("length", info.length), ("access", int(info.access))))


def send_wrs(queue: str, wrs: Sequence[SendWR]) -> tuple[Any, list[object]]:
    """Return the C form of the requests, and what must live while it is used."""
    for i, wr in enumerate(wrs):
        expect(wr, SendWR, f"{queue}: send request {i}")
    raw = ffi.new("struct roce_send_wr[]", len(wrs))
    sges = ffi.new("struct roce_sge[]", sum(len(wr.sg) if wr.data is None else 1 for wr in wrs))
    kept: list[object] = [sges]
    at = 0
    for i, wr in enumerate(wrs):
        what = f"{queue}: send request {i}"
        out = raw[i]
        flags = int(wr.send_flags)
        count = len(wr.sg)
        if wr.data is not None:
            if count:
                raise CallerError(f"{what}: has both data and {count} SGEs")
            try:
                pin = ffi.from_buffer(wr.data)
            except (TypeError, ValueError, BufferError) as error:
                raise CallerError(f"{what}: data is {type(wr.data).__name__}: {error}") from None
            kept.append(pin)
            sges[at].addr, sges[at].length = int(ffi.cast("uintptr_t", pin)), len(pin)
            flags |= _INLINE
            count = 1
        elif flags & _INLINE:
            # The engine would read any address of the process: inline data comes as an object, never as a number.
            raise CallerError(f"{what}: INLINE takes its bytes from SendWR.data, not from SGEs")
        else:
            _fill_sges(what, sges, at, wr.sg)
        out.sg_list, out.num_sge = sges + at, count
        at += count
        if wr.ah is not None:
            out.ah = wr.ah.native
        if wr.mw is not None:
            out.mw = wr.mw.handle
        if wr.bind is not None:
            fill_bind(what, out.bind, wr.bind)
        if wr.opcode == WrOpcode.FLUSH:
            fill(what, out, ((name, getattr(wr, name)) for name in ("flush_type", "flush_level", "flush_length")))
        if wr.remote_srqn:
            set_number(what, out, "remote_srqn", wr.remote_srqn)
        if wr.invalidate_rkey:
            set_number(what, out, "invalidate_rkey", wr.invalidate_rkey)
        try:
            out.wr_id, out.opcode, out.send_flags, out.imm_data = wr.wr_id, wr.opcode, flags, wr.imm_data
            out.remote_addr, out.rkey = wr.remote_addr, wr.rkey
            out.compare_add, out.swap = wr.compare_add, wr.swap
            out.remote_qpn, out.remote_qkey = wr.remote_qpn, wr.remote_qkey
        except (OverflowError, TypeError):
            fill(what, out, ((name, getattr(wr, name)) for name in _SEND_NUMBERS))
    return raw, kept


def recv_wrs(queue: str, wrs: Sequence[RecvWR]) -> tuple[Any, list[object]]:
    for i, wr in enumerate(wrs):
        expect(wr, RecvWR, f"{queue}: receive request {i}")
    raw = ffi.new("struct roce_recv_wr[]", len(wrs))
    sges = ffi.new("struct roce_sge[]", sum(len(wr.sg) for wr in wrs))
    at = 0
    for i, wr in enumerate(wrs):
        what = f"{queue}: receive request {i}"
        out = raw[i]
        _fill_sges(what, sges, at, wr.sg)
        out.sg_list, out.num_sge = sges + at, len(wr.sg)
        at += len(wr.sg)
        set_number(what, out, "wr_id", wr.wr_id)
    return raw, [sges]


_INLINE = 8
_SEND_NUMBERS = (
    "wr_id",
    "opcode",
    "imm_data",
    "remote_addr",
    "rkey",
    "compare_add",
    "swap",
    "remote_qpn",
    "remote_qkey",
)


@contextmanager
def pinned(memory: memoryview | int | None) -> Iterator[tuple[Handle, object]]:
    """Give the address of memory, and what pins it, unless what is done with it fails.

    The traceback of a failure holds both, and a collection may clear a memoryview before its export and then crashes.
    """
    if not isinstance(memory, memoryview):
        yield ffi.cast("void *", memory or 0), None
        return
    pin = ffi.from_buffer(memory)
    try:
        yield pin, pin
    except DpuError:
        ffi.release(pin)
        raise


def start_of(where: Handle, iova: int | None, access: AccessFlags) -> int:
    """Return a region's first address."""
    address = int(ffi.cast("uintptr_t", where))
    start = 0 if access & AccessFlags.ZERO_BASED else address if iova is None else iova
    if not 0 <= start < 1 << 64:
        raise CallerError(f"MR: iova {start} is not a 64-bit address")
    return start


def raw_gid(gid: GID) -> Any:
    raw = ffi.new("struct roce_gid *")
    raw.b = gid.raw
    return raw


def raw_srq_attr(what: str, attr: "SrqAttr") -> Any:
    raw = ffi.new("struct roce_srq_attr *")
    fill(what, raw, ((f.name, getattr(attr, f.name)) for f in fields(attr)))
    return raw
