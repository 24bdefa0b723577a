"""Builds the C source of ``rdma_verbs._roce_cffi`` (run by CMake; see ``datapath/ffi_build.py`` for the marks).

``include()`` makes the datapath's types the same types here, so that a port made by ``datapath`` can be handed to a
device of ``rdma_verbs``.
"""

import runpy
from pathlib import Path

from cffi import FFI

# By path: importing the package would import its compiled module, which may not be built yet.
_dp = runpy.run_path(str(Path(__file__).resolve().parents[1] / "datapath" / "ffi_build.py"))

# Order matters as in C: a type before its first use.
HEADERS = [
    "rdma_verbs/csrc/build.h",
    "rdma_verbs/csrc/opcode.h",
    "rdma_verbs/csrc/pkt.h",
    "rdma_verbs/csrc/wire.h",
    "rdma_verbs/csrc/cc.h",
    "rdma_verbs/csrc/counters.h",
    "rdma_verbs/csrc/verbs.h",
    "rdma_verbs/csrc/device.h",
    "rdma_verbs/csrc/vnet.h",
    "rdma_verbs/csrc/live.h",
    "rdma_verbs/csrc/agent_proto.h",
    "rdma_verbs/csrc/node.h",
    "rdma_verbs/csrc/groups.h",
    "rdma_verbs/csrc/session.h",
]

ffibuilder = FFI()
ffibuilder.include(_dp["ffibuilder"])
ffibuilder.cdef(_dp["read_cdef"](HEADERS))
ffibuilder.set_source("rdma_verbs._roce_cffi", _dp["LIBC_INCLUDES"] + _dp["includes"](_dp["HEADERS"] + HEADERS))
