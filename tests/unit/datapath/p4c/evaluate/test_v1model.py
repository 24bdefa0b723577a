"""v1model's externs, and what becomes of a packet behind ingress and egress."""

from typing import Any

import pytest

from datapath.p4c.evaluate.trace import render
from datapath.pipeline.target import Packet
from tests.unit.datapath.p4c.evaluate.programs import make, one, send

PACKET = "0102030405000000"

HASHES = {
    "crc16": ("hash(hdr.h.c, HashAlgorithm.crc16, 16w0, {8w0x31, 8w0x32, 8w0x33}, 32w0x10000);", "ba04"),
    "max is a modulus": ("hash(hdr.h.c, HashAlgorithm.identity, 16w100, {hdr.h.b}, 16w2);", "0064"),
    "base": ("hash(hdr.h.c, HashAlgorithm.identity, 16w100, {hdr.h.a}, 16w2);", "0065"),
    "max 0 is base": ("hash(hdr.h.c, HashAlgorithm.crc16, 16w7, {hdr.h.a}, 16w0);", "0007"),
    "bits are padded behind": ("hash(hdr.h.c, HashAlgorithm.identity, 16w0, {4w0xa, hdr.h.a}, 16w0xffff);", "a010"),
    "xor": ("hash(hdr.h.c, HashAlgorithm.xor16, 16w0, {16w0x1234, hdr.h.c}, 32w0x10000);", "1130"),
}


@pytest.mark.parametrize("name", HASHES)
def test_hash(name: str) -> None:
    body, wanted = HASHES[name]
    assert one(PACKET, body=body) == f"0102{wanted}05000000"


def test_registers_and_counters() -> None:
    t = make(
        locals="register<int<8>>(4) r; register<bit<72>>(1) w; counter(4, CounterType.bytes) n;",
        body="""
            int<8> v; r.read(v, (bit<32>)hdr.h.a); v = v - 1; r.write((bit<32>)hdr.h.a, v); hdr.h.s = v;
            bit<72> x; w.read(x, 0); w.write(0, (x << 8) | (bit<72>)hdr.h.a); n.count((bit<32>)hdr.h.a);""",
    )
    assert [send(t, d)[0][1][8:10] for d in (PACKET, PACKET, "09" + PACKET[2:])] == ["ff", "fe", "ff"]
    assert [t.register("r", i) for i in range(4)] == [0, 254, 0, 0]
    assert t.register("w", 0) == 0x010109
    assert [t.counter("n", i) for i in range(4)] == [(0, 0), (2, 16), (0, 0), (0, 0)]
    t.write_register("r", 1, 0x80)
    assert send(t, PACKET)[0][1][8:10] == "7f"


def test_meters() -> None:
    t = make(locals="meter(2, MeterType.packets) m;", body="m.execute_meter((bit<32>)hdr.h.a, hdr.h.b);")
    t.set_meter("m", 1, 1000, 1, 2000, 2)
    assert [send(t, PACKET)[0][1][2:4] for _ in range(3)] == ["00", "01", "02"]
    assert send(t, PACKET, ts_ns=1_000_000)[0][1][2:4] == "00"
    assert send(t, "09" + PACKET[2:])[0][1][2:4] == "00"


CHECK = "hdr.h.isValid(), {hdr.h.a, hdr.h.b}, hdr.h.c, HashAlgorithm.csum16"


def test_checksums() -> None:
    # ~(0x0102) is 0xfefd; with the payload 0xff00: 0x0102 + 0xff00 = 0x10002 -> 3 -> 0xfffc.
    assert one(PACKET, compute=f"update_checksum({CHECK});") == "0102fefd05000000"
    assert one(PACKET + "ff", compute=f"update_checksum_with_payload({CHECK});") == "0102fffc05000000ff"
    assert one(PACKET, compute=f"update_checksum({CHECK.replace('hdr.h.isValid()', 'false')});") == PACKET
    body = "hdr.h.s = (int<8>)(bit<8>)sm.checksum_error;"
    assert one(PACKET, verify=f"verify_checksum({CHECK});", body=body) == "0102030401000000"
    assert one("0102fefd05000000", verify=f"verify_checksum({CHECK});", body=body) == "0102fefd00000000"
    assert one("0102fffc05000000ff", verify=f"verify_checksum_with_payload({CHECK});", body=body)[8:10] == "00"


def test_digest_log_assert() -> None:
    t = make(
        before="struct d_t { bit<8> x; bit<16> y; }",
        body="""digest<d_t>(1, {hdr.h.a, hdr.h.c}); log_msg("a {} c {}", {hdr.h.a, hdr.h.c}); log_msg("end");
            assert(hdr.h.b == 2);""",
    )
    assert send(t, PACKET) == [(1, PACKET)]
    digest, *logs = t.events()
    assert (digest.kind, digest.fields) == ("digest", (("x", 1), ("y", 0x0304)))
    assert [e.text for e in logs] == ["a 1 c 772", "end"]
    assert send(t, "0103030405000000") == []
    assert [e.kind for e in t.events()] == ["digest", "log", "log", "assert"]


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ({"body": "mark_to_drop(sm);"}, []),
        ({"body": "sm.egress_spec = 511;"}, []),
        ({"body": "mark_to_drop(sm); sm.egress_spec = 3;"}, [(3, PACKET)]),
        ({"egress": "mark_to_drop(sm);"}, []),
        ({"body": "sm.egress_spec = 9;", "egress": "hdr.h.a = (bit<8>)sm.egress_port;"}, [(9, "09" + PACKET[2:])]),
        ({"egress": "hdr.h.b = (bit<8>)sm.egress_spec;"}, [(1, "0100" + PACKET[4:])]),
        ({"body": "sm.mcast_grp = 1; mark_to_drop(sm); sm.egress_spec = 2;"}, [(2, PACKET)]),
        ({"egress": "truncate(3);"}, [(1, PACKET[:6])]),
        ({"body": "truncate(3);"}, [(1, PACKET[:6])]),
        ({"body": "exit;", "egress": "hdr.h.a = 9;"}, [(1, "09" + PACKET[2:])]),
        ({"egress": "exit;", "compute": "hdr.h.a = 9;"}, [(1, "09" + PACKET[2:])]),
    ],
)
def test_where_packets_go(parts: dict[str, str], wanted: list[tuple[Any, ...]]) -> None:
    assert send(make(**parts), PACKET) == wanted


