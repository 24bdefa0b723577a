"""perftest between the drop-in and Linux's Soft-RoCE, as clients and as servers of one another.

    namespace                                                   guest (QEMU, Linux rdma_rxe)
    +-------------------------------------------------+        +-------------------------------------+
    | ib_write_bw ... -d dpu0                         |  tap   | ib_write_bw ... -d rxe0             |
    |   our libibverbs.so.1, node 10.77.0.3, fd77::3  +--------+   Debian's libibverbs, librxe       |
    |   transport udp: UDP port 4791                  |  MTU   |   rdma_rxe on eth0 10.77.0.2, fd77::2 |
    | TCP of perftest <-------------------------------+- 4300 -+--> TCP of perftest                  |
    +-------------------------------------------------+        +-------------------------------------+

A case passes when both programs exit with 0 and report their iterations; both sides choose path MTU and limits by
themselves. All cases are for ``make long``.
"""

import itertools
import re
from collections.abc import Iterator

import pytest

from tests.e2e.ends import Stage
from tests.e2e.guest.programs import Program
from tests.e2e.rxe_perftest import ITERATIONS, OUR_IPV4, Case, Played, Role, iterations, nodes, our_environment, play

SIZES = (64, 4096, 65536)


def cases() -> Iterator[Case]:
    """Yield all tools, services and sizes that rxe has. A datagram's size ends with the path MTU."""
    for tool, measure, size in itertools.product(("send", "write", "read"), ("bw", "lat"), SIZES):
        yield Case(f"{tool}_{measure}", "RC", size)
    for kind, measure in itertools.product(("FETCH_AND_ADD", "CMP_AND_SWAP"), ("bw", "lat")):
        yield Case(f"atomic_{measure}", "RC", options=("-A", kind))
    for tool, size in itertools.product(("send_bw", "send_lat", "write_bw", "write_lat"), SIZES):
        yield Case(tool, "UC", size)
    for tool, size in itertools.product(("send_bw", "send_lat"), SIZES[:2]):
        yield Case(tool, "UD", size)
    for tool, service in (("send_bw", "RC"), ("read_lat", "RC"), ("write_bw", "UC"), ("send_lat", "UD")):
        yield Case(tool, service, 4096, family=6)
    yield Case("send_bw", "RC", 4096, options=("-b",))
    yield Case("write_bw", "RC", 65536, options=("-q", "4"))
    yield Case("send_lat", "RC", 64, options=("-e",))
    yield Case("send_bw", "RC", 4096, options=("--use-srq",))


SHORT = (
    Case("send_bw", "RC", 65536),
    Case("send_lat", "RC", 64),
    Case("write_bw", "RC", 65536),
    Case("write_lat", "RC", 64),
    Case("read_bw", "RC", 65536),
    Case("read_lat", "RC", 4096),
    Case("atomic_bw", "RC"),
    Case("atomic_lat", "RC"),
    Case("send_bw", "UC", 4096),
    Case("write_bw", "UC", 65536),
    Case("send_bw", "UD", 4096),
    Case("send_lat", "UD", 64),
)


@pytest.fixture(scope="module", autouse=True)
def our_nodes(stage: Stage) -> Iterator[None]:
    with nodes(stage):
        yield


def passes(stage: Stage, case: Case, client: Role) -> Played:
    played = play(stage, case, client)
    assert (played.server.code, played.client.code) == (0, 0), str(played)
    reports = [played.client.output]
    # The target of one-sided operations has nothing to report.
    if case.tool.startswith("send") or case.tool == "write_lat":
        reports.append(played.server.output)
    expected = ITERATIONS * (4 if "-q" in case.options else 1)
    assert [iterations(report) for report in reports] == [expected] * len(reports), str(played)
    return played


@pytest.mark.parametrize("client", ["ours", "rxe"], ids=lambda client: f"{client}-client")
@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.name)
def test_perftest(stage: Stage, case: Case, client: Role) -> None:
    passes(stage, case, client)


@pytest.fixture
def ordinary_link(stage: Stage) -> Iterator[None]:
    """A link of 1500 bytes for a while."""
    [nic] = stage.rxe.guest.config.nics

    def set_mtu(mtu_bytes: int) -> None:
        stage.space.up(nic.place, mtu_bytes)
        code, said = stage.rxe.run("ip", "link", "set", "eth0", "mtu", str(mtu_bytes))
        assert code == 0, said

    set_mtu(1500)
    yield
    set_mtu(nic.mtu)


@pytest.mark.usefixtures("ordinary_link")
@pytest.mark.parametrize("client", ["ours", "rxe"], ids=lambda client: f"{client}-client")
def test_both_choose_the_path_mtu_of_the_link(stage: Stage, client: Role) -> None:
    # perftest takes the smaller of both, so each is asked as well.
    ours = Program(stage.space.command(["ibv_devinfo"]), our_environment(stage.space, OUR_IPV4)).wait(30)
    code, theirs = stage.rxe.run("ibv_devinfo")
    assert (ours.code, code) == (0, 0), ours.output + theirs
    for output in (ours.output, theirs):
        assert re.search(r"active_mtu:\s+1024 ", output), output
    played = passes(stage, Case("write_bw", "RC", 65536), client)
    for ended in (played.server, played.client):
        assert " Mtu             : 1024[B]" in ended.output


@pytest.mark.long
@pytest.mark.parametrize("client", ["ours", "rxe"], ids=lambda client: f"{client}-client")
@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_every_combination(stage: Stage, case: Case, client: Role) -> None:
    passes(stage, case, client)
