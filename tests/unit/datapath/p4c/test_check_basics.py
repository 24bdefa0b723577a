"""Programs that are right: what the checker and elaboration make of them."""

import pytest

from datapath.p4c import ir
from datapath.p4c.compiler import Compiled, compile_text
from datapath.p4c.types import BitType, IntType

HEAD = """
#include <core.p4>
#include <v1model.p4>
header h_t { bit<8> a; bit<16> b; int<8> s; }
struct headers { h_t h; h_t[3] st; }
struct meta { bit<8> x; bit<16> y; bool flag; int<16> z; }
parser P(packet_in pkt, out headers hdr, inout meta m, inout standard_metadata_t sm) {
    state start { pkt.extract(hdr.h); transition accept; }
}
control V(inout headers hdr, inout meta m) { apply {} }
control E(inout headers hdr, inout meta m, inout standard_metadata_t sm) { apply {} }
control C(inout headers hdr, inout meta m) { apply {} }
control D(packet_out pkt, in headers hdr) { apply { pkt.emit(hdr); } }
"""
TAIL = "V1Switch(P(), V(), I(), E(), C(), D()) main;\n"


def ingress(body: str, before: str = "", local: str = "") -> Compiled:
    """Compile a program with that ingress."""
    return compile_text(
        f"{HEAD}{before}control I(inout headers hdr, inout meta m, inout standard_metadata_t sm) "
        f"{{ {local} apply {{ {body} }} }}\n{TAIL}"
    )


def value_of(body: str, before: str = "") -> ir.Expr:
    """Return what the last assignment of an ingress assigns."""
    last = ingress(body, before).program.controls["I"].body.stmts[-1]
    assert isinstance(last, ir.Assign)
    return last.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("m.x = 255 + 1;", 0),
        ("m.x = 8w255 + 1;", 0),
        ("m.x = 8w250 |+| 10;", 255),
        ("m.x = 8w5 |-| 10;", 0),
        ("m.x = ~8w1;", 254),
        ("m.x = (bit<8>)-8s1;", 255),
        ("m.y = 8w1 ++ 8w2;", 258),
        ("m.x = 16w0xabcd[15:8];", 0xAB),
        ("m.x = 1 << 4 | 8w1;", 17),
        ("m.z = -5;", -5),
        ("m.z = (int<16>)-8s1 >> 1;", -1),
        ("m.x = true ? 8w3 : 4;", 3),
        ("m.x = (bit<8>)hdr.st.size;", 3),
        ("m.x = (bit<8>)(h_t.minSizeInBytes());", 4),
        ("m.flag = 3 > 2 && !(4 == 5);", True),
        ("m.x = 7 / 2 + 9 % 4;", 4),
    ],
)
def test_constants_are_folded(text: str, value: object) -> None:
    found = value_of(text)
    assert isinstance(found, ir.Literal)
    assert found.value == value


def test_integers_take_the_other_sides_width() -> None:
    found = value_of("m.y = m.y + 1;")
    assert isinstance(found, ir.Binary)
    assert found.right == ir.Literal(type=BitType(16), pos=found.right.pos, value=1)


def test_a_generic_function_is_made_for_each_list_of_types() -> None:
    made = ingress(
        "m.x = f(m.x); m.y = f(m.y); m.x = f(hdr.h.a);", before="T f<T>(in T v) { T w = v; return w; }\n"
    ).program.functions
    assert [f.name for f in made] == ["f<bit<8>>", "f<bit<16>>"]
    assert made[1].params[0].type == BitType(16)


def test_lists_become_structs_and_missing_fields_their_defaults() -> None:
    found = value_of("s2 v; v = {1, {2, ...}};", "struct s1 { bit<8> p; int<4> q; } struct s2 { bit<8> a; s1 b; }\n")
    assert isinstance(found, ir.StructExpr)
    inner = found.items[1]
    assert isinstance(inner, ir.StructExpr)
    assert isinstance(inner.items[1], ir.Default)
    assert inner.items[1].type == IntType(4)


TABLE = """
    action a(bit<8> v) { m.x = v; }
    action b(inout bit<16> w, bit<8> v) { w = w + 1; }
    table t {
        key = { hdr.h.a : exact; hdr.h.b : ternary @name("bee"); hdr.h.isValid() : exact; }
        actions = { a; b(m.y); @defaultonly NoAction; }
        default_action = a(7);
        const entries = { (1, 2 &&& 3, true) : a(1); (2, _, _ ) : b(m.y, 3); }
    }
"""


def test_a_table_has_names_arguments_and_entries() -> None:
    made = ingress("t.apply();", local=TABLE.replace("_, _ )", "_, false)"))
    table = made.program.controls["I"].tables[0]
    assert [k.name for k in table.keys] == ["hdr.h.a", "bee", "hdr.h.$valid$"]
    assert table.entries[1].action.args[0] is not None
    assert made.info.tables["I.t"].id == 0x02000000 | made.info.tables["I.t"].id & 0xFFFFFF
    assert [a.action.name for a in made.info.tables["I.t"].actions] == ["I.a", "I.b", "NoAction"]
    assert made.info.tables["I.t"].actions[2].scope == "default_only"


def test_a_table_without_default_action_gets_no_action() -> None:
    local = "action a() {} table t { key = { m.x : exact; } actions = { a; } }"
    table = ingress("t.apply();", local=local).program.controls["I"].tables[0]
    assert table.default_action.action.name == "NoAction"
    assert [r.action.name for r in table.actions] == ["a", "NoAction"]


def test_control_plane_paths_follow_declarations_instances_and_names() -> None:
    before = """
    control Inner(inout meta m) {
        action a() {}
        @name("short") table t { actions = { a; } }
        @name(".whole") table u { key = { m.x : exact; } actions = { a; } }
        counter(8, CounterType.packets) n;
        apply { t.apply(); u.apply(); n.count(0); }
    }
    """
    made = ingress("i.apply(m);", before, "Inner() i;")
    assert list(made.info.tables) == ["I.i.short", "whole"]
    assert list(made.info.counters) == ["I.i.n"]
    assert "I.i.a" in made.info.actions


def test_all_errors_of_a_program_are_found_in_one_run() -> None:
    from datapath.p4c.source import CompileError

    with pytest.raises(CompileError) as e:
        ingress("m.x = m.y;\n m.x = nothing;\n bool q = 3;\n m.x = 1;\n if (m.x) { m.y = true; }")
    assert len(e.value.messages) == 5


def test_actions_of_one_name_and_one_signature_are_one_action() -> None:
    before = """
    control Two(inout meta m) {
        @name(".nop") action nop() {}
        table t { actions = { nop; } }
        apply { t.apply(); }
    }
    """
    local = 'Two() two; @name(".nop") action nop() {} table t { actions = { nop; } }'
    made = ingress("two.apply(m); t.apply();", before, local)
    assert list(made.info.actions) == ["NoAction", "nop"]


def test_integers_without_width_in_a_list_take_32_bits_with_a_warning() -> None:
    made = ingress('log_msg("{} {}", {5, m.x});')
    assert [w.text for w in made.warnings] == ["5 has no width here; it is taken as bit<32>"]
    call = made.program.controls["I"].body.stmts[0]
    assert isinstance(call, ir.Call)
    assert isinstance(call.call, ir.ExternCall)
    assert str(call.call.type_args[0]) == "tuple<bit<32>, bit<8>>"
