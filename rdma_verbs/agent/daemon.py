"""The agent process of one node.

It creates the socket group and the shared memory, hands both to processes, sees them die, and hands their slots out
again. It is not needed for packets to flow. When it dies, the processes of the node start another, which finds the
address in use, waits for the first of them to hand the sockets and the memory back, and reads there who has which
slot: nothing that matters is in the agent alone.
"""

import contextlib
import errno
import os
import secrets
import selectors
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass, field

from datapath.errors import DpuError, PeerError
from rdma_verbs.agent import group, left
from rdma_verbs.agent.protocol import MAX_BYTES, MAX_SLOTS, Op, Reply, Request, decode_request, encode_reply
from rdma_verbs.agent.rundir import Address, NodeDir, process_start
from rdma_verbs.agent.shm import SENDERS, NodeMemory, SlotState, create_memfd, credit_limit

SOCKET_NAME = "agent.sock"
LOCK_NAME = "agent.lock"
RECOVER_S = 3.0  # how long a new agent waits for a process of the node to hand the sockets back


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """How a node is set up; the first process of the node decides."""

    nslots: int = 32
    rcvbuf_bytes: int = 0  # 0: the system's default
    idle_s: float = 5.0  # the agent leaves when no process has had a slot for so long


@dataclass(eq=False, slots=True)
class _Client:
    """A connection, and what it holds. One that ends gives up all of it."""

    sock: socket.socket
    pid: int
    slot: int | None = None
    senders: set[int] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class _Process:
    """A process that has a slot or is a sender, watched until it dies."""

    pid: int
    start: int
    pidfd: int
    slots: set[int] = field(default_factory=set)
    senders: set[int] = field(default_factory=set)


