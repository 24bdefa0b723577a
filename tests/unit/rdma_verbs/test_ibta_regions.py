"""Regions beyond plain registration: registered again, without memory, of all memory, of the device's."""

import errno
from collections.abc import Callable, Iterator

import pytest

from rdma_verbs import (
    DM,
    DMMR,
    MR,
    MW,
    PD,
    AccessFlags,
    AdviseMrAdvice,
    AdviseMrFlags,
    AllocDmAttr,
    CallerError,
    DeviceConfig,
    DpuError,
    MWBind,
    MWBindInfo,
    MwType,
    NullMR,
    RecvWR,
    ReregMrFlags,
    SendWR,
    WcStatus,
    WrOpcode,
)
from rdma_verbs._native import Kind, address_of
from rdma_verbs.wr import SGE
from tests.pages import Pages
from tests.unit.rdma_verbs.pair import ALL, Pair

MOVE, HOME, RIGHTS = ReregMrFlags.CHANGE_TRANSLATION, ReregMrFlags.CHANGE_PD, ReregMrFlags.CHANGE_ACCESS
READABLE = AccessFlags.REMOTE_READ
OK, REFUSED = WcStatus.SUCCESS, WcStatus.REM_ACCESS_ERR
DM_ACCESS = ALL | AccessFlags.ZERO_BASED


@pytest.fixture
def pages() -> Iterator[Pages]:
    memory = Pages(4)
    yield memory
    memory.close()


def read(pair: Pair, addr: int, rkey: int, length: int = 4) -> tuple[WcStatus, bytes]:
    """READ from b."""
    into = MR(pair.a.pd, length, ALL)
    pair.a.qp.post_send(SendWR(0, WrOpcode.RDMA_READ, [into.sge()], remote_addr=addr, rkey=rkey))
    pair.run()
    return pair.a.poll().status, into.read()


def write(pair: Pair, data: bytes, addr: int, rkey: int) -> WcStatus:
    """WRITE to b."""
    pair.a.qp.post_send(SendWR(0, WrOpcode.RDMA_WRITE, [MR(pair.a.pd, data, 0).sge()], remote_addr=addr, rkey=rkey))
    pair.run()
    return pair.a.poll().status


# Reregister


@pytest.mark.ibta("11.2.8.7", "new memory comes with new keys; the old ones open nothing, the old memory is free")
def test_rereg_translation(pair: Pair) -> None:
    old, new = bytearray(b"old."), bytearray(b"new memory")
    mr = MR(pair.b.pd, old, ALL)
    before = (mr.addr, mr.lkey, mr.rkey)
    mr.rereg(MOVE, source=new)
    assert (mr.addr, mr.length, mr.access) == (address_of(new), 10, ALL)
    assert mr.lkey not in before
    assert mr.rkey not in before
    assert mr.name == f"MR {mr.lkey:#010x}"
    old.extend(b"not pinned")
    with pytest.raises(BufferError):
        new.extend(b"x")
    assert read(pair, mr.addr, mr.rkey, 10) == (OK, b"new memory")
    assert read(pair, before[0], before[2])[0] is REFUSED


@pytest.mark.ibta("11.2.8.7", "a region moves to an address of its own choice, and within its iova")
def test_rereg_to_an_address(pair: Pair, pages: Pages) -> None:
    pages.fill(b"over here")
    mr = MR(pair.b.pd, 16, READABLE, iova=0x1000)
    mr.rereg(MOVE, addr=pages.address, length=9, iova=0x2000)
    assert (mr.addr, mr.length) == (0x2000, 9)
    assert read(pair, 0x2005, mr.rkey) == (OK, b"here")
    assert read(pair, 0x2006, mr.rkey)[0] is REFUSED


@pytest.mark.ibta("11.2.8.7", "a change of rights alone keeps the keys, and holds from the next packet on")
def test_rereg_access(pair: Pair) -> None:
    mr = MR(pair.b.pd, bytearray(b"data"), READABLE)
    keys = (mr.lkey, mr.rkey)
    mr.rereg(RIGHTS, access=ALL)
    assert (mr.lkey, mr.rkey, mr.access) == (*keys, ALL)
    assert write(pair, b"DATA", mr.addr, mr.rkey) is OK
    mr.rereg(RIGHTS, access=READABLE)
    assert write(pair, b"data", mr.addr, mr.rkey) is REFUSED
    assert mr.read() == b"DATA"


