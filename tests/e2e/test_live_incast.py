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
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scapy.contrib.mac_control import MACControlClassBasedFlowControl
from scapy.layers.l2 import Ether

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
        command = [sys.executable, "-m", "tests.e2e.switch_member"]
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


class Trial(NamedTuple):
    """One run of it: what the senders and then the receiver tell, the switch's counters, its lateness."""

    told: list[dict[str, Any]]
    stats: dict[str, Any]
    lateness: Lateness
    capture: Path


def incast(folder: Path, plan: Plan, capture: Path | None) -> tuple[list[dict[str, Any]], dict[str, Any], Lateness]:
    """Run the scenario live: what a trial has."""
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


@pytest.fixture(scope="module")
def trial(plan: Plan, require_peer: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Trial:
    require_peer("tshark")
    folder = tmp_path_factory.mktemp("switch")
    capture = folder / "switch.pcapng"
    return Trial(*incast(folder, plan, capture), capture)


def test_two_to_one_loses_nothing_by_pfc_and_ecn(trial: Trial) -> None:
    stats, senders = trial.stats, trial.told[:2]
    assert [sender for sender in senders if "failed" in sender] == []
    assert stats["tm_drops"] == [0] * 8
    assert stats["tx_lost"] == stats["invalid"] == stats["no_memory"] == 0
    for sender in senders:
        assert sender["counters"]["retransmitted_pkts"] == 0
        assert sender["counters"]["np_cnp_sent"] == 0
        assert sender["counters"]["rp_cnp_handled"] > 0
    assert sum(sender["pfc_frames"] for sender in senders) == stats["pfc_tx"] >= 4
    assert all(sender["pfc_frames"] for sender in senders)
    assert stats["pfc_rx"] == 1
    assert stats["tm_marked"] > 0

    ours = "macc && eth.src == 02:00:00:00:00:fe"
    frames = fields_of(trial.capture, ours, "eth.dst", "macc.opcode", "macc.cbfc.enbv.c3", "macc.cbfc.pause_time.c3")
    assert len(frames) == stats["pfc_tx"]
    assert {tuple(frame[:3]) for frame in frames} == {("01:80:c2:00:00:01", "0x0101", "1")}
    assert {frame[3] for frame in frames} == {"0", "65535"}
    marks = fields_of(trial.capture, "ip.dsfield.ecn == 3 && eth.dst == 02:00:00:00:00:01", "frame.number")
    assert len(marks) == stats["tm_marked"]


@pytest.mark.long
def test_two_to_one_is_fair_and_as_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four times as long: DCQCN is fair in the long run. A late run does not count: the machine must not be busy."""
    plan = make_plan(loads(SCENARIO.read_text().replace("size: 128MB", "size: 512MB"), name=SCENARIO.name))
    told, stats, lateness = incast(tmp_path, plan, None)
    rates = rates_bps([sender["done_ns"] for sender in told[:2]], MESSAGE_BYTES)
    simulated = run(plan).flows["fct_ps"] / 1e12
    live = [sender["done_ns"][-1] / 1e9 for sender in told[:2]]
    with capsys.disabled():
        print(
            f"\ndilation {DILATION}: {rates[0] / 1e9:.2f} and {rates[1] / 1e9:.2f} Gb/s; "
            f"late p50 {lateness.p50_ns / 1e3:.1f} us, p99 {lateness.p99_ns / 1e3:.1f} us, "
            f"most {lateness.max_ns / 1e3:.1f} us; {stats['tm_marked']} marked, {stats['pfc_tx']} PFC frames; "
            f"last done {max(live) * 1e3:.1f} ms, simulated {float(simulated.max()) * 1e3:.1f} ms"
        )
    shortest_us = min(plan.hosts[0].cc.rpg_time_reset, plan.hosts[0].cc.dce_tcp_rtt)
    assert lateness.p99_ns < shortest_us * 1000, "too late for the run to count"
    assert stats["tm_drops"] == [0] * 8
    assert abs(rates[0] - rates[1]) <= 0.1 * sum(rates) / 2
    assert max(live) == pytest.approx(float(simulated.max()), rel=0.15)
    assert sum(rates) == pytest.approx(float(plan.flows.flows["bytes"].sum() * 8 / simulated.max()), rel=0.15)
