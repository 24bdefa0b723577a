"""The shared memory of a node, as ``datapath/csrc/node_shm.h`` lays it out (that file says what the words mean).

All words that C reads are written by one 8-byte (or 4-byte) store: a memoryview item, not ``struct.pack_into`` with a
byte order, which stores byte by byte.
"""

import contextlib
import fcntl
import mmap
import os
from enum import IntEnum
from typing import Final

from datapath.errors import DpuError

MAGIC: Final = 0x4E555044
VERSION: Final = 2
SENDERS: Final = 256
SENDERS_OFF: Final = 4096
SENDER_BYTES: Final = 1088
SLOTS_OFF: Final = 282624
SLOT_BYTES: Final = 217088
COUNTERS: Final = 256
PORT_STATS: Final = 16
QPS: Final = 1024
QP_WORDS: Final = 26

# Byte offsets within the three structures.
HDR: Final = {
    "nslots": 8,
    "closed": 12,
    "credit_extra": 16,
    "senders_epoch": 20,
    "node_id": 24,
    "agent_pid": 32,
    "agent_start": 40,
    "agent_generation": 48,
    "ip": 56,
    "totals": 120,
}
SENDER: Final = {"pid": 0, "start": 8, "ip": 16, "pending": 64}
SLOT: Final = {
    "reserved": 0,
    "refunded": 8,
    "released": 64,
    "heals": 72,
    "healed_bytes": 80,
    "limit": 128,
    "rcvbuf": 136,
    "cookie": 144,
    "pid": 152,
    "start": 160,
    "generation": 168,
    "state": 176,
    "attached_ns": 184,
    "agent_drained": 192,
    "agent_drained_bytes": 200,
    "overflow": 208,
    "local_id": 216,
    "local_fd": 224,
    "counters": 256,
    "port_stats": 2304,
    "qps": 4096,
}
_HALF: Final = {"nslots", "closed", "credit_extra", "senders_epoch"}  # 32-bit words of the header

# Linux's <linux/fcntl.h>; Python 3.11 names only some of them.
_F_ADD_SEALS, _F_GET_SEALS = 1033, 1034
_SEALS = 1 | 2 | 4  # F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW


class SlotState(IntEnum):
    """Who receives what a slot's socket gets."""

    FREE = 0  # the agent, which throws it away
    USED = 1
    AGENT = 2  # slot 0


def credit_estimate(length: int, segments: int, extra: int = 0) -> int:
    """Return what a receiving socket is charged for a message, from above; the same as C's dp_credit_estimate()."""
    if segments > 1 or length > 15 * 1024:
        return length + 1280 + extra
    head = 1024
    while head < length + 512:
        head <<= 1
    return head + 384 + extra


def credit_limit(rcvbuf_bytes: int) -> int:
    """Return how much of a receive buffer senders may fill; the same as C's dp_credit_limit()."""
    return rcvbuf_bytes - rcvbuf_bytes // 4


def create_memfd(nslots: int) -> int:
    """Return a descriptor of zeroed memory for ``nslots`` slots whose size is sealed, so that no mapping can fault."""
    fd = os.memfd_create("dpu-emu-node", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, SLOTS_OFF + nslots * SLOT_BYTES)
        fcntl.fcntl(fd, _F_ADD_SEALS, _SEALS)
    except OSError:
        os.close(fd)
        raise
    return fd


