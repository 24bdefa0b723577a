import errno

import pytest

from datapath.errors import CallerError, DpuError, PeerError, from_errno


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EINVAL, CallerError), (errno.EPROTO, PeerError), (errno.ENOMEM, DpuError), (errno.ENODEV, DpuError)],
)
def test_errno_of_c_becomes_whose_fault_it_is(number: int, kind: type[DpuError]) -> None:
    error = from_errno(-number, "QP 17: modify")
    assert type(error) is kind
    assert error.errno == number
    assert str(error).startswith("QP 17: modify: ")


def test_each_class_has_its_errno() -> None:
    assert [cls("x").errno for cls in (DpuError, CallerError, PeerError)] == [errno.EIO, errno.EINVAL, errno.EPROTO]
    assert CallerError("x", errno.ENOENT).errno == errno.ENOENT
