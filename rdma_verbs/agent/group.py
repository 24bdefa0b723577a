"""The sockets of a node: one for each slot, a SO_REUSEPORT group whose program steers by the destination QPN.

The kernel numbers the sockets of a group in the order in which they were bound, and when one closes, moves the last
into its number. So every process of the node holds all of them, and none closes while any process lives.
"""

import errno
import os
import socket
import struct
from array import array
from collections.abc import Sequence

from datapath.errors import DpuError
from rdma_verbs.agent.rundir import ROCE_PORT, Address
from rdma_verbs.agent.shm import credit_estimate

SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104
_SO_ATTACH_REUSEPORT_CBPF, _SO_MEMINFO, _SO_COOKIE = 51, 55, 57
_DRAIN_MAX = 10_000  # messages of one drain(): a flood must not hold the agent


def steering_program(nslots: int) -> list[tuple[int, int, int, int]]:
    """Return the classic BPF program (code, jt, jf, k) that chooses a socket; it sees the UDP payload.

    Slot = top byte of the destination QPN (BTH, byte 5). Shorter than a BTH, or a slot that does not exist: slot 0,
    the agent, which drops and counts. (An index outside the group would make the kernel choose by hash.)
    """
    return [
        (0x80, 0, 0, 0),  # A = length
        (0x35, 0, 3, 12),  # shorter than a BTH: slot 0
        (0x30, 0, 0, 5),  # A = payload[5]
        (0x35, 1, 0, nslots),  # A >= nslots: slot 0
        (0x16, 0, 0, 0),  # return A
        (0x06, 0, 0, 0),  # return 0
    ]


def _attach_program(sock: socket.socket, nslots: int) -> None:
    program = steering_program(nslots)
    code = array("B", b"".join(struct.pack("HBBI", *instruction) for instruction in program))
    address, _ = code.buffer_info()
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, struct.pack("HxxxxxxP", len(program), address))


def address_in_use(address: Address) -> bool:
    """Tell whether any socket is bound to the node's address and port 4791, whoever holds it."""
    with socket.socket(address.family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(address.sockaddr())
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise DpuError(f"node {address.text}: bind to UDP {ROCE_PORT}: {error.strerror}", error.errno) from None
    return False


def create_group(address: Address, nslots: int, rcvbuf_bytes: int = 0) -> list[socket.socket]:
    """Return the sockets of slots 0 to ``nslots - 1``, bound and steered. ``rcvbuf_bytes`` 0: the system's default."""
    socks: list[socket.socket] = []
    try:
        for _ in range(nslots):
            sock = socket.socket(address.family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
            socks.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            # From the first datagram on: a batch that came before it would be cut, and each piece charged.
            sock.setsockopt(SOL_UDP, UDP_GRO, 1)
            if rcvbuf_bytes:
                # The kernel doubles what it is given, and caps it at net.core.rmem_max before.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf_bytes // 2)
            sock.bind(address.sockaddr())
        _attach_program(socks[0], nslots)
    except OSError as error:
        for sock in socks:
            sock.close()
        raise DpuError(f"node {address.text}: UDP {ROCE_PORT}: {error.strerror}", error.errno or errno.EIO) from None
    return socks


def cookie(sock: socket.socket) -> int:
    """Return the kernel's number of a socket, the same for every descriptor of it and never used again."""
    return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8), "little")


def overflow(sock: socket.socket) -> int:
    """Return how many datagrams the kernel has dropped because the socket's buffer was full."""
    drops: int = struct.unpack_from("9I", sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))[8]
    return drops


def receive_buffer(sock: socket.socket) -> int:
    """Return the size of the receive buffer, bytes of truesize."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def adopt_group(address: Address, fds: Sequence[int], cookies: Sequence[int]) -> list[socket.socket]:
    """Return sockets for descriptors that another process held; they are the group's, in its order.

    Takes the descriptors in any case.

    Raises:
        DpuError: they are not the sockets with these cookies, bound to the node's address.
    """
    socks: list[socket.socket] = []
    try:
        for i, fd in enumerate(fds):
            try:
                socks.append(socket.socket(fileno=fd))
            except OSError:
                for rest in fds[i:]:
                    os.close(rest)
                raise
        right = [cookie(sock) for sock in socks] == list(cookies)
        bound = all(sock.getsockname()[:2] == address.sockaddr()[:2] for sock in socks)
        if not right or not bound:
            raise OSError(errno.EBADF, "not the sockets of this node")
    except OSError as error:
        for sock in socks:
            sock.close()
        raise DpuError(f"node {address.text}: taking over sockets: {error.strerror}", errno.EBADF) from None
    return socks


def drain(sock: socket.socket) -> tuple[int, int, bool]:
    """Throw away what a socket holds. Returns datagrams, bytes, and whether it was found empty."""
    datagrams = total = 0
    scratch = [bytearray(1)]
    for _ in range(_DRAIN_MAX):
        try:
            length, control, _, _ = sock.recvmsg_into(scratch, 64, socket.MSG_DONTWAIT | socket.MSG_TRUNC)
        except BlockingIOError:
            return datagrams, total, True
        except OSError:
            continue  # an ICMP error, taken from the queue by this call
        segment = 0
        for level, kind, value in control:
            if (level, kind) == (SOL_UDP, UDP_GRO):
                segment = int.from_bytes(value[:4], "little")
        datagrams += max(1, -(-length // segment)) if segment else 1
        total += length
    return datagrams, total, False


def credit_shortfall(address: Address) -> int:
    """Return by how many bytes this kernel's charge for a message exceeds credit_estimate(), 0 when never.

    Sends datagrams and batches of many sizes to a socket of its own and reads what that was charged.
    """
    worst = 0
    with (
        socket.socket(address.family, socket.SOCK_DGRAM) as receiver,
        socket.socket(address.family, socket.SOCK_DGRAM) as sender,
    ):
        receiver.setsockopt(SOL_UDP, UDP_GRO, 1)
        receiver.bind(address.sockaddr(0))
        sender.bind(address.sockaddr(0))
        receiver.setblocking(False)
        target = receiver.getsockname()
        for length, segments in _PROBES:
            control = [(SOL_UDP, UDP_SEGMENT, struct.pack("H", length))] if segments > 1 else []
            try:
                sender.sendmsg([bytes(length * segments)], control, 0, target)
            except OSError:
                continue  # this kernel does not send such a message, so nobody will
            charged = struct.unpack_from("I", receiver.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))[0]
            worst = max(worst, charged - credit_estimate(length * segments, segments))
            try:
                while True:
                    receiver.recv(1)
            except BlockingIOError:
                pass
    return (worst + 63) // 64 * 64


_PROBES = [
    *((length, 1) for length in (16, 60, 100, 128, 200, 256, 400, 512, 600, 900, 1084, 1500, 2100, 3500, 4156, 9000)),
    *((length, n) for length in (24, 80, 300, 1040, 2072, 4112) for n in (2, 3, 7, 14)),
]
