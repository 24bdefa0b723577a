"""``dpu-emu sim``: fabrics in virtual time, out of a scenario file."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dpu_emu.fabric.plan import Plan
    from dpu_emu.fabric.result import Result

app = typer.Typer(help="Fabrics in virtual time: queues, pauses, rates and completion times.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_File = Annotated[Path, typer.Argument(help="The scenario, a YAML file.", metavar="SCENARIO.yaml")]
_Seed = Annotated[int | None, typer.Option("--seed", help="Instead of the scenario's seed.", min=0)]


def _plan(scenario: Path, seed: int | None) -> "Plan":
    from dpu_emu.fabric.plan import make_plan
    from dpu_emu.fabric.scenario import load

    return make_plan(load(scenario), seed)


@app.command()
def run(
    scenario: _File,
    out: Annotated[Path | None, typer.Option("--out", help="A folder for the results as files.")] = None,
    html: Annotated[bool, typer.Option("--html", help="Write report.html.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write Parquet instead of numpy's .npy.")] = False,
    pcapng: Annotated[list[str] | None, typer.Option("--pcapng", help="Capture a link, such as leaf0-h3.")] = None,
    seed: _Seed = None,
    effective: Annotated[bool, typer.Option("--effective", help="Print the effective parameters, too.")] = False,
    json: _Json = False,
) -> None:
    """Run a scenario and print what came out."""
    from control_plane.cli.output import print_json
    from datapath.errors import DpuError

    for wanted, module, what in ((html, "jinja2", "--html"), (parquet, "pyarrow", "--parquet")):
        if wanted and find_spec(module) is None:
            raise DpuError(f"sim run: {what} needs {module}: pip install 'dpu-emu[report]'")
    plan = _plan(scenario, seed)
    folder = out or Path(f"{scenario.stem}.out")
    captures = {link: folder / f"{link.replace('#', '_')}.pcapng" for link in pcapng or []}
    for link in captures:
        plan.topology.find_link(link)
    if captures:
        folder.mkdir(parents=True, exist_ok=True)
    result = _watched(plan, captures, quiet=json)
    files = result.save(folder, parquet=parquet) if out or html or parquet else []
    if html:
        from dpu_emu.fabric.report import write_report

        write_report(result, folder / "report.html")
        files.append(folder / "report.html")
    if json:
        print_json(result.summary() | ({"effective": plan.effective()} if effective else {}))
        return
    _print_result(result)
    if effective:
        _print_effective(plan)
    for path in [*files, *captures.values()]:
        typer.echo(f"wrote {path}")


def _watched(plan: "Plan", captures: dict[str, Path], *, quiet: bool) -> "Result":
    """Run with a progress bar on stderr, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from dpu_emu.fabric.run import Progress as Step
    from dpu_emu.fabric.run import run as run_plan

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(plan.scenario.name, total=1.0)

        def step(at: Step) -> None:
            share = at.flows_done / at.flows if plan.scenario.stop_when_done else at.now_ps / at.until_ps
            told = f"{at.now_ps / 1e6:,.0f} us, {at.flows_done} of {at.flows} flows, {at.events / 1e6:.1f} M events"
            bar.update(task, completed=share, description=told)

        return run_plan(plan, progress=step, captures=captures)


def _print_result(result: "Result") -> None:
    from control_plane.cli.output import print_facts, print_rows

    told = result.summary()
    tables = ("fct", "paused", "pause_tree", "queues", "deadlock", "drops")
    print_facts({k: v for k, v in told.items() if k not in tables}, json=False)
    if any(told["drops"].values()):
        typer.echo("dropped: " + ", ".join(f"{n} {reason}" for reason, n in told["drops"].items()))
    print_rows(_fct_rows(told["fct"]), empty="no flows")
    if told["queues"]:
        print_rows(told["queues"], empty="")
    if told["paused"]:
        print_rows(told["paused"][:10], empty="")
        typer.echo("who paused whom:")
        for line in told["pause_tree"][:20]:
            typer.echo(f"  {line}")
    if told["deadlock"]:
        typer.secho("deadlock: " + " -> ".join(told["deadlock"]), fg=typer.colors.RED)


