"""A live switch at bare sockets: frames, its line on the dilated clock, and what it refuses."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from datapath.errors import CallerError, DpuError
from dpu_emu.fabric.live import Lateness, LiveSwitch, switch_parameters
from dpu_emu.fabric.plan import make_plan
from dpu_emu.fabric.scenario import loads

SCENARIO = Path(__file__).resolve().parents[1] / "e2e" / "live_incast.yaml"


def small() -> dict[str, Any]:
    return {
        "cell_bytes": 1,
        "quantum_bytes": 1500,
        "buffer_bytes": 1_000_000,
        "cls": [{"weight": 1, "ingress_alpha_e6": 1_000_000}] + [{}] * 7,
    }


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[list[socket.socket]]:
    """The far ends of two ports, as bare sockets."""
    with ExitStack() as stack:
        made = [stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) for _ in range(2)]
        for i, end in enumerate(made):
            end.bind(str(tmp_path / f"h{i}"))
            end.settimeout(5)
        yield made


def ports_in(folder: Path) -> list[tuple[Path, Path]]:
    return [(folder / f"s{i}", folder / f"h{i}") for i in range(2)]


def test_frames_pass_and_counters_stay_after_the_end(tmp_path: Path, ends: list[socket.socket]) -> None:
    frame = bytes.fromhex("02000000000b 02000000000a 0806") + bytes(46)
    with LiveSwitch(ports_in(tmp_path), small(), rate_bps=10**9, dilation=1, frame_bytes=100) as switch:
        ends[0].sendto(frame, str(tmp_path / "s0"))
        assert ends[1].recv(2000) == frame
        ends[0].sendto(frame + bytes(100), str(tmp_path / "s0"))
        ends[0].sendto(frame, str(tmp_path / "s0"))
        assert ends[1].recv(2000) == frame
        assert switch.stats()["rx_truncated"] == 1
    assert not (tmp_path / "s0").exists()
    switch.close()
    assert (switch.stats()["tx_frames"], switch.stats()["tm_enqueued"], switch.lateness().sends) == (2, 2, 2)


def test_the_line_takes_its_time_on_the_dilated_clock(tmp_path: Path, ends: list[socket.socket]) -> None:
    frame = bytes.fromhex("02000000000b 02000000000a 0806") + bytes(986)
    with LiveSwitch(ports_in(tmp_path), small(), rate_bps=8_192_000_000, dilation=100_000) as switch:
        begin = time.monotonic()
        for _ in range(5):
            ends[0].sendto(frame, str(tmp_path / "s0"))
        for _ in range(5):
            ends[1].recv(2000)
        # 1024 bytes on the wire are a microsecond of the switch's, 0.1 s of ours.
        assert time.monotonic() - begin >= 0.4
        assert switch.stats()["now_ps"] < 10_000_000


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"dilation": 0}, CallerError, "dilation 0 is not within 1 and 1000000"),
        ({"rate_bps": 0}, CallerError, "rate_bps 0 is not 1 to 10^14"),
        ({"frame_bytes": 20_000}, CallerError, "frame_bytes 20000 is not 64 to 16384"),
        ({"dscp_priorities": {64: 1}}, CallerError, "priority 1 of DSCP 64"),
        ({"dscp_priorities": {1: 8}}, CallerError, "priority 8 of DSCP 1"),
        ({"addresses": {"02:00:00:00:00:01": 2}}, CallerError, "address 02:00:00:00:00:01 at port 2"),
        ({"capture": "/nowhere/at/all"}, CallerError, "capture /nowhere/at/all: No such file"),
        ({"ports": [("/nowhere/s", "/nowhere/h")]}, CallerError, "switch port 0: /nowhere/s: No such file"),
        ({"ports": [("x" * 108, "y")]}, CallerError, "does not have 1 to 107 bytes"),
        ({"ports": [("a\0b", "y")]}, CallerError, "port 0: path 'a\\x00b' has a 0 byte"),
        ({"ports": []}, CallerError, "nports 0 is not 1 to 65535"),
        ({"tm": {"buffer_bytes": 0, "cell_bytes": 1}}, CallerError, "buffer_bytes 0"),
        ({"tm": {"colour": 1}}, CallerError, "no parameter colour"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    changes: dict[str, Any], kind: type[DpuError], said: str, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"ports": ports_in(tmp_path), "tm": small(), "rate_bps": 10**9, "dilation": 1} | changes
    with pytest.raises(kind) as failed:
        LiveSwitch(asked.pop("ports"), asked.pop("tm"), **asked)
    assert said in str(failed.value)
    assert not (tmp_path / "s0").exists()


def test_a_scenario_of_several_switches_is_not_one_live_switch() -> None:
    text = SCENARIO.read_text().replace("{kind: star, hosts: 3,", "{kind: fat_tree, k: 4,").replace("h0,", "h1,")
    with pytest.raises(CallerError, match="20 switches; a live one stands for exactly 1"):
        switch_parameters(make_plan(loads(text)))


def test_percentiles_of_lateness() -> None:
    assert Lateness.of([0] * 64, 0) == Lateness(0, 0, 0, 0)
    assert Lateness.of([90, 0, 0, 9, 1], 20_500) == Lateness(100, 1, 15, 21)
    assert Lateness.of([1, 0, 0, 0, 99], 20_500) == Lateness(100, 21, 21, 21)
