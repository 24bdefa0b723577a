"""A live switch between processes: two senders into one receiver, with PFC, ECN and DCQCN, on a dilated clock.

sender 1 --- socket --.
                       switch (this process) --- socket --- receiver
sender 2 --- socket --'
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scapy.contrib.mac_control import MACControlClassBasedFlowControl
from scapy.layers.l2 import Ether

from datapath.errors import CallerError, DpuError
from dpu_emu.fabric.live import Lateness, LiveSwitch, switch_parameters
from dpu_emu.fabric.plan import Plan, make_plan
from dpu_emu.fabric.run import run
from dpu_emu.fabric.scenario import load, loads

SCENARIO = Path(__file__).with_name("live_incast.yaml")
DILATION = 500
MESSAGE_BYTES = 1_000_000
BURST_BYTES = 16_384
"""What a process that the scheduler kept waiting may catch up."""
MACS = [f"02:00:00:00:00:{i + 1:02x}" for i in range(3)]
DATA_DSCP, CNP_DSCP = 26, 48


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(load(SCENARIO))


class Member:
    """A process at a port."""

    def __init__(self, task: dict[str, Any]) -> None:
        command = [sys.executable, "-m", "tests.integration.switch_member"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.tell(task)

    def tell(self, words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"a member ended with {self.process.wait()}"
        return json.loads(line)

    def __enter__(self) -> "Member":
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def rates_bps(done_ns: Sequence[Sequence[int]], message_bytes: int) -> list[float]:
    """What each sender got while all of them sent, but for the first quarter of that: both begin at line rate."""
    end = min(times[-1] for times in done_ns)

    def messages(times: Sequence[int], at: float) -> float:
        return float(np.interp(at, [0, *times], range(len(times) + 1)))

    return [(messages(times, end) - messages(times, end / 4)) * message_bytes * 8e9 / (end * 0.75) for times in done_ns]


def incast(folder: Path, plan: Plan, capture: Path | None) -> tuple[list[dict[str, Any]], dict[str, Any], Lateness]:
    """Run the scenario live: what the senders tell, the switch's counters, its lateness."""
    tm, rate_bps = switch_parameters(plan)
    ports = [(folder / f"s{i}", folder / f"h{i}") for i in range(3)]
    cc = plan.hosts[0].cc.numbers() | {"burst_bytes": BURST_BYTES, "np_cnp_dscp": CNP_DSCP}
    common: dict[str, Any] = {
        "rate_bps": rate_bps,
        "dilation": DILATION,
        "burst_bytes": BURST_BYTES,
        "cc": cc,
        "dscp": DATA_DSCP,
        "prio": 3,
        "timeout": 17,
        "message_bytes": MESSAGE_BYTES,
        "messages": int(plan.flows.flows["bytes"][0]) // MESSAGE_BYTES,
    }
    with ExitStack() as stack:
        switch = stack.enter_context(
            LiveSwitch(
                ports,
                tm,
                rate_bps=rate_bps,
                dilation=DILATION,
                dscp_priorities={DATA_DSCP: 3, CNP_DSCP: 6},
                addresses={mac: i for i, mac in enumerate(MACS)},
                capture=capture,
                snaplen=128,
            )
        )
        members = []
        for i in range(3):
            task = common | {"local": str(folder / f"h{i}"), "remote": str(folder / f"s{i}"), "mac": MACS[i]}
            task |= {"address": f"10.8.0.{i + 1}"} | ({} if i else {"senders": 2})
            members.append(stack.enter_context(Member(task)))
        receiver, senders = members[0], members[1:]
        inboxes = receiver.hear()
        receiver.tell([sender.hear() for sender in senders])
        assert receiver.hear() == "ready"
        for sender, inbox in zip(senders, inboxes, strict=True):
            sender.tell(inbox)
        time.sleep(0.5)  # both are connected
        for sender in senders:
            sender.tell("go")
        # The receiver cannot take any more for 33 us: what the switch then holds makes it pause both senders.
        time.sleep(DILATION / 1000)
        pause = Ether(dst="01:80:c2:00:00:01", src=MACS[0]) / MACControlClassBasedFlowControl(
            c3_enabled=1, c3_pause_time=6500
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
            wire.sendto(bytes(pause), str(ports[0][0]))
        told = [sender.hear() for sender in senders]
        receiver.tell("done")
        told.append(receiver.hear())
        return told, switch.stats(), switch.lateness()


def fields_of(capture: Path, what: str, *names: str) -> list[list[str]]:
    command = ["tshark", "-r", str(capture), "-Y", what, "-T", "fields"]
    for name in names:
        command += ["-e", name]
    out = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return [line.split("\t") for line in out.splitlines()]


def test_two_to_one_is_lossless_fair_and_as_simulated(
    plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture = tmp_path / "switch.pcapng"
    told, stats, lateness = incast(tmp_path, plan, capture)
    for sender in told[:2]:
        assert "failed" not in sender, sender
    rates = rates_bps([sender["done_ns"] for sender in told[:2]], MESSAGE_BYTES)
    with capsys.disabled():
        print(
            f"\ndilation {DILATION}: {rates[0] / 1e9:.2f} and {rates[1] / 1e9:.2f} Gb/s; "
            f"late p50 {lateness.p50_ns / 1e3:.1f} us, p99 {lateness.p99_ns / 1e3:.1f} us, "
            f"most {lateness.max_ns / 1e3:.1f} us; {stats['tm_marked']} marked, {stats['pfc_tx']} PFC frames"
        )
    assert stats["tm_drops"] == [0] * 8
    assert stats["tx_lost"] == stats["invalid"] == stats["no_memory"] == 0
    for sender in told[:2]:
        assert sender["counters"]["retransmitted_pkts"] == 0
        assert sender["counters"]["np_cnp_sent"] == 0
        assert sender["counters"]["rp_cnp_handled"] > 0
    assert sum(sender["pfc_frames"] for sender in told[:2]) == stats["pfc_tx"] >= 4
    assert all(sender["pfc_frames"] for sender in told[:2])
    assert stats["pfc_rx"] == 1
    assert stats["tm_marked"] > 0
    shortest_us = min(plan.hosts[0].cc.rpg_time_reset, plan.hosts[0].cc.dce_tcp_rtt)
    assert lateness.p99_ns < shortest_us * 1000, "too late for the run to count"
    assert abs(rates[0] - rates[1]) <= 0.1 * sum(rates) / 2

    ours = "macc && eth.src == 02:00:00:00:00:fe"
    frames = fields_of(capture, ours, "eth.dst", "macc.opcode", "macc.cbfc.enbv.c3", "macc.cbfc.pause_time.c3")
    assert len(frames) == stats["pfc_tx"]
    assert {tuple(frame[:3]) for frame in frames} == {("01:80:c2:00:00:01", "0x0101", "1")}
    assert {frame[3] for frame in frames} == {"0", "65535"}
    marks = fields_of(capture, "ip.dsfield.ecn == 3 && eth.dst == 02:00:00:00:00:01", "frame.number")
    assert len(marks) == stats["tm_marked"]

    simulated = run(plan).flows["fct_ps"] / 1e12
    live = [sender["done_ns"][-1] / 1e9 for sender in told[:2]]
    assert max(live) == pytest.approx(float(simulated.max()), rel=0.15)
    assert sum(rates) == pytest.approx(float(plan.flows.flows["bytes"].sum() * 8 / simulated.max()), rel=0.15)


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
        assert 0.4 <= time.monotonic() - begin < 0.7
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
