"""Sources made to be too much: each gets an error that names the limit, soon."""

import pytest

from datapath.errors import CallerError
from datapath.p4c.compiler import compile_text
from datapath.p4c.evaluate import Evaluator
from datapath.p4c.source import CompileError

N = 40


def program(decls: str = "", body: str = "", local: str = "", state: str = "", headers: str = "h_t h;") -> str:
    return f"""#include <core.p4>
#include <v1model.p4>
header h_t {{ bit<8> a; bit<8> b; }}
{decls}
struct headers {{ {headers} }}
struct meta_t {{ bit<8> x; }}
parser P(packet_in p, out headers hdr, inout meta_t m, inout standard_metadata_t sm) {{
    {state} state start {{ transition accept; }} }}
control V(inout headers hdr, inout meta_t m) {{ apply {{ }} }}
control E(inout headers hdr, inout meta_t m, inout standard_metadata_t sm) {{ apply {{ }} }}
control D(packet_out p, in headers hdr) {{ apply {{ p.emit(hdr); }} }}
control I(inout headers hdr, inout meta_t m, inout standard_metadata_t sm) {{ {local} apply {{ {body} }} }}
V1Switch(P(), V(), I(), E(), V(), D()) main;
"""


def doubling(first: str, each: str) -> str:
    return first + "\n" + "".join(each.replace("NEXT", str(i + 1)).replace("LAST", str(i)) + "\n" for i in range(N))


TOO_MUCH = {
    "width": (program("header w_t { bit<99999999> x; }"), "a width is from 0 to 8192"),
    "varbit": (program("header w_t { varbit<4294967295> x; }"), "a width is from 0 to 8192"),
    "literal": (program(body="m.x = (bit<8>)999999999w1;"), "a width of 999999999"),
    "stack": (program(headers="h_t[4294967296] h;"), "a stack has from 1 to 65536 elements"),
    "shift": (program("const int A = 1 << 99999999999;"), "the limit of int"),
    "squares": (program(doubling("const int A0 = 123456789;", "const int ANEXT = ALAST * ALAST;")), "the limit of int"),
    "a number in a message": (program("header w_t { bit<(1 << 13000)> x; }"), "a width is from 0 to"),
    "structs": (
        program(doubling("struct S0 { bit<8> a; }", "struct SNEXT { SLAST a; SLAST b; }")),
        "the type has more than 200000 fields and elements",
    ),
    "empty structs": (
        program(doubling("struct S0 { }", "struct SNEXT { SLAST a; SLAST b; }")),
        "the type has more than 200000 fields and elements",
    ),
    "tuples": (
        program(doubling("typedef tuple<bit<8>> S0;", "typedef tuple<SLAST, SLAST> SNEXT;")),
        "the type has more than 200000 fields and elements",
    ),
    "generic structs": (
        program("struct G<T> { T a; T b; }", body="G<" * N + "bit<8>" + ">" * N + " g;"),
        "the type has more than 200000 fields and elements",
    ),
    "generic functions": (
        program(
            doubling(
                "T f0<T>(in T x) { return x; }",
                "T fNEXT<T>(in T x) { tuple<T, T> t = fLAST<tuple<T, T>>({ x, x }); return t[0]; }",
            ),
            body=f"m.x = f{N}<bit<8>>(m.x);",
        ),
        "the type has more than 200000 fields and elements",
    ),
    "controls": (
        program(
            doubling(
                "control c0(inout bit<8> x) { apply { } }",
                "control cNEXT(inout bit<8> x) { cLAST() a; cLAST() b; apply { a.apply(x); b.apply(x); } }",
            ),
            local=f"c{N}() c;",
            body="c.apply(m.x);",
        ),
        "more than 10000 objects",
    ),
    "actions": (
        program(
            doubling(
                "action f0(inout bit<8> x) { x = x + 1; }", "action fNEXT(inout bit<8> x) { fLAST(x); fLAST(x); }"
            ),
            body=f"f{N}(m.x);",
        ),
        "with all calls expanded the program has more than",
    ),
    "nested types": (
        program("struct S0 { bit<8> a; }\n" + "".join(f"struct S{i + 1} {{ S{i} a; }}\n" for i in range(500))),
        "the type is nested more than 200 deep",
    ),
    "recursion": (program("bit<8> f(in bit<8> x) { return f(x); }", body="m.x = f(m.x);"), "calls itself"),
    "table": (
        program(local="action a() { } table t { actions = { a; } size = 99999999999999; }", body="t.apply();"),
        "a size of 99999999999999",
    ),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much(name: str) -> None:
    text, message = TOO_MUCH[name]
    with pytest.raises(CompileError) as caught:
        _ = compile_text(text, "t.p4").code
    assert message in str(caught.value)
    assert all(len(m.text) < 700 for m in caught.value.messages)


@pytest.mark.parametrize(
    "text",
    [
        program(body="m.x = m.x" + " + m.x" * 900 + ";"),
        program(body="if (m.x == 1) " * 150 + "m.x = 2;"),
        program(body="m.x = " + "(" * 150 + "m.x" + ")" * 150 + ";"),
        program(body="if (m.x == 0) m.x = 1;" + "else if (m.x == 2) m.x = 3;" * 900),
        program(body="m.x = m.x + 1;" * 3000),
        program(body="bit<8000> x = 1; x = x * x; m.x = (bit<8>)x;"),
        program(headers="h_t[2000] h;"),
    ],
)
def test_much_but_not_too_much(text: str) -> None:
    assert compile_text(text, "t.p4").code.insns


def test_too_many_cells_for_the_evaluator() -> None:
    compiled = compile_text(program(local="register<bit<8>>(4294967295) r;", body="r.write(1, 2);"), "t.p4")
    with pytest.raises(CallerError, match=r"I\.r: size 4294967295, the evaluator's limit is 16777216"):
        Evaluator(compiled.design, compiled.info)
