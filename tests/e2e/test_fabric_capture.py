"""A capture of the fabric simulator, opened by tshark and scapy: fields, ICRCs, marks, CNPs and PFC frames."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from dpu_emu.fabric.plan import make_plan
from dpu_emu.fabric.run import run
from dpu_emu.fabric.scenario import loads
from tests import captures, dissect

INCAST = """
name: captured
topology: {kind: star, hosts: 9, rate: 100Gb/s}
hosts: {cc: {algorithm: dcqcn, preset: hpcc_dcqcn}}
switches: {buffer: 4MB, classes: {3: {kmin: 20kB, kmax: 80kB}}}
workload: [{kind: incast, receiver: h0, senders: 8, size: 400kB}]
"""


def count(capture: Path, what: str) -> int:
    command = ["tshark", "-r", str(capture), "-Y", what, "-T", "fields", "-e", "frame.number"]
    return len(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())


def test_a_capture_of_the_receivers_link_is_what_the_results_say(
    require_peer: Callable[..., None], tmp_path: Path
) -> None:
    require_peer("tshark")
    capture = tmp_path / "receiver.pcapng"
    result = run(make_plan(loads(INCAST)), captures={"sw0-h0": capture})
    to_receiver, back = (result.direction(name) for name in ("sw0>h0", "h0>sw0"))
    assert result.stats["flows_done"] == 8
    assert len(captures.roce_packets(capture)) == dissect.check_capture(capture)
    assert count(capture, "infiniband.reth && ip.dst == 10.0.0.0") == 8
    assert count(capture, "infiniband && ip.dst == 10.0.0.0") == to_receiver["data_pkts"]
    cnps = count(capture, "infiniband.bth.opcode == 129 && ip.src == 10.0.0.0")
    assert cnps == back["cnp_pkts"] > 0
    assert count(capture, "infiniband.bth.opcode == 17 && ip.src == 10.0.0.0") == back["ack_pkts"] - cnps > 0
    assert count(capture, "ip.dsfield.ecn == 3 && ip.dst == 10.0.0.0") == result.stats["marked"] > 0
    said = subprocess.run(["tshark", "-r", str(capture)], capture_output=True, check=True, text=True).stdout
    assert "Malformed" not in said


def test_a_senders_link_shows_its_pauses(require_peer: Callable[..., None], tmp_path: Path) -> None:
    require_peer("tshark")
    capture = tmp_path / "sender.pcapng"
    text = INCAST.replace("algorithm: dcqcn, preset: hpcc_dcqcn", "algorithm: none")
    result = run(make_plan(loads(text)), captures={"sw0-h1": capture})
    pauses = count(capture, "macc.opcode == 0x0101 && macc.cbfc.enbv.c3 == 1")
    assert pauses == result.direction("sw0>h1")["pfc_pkts"] > 0
