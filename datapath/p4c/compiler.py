"""The driver: from a P4 file to a design, what the control plane sees of it, and the engine's code."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from datapath.p4c import ir, syntax
from datapath.p4c.check import check
from datapath.p4c.code import Code
from datapath.p4c.depth import deep_recursion
from datapath.p4c.elaborate import elaborate
from datapath.p4c.extract_info import extract_info
from datapath.p4c.info import Info
from datapath.p4c.parser import parse_file, parse_text
from datapath.p4c.preprocess import include_dir
from datapath.p4c.source import NOWHERE, Diagnostics, Message


@dataclass(slots=True)
class Compiled:
    """A compiled program. ``diagnostics`` has the warnings."""

    design: ir.Design
    info: Info
    diagnostics: Diagnostics
    _code: Code | None = field(default=None, repr=False)

    @property
    def program(self) -> ir.Program:
        """The typed IR."""
        return self.design.program

    @property
    def warnings(self) -> list[Message]:
        """What the compiler would have liked otherwise."""
        return [m for m in self.diagnostics.messages if m.severity == "warning"]

    @property
    def code(self) -> Code:
        """The engine's program, made when first asked for."""
        if self._code is None:
            from datapath.p4c.lower import lower

            with _deep(self.diagnostics):
                self._code = lower(self.design)
        return self._code


@contextmanager
def _deep(diagnostics: Diagnostics) -> Iterator[None]:
    """Walk deep trees; one that is too deep all the same is an error of the program."""
    try:
        with deep_recursion():
            yield
    except RecursionError:
        diagnostics.fatal(NOWHERE, "the program is nested too deeply")


def compile_file(
    path: Path | str, include_dirs: Sequence[Path] = (), defines: Mapping[str, str] | None = None
) -> Compiled:
    """Compile a P4 file. A bare name such as ``l3.p4`` that is not here is one of the programs that come with us.

    Raises:
        CompileError: it is wrong; all that was found is in it.
    """
    diagnostics = Diagnostics()
    path = Path(path)
    shipped = include_dir().parent / path.name
    if not path.exists() and len(path.parts) == 1 and shipped.is_file():
        path = shipped
    tree = parse_file(path, include_dirs, defines or {}, diagnostics)
    return _compile(tree, diagnostics)


def compile_text(
    text: str,
    name: str = "<text>",
    include_dirs: Sequence[Path] = (),
    defines: Mapping[str, str] | None = None,
) -> Compiled:
    """Compile a text, which messages call ``name``; otherwise as :func:`compile_file`."""
    diagnostics = Diagnostics()
    tree = parse_text(text, name, diagnostics, include_dirs, defines)
    return _compile(tree, diagnostics)


def _compile(tree: syntax.Program, diagnostics: Diagnostics) -> Compiled:
    diagnostics.check()
    with _deep(diagnostics):
        design = elaborate(check(tree, diagnostics), diagnostics)
        info = extract_info(design, diagnostics)
    diagnostics.check()
    return Compiled(design, info, diagnostics)
