"""Fixtures of the tests against Soft-RoCE: one boot of a guest serves all of them."""

from collections.abc import Callable, Iterator

import pytest

from dpu_emu.lab.netns import Namespace
from tests.e2e.dpu import DpuPeer
from tests.e2e.ends import Ends, Stage, ends_of
from tests.e2e.rxe import HOST_IPV4, HOST_IPV6, RxePeer


@pytest.fixture(scope="session")
def stage(require_peer: Callable[..., None]) -> Iterator[Stage]:
    require_peer("guest", "qemu", "root")
    with (
        Namespace.create("rxe-e2e") as space,
        RxePeer(space) as rxe,
        DpuPeer(space, HOST_IPV4) as ours4,
        DpuPeer(space, HOST_IPV6) as ours6,
    ):
        yield Stage(space, rxe, {4: ours4, 6: ours6})


@pytest.fixture(params=["ours", "rxe"], ids=lambda side: f"{side}-requests")
def ends(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Ends]:
    """Both directions over IPv4."""
    made = ends_of(stage, request.param, 4)
    yield made
    made.reset()


@pytest.fixture(params=["ours", "rxe"], ids=lambda side: f"{side}-requests")
def ends6(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Ends]:
    """Both directions over IPv6."""
    made = ends_of(stage, request.param, 6)
    yield made
    made.reset()
