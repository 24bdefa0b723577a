"""``dpu-emu run``."""

from pathlib import Path
from typing import Annotated

import typer

# Options end where the program begins: what follows is its own, with or without "--" between.
SETTINGS = {"allow_interspersed_args": False}


def run(
    command: Annotated[list[str] | None, typer.Argument(metavar="CMD", help="The program and its arguments.")] = None,
    node: Annotated[str, typer.Option(help="Node: a number (N is 127.79.0.N), or an address of this machine.")] = "1",
    transport: Annotated[str, typer.Option(help="local (shared memory where both ends can) or udp.")] = "local",
    loss: Annotated[str, typer.Option(help="Share of packets lost, such as 1%.")] = "0",
    pcap: Annotated[Path | None, typer.Option(help="Write the device's packets to this file.")] = None,
    cc: Annotated[str, typer.Option(help="Congestion control: none, dcqcn, or a set of its parameters.")] = "none",
    recovery: Annotated[str, typer.Option(help="Recovery from loss, a list with commas.")] = "",
    seed: Annotated[int | None, typer.Option(help="Seed of what is random: which packets are lost.", min=0)] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare payload at both ends by a hash.")] = False,
    env: Annotated[bool, typer.Option("--env", help="Print the variables for a shell instead of running.")] = False,
) -> None:
    """Run a verbs program, unchanged, on a software device of ours."""
    from datapath.errors import CallerError
    from rdma_verbs import launch

    if not command and not env:
        raise CallerError("run: no program; say which after the options")
    if command and env:
        raise CallerError(f"run: --env prints variables and runs no program; {command[0]!r} is one too much")
    if transport not in launch.Transport.__members__.values():
        raise CallerError(f"run: transport {transport!r}: there are local, udp")
    if seed is not None and seed >= 1 << 64:
        raise CallerError(f"run: seed {seed} exceeds 64 bits")
    said = launch.Launch(
        launch.node_address(node),
        launch.Transport(transport),
        launch.loss_ppm(loss),
        launch.pcap_file(pcap) if pcap else None,
        launch.congestion_name(cc),
        launch.recovery_names(recovery),
        seed,
        check,
    )
    given = launch.inherited_environment()
    environment = launch.make_environment(said, given)
    if command:
        launch.execute(launch.find(command[0], environment), command, environment)
    else:
        _print_shell(environment, given)


def _print_shell(environment: dict[str, str], given: dict[str, str]) -> None:
    """Print what a shell has to change, as `eval "$(dpu-emu run --env)"` takes it."""
    import shlex

    for name in given:
        if name not in environment:
            typer.echo(f"unset {name}")
    for name, value in environment.items():
        if given.get(name) != value:
            typer.echo(f"export {name}={shlex.quote(value)}")