class Agent:
    """The agent of the node with this address, once it has become it (``start()``)."""

    def __init__(self, address: Address, config: AgentConfig) -> None:
        if not 2 <= config.nslots <= MAX_SLOTS:
            raise DpuError(f"node {address.text}: {config.nslots} slots; 2 to {MAX_SLOTS} are possible", errno.EINVAL)
        self.address = address
        self.config = config
        self._selector = selectors.DefaultSelector()
        self._clients: set[_Client] = set()
        self._processes: dict[int, _Process] = {}
        self._free: deque[int] = deque()
        self._socks: list[socket.socket] = []
        self._memory: NodeMemory | None = None
        self._memfd = -1
        self._waiting: list[tuple[_Client, Request]] = []  # until the sockets are handed back
        self._dir: NodeDir | None = None

    # ---- life ----

    def start(self) -> bool:
        """Become the node's agent: hold its lock, listen, and have its sockets or wait for them.

        Returns False when the node has an agent.
        """
        while True:
            self._dir = NodeDir(self.address)
            self._lock = self._dir.lock(LOCK_NAME, wait=False)
            if self._lock is None:
                self._dir.close()
                return False
            try:
                if os.fstat(self._lock).st_ino == os.stat(LOCK_NAME, dir_fd=self._dir.fd).st_ino:
                    break
            except FileNotFoundError:
                pass
            os.close(self._lock)  # the agent before us removed it while we waited
            self._dir.close()
        if not group.address_in_use(self.address):
            self._create()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET_NAME, dir_fd=self._dir.fd)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        self._listener.bind(self._dir.file(SOCKET_NAME))
        self._listener.listen(128)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        return True

    def run(self) -> None:
        """Serve until the node is idle for long enough, or nobody handed the sockets back."""
        if self._memory:
            self._sign()
        idle_since = time.monotonic()
        recover_until = time.monotonic() + RECOVER_S
        while True:
            for key, _ in self._selector.select(0.25):
                # An earlier event of this round may have taken its object away.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()
            now = time.monotonic()
            if self._memory is None:
                if now > recover_until:
                    self._fail_waiting()
                    break
                continue
            if any(process.slots for process in self._processes.values()):
                idle_since = now
            elif now - idle_since >= self.config.idle_s and not self._clients_hold_slots():
                break
        self._leave()

    def _clients_hold_slots(self) -> bool:
        return any(client.slot is not None for client in self._clients)

    def _leave(self) -> None:
        assert self._dir is not None
        if self._memory:
            self._memory.set_hdr("closed", 1)
            left.save(self._memory, self._dir)
        # In this order: whoever still finds the socket gets a closed connection and starts over.
        for name in (SOCKET_NAME, LOCK_NAME):
            os.unlink(name, dir_fd=self._dir.fd)
        self._listener.close()
        for client in self._clients:
            client.sock.close()
        for sock in self._socks:
            sock.close()

    def _fail_waiting(self) -> None:
        text = f"node {self.address.text}: UDP 4791 is in use, and not by processes of this node"
        for client, _ in self._waiting:
            self._send(client, Reply(errno=errno.EADDRINUSE, error=text))

    # ---- sockets and memory ----

    def _create(self) -> None:
        assert self._dir is not None
        self._socks = group.create_group(self.address, self.config.nslots, self.config.rcvbuf_bytes)
        self._memfd = create_memfd(self.config.nslots)
        memory = NodeMemory(self._memfd, fresh=True)
        memory.gid = self.address.gid
        memory.set_hdr("node_id", secrets.randbits(63) | 1)
        memory.set_hdr("credit_extra", group.credit_shortfall(self.address))
        for i, sock in enumerate(self._socks):
            memory.set_slot(i, "cookie", group.cookie(sock))
            memory.set_slot(i, "rcvbuf", group.receive_buffer(sock))
            memory.set_slot(i, "limit", credit_limit(group.receive_buffer(sock)))
        memory.set_slot(0, "state", SlotState.AGENT)
        left.load(memory, self._dir)
        self._memory = memory
        self._watch_unowned(0)
        for i in range(1, len(self._socks)):
            self._free.append(i)
            self._watch_unowned(i)

    def _sign(self) -> None:
        assert self._memory is not None
        self._memory.set_hdr("agent_pid", os.getpid())
        self._memory.set_hdr("agent_start", process_start(os.getpid()))
        self._memory.set_hdr("agent_generation", self._memory.hdr("agent_generation") + 1)

    def _adopt(self, memfd: int, fds: list[int]) -> None:
        """Take over from an agent that died; takes the descriptors in any case."""
        try:
            memory = NodeMemory(memfd)
            if memory.gid != self.address.gid or memory.nslots != len(fds):
                raise DpuError(f"node {self.address.text}: memory of another node", errno.EBADF)
        except DpuError:
            for fd in (memfd, *fds):
                os.close(fd)
            raise
        try:
            socks = group.adopt_group(self.address, fds, [memory.slot(i, "cookie") for i in range(memory.nslots)])
        except DpuError:
            os.close(memfd)
            memory.close()
            raise
        self._memory, self._memfd, self._socks = memory, memfd, socks
        self._sign()
        self._watch_unowned(0)
        free = []
        for slot in range(1, memory.nslots):
            if memory.slot(slot, "state") == SlotState.USED:
                if self._watch_process(memory.slot(slot, "pid"), memory.slot(slot, "start")):
                    self._processes[memory.slot(slot, "pid")].slots.add(slot)
                else:
                    self._release_slot(slot)
            else:
                free.append(slot)
                self._watch_unowned(slot)
        for sender in range(SENDERS):
            pid = memory.sender(sender, "pid")
            if pid and self._watch_process(pid, memory.sender(sender, "start")):
                self._processes[pid].senders.add(sender)
            elif pid:
                self._release_sender(sender)
        self._free.extendleft(reversed(free))
        waiting, self._waiting = self._waiting, []
        for client, request in waiting:
            if client in self._clients:
                self._answer(client, request, [])

    def _watch_unowned(self, slot: int) -> None:
        """Throw away what arrives for slot 0 (no management QP yet) or for a slot without an owner."""
        self._selector.register(self._socks[slot], selectors.EVENT_READ, lambda: self._drain(slot))
        self._drain(slot)

    def _drain(self, slot: int) -> None:
        assert self._memory is not None
        memory = self._memory
        # As in node_shm.h: what was reserved and is not about to be sent has arrived once the socket is empty.
        claimed = memory.slot(slot, "reserved") - memory.pending(slot)
        datagrams, length, empty = group.drain(self._socks[slot])
        if datagrams:
            memory.set_slot(slot, "agent_drained", memory.slot(slot, "agent_drained") + datagrams)
            memory.set_slot(slot, "agent_drained_bytes", memory.slot(slot, "agent_drained_bytes") + length)
        memory.set_slot(slot, "overflow", group.overflow(self._socks[slot]))
        released = claimed - memory.slot(slot, "refunded")
        if empty and released > memory.slot(slot, "released"):
            memory.set_slot(slot, "released", released)

    def _release_slot(self, slot: int) -> None:
        assert self._memory is not None
        memory = self._memory
        memory.set_slot(slot, "state", SlotState.FREE)
        memory.set_slot(slot, "pid", 0)
        with memory.totals() as totals, memory.slot_words(slot, "counters") as counters:
            for i, value in enumerate(counters):
                totals[i] = (totals[i] + value) & 0xFFFFFFFFFFFFFFFF
                counters[i] = 0
        self._watch_unowned(slot)
        self._free.append(slot)

    def _release_sender(self, sender: int) -> None:
        assert self._memory is not None
        self._memory.clear_pending(sender)
        # Its address stays: what it sent is still queued at receivers, who must know that it had credit.
        self._memory.set_sender(sender, 0, 0, self._memory.sender_gid(sender))

    # ---- processes ----

    def _watch_process(self, pid: int, start: int) -> bool:
        """Watch for the death of the process that started then; False when it is dead."""
        known = self._processes.get(pid)
        if known:
            return known.start == start
        try:
            pidfd = os.pidfd_open(pid)
        except OSError:
            return False
        if process_start(pid) != start or not start:
            os.close(pidfd)
            return False
        self._processes[pid] = _Process(pid, start, pidfd)
        self._selector.register(pidfd, selectors.EVENT_READ, lambda: self._died(pid))
        return True

    def _unwatch(self, process: _Process) -> None:
        self._selector.unregister(process.pidfd)
        os.close(process.pidfd)
        del self._processes[process.pid]

    def _died(self, pid: int) -> None:
        process = self._processes[pid]
        self._unwatch(process)
        for sender in process.senders:
            self._release_sender(sender)
        for slot in process.slots:
            self._release_slot(slot)
        for client in self._clients:
            # A child may hold the connection open; what it stood for is gone.
            if client.slot in process.slots:
                client.slot = None
            client.senders -= process.senders

    def _give_up(self, client: _Client) -> None:
        """Free what a connection stood for."""
        process = self._processes.get(client.pid)
        if not process:
            return
        for sender in client.senders & process.senders:
            process.senders.discard(sender)
            self._release_sender(sender)
        if client.slot is not None and client.slot in process.slots:
            process.slots.discard(client.slot)
            self._release_slot(client.slot)
        if not process.slots and not process.senders:
            self._unwatch(process)

    # ---- connections ----

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        pid, uid, _ = struct.unpack("iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        client = _Client(sock, pid)
        if uid != os.geteuid() or pid <= 0:
            self._send(client, Reply(errno=errno.EACCES, error=f"node {self.address.text} belongs to another user"))
            sock.close()
            return
        sock.setblocking(False)
        self._clients.add(client)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._receive(client))

    def _close(self, client: _Client) -> None:
        self._selector.unregister(client.sock)
        client.sock.close()
        self._clients.discard(client)
        self._give_up(client)

    def _receive(self, client: _Client) -> None:
        fds: list[int] = []
        try:
            data, fds, flags, _ = socket.recv_fds(client.sock, MAX_BYTES + 1, MAX_SLOTS + 1, socket.MSG_CMSG_CLOEXEC)
            if not data:
                self._close(client)
                return
            if flags & socket.MSG_CTRUNC:
                raise PeerError("agent message: descriptors were lost, too many or over the limit of open files")
            self._answer(client, decode_request(data), fds)
        except BlockingIOError:
            return
        except DpuError as error:
            self._send(client, Reply(errno=error.errno, error=str(error)))
        except OSError:
            self._close(client)
        finally:
            for fd in fds:
                os.close(fd)

    def _send(self, client: _Client, reply: Reply, fds: list[int] | None = None) -> None:
        # If it is gone or does not read, its end of the connection or its pidfd tells.
        with contextlib.suppress(OSError):
            socket.send_fds(client.sock, [encode_reply(reply)], fds or [], socket.MSG_NOSIGNAL)

    def _answer(self, client: _Client, request: Request, fds: list[int]) -> None:
        """Serve a request; empties ``fds`` when it keeps them."""
        if self._memory is None and request.op is Op.REJOIN and fds:
            kept = fds[:]
            fds.clear()
            self._adopt(kept[0], kept[1:])
        if self._memory is None:
            self._waiting.append((client, request))
            return
        if request.op in (Op.REJOIN, Op.REJOIN_PEER) and request.node_id != self._memory.hdr("node_id"):
            raise DpuError(f"node {self.address.text}: is another node by now", errno.ESTALE)
        if request.op is Op.ATTACH:
            self._attach(client)
        elif request.op is Op.REJOIN:
            self._rejoin(client, request.slot, request.generation)
        elif request.op is Op.PEER:
            self._peer(client, request.ip)
        elif request.op is Op.REJOIN_PEER:
            self._rejoin_peer(client, request.sender)
        else:
            self._send(client, Reply(Op.VIEW, node_id=self._memory.hdr("node_id")), [self._memfd])

    def _attach(self, client: _Client) -> None:
        assert self._memory is not None
        memory = self._memory
        start = process_start(client.pid)
        if client.slot is not None:
            raise DpuError(f"node {self.address.text}: this connection has slot {client.slot}", errno.EALREADY)
        if not self._free:
            total = memory.nslots - 1
            raise DpuError(f"node {self.address.text}: all {total} slots are in use", errno.EAGAIN)
        if not self._watch_process(client.pid, start):
            raise DpuError(f"node {self.address.text}: process {client.pid} is gone", errno.ESRCH)
        slot = self._free.popleft()
        self._selector.unregister(self._socks[slot])
        # Nothing that was sent to the owner before.
        self._drain(slot)
        for name in ("counters", "port_stats"):
            with memory.slot_words(slot, name) as words:
                for i in range(len(words)):
                    words[i] = 0
        if memory.slot(slot, "generation"):
            memory.clear_qps(slot)
        memory.set_slot(slot, "pid", client.pid)
        memory.set_slot(slot, "start", start)
        memory.set_slot(slot, "generation", memory.slot(slot, "generation") + 1)
        memory.set_slot(slot, "attached_ns", time.time_ns())
        memory.set_slot(slot, "state", SlotState.USED)
        client.slot = slot
        self._processes[client.pid].slots.add(slot)
        self._send_slot(client, slot)

    def _send_slot(self, client: _Client, slot: int) -> None:
        assert self._memory is not None
        memory = self._memory
        reply = Reply(
            Op.ATTACH,
            slot=slot,
            generation=memory.slot(slot, "generation"),
            nslots=memory.nslots,
            node_id=memory.hdr("node_id"),
        )
        self._send(client, reply, [self._memfd, *(sock.fileno() for sock in self._socks)])

    def _rejoin(self, client: _Client, slot: int, generation: int) -> None:
        assert self._memory is not None
        process = self._processes.get(client.pid)
        owned = process is not None and slot in process.slots and self._memory.slot(slot, "generation") == generation
        if not owned:
            raise DpuError(f"node {self.address.text}: slot {slot} is no longer process {client.pid}'s", errno.ESTALE)
        client.slot = slot
        self._send(client, Reply(Op.REJOIN, slot=slot))

    def _peer(self, client: _Client, source_gid: bytes) -> None:
        assert self._memory is not None
        memory = self._memory
        start = process_start(client.pid)
        if not self._watch_process(client.pid, start):
            raise DpuError(f"node {self.address.text}: process {client.pid} is gone", errno.ESRCH)
        # An entry of the same address first, then one never used, so that the table forgets no recent address.
        free = [i for i in range(SENDERS) if not memory.sender(i, "pid")]
        if not free:
            raise DpuError(f"node {self.address.text}: {SENDERS} processes send to it already", errno.EAGAIN)
        sender = min(free, key=lambda i: (memory.sender_gid(i) != source_gid, any(memory.sender_gid(i)), i))
        memory.clear_pending(sender)
        memory.set_sender(sender, client.pid, start, source_gid)
        client.senders.add(sender)
        self._processes[client.pid].senders.add(sender)
        self._send(client, Reply(Op.PEER, sender=sender, node_id=memory.hdr("node_id")), [self._memfd])

    def _rejoin_peer(self, client: _Client, sender: int) -> None:
        assert self._memory is not None
        process = self._processes.get(client.pid)
        if process is None or sender not in process.senders:
            raise DpuError(f"node {self.address.text}: process {client.pid} is not sender {sender}", errno.ESTALE)
        client.senders.add(sender)
        self._send(client, Reply(Op.REJOIN_PEER, sender=sender, node_id=self._memory.hdr("node_id")))
