"""What a run gives: flows, links, pauses and time series as numpy arrays, and what follows from them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from datapath.errors import DpuError
from dpu_emu._native import NEVER_PS
from dpu_emu.fabric.pauses import PauseTree
from dpu_emu.fabric.plan import Plan

__all__ = ["FLOW_ROW", "LINK_ROW", "Result", "Series", "jain"]

Array = npt.NDArray[Any]

FLOW_ROW = np.dtype(
    [
        ("src", "u4"),
        ("dst", "u4"),
        ("tag", "u4"),
        ("bytes", "u8"),
        ("start_ps", "u8"),
        ("begin_ps", "u8"),
        ("last_byte_ps", "u8"),
        ("done_ps", "u8"),
        ("acked_bytes", "u8"),
        ("status", "u4"),
        ("retransmitted_pkts", "u4"),
        ("fct_ps", "u8"),
        ("ideal_ps", "u8"),
        ("slowdown", "f8"),
        ("goodput_bps", "f8"),
    ]
)
LINK_ROW = np.dtype(
    [
        ("direction", "u4"),
        ("from", "u4"),
        ("to", "u4"),
        ("data_pkts", "u8"),
        ("data_bytes", "u8"),
        ("ack_pkts", "u8"),
        ("cnp_pkts", "u8"),
        ("lost_pkts", "u8"),
        ("pfc_pkts", "u8"),
        ("paused_ps", "u8"),
        ("busy_ps", "u8"),
        ("peak_queue_bytes", "u8"),
        ("utilisation", "f8"),
    ]
)
_LINK_COUNTS = (
    *("data_pkts", "data_bytes", "ack_pkts", "cnp_pkts", "lost_pkts"),
    *("pfc_pkts", "paused_ps", "busy_ps", "peak_queue_bytes"),
)
_PERCENTILES = (50, 90, 99, 99.9, 100)
_SIZES = ((0, 10_000, "to 10 kB"), (10_000, 100_000, "to 100 kB"), (100_000, 1_000_000, "to 1 MB"))


def jain(rates: Array) -> float:
    """Return Jain's fairness of rates: 1 when they are equal, 1/n when one has all."""
    total = float(np.sum(rates))
    return total * total / (len(rates) * float(np.sum(rates * rates))) if total else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A time series; ``kind``: queue and buffer in bytes, link in bytes sent, flow in bytes acked, rate in bit/s."""

    kind: str
    label: str
    at_ps: Array
    value: Array


@dataclass(slots=True, eq=False)
class Result:
    """What came out of one run."""

    plan: Plan
    stats: dict[str, int]
    flows: Array
    links: Array
    pauses: Array
    series: tuple[Series, ...]
    switches: dict[str, dict[str, Any]]
    cycle: tuple[int, ...]
    tree: PauseTree

    @classmethod
    def of(
        cls,
        plan: Plan,
        *,
        stats: dict[str, int],
        flow_results: Array,
        link_stats: Array,
        pauses: Array,
        series: tuple[Series, ...],
        switches: dict[str, dict[str, Any]],
        cycle: tuple[int, ...],
    ) -> "Result":
        """Put the simulator's arrays together with what the plan knows."""
        now = stats["now_ps"]
        flows = np.zeros(len(flow_results), FLOW_ROW)
        for name in ("src", "dst", "tag", "bytes", "start_ps"):
            flows[name] = plan.flows.flows[name]
        for name in ("begin_ps", "last_byte_ps", "done_ps", "acked_bytes", "status", "retransmitted_pkts"):
            flows[name] = flow_results[name]
        begun, arrived = flows["begin_ps"] != NEVER_PS, flows["last_byte_ps"] != NEVER_PS
        flows["ideal_ps"] = plan.ideal_ps
        flows["fct_ps"] = np.where(arrived, flows["last_byte_ps"] - flows["begin_ps"], NEVER_PS)
        flows["slowdown"] = np.where(arrived, flows["fct_ps"] / np.maximum(flows["ideal_ps"], 1), np.inf)
        until = np.where(arrived, flows["last_byte_ps"], now)
        spent = np.where(begun, until - np.where(begun, flows["begin_ps"], 0), 0).astype(float)
        moved = np.where(arrived, flows["bytes"], flows["acked_bytes"])
        flows["goodput_bps"] = np.where(spent > 0, moved * 8e12 / np.maximum(spent, 1), 0)

        links = np.zeros(len(link_stats), LINK_ROW)
        links["direction"] = np.arange(len(links))
        a, b = plan.topology.links["a"], plan.topology.links["b"]
        links["from"], links["to"] = np.stack([a, b], 1).reshape(-1), np.stack([b, a], 1).reshape(-1)
        for name in _LINK_COUNTS:
            links[name] = link_stats[name].sum(axis=1) if name == "paused_ps" else link_stats[name]
        links["utilisation"] = links["busy_ps"] / max(now, 1)
        tree = PauseTree.of(plan.topology, pauses, now)
        return cls(plan, stats, flows, links, pauses, series, switches, cycle, tree)

    @property
    def hash(self) -> str:
        """The outcome in 16 hex digits: all integers of flows, links, pauses, time series and switches.

        The simulator's own hash, of what ended in which order, is part of it; how many events that took is not.
        """
        whole = hashlib.blake2b(digest_size=8)
        for name in ("hash", "now_ps", "data_hops", "ack_hops", "marked", "pfc_frames", "drops"):
            whole.update(f"{name} {self.stats[name]}\n".encode())
        for rows in (self.flows, self.links, self.pauses):
            for name in rows.dtype.names or ():
                if rows.dtype[name].kind in "ui":
                    whole.update(np.ascontiguousarray(rows[name], rows.dtype[name].newbyteorder("<")).tobytes())
        for s in self.series:
            whole.update(np.ascontiguousarray(np.stack([s.at_ps, s.value]), "<u8").tobytes())
        whole.update(json.dumps(self.switches, sort_keys=True).encode())
        whole.update(f"cycle {self.cycle}".encode())
        return whole.hexdigest()

    @property
    def done(self) -> Array:
        """Which flows have arrived without failure."""
        done: Array = (self.flows["last_byte_ps"] != NEVER_PS) & (self.flows["status"] == 0)
        return done

    def of_tag(self, name: str) -> Array:
        """Return the rows of one workload's flows."""
        rows: Array = self.flows[self.flows["tag"] == self.plan.flows.tags.index(name)]
        return rows

    def find_series(self, kind: str, label: str) -> Series:
        """Return one time series."""
        return next(s for s in self.series if (s.kind, s.label) == (kind, label))

    def direction(self, name: str) -> Any:
        """Return the row of the direction ``a>b``."""
        return self.links[self.plan.topology.find_direction(name)]

    def fct_table(self) -> list[dict[str, Any]]:
        """Return FCT and slowdown percentiles of each workload, and by size where sizes differ."""
        rows = []
        for tag, name in enumerate(self.plan.flows.tags):
            mine = self.flows[self.flows["tag"] == tag]
            ok = self.done[self.flows["tag"] == tag]
            groups = [("all", np.ones(len(mine), bool))]
            if len(np.unique(mine["bytes"])) > 10:
                groups += [(what, (mine["bytes"] > low) & (mine["bytes"] <= high)) for low, high, what in _SIZES]
                groups.append(("above 1 MB", mine["bytes"] > _SIZES[-1][1]))
            for what, chosen in groups:
                if not np.any(chosen):
                    continue
                row: dict[str, Any] = {"workload": name, "sizes": what, "flows": int(np.count_nonzero(chosen))}
                good = mine[chosen & ok]
                row["done"] = len(good)
                row["failed"] = int(np.count_nonzero(mine[chosen]["status"]))
                for p in _PERCENTILES if len(good) else ():
                    row[f"fct_us_p{p:g}"] = round(float(_percentile(good["fct_ps"], p)) / 1e6, 3)
                    row[f"slowdown_p{p:g}"] = round(float(_percentile(good["slowdown"], p)), 3)
                rates = mine[chosen]["goodput_bps"]
                row["goodput_gbps"] = round(float(rates.mean()) / 1e9, 3)
                row["jain"] = round(jain(rates), 4)
                row["retransmitted_pkts"] = int(mine[chosen]["retransmitted_pkts"].sum())
                rows.append(row)
        return rows

    def pause_table(self) -> list[dict[str, Any]]:
        """Return the directions that were paused, the longest first."""
        paused = self.links[self.links["paused_ps"] > 0]
        now = max(self.stats["now_ps"], 1)
        return [
            {
                "direction": self.plan.topology.direction_name(int(row["direction"])),
                "paused_us": round(int(row["paused_ps"]) / 1e6, 3),
                "share": round(int(row["paused_ps"]) / now, 4),
            }
            for row in paused[np.argsort(-paused["paused_ps"].astype(np.int64), kind="stable")]
        ]

    def drops(self) -> dict[str, int]:
        """Return what switches dropped, by reason, and what links lost."""
        names = ("shared", "headroom", "egress", "watchdog")
        counts = {name: sum(int(s["drops"][i + 1]) for s in self.switches.values()) for i, name in enumerate(names)}
        return {**{k: v for k, v in counts.items() if v}, "links": int(self.links["lost_pkts"].sum())}

    def summary(self) -> dict[str, Any]:
        """Return the results in short, as JSON has them; equal on every machine."""
        s, names = self.stats, self.plan.topology.direction_name
        wire = int(self.links["data_bytes"].sum())
        return {
            "scenario": self.plan.scenario.name,
            "seed": self.plan.scenario.seed,
            "hosts": self.plan.topology.hosts,
            "switches": self.plan.topology.switches,
            "hash": self.hash,
            "now_us": round(s["now_ps"] / 1e6, 3),
            "flows": s["flows"],
            "flows_done": int(np.count_nonzero(self.done)),
            "flows_failed": int(np.count_nonzero(self.flows["status"])),
            "events": s["events"],
            "data_hops": s["data_hops"],
            "ack_hops": s["ack_hops"],
            "wire_bytes": wire,
            "drops": self.drops(),
            "marked": s["marked"],
            "cnps": int(self.links["cnp_pkts"][self.links["from"] < self.plan.topology.hosts].sum()),
            "pfc_frames": s["pfc_frames"],
            "storms": sum(int(x.get("storms", 0)) for x in self.switches.values()),
            "deadlock": [names(d) for d in self.cycle],
            "local_pairs": self.plan.flows.local,
            "fct": self.fct_table(),
            "paused": self.pause_table()[:20],
            **({"pauses_cut_at": len(self.pauses)} if len(self.pauses) >= self.plan.scenario.pauses_max else {}),
            "pause_tree": [
                f"{'  ' * depth}{what}" + (f": {cause.pauses} x, {cause.paused_ps / 1e6:.1f} us" if cause else "")
                for depth, what, cause in self.tree.lines(self.plan.topology)
            ],
            "queues": [
                {
                    "direction": s.label,
                    "mean_bytes": round(float(s.value.mean())) if len(s.value) else 0,
                    "peak_bytes": int(s.value.max(initial=0)),
                }
                for s in self.series
                if s.kind == "queue"
            ],
        }

    def save(self, folder: Path, *, parquet: bool = False) -> list[Path]:
        """Write ``summary.json``, ``effective.json`` and arrays, as ``.npy`` or Parquet; return the files."""
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for name, data in (("summary", self.summary()), ("effective", self.plan.effective())):
            files.append(folder / f"{name}.json")
            files[-1].write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        arrays = {"flows": self.flows, "links": self.links, "pauses": self.pauses, "series": self._series_rows()}
        for name, rows in arrays.items():
            files.append(folder / f"{name}.{'parquet' if parquet else 'npy'}")
            if parquet:
                self._write_parquet(files[-1], name, rows)
            else:
                np.save(files[-1], rows, allow_pickle=False)
        return files

    def _series_rows(self) -> Array:
        kind = np.dtype([("kind", "U8"), ("label", "U64"), ("at_ps", "u8"), ("value", "u8")])
        rows = np.zeros(sum(len(s.at_ps) for s in self.series), kind)
        at = 0
        for s in self.series:
            part = rows[at : at + len(s.at_ps)]
            part["kind"], part["label"], part["at_ps"], part["value"] = s.kind, s.label, s.at_ps, s.value
            at += len(s.at_ps)
        return rows

    def _write_parquet(self, path: Path, name: str, rows: Array) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise DpuError("Parquet needs pyarrow: pip install 'dpu-emu[report]'") from None
        assert rows.dtype.names is not None
        columns = {n: pa.array(np.ascontiguousarray(rows[n])) for n in rows.dtype.names}
        names = np.array(self.plan.topology.names)
        if name == "flows":
            columns["src_name"] = pa.array(names[rows["src"].astype(int)])
            columns["dst_name"] = pa.array(names[rows["dst"].astype(int)])
            columns["workload"] = pa.array(np.array(self.plan.flows.tags)[rows["tag"].astype(int)])
        if name == "links":
            columns["name"] = pa.array([self.plan.topology.direction_name(i) for i in range(len(rows))])
        meta = {b"scenario": self.plan.scenario.name.encode(), b"outcome_hash": self.hash.encode()}
        pq.write_table(pa.table(columns).replace_schema_metadata(meta), path)


def _percentile(values: Array, p: float) -> Any:
    """Return the smallest value that at least ``p`` percent do not exceed."""
    ordered = np.sort(values)
    return ordered[min(max(int(np.ceil(p / 100 * len(ordered))) - 1, 0), len(ordered) - 1)]
