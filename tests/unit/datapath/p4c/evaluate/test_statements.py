"""Expressions and statements in a control: what goes out was worked out by hand.

The packet is 8 bytes, ``a b cccc s pppppp``.
"""

import pytest

from tests.unit.datapath.p4c.evaluate.programs import make, one, send

PACKET = "0102030405000000"
"""a = 1, b = 2, c = 0x0304, s = 5."""

BODIES = {
    # Slices, concatenation, casts.
    "slice": ("hdr.h.a = hdr.h.c[11:4];", "3002030405000000"),
    "slice is a place": ("hdr.h.c[11:4] = 8w0xff;", "01020ff405000000"),
    "slice of a slice": ("hdr.h.c[11:4][3:0] = 4w0xf;", "010203f405000000"),
    "concatenation": ("hdr.h.c = hdr.h.a ++ hdr.h.b;", "0102010205000000"),
    "sign extension": ("hdr.h.s = -1; hdr.h.c = (bit<16>)(int<16>)hdr.h.s;", "0102ffffff000000"),
    "to narrower": ("hdr.h.a = (bit<8>)hdr.h.c;", "0402030405000000"),
    "bool to bit": ("hdr.h.a[0:0] = (bit<1>)(hdr.h.b == 3);", "0002030405000000"),
    # Evaluation.
    "short circuit and": ("if (hdr.h.a == 9 && bump(hdr.h.b)) { } ", "0102030405000000"),
    "both sides": ("if (hdr.h.a == 1 && bump(hdr.h.b)) { } ", "0103030405000000"),
    "short circuit or": ("if (hdr.h.a == 1 || bump(hdr.h.b)) { } ", "0102030405000000"),
    "mux is lazy": ("hdr.h.a = hdr.h.a == 1 ? 8w7 : inc(hdr.h.b);", "0702030405000000"),
    "left before right": ("hdr.h.a = hdr.h.b + inc(hdr.h.b);", "0503030405000000"),
    "right reads what left did": ("hdr.h.a = inc(hdr.h.b) + hdr.h.b;", "0603030405000000"),
    "arguments left to right": ("hdr.h.a = sub(inc(hdr.h.b), hdr.h.b);", "0003030405000000"),
    # Copies: language specification, 6.8.
    "inout of one place twice": ("both(hdr.h.a, hdr.h.a);", "1502030405000000"),
    "out begins at zero": ("fresh(hdr.h.a);", "0102030405000000"),
    "copied out last wins": ("pair(hdr.h.a, hdr.h.a);", "0b02030405000000"),
    "in does not see the change": ("hdr.h.a = 7; keep(hdr.h.a, hdr.h.b);", "0807030405000000"),
    "argument is a slice": ("inc2(hdr.h.c[15:8]);", "0102040405000000"),
    "action sees the old value": ("act(hdr.h.a);", "0a01030405000000"),
    "exit copies out": ("leave(hdr.h.a); hdr.h.b = 9;", "6302030405000000"),
    "return of an action": ("early(hdr.h.a); hdr.h.b = 9;", "6309030405000000"),
    # Headers.
    "setInvalid": ("hdr.h.setInvalid();", ""),
    "setValid clears what was invalid": ("hdr.h.setInvalid(); hdr.h.a = 3; hdr.h.setValid();", "0000000000000000"),
    "setValid of a valid one": ("hdr.h.setValid();", PACKET),
    "header assignment": ("hdr.h2 = hdr.h; hdr.h2.a = 9;", PACKET + "0902030405000000"),
    "header from a list": ("hdr.h2 = {1, 2, 3, -1, 4};", PACKET + "01020003ff000004"),
    "both invalid are equal": ("hdr.h2.a = 7; h_t x; if (hdr.h2 == x) { hdr.h.a = 9; }", "0902030405000000"),
    "invalid is not valid": ("if (hdr.h != hdr.h2) { hdr.h.a = 9; }", "0902030405000000"),
    "swap": ("h_t t = hdr.h; hdr.h.a = hdr.h.b; hdr.h.b = t.a;", "0201030405000000"),
    "struct swap": ("p_t p = {1, 2}; p = {p.y, p.x}; hdr.h.a = p.x; hdr.h.b = p.y;", "0201030405000000"),
    "tuple": ("tuple<bit<8>, bit<8>> p = {7, 8}; hdr.h.a = p[1];", "0802030405000000"),
    "tuples are equal": ("if ({hdr.h.a, hdr.h.b} == {8w1, 8w2}) { hdr.h.a = 9; }", "0902030405000000"),
    # Statements.
    "switch": ("switch (hdr.h.b) { 1: { hdr.h.a = 5; } 2: { hdr.h.a = 6; } }", "0602030405000000"),
    "switch falls through": (
        "switch (hdr.h.b) { 2: 3: { hdr.h.a = 6; } default: { hdr.h.a = 7; } }",
        "0602030405000000",
    ),
    "switch default": ("switch (hdr.h.b) { 9: { } default: { hdr.h.a = 7; } }", "0702030405000000"),
    "for": ("for (bit<8> i = 0; i < 4; i = i + 1) { hdr.h.a = hdr.h.a + i; }", "0702030405000000"),
    "for in a range": ("for (bit<8> i in 2 .. 4) { hdr.h.a = hdr.h.a + i; }", "0a02030405000000"),
    "break": ("for (bit<8> i in 1 .. 9) { if (i == 3) { break; } hdr.h.a = i; }", "0202030405000000"),
    "continue": ("for (bit<8> i in 1 .. 3) { if (i == 3) { continue; } hdr.h.a = i; }", "0202030405000000"),
    "exit": ("if (hdr.h.a == 1) { hdr.h.b = 8; exit; } hdr.h.a = 9;", "0108030405000000"),
    "enum": ("e_t e = e_t.Y; if (e == e_t.Y) { hdr.h.a = 9; }", "0902030405000000"),
    "serialisable enum": ("hdr.h.a = (bit<8>)(n_t.TWO); n_t n = (n_t)8w7; hdr.h.b = (bit<8>)n;", "0207030405000000"),
    "sub-control with a constructor's argument": ("s3.apply(hdr.h.a); s5.apply(hdr.h.b);", "0407030405000000"),
    "local of a control begins anew": ("s3.apply(hdr.h.a); s3.apply(hdr.h.a);", "0702030405000000"),
}

