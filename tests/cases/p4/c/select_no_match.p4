// A select where no case fits ends in error.NoMatch; what was extracted stays.
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8>  a;
    bit<8>  b;
    bit<16> c;
    bit<8>  r;
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
            (1, 1): s1;
            (2, default): s2;
        }
    }
    state s1 {
        m.way = 1;
        transition accept;
    }
    state s2 {
        m.way = 2;
        transition accept;
    }
    state s3 {
        m.way = 3;
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.k.r = m.way;
        if (sm.parser_error == error.NoMatch) {
            h.k.r = 0xee;
        }
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
