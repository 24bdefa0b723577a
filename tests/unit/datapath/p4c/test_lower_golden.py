"""What each pass makes of twenty programs of the corpus is as stored.

``DPU_UPDATE_GOLDEN=1`` writes the texts anew; look at the difference before you keep it.
"""

import os
from pathlib import Path

import pytest

from datapath.p4c.compiler import compile_file
from datapath.p4c.lower import PASS_NAMES, pass_texts

ROOT = Path(__file__).resolve().parents[4]
GOLDEN = ROOT / "tests" / "golden" / "p4"
CASES = ROOT / "tests" / "cases" / "p4"
PROGRAMS = (
    "a/concat_wide",
    "a/mux",
    "a/slice_write",
    "a/header_equality",
    "b/bound_action_arguments_in_table",
    "b/exit_copies_out",
    "b/function_many_returns",
    "b/inout_aliases_two_arguments",
    "b/short_circuit_skips_calls",
    "b/tuple_and_list_arguments",
    "c/action_run_switch",
    "c/const_entries_ternary_in_order",
    "c/select_values",
    "d/push_front",
    "d/stack_next_until_bottom",
    "d/subparser",
    "e/stack_written_at_a_field",
    "f/checksum_ipv4_updated",
    "g/clone_preserves_field_list",
    "pna/add_on_miss_learns_flow",
)


def printed(program: str) -> str:
    design = compile_file(CASES / f"{program}.p4").design
    return "".join(f"==== {name} ====\n{text.rstrip()}\n" for name, text in pass_texts(design))


@pytest.mark.parametrize("program", PROGRAMS)
def test_passes_print_what_is_stored(program: str) -> None:
    stored = GOLDEN / f"{program.replace('/', '_')}.txt"
    found = printed(program)
    if os.environ.get("DPU_UPDATE_GOLDEN"):
        stored.write_text(found, encoding="utf-8")
    assert found == stored.read_text(encoding="utf-8")


def test_passes_print_the_same_each_time() -> None:
    assert printed(PROGRAMS[0]) == printed(PROGRAMS[0])


def test_each_pass_has_its_text() -> None:
    design = compile_file(CASES / f"{PROGRAMS[0]}.p4").design
    assert tuple(name for name, _ in pass_texts(design)) == PASS_NAMES


def test_no_text_is_stored_without_its_program() -> None:
    assert {p.stem for p in GOLDEN.glob("*.txt")} == {p.replace("/", "_") for p in PROGRAMS}
