"""``dpu-emu demo``."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dpu_emu.demo import Act, ActResult, Incast, PingPong, Routed

CHECKPOINT_BYTES = 64 << 20


def demo(
    file: Annotated[
        Path | None, typer.Option(help="The file to move; a 64 MiB checkpoint-like file is made when none is given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the received files and the capture; default: in the temporary folder."),
    ] = None,
    loss: Annotated[float, typer.Option(help="Share of packets lost in the other transfers, 0 to 0.2.")] = 0.01,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Move a file between two software DPUs over RoCEv2: clean, with loss, and with loss and selective repeat.

    Then an unmodified verbs program runs between them, if rdma-core's are installed; and in virtual time a fabric
    shows what an incast does to a bystander, with PFC alone and with DCQCN. At last a P4 program is compiled and run.
    """
    from datapath.errors import CallerError
    from dpu_emu.demo import Act, Control, make_checkpoint, run_incast, run_ping_pong, run_router, sha256

    if not 0 <= loss <= 0.2:
        raise CallerError(f"demo: loss {loss} is not within 0 and 0.2")
    folder = _folder(out)
    if file is None:
        file = folder / "checkpoint.bin"
        make_checkpoint(file, CHECKPOINT_BYTES)
    elif not file.is_file() or not file.stat().st_size:
        raise CallerError(f"demo: {file} is not a file with something in it")
    capture = folder / "loss.pcapng"
    acts = [
        Act("clean", file, folder / "received-clean.bin"),
        Act(f"{loss * 100:g}% loss", file, folder / "received-loss.bin", loss=loss, capture=capture),
        Act("selective", file, folder / "received-selective.bin", loss=loss, selective_repeat=True),
    ]
    show = _quiet if json else _with_progress
    results = [show(act) for act in acts]
    wanted = sha256(file)
    same = [sha256(act.target_path) == wanted for act in acts]
    rows = [_row(result, ok) for result, ok in zip(results, same, strict=True)]
    ping_pong = run_ping_pong()
    incasts = [run_incast(control) for control in Control]
    routed = run_router()
    if json:
        from control_plane.cli.output import print_json

        verbs = asdict(ping_pong) if ping_pong else None
        fabric = [asdict(one) for one in incasts]
        print_json(
            {
                "file": str(file),
                "sha256": wanted,
                "capture": str(capture),
                "acts": rows,
                "verbs": verbs,
                "fabric": fabric,
                "datapath": asdict(routed),
            }
        )
    else:
        _print(file, wanted, capture, rows)
        _print_verbs(ping_pong)
        _print_fabric(incasts)
        _print_datapath(routed)
    if not all(same):
        raise typer.Exit(1)


def _print_verbs(ping_pong: "PingPong | None") -> None:
    from rich.console import Console

    from dpu_emu.demo import PROGRAM

    console = Console()
    if ping_pong is None:
        text = f"{PROGRAM} is not installed (Debian: ibverbs-utils); it would run by: dpu-emu run -- {PROGRAM}"
    else:
        took = f"{ping_pong.messages} messages, {ping_pong.round_trip_ns / 1000:.1f} us there and back"
        text = f"{ping_pong.command}, unmodified: {took}"
    console.print(f"verbs    {text}", soft_wrap=True, highlight=False)


def _print_fabric(incasts: "list[Incast]") -> None:
    from rich.console import Console

    console = Console()
    console.print(
        "fabric   16 hosts send to one at 100 Gb/s, a bystander beside them to another (virtual time):", soft_wrap=True
    )
    for one in incasts:
        console.print(
            f"         {one.control:6} incast {one.incast_bps / 1e9:5.1f} Gb/s, "
            f"bystander {one.bystander_bps / 1e9:5.1f} Gb/s, "
            f"{one.pfc_frames} PFC frames, {one.marked} marked, {one.drops} lost; "
            f"{one.hops / max(1, one.cpu_ns) * 1000:.1f} M hops a CPU second",
            soft_wrap=True,
            highlight=False,
        )


def _folder(out: Path | None) -> Path:
    """Return the folder to write to: the one asked for, or this user's own in the temporary folder, used again."""
    import os
    import tempfile

    from datapath.errors import CallerError

    folder = Path(tempfile.gettempdir()) / f"dpu-emu-demo-{os.getuid()}" if out is None else out
    try:
        folder.mkdir(mode=0o700 if out is None else 0o777, parents=True, exist_ok=True)
        if out is None and (folder.is_symlink() or folder.stat().st_uid != os.getuid()):
            raise CallerError(f"demo: {folder} belongs to someone else; name a folder with --out")
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise CallerError(f"demo: cannot write to {folder}: {error.strerror}", error.errno) from None
    return folder


def _quiet(act: "Act") -> "ActResult":
    from dpu_emu.demo import run_act

    return run_act(act)


def _with_progress(act: "Act") -> "ActResult":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from dpu_emu.demo import run_act

    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        total = act.source_path.stat().st_size
        task = bar.add_task(act.name, total=total)
        update: Callable[[int], None] = lambda done: bar.update(task, completed=done)  # noqa: E731
        result = run_act(act, update)
        bar.update(task, completed=total)
    return result


def _row(result: "ActResult", ok: bool) -> dict[str, Any]:
    return {
        "transfer": result.name,
        "bytes": result.bytes,
        "elapsed_ns": result.elapsed_ns,
        "throughput_bps": result.throughput_bps,
        "sent_pkts": result.source["sent_pkts"],
        "retransmitted_pkts": result.source["retransmitted_pkts"],
        "timeouts": result.source["timeouts"],
        "drops": result.drops,
        "sha256_equal": ok,
    }


def _print(file: Path, wanted: str, capture: Path, rows: list[dict[str, Any]]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("transfer", "Gb/s", "ms", "packets", "sent again", "timeouts", "SHA-256", box=SIMPLE)
    for row in rows:
        table.add_row(
            row["transfer"],
            f"{row['throughput_bps'] / 1e9:.2f}",
            f"{row['elapsed_ns'] / 1e6:.0f}",
            str(row["sent_pkts"]),
            str(row["retransmitted_pkts"]),
            str(row["timeouts"]),
            "equal" if row["sha256_equal"] else "DIFFERENT",
        )
    console.print(table)
    for row in rows:
        drops = ", ".join(f"{reason} {count}" for reason, count in row["drops"].items()) or "nothing"
        console.print(f"dropped  {row['transfer']}: {drops}", soft_wrap=True, highlight=False)
    console.print(f"file     {file} ({rows[0]['bytes']} bytes)", soft_wrap=True, highlight=False)
    console.print(f"SHA-256  {wanted}", soft_wrap=True, highlight=False)
    console.print(f"capture  {capture} (the lossy transfer at the target)", soft_wrap=True, highlight=False)
    console.print(f"open it  wireshark {capture}", soft_wrap=True, highlight=False)
    console.print(f"    or   tshark -r {capture} -Y infiniband | head", soft_wrap=True, highlight=False)


def _print_datapath(routed: "Routed") -> None:
    typer.echo(
        f"datapath {routed.program}, compiled in {routed.compile_ns / 1e6:.0f} ms, {routed.instructions} instructions: "
        f"{routed.forwarded} of {routed.packets} packets routed over {routed.routes} routes, "
        f"{routed.cpu_ns / routed.packets:.0f} ns of CPU a packet"
    )
    typer.echo(f"         in  {routed.before}")
    typer.echo(f"         out {routed.after}")
