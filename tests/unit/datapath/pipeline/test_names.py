"""Names as people write them."""

import pytest

from datapath.errors import CallerError
from datapath.pipeline.names import find_path

PATHS = ["MyIngress.t", "MyIngress.sub.t2", "MyEgress.acl", "MyIngress.acl", "NoAction"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("MyIngress.t", "MyIngress.t"),
        ("t", "MyIngress.t"),
        ("sub.t2", "MyIngress.sub.t2"),
        ("ingress.t", "MyIngress.t"),
        (".NoAction", "NoAction"),
        ("MyEgress.acl", "MyEgress.acl"),
    ],
)
def test_found(name: str, path: str) -> None:
    assert find_path(PATHS, name, "table") == path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acl", "table 'acl' is ambiguous: MyEgress.acl, MyIngress.acl"),
        ("MyIngress.t3", "no table 'MyIngress.t3'; near: MyIngress.t"),
        ("zzz", "no table 'zzz'; there are: "),
    ],
)
def test_not_found(name: str, message: str) -> None:
    with pytest.raises(CallerError, match=f"^{message}"):
        find_path(PATHS, name, "table")


def test_no_objects_at_all() -> None:
    with pytest.raises(CallerError, match="no meter 'm'; the program has no meter"):
        find_path([], "m", "meter")
