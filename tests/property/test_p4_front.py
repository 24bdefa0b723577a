"""Invariant: any text gives a compiled program or a CompileError with messages; no other exception, no hang."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datapath.p4c.compiler import compile_text
from datapath.p4c.parser import parse_text
from datapath.p4c.source import CompileError, Diagnostics
from tests.property.budget import in_test
from tests.property.p4_texts import changed, grown

ROUNDS = int(os.environ.get("DPU_ROUNDS", "1"))
IN_A_ROUND = 500


def judge(text: str, dirs: tuple[Path, ...] = ()) -> bool:
    """Whether it compiled. A message has a place in a file and a text."""
    try:
        _ = compile_text(text, "t.p4", dirs).code
    except CompileError as e:
        messages = e.messages
    else:
        return True
    assert messages
    for m in messages:
        assert m.text
        assert m.pos.line >= 0
        assert str(m).startswith(f"{m.pos}: {m.severity}: ")
    return False


def judge_changed(seed: int) -> bool:
    path, text = changed(seed)
    return judge(text, (path.parent,))


@in_test(300)
@given(st.text(alphabet=st.sampled_from('abit<>(){}[];:=+-*/&|.,@#"\\\n 019wsx_?!~^%$'), max_size=200))
def test_characters(text: str) -> None:
    judge(text)


@in_test(100)
@given(st.binary(max_size=200))
def test_bytes(data: bytes) -> None:
    judge(data.decode("utf-8", "replace"))
    judge(data.decode("latin-1"))


def test_texts_of_the_grammar() -> None:
    for seed in range(300):
        judge(grown(seed))


def test_changed_programs() -> None:
    good = sum(judge_changed(seed) for seed in range(300))
    assert 10 < good < 290


def test_many_texts_of_the_grammar_parse() -> None:
    """The generator is worth something only while the parser takes a share of its texts."""
    good = 0
    for seed in range(300):
        diagnostics = Diagnostics()
        try:
            parse_text(grown(seed), "t.p4", diagnostics)
        except CompileError:
            continue
        good += not diagnostics.error_count
    assert good > 15


@pytest.mark.long
@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_a_round_of_both(round_number: int) -> None:
    first = 1_000_000 + round_number * IN_A_ROUND
    for seed in range(first, first + IN_A_ROUND):
        judge(grown(seed))
        judge_changed(seed)
