"""A process's place on a node: its slot, its socket on UDP 4791, the node's shared memory.

    with attach("127.1.0.1") as node:
        port = new_udp_port(node.fd)             # dp_port_udp_new()
        set_self(port, node.shm, node.slot)      # dp_port_udp_set_self()
        peer = node.peer("127.1.0.2")            # once per destination address, when a connection is made
        if peer:
            set_peer(port, peer.gid, peer.shm, peer.sender)

The first process on an address starts the node's agent (``rdma_verbs.agent.daemon``). A thread keeps the connections to
agents: when one dies, it starts the next and hands it what all of them need to go on.
"""

import contextlib
import errno
import mmap
import os
import select
import socket
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from types import TracebackType

from datapath.errors import CallerError, DpuError, from_errno
from rdma_verbs.agent.daemon import SOCKET_NAME, AgentConfig
from rdma_verbs.agent.protocol import MAX_BYTES, MAX_SLOTS, Reply, Request, decode_reply, encode_request
from rdma_verbs.agent.rundir import Address, NodeDir
from rdma_verbs.agent.shm import NodeMemory

__all__ = ["AgentConfig", "NodeAttachment", "PeerNode", "attach"]

_ATTACH_S = 15.0
_REPLY_S = 10.0
_RETRY_MS = 50
# How long a sender looks for the agent of a node whose agent died, before it takes the node for gone.
_PEER_GONE_NS = 5_000_000_000

_attachments: "weakref.WeakSet[NodeAttachment]" = weakref.WeakSet()


class _AgentGoneError(Exception):
    """The agent closed the connection, or there is none."""


def _connect(address: Address, *, create: bool) -> socket.socket:
    """Return a connection to the node's agent.

    Raises:
        _AgentGoneError: the node has none.
    """
    try:
        with NodeDir(address, create=create) as folder:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
            try:
                sock.settimeout(_REPLY_S)
                sock.connect(folder.file(SOCKET_NAME))
                uid = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[4:8], sys.byteorder)
                if uid != os.geteuid():
                    raise CallerError(f"node {address.text}: its agent belongs to uid {uid}", errno.EACCES)
            except BaseException:
                sock.close()
                raise
            return sock
    except (FileNotFoundError, ConnectionError, BlockingIOError):
        raise _AgentGoneError from None


def _ask(sock: socket.socket, request: Request, fds: list[int] | None = None) -> tuple[Reply, list[int]]:
    """Return the agent's answer and the descriptors that came with it.

    Raises:
        _AgentGoneError: the connection ended.
        DpuError: the agent refused.
    """
    got: list[int] = []
    try:
        socket.send_fds(sock, [encode_request(request)], fds or [], socket.MSG_NOSIGNAL)
        data, got, flags, _ = socket.recv_fds(sock, MAX_BYTES, MAX_SLOTS + 1, socket.MSG_CMSG_CLOEXEC)
        if not data:
            raise _AgentGoneError
        if flags & socket.MSG_CTRUNC:
            raise DpuError(
                f"agent: {len(got)} descriptors came and not all; raise the limit of open files", errno.EMFILE
            )
        reply = decode_reply(data)
        if reply.errno:
            error = from_errno(reply.errno, "")
            raise type(error)(reply.error, reply.errno)
    except TimeoutError:
        _close_all(got)
        raise DpuError("agent: no answer", errno.ETIMEDOUT) from None
    except ConnectionError:
        _close_all(got)
        raise _AgentGoneError from None
    except BaseException:
        _close_all(got)
        raise
    return reply, got


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
    fds.clear()


def _start_agent(address: Address, config: AgentConfig) -> None:
    """Start the node's agent and return when it listens (or another does).

    Raises:
        DpuError: it did not start; the message is its own.
    """
    root = str(Path(__file__).resolve().parents[1])
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(p for p in (root, environment.get("PYTHONPATH", "")) if p)
    command = [sys.executable, "-m", "rdma_verbs.agent", address.text]
    command += [
        "--slots",
        str(config.nslots),
        "--rcvbuf-bytes",
        str(config.rcvbuf_bytes),
        "--idle-s",
        str(config.idle_s),
    ]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        start_new_session=True,
        check=False,
        text=True,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise DpuError(
            lines[-1] if lines else f"agent of node {address.text}: exit code {done.returncode}", errno.EADDRNOTAVAIL
        )


