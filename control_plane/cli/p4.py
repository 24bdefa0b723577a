"""``dpu-emu p4``: P4 programs compiled, run on captures, tested by STF files and traced."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

if TYPE_CHECKING:
    from datapath.p4c.compiler import Compiled
    from datapath.pipeline.target import Target
    from datapath.stf.run import Runner

app = typer.Typer(help="P4-16 programs: compile, run, test and trace them.", no_args_is_help=True)

TargetName = Literal["engine", "evaluator"]

_Program = Annotated[Path, typer.Argument(help="The program.", metavar="PROGRAM.p4")]
_Include = Annotated[list[Path] | None, typer.Option("-I", "--include", help="A folder with includes.")]
_Define = Annotated[list[str] | None, typer.Option("-D", "--define", help="A macro: NAME or NAME=VALUE.")]
_Which = Annotated[TargetName, typer.Option("--target", help="What runs the program.")]
_Entries = Annotated[
    Path | None, typer.Option("--entries", help="STF: its entries come first, its packets do not count.")
]


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(1)


def _compile(
    program: Path,
    include: list[Path] | None,
    define: list[str] | None,
    *,
    quiet: bool = False,
    target: TargetName = "engine",
) -> "Compiled":
    """Compile, for the engine down to its code; the compiler's words go to stderr, an error ends the command."""
    from datapath.p4c.compiler import compile_file
    from datapath.p4c.source import CompileError

    defines = {name: value or "1" for name, _, value in (d.partition("=") for d in define or [])}
    try:
        compiled = compile_file(program, include or [], defines)
        if target == "engine":
            _ = compiled.code
    except CompileError as e:
        n = sum(m.severity == "error" for m in e.messages)
        _fail(f"{e}\n{n} error{'s' if n != 1 else ''}")
    if not quiet:
        for warning in compiled.warnings:
            typer.echo(str(warning), err=True)
    return compiled


def _target(compiled: "Compiled", name: TargetName) -> "Target":
    if name == "engine":
        from datapath.pipeline.engine import Engine

        return Engine(compiled.code, compiled.info)
    from datapath.p4c.evaluate import Evaluator

    return Evaluator(compiled.design, compiled.info)


def _load_entries(compiled: "Compiled", target: "Target", entries: Path | None) -> None:
    """Do what an STF file says to the control plane; its packets are not sent, and nothing is compared."""
    from datapath.stf.parse import CheckCounter, CheckRegister, Expect, NoPacket, SendPacket, parse_stf
    from datapath.stf.run import run_stf

    if entries is not None:
        commands = parse_stf(_read_text(entries), str(entries))
        kept = [c for c in commands if not isinstance(c, CheckCounter | CheckRegister | Expect | NoPacket | SendPacket)]
        report = run_stf(kept, target, compiled.info)
        for line in report.notes:
            typer.echo(line)
        if report.failures:
            _fail("\n".join(report.failures))


def _read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


@app.command("compile")
def compile_(
    program: _Program,
    include: _Include = None,
    define: _Define = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The engine's code, as text.")] = None,
    p4info: Annotated[
        Path | None, typer.Option("--p4info", help="P4Info: text, or binary when the name ends in .bin or .pb.")
    ] = None,
) -> None:
    """Compile a program for the engine."""
    compiled = _compile(program, include, define)
    if p4info is not None:
        from datapath.p4c.p4info import p4info_binary, p4info_text

        if p4info.suffix in (".bin", ".pb"):
            p4info.write_bytes(p4info_binary(compiled.design, compiled.info))
        else:
            p4info.write_text(p4info_text(compiled.design, compiled.info), encoding="utf-8")
        typer.echo(f"wrote {p4info}")
    if out is not None:
        from datapath.p4c.passes.text import code_text

        out.write_text(code_text(compiled.code), encoding="utf-8")
        typer.echo(f"wrote {out}")
    info, code = compiled.info, compiled.code
    typer.echo(
        f"{program}: {info.arch}, {len(info.tables)} tables, {len(info.actions)} actions, "
        f"{len(code.insns)} instructions, {code.n_slots} slots"
    )


@app.command()
def check(program: _Program, include: _Include = None, define: _Define = None) -> None:
    """Check a program and print nothing but what is wrong with it."""
    _compile(program, include, define)


@app.command()
def ir(
    program: _Program,
    pass_: Annotated[
        str | None, typer.Option("--pass", help="Only after this pass; without it, after each.", metavar="NAME")
    ] = None,
    include: _Include = None,
    define: _Define = None,
) -> None:
    """Print a program as the passes make it."""
    from datapath.errors import CallerError
    from datapath.p4c.lower import pass_texts
    from datapath.p4c.show import show_design

    compiled = _compile(program, include, define, quiet=True)
    texts = [("typed", show_design(compiled.design)), *pass_texts(compiled.design)]
    if pass_ is None:
        for name, text in texts:
            typer.echo(f"# {name}\n{text.rstrip()}\n")
        return
    for name, text in texts:
        if name == pass_:
            typer.echo(text.rstrip())
            return
    raise CallerError(f"p4 ir: no pass {pass_!r}; there are: {', '.join(name for name, _ in texts)}")


