"""Counters of processes that have left a node, kept while the node has no agent: a card's would not go back to zero.

The agent writes them when it leaves and the next takes them up; in between who wants to know reads the file (the
redirecting library does). Its name changes with the names of the counters, so that another version finds none.
"""

import contextlib
import os
import zlib
from array import array

from rdma_verbs.agent.rundir import NodeDir
from rdma_verbs.agent.shm import COUNTERS, NodeMemory
from rdma_verbs.counters import counter_names

__all__ = ["LEFT_NAME", "load", "save"]

LEFT_NAME = f"left-{zlib.crc32(' '.join(counter_names()).encode()):08x}"


def save(memory: NodeMemory, folder: NodeDir) -> None:
    """Write the totals, if there are any; a full disk loses them."""
    with memory.totals() as totals:
        values = array("Q", totals)
    if not any(values):
        return
    new = f"{LEFT_NAME}.new"
    with contextlib.suppress(OSError):
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600, dir_fd=folder.fd)
        with os.fdopen(fd, "wb") as file:
            file.write(values.tobytes())
        os.rename(new, LEFT_NAME, src_dir_fd=folder.fd, dst_dir_fd=folder.fd)


def load(memory: NodeMemory, folder: NodeDir) -> None:
    """Begin with the totals of the agent before. The file stays, for who looks before this agent listens."""
    values = array("Q")
    with contextlib.suppress(OSError, ValueError):
        fd = os.open(LEFT_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder.fd)
        with os.fdopen(fd, "rb") as file:
            values.frombytes(file.read(COUNTERS * values.itemsize + 1))
    if len(values) == COUNTERS:
        with memory.totals() as totals:
            totals[:] = memoryview(values)