class NodeMemory:
    """A mapping of a node's shared memory, with its words by name.

    Raises:
        DpuError: the descriptor is not the sealed memory of a node, in this version.
    """

    def __init__(self, fd: int, *, fresh: bool = False) -> None:
        try:
            sealed = fcntl.fcntl(fd, _F_GET_SEALS) & _SEALS == _SEALS
        except OSError:
            sealed = False
        size = os.fstat(fd).st_size
        if not sealed or size <= SLOTS_OFF or (size - SLOTS_OFF) % SLOT_BYTES:
            raise DpuError(f"node memory: {size} bytes, sealed {sealed}: not a node's")
        self.map = mmap.mmap(fd, size)
        self._bytes = memoryview(self.map)
        self._u64 = self._bytes.cast("Q")
        self._u32 = self._bytes.cast("I")
        self.nslots = (size - SLOTS_OFF) // SLOT_BYTES
        if fresh:
            self._u32[1] = VERSION
            self.set_hdr("nslots", self.nslots)
            self._u32[0] = MAGIC
        elif (self._u32[0], self._u32[1], self.hdr("nslots")) != (MAGIC, VERSION, self.nslots):
            found = f"magic {self._u32[0]:#x}, version {self._u32[1]}, {self.hdr('nslots')} slots"
            self.close()
            raise DpuError(f"node memory: {found}: not of this version ({VERSION})")

    def close(self) -> None:
        """Unmap, unless C still holds a view of the mapping: then it goes with that view."""
        self._u64.release()
        self._u32.release()
        self._bytes.release()
        with contextlib.suppress(BufferError):
            self.map.close()

    def hdr(self, name: str) -> int:
        """Return a word of the header."""
        offset = HDR[name]
        return self._u32[offset // 4] if name in _HALF else self._u64[offset // 8]

    def set_hdr(self, name: str, value: int) -> None:
        """Write a word of the header."""
        offset = HDR[name]
        if name in _HALF:
            self._u32[offset // 4] = value & 0xFFFFFFFF
        else:
            self._u64[offset // 8] = value

    @property
    def gid(self) -> bytes:
        """The node's address, 16 bytes."""
        return bytes(self._bytes[HDR["ip"] : HDR["ip"] + 16])

    @gid.setter
    def gid(self, value: bytes) -> None:
        self._bytes[HDR["ip"] : HDR["ip"] + 16] = value

    def slot(self, index: int, name: str) -> int:
        """Return a word of a slot's page."""
        return self._u64[(SLOTS_OFF + index * SLOT_BYTES + SLOT[name]) // 8]

    def set_slot(self, index: int, name: str, value: int) -> None:
        """Write a word of a slot's page."""
        self._u64[(SLOTS_OFF + index * SLOT_BYTES + SLOT[name]) // 8] = value & 0xFFFFFFFFFFFFFFFF

    def slot_words(self, index: int, name: str) -> memoryview:
        """Return the counters or port_stats of a slot; release the view before close()."""
        count = COUNTERS if name == "counters" else PORT_STATS
        first = (SLOTS_OFF + index * SLOT_BYTES + SLOT[name]) // 8
        return self._u64[first : first + count]

    def counters_offset(self, index: int) -> int:
        """Return where a slot's counters begin, in bytes."""
        return SLOTS_OFF + index * SLOT_BYTES + SLOT["counters"]

    def qps_offset(self, index: int) -> int:
        """Return where the rows of a slot's queue pairs begin, in bytes."""
        return SLOTS_OFF + index * SLOT_BYTES + SLOT["qps"]

    def qps(self, index: int) -> list[tuple[int, ...]]:
        """Return the rows of a slot's queue pairs: the QPN, then the counters."""
        first = self.qps_offset(index) // 8
        rows = (self._u64[at : at + QP_WORDS] for at in range(first, first + QPS * QP_WORDS, QP_WORDS))
        return [tuple(row) for row in rows if row[0]]

    def clear_qps(self, index: int) -> None:
        """Forget a slot's queue pairs."""
        first = self.qps_offset(index) // 8
        for at in range(first, first + QPS * QP_WORDS, QP_WORDS):
            if self._u64[at]:
                self._u64[at] = 0

    def totals(self) -> memoryview:
        """Return the counters of processes that have left."""
        first = HDR["totals"] // 8
        return self._u64[first : first + COUNTERS]

    def sender(self, index: int, name: str) -> int:
        """Return pid or start of a sender."""
        return self._u64[(SENDERS_OFF + index * SENDER_BYTES + SENDER[name]) // 8]

    def sender_gid(self, index: int) -> bytes:
        """Return a sender's source address, 16 bytes."""
        first = SENDERS_OFF + index * SENDER_BYTES + SENDER["ip"]
        return bytes(self._bytes[first : first + 16])

    def set_sender(self, index: int, pid: int, start: int, gid: bytes) -> None:
        """Write an entry of the table of senders, and tell the receivers that it changed."""
        first = SENDERS_OFF + index * SENDER_BYTES
        self._bytes[first + SENDER["ip"] : first + SENDER["ip"] + 16] = gid
        self._u64[first // 8] = pid
        self._u64[first // 8 + 1] = start
        self.set_hdr("senders_epoch", self.hdr("senders_epoch") + 1)

    def pending(self, slot: int) -> int:
        """Return what all senders may have reserved at a slot and not yet sent, in bytes."""
        first = (SENDERS_OFF + SENDER["pending"]) // 4 + slot
        return sum(self._u32[first : first + SENDERS * SENDER_BYTES // 4 : SENDER_BYTES // 4])

    def clear_pending(self, sender: int) -> None:
        """Say that a sender sends no more; what it had reserved and not sent is now a leak that the receiver finds."""
        first = (SENDERS_OFF + sender * SENDER_BYTES + SENDER["pending"]) // 4
        for i in range(first, first + 256):
            self._u32[i] = 0

    def outstanding(self, slot: int) -> int:
        """Return the bytes of a slot's receive buffer that are promised or filled."""
        return self.slot(slot, "reserved") - self.slot(slot, "refunded") - self.slot(slot, "released")
