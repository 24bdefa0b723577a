"""Parsers: states, selects, errors, stacks, varbits. What the parser left is read by ingress or emitted."""

from typing import Any

import pytest

from datapath.pipeline.target import Match
from tests.unit.datapath.p4c.evaluate.programs import make, one, send

ERRORS = ["NoError", "PacketTooShort", "NoMatch", "StackOutOfBounds", "HeaderTooShort", "ParserTimeout"]
ERRORS += ["ParserInvalidArgument", "Own"]

SHOW = """
    hdr.h2.setValid();
    hdr.h2.b = (bit<8>)(hdr.h.isValid() ? 8w1 : 8w0);
""" + "".join(f"if (sm.parser_error == error.{e}) {{ hdr.h2.a = {i}; }}" for i, e in enumerate(ERRORS))
"""Makes h2 say the error's number and whether h is valid."""

BEFORE = """
error { Own }
header e_t { bit<1> last; bit<7> v; }
header v_t { bit<8> len; varbit<32> rest; bit<8> end; }
header x_t { bit<8> x; }
header y_t { bit<16> y; }
header_union u_t { x_t x; y_t y; }
"""
HEADERS = "e_t[2] st; v_t v; u_t u; u_t[2] us;"
FULL = "0102030405000000"


def run(states: str, data: str, body: str = SHOW, deparser: str = "pkt.emit(hdr.h2);", **more: str) -> str:
    return one(data, before=BEFORE, headers=HEADERS, parser=states, body=body, deparser=deparser, **more)


def outcome(states: str, data: str, **more: str) -> tuple[str, int, str]:
    """Return the error, whether h is valid, and the payload."""
    out = run(states, data, **more)
    return ERRORS[int(out[:2], 16)], int(out[2:4], 16), out[16:]


@pytest.mark.parametrize(
    ("statements", "data", "wanted"),
    [
        ("pkt.extract(hdr.h);", FULL + "aa", ("NoError", 1, "aa")),
        ("pkt.extract(hdr.h);", FULL[:-2], ("PacketTooShort", 0, FULL[:-2])),
        ("pkt.extract(hdr.h);", "", ("PacketTooShort", 0, "")),
        ("verify(false, error.Own); pkt.extract(hdr.h);", FULL, ("Own", 0, FULL)),
        ("pkt.extract(hdr.h); verify(hdr.h.a == 1, error.Own);", FULL, ("NoError", 1, "")),
        ("pkt.extract(hdr.h); verify(hdr.h.a != 1, error.NoMatch);", FULL, ("NoMatch", 1, "")),
        ("pkt.advance(16);", "0102aabb", ("NoError", 0, "aabb")),
        ("pkt.advance(40);", "0102aabb", ("PacketTooShort", 0, "0102aabb")),
        ("meta.m = pkt.lookahead<bit<8>>(); verify(meta.m == 1, error.Own);", "01", ("NoError", 0, "01")),
        ("meta.m = pkt.lookahead<bit<8>>();", "", ("PacketTooShort", 0, "")),
        ("hdr.h = pkt.lookahead<h_t>();", FULL, ("NoError", 1, FULL)),
        ("verify(pkt.length() == 3, error.Own);", "010203", ("NoError", 0, "010203")),
        ("pkt.extract<h_t>(_);", FULL + "aa", ("NoError", 0, "aa")),
        (
            "pkt.extract(hdr.st.next); pkt.extract(hdr.st.next); pkt.extract(hdr.st.next);",
            "010203",
            ("StackOutOfBounds", 0, "03"),
        ),
        ("meta.m[6:0] = hdr.st.last.v;", "01", ("StackOutOfBounds", 0, "01")),
        ("pkt.extract(hdr.v, 16);", "02aabbcc00", ("NoError", 0, "00")),
        ("pkt.extract(hdr.v, 0);", "02aabb", ("NoError", 0, "bb")),
        ("pkt.extract(hdr.v, 32);", "02aabbcc", ("PacketTooShort", 0, "02aabbcc")),
        ("pkt.extract(hdr.v, 40);", "02aabbccddeeff", ("HeaderTooShort", 0, "02aabbccddeeff")),
        ("pkt.extract(hdr.v, 40);", "02aa", ("PacketTooShort", 0, "02aa")),
        ("pkt.extract(hdr.v, 44);", "02aa", ("ParserInvalidArgument", 0, "02aa")),
        ("pkt.extract(hdr.v, 12);", "02aabbccddeeff", ("ParserInvalidArgument", 0, "02aabbccddeeff")),
    ],
)
def test_statements(statements: str, data: str, wanted: tuple[Any, ...]) -> None:
    assert outcome(f"state start {{ {statements} transition accept; }}", data) == wanted


