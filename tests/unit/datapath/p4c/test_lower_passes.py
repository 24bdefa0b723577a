"""The passes, each on a few instructions."""

from datapath.p4c.code import Code, Insn
from datapath.p4c.passes.copies import follow
from datapath.p4c.passes.dead import remove_dead
from datapath.p4c.passes.expand import Expanded
from datapath.p4c.passes.jumps import shorten
from datapath.p4c.passes.lir import Lir, Unit
from datapath.p4c.passes.slots import finish


def program(*insns: Insn, kept: tuple[int, ...] = (0,), slots: int = 8) -> Expanded:
    """Return a program of one block over slots that live for ever; ``kept`` are read from outside."""
    lir = Lir()
    for i in range(slots):
        lir.new_area(f"v{i}", 1)
    lir.labels = 100
    lir.kept = [(slot, 1) for slot in kept]
    return Expanded(lir, Code("v1model"), {"ingress": Unit("ingress", list(insns))})


def left(p: Expanded) -> list[tuple[str, int, int, int]]:
    return [(i.op, i.d, i.a, i.b) for i in p.blocks["ingress"].insns]


def label(number: int) -> Insn:
    return Insn("LABEL", imm=number)


def test_reader_of_a_copy_reads_the_original_until_that_changes() -> None:
    p = program(
        Insn("MOV", 8, 1, 2), Insn("ADD", 8, 3, 1, 1), Insn("MOV", 8, 2, 4), Insn("ADD", 8, 5, 1, 1), Insn("END")
    )
    follow(p)
    assert left(p)[1] == ("ADD", 3, 2, 2)
    assert left(p)[3] == ("ADD", 5, 1, 1)


def test_copies_are_forgotten_where_ways_meet() -> None:
    p = program(Insn("MOV", 8, 1, 2), label(1), Insn("ADD", 8, 3, 1, 1), Insn("END"))
    follow(p)
    assert left(p)[2] == ("ADD", 3, 1, 1)


def test_constants_are_folded_on_the_way() -> None:
    p = program(Insn("END"))
    three, four = p.lir.const(3, 8), p.lir.const(4, 8)
    p.blocks["ingress"].insns[:0] = [
        Insn("MOV", 8, 1, three),
        Insn("ADD", 8, 2, 1, four),
        Insn("JEQ", a=2, b=p.lir.const(7, 8), imm=1),
        Insn("MOV", 8, 0, three),
        label(1),
    ]
    follow(p)
    assert left(p)[1] == ("MOV", 2, p.lir.const(7, 64), 0)
    assert p.blocks["ingress"].insns[2].op == "JMP"


def test_temporary_is_not_read_after_its_life() -> None:
    p = program(Insn("MOV", 8, 1, 2), Insn("ADD", 8, 3, 1, 1), Insn("END"))
    p.lir.areas[2].pool, p.lir.areas[2].until = 1, 1  # the original's slot is given to another before the copy's is
    p.lir.areas[1].pool, p.lir.areas[1].until = 1, 2
    follow(p)
    assert left(p)[1] == ("ADD", 3, 1, 1)


def test_result_that_nobody_reads_goes_with_what_made_it() -> None:
    p = program(Insn("ADD", 8, 1, 2, 3), Insn("ADD", 8, 4, 1, 1), Insn("MOV", 8, 0, 2), Insn("END"))
    remove_dead(p)
    assert [i[0] for i in left(p)] == ["MOV", "END"]


def test_result_that_is_overwritten_at_once_goes() -> None:
    p = program(Insn("MOV", 8, 0, 1), Insn("MOV", 8, 0, 2), Insn("END"))
    remove_dead(p)
    assert left(p) == [("MOV", 0, 2, 0), ("END", 0, 0, 0)]


def test_result_that_a_branch_may_see_stays() -> None:
    p = program(Insn("MOV", 8, 0, 1), Insn("JZ", a=2, imm=1), Insn("MOV", 8, 0, 2), label(1), Insn("END"))
    remove_dead(p)
    assert len(left(p)) == 5


def test_part_of_a_slot_does_not_overwrite_it() -> None:
    p = program(Insn("MOV", 8, 0, 1), Insn("INS", 4, 0, 2), Insn("END"))
    remove_dead(p)
    assert [i[0] for i in left(p)] == ["MOV", "INS", "END"]


def over(first: Insn) -> Expanded:
    """Return ``first``, which skips a jump to 2, and code behind both ways."""
    copy, other = Insn("MOV", 8, 0, 1), Insn("MOV", 8, 0, 2)
    return program(first, Insn("JMP", imm=2), label(1), copy, label(2), other, Insn("END"))


def test_jump_over_a_jump_is_one() -> None:
    p = over(Insn("JZ", a=1, imm=1))
    shorten(p)
    assert [i[0] for i in left(p)] == ["JNZ", "MOV", "LABEL", "MOV", "END"]
    assert p.blocks["ingress"].insns[0].imm == 2


def test_less_than_is_turned_round_with_its_operands() -> None:
    p = over(Insn("JLT", a=1, b=2, imm=1))
    shorten(p)
    assert left(p)[0] == ("JLE", 0, 2, 1)


def test_jump_to_a_jump_goes_on() -> None:
    p = program(
        *(Insn("JZ", a=1, imm=1), Insn("MOV", 8, 0, 1), Insn("END")),
        *(label(1), Insn("JMP", imm=2), label(3), Insn("MOV", 8, 0, 2), Insn("END"), label(2), Insn("JMP", imm=3)),
    )
    shorten(p)
    assert p.blocks["ingress"].insns[0].imm == 3


def test_endless_loop_is_left_alone() -> None:
    p = program(label(1), Insn("JMP", imm=2), label(2), Insn("JMP", imm=1))
    shorten(p)
    assert p.blocks["ingress"].insns[-1].op == "JMP"


def test_code_that_nothing_reaches_goes() -> None:
    p = program(Insn("END"), Insn("MOV", 8, 0, 1), Insn("END"))
    shorten(p)
    assert left(p) == [("END", 0, 0, 0)]


def test_temporaries_of_other_times_share_a_slot() -> None:
    p = program(Insn("MOV", 8, 0, 1), Insn("MOV", 8, 2, 0), Insn("MOV", 8, 3, 2), Insn("END"), kept=())
    first, second = p.lir.areas[2], p.lir.areas[3]
    first.pool, first.since, first.until = 1, 0, 1
    second.pool, second.since, second.until = 1, 1, 2
    made = finish(p)
    assert made.insns[1].d == made.insns[2].d
    second.since = 0
    p.code.insns.clear()
    made = finish(p)
    assert made.insns[1].d != made.insns[2].d
