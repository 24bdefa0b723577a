"""Messages between a process and the agent of a node: one struct a datagram (AF_UNIX, SOCK_SEQPACKET).

``rdma_verbs/csrc/agent_proto.h`` has the layout, which operation uses which field, and which file descriptors travel
beside it (SCM_RIGHTS). Fields that an operation does not use are zero.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from datapath.errors import PeerError

MAGIC: Final = 0x41555044
VERSION: Final = 2
MAX_SLOTS: Final = 200  # the sockets of all slots travel in one message: SCM_MAX_FD is 253
TEXT_BYTES: Final = 216

# Both in the machine's byte order, without holes.
REQUEST: Final = struct.Struct("=IHHIIQQ16s")  # magic version op slot sender generation node_id ip
REPLY: Final = struct.Struct(f"=IHHIIIIQQ{TEXT_BYTES}s")  # magic version op error slot sender nslots ... text
MAX_BYTES: Final = max(REQUEST.size, REPLY.size)
_HEAD = struct.Struct("=IHH")


class Op(IntEnum):
    """What a process asks of an agent."""

    ATTACH = 1
    REJOIN = 2
    PEER = 3
    REJOIN_PEER = 4
    VIEW = 5


_NO_IP = bytes(16)
# The fields of a request that each operation uses.
_USES: Final[dict[Op, frozenset[str]]] = {
    Op.ATTACH: frozenset(),
    Op.REJOIN: frozenset({"slot", "generation", "node_id"}),
    Op.PEER: frozenset({"ip"}),
    Op.REJOIN_PEER: frozenset({"sender", "node_id"}),
    Op.VIEW: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Request:
    """A question. ``ip`` is the address of the sender's own node, 16 bytes."""

    op: Op
    slot: int = 0
    sender: int = 0
    generation: int = 0
    node_id: int = 0
    ip: bytes = _NO_IP


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: to an operation, or an errno and why."""

    op: Op | None = None
    slot: int = 0
    sender: int = 0
    nslots: int = 0
    generation: int = 0
    node_id: int = 0
    errno: int = 0
    error: str = ""


def _check(data: bytes, size: int) -> None:
    magic, version, _ = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (0, 0, 0)
    if magic != MAGIC:
        raise PeerError("agent message: not one, or of an earlier version; stop all processes of the node")
    if version != VERSION:
        raise PeerError(f"agent message: version {version}, this is {VERSION}; stop all processes of the node")
    if len(data) != size:
        raise PeerError(f"agent message: {len(data)} bytes, not {size}")


def encode_request(request: Request) -> bytes:
    """Return the datagram of ``request``."""
    r = request
    return REQUEST.pack(MAGIC, VERSION, r.op, r.slot, r.sender, r.generation, r.node_id, r.ip)


def decode_request(data: bytes) -> Request:
    """Return the request in a datagram.

    Raises:
        PeerError: anything but a request of this version with its fields and no others.
    """
    _check(data, REQUEST.size)
    _, _, number, slot, sender, generation, node_id, ip = REQUEST.unpack(data)
    try:
        request = Request(Op(number), slot, sender, generation, node_id, ip)
    except ValueError:
        raise PeerError(f"agent message: unknown op {number}") from None
    given = {name for name in ("slot", "sender", "generation", "node_id") if getattr(request, name)}
    given |= {"ip"} if ip != _NO_IP else set()
    if not given <= _USES[request.op]:
        raise PeerError(f"agent message {request.op.name}: {', '.join(sorted(given))} beside what it has")
    if request.op is Op.PEER and not given:
        raise PeerError("agent message PEER: no ip")
    return request


def encode_reply(reply: Reply) -> bytes:
    """Return the datagram of ``reply``; words that are too long are cut."""
    if reply.errno:
        text = reply.error.encode()[: TEXT_BYTES - 1].decode(errors="ignore").encode()
        return REPLY.pack(MAGIC, VERSION, 0, reply.errno, 0, 0, 0, 0, 0, text)
    numbers = (reply.slot, reply.sender, reply.nslots, reply.generation, reply.node_id)
    return REPLY.pack(MAGIC, VERSION, reply.op or 0, 0, *numbers, b"")


def decode_reply(data: bytes) -> Reply:
    """Return the reply in a datagram.

    Raises:
        PeerError: anything but a reply of this version.
    """
    _check(data, REPLY.size)
    _, _, number, errno, slot, sender, nslots, generation, node_id, text = REPLY.unpack(data)
    words, end, _ = text.partition(b"\0")
    if errno:
        if number or not end or errno > 4095:
            raise PeerError("agent message: neither an answer nor an error")
        return Reply(errno=errno, error=words.decode(errors="replace"))
    if number not in iter(Op) or words:
        raise PeerError("agent message: neither an answer nor an error")
    return Reply(Op(number), slot, sender, nslots, generation, node_id)
