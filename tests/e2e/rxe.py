"""Linux's Soft-RoCE in a guest as a peer of tests: the host's half.

    namespace "NAME-xxxxxx"                    guest (QEMU, Linux rdma_rxe)
    +-------------------------------+          +----------------------------------+
    | test: UDP 4791 on 10.77.0.1,  |   tap    | eth0 10.77.0.2, fd77::2          |
    |   fd77::1; control client   --+--tap0----+-- rxe0: RC, UC, UD               |
    |                               |          |   rxe_peer.py: TCP 18515         |
    +-------------------------------+          +----------------------------------+

Both the RoCEv2 packets and the control connection use the one link. A test
drives the guest's verbs through :class:`RxePeer`; what it sends on UDP port 4791
of the namespace is its own business:

    with Namespace.create("rxe") as space, RxePeer(space) as peer:
        mine = space.socket(socket.AF_INET, socket.SOCK_DGRAM)    # bind 10.77.0.1:4791
        mr = peer.create_mr("m", 4096, REMOTE_ALL)
        qp = peer.create_qp("q", "RC")
        peer.connect(qp, PeerAddress(gid_of("10.77.0.1"), my_qpn), sq_psn=100, rq_psn=200, mtu=1024)
        peer.post_recv(qp, recv(1, mr.sge(0, 64)))
        ... send a SEND_ONLY with PSN 200 to qp.qpn ...
        [done] = peer.poll(qp.recv_cq)
        assert done.status == "SUCCESS" and peer.read_mr(mr, 0, done.byte_len) == sent

Two guests: one :class:`Namespace` with a bridge, and a ``Nic`` of each guest on
it (see ``tests/golden/rxe/capture.py``). Two QPs of one guest may also be
connected to one another. Needs root, and the image of ``dpu_emu.lab.image``; a
guest takes 10 to 20 s to boot.
"""

import abc
import contextlib
import hashlib
import ipaddress
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dpu_emu.lab.errors import GuestTimeoutError, LabError
from dpu_emu.lab.guest import Guest
from dpu_emu.lab.netns import Namespace
from dpu_emu.lab.nic import Nic
from dpu_emu.lab.qemu import GuestConfig
from tests.e2e.guest.commands import pattern
from tests.e2e.guest.programs import Ended

CONTROL_PORT = 18515
HOST_IPV4, GUEST_IPV4 = "10.77.0.1", "10.77.0.2"
HOST_IPV6, GUEST_IPV6 = "fd77::1", "fd77::2"

LOCAL = ("LOCAL_WRITE",)
REMOTE_ALL = ("LOCAL_WRITE", "REMOTE_WRITE", "REMOTE_READ", "REMOTE_ATOMIC")

ROOT = Path(__file__).resolve().parents[2]
#: What the guest's program is made of, copied into the guest.
GUEST_FILES = (
    "tests/__init__.py",
    "tests/e2e/guest/commands.py",
    "tests/e2e/guest/programs.py",
    "tests/e2e/guest/rxe_peer.py",
)

WorkRequest = dict[str, Any]
Sge = dict[str, Any]


class PeerCommandError(LabError):
    """The guest refused a command; ``errno`` is what the verb returned."""

    def __init__(self, op: str, message: str, number: int) -> None:
        super().__init__(f"{op}: {message}", number)


@dataclass(frozen=True, slots=True)
class PeerMr:
    """A region in the guest: what a remote requester must know of it."""

    name: str
    length: int
    addr: int
    lkey: int
    rkey: int

    def sge(self, offset: int = 0, length: int | None = None, lkey: int | None = None) -> Sge:
        """Return a scatter/gather entry of this region; ``lkey`` replaces the right key by another."""
        entry: Sge = {"mr": self.name, "offset": offset}
        entry["length"] = self.length - offset if length is None else length
        return entry if lkey is None else {**entry, "lkey": lkey}


