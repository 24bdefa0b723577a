"""What an idle path costs: hops, delay and serialisation of shortest paths, and the ideal time of a message.

Store and forward: the whole message at the slowest link, one packet at each other, and all delays.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dpu_emu.fabric.topology import Topology

__all__ = ["ETHERNET_BYTES", "PACKET_BYTES", "RETH_BYTES", "Paths"]

Array = npt.NDArray[Any]

PACKET_BYTES = 20 + 8 + 12 + 4  # IPv4, UDP, BTH, ICRC
RETH_BYTES = 16  # on a message's first packet
ETHERNET_BYTES = 38  # header, FCS, preamble, gap


@dataclass(slots=True, eq=False)
class Paths:
    """Of each pair of hosts: links, switches, delay, ps a byte of the slowest link and of all links together."""

    hops: Array
    delay_ps: Array
    slowest_ps: Array
    all_ps: Array

    @classmethod
    def of(cls, topology: Topology, src: Array, dst: Array) -> "Paths":
        """Return the shortest paths (by hops, then delay) of pairs of hosts."""
        links = topology.links
        per_byte = 8e12 / np.maximum(links["rate_bps"].astype(float), 1)
        delay = links["delay_ps"].astype(np.int64)
        u = np.concatenate([links["a"], links["b"]]).astype(np.int64)
        v = np.concatenate([links["b"], links["a"]]).astype(np.int64)
        cost, far = np.concatenate([per_byte, per_byte]), np.concatenate([delay, delay])
        up = np.zeros(topology.hosts, np.int64)  # of each host, its edge out
        from_host = np.flatnonzero(u < topology.hosts)
        up[u[from_host]] = from_host
        inner = np.flatnonzero((u >= topology.hosts) & (v >= topology.hosts))
        iu, iv, icost, ifar = u[inner], v[inner], cost[inner], far[inner]

        src, dst = np.asarray(src, np.int64), np.asarray(dst, np.int64)
        first, last = v[up[src]], v[up[dst]]
        found = cls(
            np.full(len(src), 2),
            far[up[src]] + far[up[dst]],
            np.maximum(cost[up[src]], cost[up[dst]]),
            cost[up[src]] + cost[up[dst]],
        )
        direct = first == dst
        found.hops[direct] = 1
        found.delay_ps[direct], found.all_ps[direct] = far[up[src]][direct], cost[up[src]][direct]
        n = len(topology.names)
        order = np.argsort(first, kind="stable")
        starts = np.flatnonzero(np.diff(first[order], prepend=-1))
        for begin, end in zip(starts, [*starts[1:], len(order)], strict=True):
            some = order[begin:end]
            some = some[~direct[some]]
            if not len(some):
                continue
            level, d = np.full(n, -1), np.zeros(n, np.int64)
            slow, total = np.zeros(n), np.zeros(n)
            level[first[some[0]]], depth = 0, 0
            while True:
                at = np.flatnonzero((level[iu] == depth) & (level[iv] < 0))
                if not len(at):
                    break
                at = at[np.lexsort((icost[at], d[iu[at]] + ifar[at], iv[at]))]
                at = at[np.flatnonzero(np.diff(iv[at], prepend=-1))]
                depth += 1
                level[iv[at]], d[iv[at]] = depth, d[iu[at]] + ifar[at]
                slow[iv[at]], total[iv[at]] = np.maximum(slow[iu[at]], icost[at]), total[iu[at]] + icost[at]
            to = last[some]
            found.hops[some] += level[to]
            found.delay_ps[some] += d[to]
            found.slowest_ps[some] = np.maximum(found.slowest_ps[some], slow[to])
            found.all_ps[some] += total[to]
        return found

    def ideal_ps(self, size: Array, mtu: Array, overhead: int, switch_ps: int, ends_ps: Array) -> Array:
        """Return the time from posting to the last byte's arrival on an idle path."""
        packet = np.minimum(size, mtu) + PACKET_BYTES + overhead
        other = (self.all_ps - self.slowest_ps) * packet
        sizes = size + np.maximum(-(-size // mtu), 1) * (PACKET_BYTES + overhead) + RETH_BYTES
        fixed = self.delay_ps + (self.hops - 1) * switch_ps + ends_ps
        ideal: Array = np.rint(sizes * self.slowest_ps + other).astype(np.int64) + fixed
        return ideal
