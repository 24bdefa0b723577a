import errno

from datapath import _native as dp
from rdma_verbs import _native as roce


def test_types_of_the_datapath_cross_into_the_engine() -> None:
    build = dp.new_build()
    assert roce.lib.roce_build_check(build) == 0
    other = dp.ffi.new("char[]", b"0.0.0")
    build.version = other
    assert roce.lib.roce_build_check(build) == -errno.ELIBBAD
