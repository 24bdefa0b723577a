// select with ranges, masks and defaults in one state, on the fields of a local struct in the next.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8> a;
    bit<8> b;
    bit<8> r;
}

struct two_t {
    bit<8> x;
    bit<8> y;
}

struct Headers {
    k_t k;
}

struct Meta {
    bit<8> way;
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.k);
        transition select(h.k.a, h.k.b) {
            (0x01, 0x01): s1;
            (0x02 .. 0x04, 0x80 &&& 0x80): s2;
            (_, 0): accept;
            default: s3;
        }
    }
    state s1 {
        m.way = 1;
        transition accept;
    }
    state s2 {
        m.way = 2;
        transition s4;
    }
    state s3 {
        m.way = 3;
        transition accept;
    }
    state s4 {
        two_t t = { h.k.a, h.k.b };
        transition select(t.x, t.y) {
            (3, _): s5;
            (_, _): accept;
        }
    }
    state s5 {
        m.way = m.way + 0x50;
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.k.r = m.way;
    }
}

control vrfy(inout Headers h, inout Meta m) { apply { } }

control update(inout Headers h, inout Meta m) { apply { } }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