@dataclass(frozen=True, slots=True)
class PeerQp:
    """A QP in the guest, with the names of its completion queues."""

    name: str
    kind: str
    qpn: int
    send_cq: str
    recv_cq: str


@dataclass(frozen=True, slots=True)
class RxeGid:
    """An entry of the device's GID table; ``kind`` is ``RoCE v2`` for the ones to use."""

    index: int
    gid: str
    kind: str


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where the guest's QP or address handle points to."""

    gid: str
    qpn: int = 0
    traffic_class: int = 0
    flow_label: int = 0
    hop_limit: int = 64


@dataclass(frozen=True, slots=True)
class PeerCompletion:
    """A work completion, with verbs' names for status and opcode (without ``IBV_WC_``).

    As in verbs, an unsuccessful one holds nothing of use but ``wr_id``, ``status``,
    ``qpn`` and ``vendor_err``.
    """

    wr_id: int
    status: str
    opcode: str
    byte_len: int
    qpn: int
    src_qpn: int
    vendor_err: int
    wc_flags: int
    imm: int | None = None
    invalidated_rkey: int | None = None


def gid_of(address: str) -> str:
    """Return the RoCEv2 GID of an IP address; IPv4 is mapped into ::ffff:0:0/96."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        ip = ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + ip.packed)
    return ip.exploded


def recv(wr_id: int, *sges: Sge) -> WorkRequest:
    """Return a receive request."""
    return {"wr_id": wr_id, "sges": list(sges)}


def send(wr_id: int, opcode: str, *sges: Sge, **fields: Any) -> WorkRequest:
    """Return a send request of any opcode.

    ``opcode`` is verbs' name without ``IBV_WR_``. ``fields`` are those that it
    needs: ``imm``; ``remote_addr`` and ``rkey``; ``compare_add`` and ``swap``;
    ``ah``, ``remote_qpn`` and ``remote_qkey`` (UD); ``invalidate_rkey``.
    ``flags`` is a list of verbs' names without ``IBV_SEND_``, SIGNALED if absent.
    """
    return {"wr_id": wr_id, "opcode": opcode, "sges": list(sges), **fields}


class VerbsPeer(abc.ABC):
    """Verbs in another process or machine, a method for each; what carries the commands is the subclass's."""

    @abc.abstractmethod
    def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send one command and return its reply.

        Raises:
            PeerCommandError: the peer refused it.
            LabError: the connection ended.
        """

    def gid_index(self, own: str) -> int:
        """Return the index of one of the peer's own addresses in its GID table."""
        return 0

    def answered(self, op: str, number: int, line: bytes) -> dict[str, Any] | None:
        """Return the reply that a line holds, or None if it is that to an earlier command, whose wait was given up.

        Raises:
            PeerCommandError: the peer refused the command.
        """
        reply: dict[str, Any] = json.loads(line)
        if reply["id"] != number:
            return None
        if not reply["ok"]:
            raise PeerCommandError(op, reply["error"], reply["errno"])
        return reply

    def counters(self) -> dict[str, int]:
        """Return the device's hardware counters by name."""
        return dict(self.call("counters")["counters"])

    def destroy_all(self) -> None:
        """Destroy every object that was made, so that the next test finds an empty device."""
        self.call("destroy")

    def create_mr(self, name: str, length: int, access: Sequence[str] = REMOTE_ALL) -> PeerMr:
        """Register a new zeroed buffer."""
        reply = self.call("create_mr", name=name, length=length, access=list(access))
        return PeerMr(name, length, reply["addr"], reply["lkey"], reply["rkey"])

    def create_mw(self, name: str, kind: int = 2) -> int:
        """Allocate a memory window and return its first rkey."""
        return int(self.call("create_mw", name=name, type=kind)["rkey"])

    def write_mr(self, mr: PeerMr, offset: int, data: bytes) -> None:
        """Put bytes into a region."""
        self.call("write_mr", mr=mr.name, offset=offset, hex=data.hex())

    def write_pattern(self, mr: PeerMr, offset: int, length: int, seed: int) -> bytes:
        """Put :func:`pattern` into a region and return it."""
        data = pattern(seed, length)
        reply = self.call("write_mr", mr=mr.name, offset=offset, length=length, seed=seed)
        if reply["sha256"] != hashlib.sha256(data).hexdigest():
            raise LabError("the peer's Python makes other bytes of this seed")
        return data

    def read_mr(self, mr: PeerMr, offset: int, length: int) -> bytes:
        """Return a range of a region."""
        return bytes.fromhex(self.call("read_mr", mr=mr.name, offset=offset, length=length, hex=True)["hex"])

    def digest(self, mr: PeerMr, offset: int, length: int) -> str:
        """Return the SHA-256 of a range, in hexadecimal."""
        return str(self.call("read_mr", mr=mr.name, offset=offset, length=length)["sha256"])

    def create_qp(self, name: str, kind: str, **options: Any) -> PeerQp:
        """Create an RC, UC or UD QP.

        ``options``: ``max_send_wr``, ``max_recv_wr``, ``max_send_sge``,
        ``max_recv_sge``, ``max_inline_data``, ``sq_sig_all``, ``cq_entries``,
        ``bind_mw``, and ``send_cq``, ``recv_cq`` and ``srq`` to share queues.
        """
        reply = self.call("create_qp", name=name, type=kind, **options)
        send_cq, recv_cq = options.get("send_cq", f"{name}.send"), options.get("recv_cq", f"{name}.recv")
        return PeerQp(name, kind, reply["qpn"], send_cq, recv_cq)

    def connect(
        self,
        qp: PeerQp,
        remote: PeerAddress,
        *,
        sq_psn: int,
        rq_psn: int = 0,
        mtu: int = 1024,
        own: str = "",
        access: Sequence[str] = REMOTE_ALL[1:],
        qkey: int = 0,
        timeout: int = 14,
        retry_cnt: int = 7,
        rnr_retry: int = 7,
        min_rnr_timer: int = 12,
        max_rd_atomic: int = 4,
        max_dest_rd_atomic: int = 4,
    ) -> None:
        """Take a QP to RTS; UD needs ``sq_psn`` and ``qkey`` only. ``own`` is one of the peer's IP addresses.

        Timers are verbs' encodings: ``timeout`` 4.096 us x 2^n, ``min_rnr_timer``
        an index of the IBTA table.
        """
        if qp.kind == "UC":
            access = [flag for flag in access if flag == "REMOTE_WRITE"]
        self.call(
            "connect",
            qp=qp.name,
            ah=self._address(remote, own) if qp.kind != "UD" else None,
            remote_qpn=remote.qpn,
            sq_psn=sq_psn,
            rq_psn=rq_psn,
            mtu=mtu,
            access=list(access),
            qkey=qkey,
            timeout=timeout,
            retry_cnt=retry_cnt,
            rnr_retry=rnr_retry,
            min_rnr_timer=min_rnr_timer,
            max_rd_atomic=max_rd_atomic,
            max_dest_rd_atomic=max_dest_rd_atomic,
        )

    def modify_qp(self, qp: PeerQp, **attributes: Any) -> None:
        """Modify a QP with exactly these attributes, named as in ``struct ibv_qp_attr``."""
        self.call("modify_qp", qp=qp.name, attributes=attributes)

    def qp_state(self, qp: PeerQp) -> str:
        """Return the QP's state: RESET, INIT, RTR, RTS, SQD, SQE or ERR."""
        return str(self.call("qp_state", qp=qp.name)["state"])

    def create_ah(self, name: str, remote: PeerAddress, own: str = "") -> None:
        """Create an address handle for UD sends."""
        self.call("create_ah", name=name, ah=self._address(remote, own))

    def post_recv(self, qp: PeerQp, *requests: WorkRequest) -> None:
        """Post receives made by :func:`recv`."""
        self.call("post_recv", qp=qp.name, requests=list(requests))

    def post_send(self, qp: PeerQp, *requests: WorkRequest) -> None:
        """Post requests made by :func:`send`."""
        self.call("post_send", qp=qp.name, requests=list(requests))

    def bind_mw(self, qp: PeerQp, wr_id: int, mw: str, sge: Sge, access: Sequence[str], rkey: int | None = None) -> int:
        """Post the bind of a window to a range and return the key that it will have.

        A type 2 window needs its new ``rkey``, that of :meth:`create_mw` with another low byte, and a QP that was
        created with ``bind_mw=True``. Type 1 makes its own.
        """
        reply = self.call("bind_mw", qp=qp.name, wr_id=wr_id, mw=mw, rkey=rkey, access=list(access), **sge)
        return int(reply["rkey"])

    def create_srq(self, name: str, max_wr: int = 64) -> str:
        """Create a shared receive queue and return its name; option ``srq`` of :meth:`create_qp` takes it."""
        self.call("create_srq", name=name, max_wr=max_wr)
        return name

    def arm_srq(self, srq: str, limit: int) -> None:
        """Ask for one event when fewer than ``limit`` receives are left."""
        self.call("arm_srq", srq=srq, limit=limit)

    def post_srq_recv(self, srq: str, *requests: WorkRequest) -> None:
        """Post receives made by :func:`recv` to a shared receive queue."""
        self.call("post_recv", srq=srq, requests=list(requests))

    def next_event(self, timeout_ms: int = 0) -> str | None:
        """Return the oldest asynchronous event by verbs' name without ``IBV_EVENT_``, or None if none came in time."""
        event = self.call("next_event", timeout_ms=timeout_ms)["event"]
        return None if event is None else str(event)

    def poll(self, cq: str, count: int = 1, timeout_ms: int = 10000) -> list[PeerCompletion]:
        """Return ``count`` completions, or fewer if no more came in time."""
        reply = self.call("poll", cq=cq, count=count, timeout_ms=timeout_ms)
        return [PeerCompletion(**entry) for entry in reply["completions"]]

    def _address(self, remote: PeerAddress, own: str) -> dict[str, Any]:
        return {
            "gid": remote.gid,
            "gid_index": self.gid_index(own),
            "traffic_class": remote.traffic_class,
            "flow_label": remote.flow_label,
            "hop_limit": remote.hop_limit,
        }


