"""What must be closed: objects of the engine behind Python objects.

Rules that hold for every one. ``close()`` may be called twice. A closed object raises ``CallerError`` with its name, it
never reaches freed memory. Closing closes what depends on it first. An object that is forgotten without ``close()`` is
released by the next call into its device, not by the garbage collector itself, which may run in the middle of one.
"""

import weakref
from types import TracebackType
from typing import Self

from datapath.errors import CallerError
from rdma_verbs._native import Engine, Handle, Kind

__all__ = ["Resource"]


class Resource:
    """An object of the engine: a handle, the engine it lives in, and the order in which things close."""

    def __init__(self, engine: Engine, kind: Kind, handle: Handle, name: str, pin: object = None) -> None:
        self.name = name
        """What error messages call it."""
        self._engine = engine
        self._kind = kind
        self._raw: Handle = handle
        self._children: weakref.WeakSet[Resource] = weakref.WeakSet()
        # Not self: the finalizer must not keep alive what it waits for. `pin` is memory the engine may still touch.
        self._finalizer = weakref.finalize(self, engine.forget, kind, handle, pin)

    @property
    def closed(self) -> bool:
        """Whether ``close()`` was called, on this or on what it belongs to."""
        return self._raw is None

    @property
    def handle(self) -> Handle:
        """The engine's object, for the other files of this package.

        Raises:
            CallerError: it is closed.
        """
        if self._raw is None:
            raise CallerError(f"{self.name} is closed")
        return self._raw

    def close(self) -> None:
        """Close what depends on this, then this.

        Raises:
            CallerError: something that is not in Python's hands still uses it.
        """
        if self._engine.forked:
            return  # it is the parent's
        with self._engine as engine:
            if self._raw is None:
                return
            for child in list(self._children):
                child.close()
            engine.release(self._kind, self._raw)
            self._finalizer.detach()
            self._raw = None
        self._on_closed()

    def _repin(self, pin: object) -> None:
        """Hold other memory from now on: the engine no longer touches what it had."""
        self._finalizer.detach()
        self._finalizer = weakref.finalize(self, self._engine.forget, self._kind, self.handle, pin)

    def adopt(self, child: "Resource") -> None:
        """Close ``child`` before this one closes; for the other files of this package."""
        self._children.add(child)

    def _on_closed(self) -> None:
        """For subclasses: drop what only an open object needs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{self.name}{' closed' if self.closed else ''}>"
