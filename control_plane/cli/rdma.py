"""``dpu-emu rdma``: what the RDMA devices of this machine are doing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rdma_verbs.agent.status import NodeStatus

app = typer.Typer(help="RDMA devices and their counters.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class Device:
    """One process's device on a node, as the commands print it."""

    node: str
    netns: int
    slot: int
    pid: int
    first_qpn: int
    counters: dict[str, int]


def named(names: "tuple[str, ...]", values: "tuple[int, ...]") -> dict[str, int]:
    """Return counters by name; what is counted as "not dropped" is nothing to show."""
    return {name: value for name, value in zip(names, values, strict=False) if name != "drop_none"}


def devices_of(nodes: "list[NodeStatus]") -> list[Device]:
    """Return the devices of all processes on these nodes; slot 0 is the agent's and no device."""
    from rdma_verbs.counters import counter_names

    names = counter_names()
    return [
        Device(
            node.ip,
            node.netns,
            slot.slot,
            slot.pid,
            slot.slot << 16,
            named(names, slot.counters),
        )
        for node in nodes
        for slot in node.slots
        if slot.slot
    ]


@app.command()
def devices(json: _Json = False) -> None:
    """List this user's devices: one for each process on a node's address."""
    from control_plane.cli.output import print_json, print_rows
    from rdma_verbs.agent.status import list_nodes

    rows = [
        {
            "node": d.node,
            "slot": d.slot,
            "pid": d.pid,
            "qpn": f"{d.first_qpn:#x}-{d.first_qpn | 0xFFFF:#x}",
            "netns": d.netns,
        }
        for d in devices_of(list_nodes())
    ]
    if json:
        print_json(rows)
    else:
        print_rows(rows, empty="no devices: no process of this user has opened one")


@app.command()
def stat(
    node: Annotated[str | None, typer.Argument(help="Only this node's address.")] = None,
    zeros: Annotated[bool, typer.Option("--zeros", help="Print counters that are zero too.")] = False,
    json: _Json = False,
) -> None:
    """Print the counters of every device, and of each node's processes that have left."""
    from control_plane.cli.output import print_json, print_rows
    from datapath.errors import CallerError
    from rdma_verbs.agent.status import list_nodes
    from rdma_verbs.counters import counter_names

    nodes = list_nodes()
    if node is not None and node not in {n.ip for n in nodes}:
        raise CallerError(f"rdma stat: no node {node}; there are {', '.join(n.ip for n in nodes) or 'none'}")
    nodes = [n for n in nodes if node in (None, n.ip)]
    found = [(d.node, str(d.pid), d.counters) for d in devices_of(nodes)]
    found += [(n.ip, "left", named(counter_names(), n.totals)) for n in nodes]
    if json:
        print_json([{"node": ip, "pid": pid, "counters": counters} for ip, pid, counters in found])
        return
    rows = [
        {"node": ip, "pid": pid, "counter": name, "value": value}
        for ip, pid, counters in found
        for name, value in counters.items()
        if value or zeros
    ]
    print_rows(rows, empty="no counters: no node of this user is up, or none has seen a packet")
