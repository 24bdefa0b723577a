// select with values of a serializable enum, a typedef and a constant mask.
#include <core.p4>
#include <v1model.p4>

typedef bit<8> byte_t;
const byte_t HIGH = 0x80;

enum bit<8> Op {
    READ = 1,
    WRITE = 7
}

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

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.k);
        transition select((Op)h.k.a, h.k.b) {
            (Op.READ, HIGH &&& HIGH): s1;
            (Op.READ, _): s2;
            (Op.WRITE, 0): s3;
            default: accept;
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

control vrfy(inout Headers h, inout Meta m) { apply {} }
control update(inout Headers h, inout Meta m) { apply {} }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply { }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.k);
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

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
