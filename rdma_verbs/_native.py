"""The only file of this package that touches cffi: C calls in, Python values and exceptions out."""

from datapath import _native as _dp
from rdma_verbs._roce_cffi import ffi, lib

__all__ = ["ffi", "lib"]

# Types cross between the two modules, so their static copies of the datapath library must be one build's.
_dp.check(
    lib.roce_build_check(_dp.new_build()), "rdma_verbs and datapath: compiled modules of two builds, rebuild both"
)
