"""Values as lowering makes them: wide ones, slices, elements at indices, loops, jump tables, and what is refused."""

import pytest

from datapath.p4c.code import Code
from datapath.p4c.source import CompileError
from tests.unit.datapath.p4c.lowered import compile_parts, run


def ops(code: Code, block: str) -> list[str]:
    """Return the ops of a block up to its first END."""
    out = []
    for insn in code.insns[code.blocks[block] :]:
        out.append(insn.op)
        if insn.op == "END":
            break
    return out


def test_wide_value_by_shift_slice_and_concatenation() -> None:
    body = """
    hdr.w.setValid();
    hdr.w.x = (bit<128>)hdr.h.a << 96 | 128w1 << hdr.h.b;
    hdr.w.x[71:60] = hdr.w.x[107:96];
    hdr.w.x = hdr.w.x[119:0] ++ hdr.h.c;
    """
    # a 0x12 at bit 96, bit 8 set, 0x12 again at bit 60; then all 8 bits up, c below.
    run({"12085500": "1208550000001200000001200000000000010055"}, body)


def test_constants_of_an_expression_are_folded() -> None:
    code = compile_parts("hdr.h.a = (3 + 4) * 2; hdr.h.b = 8w200 |+| 100; if (8w1 == 2) { hdr.h.c = 1; }").code
    assert ops(code, "ingress") == ["MOV", "MOV", "MOV", "END"]
    run({"00000000": "0eff0000"}, "hdr.h.a = (3 + 4) * 2; hdr.h.b = 8w200 |+| 100; if (8w1 == 2) { hdr.h.c = 1; }")


def test_comparison_and_branch_are_one_instruction() -> None:
    code = compile_parts("if (hdr.h.a == 3) { hdr.h.b = 1; }").code
    assert ops(code, "ingress") == ["MOV", "JNE", "MOV", "END"]


def test_small_choice_takes_no_branch() -> None:
    code = compile_parts("hdr.h.a = hdr.h.b == 1 ? hdr.h.c : 8w7;").code
    assert ops(code, "ingress") == ["MOV", "EQ", "SEL", "END"]


def test_index_is_taken_before_the_value_changes_it() -> None:
    top = "bit<8> f(inout bit<8> i) { i = i + 1; return 7; }"
    body = "hdr.s[0].setValid(); hdr.s[1].setValid(); hdr.s[hdr.h.a].b = f(hdr.h.a);"
    run({"00000000": "010000000007000000000000"}, body, top=top)


def test_element_out_of_bounds_reads_zero_and_writes_nothing() -> None:
    body = """
    hdr.s[0] = { 1, 2, 3, 4 };
    hdr.h.b = hdr.s[hdr.h.a].b;
    hdr.s[hdr.h.a].c = 9;
    hdr.h.d[3:1] = hdr.s[hdr.h.a].d[2:0];
    """
    run({"00000000": "0002000801020904", "050000ff": "050000f101020304"}, body)


def test_push_and_pop_move_elements_and_next_index() -> None:
    parser = """
    state start { pkt.extract(hdr.s.next); transition select(hdr.s.last.d) { 1 : start; default : more; } }
    state more { pkt.extract(hdr.h); transition accept; }
    """
    body = "hdr.s.push_front(1); hdr.s[0] = { 9, 9, 9, 9 }; hdr.s.pop_front(2);"
    packets = {"00000001010101000a0b0c0d": "0a0b0c0d01010100"}
    run(packets, body, parser=parser)


def test_parser_loop_ends_at_the_stack() -> None:
    parser = """
    state start { pkt.extract(hdr.s.next); transition select(hdr.s.last.d) { 1 : start; default : more; } }
    state more { pkt.extract(hdr.h); transition accept; }
    """
    body = "if (sm.parser_error == error.StackOutOfBounds) { hdr.h.setValid(); hdr.h.a = (bit<8>)hdr.s.lastIndex; }"
    run({"00000001" * 4: "02000000" + "00000001" * 4}, body.replace("lastIndex", "size - 1"), parser=parser)


def test_loop_with_break_and_continue() -> None:
    body = """
    bit<8> acc = 0;
    for (bit<8> i = 0; i < hdr.h.a; i = i + 1) {
        if (i == 3) { continue; }
        if (i == 6) { break; }
        bit<8> fresh;
        fresh = fresh + 1;
        acc = acc + i + fresh;
    }
    hdr.h.b = acc;
    """
    # 0 1 2 (3 left out) 4 5: 12, and one each; up to 2: 0 1, and one each.
    run({"09000000": "09110000", "02000000": "02030000"}, body)


def test_dense_select_is_a_jump_table() -> None:
    parser = """
    state start {
        pkt.extract(hdr.h);
        transition select(hdr.h.a) { 0 : s0; 1 : s1; 2 : s0; 3 : s1; 5 : s2; default : accept; }
    }
    state s0 { hdr.h.b = 10; transition accept; }
    state s1 { hdr.h.b = 11; transition accept; }
    state s2 { hdr.h.b = 12; transition accept; }
    """
    assert "JTAB" in ops(compile_parts(parser=parser).code, "parser")
    given = ["00", "01", "02", "03", "04", "05", "06", "ff"]
    made = ["0a", "0b", "0a", "0b", "00", "0c", "00", "00"]
    run({f"{a}000000": f"{a}{b}0000" for a, b in zip(given, made, strict=True)}, parser=parser)


def test_temporaries_share_slots() -> None:
    one = compile_parts("hdr.h.a = (hdr.h.a + 1) * (hdr.h.b + 1);").code.n_slots
    many = compile_parts("hdr.h.a = (hdr.h.a + 1) * (hdr.h.b + 1);" * 20).code.n_slots
    assert many == one


def test_metadata_that_nobody_reads_is_not_written() -> None:
    assert ops(compile_parts("meta.m = hdr.h.a;").code, "ingress") == ["MOV", "END"]


def test_block_that_does_nothing_is_left_out() -> None:
    assert set(compile_parts().code.blocks) == {"parser", "ingress", "deparser"}


@pytest.mark.parametrize(
    ("body", "local", "text"),
    [
        ("random(x, 1, 2);", "bit<128> x;", "random() of 128 bits is not supported by the engine"),
        ("hdr.s[i].a = 1;", "bit<128> i = 1;", "an index of type bit<128> is not supported by the engine"),
    ],
)
def test_what_the_engine_cannot_do_is_refused_where_it_stands(body: str, local: str, text: str) -> None:
    compiled = compile_parts(body, local=local)
    with pytest.raises(CompileError) as e:
        _ = compiled.code
    assert text in str(e.value)
    assert e.value.messages[0].pos.file == "test.p4"
    assert e.value.messages[0].pos.line == 13


def test_calls_of_calls_are_limited() -> None:
    top = "bit<8> f0(inout bit<8> x) { x = x + 1; return x; }" + "".join(
        f"bit<8> f{i}(inout bit<8> x) {{ return f{i - 1}(x) + f{i - 1}(x); }}" for i in range(1, 25)
    )
    with pytest.raises(CompileError, match="more than 100000 instructions"):
        _ = compile_parts("hdr.h.a = f24(hdr.h.a);", top=top).code
