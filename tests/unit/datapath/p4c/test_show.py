"""The IR as text: readable, the same each time, and P4 again as far as P4 has words for it."""

from pathlib import Path

import pytest

from datapath.p4c.compiler import compile_file, compile_text
from datapath.p4c.show import show_design, show_program

PROGRAMS = sorted((Path(__file__).parents[4] / "p4").glob("*.p4"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_the_text_of_a_program_compiles_to_the_same_text(path: Path) -> None:
    """Conversions are explicit in the text, so a second run has nothing to add."""
    made = compile_file(path)
    arch = "v1model" if made.design.arch == "v1model" else "pna"
    text = show_program(made.program)
    own = "\n\n".join(part for part in text.split("\n\n") if not _is_of_library(part, arch))
    again = compile_text(
        f"#define V1MODEL_VERSION 20200408\n#include <core.p4>\n#include <{arch}.p4>\n{own}", "again.p4"
    )
    assert show_program(again.program) == text


def _is_of_library(part: str, arch: str) -> bool:
    """Whether a declaration comes with the includes."""
    known = show_program(
        compile_text(
            f"#define V1MODEL_VERSION 20200408\n#include <core.p4>\n#include <{arch}.p4>\n{_SMALLEST[arch]}"
        ).program
    ).split("\n\n")
    return part in known and not part.startswith(("struct h_t", "parser P(", "control ", "V1Switch", "PNA_NIC"))


_SMALLEST = {
    "v1model": """
struct h_t {}
parser P(packet_in p, out h_t h, inout h_t m, inout standard_metadata_t s) { state start { transition accept; } }
control V(inout h_t h, inout h_t m) { apply {} }
control I(inout h_t h, inout h_t m, inout standard_metadata_t s) { apply {} }
control D(packet_out p, in h_t h) { apply {} }
V1Switch(P(), V(), I(), I(), V(), D()) main;
""",
    "pna": """
struct h_t {}
parser P(packet_in p, out h_t h, inout h_t m, in pna_main_parser_input_metadata_t i) {
    state start { transition accept; }
}
control R(in h_t h, inout h_t m, in pna_pre_input_metadata_t i, inout pna_pre_output_metadata_t o) { apply {} }
control M(inout h_t h, inout h_t m, in pna_main_input_metadata_t i, inout pna_main_output_metadata_t o) { apply {} }
control D(packet_out p, in h_t h, in h_t m, in pna_main_output_metadata_t o) { apply {} }
PNA_NIC(P(), R(), M(), D()) main;
""",
}


def test_a_design_names_every_object_by_its_path() -> None:
    path = next(p for p in PROGRAMS if p.stem == "l3")
    text = show_design(compile_file(path).design)
    assert "object L3Ingress.drops: counter<bit<8>>(size = 32w4, type = CounterType.packets)" in text
    assert "    table ipv4_lpm = L3Ingress.ipv4_lpm" in text
    assert text == show_design(compile_file(path).design)
