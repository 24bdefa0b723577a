"""Two devices back to back in virtual time, so that a protocol test reads as a script.

    a (10.0.0.1) ---- capture ---- faults ---- wire (1 us) ---- capture ---- b (10.0.0.2)

The capture at ``a`` is above the faults: it shows what ``a`` sent, lost or not.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from datapath.port import Capture, CapturePort, FaultPort, Faults, Rule
from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    WC,
    AccessFlags,
    AHAttr,
    Context,
    DeviceConfig,
    Mtu,
    QPCap,
    QPInitAttr,
    QpType,
    RecvWR,
    SendFlags,
    SendWR,
    VirtualNet,
    WrOpcode,
)
from rdma_verbs.ah import AH

ALL = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ | AccessFlags.REMOTE_ATOMIC
UD_QKEY = 0x11111111

# Opcodes without the transport's three bits (IBTA vol 1, table 38): everything that answers a request.
_RESPONSES = range(0x0D, 0x13)


@dataclass(frozen=True, slots=True)
class Packet:
    """What the BTH of a captured packet says, and when it passed."""

    time_ns: int
    source: str
    opcode: int
    psn: int
    qpn: int
    data: bytes
    """From the BTH on, with the ICRC."""

    @property
    def is_response(self) -> bool:
        return self.opcode & 0x1F in _RESPONSES


class Side:
    """One end: a device with a queue pair, and enough memory for what a test posts."""

    def __init__(self, context: Context, qp_type: QpType, cap: QPCap, psn: int, name: str) -> None:
        self.context = context
        self.name = name
        self.pd = PD(context)
        self.cq = CQ(context, 1024)
        self.qp = QP(self.pd, QPInitAttr(qp_type, self.cq, cap=cap), psn=psn)
        self.received: list[MR] = []
        self._wr_id = 0
        self._polled: list[WC] = []

    def post_send(self, data: bytes = b"", opcode: WrOpcode = WrOpcode.SEND, **fields: Any) -> MR:
        """Post ``data`` from a region of its own; returns that region. ``fields`` are those of SendWR."""
        mr = MR(self.pd, bytearray(data), ALL)
        self._wr_id += 1
        fields.setdefault("wr_id", self._wr_id)
        fields.setdefault("send_flags", SendFlags.SIGNALED)
        self.qp.post_send(SendWR(opcode=opcode, sg=[mr.sge()] if data else [], **fields))
        return mr

    def post_read(self, length: int, remote: MR, **fields: Any) -> MR:
        """Post an RDMA read of the first bytes of ``remote``; returns where they go."""
        return self.post_send(bytes(length), WrOpcode.RDMA_READ, remote_addr=remote.addr, rkey=remote.rkey, **fields)

    def post_write(self, data: bytes, remote: MR, offset: int = 0, **fields: Any) -> MR:
        """Post an RDMA write to the start of ``remote``."""
        return self.post_send(data, WrOpcode.RDMA_WRITE, remote_addr=remote.addr + offset, rkey=remote.rkey, **fields)

    def post_recv(self, length: int = 8192, count: int = 1) -> None:
        """Post receives; ``received`` has their regions in order, and a receive's wr_id is its place there."""
        for _ in range(count):
            mr = MR(self.pd, length, AccessFlags.LOCAL_WRITE)
            self.qp.post_recv(RecvWR(len(self.received), [mr.sge()]))
            self.received.append(mr)

    def region(self, length: int, access: AccessFlags = ALL) -> MR:
        """A region for the other side to use."""
        return MR(self.pd, length, access)

    def poll(self) -> WC:
        """Take the oldest completion; there must be one."""
        if not self._polled:
            self._polled = self.cq.poll(64)
        assert self._polled, f"{self.name}: no completion"
        return self._polled.pop(0)

    def poll_all(self) -> list[WC]:
        """Take all completions that there are."""
        done, self._polled = self._polled, []
        while more := self.cq.poll(64):
            done += more
        return done


