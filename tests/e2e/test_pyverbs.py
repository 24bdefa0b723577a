"""Debian's pyverbs suite over the drop-in libibverbs, as an unprivileged user; both ends of a test are one process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.pyverbs_suite import play, table
from tests.e2e.unprivileged import User, build_wheel

LEAST = 132
"""Generic tests that pass; Linux's Soft-RoCE has 86. The others need what README lists as not supported."""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, require_peer: Callable[..., None]) -> Iterator[User]:
    require_peer("root", "pyverbs", "setpriv")
    with User(build_wheel(tmp_path_factory.mktemp("wheel"))) as made:
        yield made


@pytest.mark.parametrize("transport", ["local", "udp"])
def test_the_generic_tests_pass(user: User, transport: str, tmp_path: Path) -> None:
    outcomes = play(user, transport)
    passed = [o for o in outcomes if o.result == "pass"]
    assert [o for o in outcomes if o.result in ("fail", "error")] == [], table(outcomes)
    assert len(passed) >= LEAST, table(outcomes)
