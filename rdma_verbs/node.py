"""A process's place on a node: its slot, its socket on UDP 4791, the node's shared memory.

    with attach("127.1.0.1") as node:
        port = new_udp_port(node.fd)             # dp_port_udp_new()
        set_self(port, node.shm, node.slot)      # dp_port_udp_set_self()
        peer = node.peer("127.1.0.2")            # once per destination address, when a connection is made
        if peer:
            set_peer(port, peer.gid, peer.shm, peer.sender)

The work is done by ``csrc/node.c``, for programs without Python as well: it starts the node's agent
(``rdma_verbs.agent.daemon``) if the address has none, and a thread of it keeps the connections to agents.
"""

import errno
import mmap
import os
import sys
import threading
import weakref
from pathlib import Path
from types import TracebackType

from datapath.errors import CallerError
from rdma_verbs import _native_node
from rdma_verbs.agent.daemon import AgentConfig
from rdma_verbs.agent.rundir import Address
from rdma_verbs.agent.shm import NodeMemory

__all__ = ["AgentConfig", "NodeAttachment", "PeerNode", "attach"]

_attachments: "weakref.WeakSet[NodeAttachment]" = weakref.WeakSet()


class PeerNode:
    """Another node of this machine (or our own) as a place to send to: its memory, and our number as a sender there."""

    def __init__(self, address: Address, peer: _native_node.Peer, node: "NodeAttachment") -> None:
        self.gid = address.gid
        self.sender = peer.sender
        self.node_id = peer.node_id
        self._peer = peer
        self._node = node

    @property
    def shm(self) -> memoryview:
        """The node's shared memory, for dp_port_udp_set_peer(); only until our node's ``close``."""
        with self._node.opened():
            return self._peer.shm

    @property
    def alive(self) -> bool:
        """False once the node has gone: its memory is nobody's, a connection to its address needs a new peer()."""
        with self._node.opened():
            return self._peer.alive

    @property
    def connected(self) -> bool:
        """Whether its agent knows us now; it does again soon after it was replaced."""
        with self._node.opened():
            return self._peer.connected


class _Opened:
    """Holds an attachment open inside the block."""

    def __init__(self, ip: str, *, closed: bool = False) -> None:
        self._ip = ip
        self._lock = threading.Lock()
        self.closed = closed

    def __enter__(self) -> None:
        self._lock.acquire()
        if self.closed:
            self._lock.release()
            raise CallerError(f"node {self._ip}: the attachment is closed", errno.EBADF)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


class NodeAttachment:
    """This process's slot on a node. Made by :func:`attach`, given back by :meth:`close` or by the process's death.

    In a forked child it is the parent's: closing does nothing there, anything else is refused.
    """

    def __init__(self, address: Address, config: AgentConfig) -> None:
        self._node = _native_node.Node(
            address.text,
            python=sys.executable or "",
            pythonpath=str(Path(__file__).resolve().parents[1]),
            nslots=config.nslots,
            rcvbuf_bytes=config.rcvbuf_bytes,
            idle_ms=max(1, round(config.idle_s * 1000)),
        )
        self.address = address
        self._opened = _Opened(address.text)
        self._peers: dict[int, PeerNode] = {}
        try:
            self._memory = NodeMemory(self._node.memfd)
        except BaseException:
            self._node.close()
            raise
        self.fd = self._node.fd
        """The slot's socket, bound to UDP 4791: to send with and to receive from, until close()."""
        self.slot = self._node.slot
        self.generation = self._node.generation
        self.node_id = self._node.node_id
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

    def opened(self) -> _Opened:
        """Return a context manager inside which nobody closes the attachment.

        Raises:
            CallerError: it is closed (when the block is entered).
        """
        return self._opened

    def agent_fd(self) -> int:
        """Return the descriptor of the connection to the agent, -1 while there is none; for tests."""
        with self._opened:
            return self._node.agent_fd()

    def peer(self, ip: str) -> PeerNode | None:
        """Return the node with this address as a place to send to, None when it is not one of this machine's.

        A node has to be there when it is asked for: call this when the peer of a connection is known (RTR), not before.
        The result stays valid until close().
        """
        address = Address.parse(ip)
        with self._opened:
            peer = self._node.peer(address.gid)
            if peer is None:
                return None
            return self._peers.setdefault(peer.where, PeerNode(address, peer, self))

    def close(self) -> None:
        """Give the slot back. The port that uses the socket and the memory must be gone by then."""
        try:
            with self._opened:
                self._opened.closed = True
        except CallerError:
            return
        self._node.close()
        self._memory.close()

    def forget(self) -> None:
        """In a forked child: the slot is the parent's. Its descriptors are closed already (``csrc/fork.h``)."""
        self._opened = _Opened(self.ip, closed=True)  # the real one may be held, by a thread that is not here


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
