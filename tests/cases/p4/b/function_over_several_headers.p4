// A function over the struct of all headers: what it does to each comes back.
#include <core.p4>
#include <v1model.p4>

header x_t {
    bit<8> v;
}

struct Bundle {
    x_t one;
    x_t two;
}

bit<8> fold(inout Bundle b) {
    bit<8> r = 0;
    if (b.one.isValid()) {
        r = r + b.one.v;
        b.one.setInvalid();
    }
    if (!b.two.isValid()) {
        b.two.setValid();
        b.two.v = 0x22;
    }
    return r + b.two.v;
}

struct Headers {
    x_t n;
    x_t one;
    x_t two;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.n);
        pkt.extract(h.one);
        transition select(h.n.v) {
            0: accept;
            default: more;
        }
    }
    state more {
        pkt.extract(h.two);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        Bundle all = { h.one, h.two };
        h.n.v = fold(all);
        h.one = all.one;
        h.two = all.two;
        h.n.v = h.n.v + fold(all);
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
