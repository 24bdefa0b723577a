"""The errors of all packages.

A class says whose fault it is, ``errno`` says what kind: the one table at the API edge turns the pair into a gRPC or
Redfish code. A message names the object, the value and the limit:
``QP 17: max_send_wr 70000 exceeds device limit 16384``. RDMA completion errors are data (``wc.status``), not
exceptions, and a packet that breaks the protocol is dropped and counted, not raised.
"""

import errno as _errno
import os
from typing import TypeVar

T = TypeVar("T")


class DpuError(Exception):
    """Something failed that is neither the caller's nor the peer's fault (no memory, no such interface).

    ``errno`` is a number of the standard ``errno`` module; a subclass may fix its own by ``default_errno``.
    """

    default_errno = _errno.EIO

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = self.default_errno if errno is None else errno


class CallerError(DpuError):
    """You asked for something illegal."""

    default_errno = _errno.EINVAL


class PeerError(DpuError):
    """They sent something illegal."""

    default_errno = _errno.EPROTO


def expect(value: object, kind: type[T], what: str) -> T:
    """Return ``value``, which must be a ``kind``.

    Raises:
        CallerError: it is not; ``what`` names the object and the argument.
    """
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise CallerError(f"{what} is {value!r:.60} ({type(value).__name__}), not a {kind.__name__}")
    return value


# What only a wrong request produces; any other errno of a C call is a DpuError.
_CALLER_ERRNOS = frozenset(
    {
        _errno.EINVAL,
        _errno.ENOENT,
        _errno.EEXIST,
        _errno.EACCES,
        _errno.EPERM,
        _errno.ERANGE,
        _errno.EOVERFLOW,
        _errno.EMSGSIZE,
        _errno.EOPNOTSUPP,
    }
)


def from_errno(code: int, what: str) -> DpuError:
    """Return the exception for a C function's negative result ``code``; ``what`` names the object and the request."""
    number = abs(code)
    message = f"{what}: {os.strerror(number)}"
    if number in _CALLER_ERRNOS:
        return CallerError(message, number)
    if number in (_errno.EPROTO, _errno.EBADMSG):
        return PeerError(message, number)
    return DpuError(message, number)
