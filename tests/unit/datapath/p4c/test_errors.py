"""Erroneous programs: each is rejected on the right line with a message that says what is wrong.

The programs are in ``tests/cases/p4/errors``, called by feature and mistake. A comment says what is expected:
``// error: LINE: part of the message``, a LINE of 0 is the whole program. All errors of a program are found in one run,
and there are no others.
"""

import re
from pathlib import Path

import pytest

from datapath.p4c.compiler import compile_file
from datapath.p4c.source import CompileError

CASES = sorted((Path(__file__).parents[4] / "tests/cases/p4/errors").glob("*.p4"))


def test_there_are_enough_distinct_mistakes() -> None:
    assert len(CASES) >= 100


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_a_wrong_program_is_rejected_on_its_line(path: Path) -> None:
    wanted = [(int(n), text.strip()) for n, text in re.findall(r"// error: (\d+): ?(.*)", path.read_text())]
    assert wanted, "the case says what it expects"
    with pytest.raises(CompileError) as caught:
        compile_file(path)
    errors = [m for m in caught.value.messages if m.severity == "error"]
    assert [m.pos.line for m in errors] == [line for line, _ in wanted], caught.value
    for m, (_, text) in zip(errors, wanted, strict=True):
        assert text in f"{m.text}\n{m.hint}", m
        assert m.pos.line == 0 or m.pos.file == str(path), m
        assert m.line_text or m.pos.line == 0 or m.pos.length > 200, "only lines that nobody could read are left out"
