"""The only file of this package that touches cffi: C calls in, Python values and exceptions out.

``Engine`` is one device of the C engine together with what drives it (the live driver's thread and locks, or a
virtual-time net), the Python lock around both, and the graveyard: what was forgotten and waits to be released.

Locks. Python threads exclude each other by ``Engine.lock``; the contexts of one virtual net share theirs. Inside it
``with engine:`` takes the live driver's lock as well. No finalizer takes a lock: it may run anywhere, also between a
lock and its release on the same thread, so it only appends to the graveyard, which the next entry empties.
"""

import errno as _errno
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import fields
from enum import IntEnum
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from datapath import _native as _dp
from datapath.errors import CallerError, DpuError, from_errno
from datapath.port import Port
from rdma_verbs._native_counters import device_counters, queue_pair_counters
from rdma_verbs._native_fork import ForkedLock, Lock, watch_forks
from rdma_verbs._native_local import LocalPath
from rdma_verbs._native_values import (
    Handle,
    ah_attr_of,
    cap_items,
    cap_of,
    fill,
    fill_ah,
    fill_bind,
    fill_config,
    gid_of,
    pinned,
    raw_gid,
    raw_srq_attr,
    recv_wrs,
    send_wrs,
    set_number,
    start_of,
    u32,
    user_of,
    wc_of,
)
from rdma_verbs._roce_cffi import ffi, lib
from rdma_verbs.addr import GID, AHAttr
from rdma_verbs.attr import DeviceConfig, QPAttr, QPCap
from rdma_verbs.enums import AccessFlags, EventType, Mtu, QpState, QpType, Recovery
from rdma_verbs.errors import PostError, QueueFullError
from rdma_verbs.wr import SGE, WC, RecvWR, SendWR

if TYPE_CHECKING:
    from mmap import mmap

    from rdma_verbs.mw import MWBind
    from rdma_verbs.resource import Resource
    from rdma_verbs.srq import SrqAttr

__all__ = [
    "NEVER_PS",
    "Engine",
    "Event",
    "Handle",
    "Kind",
    "Net",
    "address_of",
    "ffi",
    "lib",
]

# Types cross between the two modules, so their static copies of the datapath library must be one build's.
_dp.check(lib.roce_build_check(_dp.new_build()), "rdma_verbs and datapath: modules of two builds, rebuild both")

NEVER_PS = (1 << 64) - 1
_POLL_AT_ONCE = 256


class Kind(IntEnum):
    """Sorts of objects in the order in which they can be released."""

    QP = 0
    SRQ = 1
    MW = 2
    MR = 3
    DM = 4
    CQ = 5
    PD = 6
    XRCD = 7


class Event(NamedTuple):
    """An asynchronous event as the engine tells it."""

    type: EventType
    num: int
    number: int
    """What ``Engine.number`` gave the object at its creation."""


