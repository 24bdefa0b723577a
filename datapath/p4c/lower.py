"""From an elaborated design to the engine's code; the passes are in :mod:`datapath.p4c.passes`."""

from collections.abc import Callable

from datapath.p4c import ir
from datapath.p4c.code import Code
from datapath.p4c.depth import deep_recursion
from datapath.p4c.passes.copies import follow
from datapath.p4c.passes.dead import remove_dead
from datapath.p4c.passes.expand import Expanded, expand
from datapath.p4c.passes.jumps import shorten
from datapath.p4c.passes.slots import finish
from datapath.p4c.passes.text import code_text, lir_text

PASSES: tuple[tuple[str, Callable[[Expanded], None]], ...] = (
    ("copies", follow),
    ("dead", remove_dead),
    ("jumps", shorten),
)
"""Those between ``expand`` and ``slots``, in order; each changes the program in place."""

PASS_NAMES = ("expand", *(name for name, _ in PASSES), "slots")


def _expand(design: ir.Design) -> Expanded:
    with deep_recursion():
        return expand(design)


def lower(design: ir.Design) -> Code:
    """Return the design as a program for the engine.

    Raises:
        CompileError: the engine does not support something in it.
    """
    program = _expand(design)
    for _, run in PASSES:
        run(program)
    return finish(program)


def pass_texts(design: ir.Design) -> list[tuple[str, str]]:
    """Return name and printed result of each pass."""
    program = _expand(design)
    out = [("expand", lir_text(program))]
    for name, run in PASSES:
        run(program)
        out.append((name, lir_text(program)))
    out.append(("slots", code_text(finish(program))))
    return out
