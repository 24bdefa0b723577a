// A parser instantiated in a parser and applied twice, with out and inout arguments.
#include <core.p4>
#include <v1model.p4>

header byte_t {
    bit<8> v;
}

parser SubParser(packet_in pkt, out byte_t x, inout bit<8> count) {
    state start {
        pkt.extract(x);
        count = count + 1;
        transition select(x.v) {
            0xff: start;
            default: accept;
        }
    }
}

struct Headers {
    byte_t a;
    byte_t b;
    byte_t n;
}

struct Meta {
    bit<8> count;
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    SubParser() sub;
    state start {
        sub.apply(b, h.a, m.count);
        transition second;
    }
    state second {
        sub.apply(b, h.b, m.count);
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
        b.emit(h.a);
        b.emit(h.b);
        b.emit(h.n);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        h.n.setValid();
        h.n.v = m.count;
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
