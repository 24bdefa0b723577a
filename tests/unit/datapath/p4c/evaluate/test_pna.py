"""PNA: ways of a packet, its externs, entries that the data path adds. The evaluator and the engine must both do it."""

from typing import Any

import pytest
from _pytest.fixtures import SubRequest

from datapath.p4c.compiler import compile_text
from datapath.p4c.evaluate import Evaluator
from datapath.pipeline.engine import Engine
from datapath.pipeline.target import Packet, Target

PROGRAM = """
#include <core.p4>
#include <pna.p4>
header h_t { bit<8> a; bit<8> b; bit<16> c; }
struct headers_t { h_t h; }
struct meta_t { bit<8> m; }
%(top)s
parser P(packet_in pkt, out headers_t hdr, inout meta_t meta, in pna_main_parser_input_metadata_t istd) {
    state start { pkt.extract(hdr.h); transition accept; }
}
control Pre(in headers_t hdr, inout meta_t meta, in pna_pre_input_metadata_t istd,
            inout pna_pre_output_metadata_t ostd) {
    apply { %(pre)s }
}
control M(inout headers_t hdr, inout meta_t meta, in pna_main_input_metadata_t istd,
          inout pna_main_output_metadata_t ostd) {
    %(locals)s
    apply { send_to_port((PortId_t)32w1); %(body)s }
}
control D(packet_out pkt, in headers_t hdr, in meta_t meta, in pna_main_output_metadata_t ostd) {
    apply { pkt.emit(hdr.h); }
}
PNA_NIC(P(), Pre(), M(), D()) main;
"""
DEFAULTS = {"top": "", "pre": "", "locals": "", "body": ""}
PACKET = "01020304"


@pytest.fixture(params=["evaluator", "engine"])
def make(request: SubRequest) -> Any:
    def build(**parts: str) -> Target:
        compiled = compile_text(PROGRAM % {**DEFAULTS, **parts}, "test.p4")
        if request.param == "evaluator":
            return Evaluator(compiled.design, compiled.info)
        return Engine(compiled.code, compiled.info)

    return build


def send(target: Target, data: str, port: int = 0, ts_ns: int = 0, from_host: bool = False) -> list[tuple[int, str]]:
    return [(o.port, o.data.hex()) for o in target.process([Packet(port, bytes.fromhex(data), ts_ns, from_host)])]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("", [(1, PACKET)]),
        ("send_to_port((PortId_t)32w9);", [(9, PACKET)]),
        ("drop_packet();", []),
        ("drop_packet(); send_to_port((PortId_t)32w3);", [(3, PACKET)]),
        ("if (!istd.loopedback) { recirculate(); } hdr.h.a = hdr.h.a + 1;", [(1, "03020304")]),
        ("if (!istd.loopedback) { recirculate(); } hdr.h.a = (bit<8>)(PassNumberUint_t)istd.pass;", [(1, "01020304")]),
        ("hdr.h.a = SelectByDirection(istd.direction, 8w5, 8w6);", [(1, "05020304")]),
        ("hdr.h.c = (bit<16>)(TimestampUint_t)istd.timestamp;", [(1, "0102002a")]),
        ("mirror_packet((MirrorSlotId_t)8w0, (MirrorSessionId_t)16w4); hdr.h.a = 8;", [(1, "08020304"), (7, "0802")]),
        ("if (istd.parser_error == error.NoError) { hdr.h.b = 9; } exit;", [(1, "01090304")]),
    ],
)
def test_where_packets_go(make: Any, body: str, wanted: list[tuple[Any, ...]]) -> None:
    target = make(body=body)
    target.set_clone(4, [(7, 0)], truncate_bytes=2)
    assert sorted(send(target, PACKET, ts_ns=42)) == wanted


def test_direction_and_port(make: Any) -> None:
    target = make(
        pre="if (istd.direction == PNA_Direction_t.HOST_TO_NET) { meta.m = 7; }",
        body="hdr.h.a = (bit<8>)(PortIdUint_t)istd.input_port; hdr.h.b = meta.m;",
    )
    assert send(target, PACKET, port=5, from_host=True) == [(1, "05070304")]
    assert send(target, PACKET, port=6) == [(1, "06000304")]


def test_registers_counters_hashes_checksums(make: Any) -> None:
    target = make(
        locals="""Register<bit<8>, bit<8>>(4, 40) r; Counter<bit<32>, bit<8>>(4, PNA_CounterType_t.PACKETS_AND_BYTES) n;
            Hash<bit<16>>(PNA_HashAlgorithm_t.CRC16) crc; InternetChecksum() sum;""",
        body="""bit<8> v = r.read(hdr.h.a) + 1; r.write(hdr.h.a, v); n.count(hdr.h.a); hdr.h.b = v;
            hdr.h.c = crc.get_hash({8w0x31, 8w0x32, 8w0x33});
            if (hdr.h.a == 2) { sum.clear(); sum.add({16w0x1234, 16w0xff00});
                sum.subtract({16w0x1234}); hdr.h.c = sum.get(); }
        """,
    )
    assert [send(target, d)[0][1] for d in (PACKET, PACKET, "02020304", "09020304")] == [
        "0129ba04",
        "012aba04",
        "022900ff",
        "0901ba04",
    ]
    assert [target.register("r", i) for i in range(4)] == [40, 42, 41, 40]
    assert [target.counter("n", i) for i in range(4)] == [(0, 0), (2, 8), (1, 4), (0, 0)]


MISS = """
    action hit(bit<8> v) { hdr.h.b = v; %s }
    action miss() { hdr.h.b = (bit<8>)(add_entry("hit", {8w0x77}, (ExpireTimeProfileId_t)8w2) ? 1w1 : 1w0); }
    table t {
        key = { hdr.h.a : exact; }
        actions = { @tableonly hit; @defaultonly miss; }
        const default_action = miss;
        add_on_miss = true;
        pna_idle_timeout = PNA_IdleTimeout_t.AUTO_DELETE;
        size = 2;
    }
"""


def test_an_entry_is_added_on_a_miss_and_goes_when_idle(make: Any) -> None:
    target = make(locals=MISS % "restart_expire_timer();", body="t.apply();")
    target.set_expire(2, 1000)
    assert [send(target, PACKET, ts_ns=100)[0][1][2:4] for _ in range(2)] == ["01", "77"]
    assert [e.kind for e in target.events()] == ["learnt"]
    target.tick(900)
    assert send(target, PACKET, ts_ns=900)[0][1][2:4] == "77"
    target.tick(2500)
    assert [e.kind for e in target.events()] == ["idle"]
    assert send(target, PACKET, ts_ns=2600)[0][1][2:4] == "01"


def test_a_full_table_adds_none(make: Any) -> None:
    target = make(locals=MISS % "", body="t.apply();")
    assert [send(target, f"{a:02x}020304")[0][1][2:4] for a in (1, 2, 3, 1)] == ["01", "01", "00", "77"]