class Pair:
    """Two sides, connected, and the wire between them."""

    def __init__(
        self,
        qp_type: QpType = QpType.RC,
        *,
        psn: int = 0,
        mtu: Mtu = Mtu.MTU_1024,
        recvs: int = 16,
        timeout: int = 5,
        retry_cnt: int = 7,
        rnr_retry: int = 7,
        min_rnr_timer: int = 1,
        latency_ns: int = 1000,
        cap: QPCap | None = None,
        config: DeviceConfig | None = None,
        faults: Faults | None = None,
        connect: bool = True,
    ) -> None:
        cap = cap or QPCap(max_send_wr=128, max_recv_wr=128, max_inline_data=256)
        self.net = VirtualNet()
        self._files = [os.memfd_create(name) for name in "ab"]
        captures = [Capture(f"/proc/self/fd/{fd}") for fd in self._files]
        contexts = self.net.pair(
            latency_ns=latency_ns,
            config=config,
            wrappers=([faults or Faults(), captures[0]], [Faults(), captures[1]]),
        )
        self.a, self.b = (Side(context, qp_type, cap, psn, name) for context, name in zip(contexts, "ab", strict=True))
        self._rules: dict[str, list[Rule]] = {"a": [], "b": []}
        if not connect:
            return
        for side, other in ((self.a, self.b), (self.b, self.a)):
            if qp_type is QpType.UD:
                side.qp.start(qkey=UD_QKEY)
            else:
                side.qp.connect(
                    other.qp.endpoint,
                    mtu=mtu,
                    timeout=timeout,
                    retry_cnt=retry_cnt,
                    rnr_retry=rnr_retry,
                    min_rnr_timer=min_rnr_timer,
                )
            side.post_recv(count=recvs)

    @property
    def now_ns(self) -> int:
        return self.net.now_ns

    def ah(self, source: Side | None = None) -> AH:
        """The address handle from one side to the other, by default from a to b."""
        source = source or self.a
        other = self.b if source is self.a else self.a
        return AH(source.pd, AHAttr(dgid=other.context.gids[0]))

    def drop(
        self, *, psn: int | None = None, opcode: int | None = None, nth: int = 1, count: int = 1, source: str = "a"
    ) -> None:
        """Lose the ``nth`` packet with this PSN or opcode (any packet if neither) that ``source`` sends from now on."""
        self.fault(Rule.on_packet(psn=psn, opcode=opcode, nth=nth, count=count), source=source)

    def fault(self, rule: Rule, *, source: str = "a") -> None:
        """Add a rule to those of the packets that ``source`` sends; all of its rules count anew."""
        self._rules[source].append(rule)
        port = self._side(source).context.port.inner
        assert isinstance(port, FaultPort)
        port.set_rules(self._rules[source])

    def run_until(self, now_ns: int) -> None:
        self.net.run_until(now_ns, max_events=1_000_000)

    def run(self) -> None:
        """Run until nothing is left to happen."""
        self.net.run(max_events=1_000_000)

    @property
    def trace(self) -> list[Packet]:
        """Every packet that either side sent, in the order of time."""
        found = [*self._captured("a"), *self._captured("b")]
        return sorted(found, key=lambda packet: packet.time_ns)

    @property
    def sent_psns(self) -> list[int]:
        """PSNs of the requests that a sent, lost or not."""
        return [p.psn for p in self._captured("a") if not p.is_response]

    @property
    def answered(self) -> list[Packet]:
        """The responses that b sent."""
        return [p for p in self._captured("b") if p.is_response]

    def close(self) -> None:
        self.net.close()
        for fd in self._files:
            with suppress(OSError):
                os.close(fd)

    def _side(self, name: str) -> Side:
        return self.a if name == "a" else self.b

    def _captured(self, name: str) -> list[Packet]:
        side = self._side(name)
        port = side.context.port
        assert isinstance(port, CapturePort)
        port.flush()
        fd = self._files["ab".index(name)]
        address = side.context.gids[0].ip.packed
        data = os.pread(fd, os.fstat(fd).st_size, 0)
        return [
            Packet(time, name, udp[0], int.from_bytes(udp[9:12], "big"), int.from_bytes(udp[5:8], "big"), udp)
            for time, frame in _packets(data)
            for source, udp in [_udp(frame)]
            if source == address
        ]


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Times and frames of a pcapng file in the byte order of this machine (Enhanced Packet Blocks)."""
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("=II", data, at)
        if kind == 6:
            high, low, captured = struct.unpack_from("=III", data, at + 12)
            yield high << 32 | low, data[at + 28 : at + 28 + captured]
        at += length


def _udp(frame: bytes) -> tuple[bytes, bytes]:
    """Source address and UDP payload of an Ethernet frame."""
    if frame[12:14] == b"\x86\xdd":
        return frame[22:38], frame[14 + 40 + 8 :]
    header = (frame[14] & 15) * 4
    return frame[26:30], frame[14 + header + 8 :]
