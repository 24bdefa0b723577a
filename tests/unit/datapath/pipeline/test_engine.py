"""The engine as a target: names, events, bulk insertion, and what it refuses."""

import gc
import threading
import time

import numpy as np
import pytest

from datapath.errors import CallerError
from datapath.p4c.code import Code, Insn
from datapath.pipeline.engine import Engine
from datapath.pipeline.target import Entry, Event, Match, Packet
from tests.unit.datapath.p4c.lowered import compile_parts, send

TABLE = """
action set(bit<8> q) { hdr.h.b = q; }
direct_counter(CounterType.packets_and_bytes) hits;
table t {
    key = { hdr.h.a : exact; }
    actions = { set; NoAction; }
    default_action = NoAction;
    counters = hits;
    size = 4096;
}
"""


def make(body: str = "t.apply();", local: str = TABLE, top: str = "") -> Engine:
    compiled = compile_parts(body, local=local, top=top)
    return Engine(compiled.code, compiled.info)


def exact(value: int, width: int = 8) -> Match:
    return Match(value, (1 << width) - 1)


def test_entry_is_found_changed_counted_and_taken_away() -> None:
    engine = make()
    handle = engine.insert(Entry("t", (exact(1),), "set", (7,)))
    assert send(engine, "01000000") == "01070000"
    engine.modify("t", handle, "set", (8,))
    assert send(engine, "01000000") == "01080000"
    assert engine.counter("t", handle) == engine.counter("hits", handle) == (2, 8)
    engine.write_counter("t", handle, 5, 6)
    assert engine.counter("t", handle) == (5, 6)
    assert engine.table_stats("t")["entries"] == 1
    engine.delete("t", handle)
    engine.set_default("t", "set", (9,))
    assert send(engine, "01000000") == "01090000"


def test_many_entries_go_in_at_once() -> None:
    engine = make()
    values = np.arange(200, dtype=np.uint64)
    keys = np.stack([values, np.full_like(values, 255)], axis=1)
    handles = engine.insert_many("t", "set", keys, (values[:, None] + 1) % 256)
    assert len(set(handles.tolist())) == 200
    assert send(engine, "c7000000") == "c7c80000"
    assert send(engine, "c8000000") == "c8000000"
    with pytest.raises(CallerError, match=r"key of shape \(200, 1\), needed: \(n, 2\)"):
        engine.insert_many("t", "set", values[:, None], values[:, None])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda e: e.insert(Entry("u", (exact(1),), "set", (7,))), "no table 'u'"),
        (lambda e: e.insert(Entry("t", (exact(1),), "get", (7,))), "'get'"),
        (lambda e: e.insert(Entry("t", (exact(256),), "set", (7,))), "0x100, which does not fit 8 bits"),
        (lambda e: e.insert(Entry("t", (exact(1),), "set", (256,))), "0x100, which does not fit 8 bits"),
        (lambda e: [e.insert(Entry("t", (exact(1),), "set", (7,))) for _ in range(2)], "File exists"),
        (lambda e: e.delete("t", 12345), "entry 12345"),
        (lambda e: e.modify("t", 12345, "set", (1,)), "entry 12345"),
        (lambda e: e.counter("hits", 12345), "entry 12345"),
        (lambda e: e.register("r", 0), "no register 'r'"),
        (lambda e: e.set_expire(0, 1), "only PNA has them, this is v1model"),
    ],
)
def test_wrong_requests_are_refused(call, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(CallerError, match=text):
        call(make())


def test_register_of_many_words_is_one_number() -> None:
    body = "bit<128> x; r.read(x, 2); r.write(2, x + 1); hdr.h.a = x[127:120];"
    engine = make(body, "register<bit<128>>(4) r;")
    engine.write_register("r", 2, 0xFF << 120 | (2**64 - 1))
    assert send(engine, "00000000") == "ff000000"
    assert engine.register("r", 2) == 0xFF << 120 | 1 << 64
    with pytest.raises(CallerError, match="index 4 is not below its size 4"):
        engine.register("r", 4)


def test_events_tell_digest_log_and_assert() -> None:
    top = "struct seen_t { bit<8> x; bit<16> y; }"
    body = """
    digest<seen_t>(1, { hdr.h.a, hdr.h.b ++ hdr.h.c });
    log_msg("a {} is {}, b {}", { hdr.h.a, (int<8>)hdr.h.a, hdr.h.b });
    assert(hdr.h.d == 0);
    """
    engine = make(body, "", top)
    assert send(engine, "ff010200") == "ff010200"
    digest, log = engine.events()
    assert digest == Event("digest", "seen_t", (("x", 255), ("y", 0x0102)))
    assert log == Event("log", "log_msg", text="a 255 is -1, b 1")
    assert send(engine, "ff010201") == ""
    assert [(e.kind, e.name) for e in engine.events()] == [
        ("digest", "seen_t"),
        ("log", "log_msg"),
        ("assert", "assert"),
    ]
    assert engine.events() == []


def test_two_engines_do_not_meet() -> None:
    one, other = make(), make()
    one.insert(Entry("t", (exact(1),), "set", (7,)))
    assert send(one, "01000000") == "01070000"
    assert send(other, "01000000") == "01000000"


def test_an_engine_that_is_let_go_frees_its_worker_first() -> None:
    """Told by AddressSanitizer: a cycle, closed or not, is taken apart in any order."""
    for close in (False, True):
        engines = [make() for _ in range(3)]
        for one in engines:
            vars(one)["itself"] = one
        if close:
            engines[0].close()
            engines[0].close()
        del engines, one
        gc.collect()


def test_other_threads_run_while_packets_do() -> None:
    engine = make("for (bit<32> i = 0; i < 20000; i = i + 1) { hdr.h.b = hdr.h.b + 1; }", "")
    seen: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            seen.append(time.perf_counter())
            time.sleep(0)

    thread = threading.Thread(target=watch)
    thread.start()
    start = time.perf_counter()
    engine.process([Packet(1, bytes(4))] * 400)
    end = time.perf_counter()
    stop.set()
    thread.join()
    # A call that kept the GIL would leave nothing between its start and its end.
    assert sum(start < t < end for t in seen) > 3


def test_program_that_is_no_program_is_refused() -> None:
    compiled = compile_parts()
    bad = Code("v1model", consts=[0], n_slots=1, insns=[Insn("MOV", 8, 0, 0), Insn("END")], blocks={"ingress": 0})
    with pytest.raises(CallerError, match="the engine refuses the program"):
        Engine(bad, compiled.info)
