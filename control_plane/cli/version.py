"""``dpu-emu version``."""

from dataclasses import asdict
from typing import Annotated

import typer


def version(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the version and how the compiled part was made."""
    import platform

    from control_plane.cli.output import print_facts
    from datapath.build import build

    print_facts({**asdict(build()), "python": platform.python_version()}, json=json)
