"""What the nodes of this user are doing: read from their shared memory, without taking part."""

import os
import socket
from dataclasses import dataclass

from datapath.errors import DpuError
from rdma_verbs.agent.protocol import MAX_BYTES, Op, Request, decode_reply, encode_request
from rdma_verbs.agent.rundir import Address, NodeDir, base_dir, netns_id
from rdma_verbs.agent.shm import NodeMemory, SlotState

SOCKET_NAME = "agent.sock"


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """One slot that a process holds (or slot 0, the agent's)."""

    slot: int
    pid: int
    generation: int
    attached_ns: int  # realtime
    rcvbuf_bytes: int
    limit_bytes: int
    outstanding_bytes: int  # promised to senders or filled, of limit_bytes
    drained: int  # datagrams that the agent threw away while nobody held the slot
    heals: int  # leaks of killed senders found
    healed_bytes: int
    counters: tuple[int, ...]  # of the engine, in the order of roce_counter_name()
    port_stats: tuple[int, ...]  # struct dp_port_stats
    qps: tuple[tuple[int, ...], ...] = ()  # of its queue pairs: QPN, counters in the order of roce_qp_counter_name()


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One node: an address in a network namespace."""

    ip: str
    netns: int
    here: bool  # in the caller's network namespace
    agent_pid: int
    agent_generation: int  # 1: the first
    nslots: int
    slots: tuple[SlotStatus, ...]  # the agent's and the used ones
    senders: int  # processes that hold credit here
    drained: int  # datagrams for slots without an owner, all slots
    overflow: int  # datagrams that the kernel dropped for want of room, all slots, when the agent last looked
    totals: tuple[int, ...]  # counters of processes that have left


def _slot(memory: NodeMemory, slot: int) -> SlotStatus:
    with memory.slot_words(slot, "counters") as counters, memory.slot_words(slot, "port_stats") as stats:
        return SlotStatus(
            slot=slot,
            pid=memory.slot(slot, "pid"),
            generation=memory.slot(slot, "generation"),
            attached_ns=memory.slot(slot, "attached_ns"),
            rcvbuf_bytes=memory.slot(slot, "rcvbuf"),
            limit_bytes=memory.slot(slot, "limit"),
            outstanding_bytes=memory.outstanding(slot),
            drained=memory.slot(slot, "agent_drained"),
            heals=memory.slot(slot, "heals"),
            healed_bytes=memory.slot(slot, "healed_bytes"),
            counters=tuple(counters),
            port_stats=tuple(stats),
            qps=tuple(memory.qps(slot)),
        )


def node_status(memory: NodeMemory, ip: str, netns: int) -> NodeStatus:
    """Return what the shared memory of a node says."""
    shown = [i for i in range(memory.nslots) if memory.slot(i, "state") != SlotState.FREE]
    with memory.totals() as totals:
        return NodeStatus(
            ip=ip,
            netns=netns,
            here=netns == netns_id(),
            agent_pid=memory.hdr("agent_pid"),
            agent_generation=memory.hdr("agent_generation"),
            nslots=memory.nslots,
            slots=tuple(_slot(memory, i) for i in shown),
            senders=sum(1 for i in range(256) if memory.sender(i, "pid")),
            drained=sum(memory.slot(i, "agent_drained") for i in range(memory.nslots)),
            overflow=sum(memory.slot(i, "overflow") for i in range(memory.nslots)),
            totals=tuple(totals),
        )


def _view(name: str) -> NodeMemory | None:
    """The memory of the node with this folder; None: it has no agent that answers."""
    fds: list[int] = []
    try:
        with (
            NodeDir(Address(""), create=False, name=name) as folder,
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC) as sock,
        ):
            sock.settimeout(2)
            sock.connect(folder.file(SOCKET_NAME))
            sock.send(encode_request(Request(Op.VIEW)))
            data, fds, _, _ = socket.recv_fds(sock, MAX_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
        if not data or decode_reply(data).errno or not fds:
            return None
        return NodeMemory(fds[0])
    except (OSError, DpuError):
        return None
    finally:
        for fd in fds:
            os.close(fd)


def list_nodes() -> list[NodeStatus]:
    """Return the nodes of this user that have an agent, in all network namespaces, by address."""
    nodes: list[NodeStatus] = []
    base = base_dir()
    for folder in sorted(base.iterdir()) if base.is_dir() else []:
        netns, _, ip = folder.name.partition("-")
        if not netns.isdigit():
            continue
        memory = _view(folder.name)
        if memory:
            nodes.append(node_status(memory, ip, int(netns)))
            memory.close()
    return sorted(nodes, key=lambda node: (node.netns, node.ip))
