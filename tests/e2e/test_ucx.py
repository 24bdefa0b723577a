r"""UCX over the drop-in: its own measuring program, with nothing set but which transport to take.

    ucx_perftest, node 127.22.5.2 ──── rc_verbs or ud_verbs on dpu0: shared memory or UDP 4791 ──── 127.22.5.1
              \──────────────────────── TCP 127.0.0.1:PORT: addresses ────────────────────────/

UCX finds the device by /dev/infiniband/uverbs0 and sysfs; its UD transport looks at the address before each datagram.
rc_verbs makes its connections over ud_verbs. ucx_perftest does not look at its data: the device's check does.
"""

import subprocess
from collections.abc import Callable

import pytest

from tests.e2e.pair import Run, TransportName, environment, play_pair, ports

SERVER, CLIENT = "127.22.5.1", "127.22.5.2"
RC, UD = "rc_verbs,ud_verbs", "ud_verbs"
SIZES = {"small": 8, "packets": 8192, "large": 1 << 20}


def perftest(
    transport: TransportName,
    options: str,
    *,
    ucx: str = RC,
    same_node: bool = False,
    wakeup: bool = False,
) -> Run:
    """Run both sides of an UCP test."""
    port = next(ports)
    settings = {"UCX_TLS": f"{ucx},self", "UCX_NET_DEVICES": "dpu0:1", "UCX_WARN_UNUSED_ENV_VARS": "n"}
    server = ["ucx_perftest", "-p", str(port), *(["-E", "sleep"] if wakeup else [])]
    client = ["ucx_perftest", "127.0.0.1", "-p", str(port), *options.split(), *(["-E", "sleep"] if wakeup else [])]
    nodes = (SERVER, SERVER if same_node else CLIENT)
    run = play_pair(server, client, nodes, transport, port, more=settings, timeout_s=60)
    assert "Final:" in run.output, run
    assert "ERROR" not in run.output, run
    # put_bw writes into the last byte of its buffer while puts of it are under way.
    assert run.mismatches <= run.changed, run
    return run


def count(size: int) -> str:
    return f"-s {size} -n {20 if size > 65536 else 200} -w 10"


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("ucx", ["rc_verbs", "ud_verbs"])
def test_uct_active_messages_go_back_and_forth(
    ucx: str, transport: TransportName, require_peer: Callable[..., None]
) -> None:
    require_peer("ucx")
    perftest(transport, f"-d dpu0:1 -x {ucx} -t am_lat -n 200 -w 10 -s 64")


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("ucx", [RC, UD], ids=["rc", "ud"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "test", ["tag_bw", "tag_lat", "tag_sync_lat", "stream_bw", "stream_lat", "ucp_am_bw", "ucp_am_lat"]
)
def test_messages(test: str, size: str, ucx: str, transport: TransportName, require_peer: Callable[..., None]) -> None:
    require_peer("ucx")
    run = perftest(transport, f"-t {test} {count(SIZES[size])}", ucx=ucx)
    assert run.checked > 0, run


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("test", ["ucp_put_bw", "ucp_put_lat", "ucp_get"])
def test_one_sided_access(test: str, size: str, transport: TransportName, require_peer: Callable[..., None]) -> None:
    require_peer("ucx")
    perftest(transport, f"-t {test} {count(SIZES[size])}")


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("test", ["ucp_add", "ucp_fadd", "ucp_swap", "ucp_cswap"])
def test_atomics(test: str, transport: TransportName, require_peer: Callable[..., None]) -> None:
    require_peer("ucx")
    perftest(transport, f"-t {test} {count(8)}")


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("ucx", [RC, UD], ids=["rc", "ud"])
def test_within_a_node(ucx: str, transport: TransportName, require_peer: Callable[..., None]) -> None:
    require_peer("ucx")
    assert perftest(transport, f"-t tag_bw {count(65536)}", ucx=ucx, same_node=True).checked > 0


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize(
    "options",
    [
        "-t tag_bw -s 4096 -O 64",
        "-t tag_bw -s 1000,3000,70000 -D iov",
        "-t tag_bw -s 4096 -C",
        "-t tag_bw -s 4096 -U",
        "-t tag_bw -s 65536 -e",
        "-t tag_bw -s 65536 -T 2 -M multi",
        "-t stream_bw -s 4096 -r recv_data",
        "-t ucp_am_bw -s 100000 -H 64",
        "-t ucp_put_bw -s 65536 -z",
    ],
    ids=lambda options: "".join(options.split()),
)
def test_options(options: str, transport: TransportName, require_peer: Callable[..., None]) -> None:
    require_peer("ucx")
    perftest(transport, f"{options} -n 200 -w 10")


@pytest.mark.parametrize("transport", ["local", "udp"])
@pytest.mark.parametrize("ucx", [RC, UD], ids=["rc", "ud"])
def test_sleeping_for_events(ucx: str, transport: TransportName, require_peer: Callable[..., None]) -> None:
    require_peer("ucx")
    perftest(transport, "-t tag_lat -s 64 -n 200 -w 10", ucx=ucx, wakeup=True)


def test_ucx_info_shows_the_device(require_peer: Callable[..., None]) -> None:
    require_peer("ucx")
    said = subprocess.run(["ucx_info", "-d"], env=environment(SERVER), capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said
    _, _, device = said.stdout.partition("# Memory domain: dpu0\n")
    assert device, said.stdout
    for transport in ("rc_verbs", "ud_verbs"):
        assert f"Transport: {transport}\n#         Device: dpu0:1\n" in device, device
    assert "atomic_fadd: 64 bit" in device, device
