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


def devices_of(nodes: "list[NodeStatus]") -> list[Device]:
    """Return the devices of all processes on these nodes; slot 0 is the agent's and no device."""
    return [
        Device(node.ip, node.netns, slot.slot, slot.pid, slot.slot << 16)
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
    qp: Annotated[str | None, typer.Option("--qp", help="Of the queue pair of this number, or of all.")] = None,
    prio: Annotated[int | None, typer.Option("--prio", help="Only those of a priority.", min=0, max=7)] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Again and again, with the growth per second.")] = False,
    interval: Annotated[float, typer.Option("--interval", help="Seconds of --watch.", min=0.1, max=60)] = 1,
    zeros: Annotated[bool, typer.Option("--zeros", help="Print counters that are zero too.")] = False,
    json: _Json = False,
) -> None:
    """Print the counters of every device, and of each node's processes that have left."""
    from control_plane.cli import counters
    from control_plane.cli.output import print_json, print_rows
    from datapath.errors import CallerError
    from rdma_verbs.agent.status import list_nodes

    want = counters.Selection(node, qp, prio)
    if watch and json:
        raise CallerError("rdma stat: --watch with --json; --json is one document")
    nodes = list_nodes()
    counters.check(nodes, want)
    if watch:
        counters.watch(list_nodes, want, interval_ns=round(interval * 1_000_000_000), zeros=zeros)
        return
    found = counters.samples(nodes, want)
    if json:
        print_json([one.head | {"counters": one.counters} for one in found])
    else:
        print_rows(counters.rows_of(found, zeros=zeros), empty=counters.EMPTY)
