"""The pair of devices that protocol tests talk about."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from rdma_verbs import DeviceConfig
from tests.unit.rdma_verbs.pair import Pair


@pytest.fixture
def make_pair() -> Iterator[Callable[..., Pair]]:
    """Makes pairs with options of their own, closed at the end; the arguments are those of ``Pair``."""
    with ExitStack() as stack:

        def make(*args: object, **options: object) -> Pair:
            pair = Pair(*args, **options)  # type: ignore[arg-type]
            stack.callback(pair.close)
            return pair

        yield make


@pytest.fixture
def pair(make_pair: Callable[..., Pair]) -> Pair:
    """Two RC queue pairs, connected, MTU 1024, first PSN 0, 16 receives posted on each, every packet acknowledged."""
    return make_pair(config=DeviceConfig(ack_every=1))
