"""The node agent: owner of the sockets on UDP 4791 that the processes of one address share.

``daemon.py`` is the process, started by the first process of a node (``python -m rdma_verbs.agent``);
``rdma_verbs.node`` is what the others call. The agent is off the data path: it hands a socket and the node's shared
memory to each process, sees processes die, and cleans up after them.
"""

from rdma_verbs.agent.status import NodeStatus, SlotStatus, list_nodes

__all__ = ["NodeStatus", "SlotStatus", "list_nodes"]
