"""Messages between a process and the agent of a node: one JSON object a datagram (AF_UNIX, SOCK_SEQPACKET).

A request has ``v`` (version) and ``op``; a reply has ``v`` and ``ok``, and where ``ok`` is false ``errno`` and
``error``. File descriptors travel beside them (SCM_RIGHTS).

========== ============================ ================== ==================================== ====================
op         request                      descriptors        reply                                descriptors
========== ============================ ================== ==================================== ====================
attach                                                     slot generation nslots node_id       memfd, sockets 0 .. n
rejoin     slot generation node_id      memfd, sockets     (attach's)
peer       ip                                              sender node_id                       memfd
rejoinpeer sender node_id                                  sender node_id
view                                                       node_id                              memfd
========== ============================ ================== ==================================== ====================
"""

import json
from dataclasses import dataclass, field

from datapath.errors import PeerError

VERSION = 1
MAX_BYTES = 4096
MAX_SLOTS = 200  # the sockets of all slots travel in one message: SCM_MAX_FD is 253

# Integer fields that each operation needs.
_OPS: dict[str, tuple[str, ...]] = {
    "attach": (),
    "rejoin": ("slot", "generation", "node_id"),
    "peer": (),
    "rejoinpeer": ("sender", "node_id"),
    "view": (),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What a process asks of an agent."""

    op: str
    numbers: dict[str, int] = field(default_factory=dict)
    ip: str = ""

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the agent answers: numbers, or an errno and why."""

    numbers: dict[str, int] = field(default_factory=dict)
    errno: int = 0
    error: str = ""

    def __getitem__(self, name: str) -> int:
        """Return a number of the answer.

        Raises:
            PeerError: the agent did not send it.
        """
        try:
            return self.numbers[name]
        except KeyError:
            raise PeerError(f"agent's reply: no {name!r}") from None


def _parse(data: bytes) -> dict[str, object]:
    if len(data) > MAX_BYTES:
        raise PeerError(f"agent message: {len(data)} bytes exceed {MAX_BYTES}")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise PeerError("agent message: not JSON") from None
    if not isinstance(message, dict):
        raise PeerError("agent message: not an object")
    if message.get("v") != VERSION:
        raise PeerError(
            f"agent message: version {message.get('v')!r}, this is {VERSION}; stop all processes of the node"
        )
    return message


def _integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64


def encode_request(request: Request) -> bytes:
    """Return the datagram of ``request``."""
    message: dict[str, object] = {"v": VERSION, "op": request.op, **request.numbers}
    if request.ip:
        message["ip"] = request.ip
    return json.dumps(message).encode()


def decode_request(data: bytes) -> Request:
    """Return the request in a datagram.

    Raises:
        PeerError: anything but a request of this version with all its fields.
    """
    message = _parse(data)
    op = message.get("op")
    if not isinstance(op, str) or op not in _OPS:
        raise PeerError(f"agent message: unknown op {op!r}")
    numbers: dict[str, int] = {}
    for name in _OPS[op]:
        value = message.get(name)
        if not isinstance(value, int) or not _integer(value):
            raise PeerError(f"agent message {op!r}: {name} is {value!r}")
        numbers[name] = value
    ip = message.get("ip", "")
    if not isinstance(ip, str) or (op == "peer") != bool(ip):
        raise PeerError(f"agent message {op!r}: ip is {ip!r}")
    return Request(op, numbers, ip)


def encode_reply(reply: Reply) -> bytes:
    """Return the datagram of ``reply``."""
    if reply.errno:
        return json.dumps({"v": VERSION, "ok": False, "errno": reply.errno, "error": reply.error}).encode()
    return json.dumps({"v": VERSION, "ok": True, **reply.numbers}).encode()


def decode_reply(data: bytes) -> Reply:
    """Return the reply in a datagram.

    Raises:
        PeerError: anything but a reply of this version.
    """
    message = _parse(data)
    if message.get("ok") is True:
        return Reply({k: v for k, v in message.items() if isinstance(v, int) and _integer(v) and k != "v"})
    errno, error = message.get("errno"), message.get("error")
    if not isinstance(errno, int) or not _integer(errno) or errno == 0 or not isinstance(error, str):
        raise PeerError("agent message: neither an answer nor an error")
    return Reply(errno=errno, error=error)