class Net:
    """A virtual-time net and the devices that it runs; their memory lives as long as this object."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.raw = _not_null(lib.roce_vnet_new(), "virtual net")
        self._devices: list[Handle] = []
        self._graveyards: list[deque[tuple[Kind, Handle, object]]] = []
        self.on_work: list[Callable[[], None]] = []
        """Called when a device of this net was given something to do."""
        weakref.finalize(self, _free_net, self.raw, self._devices, self._graveyards)

    @property
    def now_ps(self) -> int:
        """Virtual time since the net was made."""
        return int(lib.roce_vnet_now_ps(self.raw))

    def __enter__(self) -> Self:
        self.lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lock.release()

    def join(self, device: Handle, port: Port, graveyard: deque[tuple[Kind, Handle, object]]) -> None:
        """Give the net a device and its port. What is in ``graveyard`` lives until the device is freed."""
        self._devices.append(device)
        self._graveyards.append(graveyard)
        result = lib.roce_vnet_join(self.raw, device, port.take(self))
        if result < 0:
            raise from_errno(result, "virtual net: cannot join a device")

    def run(self, cqs: Sequence[Handle], until_ps: int, max_events: int) -> int:
        """Run events until ``until_ps``, or until one of ``cqs`` holds an entry. Returns how many.

        Raises:
            DpuError: ``max_events`` ran and the end was not reached (ELOOP).
        """
        if cqs:
            result = lib.roce_vnet_run_cqe(
                self.raw, ffi.new("struct roce_cq *[]", list(cqs)), len(cqs), until_ps, max_events
            )
        else:
            result = lib.roce_vnet_run(self.raw, until_ps, max_events)
        if result == -_errno.ELOOP:
            raise DpuError(
                f"virtual net: {max_events} events ran and time is only {self.now_ps // 1000} ns", _errno.ELOOP
            )
        if result < 0:
            raise from_errno(result, "virtual net: run")
        return int(result)


class Engine:
    """One device, its driver, the locks around it, and what waits to be released."""

    def __init__(self, config: DeviceConfig, net: Net | None = None) -> None:
        self.net = net
        self.lock: Lock = net.lock if net else threading.RLock()
        self.forked = False
        """Whether this is a live device's copy in a process that was forked off: nothing can be done with it."""
        self._depth = 0
        self._live: Handle = None
        self._numbers = 0
        self._objects: weakref.WeakValueDictionary[int, Resource] = weakref.WeakValueDictionary()
        self._graveyard: deque[tuple[Kind, Handle, object]] = deque()
        self.after_free: list[Callable[[], None]] = []
        """Called in order once a live device and its port are freed; must not hold what holds this."""
        raw = ffi.new("struct roce_dev_cfg *")
        fill_config(raw, config)
        self._cc = config.cc
        self._dev = lib.roce_dev_new(raw)
        if not self._dev:
            raise from_errno(ffi.errno or _errno.EINVAL, f"device with {config}")
        self._destroyer: weakref.finalize[Any, Engine] | None = None

    def start(self, port: Port, dilation: int = 1) -> None:
        """Give the device its port, which from now on belongs to it, and drive it."""
        if self.net:
            # The net frees the device: it may be entered as long as the net runs, even if its context was closed.
            with self.net:
                self.net.join(self._dev, port, self._graveyard)
            return
        handle = port.take(self)
        live = lib.roce_live_start(self._dev, handle, dilation)
        if not live:
            code = ffi.errno
            port.freed()
            lib.roce_dev_free(self._dev)
            lib.dp_port_free(handle)
            self._dev = None
            raise from_errno(code, "live driver: cannot start")
        self._live = live
        self._destroyer = weakref.finalize(self, _free_live, live, self._dev, handle, self._graveyard, self.after_free)
        watch_forks(self)

    def disown(self) -> None:
        """In a forked child: refuse every call, and free nothing, as the thread to wait for is the parent's."""
        self.forked = True
        self.lock = ForkedLock()  # the real one may be held, by a thread that is not here
        self._dev = self._live = None
        if self._destroyer:
            self._destroyer.detach()

    def stop(self) -> None:
        """Stop the driver and free the device. Every object on it must be closed."""
        with self.lock:
            if self._dev is None:
                return
            self._dev = None
            self._live = None
        if self._destroyer:
            self._destroyer()

    def port_changed(self) -> None:
        """Say that the port has another descriptor to wait for."""
        if self._live:
            lib.roce_live_port_changed(self._live)

    # Entering

    def __enter__(self) -> Self:
        self.lock.acquire()
        self._depth += 1
        if self._depth == 1:
            if self._live:
                lib.roce_live_lock(self._live)
            elif self.net and self._dev:
                lib.roce_dev_set_now(self._dev, self.net.now_ps)
            if self._graveyard:
                self._bury()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0 and self._live:
            lib.roce_live_unlock(self._live)
        self.lock.release()

    def forget(self, kind: Kind, handle: Handle, pin: object) -> None:
        """Release an object at the next entry; for finalizers. ``pin`` lives until then."""
        self._graveyard.append((kind, handle, pin))

    def tidy(self) -> None:
        """Release what was forgotten, if anything was."""
        if self._graveyard:
            with self:
                pass

    def _bury(self) -> None:
        if self._dev is None:
            return
        waiting: list[tuple[Kind, Handle, object]] = []
        while self._graveyard:
            waiting.append(self._graveyard.popleft())
        waiting.sort(key=lambda entry: entry[0])
        # Still in use (by a work request, by an object that lives): the next entry tries again.
        self._graveyard.extend(entry for entry in waiting if _release(entry[0], entry[1]) < 0)

    def release(self, kind: Kind, handle: Handle) -> None:
        """Destroy an object now.

        Raises:
            CallerError: it is in use (EBUSY).
        """
        self._check(_release(kind, handle), kind.name)

    def number(self) -> int:
        """Return a number for a new object, for events to name it by."""
        with self.lock:
            self._numbers += 1
            return self._numbers

    def register(self, number: int, resource: "Resource") -> None:
        """Remember which object has the number; it may be forgotten at any time."""
        self._objects[number] = resource

    def numbered(self, number: int) -> "Resource | None":
        """Return the object of a number, unless it is gone."""
        return self._objects.get(number)

    # Errors

    def error(self, code: int, what: str) -> DpuError:
        """Return the exception for a failed call: the engine's own words if it has some, else ``what`` and errno."""
        number = abs(code)
        words = ffi.string(lib.roce_dev_error(self._dev)).decode() if self._dev else ""
        message = words or f"{what}: {os.strerror(number)}"
        if number in (_errno.EBUSY, _errno.EFAULT):
            return CallerError(message, number)
        return type(from_errno(number, ""))(message, number)

    def _check(self, result: int, what: str) -> int:
        if result < 0:
            raise self.error(result, what)
        return result

    def _made(self, handle: Handle, what: str) -> Handle:
        if not handle:
            raise self.error(ffi.errno or _errno.EINVAL, what)
        return handle

    # The device

    @property
    def now_ps(self) -> int:
        """The device's time."""
        if self.net:
            return self.net.now_ps
        with self.lock:
            return int(lib.roce_live_now_ps(self._live)) if self._live else 0

    def event_fd(self) -> int:
        """Return the descriptor that is readable when something fired, or -1 in virtual time."""
        with self.lock:
            return int(lib.roce_live_event_fd(self._live)) if self._live else -1

    def config(self) -> DeviceConfig:
        """Return the configuration with defaults filled in."""
        raw = lib.roce_dev_config(self._dev)
        special = ("gids", "max_mtu", "cc", "recovery")
        plain = {f.name: int(getattr(raw, f.name)) for f in fields(DeviceConfig) if f.name not in special}
        gids = tuple(gid_of(raw.gid[i]) for i in range(raw.ngid))
        recovery = Recovery(raw.recovery)
        return DeviceConfig(**plain, recovery=recovery, max_mtu=Mtu(raw.max_mtu), gids=gids, cc=self._cc)

    def pause(self, mask: int) -> None:
        """Stop the priorities whose bit is set, let the others go on."""
        lib.roce_dev_pause(self._dev, mask, self.now_ps)
        self._worked()

    def set_link(self, up: bool) -> None:
        """Let the link go up or down."""
        lib.roce_dev_set_link(self._dev, up, self.now_ps)
        self._worked()

    def link(self) -> bool:
        """Return whether the link is up."""
        return bool(lib.roce_dev_link(self._dev))

    def counters(self) -> dict[str, int]:
        """Return every counter by all its names."""
        lib.roce_dev_fold(self._dev)
        return device_counters(self._dev)

    def share_counters(self, memory: "mmap", offset: int, qps_offset: int, qps: int) -> object:
        """Count at ``offset`` of ``memory`` from now on, and what new queue pairs count in ``qps`` rows.

        Returns what pins the memory; it must outlive the device.
        """
        pin = ffi.from_buffer(memory, require_writable=True)
        start = ffi.cast("char *", pin)
        counters = ffi.cast("struct roce_counters *", start + offset)
        with self:
            lib.roce_dev_set_counters(
                self._dev, counters, ffi.cast("struct roce_qp_counters *", start + qps_offset), qps
            )
        return pin

    def use_local(self, memory: "mmap", slot: int, *, packets: bool, check: bool) -> LocalPath | None:
        """Reach processes of this machine by shared memory; the device has ``slot`` of the node with this memory.

        Returns what must be closed after the device is freed; ``None`` where this process cannot take part.
        """
        with self:
            return LocalPath.make(self._dev, self._live, memory, slot, packets=packets, check=check)

    def qp_counters(self, qp: Handle) -> dict[str, int]:
        """Return every counter of a queue pair by all its names."""
        return queue_pair_counters(qp)

    def drops(self) -> dict[str, int]:
        """Return the packets dropped, by reason, where there are any."""
        return {name.removeprefix("drop_"): n for name, n in self.counters().items() if n and name.startswith("drop_")}

    def next_event(self) -> Event | None:
        """Return the oldest asynchronous event and forget it."""
        raw = ffi.new("struct roce_event *")
        if not lib.roce_dev_next_event(self._dev, raw):
            return None
        return Event(EventType(raw.type), int(raw.num), int(ffi.cast("uintptr_t", raw.user)))

    def next_notified(self) -> int:
        """Return the number of a CQ whose notification fired, or 0."""
        return int(ffi.cast("uintptr_t", lib.roce_dev_next_notified(self._dev)))

    # Objects

    def pd_alloc(self) -> Handle:
        """Return a new protection domain."""
        return self._made(lib.roce_pd_alloc(self._dev), "PD")

    def mr_reg(
        self, pd: Handle, memory: memoryview | int | None, length: int, iova: int | None, access: AccessFlags
    ) -> tuple[Handle, int, object]:
        """Register memory: of an object, at an address, ``None``: none. Returns region, address, and what pins it."""
        with pinned(memory) as (where, pin):
            start = start_of(where, iova, access)
            mr = self._made(lib.roce_mr_reg(pd, where, length, start, u32("MR", "access", access)), "MR")
        return mr, start, pin

    def mr_rereg(
        self,
        mr: Handle,
        flags: int,
        pd: Handle,
        memory: memoryview | int | None,
        length: int,
        iova: int | None,
        access: AccessFlags,
    ) -> tuple[int, object]:
        """Change what ``flags`` name. Returns the new address, and what pins the memory."""
        with pinned(memory) as (where, pin):
            start = start_of(where, iova, access)
            number, bits = u32("MR", "flags", flags), u32("MR", "access", access)
            self._check(lib.roce_mr_rereg(mr, number, pd or ffi.NULL, where, length, start, bits), "MR: rereg")
        return start, pin

    def mr_keys(self, mr: Handle) -> tuple[int, int]:
        """Return lkey and rkey."""
        return int(lib.roce_mr_lkey(mr)), int(lib.roce_mr_rkey(mr))

    def mr_read(self, mr: Handle, offset: int, length: int) -> bytes:
        """Return a copy of a region's bytes."""
        out = bytearray(length)
        self._check(lib.roce_mr_read(mr, offset, ffi.from_buffer(out), length), "MR: read")
        return bytes(out)

    def mr_write(self, mr: Handle, offset: int, data: memoryview) -> None:
        """Copy bytes into a region."""
        self._check(lib.roce_mr_write(mr, offset, ffi.from_buffer(data), len(data)), "MR: write")

    def mr_alloc_null(self, pd: Handle) -> Handle:
        """Return a new region without memory."""
        return self._made(lib.roce_mr_alloc_null(pd), "MR")

    def advise_mr(self, pd: Handle, advice: int, flags: int, ranges: Sequence[SGE]) -> None:
        """Bring in pages of regions."""
        raw = ffi.new("struct roce_sge[]", len(ranges))
        for i, sge in enumerate(ranges):
            fill("advise", raw[i], (("addr", sge.addr), ("length", sge.length), ("lkey", sge.lkey)))
        number, bits = u32("advise", "advice", advice), u32("advise", "flags", flags)
        self._check(lib.roce_advise_mr(pd, number, bits, raw, len(ranges)), "advise")

    def dm_alloc(self, length: int, log_align_req: int) -> Handle:
        """Return new device memory."""
        size, align = u32("DM", "length", length), u32("DM", "log_align_req", log_align_req)
        return self._made(lib.roce_dm_alloc(self._dev, size, align), "DM")

    def dm_copy_to(self, dm: Handle, offset: int, data: memoryview) -> None:
        """Copy bytes into device memory."""
        where = u32("DM", "dm_offset", offset)
        self._check(lib.roce_memcpy_to_dm(dm, where, ffi.from_buffer(data), len(data)), "DM: copy")

    def dm_copy_from(self, dm: Handle, offset: int, length: int) -> bytes:
        """Return a copy of device memory."""
        where, out = u32("DM", "dm_offset", offset), bytearray(u32("DM", "length", length))
        self._check(lib.roce_memcpy_from_dm(ffi.from_buffer(out), dm, where, length), "DM: copy")
        return bytes(out)

    def dm_reg_mr(self, pd: Handle, dm: Handle, offset: int, length: int, access: AccessFlags) -> Handle:
        """Register device memory."""
        where, size = u32("MR", "offset", offset), u32("MR", "length", length)
        return self._made(lib.roce_dm_reg_mr(pd, dm, where, size, u32("MR", "access", access)), "MR")

    def mw_alloc(self, pd: Handle, mw_type: int) -> Handle:
        """Return a new window, not bound."""
        return self._made(lib.roce_mw_alloc(pd, int(mw_type)), "MW")

    def mw_rkey(self, mw: Handle) -> int:
        """Return the key of the last bind posted."""
        return int(lib.roce_mw_rkey(mw))

    def bind_mw(self, qp: Handle, mw: Handle, bind: "MWBind") -> None:
        """Post the bind of a window of type 1."""
        what = f"QP {lib.roce_qp_num(qp)}: bind_mw"
        raw = ffi.new("struct roce_mw_bind *")
        fill(what, raw, (("wr_id", bind.wr_id), ("send_flags", int(bind.send_flags))))
        fill_bind(what, raw.info, bind.info)
        result = lib.roce_bind_mw(qp, mw, raw)
        if result < 0:
            raise self._post_error(what, result, 0)
        self._worked()

    def cq_create(self, cqe: int, number: int) -> Handle:
        """Return a new completion queue for ``cqe`` entries."""
        return self._made(lib.roce_cq_create(self._dev, u32("CQ", "cqe", cqe), user_of(number)), "CQ")

    def cq_resize(self, cq: Handle, cqe: int) -> None:
        """Make room for ``cqe`` entries."""
        self._check(lib.roce_cq_resize(cq, u32("CQ", "cqe", cqe)), "CQ: resize")

    def cq_size(self, cq: Handle) -> int:
        """Return how many entries the queue holds at most."""
        return int(lib.roce_cq_size(cq))

    def cq_num(self, cq: Handle) -> int:
        """Return the number of the queue."""
        return int(lib.roce_cq_num(cq))

    def cq_poll(self, cq: Handle, n: int) -> list[WC]:
        """Return and remove up to ``n`` completions. Makes progress when the device is live."""
        if n > _POLL_AT_ONCE:  # no more than there can be: the array is made for them
            n = min(n, max(self.cq_size(cq), 1))
        raw = ffi.new("struct roce_wc[]", n)
        got = lib.roce_live_poll(self._live, cq, raw, n) if self._live else lib.roce_cq_poll(cq, raw, n)
        if got == 0:
            return []
        self._check(got, "CQ: poll")
        return [wc_of(raw[i]) for i in range(got)]

    def cq_modify(self, cq: Handle, cq_count: int, cq_period: int) -> None:
        """Set moderation."""
        raw = ffi.new("struct roce_cq_attr *")
        fill(f"CQ {lib.roce_cq_num(cq)}", raw, (("cq_count", cq_count), ("cq_period", cq_period)))
        self._check(lib.roce_cq_modify(cq, raw, lib.ROCE_CQ_ATTR_MODERATE), "CQ: modify")

    def cq_req_notify(self, cq: Handle, solicited_only: bool) -> None:
        """Arm the queue: the next completion fires it."""
        self._check(lib.roce_cq_req_notify(cq, int(solicited_only)), "CQ: req_notify")

    def xrcd_alloc(self) -> Handle:
        """Return a new XRC domain."""
        return self._made(lib.roce_xrcd_alloc(self._dev), "XRCD")

    def srq_create(self, pd: Handle, attr: "SrqAttr", number: int, xrcd: Handle = None, cq: Handle = None) -> Handle:
        """Return a new shared receive queue, of an XRC domain if one is given."""
        raw, user = raw_srq_attr("SRQ", attr), user_of(number)
        if xrcd is None:
            return self._made(lib.roce_srq_create(pd, raw, user), "SRQ")
        return self._made(lib.roce_srq_create_xrc(pd, xrcd, cq, raw, user), "SRQ")

    def srq_modify(self, srq: Handle, attr: "SrqAttr", mask: int) -> None:
        """Set the attributes that ``mask`` names."""
        what = f"SRQ {lib.roce_srq_num(srq)}"
        raw = raw_srq_attr(what, attr)
        self._check(lib.roce_srq_modify(srq, raw, u32(what, "mask", mask)), f"{what}: modify")

    def srq_query(self, srq: Handle) -> tuple[int, int, int]:
        """Return max_wr, max_sge, srq_limit."""
        raw = ffi.new("struct roce_srq_attr *")
        lib.roce_srq_query(srq, raw)
        return int(raw.max_wr), int(raw.max_sge), int(raw.srq_limit)

    def srq_num(self, srq: Handle) -> int:
        """Return the number of the queue."""
        return int(lib.roce_srq_num(srq))

    def qp_create(
        self,
        pd: Handle,  # None: an XRC target
        send_cq: Handle,
        recv_cq: Handle,
        qp_type: QpType,
        cap: QPCap,
        sig_all: bool,
        number: int,
        srq: Handle = None,
        xrcd: Handle = None,
    ) -> tuple[Handle, QPCap]:
        """Return a new queue pair and the sizes that it got."""
        raw = ffi.new("struct roce_qp_init_attr *")
        raw.send_cq, raw.recv_cq, raw.srq = send_cq or ffi.NULL, recv_cq or ffi.NULL, srq or ffi.NULL
        raw.xrcd = xrcd or ffi.NULL
        raw.qp_type, raw.sq_sig_all = int(qp_type), int(sig_all)
        fill("QP: cap", raw.cap, cap_items(cap))
        qp = self._made(lib.roce_qp_create(pd or ffi.NULL, raw, user_of(number)), f"{qp_type.name} QP")
        return qp, cap_of(raw.cap)

    def qp_open(self, xrcd: Handle, qpn: int) -> Handle:
        """Return one more handle of an XRC target."""
        return self._made(lib.roce_qp_open(xrcd, u32("QP", "qp_num", qpn)), f"QP {qpn}")

    def qp_modify(self, qp: Handle, attr: QPAttr, mask: int) -> None:
        """Set the attributes that ``mask`` names."""
        raw = ffi.new("struct roce_qp_attr *")
        what = f"QP {lib.roce_qp_num(qp)}"
        for f in fields(QPAttr):
            value = getattr(attr, f.name)
            if isinstance(value, QPCap):
                fill(f"{what}: cap", raw.cap, cap_items(value))
            elif isinstance(value, AHAttr):
                fill_ah(what, raw.ah, value)
            else:
                set_number(what, raw, f.name, value)
        self._check(lib.roce_qp_modify(qp, raw, u32(what, "mask", mask)), f"{what}: modify")
        self._worked()

    def qp_modify_rate_limit(self, qp: Handle, rate_limit: int, max_burst_sz: int, typical_pkt_sz: int) -> None:
        """Set the rate limit and its burst."""
        what = f"QP {lib.roce_qp_num(qp)}"
        raw = ffi.new("struct roce_qp_rate_limit_attr *")
        given = {"rate_limit": rate_limit, "max_burst_sz": max_burst_sz, "typical_pkt_sz": typical_pkt_sz}
        fill(what, raw, given.items())
        self._check(lib.roce_qp_modify_rate_limit(qp, raw), f"{what}: modify_rate_limit")
        self._worked()

    def attach_mcast(self, qp: Handle, group: GID, lid: int) -> None:
        """Attach to a group."""
        self._check(lib.roce_attach_mcast(qp, raw_gid(group), lid), f"QP {lib.roce_qp_num(qp)}: attach_mcast")

    def detach_mcast(self, qp: Handle, group: GID, lid: int) -> None:
        """Detach from a group."""
        self._check(lib.roce_detach_mcast(qp, raw_gid(group), lid), f"QP {lib.roce_qp_num(qp)}: detach_mcast")

    def qp_query(self, qp: Handle) -> QPAttr:
        """Return all attributes."""
        raw = ffi.new("struct roce_qp_attr *")
        lib.roce_qp_query(qp, raw)
        values: dict[str, Any] = {f.name: getattr(raw, f.name) for f in fields(QPAttr) if hasattr(raw, f.name)}
        values.update(
            qp_state=QpState(raw.qp_state),
            cur_qp_state=QpState(raw.cur_qp_state),
            path_mtu=Mtu(raw.path_mtu or Mtu.MTU_1024),
            qp_access_flags=AccessFlags(raw.qp_access_flags),
            cap=cap_of(raw.cap),
            ah_attr=ah_attr_of(raw.ah),
            en_sqd_async_notify=bool(raw.en_sqd_async_notify),
            sq_draining=bool(raw.sq_draining),
        )
        return QPAttr(**values)

    def qp_num(self, qp: Handle) -> int:
        """Return the number of the queue pair."""
        return int(lib.roce_qp_num(qp))

    def qp_state(self, qp: Handle) -> QpState:
        """Return the state of the queue pair."""
        return QpState(lib.roce_qp_state(qp))

    def post_send(self, qp: Handle, wrs: Sequence[SendWR]) -> None:
        """Post requests in order, until one is refused.

        Raises:
            QueueFullError: the queue had no room for one; its ``posted`` says how many it took.
            PostError: one is illegal; likewise.
        """
        what = f"QP {lib.roce_qp_num(qp)}"
        raw, kept = send_wrs(what, wrs)
        self._post(qp, f"{what}: post_send", raw, len(wrs), lib.roce_live_post_send, lib.roce_post_send)
        del kept

    def post_recv(self, qp: Handle, wrs: Sequence[RecvWR]) -> None:
        """Post receive requests; as ``post_send``."""
        what = f"QP {lib.roce_qp_num(qp)}"
        raw, kept = recv_wrs(what, wrs)
        self._post(qp, f"{what}: post_recv", raw, len(wrs), lib.roce_live_post_recv, lib.roce_post_recv)
        del kept

    def post_srq_recv(self, srq: Handle, wrs: Sequence[RecvWR]) -> None:
        """Post receive requests; as ``post_send``."""
        what = f"SRQ {lib.roce_srq_num(srq)}"
        raw, kept = recv_wrs(what, wrs)
        self._post(srq, f"{what}: post_recv", raw, len(wrs), lib.roce_live_post_srq_recv, lib.roce_post_srq_recv)
        del kept

    def _post(self, queue: Handle, verb: str, raw: Any, asked: int, live: Any, one: Any) -> None:
        posted = 0
        while posted < asked:
            # Live takes as many as it can; the one that it refused says why when it comes first.
            result = live(self._live, queue, raw + posted, asked - posted) if self._live else one(queue, raw + posted)
            if result < 0:
                raise self._post_error(verb, result, posted)
            posted += result if self._live else 1
        self._worked()

    def _post_error(self, verb: str, code: int, posted: int) -> PostError:
        if posted:
            self._worked()
        with self:
            cause = self.error(code, verb)
        kind = QueueFullError if cause.errno == _errno.ENOMEM else PostError
        return kind(str(cause), cause.errno, posted)

    def _worked(self) -> None:
        """Tell the net's waiters that there is something new to run."""
        if self.net:
            for wake in list(self.net.on_work):
                wake()


