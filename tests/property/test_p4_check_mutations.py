"""Invariant: whatever is done to a program, the compiler gives a design or a CompileError, nothing else, and in time.

Tokens of programs that are right are dropped, doubled, swapped, and replaced by others; half of the time only names and
numbers are, which gets further into the checker. What compiles nevertheless must have a text and a P4Info.
"""

import os
import random
import re
import time
from pathlib import Path

from datapath.p4c.compiler import compile_text
from datapath.p4c.p4info import p4info_text
from datapath.p4c.show import show_design
from datapath.p4c.source import CompileError

ROOT = Path(__file__).parents[2]
ROUNDS = 150 * int(os.environ.get("DPU_ROUNDS", "1"))
SECONDS_EACH = 20
TOKEN = re.compile(r'[A-Za-z_]\w*|\d\w*|"[^"\n]*"|\s+|.', re.DOTALL)


def programs() -> dict[Path, list[str]]:
    """Return the tokens of our programs and every fifteenth test case."""
    cases = sorted(p for p in (ROOT / "tests/cases/p4").glob("*/*.p4") if p.parent.name != "include")
    return {p: TOKEN.findall(p.read_text()) for p in [*sorted((ROOT / "p4").glob("*.p4")), *cases[::15]]}


def mutate(rng: random.Random, tokens: list[str], others: list[str]) -> str:
    """Return a program with a few tokens changed."""
    out = list(tokens)
    solid = [i for i, t in enumerate(out) if not t.isspace()]
    words = [i for i in solid if out[i][0].isalnum()]
    names_only = rng.random() < 0.5
    for _ in range(rng.randint(1, 4)):
        i = rng.choice(words if names_only else solid)
        match rng.randrange(1 if names_only else 5):
            case 0:
                out[i] = out[rng.choice(words if names_only else solid)]
            case 1:
                out[i] = ""
            case 2:
                out[i] += " " + out[rng.choice(solid)]
            case 3:
                j = rng.choice(solid)
                out[i], out[j] = out[j], out[i]
            case _:
                out[i] = rng.choice(others)
    return "".join(out)


def test_a_mutated_program_gives_a_design_or_errors() -> None:
    rng = random.Random(6)
    found = programs()
    refused = 0
    for _ in range(ROUNDS):
        path = rng.choice(list(found))
        text = mutate(rng, found[path], found[rng.choice(list(found))])
        start = time.monotonic()
        try:
            made = compile_text(text, str(path), [path.parent])
        except CompileError:
            refused += 1
        else:
            assert show_design(made.design)
            assert p4info_text(made.design, made.info)
        assert time.monotonic() - start < SECONDS_EACH, text
    assert refused
