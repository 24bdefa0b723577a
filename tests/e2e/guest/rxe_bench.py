"""perftest over Linux's Soft-RoCE and over the drop-in, by turns, in one guest; run by :mod:`tests.bench.bench_rxe`.

    rxe: r0 10.91.0.1 rxe0 ==== veth ==== r1 10.91.0.2 rxe1     one namespace: rxe 6.1 has its UDP socket, and looks for
                                                                routes, in the first namespace only
    ours: [ v0 10.92.0.1 dpu0 ]==== veth ====[ v1 10.92.0.2 dpu0 ]   a namespace each

perftest's own connection is TCP on loopback for rxe, and over the veth for ours. Prints a line of JSON for each run.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.guest.programs import Program

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STAT = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")

# In a process of the namespace, because a node is an address in a namespace.
_ENVIRONMENT = """
import json, os, sys
from rdma_verbs.agent.rundir import Address
from rdma_verbs.launch import Launch, Transport, make_environment
print(json.dumps(make_environment(Launch(Address.parse(sys.argv[1]), Transport.UDP), os.environ)))
"""


@dataclass(frozen=True, slots=True)
class Side:
    """Where a program runs, on which device, and the address that the other side's client connects to."""

    device: str
    address: str
    link: str
    namespace: str = ""
    environment: Mapping[str, str] = dataclasses.field(default_factory=lambda: dict(os.environ))

    def command(self, *argv: str) -> list[str]:
        """Return the command line that runs ``argv`` on this side."""
        return ["ip", "netns", "exec", self.namespace, *argv] if self.namespace else list(argv)


def run(text: str) -> str:
    """Run a command and return its output."""
    return subprocess.run(text.split(), check=True, stdout=subprocess.PIPE, text=True).stdout


def set_value(path: str, value: int) -> None:
    """Write a setting of the kernel."""
    Path(path).write_text(f"{value}\n", encoding="ascii")


def rxe_sides(mtu_bytes: int) -> tuple[Side, Side]:
    """Join two Soft-RoCE devices by a veth pair within this namespace.

    The kernel would route between two of its own addresses by loopback. Soft-RoCE names the outgoing device, which then
    is used; what comes from one's own address must be allowed to.
    """
    run("ip link add r0 type veth peer name r1")
    for name in ("all", "r0", "r1"):
        set_value(f"/proc/sys/net/ipv4/conf/{name}/accept_local", 1)
        set_value(f"/proc/sys/net/ipv4/conf/{name}/rp_filter", 0)
    sides = []
    for index in (0, 1):
        run(f"ip link set r{index} mtu {mtu_bytes} up")
        run(f"ip addr add 10.91.0.{index + 1}/24 dev r{index}")
        run(f"rdma link add rxe{index} type rxe netdev r{index}")
        sides.append(Side(f"rxe{index}", "127.0.0.1", f"r{index}"))
    return sides[0], sides[1]


def our_sides(mtu_bytes: int) -> tuple[Side, Side]:
    """Join two namespaces with a node of ours in each by a veth pair."""
    for index in (0, 1):
        run(f"ip netns add n{index}")
        run(f"ip -n n{index} link set lo up")
    run("ip link add v0 netns n0 type veth peer name v1 netns n1")
    sides = []
    for index in (0, 1):
        name, address = f"n{index}", f"10.92.0.{index + 1}"
        run(f"ip -n {name} link set v{index} mtu {mtu_bytes} up")
        run(f"ip -n {name} addr add {address}/24 dev v{index}")
        made = json.loads(
            subprocess.run(
                ["ip", "netns", "exec", name, sys.executable, "-c", _ENVIRONMENT, address],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout
        )
        sides.append(Side("dpu0", address, f"v{index}", name, made))
    return sides[0], sides[1]


def cpu_seconds() -> dict[str, float]:
    """Return what the guest's processors have spent so far, by kind."""
    words = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    return {name: int(value) / TICKS_PER_S for name, value in zip(STAT, words, strict=False)}


def frames(side: Side) -> int:
    """Return how many frames a side's link has sent; one of these may stand for many packets (GSO)."""
    output = subprocess.run(
        side.command("ip", "-s", "-j", "link", "show", side.link), check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return int(json.loads(output)[0]["stats64"]["tx"]["packets"])


def counters(side: Side) -> dict[str, int]:
    """Return a side's hardware counters: the sum over the node's processes, or the device's."""
    folder = f"/sys/class/infiniband/{side.device}/ports/1/hw_counters"
    script = f"cd {folder} && for name in *; do read value < $name && echo $name $value; done"
    output = subprocess.run(
        side.command("/bin/sh", "-c", script), check=True, stdout=subprocess.PIPE, text=True, env=dict(side.environment)
    ).stdout
    return {name: int(value) for name, value in (line.split() for line in output.splitlines()) if name != "lifespan"}


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Return the counters that changed, by how much; one that fell was begun anew by a new agent."""
    steps = {
        name: value - before.get(name, 0) if value >= before.get(name, 0) else value for name, value in after.items()
    }
    return {name: step for name, step in steps.items() if step}


def measure(sides: tuple[Side, Side], port: int, command: list[str], timeout_s: float) -> dict[str, Any]:
    """Run a pair of programs to its end: their output, and what it cost."""
    server, client = sides
    argv = [[command[0], "-d", side.device, "-p", str(port), *command[1:]] for side in sides]
    counted = [counters(side) for side in sides]
    before, sent = cpu_seconds(), [frames(side) for side in sides]
    first = Program(server.command(*argv[0]), server.environment)
    first.wait_for_listener(port, timeout_s)
    second = Program(client.command(*argv[1], server.address), client.environment)
    ended = second.wait(timeout_s)
    served = first.wait(timeout_s if ended.code == 0 else 1)
    after = cpu_seconds()
    sent = [frames(side) - count for side, count in zip(sides, sent, strict=True)]
    return {
        "codes": [served.code, ended.code],
        "output": ended.output,
        "server_output": served.output if served.code or ended.code else "",
        "cpu_s": {name: round(after[name] - before[name], 2) for name in STAT if name not in ("idle", "iowait")},
        "programs_s": {
            "user": round(served.user_s + ended.user_s, 2),
            "system": round(served.system_s + ended.system_s, 2),
        },
        "frames": sent,
        "counters": [grown(old, counters(side)) for side, old in zip(sides, counted, strict=True)],
    }


def main() -> int:
    """Set up, then run what the plan says: ``{"mtu_bytes", "rounds", "timeout_s", "commands": {name: argv}}``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("plan", type=Path)
    plan = json.loads(parser.parse_args().plan.read_text(encoding="utf-8"))
    run("modprobe -a veth rdma_rxe ib_uverbs")
    both = {"rxe": rxe_sides(plan["mtu_bytes"]), "ours": our_sides(plan["mtu_bytes"])}
    algorithms = Path("/proc/crypto").read_text(encoding="ascii")
    facts = {
        "crc32": [
            line.split()[-1] for line in algorithms.splitlines() if line.startswith("driver") and "crc32-" in line
        ]
    }
    print(json.dumps({"facts": {**facts, "kernel": os.uname().release, "cpus": os.cpu_count()}}), flush=True)
    port = 19000
    for number in range(plan["rounds"]):
        for name, command in plan["commands"].items():
            for kind, sides in both.items():
                port += 1
                result = measure(sides, port, command, plan["timeout_s"])
                print(json.dumps({"round": number, "name": name, "kind": kind, **result}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
