"""Live devices and fork(): what has to be done beside ``csrc/fork.h``, because Python threads have locks of their own.

A Python thread that has the engine must get the interpreter's lock before it can leave it. The thread that forks holds
that one, so it first has to get every engine's Python lock, and then nobody is inside.
"""

import errno
import os
import weakref
from types import TracebackType
from typing import Protocol

from datapath.errors import CallerError

__all__ = ["ForkedLock", "Lock", "watch_forks"]

_WAIT_S = 1.0  # as csrc/live.c


class Lock(Protocol):
    """A lock that the same thread may take again."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...

    def release(self) -> None: ...

    def __enter__(self) -> bool: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ForkedLock:
    """The lock of a live device in a process that was forked off: its helper thread and its sockets are not here."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: ARG002
        raise CallerError(
            "device: it was opened before fork() and is the parent's; open devices after the fork", errno.EOWNERDEAD
        )

    def release(self) -> None:
        """Never reached."""

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Never reached."""


class _Forkable(Protocol):
    lock: Lock

    def disown(self) -> None: ...


_watched: "weakref.WeakSet[_Forkable]" = weakref.WeakSet()
_held: list[Lock] = []


def watch_forks(engine: _Forkable) -> None:
    """Have nobody inside ``engine`` while the process forks, and its ``disown()`` called in the child."""
    _watched.add(engine)


def _before() -> None:
    for engine in sorted(_watched, key=id):
        if engine.lock.acquire(timeout=_WAIT_S):
            _held.append(engine.lock)


def _in_parent() -> None:
    while _held:
        _held.pop().release()


def _in_child() -> None:
    _held.clear()
    for engine in list(_watched):
        engine.disown()
    _watched.clear()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
