"""P4Info: its numbers are those of the reference compiler, its two forms are read by protobuf's own classes."""

from pathlib import Path
from typing import Any

import pytest

from datapath.p4c.compiler import Compiled, compile_file, compile_text
from datapath.p4c.p4_ids import IdError, assign_ids, jenkins_one_at_a_time, make_aliases
from datapath.p4c.p4info import p4info_binary, p4info_text

PROGRAMS = sorted((Path(__file__).parents[4] / "p4").glob("*.p4"))

HEAD = """
#include <core.p4>
#include <v1model.p4>
@p4runtime_translation("example.com/port", 32) type bit<9> Port;
type bit<16> Nexthop;
enum bit<8> Kind { A = 1, B = 2 }
@controller_header("packet_in") header in_t { bit<9> port; bit<7> pad; }
header h_t { bit<32> dst; bit<16> b; Kind kind; }
struct learn_t { bit<48> mac; Port port; Kind kind; }
struct headers { h_t h; in_t pin; }
struct meta { bit<8> x; Port port; Nexthop nh; bit<16> hash; }
parser P(packet_in pkt, out headers hdr, inout meta m, inout standard_metadata_t sm) {
    value_set<bit<16>>(4) kinds;
    state start { pkt.extract(hdr.h); transition select(hdr.h.b) { kinds: accept; default: accept; } }
}
control V(inout headers hdr, inout meta m) { apply {} }
control E(inout headers hdr, inout meta m, inout standard_metadata_t sm) { apply {} }
control C(inout headers hdr, inout meta m) { apply {} }
control D(packet_out pkt, in headers hdr) { apply { pkt.emit(hdr); } }
control MyIngress(inout headers hdr, inout meta m, inout standard_metadata_t sm) {
    direct_counter(CounterType.packets_and_bytes) hits;
    direct_meter<bit<2>>(MeterType.bytes) rate;
    counter(64, CounterType.bytes) octets;
    meter(16, MeterType.packets) speed;
    register<bit<32>>(8) cells;
    action_selector(HashAlgorithm.crc16, 128, 16) members;
    bit<2> colour;
    action drop() { mark_to_drop(sm); }
    action ipv4_forward(bit<48> mac, Port port) { m.port = port; hits.count(); rate.read(colour); }
    @brief("routes") @id(77)
    table ipv4_lpm {
        key = { hdr.h.dst: lpm; m.port: exact; hdr.h.isValid(): exact; m.nh: optional @name("hop"); }
        actions = { ipv4_forward; drop; NoAction; }
        size = 512;
        default_action = ipv4_forward(0x0102, (Port)3);
        counters = hits;
        meters = rate;
        support_timeout = true;
    }
    table spread {
        key = { m.x: exact; m.hash: selector; m.nh: ternary; }
        actions = { drop; @defaultonly NoAction; }
        implementation = members;
    }
    table fixed {
        key = { m.x: range; }
        actions = { drop; @tableonly NoAction; }
        const default_action = drop;
        const entries = { 1 .. 3: drop(); }
    }
    apply {
        ipv4_lpm.apply(); spread.apply(); fixed.apply();
        octets.count(1);
        digest<learn_t>(1, { 1, m.port, hdr.h.kind });
    }
}
@pkginfo(name = "all of it", version = "2")
V1Switch(P(), V(), MyIngress(), E(), C(), D()) main;
"""


def message(made: Compiled) -> tuple[Any, Any]:
    """Return P4Info as the library reads it, from binary and from text."""
    p4i = pytest.importorskip("finsy.proto").p4i
    text_format = pytest.importorskip("google.protobuf.text_format")
    from_binary = p4i.P4Info.FromString(p4info_binary(made.design, made.info))
    from_text = text_format.Parse(p4info_text(made.design, made.info), p4i.P4Info())
    return from_binary, from_text


def test_numbers_of_a_known_program() -> None:
    """The exercise ``basic.p4`` of the P4 tutorials: numbers that many controllers have written into them."""
    tables = assign_ids("table", ["MyIngress.ipv4_lpm"], {})
    actions = assign_ids("action", ["MyIngress.drop", "MyIngress.ipv4_forward", "NoAction"], {})
    assert tables == {"MyIngress.ipv4_lpm": 37375156}
    assert actions == {"MyIngress.drop": 25652968, "MyIngress.ipv4_forward": 28792405, "NoAction": 21257015}


def test_a_taken_number_moves_on_to_the_next() -> None:
    free = assign_ids("table", ["t"], {})["t"]
    assert assign_ids("table", ["t", "u"], {"u": free})["t"] == free + 1
    assert free & 0xFFFFFF == jenkins_one_at_a_time(b"t") & 0xFFFFFF


