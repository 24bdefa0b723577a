"""The demo's act in virtual time: what an incast does to a bystander, with PFC alone and with DCQCN."""

import time
from dataclasses import dataclass
from enum import Enum

__all__ = ["Control", "Incast", "run_incast"]

SENDERS = 16


class Control(Enum):
    """What slows the senders down."""

    PFC = "PFC"
    DCQCN = "DCQCN"


# One leaf has the senders and the bystander; its uplink carries both, and is paused when the receiver's leaf is full.
_SCENARIO = """
name: an incast and a bystander
topology: {{kind: leaf_spine, leaves: 2, spines: 1, hosts_per_leaf: 17, uplink_rate: 1600Gb/s}}
hosts: {{cc: {cc}}}
until: 5ms
stop_when_done: false
workload:
  - {{kind: incast, name: incast, receiver: h17, senders: {senders}, size: 1GB}}
  - {{kind: flows, name: bystander, flows: [{{src: h16, dst: h18, size: 1GB}}]}}
"""
_CC = {Control.PFC: "{algorithm: none}", Control.DCQCN: "{algorithm: dcqcn, preset: hpcc_dcqcn}"}


@dataclass(frozen=True, slots=True)
class Incast:
    """What came of it in five milliseconds of the fabric's time."""

    control: str
    incast_bps: int
    bystander_bps: int
    """Of a link of 100 Gb/s that nobody else uses."""
    pfc_frames: int
    marked: int
    drops: int
    hops: int
    cpu_ns: int
    hash: str


def run_incast(control: Control) -> Incast:
    """Run 16 hosts that send to one, beside one that sends to another."""
    from dpu_emu.fabric.plan import make_plan
    from dpu_emu.fabric.run import run
    from dpu_emu.fabric.scenario import loads

    plan = make_plan(loads(_SCENARIO.format(cc=_CC[control], senders=SENDERS)))
    begin_ns = time.process_time_ns()
    result = run(plan)
    cpu_ns = time.process_time_ns() - begin_ns

    def goodput_bps(tag: str) -> int:
        return int(result.of_tag(tag)["acked_bytes"].sum()) * 8 * 10**12 // int(result.stats["now_ps"])

    return Incast(
        control=control.value,
        incast_bps=goodput_bps("incast"),
        bystander_bps=goodput_bps("bystander"),
        pfc_frames=result.stats["pfc_frames"],
        marked=result.stats["marked"],
        drops=sum(result.drops().values()),
        hops=result.stats["data_hops"] + result.stats["ack_hops"],
        cpu_ns=cpu_ns,
        hash=result.hash,
    )