def _connect_or_start(address: Address, config: AgentConfig) -> socket.socket:
    """Return a connection to the node's agent, started if there is none: by one process, whoever else wants it."""
    try:
        return _connect(address, create=True)
    except _AgentGoneError:
        pass
    with NodeDir(address) as folder, folder.locked("start.lock"):
        try:
            return _connect(address, create=True)
        except _AgentGoneError:
            _start_agent(address, config)
        return _connect(address, create=True)


class PeerNode:
    """Another node of this machine (or our own) as a place to send to: its memory, and our number as a sender there."""

    def __init__(self, address: Address, source: Address) -> None:
        self.address = address
        self.gid = address.gid
        self._sock: socket.socket | None = _connect(address, create=False)
        try:
            reply, fds = _ask(self._sock, Request("peer", ip=source.text))
            try:
                self._memory = NodeMemory(fds[0])
            finally:
                _close_all(fds)
        except BaseException:
            self._sock.close()
            raise
        self.sender = reply["sender"]
        self.node_id = reply["node_id"]
        self._gone_ns = 0

    @property
    def shm(self) -> mmap.mmap:
        """The node's shared memory, for dp_port_udp_set_peer()."""
        return self._memory.map

    @property
    def alive(self) -> bool:
        """False once the node has gone: its memory is nobody's, a connection to its address needs a new peer()."""
        return not self._memory.hdr("closed")

    def connection(self) -> int | None:
        """Return the descriptor of the connection to its agent; None while there is none."""
        return self._sock.fileno() if self._sock else None

    def lost(self) -> None:
        """Take note that its agent died."""
        if self._sock:
            self._sock.close()
        self._sock = None
        self._gone_ns = time.monotonic_ns() + _PEER_GONE_NS

    def find_agent(self) -> None:
        """Be known to the node's next agent; when none comes for long enough, or it is another node, mark it gone."""
        try:
            sock = _connect(self.address, create=False)
        except _AgentGoneError:
            if time.monotonic_ns() > self._gone_ns:
                self._memory.set_hdr("closed", 1)
            return
        try:
            _ask(sock, Request("rejoinpeer", {"sender": self.sender, "node_id": self.node_id}))
            self._sock = sock
        except _AgentGoneError:
            sock.close()
        except DpuError:
            sock.close()
            self._memory.set_hdr("closed", 1)

    def close(self, *, forked: bool = False) -> None:
        """Say that we send there no more. In a forked child, only let go of the connection."""
        if self._sock:
            self._sock.close()
            self._sock = None
        if not forked:
            self._memory.close()