def test_wrong_wishes_for_numbers_are_refused() -> None:
    with pytest.raises(IdError, match="upper byte"):
        assign_ids("table", ["t"], {"t": 0x01000007})
    with pytest.raises(IdError, match="'t', too"):
        assign_ids("table", ["t", "u"], {"t": 7, "u": 0x02000007})


def test_an_alias_is_the_shortest_tail_of_its_own() -> None:
    names = ["a.b.t", "a.c.t", "a.c.u", "t2", "x.t2"]
    assert make_aliases(names) == {"a.b.t": "b.t", "a.c.t": "c.t", "a.c.u": "u", "t2": "t2", "x.t2": "x.t2"}


def test_the_library_reads_both_forms_alike() -> None:
    from_binary, from_text = message(compile_text(HEAD))
    assert from_binary == from_text
    assert p4info_binary(compile_text(HEAD).design, compile_text(HEAD).info) == from_binary.SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_the_library_reads_the_info_of_our_programs(path: Path) -> None:
    from_binary, from_text = message(compile_file(path))
    assert from_binary == from_text
    assert len(from_text.tables) >= 1


def test_all_objects_are_there() -> None:
    p4, _ = message(compile_text(HEAD))
    lpm, spread, fixed = p4.tables
    assert (p4.pkg_info.name, p4.pkg_info.version, p4.pkg_info.arch) == ("all of it", "2", "v1model")
    assert (lpm.preamble.id, lpm.preamble.name, lpm.preamble.alias) == (
        0x02000000 | 77,
        "MyIngress.ipv4_lpm",
        "ipv4_lpm",
    )
    assert lpm.preamble.doc.brief == "routes"
    fields = [(f.id, f.name, f.bitwidth, f.match_type, f.type_name.name) for f in lpm.match_fields]
    assert fields == [
        (1, "hdr.h.dst", 32, 3, ""),
        (2, "m.port", 32, 2, "Port"),
        (3, "hdr.h.$valid$", 1, 2, ""),
        (4, "hop", 16, 6, "Nexthop"),
    ]
    assert [(a.param_id, a.value) for a in lpm.initial_default_action.arguments] == [(1, b"\x01\x02"), (2, b"\x03")]
    assert (lpm.size, lpm.idle_timeout_behavior) == (512, 1)
    assert list(lpm.direct_resource_ids) == [p4.direct_counters[0].preamble.id, p4.direct_meters[0].preamble.id]
    assert p4.direct_counters[0].direct_table_id == lpm.preamble.id
    assert [(f.id, f.name) for f in spread.match_fields] == [(1, "m.x"), (2, "m.nh")]
    assert spread.implementation_id == p4.action_profiles[0].preamble.id
    assert [r.scope for r in spread.action_refs] == [0, 2]
    assert (fixed.is_const_table, fixed.has_initial_entries) == (True, True)
    assert fixed.const_default_action_id == 0x01000000 | jenkins_one_at_a_time(b"MyIngress.drop") & 0xFFFFFF
    profile = p4.action_profiles[0]
    assert (profile.with_selector, profile.size, list(profile.table_ids)) == (True, 128, [spread.preamble.id])
    assert (p4.counters[0].size, p4.counters[0].spec.unit) == (64, 1)
    assert (p4.meters[0].size, p4.meters[0].spec.unit) == (16, 2)
    assert p4.registers[0].type_spec.bitstring.bit.bitwidth == 32
    assert p4.digests[0].preamble.name == "learn_t"
    assert p4.type_info.new_types["Port"].translated_type.sdn_bitwidth == 32
    assert p4.type_info.new_types["Nexthop"].original_type.bitstring.bit.bitwidth == 16
    assert [m.name for m in p4.type_info.structs["learn_t"].members] == ["mac", "port", "kind"]
    assert p4.type_info.serializable_enums["Kind"].members[1].value == b"\x02"
    assert [m.name for m in p4.controller_packet_metadata[0].metadata] == ["port", "pad"]
    assert (p4.value_sets[0].preamble.name, p4.value_sets[0].size) == ("P.kinds", 4)


def test_the_text_is_what_controllers_ship() -> None:
    text = p4info_text(compile_text(HEAD).design, compile_text(HEAD).info)
    assert text.startswith(
        'pkg_info {\n  name: "all of it"\n  version: "2"\n  arch: "v1model"\n}\ntables {\n  preamble {\n'
    )
    assert 'annotations: "@noWarn(\\"unused\\")"' in text
    assert '  action_refs {\n    id: 21257015\n    annotations: "@defaultonly"\n    scope: DEFAULT_ONLY\n  }\n' in text
