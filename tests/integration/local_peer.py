"""Starts and talks to local_member.py."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rdma_verbs import CQ, MR, PD, QP, AccessFlags, Context, QPCap, QPEndpoint, QPInitAttr, QpType, RecvWR

ROOT = Path(__file__).resolve().parents[2]


class Peer:
    """A process that works on our memory."""

    def __init__(self, address: str, transport: str = "local") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.local_member", address, transport],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def say(self, **facts: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(facts) + "\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        heard: dict[str, Any] = json.loads(self.process.stdout.readline())
        return heard

    def begin(self, context: Context, pd: PD, mr: MR, offset: int = 0, **task: Any) -> QP:
        """Give it a task on this region, from an offset on; the queue pair that is connected to its."""
        self.say(**task)
        cq = CQ(context, 256)
        qp = QP(pd, QPInitAttr(QpType.RC, cq, cap=QPCap(max_send_wr=8, max_recv_wr=64)))
        endpoint = QPEndpoint.from_json(self.hear()["endpoint"])
        qp.connect(endpoint, timeout=14, retry_cnt=7)
        qp.post_recv([RecvWR() for _ in range(64)])
        self.counter = MR(pd, 8, AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_ATOMIC)
        self.seen = MR(pd, 8, AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_READ)
        self.say(
            endpoint=qp.endpoint.to_json(),
            addr=mr.addr + offset,
            rkey=mr.rkey,
            counter_addr=self.counter.addr,
            counter_rkey=self.counter.rkey,
            seen_addr=self.seen.addr,
            seen_rkey=self.seen.rkey,
        )
        assert self.hear() == {"ready": True}
        return qp

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
