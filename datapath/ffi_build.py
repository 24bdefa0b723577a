"""Builds the C source of ``datapath._dp_cffi`` (run by CMake, never imported at run time).

A C header is the only place where a declaration is written. What Python may use stands in it between the comments
``/* cffi: begin */`` and ``/* cffi: end */``, in the C that cffi's parser knows: types, enums, prototypes and
``#define NAME number``; no ``inline``, no attributes, no other preprocessor line. A header may have several such parts.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from cffi import FFI

ROOT = Path(__file__).resolve().parents[1]

# Order matters as in C: a type before its first use.
HEADERS = [
    "datapath/csrc/version.h",
    "datapath/csrc/base.h",
    "datapath/csrc/frame.h",
    "datapath/csrc/port.h",
    "datapath/csrc/port_fault.h",
    "datapath/csrc/port_pcap.h",
    "datapath/csrc/port_rate.h",
    "datapath/csrc/port_udp.h",
    "datapath/csrc/neigh.h",
    "datapath/csrc/port_dgram.h",
    "datapath/csrc/pfc.h",
    "datapath/csrc/tm.h",
    "datapath/csrc/pipeline_ops.h",
    "datapath/csrc/pipeline.h",
]

# Types that appear in our declarations and belong to libc; cffi asks the compiler for their layout.
LIBC_INCLUDES = """
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
"""
LIBC_CDEF = """
struct iovec { void *iov_base; size_t iov_len; ...; };
"""

_PART = re.compile(r"/\* cffi: begin \*/(.*?)/\* cffi: end \*/", re.DOTALL)


def read_cdef(headers: Sequence[str]) -> str:
    """Return the declarations marked for cffi in ``headers``, paths from the repository root.

    Raises:
        ValueError: a header has no marked part, or an unpaired mark.
    """
    parts: list[str] = []
    for name in headers:
        text = (ROOT / name).read_text(encoding="utf-8")
        found = _PART.findall(text)
        if not found or text.count("/* cffi: begin */") != len(found) or text.count("/* cffi: end */") != len(found):
            raise ValueError(f"{name}: expected pairs of '/* cffi: begin */' and '/* cffi: end */', found {len(found)}")
        parts += found
    return "\n".join(parts)


def includes(headers: Sequence[str]) -> str:
    """Return the ``#include`` lines for ``headers``."""
    return "".join(f'#include "{name}"\n' for name in headers)


ffibuilder = FFI()
ffibuilder.cdef(LIBC_CDEF + read_cdef(HEADERS))
ffibuilder.set_source("datapath._dp_cffi", LIBC_INCLUDES + includes(HEADERS))