def _fct_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what of the completion times fits into 80 columns; JSON has all."""
    by_size = any(row["sizes"] != "all" for row in rows)
    names = {"fct_us_p50": "p50_us", "fct_us_p99": "p99_us", "slowdown_p99": "slow_p99", "goodput_gbps": "Gb/s"}
    names |= {} if by_size else {"jain": "jain"}
    names |= {"retransmitted_pkts": "resent"}
    found = []
    for row in rows:
        short = {"workload": row["workload"][:16]} | ({"sizes": row["sizes"]} if by_size else {})
        short |= {"done": f"{row['done']}/{row['flows']}"}
        values = {name: row.get(key, "") for key, name in names.items()}
        found.append(short | {k: f"{v:.5g}" if isinstance(v, float) else v for k, v in values.items()})
    return found


def _print_effective(plan: "Plan") -> None:
    import yaml

    typer.echo(yaml.safe_dump(plan.effective(), sort_keys=False, allow_unicode=True, width=110))


@app.command()
def validate(
    scenario: _File,
    seed: _Seed = None,
    effective: Annotated[bool, typer.Option("--effective", help="Print the effective parameters.")] = False,
    json: _Json = False,
) -> None:
    """Check a scenario without running it; tells all that is wrong, each with its line."""
    from control_plane.cli.output import print_facts, print_json

    plan = _plan(scenario, seed)
    facts: dict[str, object] = {
        "scenario": plan.scenario.name,
        "hosts": plan.topology.hosts,
        "switches": plan.topology.switches,
        "links": len(plan.topology.links),
        "flows": len(plan.flows.flows),
        "bytes": int(plan.flows.flows["bytes"].sum()),
        "base_rtt_us": round(int(plan.base_rtt_ps.max()) / 1e6, 3),
    }
    if json:
        print_json(facts | ({"effective": plan.effective()} if effective else {}))
        return
    print_facts(facts, json=False)
    if effective:
        _print_effective(plan)


@app.command()
def topo(
    scenario: _File,
    svg: Annotated[Path | None, typer.Option("--svg", help="Draw it into this file.")] = None,
    json: _Json = False,
) -> None:
    """Print the topology: nodes by tier, links by rate and length."""
    from control_plane.cli.output import print_json, print_rows
    from dpu_emu.fabric.describe import describe, picture

    plan = _plan(scenario, None)
    tiers, links = describe(plan.topology)
    if json:
        print_json({"tiers": tiers, "links": links})
    else:
        print_rows(tiers, empty="")
        print_rows(links, empty="")
    if svg:
        svg.write_text(picture(plan.topology), encoding="utf-8")


@app.command()
def headroom(
    speed: Annotated[str, typer.Option("--speed", help="Of the port, such as 400G or 100Gb/s.")],
    length: Annotated[str, typer.Option("--length", help="Of the cable, such as 100m or 80km.")],
    mtu: Annotated[str, typer.Option("--mtu", help="Largest packet on the wire.")] = "9216B",
    cell: Annotated[str, typer.Option("--cell", help="Cells of the buffer.")] = "1B",
    json: _Json = False,
) -> None:
    """Print the PFC headroom of a port: what still comes after it asks its neighbour to pause."""
    from control_plane.cli.output import print_facts
    from dpu_emu.fabric.describe import headroom_facts

    print_facts(headroom_facts(speed, length, mtu, cell), json=json)


@app.command()
def selftest(json: _Json = False) -> None:
    """Check the simulator: knobs of congestion change results, the same seed gives the same outcome."""
    from control_plane.cli.output import print_json, print_rows
    from datapath.errors import DpuError
    from dpu_emu.fabric.selftest import selftest as check

    rows = check()
    if json:
        print_json(rows)
    else:
        print_rows(rows, empty="")
    if not all(row["ok"] for row in rows):
        raise DpuError("sim selftest: " + ", ".join(str(row["check"]) for row in rows if not row["ok"]))
