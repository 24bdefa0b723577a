"""Tables: which entry wins, what runs, hit and miss; profiles; what the control plane may do."""

from typing import Any

import pytest

from datapath.errors import CallerError
from datapath.p4c.evaluate.evaluator import Evaluator
from datapath.pipeline.target import Entry, Match
from tests.unit.datapath.p4c.evaluate.programs import make, send

LOCALS = """
action set(bit<8> v) { hdr.h.a = v; }
action into(inout bit<8> x, bit<8> v) { x = x + v; }
action nothing() { }
table t { key = { %s } actions = { set; into(hdr.h.b); nothing; @defaultonly NoAction; }
    default_action = nothing(); %s }
"""
ONES8 = 0xFF


def table(keys: str, more: str = "", body: str = "t.apply();", **parts: Any) -> Evaluator:
    return make(locals=parts.pop("before_table", "") + LOCALS % (keys, more), body=body, **parts)


def first_bytes(target: Evaluator, data: str) -> str:
    ((_, out),) = send(target, data)
    return out[:4]


def test_exact_hit_miss_modify_delete_default() -> None:
    t = table("hdr.h.a : exact;")
    handle = t.insert(Entry("t", (Match(1, ONES8),), "set", (9,)))
    assert first_bytes(t, "0102030405000000") == "0902"
    assert first_bytes(t, "0202030405000000") == "0202"
    t.modify("t", handle, "into", (7,))
    assert first_bytes(t, "0102030405000000") == "0109"
    t.set_default("t", "set", (0xEE,))
    t.delete("t", handle)
    assert first_bytes(t, "0102030405000000") == "ee02"


def test_the_longest_prefix_wins_however_entries_came() -> None:
    t = table("hdr.h.c : lpm;")
    for value, mask, v in ((0x0300, 0xFF00, 1), (0x0304, 0xFFFF, 2), (0, 0, 3), (0x0000, 0xFC00, 4)):
        t.insert(Entry("t", (Match(value, mask),), "set", (v,)))
    assert [first_bytes(t, f"0102{c}05000000")[:2] for c in ("0304", "0305", "0404", "0234")] == [
        "02",
        "01",
        "03",
        "04",
    ]


def test_the_larger_priority_wins() -> None:
    t = table("hdr.h.a : ternary; hdr.h.b : range; hdr.h.s : optional;")
    every = (Match(0, 0), Match(0, 255), Match(0, 0))
    t.insert(Entry("t", every, "set", (1,), priority=1))
    t.insert(Entry("t", (Match(0x40, 0xC0), Match(2, 5), Match(0, 0)), "set", (2,), priority=3))
    t.insert(Entry("t", (Match(0, 0), Match(0, 255), Match(0xFB, 0xFF)), "set", (3,), priority=2))
    assert first_bytes(t, "7f02030405000000") == "0202"
    assert first_bytes(t, "7f06030405000000") == "0106"
    assert first_bytes(t, "7f060304fb000000") == "0306"
    assert first_bytes(t, "7f020304fb000000") == "0202"


def test_const_entries_the_first_wins() -> None:
    t = table(
        "hdr.h.a : ternary;",
        "const entries = { 1 &&& 1 : set(10); 3 &&& 3 : set(11); 4 .. 4 : set(12); _ : into(hdr.h.b, 1); }".replace(
            "4 .. 4", "4"
        ),
    )
    assert [first_bytes(t, f"{a:02x}02030405000000") for a in (1, 3, 4, 2)] == ["0a02", "0a02", "0c02", "0203"]
    with pytest.raises(CallerError, match="its entries are const"):
        t.insert(Entry("t", (Match(1, ONES8),), "set", (9,), 1))


