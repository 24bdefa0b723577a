"""Calls as lowering makes them: what is bound, what is copied, in which order; exit, and code that is made once."""

import pytest

from datapath.p4c.evaluate import Evaluator
from datapath.p4c.source import CompileError
from datapath.pipeline.engine import Engine
from datapath.pipeline.target import Entry, Match
from tests.unit.datapath.p4c.lowered import compile_parts, run, send

ADD = """
control Add(inout bit<8> v, in bit<8> k) {
    action add(bit<8> n) { v = v + n + k; }
    table t {
        key = { k : exact; v : exact; }
        actions = { add; NoAction; }
        const entries = { (1, 2) : add(10); (2, 1) : add(20); }
        default_action = add(100);
    }
    apply { t.apply(); }
}
"""


def test_control_with_a_table_is_applied_twice_with_other_arguments() -> None:
    body = "sub.apply(hdr.h.a, hdr.h.b); sub.apply(hdr.h.c, hdr.h.d);"
    # (1, 2) matches by v 2 and k 1: 2 + 10 + 1 = 13; v 1 and k 2: 1 + 20 + 2 = 23; else 100 + k more.
    run({"02010102": "0d011702", "00000003": "64006703"}, body, top=ADD, local="Add() sub;")


def test_two_instances_have_tables_of_their_own() -> None:
    compiled = compile_parts(
        "x.apply(hdr.h.a, hdr.h.b); y.apply(hdr.h.c, hdr.h.d);", top=ADD, local="Add() x; Add() y;"
    )
    assert sorted(t.name for t in compiled.code.tables) == ["I.x.t", "I.y.t"]


def test_arguments_of_one_call_are_not_copied_when_nobody_can_tell() -> None:
    compiled = compile_parts("f(hdr.h.a, hdr.h.b);", top="void f(inout bit<8> x, in bit<8> y) { x = x + y; }")
    start, end = compiled.code.blocks["ingress"], compiled.code.blocks["deparser"]
    assert [i.op for i in compiled.code.insns[start:end]][:3] == ["MOV", "ADD", "END"]


def test_the_same_place_as_two_arguments_is_copied() -> None:
    top = "void f(inout bit<8> x, inout bit<8> y, in bit<8> z) { x = x + 1; y = y + z; x = x + y; }"
    # Copies: x 5, y 5, z 5 -> y 10, x 16; copied out x, then y.
    run({"05000000": "0a000000"}, "f(hdr.h.a, hdr.h.a, hdr.h.a);", top=top)


def test_action_that_changes_the_field_behind_its_argument() -> None:
    local = "action f(inout bit<8> x) { hdr.h.a = 9; x = x + 1; hdr.h.b = x; }"
    run({"05000000": "06060000"}, "f(hdr.h.a);", local=local)


def test_exit_in_an_action_copies_out_all_calls_around_it() -> None:
    top = """
    control S(inout bit<8> v, inout bit<8> w) {
        action leave() { v = 0x77; w = 0x66; exit; }
        action stay() { v = 5; }
        table t {
            key = { v : exact; }
            actions = { leave; stay; }
            const entries = { 1 : leave(); }
            default_action = stay();
        }
        apply { t.apply(); w = w + 1; }
    }
    """
    body = "sub.apply(hdr.h.a, hdr.h.a); sub.apply(hdr.h.b, hdr.h.c); hdr.h.d = 9;"
    # a 1: v, w are copies of a; exit copies out v, then w. a 0: v becomes 5, w 1; then b and c are bound.
    packets = {"01010101": "66010101", "00010203": "01776603", "00000000": "01050109"}
    run(packets, body, top=top, local="S() sub;")


def test_control_applied_to_an_element_at_a_field() -> None:
    top = """
    control S(inout h_t h) {
        action z(bit<8> q) { h.b = q; }
        table t { key = { h.a : exact; } actions = { z; } const entries = { 1 : z(9); } default_action = z(3); }
        apply { t.apply(); h.c = h.c + 1; }
    }
    """
    body = "hdr.s[0] = hdr.h; hdr.s[1] = { 1, 2, 3, 4 }; sub.apply(hdr.s[hdr.h.d]); sub.apply(hdr.s[1]);"
    # d 0: s[0] is changed; d 9: nothing is, as no element has that index.
    packets = {"11010100": "110101001103020001090404", "11010109": "110101091101010901090404"}
    run(packets, body, top=top, local="S() sub;")


