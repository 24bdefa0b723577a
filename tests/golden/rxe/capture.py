"""Capture the goldens of this folder from Linux's Soft-RoCE.

    python -m tests.golden.rxe.capture [OUTDIR] [--only NAME ...]

    guest "a" (10.78.0.2, fd78::2)                          guest "b" (10.78.0.3, fd78::3)
      rxe1 -- dgram NIC -- AF_UNIX -- Wire (bench.py) -- AF_UNIX -- dgram NIC -- rxe1
      eth0 -- tap 10.78.1.2 -- control connection of RxePeer -- tap 10.78.2.2 -- eth0

The wire carries every Ethernet frame from one guest to the other, loses those
that a scenario asks it to lose, and records the RoCEv2 packets that it delivers:
a capture is what the receivers saw. ``outcomes.json`` keeps, for each capture,
the work completions of both ends, the states of their QPs and what the device
counted. Needs root and the lab's image; takes about a minute.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dpu_emu.lab.errors import LabError
from dpu_emu.lab.netns import Namespace
from dpu_emu.lab.nic import Nic
from tests.e2e.rxe import RxePeer
from tests.golden.rxe.bench import PCAP_HEADER, Bench, Wire
from tests.golden.rxe.scenarios import SCENARIOS


def capture(out: Path, only: Sequence[str]) -> int:
    """Boot the guests, run the scenarios and write captures and outcomes; return how many failed."""
    results = out / "outcomes.json"
    outcomes: dict[str, Any] = json.loads(results.read_text()) if results.exists() else {}
    failed = 0
    with tempfile.TemporaryDirectory() as folder, Namespace.create("golden") as space:
        wire = Wire(Path(folder))
        peers = [_peer(space, wire, index) for index in range(2)]
        try:
            for peer in peers:
                peer.start()
            for peer in peers:
                peer.wait_ready()
            bench = Bench(peers[0], peers[1], wire)
            for scenario in SCENARIOS:
                if only and scenario.name not in only:
                    continue
                before = [peer.counters() for peer in peers]
                wire.begin(scenario.lose)
                bench.outcome = {}
                try:
                    scenario.run(bench)
                    verdict = "ok"
                except Exception as error:  # noqa: BLE001 - the next scenario may still succeed
                    verdict, failed = f"FAILED {type(error).__name__}: {error}", failed + 1
                wire.settle()
                for end, peer, old in zip("ab", peers, before, strict=True):
                    changed = {key: value - old[key] for key, value in peer.counters().items() if value != old[key]}
                    bench.outcome[f"{end}.counters"] = dict(sorted(changed.items()))
                    bench.outcome[f"{end}.qp_state"] = _state(peer)
                    peer.destroy_all()
                wire.settle()
                (out / f"{scenario.name}.pcap").write_bytes(PCAP_HEADER + b"".join(wire.records))
                outcomes[scenario.name] = {"what": scenario.what, **bench.outcome}
                print(f"{scenario.name}: {len(wire.records)} packets, {verdict}", flush=True)
        finally:
            for peer in peers:
                peer.close()
            wire.close()
    results.write_text(json.dumps(outcomes, indent=1, sort_keys=True) + "\n")
    return failed


def _state(peer: RxePeer) -> str:
    """Return the state of the scenario's QP, or "" if it made none."""
    try:
        return str(peer.call("qp_state", qp="q")["state"])
    except LabError:
        return ""


def _peer(space: Namespace, wire: Wire, index: int) -> RxePeer:
    """Return a guest with its control NIC and its RoCE NIC, not started."""
    end = "ab"[index]
    control = f"10.78.{index + 1}.2"
    local, remote = wire.paths[index]
    nics = (
        Nic("tap", f"golden-{end}", addresses=(f"{control}/24",), host_addresses=(f"10.78.{index + 1}.1/24",)),
        Nic(
            "dgram",
            str(local),
            str(remote),
            addresses=(f"10.78.0.{index + 2}/24", f"fd78::{index + 2}/64"),
            mac=f"52:54:00:00:78:0{index + 2}",
            mtu=1500,
            rxe=True,
        ),
    )
    return RxePeer(space, nics=nics, control=control, device="rxe1", name=f"golden-{end}")


def main() -> int:
    """Parse the command line and capture."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden.rxe.capture")
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    return 1 if capture(options.out, options.only) else 0


if __name__ == "__main__":
    sys.exit(main())
