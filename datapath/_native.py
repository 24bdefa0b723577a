"""The only file of this package that touches cffi: C calls in, Python values and exceptions out."""

from dataclasses import dataclass
from typing import Any

from datapath._dp_cffi import ffi, lib
from datapath.errors import from_errno

__all__ = ["Build", "build", "check", "ffi", "lib", "new_build"]


@dataclass(frozen=True, slots=True)
class Build:
    """How the compiled library was made."""

    version: str
    compiler: str
    sanitizers: str


def check(result: int, what: str) -> int:
    """Return ``result``, a C function's count or zero.

    Raises:
        DpuError: ``result`` is a negative errno; ``what`` opens the message.
    """
    if result < 0:
        raise from_errno(result, what)
    return result


def new_build() -> Any:
    """Return a filled ``struct dp_build``, for the modules above."""
    out = ffi.new("struct dp_build *")
    lib.dp_build_get(out)
    return out


def build() -> Build:
    """Return how the compiled library was made."""
    out = new_build()
    return Build(*(ffi.string(field).decode() for field in (out.version, out.compiler, out.sanitizers)))