@app.command()
def stf(
    program: _Program,
    tests: Annotated[list[Path], typer.Argument(help="The tests.", metavar="TEST.stf...")],
    target: _Which = "engine",
    trace: Annotated[bool, typer.Option("--trace", help="Print each packet's way (by the evaluator).")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Look at unnamed ports; refuse unknown commands.")] = False,
    include: _Include = None,
    define: _Define = None,
) -> None:
    """Run packet tests in the simple test format. Exit code 0: all that was expected came."""
    from datapath.stf.parse import StfError, parse_stf
    from datapath.stf.run import Runner

    target = "evaluator" if trace else target
    compiled = _compile(program, include, define, target=target)
    failed = 0
    for test in tests:
        runner = Runner(_target(compiled, target), compiled.info, strict)
        if trace:
            _trace_packets(runner)
        try:
            report = runner.run(parse_stf(_read_text(test), str(test)))
        except StfError as e:
            typer.echo(str(e), err=True)
            failed += 1
            continue
        for line in [*report.notes, *report.failures]:
            typer.echo(line)
        verdict = "ok" if report.ok else "FAILED"
        typer.echo(f"{test}: {verdict}: {report.packets} packets in, {report.expected} expected")
        failed += not report.ok
    if failed:
        raise typer.Exit(1)


def _trace_packets(runner: "Runner") -> None:
    from datapath.p4c.evaluate import Evaluator
    from datapath.p4c.evaluate.trace import render
    from datapath.pipeline.target import Output, Packet

    evaluator = runner.target

    def run(packet: Packet) -> list[Output]:
        assert isinstance(evaluator, Evaluator)
        outputs, events = evaluator.trace(packet)
        typer.echo(f"packet at port {packet.port}: {packet.data.hex()}")
        typer.echo(render(events.events).rstrip())
        for out in outputs:
            typer.echo(f"out of port {out.port}: {out.data.hex()}")
        return outputs

    runner.on_packet = run


@app.command()
def run(
    program: _Program,
    in_: Annotated[list[str], typer.Option("--in", help="A pcap or pcapng file, with @PORT where it comes in (0).")],
    out: Annotated[
        list[str], typer.Option("--out", help="A pcapng, or .pcap, file for what comes out; with @PORT only there.")
    ],
    entries: _Entries = None,
    target: _Which = "engine",
    include: _Include = None,
    define: _Define = None,
) -> None:
    """Send captures through a program and write what comes out."""
    from datapath.pcapfile import Frame, read_capture, write_capture
    from datapath.pipeline.target import Packet

    compiled = _compile(program, include, define, target=target)
    device = _target(compiled, target)
    _load_entries(compiled, device, entries)
    packets: list[Packet] = []
    for path, port in map(_path_and_port, in_):
        packets += [Packet(port or 0, f.data, f.ts_ns) for f in read_capture(path)]
    packets.sort(key=lambda p: p.ts_ns)
    # The program's clock begins with the first packet.
    start = packets[0].ts_ns if packets else 0
    shifted = [Packet(p.port, p.data, p.ts_ns - start) for p in packets]
    outputs = device.process(shifted)
    typer.echo(f"{len(packets)} packets in, {len(outputs)} out")
    for path, port in map(_path_and_port, out):
        chosen = [o for o in outputs if port is None or o.port == port]
        ports = sorted({o.port for o in chosen})
        frames = [Frame(o.data, packets[o.source].ts_ns, ports.index(o.port)) for o in chosen]
        write_capture(path, frames, [f"port {p}" for p in ports] or ["port"])
        typer.echo(f"wrote {path}: {len(frames)} packets")


def _path_and_port(text: str) -> tuple[Path, int | None]:
    name, found, port = text.rpartition("@")
    return (Path(name), int(port)) if found and port.isdigit() else (Path(text), None)


@app.command()
def trace(
    program: _Program,
    packet: Annotated[list[str], typer.Option("--packet", help="A packet in hexadecimal; may be given again.")],
    port: Annotated[int, typer.Option("--port", help="Where it comes in.", min=0)] = 0,
    entries: _Entries = None,
    include: _Include = None,
    define: _Define = None,
) -> None:
    """Print a packet's way: states, keys, hits, actions, changes, and what comes out."""
    from datapath.errors import CallerError
    from datapath.stf.parse import SendPacket
    from datapath.stf.run import Runner

    compiled = _compile(program, include, define, target="evaluator")
    device = _target(compiled, "evaluator")
    _load_entries(compiled, device, entries)
    commands: list[SendPacket] = []
    for text in packet:
        digits = "".join(text.split())
        try:
            commands.append(SendPacket("--packet", port, bytes.fromhex(digits)))
        except ValueError:
            raise CallerError(f"p4 trace: --packet {text[:40]!r} is not hexadecimal") from None
    runner = Runner(device, compiled.info)
    _trace_packets(runner)
    for command in commands:
        runner.send(command)
