"""What tests of node agents ask for again and again."""

import time
from collections.abc import Callable

from rdma_verbs.agent import NodeStatus, list_nodes


def eventually(condition: Callable[[], bool], what: str, seconds: float = 15) -> None:
    """Wait for what other processes do."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def node_of(ip: str) -> NodeStatus | None:
    """Return the agent's word on the node with this address; None: there is none."""
    return next((node for node in list_nodes() if node.ip == ip), None)