STAMP = "hdr.h.a = (bit<8>)sm.instance_type; hdr.h.b = (bit<8>)sm.egress_rid; hdr.h.c = meta.kept + meta.lost;"


def test_multicast() -> None:
    t = make(body="sm.mcast_grp = (bit<16>)hdr.h.a; meta.kept = 5;", egress=STAMP)
    t.set_multicast(1, [(4, 7), (5, 8)])
    assert send(t, PACKET) == [(4, "0507000505000000"), (5, "0508000505000000")]
    assert send(t, "02" + PACKET[2:]) == []


def test_ingress_clone_has_the_original_packet_and_the_kept_fields_of_the_end_of_ingress() -> None:
    t = make(
        body="""clone_preserving_field_list(CloneType.I2E, 3, 1); meta.kept = 0x1000; meta.lost = 0x0200;
            hdr.h.s = 99; sm.egress_spec = 2;""",
        egress=STAMP,
    )
    assert send(t, PACKET) == [(2, "0000120063000000")]
    t.set_clone(3, [(8, 0)], truncate_bytes=4)
    assert send(t, PACKET) == [(8, "01001000"), (2, "0000120063000000")]


def test_egress_clone_has_the_headers_of_the_end_of_egress() -> None:
    t = make(
        body="meta.kept = 0x1000; meta.lost = 0x0200;",
        egress="""hdr.h.s = hdr.h.s + 1; hdr.h.a = (bit<8>)sm.instance_type; hdr.h.c = meta.kept + meta.lost;
            if (sm.instance_type == 0) { clone_preserving_field_list(CloneType.E2E, 3, 1); }""",
    )
    t.set_clone(3, [(8, 0)])
    assert send(t, PACKET) == [(1, "0002120006000000"), (8, "0202100007000000")]


COUNT = """hdr.h.b = hdr.h.b + 1; meta.lost = meta.lost + 1; meta.kept = meta.kept + 1;
    hdr.h.c = (meta.kept << 8) | meta.lost;"""


def test_resubmit_and_recirculate() -> None:
    t = make(
        body=COUNT
        + """
            hdr.h.a = (bit<8>)sm.instance_type; hdr.h.s = (int<8>)(bit<8>)sm.ingress_port;
            if (sm.instance_type == 0) { resubmit_preserving_field_list(1); }"""
    )
    assert send(t, PACKET, port=7) == [(1, "0603020100000000")]
    t = make(
        body="if (sm.instance_type == 0) { resubmit_preserving_field_list(1); }",
        egress="hdr.h.a = (bit<8>)sm.instance_type;",
    )
    assert send(t, PACKET) == [(1, "00" + PACKET[2:])]
    t = make(
        body=COUNT,
        egress="hdr.h.a = (bit<8>)sm.instance_type; if (hdr.h.b < 5) { recirculate_preserving_field_list(1); }",
    )
    assert send(t, PACKET) == [(1, "0005030105000000")]


def test_old_style_field_lists() -> None:
    t = make(body="meta.lost = 0x0200; meta.kept = 0x1000; clone3(CloneType.I2E, 3, {meta.lost});", egress=STAMP)
    t.set_clone(3, [(8, 0)])
    assert send(t, PACKET) == [(8, "0100020005000000"), (1, "0000120005000000")]


def test_an_endless_recirculation_ends() -> None:
    assert send(make(egress="recirculate_preserving_field_list(1);"), PACKET) == []


def test_metadata_that_the_switch_fills() -> None:
    t = make(
        body="""hdr.h.a = (bit<8>)sm.packet_length; hdr.h.b = (bit<8>)sm.ingress_port;
            hdr.h.c = (bit<16>)sm.ingress_global_timestamp;"""
    )
    assert send(t, PACKET + "ffff", port=3, ts_ns=5_000_123) == [(1, "0a03138805000000ffff")]


def test_trace_tells_the_way() -> None:
    t = make(
        locals="""action set(bit<8> v) { hdr.h.a = v; }
            table t { key = { hdr.h.b : exact; } actions = { set; } const entries = { 2 : set(9); } }""",
        body="t.apply();",
    )
    outputs, trace = t.trace(Packet(0, bytes.fromhex(PACKET)))
    assert outputs[0].data.hex() == "09" + PACKET[2:]
    assert render(trace.events).splitlines() == [
        "block P",
        "  state P.start",
        "  extract hdr.h: a=0x01 b=0x02 c=0x0304 s=5 pad=0x000000",
        "block V",
        "block I",
        "  table I.t: hdr.h.b=0x2 hit entry 1 -> I.set(0x9)",
        "    change hdr.h.a: 0x01 -> 0x09",
        "block E",
        "block C",
        "block D",
        "out port 1: 8 bytes",
    ]
