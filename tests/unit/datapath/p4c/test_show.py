"""The IR as text: readable, the same each time, and P4 again as far as P4 has words for it."""

import re
from functools import cache
from pathlib import Path

import pytest

from datapath.p4c.compiler import compile_file, compile_text
from datapath.p4c.show import show_design, show_program
from datapath.p4c.source import CompileError

ROOT = Path(__file__).parents[4]
PROGRAMS = sorted((ROOT / "p4").glob("*.p4"))
CASES = sorted(p for p in (ROOT / "tests/cases/p4").glob("*/*.p4") if p.parent.name not in ("errors", "include"))

SMALLEST = {
    "v1model": """
struct only {}
parser P(packet_in p, out only h, inout only m, inout standard_metadata_t s) { state start { transition accept; } }
control V(inout only h, inout only m) { apply {} }
control I(inout only h, inout only m, inout standard_metadata_t s) { apply {} }
control D(packet_out p, in only h) { apply {} }
V1Switch(P(), V(), I(), I(), V(), D()) main;
""",
    "pna": """
struct only {}
parser P(packet_in p, out only h, inout only m, in pna_main_parser_input_metadata_t i) {
    state start { transition accept; }
}
control R(in only h, inout only m, in pna_pre_input_metadata_t i, inout pna_pre_output_metadata_t o) { apply {} }
control M(inout only h, inout only m, in pna_main_input_metadata_t i, inout pna_main_output_metadata_t o) { apply {} }
control D(packet_out p, in only h, in only m, in pna_main_output_metadata_t o) { apply {} }
PNA_NIC(P(), R(), M(), D()) main;
""",
}


def head(arch: str, version: int) -> str:
    """Return the includes of an architecture."""
    return f"#define V1MODEL_VERSION {version}\n#include <core.p4>\n#include <{arch}.p4>\n"


@cache
def library(arch: str, version: int) -> tuple[str, ...]:
    """Return the declarations that come with the includes."""
    text = show_program(compile_text(head(arch, version) + SMALLEST[arch]).program)
    return tuple(p for p in text.split("\n\n") if "only" not in p and not p.endswith("main;"))


def members(part: str) -> list[str]:
    """Return the members of ``error {a, b}``."""
    return [m.strip() for m in part.partition("{")[2].rstrip("}").split(",")]


def own_declarations(text: str, arch: str, version: int) -> str:
    """Return the text of a program without what its includes declare."""
    known = library(arch, version)
    out: list[str] = []
    for part in text.split("\n\n"):
        kind = part.partition(" {")[0]
        if kind in ("error", "match_kind"):
            before = members(next(k for k in known if k.startswith(kind)))
            own = [m for m in members(part) if m not in before]
            if own:
                out.append(f"{kind} {{ {', '.join(own)} }}")
        elif part not in known:
            out.append(part)
    return "\n\n".join(out)


@pytest.mark.parametrize("path", [*PROGRAMS, *CASES[::12]], ids=lambda p: p.stem)
def test_the_text_of_a_program_compiles_to_the_same_text(path: Path) -> None:
    """Conversions are explicit in the text, so a second run has nothing to add."""
    made = compile_file(path)
    text = show_program(made.program)
    if any("<" in name for name in [*made.program.types, *(f.name for f in made.program.functions)]):
        pytest.skip("instances of generic types and functions have names that cannot be declared")
    if re.search(r"^(control|parser|extern)\b[^{]*;", path.read_text(), re.MULTILINE):
        pytest.skip("prototypes are no part of the IR")
    arch = made.design.arch
    results: list[str] = []
    for version in (20180101, 20200408):
        try:
            again = compile_text(head(arch, version) + own_declarations(text, arch, version), "again.p4")
        except CompileError as e:
            results.append(str(e))
        else:
            results.append(show_program(again.program))
    assert text in results


def test_a_design_names_every_object_by_its_path() -> None:
    path = next(p for p in PROGRAMS if p.stem == "l3")
    text = show_design(compile_file(path).design)
    assert "object L3Ingress.drops: counter<bit<8>>(size = 32w4, type = CounterType.packets)" in text
    assert "    table ipv4_lpm = L3Ingress.ipv4_lpm" in text
    assert text == show_design(compile_file(path).design)
