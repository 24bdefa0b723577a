"""One node of the demo, a process of its own: a software DPU on a loopback address, driven by JSON lines.

Standard input brings the task, then the peer's endpoint, then "go" or the end; standard output tells the own endpoint,
progress and the result. ``dpu_emu.demo.transfer`` is the other side. When standard input ends, so does the process,
whatever it is doing.
"""

import json
import os
import queue
import sys
import threading
import time
from typing import Any

from datapath.errors import DpuError
from datapath.port import Capture, Direction, Faults, Wrapper
from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    SGE,
    WC,
    AccessFlags,
    Context,
    DeviceConfig,
    QPCap,
    QPEndpoint,
    QPInitAttr,
    QpType,
    Recovery,
    RecvWR,
    SendFlags,
    SendWR,
    WcStatus,
    WrOpcode,
)
from rdma_verbs.driver import run

CHUNK_BYTES = 1 << 20
DEPTH = 16
_PROGRESS_NS = 50_000_000


def _say(event: str, **facts: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


class _Orders:
    """What standard input brings, read by a thread of its own."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> dict[str, Any]:
        """Return the next one, waiting for it."""
        order: dict[str, Any] = json.loads(self._lines.get())
        return order

    def _read(self) -> None:
        for line in sys.stdin:
            self._lines.put(line)
        # Whoever started us is gone, by whatever signal; a target would wait for its source for ever.
        os._exit(0)


def _check(completions: list[WC]) -> int:
    for wc in completions:
        if wc.status is not WcStatus.SUCCESS:
            raise SystemExit(f"work request {wc.wr_id}: {wc.status.name}")
    return len(completions)


async def _write(qp: QP, cq: CQ, mr: MR, remote_addr: int, rkey: int) -> int:
    """RDMA-write the whole region; the last write carries an immediate. Returns nanoseconds from post to completion."""
    offsets = range(0, mr.length, CHUNK_BYTES)
    requests = [
        SendWR(
            wr_id=number,
            opcode=WrOpcode.RDMA_WRITE if number < len(offsets) - 1 else WrOpcode.RDMA_WRITE_WITH_IMM,
            sg=(SGE(mr.addr + offset, min(CHUNK_BYTES, mr.length - offset), mr.lkey),),
            send_flags=SendFlags.SIGNALED,
            remote_addr=remote_addr + offset,
            rkey=rkey,
        )
        for number, offset in enumerate(offsets)
    ]
    start_ns = told_ns = time.monotonic_ns()
    posted = done = 0
    while done < len(requests):
        if room := min(DEPTH - (posted - done), len(requests) - posted):
            qp.post_send(requests[posted : posted + room])
            posted += room
        done += _check(await cq.wait(DEPTH))
        if time.monotonic_ns() - told_ns > _PROGRESS_NS:
            told_ns = time.monotonic_ns()
            _say("progress", done_bytes=min(done * CHUNK_BYTES, mr.length))
    return time.monotonic_ns() - start_ns


async def _node(orders: _Orders) -> None:
    task = orders.next()
    source = task["role"] == "source"
    wrappers: list[Wrapper] = []
    if task["capture"]:
        wrappers.append(Capture(task["capture"], unix_ns=time.time_ns(), name=f"dpu {task['address']}"))
    if task["loss"]:
        wrappers.append(Faults(loss=task["loss"], seed=task["seed"], direction=Direction.TX))
    access = AccessFlags(0) if source else AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE
    recovery = Recovery.SELECTIVE_REPEAT if task["selective_repeat"] else Recovery.GO_BACK_N
    config = DeviceConfig(recovery=recovery)
    with Context.open(task["address"], config=config, wrappers=wrappers) as context:
        pd = PD(context)
        cq = CQ(context, 64)
        mr = MR(pd, task["path"], access)
        qp = QP(pd, QPInitAttr(QpType.RC, cq, cap=QPCap(max_send_wr=DEPTH, max_recv_wr=1)))
        _say("endpoint", endpoint=qp.endpoint.to_json(), addr=mr.addr, rkey=mr.rkey)
        peer = orders.next()
        qp.connect(QPEndpoint.from_json(peer["endpoint"]))
        if not source:
            qp.post_recv(RecvWR())
        _say("ready")
        orders.next()
        elapsed_ns = 0
        if source:
            elapsed_ns = await _write(qp, cq, mr, peer["addr"], peer["rkey"])
        else:
            _check(await cq.wait())
        _say("done", elapsed_ns=elapsed_ns)
        # Until both are done: a lost last acknowledge is asked for again.
        orders.next()
        _say("counters", counters=context.counters(), port=context.port.stats(), drops=context.drops())


def main() -> None:
    """Run the node; an error is one line on standard error."""
    try:
        run(_node(_Orders()))
    except (DpuError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