@pytest.mark.ibta("11.2.8.7", "a region that moves to another domain has new keys, which open it only there")
def test_rereg_pd(pair: Pair) -> None:
    mr, other = MR(pair.b.pd, bytearray(b"data"), ALL), PD(pair.b.context)
    before = mr.rkey
    mr.rereg(HOME, pd=other)
    assert mr.rkey != before
    assert mr.pd is other
    assert read(pair, mr.addr, mr.rkey)[0] is REFUSED
    pair.b.pd.close()  # it no longer holds the region
    assert mr.read() == b"data"
    other.close()
    assert mr.closed


@pytest.mark.ibta("11.2.8.7", "memory, domain and rights change in one call")
def test_rereg_all_at_once(pair: Pair) -> None:
    mr = MR(PD(pair.b.context), 8, AccessFlags(0))
    mr.rereg(MOVE | HOME | RIGHTS, pair.b.pd, source=bytearray(b"all."), access=READABLE | AccessFlags.ZERO_BASED)
    mr.pd.context.counters()
    assert mr.addr == 0
    assert read(pair, 0, mr.rkey) == (OK, b"all.")


Bad = tuple[Callable[[MR, PD], None], str, int]
BAD_REREGS: dict[str, Bad] = {
    "nothing": (lambda mr, _: mr.rereg(0), "rereg flags 0, of 0x7 at least one", errno.EINVAL),
    "unknown flag": (lambda mr, _: mr.rereg(8), "rereg flags 0x8", errno.EINVAL),
    "rights that contradict": (lambda mr, _: mr.rereg(RIGHTS, access=2), "without local write", errno.EINVAL),
    "zero-based without moving": (
        lambda mr, _: mr.rereg(RIGHTS, access=AccessFlags.ZERO_BASED),
        "access flags 0x20 move its first address",
        errno.EINVAL,
    ),
    "past the end": (lambda mr, _: mr.rereg(MOVE, addr=4096, length=(1 << 64) - 1), "runs past 2", errno.EINVAL),
    "PD of another device": (lambda mr, pd: mr.rereg(HOME, pd), "a PD that is not this device's", errno.EINVAL),
    "no PD": (lambda mr, _: mr.rereg(HOME), "MR: pd", errno.EINVAL),
    "read-only memory": (lambda mr, _: mr.rereg(MOVE, source=b"x" * 8), "read-only", errno.EINVAL),
}


@pytest.mark.ibta("11.2.8.7", "what cannot be done is refused, and the region is what it was (IBV_REREG_MR_ERR_INPUT)")
@pytest.mark.parametrize("case", BAD_REREGS)
def test_bad_rereg(pair: Pair, case: str) -> None:
    call, text, number = BAD_REREGS[case]
    mr = MR(pair.b.pd, bytearray(b"unchanged"), ALL)
    state = (mr.addr, mr.length, mr.lkey, mr.rkey, mr.access, mr.pd)
    with pytest.raises(CallerError, match=text) as caught:
        call(mr, pair.a.pd)
    assert caught.value.errno == number
    assert (mr.addr, mr.length, mr.lkey, mr.rkey, mr.access, mr.pd) == state
    assert read(pair, mr.addr, mr.rkey, 9) == (OK, b"unchanged")


@pytest.mark.ibta("10.6.7.2.5", "a region with windows bound to it is not registered again (EBUSY)")
def test_rereg_under_a_window(pair: Pair) -> None:
    mr, mw = MR(pair.b.pd, 64, ALL | AccessFlags.MW_BIND), MW(pair.b.pd, MwType.TYPE_1)
    pair.b.qp.bind_mw(mw, MWBind(MWBindInfo(mr, mr.addr, 64)))
    pair.run()
    with pytest.raises(CallerError, match="1 windows are bound") as caught:
        mr.rereg(RIGHTS, access=ALL)
    assert caught.value.errno == errno.EBUSY
    mw.close()
    mr.rereg(RIGHTS, access=ALL)


@pytest.mark.ibta("10.6.3.1", "a change of rights gives none that the memory does not")
def test_read_only_memory_gets_no_write_access(pair: Pair) -> None:
    with pytest.raises(CallerError, match="its memory is read-only"):
        MR(pair.a.pd, b"x", AccessFlags(0)).rereg(RIGHTS, access=ALL)