def test_hit_miss_and_action_run() -> None:
    body = """
        if (t.apply().hit) { hdr.h.b = 1; } else { hdr.h.b = 2; }
        switch (u.apply().action_run) { set: { hdr.h.s = 3; } nothing: { hdr.h.s = 4; } default: { hdr.h.s = 5; } }"""
    more = "table u { key = { hdr.h.a : exact; } actions = { set; nothing; NoAction; } }"
    t = make(locals=LOCALS % ("hdr.h.a : exact;", "") + more, body=body)
    t.insert(Entry("t", (Match(1, ONES8),), "nothing"))
    t.insert(Entry("u", (Match(1, ONES8),), "set", (6,)))
    t.insert(Entry("u", (Match(2, ONES8),), "nothing"))
    outs = [send(t, f"{a:02x}00000000000000")[0][1][:10] for a in (1, 2, 3)]
    assert outs == ["0601000003", "0202000004", "0302000005"]


def test_direct_counter_counts_hits_only() -> None:
    t = table("hdr.h.a : exact;", "counters = c;", before_table="direct_counter(CounterType.packets) c;")
    handle = t.insert(Entry("t", (Match(1, ONES8),), "nothing"))
    for data in ("0102030405000000", "0102030405000000ffff", "0202030405000000"):
        send(t, data)
    assert t.counter("t", handle) == (2, 18)
    assert t.counter("c", handle) == (2, 18)
    t.write_counter("t", handle, 5, 6)
    assert t.counter("t", handle) == (5, 6)


def test_profile_and_selector() -> None:
    before = "action_selector(HashAlgorithm.identity, 32w8, 32w8) sel;"
    t = table("hdr.h.a : exact; hdr.h.b : selector;", "implementation = sel;", before_table=before)
    for member, v in ((1, 0x11), (2, 0x22), (3, 0x33)):
        t.set_member("sel", member, "set", (v,))
    t.set_group("sel", 7, (1, 2, 3))
    t.insert(Entry("t", (Match(1, ONES8),), "", group=7))
    t.insert(Entry("t", (Match(2, ONES8),), "", member=2))
    # The hash is b itself.
    assert [first_bytes(t, f"01{b:02x}030405000000")[:2] for b in (0, 1, 2, 4)] == ["11", "22", "33", "22"]
    assert first_bytes(t, "0209030405000000") == "2209"
    t.set_group("sel", 7, (3,))
    assert first_bytes(t, "0100030405000000") == "3300"
    with pytest.raises(CallerError, match="names member 9, which is not there"):
        t.set_group("sel", 7, (9,))
    with pytest.raises(CallerError, match="has no group 8"):
        t.insert(Entry("t", (Match(3, ONES8),), "", group=8))


def test_two_instances_have_tables_of_their_own() -> None:
    top = """control S(inout bit<8> x) { action set(bit<8> v) { x = v; }
        table t { key = { x : exact; } actions = { set; NoAction; } } apply { t.apply(); } }"""
    t = make(top=top, locals="S() one; S() two;", body="one.apply(hdr.h.a); two.apply(hdr.h.b);")
    t.insert(Entry("one.t", (Match(1, ONES8),), "set", (5,)))
    t.insert(Entry("I.two.t", (Match(1, ONES8),), "set", (6,)))
    assert first_bytes(t, "0101000000000000") == "0506"
    with pytest.raises(CallerError, match=r"table 't' is ambiguous: I\.one\.t, I\.two\.t"):
        t.insert(Entry("t", (Match(1, ONES8),), "set", (5,)))


def test_errors_name_the_object_and_the_limit() -> None:
    t = table("hdr.h.a : exact;", "size = 1;")
    entry = Entry("t", (Match(1, ONES8),), "set", (9,))
    handle = t.insert(entry)
    for change, message in (
        (lambda: t.insert(entry), f"table I.t: there is an entry with this key: handle {handle}"),
        (lambda: t.insert(Entry("t", (Match(2, ONES8),), "set", (9,))), "table I.t is full: 1 entries"),
        (lambda: t.delete("t", 99), "table I.t has no entry of handle 99"),
        (lambda: t.register("r", 0), "no register 'r'; the program has no register"),
        (lambda: t.set_expire(1, 1), "expire time profile 1: only PNA has them"),
    ):
        with pytest.raises(CallerError, match=message):
            change()
