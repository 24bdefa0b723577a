"""The pair of devices that protocol tests talk about."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from rdma_verbs import DeviceConfig
from tests.unit.rdma_verbs.pair import Pair
from tests.unit.rdma_verbs.wirepeer import WirePeer


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


@pytest.fixture
def make_peer() -> Iterator[Callable[..., WirePeer]]:
    """Makes a device whose peer is the test's script; the arguments are those of ``WirePeer``."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(WirePeer(*args, **options))


@pytest.fixture
def peer(make_peer: Callable[..., WirePeer]) -> WirePeer:
    """An RC queue pair in RTS: MTU 256, PSNs 0 both ways, no timer, no receive posted."""
    return make_peer()