TOP = """
struct p_t { bit<8> x; bit<8> y; }
enum e_t { X, Y }
enum bit<8> n_t { ONE = 1, TWO = 2 }
bool bump(inout bit<8> x) { x = x + 1; return true; }
bit<8> inc(inout bit<8> x) { x = x + 1; return x; }
void inc2(inout bit<8> x) { x = x + 1; }
bit<8> sub(in bit<8> x, in bit<8> y) { return x - y; }
void both(inout bit<8> x, inout bit<8> y) { x = x + 10; y = y + 20; }
void fresh(out bit<8> x) { x = x + 1; }
void pair(out bit<8> x, out bit<8> y) { x = 10; y = 11; }
void keep(inout bit<8> x, out bit<8> y) { bit<8> t = x; x = x + 1; y = t; }
control S(inout bit<8> x)(bit<8> k) { bit<8> n = k; apply { x = x + n; n = 100; } }
"""

LOCALS = """
action act(inout bit<8> x) { hdr.h.b = hdr.h.a; hdr.h.a = 77; x = x + 9; }
action leave(inout bit<8> x) { x = 99; exit; }
action early(inout bit<8> x) { x = 99; if (hdr.h.b == 2) { return; } x = 1; }
S(3) s3; S(5) s5;
"""


@pytest.mark.parametrize("name", BODIES)
def test_body(name: str) -> None:
    body, wanted = BODIES[name]
    assert one(PACKET, top=TOP, locals=LOCALS, body=body) == wanted


def test_an_index_outside_reads_zero_and_writes_nothing() -> None:
    target = make(
        headers="h_t[2] st;",
        body="""
            hdr.st[0].setValid(); hdr.st[1].setValid(); hdr.st[0].a = 10; hdr.st[1].a = 11;
            hdr.st[hdr.h.a].b = 5; hdr.h.c = 8w0 ++ hdr.st[hdr.h.a].a;
            if (hdr.st[hdr.h.a].isValid()) { hdr.h.b = 9; }""",
    )
    assert send(target, PACKET) == [(1, "0109000b050000000a000000000000000b05000000000000")]
    assert send(target, "02" + PACKET[2:]) == [(1, "02020000050000000a000000000000000b00000000000000")]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("hdr.st.push_front(1);", ["", "01", "02"]),
        ("hdr.st.push_front(2);", ["", "", "01"]),
        ("hdr.st.pop_front(1);", ["02", "03", ""]),
        ("hdr.st.pop_front(3);", ["", "", ""]),
        ("hdr.st.push_front(1); hdr.st[0].setValid();", ["00", "01", "02"]),
        ("hdr.st[2] = hdr.st[0];", ["01", "02", "01"]),
    ],
)
def test_stack(body: str, wanted: list[str]) -> None:
    fill = "".join(f"hdr.st[{i}].setValid(); hdr.st[{i}].v = {i + 1};" for i in range(3))
    got = one(PACKET, before="header e_t { bit<8> v; }", headers="e_t[3] st;", body=fill + body)
    assert got == PACKET + "".join(wanted)


def test_push_and_pop_move_next() -> None:
    parser = """state start { pkt.extract(hdr.h); pkt.extract(hdr.st.next); hdr.st.push_front(1);
        pkt.extract(hdr.st.next); hdr.st.pop_front(2); pkt.extract(hdr.st.next); transition accept; }"""
    out = one(PACKET + "010203", before="header e_t { bit<8> v; }", headers="e_t[3] st;", parser=parser)
    # 1 is pushed to place 1, 2 read to place 2 and popped to place 0, 3 read to place 1.
    assert out == PACKET + "0203"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("hdr.u.x.setValid(); hdr.u.x.v = 7;", "07"),
        ("hdr.u.x.setValid(); hdr.u.y.setValid(); hdr.u.y.v = 9;", "0009"),
        ("hdr.u.x.setValid(); hdr.u.y.setValid(); hdr.u.y.setInvalid();", ""),
        ("hdr.u.x = {5}; hdr.u.y = {6};", "0006"),
        ("hdr.u.x = {5}; x_t z; hdr.u.x = z;", ""),
        ("hdr.u.x.setValid(); if (hdr.u.isValid()) { hdr.u.x.v = 3; }", "03"),
    ],
)
def test_union(body: str, wanted: str) -> None:
    types = "header x_t { bit<8> v; } header y_t { bit<16> v; } header_union u_t { x_t x; y_t y; }"
    assert one(PACKET, before=types, headers="u_t u;", body=body) == PACKET + wanted
