"""One process of a crowd: many RC connections on one node, each checking every byte it gets. See test_crowd.py.

Each connection plays rounds in both directions at once: an RDMA WRITE of a pattern, a SEND that says so, and, when the
peer has verified the pattern, a SEND that says that; only then the next round. So a wrong or lost byte is seen, and a
packet that reached a wrong process shows in the drops of that process.
"""

import json
import os
import selectors
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    AccessFlags,
    Context,
    QPCap,
    QPEndpoint,
    QPInitAttr,
    QpType,
    RecvWR,
    SendFlags,
    SendWR,
    WcStatus,
    WrOpcode,
)

SIZE = 32 << 10
ACCESS = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE
DATA, VERIFIED = 0, 1
PROBE = 1


def pattern(key: str, round_: int) -> bytes:
    """What the sender of a connection writes in a round."""
    return np.random.default_rng([round_, *key.encode()]).bytes(SIZE)


@dataclass
class Connection:
    """One end, its two buffers, and where it stands."""

    key: str
    qp: QP
    source: MR
    landing: MR
    peer: dict[str, Any] = field(default_factory=dict)
    sent: int = 0
    verified_by_us: int = 0
    verified_by_peer: int = 0
    wrong: int = 0
    probes: int = 0
    probed: int = 0
    failed: str = ""

    def start_round(self) -> None:
        """Write the round's pattern and tell."""
        self.source.write(pattern(self.key, self.sent))
        write = SendWR(
            opcode=WrOpcode.RDMA_WRITE,
            sg=(self.source.sge(),),
            send_flags=SendFlags(0),
            remote_addr=self.peer["addr"],
            rkey=self.peer["rkey"],
        )
        self.qp.post_send([write, self.note(DATA, self.sent)])
        self.sent += 1

    def note(self, kind: int, round_: int) -> SendWR:
        return SendWR(opcode=WrOpcode.SEND_WITH_IMM, imm_data=round_ << 1 | kind, send_flags=SendFlags.SIGNALED)

    def probe(self) -> None:
        """Send what needs no memory and no receive request, only an acknowledge."""
        if not self.failed and self.probes == self.probed:
            self.qp.post_send(SendWR(wr_id=PROBE, opcode=WrOpcode.RDMA_WRITE))
            self.probes += 1

    def got(self, imm: int, rounds: int) -> None:
        """Act on a SEND of the peer."""
        round_, kind = imm >> 1, imm & 1
        self.qp.post_recv(RecvWR())
        if kind == DATA:
            self.wrong += self.landing.read() != pattern(self.peer["key"], round_) or round_ != self.verified_by_us
            self.verified_by_us += 1
            self.qp.post_send(self.note(VERIFIED, round_))
        else:
            self.wrong += round_ != self.verified_by_peer
            self.verified_by_peer += 1
            if self.sent < rounds:
                self.start_round()


def say(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def play(context: Context, cq: CQ, connections: dict[int, Connection], rounds: int) -> None:
    """Play until every connection has finished or failed."""

    def busy() -> bool:
        return any(
            not c.failed and (c.verified_by_peer < rounds or c.verified_by_us < rounds) for c in connections.values()
        )

    with selectors.DefaultSelector() as selector:
        selector.register(context.event_fd(), selectors.EVENT_READ)
        while busy():
            done = cq.poll(64)
            if not done:
                cq.req_notify()
                done = cq.poll(64)
            if not done:
                if selector.select(1.0):
                    os.read(context.event_fd(), 8)
                    context.notified()
                else:
                    # Silence: a peer that died with nothing of ours outstanding is found out only by asking.
                    for connection in connections.values():
                        connection.probe()
                continue
            for wc in done:
                connection = connections[wc.qp_num]
                if wc.status is not WcStatus.SUCCESS:
                    connection.failed = connection.failed or wc.status.name
                elif wc.wr_id == PROBE:
                    connection.probed += 1
                elif wc.opcode & 128 and not connection.failed:
                    connection.got(wc.imm_data, rounds)


def main() -> None:
    task = json.loads(sys.stdin.readline())
    with Context.open(task["address"]) as context:
        pd = PD(context)
        cq = CQ(context, 4096)
        connections: dict[int, Connection] = {}
        mine: list[Connection] = []
        for key in task["keys"]:
            qp = QP(pd, QPInitAttr(QpType.RC, cq, cap=QPCap(max_send_wr=8, max_recv_wr=4)))
            mine.append(Connection(key, qp, MR(pd, SIZE, AccessFlags.LOCAL_WRITE), MR(pd, SIZE, ACCESS)))
            connections[qp.qp_num] = mine[-1]
        say(
            ends=[
                {"key": c.key, "endpoint": c.qp.endpoint.to_json(), "addr": c.landing.addr, "rkey": c.landing.rkey}
                for c in mine
            ]
        )
        for connection, peer in zip(mine, json.loads(sys.stdin.readline())["peers"], strict=True):
            connection.peer = peer
            connection.qp.connect(
                QPEndpoint.from_json(peer["endpoint"]), timeout=task["timeout"], retry_cnt=task["retry"]
            )
            connection.qp.post_recv([RecvWR() for _ in range(4)])
        say(ready=True)
        sys.stdin.readline()
        for connection in mine:
            connection.start_round()
        play(context, cq, connections, task["rounds"])
        say(
            connections=[
                {"key": c.key, "verified": c.verified_by_us, "wrong": c.wrong, "failed": c.failed} for c in mine
            ],
            counters=context.counters(),
            drops=context.drops(),
            port=context.port.stats(),
        )
        sys.stdin.readline()  # stays, to acknowledge what peers send again, until all are done


if __name__ == "__main__":
    main()