@pytest.mark.parametrize(
    ("cases", "first", "state"),
    [
        ("1: a; 2: b;", 1, "a"),
        ("1: a; 2: b;", 2, "b"),
        ("1: a; 2: b;", 3, "NoMatch"),
        ("1: a; default: b;", 3, "b"),
        ("1 .. 3: a; 3: b;", 3, "a"),
        ("0x10 &&& 0xf0: a; _: b;", 0x1F, "a"),
        ("0x10 &&& 0xf0: a; _: b;", 0x2F, "b"),
        ("1: reject; default: a;", 1, "reject"),
        ("vs: a; default: b;", 7, "a"),
        ("vs: a; default: b;", 8, "b"),
    ],
)
def test_select(cases: str, first: int, state: str) -> None:
    states = f"""
        value_set<bit<8>>(4) vs;
        state start {{ pkt.extract(hdr.h); transition select(hdr.h.a) {{ {cases} }} }}
        state a {{ meta.m = 1; transition accept; }}
        state b {{ meta.m = 2; transition accept; }}"""
    target = make(
        before=BEFORE,
        headers=HEADERS,
        parser=states,
        body=SHOW + "hdr.h2.c = 8w0 ++ meta.m;",
        deparser="pkt.emit(hdr.h2);",
    )
    target.add_to_value_set("vs", (Match(7, 255),))
    ((_, out),) = send(target, f"{first:02x}{FULL[2:]}")
    wanted = {"a": (0, 1), "b": (0, 2), "reject": (0, 0), "NoMatch": (2, 0)}[state]
    assert (int(out[:2], 16), int(out[6:8], 16)) == wanted
    target.clear_value_set("vs")
    if "vs" in cases:
        ((_, out),) = send(target, f"{first:02x}{FULL[2:]}")
        assert out[6:8] == "02"


def test_two_keys_match_from_left_to_right() -> None:
    states = """
        state start { pkt.extract(hdr.h);
            transition select(hdr.h.a, hdr.h.b) { (1, _): a; (_, 2): b; default: reject; } }
        state a { meta.m = 1; transition accept; }
        state b { meta.m = 2; transition accept; }"""
    show = SHOW + "hdr.h2.c = 8w0 ++ meta.m;"
    assert [run(states, f"{ab}030405000000", show)[6:8] for ab in ("0102", "0302", "0303")] == ["01", "02", "00"]


LOOP = """
    state start { pkt.extract(hdr.st.next); transition select(hdr.st.last.last) { 0: start; default: accept; } }"""


@pytest.mark.parametrize(
    ("data", "error", "left", "emitted"),
    [("8155", "NoError", "55", "81"), ("0182", "NoError", "", "0182"), ("010203", "StackOutOfBounds", "03", "0102")],
)
def test_loop_over_a_stack(data: str, error: str, left: str, emitted: str) -> None:
    out = run(LOOP, data, deparser="pkt.emit(hdr.h2); pkt.emit(hdr.st);")
    assert ERRORS[int(out[:2], 16)] == error
    assert out[16:] == emitted + left


def test_an_endless_loop_times_out() -> None:
    assert outcome("state start { meta.m = meta.m + 1; transition start; }", "01") == ("ParserTimeout", 0, "01")


def test_last_index_and_next_after_an_extraction_by_index() -> None:
    states = """state start {
        pkt.extract(hdr.st[1]); pkt.extract(hdr.st.next); meta.m = (bit<8>)hdr.st.lastIndex; transition accept; }"""
    out = run(states, "8182", SHOW + "hdr.h2.c = 8w0 ++ meta.m;", "pkt.emit(hdr.h2); pkt.emit(hdr.st);")
    assert out[6:8] == "00"
    assert out[16:] == "8281"


def test_varbit_is_emitted_as_long_as_it_was() -> None:
    states = "state start { pkt.extract(hdr.v, (bit<32>)(pkt.lookahead<bit<8>>()) * 8); transition accept; }"
    assert run(states, "02aabbccdd", "", "pkt.emit(hdr.v);") == "02aabbccdd"
    assert run(states, "02aabbccdd", "hdr.v.end = 0x99; hdr.h2.setValid();", "pkt.emit(hdr.v);") == "02aabb99dd"


def test_unions_and_stacks_of_them() -> None:
    states = """state start {
        pkt.extract(hdr.u.x); pkt.extract(hdr.u.y); pkt.extract(hdr.us.next.x); pkt.extract(hdr.us.next.y);
        transition accept; }"""
    # x of the first union is gone since y was extracted.
    assert run(states, "010203040506ff", "", "pkt.emit(hdr.u); pkt.emit(hdr.us);") == "0203040506ff"


def test_sub_parser_copies_out_on_reject() -> None:
    top = """parser Q(packet_in pkt, out h_t h, inout bit<8> n)(bit<8> k) {
        state start { pkt.extract(h); n = n + k; verify(h.a == 1, error.Own); transition accept; } }"""
    states = "Q(5) q; state start { meta.m = 1; q.apply(pkt, hdr.h, meta.m); transition accept; }"
    show = SHOW + "hdr.h2.c = 8w0 ++ meta.m;"
    assert run(states, FULL, show, top=top)[:8] == "00010006"
    assert run(states, "02" + FULL[2:], show, top=top)[:8] == "07010006"
    assert run(states, "", show, top=top)[:8] == "01000001"
