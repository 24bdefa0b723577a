"""A process that works on a peer's memory until it is told or killed: test_local_processes.py, test_last_byte.py.

Reads a JSON task a line, answers with its queue pair's endpoint, reads the peer's and a region's place, and then does
what the task says: ``write`` (patterns of one byte, until refused), ``count`` (of one byte that goes up by one)
or ``mixed`` (RDMA WRITEs, READs and SENDs of several sizes, until killed).
"""

import json
import sys
import time
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
    SendWR,
    WcStatus,
    WrOpcode,
)

ALL = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE | AccessFlags.REMOTE_READ


def say(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def wait(cq: CQ, n: int = 1) -> WcStatus:
    """Poll ``n`` completions; the first failure, or success."""
    while n:
        for wc in cq.poll(n):
            if wc.status is not WcStatus.SUCCESS:
                return wc.status
            n -= 1
    return WcStatus.SUCCESS


class Worker:
    """A queue pair and a buffer for one task."""

    def __init__(self, context: Context, task: dict[str, Any]) -> None:
        self.task = task
        self.pd = PD(context)
        self.cq = CQ(context, 256)
        self.qp = QP(self.pd, QPInitAttr(QpType.RC, self.cq, cap=QPCap(max_send_wr=64, max_recv_wr=4)))
        self.source = MR(self.pd, task["size"], ALL)
        self.old = MR(self.pd, 8, ALL)
        self.bytes = np.frombuffer(self.source.buf, dtype=np.uint8)
        say(endpoint=self.qp.endpoint.to_json())
        self.peer = json.loads(sys.stdin.readline())
        self.qp.connect(QPEndpoint.from_json(self.peer["endpoint"]), timeout=14, retry_cnt=7)
        say(ready=True)

    def post(self, opcode: WrOpcode = WrOpcode.RDMA_WRITE) -> None:
        self.qp.post_send(
            SendWR(
                opcode=opcode,
                sg=(self.source.sge(),),
                remote_addr=self.peer["addr"],
                rkey=self.peer["rkey"],
            )
        )

    def round(self) -> WcStatus:
        """One WRITE; ``behind``: an atomic that is not answered yet, so it goes as a packet."""
        behind = self.task["behind"]
        if behind:
            self.qp.post_send(
                SendWR(
                    opcode=WrOpcode.ATOMIC_FETCH_AND_ADD,
                    sg=(self.old.sge(),),
                    remote_addr=self.peer["counter_addr"],
                    rkey=self.peer["counter_rkey"],
                    compare_add=1,
                )
            )
        self.post()
        return wait(self.cq, 1 + behind)

    def until_refused(self) -> None:
        rounds, status = 0, WcStatus.SUCCESS
        while status is WcStatus.SUCCESS:
            self.bytes[:] = 1 + rounds % 100
            status = self.round()
            rounds += 1
        say(rounds=rounds, status=status.name)

    def look(self) -> WcStatus:
        self.qp.post_send(
            SendWR(
                opcode=WrOpcode.RDMA_READ,
                sg=(self.old.sge(),),
                remote_addr=self.peer["seen_addr"],
                rkey=self.peer["seen_rkey"],
            )
        )
        return wait(self.cq)

    def seen(self) -> int:
        return int.from_bytes(self.old.read(), sys.byteorder)

    def count(self) -> None:
        """The next one when the peer has looked at all of the last."""
        until, value, status = time.monotonic() + self.task["seconds"], 0, WcStatus.SUCCESS
        while time.monotonic() < until and status is WcStatus.SUCCESS:
            value += 1
            self.bytes[:] = value & 0xFF
            status = self.round()
            while status is WcStatus.SUCCESS and time.monotonic() < until and self.seen() != value:
                status = self.look()
        say(rounds=value, status=status.name)

    def mixed(self) -> None:
        while True:
            self.post()
            self.post(WrOpcode.RDMA_READ)
            self.qp.post_send(SendWR(opcode=WrOpcode.SEND, sg=(self.source.sge(0, min(4096, self.task["size"])),)))
            self.post()
            if wait(self.cq, 4) is not WcStatus.SUCCESS:
                time.sleep(60)


def main() -> None:
    address, transport = sys.argv[1:]
    with Context.open(address, transport="local" if transport == "local" else "udp") as context:
        for line in sys.stdin:
            task = json.loads(line)
            worker = Worker(context, task)
            {"write": worker.until_refused, "count": worker.count, "mixed": worker.mixed}[task["do"]]()
            worker.qp.close()


if __name__ == "__main__":
    main()
