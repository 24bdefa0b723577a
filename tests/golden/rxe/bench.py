"""Two Soft-RoCE guests on a wire that records and loses packets.

The far ends of :mod:`tests.golden.rxe.scenarios`; drawn in :mod:`tests.golden.rxe.capture`.
"""

import contextlib
import dataclasses
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.e2e.rxe import PeerAddress, PeerCompletion, PeerQp, RxePeer, gid_of

ROCE_PORT = 4791
QUIET_NS = 150_000_000  # a scenario is over when the wire was silent for so long
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


@dataclasses.dataclass(frozen=True, slots=True)
class Packet:
    """A RoCEv2 packet on the wire: what a scenario needs to choose the ones to lose."""

    from_a: bool
    opcode: int
    psn: int
    count: int  # how many with the same direction, opcode and PSN came before


def roce_bth(frame: bytes) -> bytes | None:
    """Return the BTH of a RoCEv2 frame over IPv4 without options or IPv6, else None."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 17:
        udp = 14 + (frame[14] & 15) * 4
    elif kind == b"\x86\xdd" and frame[20] == 17:
        udp = 14 + 40
    else:
        return None
    if struct.unpack_from(">H", frame, udp + 2)[0] != ROCE_PORT:
        return None
    return frame[udp + 8 : udp + 20]


class Wire:
    """Carries frames between two dgram NICs, loses some, records the RoCEv2 ones."""

    def __init__(self, folder: Path) -> None:
        self.paths = [(folder / f"guest-{end}", folder / f"wire-{end}") for end in "ab"]
        self.lose: Callable[[Packet], bool] = lambda packet: False
        self.records: list[bytes] = []
        self.last_ns = time.monotonic_ns()
        self._seen: dict[tuple[bool, int, int], int] = {}
        self._sockets = []
        for _, path in self.paths:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            sock.bind(str(path))
            sock.setblocking(False)
            self._sockets.append(sock)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def begin(self, lose: Callable[[Packet], bool]) -> None:
        """Start a new recording."""
        self._seen.clear()
        self.lose, self.records = lose, []

    def settle(self) -> None:
        """Return when the wire has been silent for a while."""
        while time.monotonic_ns() - self.last_ns < QUIET_NS:
            time.sleep(0.01)

    def close(self) -> None:
        """Stop carrying."""
        self._stop.set()
        self._thread.join()
        for sock in self._sockets:
            sock.close()

    def _carry(self) -> None:
        with selectors.DefaultSelector() as selector:
            for end, sock in enumerate(self._sockets):
                selector.register(sock, selectors.EVENT_READ, end)
            while not self._stop.is_set():
                for key, _ in selector.select(0.1):
                    self._forward(key.data, self._sockets[key.data].recv(65536))

    def _forward(self, end: int, frame: bytes) -> None:
        bth = roce_bth(frame)
        if bth is not None:
            self.last_ns = time.monotonic_ns()
            key = (end == 0, bth[0], int.from_bytes(bth[9:12], "big"))
            count = self._seen.get(key, 0)
            self._seen[key] = count + 1
            if self.lose(Packet(*key, count)):
                return
            second, nanosecond = divmod(time.time_ns(), 1_000_000_000)
            header = struct.pack("<IIII", second, nanosecond // 1000, len(frame), len(frame))
            self.records.append(header + frame)
        # The other guest may not be up yet, or be gone.
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            self._sockets[1 - end].sendto(frame, str(self.paths[1 - end][0]))


def kept_fields(entry: PeerCompletion) -> dict[str, Any]:
    """Return the fields of a completion that mean something, for ``outcomes.json``."""
    always = ("wr_id", "status", "qpn", "vendor_err")
    fields = {key: value for key, value in dataclasses.asdict(entry).items() if value is not None}
    return fields if entry.status == "SUCCESS" else {key: fields[key] for key in always}


class Bench:
    """Two guests and the wire, as scenarios see them."""

    def __init__(self, a: RxePeer, b: RxePeer, wire: Wire) -> None:
        self.a, self.b, self.wire = a, b, wire
        self.outcome: dict[str, Any] = {}

    def pair(
        self,
        kind: str,
        *,
        ipv6: bool = False,
        psn_a: int = 0x000100,
        psn_b: int = 0x000200,
        access_b: Sequence[str] = ("REMOTE_WRITE", "REMOTE_READ", "REMOTE_ATOMIC"),
        create: dict[str, Any] | None = None,
        **options: Any,
    ) -> tuple[PeerQp, PeerQp]:
        """Return a connected pair of QPs: ``a`` starts at ``psn_a`` and ``b`` at ``psn_b``."""
        own = ("fd78::2", "fd78::3") if ipv6 else ("10.78.0.2", "10.78.0.3")
        one, two = (peer.create_qp("q", kind, **(create or {})) for peer in (self.a, self.b))
        at_two, at_one = PeerAddress(gid_of(own[1]), two.qpn), PeerAddress(gid_of(own[0]), one.qpn)
        options = {"mtu": 256, "timeout": 16, **options}
        self.a.connect(one, at_two, own=own[0], sq_psn=psn_a, rq_psn=psn_b, **options)
        self.b.connect(two, at_one, own=own[1], sq_psn=psn_b, rq_psn=psn_a, access=access_b, **options)
        return one, two

    def datagram_pair(self, *, ipv6: bool = False, qkey: int = 0x11223344) -> tuple[PeerQp, PeerQp]:
        """Return a UD QP at each end; ``a`` has the address handle ``to_b``."""
        own = ("fd78::2", "fd78::3") if ipv6 else ("10.78.0.2", "10.78.0.3")
        one, two = self.a.create_qp("q", "UD"), self.b.create_qp("q", "UD")
        for peer, qp, psn in ((self.a, one, 0x100), (self.b, two, 0x200)):
            peer.connect(qp, PeerAddress("::"), sq_psn=psn, qkey=qkey)
        self.a.create_ah("to_b", PeerAddress(gid_of(own[1])), own=own[0])
        return one, two

    def expect(self, end: str, cq: str, *statuses: str, timeout_ms: int = 20000) -> list[PeerCompletion]:
        """Poll one completion for each status, keep them as the outcome, and check that they match."""
        peer = self.a if end == "a" else self.b
        found = peer.poll(cq, len(statuses), timeout_ms)
        kept = [kept_fields(entry) for entry in found]
        self.outcome.setdefault(f"{end}.{cq}", []).extend(kept)
        if [entry.status for entry in found] != list(statuses):
            raise AssertionError(f"{end} {cq}: expected {statuses}, got {found}")
        return found