def address_of(buffer: object) -> int:
    """Return the address of an exported buffer, for tests and for talking to C."""
    return int(ffi.cast("uintptr_t", ffi.from_buffer(buffer)))


# Releasing. Functions, not methods: finalizers must not hold what they wait for.


def _release(kind: Kind, handle: Handle) -> int:
    if kind is Kind.QP:
        return int(lib.roce_qp_destroy(handle))
    if kind is Kind.SRQ:
        return int(lib.roce_srq_destroy(handle))
    if kind is Kind.MW:
        return int(lib.roce_mw_dealloc(handle))
    if kind is Kind.MR:
        return int(lib.roce_mr_dereg(handle))
    if kind is Kind.DM:
        return int(lib.roce_dm_free(handle))
    if kind is Kind.CQ:
        return int(lib.roce_cq_destroy(handle))
    if kind is Kind.XRCD:
        return int(lib.roce_xrcd_dealloc(handle))
    return int(lib.roce_pd_dealloc(handle))


def _free_live(
    live: Handle,
    device: Handle,
    port: Handle,
    graveyard: deque[tuple[Kind, Handle, object]],
    after_free: list[Callable[[], None]],
) -> None:
    lib.roce_live_stop(live)
    lib.roce_dev_free(device)
    lib.dp_port_free(port)
    graveyard.clear()  # pins: only now may the memory of forgotten regions go
    for call in after_free:
        call()


def _free_net(net: Handle, devices: list[Handle], graveyards: list[deque[tuple[Kind, Handle, object]]]) -> None:
    lib.roce_vnet_free(net)
    for device in devices:
        lib.roce_dev_free(device)
    # As in _free_live; and an exported memoryview must not be left for the interpreter's last collection, which may
    # clear it before its export and then crashes.
    for graveyard in graveyards:
        graveyard.clear()


def _not_null(handle: Handle, what: str) -> Handle:
    if not handle:
        raise from_errno(ffi.errno or _errno.ENOMEM, what)
    return handle