def test_key_that_is_computed_is_computed_at_each_apply() -> None:
    local = """
    action set(bit<8> q) { meta.m = meta.m + q; }
    table t {
        key = { hdr.h.a + 1 : exact @name("next"); hdr.h.isValid() : exact; }
        actions = { set; NoAction; }
        const entries = { (2, true) : set(1); (3, true) : set(4); }
    }
    """
    body = "if (t.apply().hit) { hdr.h.a = hdr.h.a + 1; t.apply(); } hdr.h.c = meta.m;"
    run({"01000000": "02000500", "02000000": "03000400", "07000000": "07000000"}, body, local=local)


def test_result_comes_after_copy_out() -> None:
    top = "bit<8> f(inout bit<8> x) { x = x + 1; return x * 2; }"
    run({"01010000": "04040000"}, "hdr.h.a = f(hdr.h.a); hdr.h.b = f(hdr.h.b);", top=top)


def test_result_for_the_element_that_is_copied_out() -> None:
    top = "bit<8> f(inout bit<8> x) { x = x + 1; if (x == 9) { return 5; } return x * 2; }"
    run({"00000000": "0000000000020000"}, "hdr.s[0].setValid(); hdr.s[0].b = f(hdr.s[hdr.h.a].b);", top=top)


def test_effects_run_left_to_right_and_only_when_reached() -> None:
    top = "bool t(inout bit<8> x, in bool r) { x = x + 16; return r; }"
    body = "if (t(hdr.h.c, hdr.h.d == 0) && t(hdr.h.c, hdr.h.d != 1) || t(hdr.h.c, false)) { hdr.h.a = 1; }"
    run({"00000000": "01002000", "00000001": "00002001"}, body, top=top)


def test_operand_keeps_its_value_while_the_next_changes_it() -> None:
    top = "bit<8> f(inout bit<8> x) { x = x + 1; return x; }"
    run({"01000000": "03050000"}, "hdr.h.b = hdr.h.a + f(hdr.h.a) + (f(hdr.h.a) & 2);", top=top)


def test_return_in_the_middle_of_nested_calls() -> None:
    top = """
    bit<8> f(in bit<8> x) { if (x > 3) { return x; } bit<8> y = x + 1; return y; }
    bit<8> g(in bit<8> x) { if (f(x) == 4) { return f(f(x)); } return 0; }
    """
    run({"03040000": "04040000", "01020000": "00000000"}, "hdr.h.a = g(hdr.h.a); hdr.h.b = g(hdr.h.b);", top=top)


def test_code_of_an_action_is_made_once_for_all_its_tables() -> None:
    local = """
    counter(4, CounterType.packets) n;
    action set(bit<8> q) { hdr.h.b = q; n.count(1); }
    table t { key = { hdr.h.a : exact; } actions = { set; } default_action = set(1); }
    table u { key = { hdr.h.a : exact; } actions = { set; } default_action = set(2); }
    """
    code = compile_parts("t.apply(); u.apply();", local=local).code
    assert len({t.actions[0].code for t in code.tables}) == 1
    run({"00000000": "00020000"}, "t.apply(); u.apply();", local=local)


PROFILE = """
action_profile(8) p;
action x(bit<8> v) { hdr.h.c = v; }
action y(bit<8> v) { hdr.h.d = v; }
table t { key = { hdr.h.a : exact; } actions = { x; y; } implementation = p; }
table u { key = { hdr.h.b : exact; } actions = { ACTIONS; } implementation = p; }
"""


def test_tables_with_one_action_profile_share_its_members() -> None:
    compiled = compile_parts("t.apply(); u.apply();", local=PROFILE.replace("ACTIONS", "x; y"))
    for target in (Engine(compiled.code, compiled.info), Evaluator(compiled.design, compiled.info)):
        target.set_member("p", 1, "x", (0x11,))
        target.set_member("p", 2, "y", (0x22,))
        target.insert(Entry("t", (Match(1, 255),), "", member=1))
        target.insert(Entry("u", (Match(2, 255),), "", member=2))
        assert send(target, "01020000") == "01021122"


def test_tables_with_one_action_profile_and_other_actions_are_refused() -> None:
    with pytest.raises(CompileError, match=r"I\.u: other actions"):
        _ = compile_parts("t.apply(); u.apply();", local=PROFILE.replace("ACTIONS", "y; x")).code
