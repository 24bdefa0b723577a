"""FLUSH persistent on a live device: of a file's shared mapping, and of nothing else."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from datapath.port import Port
from rdma_verbs import (
    CQ,
    MR,
    PD,
    QP,
    AccessFlags,
    Context,
    DpuError,
    PlacementType,
    QPInitAttr,
    QpType,
    ReregMrFlags,
    SendWR,
    WcStatus,
    WrOpcode,
)

WRITE = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE
FLUSH = AccessFlags.FLUSH_GLOBAL | AccessFlags.FLUSH_PERSISTENT


def test_flush_makes_a_mapped_file_persistent_and_plain_memory_is_refused() -> None:
    async def main(path: Path) -> None:
        path.write_bytes(bytes(8192))
        port_a, port_b = Port.mem_pair()
        with Context.over(port_a, "10.0.0.1") as a, Context.over(port_b, "10.0.0.2") as b:
            pd_b = PD(b)
            with pytest.raises(DpuError, match=r"FLUSH_PERSISTENT, but 64 bytes at .* no shared mapping of a file"):
                MR(pd_b, 64, WRITE | FLUSH)
            plain = MR(pd_b, 64, WRITE | AccessFlags.FLUSH_GLOBAL)
            with pytest.raises(DpuError, match="no shared mapping of a file"):
                plain.rereg(ReregMrFlags.CHANGE_ACCESS, access=WRITE | FLUSH)
            mr = MR(pd_b, path, WRITE | FLUSH)
            qp_a, qp_b = QP(PD(a), QPInitAttr(QpType.RC, CQ(a))), QP(pd_b, QPInitAttr(QpType.RC, CQ(b)))
            qp_a.connect(qp_b.endpoint)
            qp_b.connect(qp_a.endpoint)
            there = mr.addr + 4090
            qp_a.post_send(
                [
                    SendWR(1, WrOpcode.RDMA_WRITE, data=b"persistent", remote_addr=there, rkey=mr.rkey),
                    SendWR(
                        2,
                        WrOpcode.FLUSH,
                        remote_addr=there,
                        rkey=mr.rkey,
                        flush_type=PlacementType.PERSISTENT,
                        flush_length=10,
                    ),
                ]
            )
            done = await qp_a.send_cq.wait()
            while len(done) < 2:
                done += await qp_a.send_cq.wait()
            assert [(wc.wr_id, wc.status) for wc in done] == [(1, WcStatus.SUCCESS), (2, WcStatus.SUCCESS)]
            assert path.read_bytes()[4090:4100] == b"persistent"

    # Not /tmp, which may be memory.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        asyncio.run(main(Path(folder) / "file"))
