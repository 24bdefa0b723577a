"""The corpus of ``tests/cases/p4``: its programs, and the table of them in its README.

``python -m tests.p4_cases`` writes the table anew after a program was added.
"""

from pathlib import Path

CASES = Path(__file__).parent / "cases" / "p4"
README = CASES / "README.md"
TIERS = {
    "a": "Tier A: wide fields, slices, concatenation, conditional expressions, validity, exit and return, direct calls",
    "b": "Tier B: functions and the copies of in, out and inout",
    "c": "Tier C: match kinds, key expressions, entries of the program, hit and miss, select",
    "d": "Tier D: stacks, parser loops, lookahead, verify, tuples, sub-parsers and sub-controls, serializable enums",
    "e": "Tier E: varbit, unions, dynamic indices, signed and saturating arithmetic, switch of expressions",
    "f": "Tier F: checksums, hashes, counters, meters, registers",
    "g": "Tier G: clone, resubmit, recirculate, multicast",
    "new": "The newest language version",
    "pna": "PNA",
}
_BEGIN = "<!-- made by python -m tests.p4_cases -->\n"


def programs() -> list[str]:
    """Return the programs as ``tier/name``, sorted."""
    return sorted(f"{tier}/{p.stem}" for tier in TIERS for p in (CASES / tier).glob("*.p4"))


def shows(case: str) -> str:
    """Return what a program shows: its first line, which is a comment."""
    line = (CASES / f"{case}.p4").read_text().split("\n", 1)[0]
    return line.removeprefix("//").strip() if line.startswith("//") else ""


def packets(case: str) -> int:
    """Return how many packets a program's test sends."""
    lines = (CASES / f"{case}.stf").read_text().splitlines()
    return sum(line.startswith("packet ") for line in lines)


def table() -> str:
    """Return the README's table: by tier, what is shown, by which program, with how many packets."""
    cases = programs()
    out = [f"{len(cases)} programs, {sum(map(packets, cases))} packets.\n"]
    for tier, title in TIERS.items():
        of_tier = [c for c in cases if c.split("/")[0] == tier]
        if not of_tier:
            continue
        out.append(f"## {title}\n")
        out.append(f"{len(of_tier)} programs, {sum(map(packets, of_tier))} packets.\n")
        out.append("| what | program | packets |\n| --- | --- | --- |")
        out += [
            f"| {shows(c).replace('|', chr(92) + '|')} | [{c.split('/')[1]}]({c}.p4) | {packets(c)} |" for c in of_tier
        ]
        out.append("")
    return "\n".join(out)


def readme() -> str:
    """Return the whole README as it should be."""
    return README.read_text().split(_BEGIN)[0] + _BEGIN + table()


if __name__ == "__main__":
    README.write_text(readme())