@pytest.mark.ibta("11.2.8.7", "null regions and device memory stay what they are")
@pytest.mark.parametrize("make", [lambda p: NullMR(p.b.pd), lambda p: device_region(p, 8)])
def test_what_has_no_memory_of_the_host_is_not_registered_again(pair: Pair, make: Callable[[Pair], MR]) -> None:
    with pytest.raises(CallerError, match="cannot be registered again"):
        make(pair).rereg(RIGHTS, access=0)


# Without memory


@pytest.mark.ibta("10.6.3", "ibv_alloc_null_mr: what is sent from it is zeros, at any address, over packets")
@pytest.mark.parametrize("at", [0, 1 << 40])
def test_null_region_sends_zeros(pair: Pair, at: int) -> None:
    null = NullMR(pair.a.pd)
    head = MR(pair.a.pd, b"head", AccessFlags(0))
    pair.a.qp.post_send(SendWR(0, WrOpcode.SEND, [head.sge(), SGE(at, 3000, null.lkey), head.sge()]))
    pair.run()
    assert pair.b.poll().byte_len == 3008
    assert pair.b.received[0].read(3008) == b"head" + bytes(3000) + b"head"
    assert null.read(9, at) == bytes(9)


@pytest.mark.ibta("10.6.3", "ibv_alloc_null_mr: what is received into it vanishes, the rest arrives")
def test_null_region_drops(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(recvs=0)
    null, rest = NullMR(pair.b.pd), MR(pair.b.pd, 4, ALL)
    pair.b.qp.post_recv(RecvWR(0, [SGE(7, 2000, null.lkey), rest.sge()]))
    pair.a.post_send(b"x" * 2000 + b"rest")
    pair.run()
    assert (pair.b.poll().status, rest.read()) == (OK, b"rest")
    null.write(b"nothing", 5)
    assert null.read(7, 5) == bytes(7)


@pytest.mark.ibta("10.6.3", "the key of a null region opens nothing to the peer")
@pytest.mark.parametrize("operation", [WrOpcode.RDMA_READ, WrOpcode.RDMA_WRITE])
def test_null_region_from_afar(pair: Pair, operation: WrOpcode) -> None:
    null = NullMR(pair.b.pd)
    pair.a.post_send(b"data", operation, remote_addr=0, rkey=null.rkey)
    pair.run()
    assert pair.a.poll().status is REFUSED


# All of memory, and advice


@pytest.mark.ibta("10.6.3", "an implicit on-demand region opens what the process has, and nothing that it has not")
def test_implicit_region(pair: Pair, pages: Pages) -> None:
    pages.fill(b"anywhere")
    mr = MR(pair.b.pd, 0, ALL | AccessFlags.ON_DEMAND, implicit=True)
    assert (mr.addr, mr.length) == (0, (1 << 64) - 1)
    assert read(pair, pages.address + 3, mr.rkey, 5) == (OK, b"where")
    assert write(pair, b"ANY", pages.address, mr.rkey) is OK
    assert pages.read(8) == b"ANYwhere"
    assert write(pair, b"hole", 8, mr.rkey) is REFUSED


@pytest.mark.ibta("10.6.3", "an implicit region serves memory that was mapped after it, and locally too")
def test_implicit_region_of_the_sender(pair: Pair) -> None:
    mr = MR(pair.a.pd, 0, AccessFlags.ON_DEMAND, implicit=True)
    later = Pages(1)
    later.fill(b"later")
    pair.a.qp.post_send(SendWR(0, WrOpcode.SEND, [SGE(later.address, 5, mr.lkey)]))
    pair.run()
    assert pair.b.received[0].read(5) == b"later"
    later.close()


@pytest.mark.ibta("10.6.3.1", "access flags that are hints, known or not, are taken")
def test_flags_that_change_nothing_are_taken(pair: Pair) -> None:
    for flags in (64, 64 | 128, 1 << 20, 1 << 25, 1 << 29):  # on demand, huge pages, and the optional range
        assert MR(pair.a.pd, 8, flags).access == flags


@pytest.mark.ibta("11.2.8", "advice brings in the pages of on-demand regions")
@pytest.mark.parametrize("advice", AdviseMrAdvice)
def test_advise(pair: Pair, pages: Pages, advice: AdviseMrAdvice) -> None:
    pages.fill(b"kept")
    mr = MR(pair.a.pd, pages.size, ALL | AccessFlags.ON_DEMAND, address=pages.address)
    pair.a.pd.advise_mr(advice, AdviseMrFlags.FLUSH, [mr.sge(), mr.sge(1, 1)])
    assert pages.read(5) == b"kept\0"
    pages.vanish("munmap", 2)
    if advice is AdviseMrAdvice.PREFETCH_NO_FAULT:
        pair.a.pd.advise_mr(advice, 0, [mr.sge()])
        return
    with pytest.raises(CallerError, match=f"advise: {mr.name}: of 16384 bytes at 0x[0-9a-f]+ not all are") as caught:
        pair.a.pd.advise_mr(advice, 0, [mr.sge()])
    assert caught.value.errno == errno.EFAULT


@pytest.mark.ibta("11.2.8", "advice to write needs pages that can be written")
def test_advice_to_write_where_only_reading_is_possible(pair: Pair, pages: Pages) -> None:
    pages.protect()
    mr = MR(pair.a.pd, pages.size, ALL | AccessFlags.ON_DEMAND, address=pages.address)
    pair.a.pd.advise_mr(AdviseMrAdvice.PREFETCH, 0, [mr.sge()])
    with pytest.raises(CallerError, match="not all are there"):
        pair.a.pd.advise_mr(AdviseMrAdvice.PREFETCH_WRITE, 0, [mr.sge()])


Advise = Callable[[PD, MR, MR], None]
BAD_ADVICE: dict[str, tuple[Advise, str, int]] = {
    "unknown": (lambda pd, mr, _: pd.advise_mr(3, 0, [mr.sge()]), "advice 3 is none", errno.EOPNOTSUPP),  # type: ignore[arg-type]
    "flags": (lambda pd, mr, _: pd.advise_mr(AdviseMrAdvice.PREFETCH, 2, [mr.sge()]), "flags 0x2", errno.EINVAL),
    "no ranges": (lambda pd, *_: pd.advise_mr(AdviseMrAdvice.PREFETCH), "no ranges", errno.EINVAL),
    "pinned": (
        lambda pd, _, pinned: pd.advise_mr(AdviseMrAdvice.PREFETCH, 0, [pinned.sge()]),
        "is not paged on demand",
        errno.EINVAL,
    ),
    "bounds": (
        lambda pd, mr, _: pd.advise_mr(AdviseMrAdvice.PREFETCH, 0, [SGE(mr.addr, 65, mr.lkey)]),
        "does not allow 65 bytes",
        errno.EFAULT,
    ),
    "no right": (
        lambda pd, mr, _: pd.advise_mr(AdviseMrAdvice.PREFETCH_WRITE, 0, [mr.sge()]),
        "does not allow 64 bytes",
        errno.EFAULT,
    ),
}


@pytest.mark.ibta("11.2.8", "bad advice is refused as ibv_advise_mr does")
@pytest.mark.parametrize("case", BAD_ADVICE)
def test_bad_advice(pair: Pair, case: str) -> None:
    call, text, number = BAD_ADVICE[case]
    with pytest.raises(DpuError, match=f"advise: .*{text}") as caught:
        call(pair.a.pd, MR(pair.a.pd, 64, AccessFlags.ON_DEMAND), MR(pair.a.pd, 64, AccessFlags(0)))
    assert caught.value.errno == number


# Device memory


def device_region(pair: Pair, length: int = 64) -> DMMR:
    return DMMR(pair.b.pd, length, DM_ACCESS, DM(pair.b.context, AllocDmAttr(length)))


@pytest.mark.ibta("10.6.3", "device memory: the host copies, the peer writes, reads and adds, from address 0 on")
def test_device_memory(pair: Pair) -> None:
    dm = DM(pair.b.context, AllocDmAttr(128, log_align_req=6))
    mr = DMMR(pair.b.pd, 64, DM_ACCESS, dm, offset=32)
    assert (mr.addr, mr.length, dm.copy_from_dm(0, 128)) == (0, 64, bytes(128))
    dm.copy_to_dm(32, b"from the host, no more", 13)
    assert read(pair, 5, mr.rkey, 8) == (OK, b"the host")
    assert write(pair, b"the peer", 56, mr.rkey) is OK
    assert dm.copy_from_dm(84, 12) == bytes(4) + b"the peer"
    pair.a.post_send(bytes(8), WrOpcode.ATOMIC_FETCH_AND_ADD, remote_addr=24, rkey=mr.rkey, compare_add=1 << 40)
    pair.run()
    assert pair.a.poll().status is OK
    assert int.from_bytes(dm.copy_from_dm(56, 8), "little") == 1 << 40
    assert mr.read(13) == b"from the host"
    assert read(pair, 57, mr.rkey, 8)[0] is REFUSED


@pytest.mark.ibta(
    "11.2.1.2", "device memory has a limit, sizes and alignment are checked, what is freed is there again"
)
def test_device_memory_is_limited_and_given_back(make_pair: Callable[..., Pair]) -> None:
    context = make_pair(config=DeviceConfig(max_dm_size=100)).a.context
    for length in (0, 101):
        with pytest.raises(CallerError, match=f"DM: length {length}, the device's max_dm_size is 100"):
            DM(context, AllocDmAttr(length))
    with pytest.raises(CallerError, match="log_align_req 13 exceeds 12"):
        DM(context, AllocDmAttr(1, 13))
    first = DM(context, AllocDmAttr(60))
    with pytest.raises(DpuError, match="length 41, but of 100 bytes 60 are in use") as caught:
        DM(context, AllocDmAttr(41))
    assert caught.value.errno == errno.ENOMEM
    first.close()
    assert DM(context, AllocDmAttr(100)).length == 100


@pytest.mark.ibta("10.6.3", "copies of the host keep within device memory")
def test_copies_keep_within_device_memory(pair: Pair) -> None:
    dm = DM(pair.a.context, AllocDmAttr(16))
    for call in (lambda: dm.copy_to_dm(9, bytes(8)), lambda: dm.copy_from_dm(9, 8), lambda: dm.copy_from_dm(17, 0)):
        with pytest.raises(CallerError, match="are not within its 16") as caught:
            call()
        assert caught.value.errno == errno.EFAULT
    for call in (lambda: dm.copy_to_dm(0, b"x", 2), lambda: dm.copy_from_dm(0, 17), lambda: dm.copy_to_dm(-1, b"")):
        with pytest.raises(CallerError):
            call()


BAD_DM_REGIONS: dict[str, tuple[dict[str, int], str]] = {
    "not zero-based": ({"access": ALL}, "a region of device memory is zero-based"),
    "windows": ({"access": DM_ACCESS | AccessFlags.MW_BIND}, "device memory has no 0x10"),
    "on demand": ({"access": DM_ACCESS | AccessFlags.ON_DEMAND}, "device memory has no 0x40"),
    "remote write alone": ({"access": 2 | AccessFlags.ZERO_BASED}, "without local write"),
    "past the end": ({"offset": 33}, "32 bytes at 33 are not within its 64"),
    "too long": ({"length": 65}, "65 bytes at 0 are not within its 64"),
}


@pytest.mark.ibta("10.6.3.1", "a region of device memory that makes no sense is refused")
@pytest.mark.parametrize("case", BAD_DM_REGIONS)
def test_bad_device_region(pair: Pair, case: str) -> None:
    fields, text = BAD_DM_REGIONS[case]
    given = {"length": 32, "access": int(DM_ACCESS), "offset": 0, **fields}
    dm = DM(pair.a.context, AllocDmAttr(64))
    with pytest.raises(CallerError, match=f"{text}"):
        DMMR(pair.a.pd, given["length"], given["access"], dm, given["offset"])
    with pytest.raises(CallerError, match="belongs to another device"):
        DMMR(pair.b.pd, 8, DM_ACCESS, dm)


@pytest.mark.ibta("10.6.3", "device memory goes after its regions")
def test_device_memory_outlives_no_region_and_closes_them(pair: Pair) -> None:
    mr = device_region(pair)
    dm = mr.dm
    with pair.b.context.engine as engine, pytest.raises(CallerError, match="DM: still used by 1 regions") as caught:
        engine.release(Kind.DM, dm.handle)
    assert caught.value.errno == errno.EBUSY
    dm.close()
    assert mr.closed
    with pytest.raises(CallerError, match="DM of 64 bytes is closed"):
        dm.copy_from_dm(0, 1)
