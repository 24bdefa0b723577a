"""The node client (``csrc/node.h``) and groups of its socket as Python values and exceptions; see ``_native.py``."""

import errno as _errno
import os

from datapath import _native as _dp
from datapath.errors import DpuError, from_errno
from rdma_verbs._native_values import Handle
from rdma_verbs._roce_cffi import ffi, lib

__all__ = ["Node", "Peer", "groups_fini", "groups_init", "groups_join", "groups_leave"]

_WORDS = 512


def _error(code: int, words: Handle) -> DpuError:
    """Return the exception for ``code``, with the library's words if it found any."""
    number = abs(code)
    text = ffi.string(words).decode(errors="replace")
    return type(from_errno(number, ""))(text or os.strerror(number), number)


class Peer:
    """Another node as a place to send to; of a ``Node``, and good until that is closed."""

    def __init__(self, raw: Handle, node: "Node") -> None:
        self._raw = raw
        self._node = node
        self.sender = int(raw.sender)
        self.node_id = int(raw.node_id)
        self.where = int(ffi.cast("uintptr_t", raw.shm))
        """What tells it from every other peer of the node."""

    @property
    def shm(self) -> memoryview:
        """The node's shared memory."""
        return memoryview(ffi.buffer(self._raw.shm, self._raw.bytes))

    @property
    def alive(self) -> bool:
        """False once the node has gone."""
        return bool(lib.roce_node_peer_alive(self._raw))

    @property
    def connected(self) -> bool:
        """Whether its agent is connected with us now."""
        return bool(lib.roce_node_peer_connected(self._node.raw, self._raw))


class Node:
    """An attachment. Nothing may be called after ``close``."""

    def __init__(
        self, address: str, python: str, pythonpath: str, nslots: int, rcvbuf_bytes: int, idle_ms: int
    ) -> None:
        kept = [ffi.new("char[]", os.fsencode(text)) for text in (address, python, pythonpath)]
        cfg = ffi.new("struct roce_node_cfg *")
        cfg.address, cfg.python, cfg.pythonpath = kept
        cfg.nslots, cfg.rcvbuf_bytes, cfg.idle_ms = nslots, rcvbuf_bytes, idle_ms
        cfg.keep_preload = 1  # a sanitized module needs its runtime there, in the agent as well
        words = ffi.new("char[]", _WORDS)
        self.raw = lib.roce_node_attach(cfg, words, _WORDS)
        if not self.raw:
            raise _error(ffi.errno, words)
        self.address = ffi.string(lib.roce_node_address(self.raw)).decode()
        self.fd = int(lib.roce_node_fd(self.raw))
        self.memfd = int(lib.roce_node_memfd(self.raw))
        self.slot = int(lib.roce_node_slot(self.raw))
        self.generation = int(lib.roce_node_generation(self.raw))
        self.node_id = int(lib.roce_node_id(self.raw))

    def agent_fd(self) -> int:
        """Return the descriptor of the connection to the agent; -1: there is none now."""
        return int(lib.roce_node_agent_fd(self.raw))

    def peer(self, gid: bytes) -> Peer | None:
        """Return the node with this address, ``None`` when it is none of this machine."""
        out = ffi.new("struct roce_node_peer *")
        words = ffi.new("char[]", _WORDS)
        code = lib.roce_node_peer(self.raw, gid, out, words, _WORDS)
        if code == -_errno.ENOENT:
            return None
        if code < 0:
            raise _error(code, words)
        return Peer(out, self)

    def close(self) -> None:
        """Give the slot back."""
        lib.roce_node_close(self.raw)


def groups_init(port: Handle, fd: int, gid: bytes, what: str) -> Handle:
    """Let the node's socket ``fd`` send to groups; return the memberships of its ``port``, none yet."""
    raw = ffi.new("struct roce_groups *")
    _dp.check(lib.roce_groups_init(raw, port, fd, _ip(gid)), what)
    return raw


def groups_join(groups: Handle, gid: bytes, what: str) -> None:
    """Be a member once more."""
    _dp.check(lib.roce_groups_join(groups, _ip(gid), ffi.new("bool *")), what)


def groups_leave(groups: Handle, gid: bytes, what: str) -> None:
    """Be a member once less."""
    _dp.check(lib.roce_groups_leave(groups, _ip(gid)), what)


def groups_fini(groups: Handle) -> None:
    """Close what is left, once the port is gone."""
    lib.roce_groups_fini(groups)


def _ip(gid: bytes) -> Handle:
    return ffi.new("struct dp_ip *", [gid])
