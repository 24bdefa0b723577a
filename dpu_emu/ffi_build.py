"""Builds the C source of ``dpu_emu._emu_cffi`` (run by CMake; see ``datapath/ffi_build.py`` for the marks)."""

import runpy
from pathlib import Path

from cffi import FFI

# By path: importing the packages would import their compiled modules, which may not be built yet.
_roce = runpy.run_path(str(Path(__file__).resolve().parents[1] / "rdma_verbs" / "ffi_build.py"))
_dp = _roce["_dp"]

HEADERS = ["dpu_emu/csrc/sim.h", "dpu_emu/csrc/bridge.h", "dpu_emu/csrc/bridge_live.h"]

ffibuilder = FFI()
ffibuilder.include(_roce["ffibuilder"])
ffibuilder.cdef(_dp["read_cdef"](HEADERS))
ffibuilder.set_source(
    "dpu_emu._emu_cffi", _dp["LIBC_INCLUDES"] + _dp["includes"](_dp["HEADERS"] + _roce["HEADERS"] + HEADERS)
)
