"""Fixtures of all tests."""

import os
from collections.abc import Callable

import pytest

from tests import peers


@pytest.fixture(scope="session")
def require_peer() -> Callable[..., None]:
    """A function that skips the test unless all the named peers are here; with CI=true the test fails instead."""

    def require(*names: str) -> None:
        for name in names:
            reason = peers.missing(name)
            if reason is None:
                continue
            if os.environ.get("CI", "").lower() in ("true", "1"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)

    return require