class NodeAttachment:
    """This process's slot on a node. Made by :func:`attach`, given back by :meth:`close` or by the process's death."""

    def __init__(self, address: Address, config: AgentConfig) -> None:
        self.address = address
        self._config = config
        self._closed = False
        self._peers: dict[str, PeerNode] = {}
        self._lock = threading.Lock()
        until = time.monotonic() + _ATTACH_S
        while True:
            self._sock: socket.socket | None = None
            try:
                self._sock = _connect_or_start(address, config)
                reply, fds = _ask(self._sock, Request("attach"))
                break
            except _AgentGoneError:
                # It left, idle, or was killed, between our starting it and its answer.
                if self._sock:
                    self._sock.close()
                if time.monotonic() > until:
                    raise DpuError(f"node {address.text}: its agent dies again and again", errno.EIO) from None
            except BaseException:
                if self._sock:
                    self._sock.close()
                raise
        self._memfd, self._fds = fds[0], fds[1:]
        self._memory = NodeMemory(self._memfd)
        self.slot = reply["slot"]
        self.generation = reply["generation"]
        self.node_id = reply["node_id"]
        self._wake_r, self._wake_w = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._watch, name=f"node {address.text}", daemon=True)
        self._thread.start()
        _attachments.add(self)

    def __enter__(self) -> "NodeAttachment":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def ip(self) -> str:
        """The node's address."""
        return self.address.text

    @property
    def fd(self) -> int:
        """The slot's socket, bound to UDP 4791: to send with and to receive from, until close()."""
        return self._fds[self.slot]

    @property
    def shm(self) -> mmap.mmap:
        """The node's shared memory, for dp_port_udp_set_self()."""
        return self._memory.map

    @property
    def qpn_base(self) -> int:
        """The first QPN whose packets reach this slot."""
        return self.slot << 16 | 1

    @property
    def qpn_count(self) -> int:
        """How many QPNs from qpn_base on are this process's."""
        return 0xFFFF

    @property
    def memory(self) -> NodeMemory:
        """The words of the node's shared memory."""
        return self._memory

    def peer(self, ip: str) -> PeerNode | None:
        """Return the node with this address as a place to send to, None when it is not one of this machine's.

        A node has to be there when it is asked for: call this when the peer of a connection is known (RTR), not before.
        The result stays valid until close().
        """
        address = Address.parse(ip)
        with self._lock:
            if self._closed:
                raise CallerError(f"node {self.ip}: the attachment is closed", errno.EBADF)
            known = self._peers.get(address.text)
            if known and known.alive:
                return known
            try:
                peer = PeerNode(address, self.address)
            except _AgentGoneError:
                return None
            if known:
                # Its mapping stays: the port uses it until it is given the new one.
                self._peers[f"{address.text} until {known.node_id}"] = known
            self._peers[address.text] = peer
        self._wake()
        return peer

    def close(self) -> None:
        """Give the slot back. The port that uses the socket and the memory must be gone by then."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._wake()
        self._thread.join()
        if self._sock:
            self._sock.close()
        else:
            # No agent to tell: the next one finds that the slot has no owner.
            self._memory.set_slot(self.slot, "pid", 0)
        for peer in self._peers.values():
            peer.close()
        self._memory.close()
        _close_all([self._memfd, *self._fds, self._wake_r, self._wake_w])
        _attachments.discard(self)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_w, b"x")

    # ---- the thread ----

    def _watch(self) -> None:
        """Wait for connections to end. Agents send nothing unasked, so anything readable is an end."""
        while True:
            with self._lock:
                if self._closed:
                    return
                peers = list(self._peers.values())
            poll = select.poll()
            poll.register(self._wake_r, select.POLLIN)
            if self._sock:
                poll.register(self._sock, select.POLLIN)
            by_fd = {fd: peer for peer in peers if (fd := peer.connection()) is not None}
            for fd in by_fd:
                poll.register(fd, select.POLLIN)
            lost = [peer for peer in peers if peer.alive and peer.connection() is None]
            ready = {fd for fd, _ in poll.poll(None if self._sock and not lost else _RETRY_MS)}
            if self._wake_r in ready:
                os.read(self._wake_r, 4096)
            if self._sock is None or self._sock.fileno() in ready:
                self._rejoin()
            for fd in ready & by_fd.keys():
                by_fd[fd].lost()
                lost.append(by_fd[fd])
            for peer in lost:
                peer.find_agent()

    def _rejoin(self) -> None:
        """Our agent died: find the next or start it, and hand it the group."""
        if self._sock:
            self._sock.close()
            self._sock = None
        numbers = {"slot": self.slot, "generation": self.generation, "node_id": self.node_id}
        try:
            sock = _connect_or_start(self.address, self._config)
        except (_AgentGoneError, DpuError, OSError):
            return  # tried again in a moment
        try:
            _ask(sock, Request("rejoin", numbers), [self._memfd, *self._fds])
            self._sock = sock
        except (_AgentGoneError, DpuError, OSError):
            sock.close()

    def forget(self) -> None:
        """In a forked child: the slot is the parent's, and nothing here may keep its sockets open when it dies."""
        if self._closed:
            return
        self._closed = True
        if self._sock:
            self._sock.close()
            self._sock = None
        for peer in self._peers.values():
            peer.close(forked=True)
        _close_all([self._memfd, *self._fds, self._wake_r, self._wake_w])


def _after_fork_in_child() -> None:
    for attachment in list(_attachments):
        attachment.forget()


os.register_at_fork(after_in_child=_after_fork_in_child)


def attach(ip: str, config: AgentConfig | None = None) -> NodeAttachment:
    """Return a slot on the node with this address; its agent is started when there is none.

    ``config`` matters only to the first process of a node.

    Raises:
        CallerError: not an address, or the runtime folder is not ours alone.
        DpuError: the address is not on this machine, all slots are in use (EAGAIN), or another user, or a program that
            is no process of the node, has UDP 4791 (EADDRINUSE).
    """
    return NodeAttachment(Address.parse(ip), config or AgentConfig())
