"""The command ``dpu-emu``: one file a noun, each importing what it needs when it runs.

Exit codes: 0 done, 1 it failed, 2 the request was wrong (as for a bad option). An error is one line on stderr;
``--debug`` shows the traceback.
"""

import os
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from control_plane.cli import p4, rdma, sim
from control_plane.cli.demo import demo
from control_plane.cli.run import SETTINGS, run
from control_plane.cli.version import version
from datapath.errors import CallerError, DpuError


@dataclass(slots=True)
class Options:
    """What was said before the verb."""

    debug: bool = False


app = typer.Typer(
    name="dpu-emu",
    help="A software DPU: RoCEv2 RDMA, switches and storage without the hardware.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(version)
app.command()(demo)
app.command(context_settings=SETTINGS)(run)
app.add_typer(p4.app, name="p4")
app.add_typer(rdma.app, name="rdma")
app.add_typer(sim.app, name="sim")


@app.callback()
def options(
    ctx: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """A software DPU: RoCEv2 RDMA, switches and storage without the hardware."""
    if isinstance(ctx.obj, Options):
        ctx.obj.debug = debug


def exit_code(error: Exception) -> int:
    """Return the exit code for ``error``: 2 for a wrong request, 1 for a failure."""
    return 2 if isinstance(error, CallerError) else 1


def main() -> None:
    """Run the command line and exit."""
    said = Options()
    try:
        app(obj=said)
    except BrokenPipeError:
        # The reader left (`dpu-emu ... | head`): no message, and none from the interpreter's own flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (DpuError, OSError) as error:
        if said.debug:
            raise
        typer.secho(f"dpu-emu: {error}", fg=typer.colors.RED, err=True)
        sys.exit(exit_code(error))