class RxePeer(VerbsPeer):
    """A guest that runs ``rxe_peer.py``, as a context manager with a method for each verb.

    Without ``nics`` the guest gets one tap of MTU ``mtu_bytes`` as drawn above.
    With ``nics``, ``control`` is an address of the guest that the namespace
    reaches, and ``device`` the RDMA device (``rxeN`` for the NIC with index N).
    """

    def __init__(
        self,
        space: Namespace,
        *,
        nics: tuple[Nic, ...] = (),
        control: str = GUEST_IPV4,
        device: str = "rxe0",
        name: str = "rxe",
        mtu_bytes: int = 4300,
        boot_timeout_s: float = 180,
    ) -> None:
        tap = Nic(
            "tap",
            f"{name[:12]}0",
            addresses=(f"{GUEST_IPV4}/24", f"{GUEST_IPV6}/64"),
            host_addresses=(f"{HOST_IPV4}/24", f"{HOST_IPV6}/64"),
            mtu=mtu_bytes,
            rxe=True,
        )
        config = GuestConfig(
            script=f"cd /lab && exec python3 -m tests.e2e.guest.rxe_peer --port {CONTROL_PORT} --device {device}\n",
            name=name,
            nics=nics or (tap,),
            netns=space.name,
            parts=("py",),
            files={f"/lab/{name}": ROOT / name for name in GUEST_FILES},
        )
        self.guest = Guest(config)
        self._space = space
        self._control = (control, CONTROL_PORT)
        self._boot_timeout_s = boot_timeout_s
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._sent = 0
        self.gids: tuple[RxeGid, ...] = ()
        self.mtu = 0

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.guest.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Start the boot and return at once, so that a second guest can boot beside it."""
        try:
            self.guest.start()
        except BaseException:
            self.guest.stop()
            raise

    def wait_ready(self) -> None:
        """Wait for the guest's program and ask it for its GIDs and MTU."""
        deadline = time.monotonic() + self._boot_timeout_s
        self.guest.wait_ready(self._boot_timeout_s)
        while "rxe_peer:" not in self.guest.output:
            if time.monotonic() > deadline or not self.guest.running:
                raise GuestTimeoutError(f"guest {self.guest.config.name}: no rxe_peer\n{self.guest.output}")
            time.sleep(0.05)
        family = socket.AF_INET6 if ":" in self._control[0] else socket.AF_INET
        self._socket = self._space.socket(family, socket.SOCK_STREAM)
        self._socket.settimeout(60)
        self._socket.connect(self._control)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reply = self.call("info")
        self.mtu = int(reply["mtu"])
        self.gids = tuple(RxeGid(entry["index"], entry["gid"], entry["type"]) for entry in reply["gids"])

    def close(self) -> None:
        """Ask the guest to power off, then make sure that it is gone."""
        if self._socket:
            with contextlib.suppress(OSError):  # gone already, which is what we want
                self._socket.sendall(b'{"op": "quit"}\n')
            self._socket.close()
            self._socket = None
        self.guest.stop()

    def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """Send one command and return its reply.

        Raises:
            PeerCommandError: the guest refused it.
            LabError: the connection ended.
        """
        if self._socket is None:
            raise LabError(f"{op}: the peer is not started")
        self._sent += 1
        self._socket.sendall(json.dumps({"id": self._sent, "op": op, **fields}).encode() + b"\n")
        while True:
            while b"\n" not in self._buffer:
                chunk = self._socket.recv(1 << 16)
                if not chunk:
                    raise LabError(f"{op}: the guest closed the connection\n{self.guest.output}")
                self._buffer += chunk
            line, _, self._buffer = self._buffer.partition(b"\n")
            if reply := self.answered(op, self._sent, line):
                return reply

    def gid_index(self, own: str) -> int:
        """Return the index of the guest's address ``own``, by default its IPv4 address."""
        return self.gid(own or GUEST_IPV4).index

    def gid(self, address: str) -> RxeGid:
        """Return the RoCE v2 entry of the guest's GID table for its own IP address."""
        wanted = gid_of(address)
        for entry in self.gids:
            if entry.gid == wanted and entry.kind == "RoCE v2":
                return entry
        raise LabError(f"guest {self.guest.config.name} has no RoCE v2 GID {wanted}")

    def run(self, *argv: str, timeout_s: float = 55) -> tuple[int, str]:
        """Run a program of the guest (rping, ibv_rc_pingpong, ...) and return its exit code and output."""
        reply = self.call("run", argv=list(argv), timeout_s=timeout_s)
        return int(reply["code"]), str(reply["output"])

    def spawn(self, *argv: str, port: int | None = None, timeout_s: float = 30) -> int:
        """Start a program of the guest, wait until it listens on ``port`` if one is given, and return its number."""
        fields = {} if port is None else {"port": port, "timeout_s": timeout_s}
        return int(self.call("spawn", argv=list(argv), **fields)["pid"])

    def wait(self, pid: int, timeout_s: float = 55) -> Ended:
        """Return how a program ended that :meth:`spawn` started; it is killed if that takes too long."""
        reply = self.call("wait", pid=pid, timeout_s=timeout_s)
        return Ended(reply["code"], reply["output"], reply["user_s"], reply["system_s"])
