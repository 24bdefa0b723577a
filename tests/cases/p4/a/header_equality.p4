// Headers are equal when both are invalid, or both valid with the same fields.
#include <core.p4>
#include <v1model.p4>

header hd_t {
    bit<8> op;
    bit<8> r;
}

header v_t {
    bit<8> a;
    bit<8> b;
}

struct Headers {
    hd_t hd;
    v_t l;
    v_t r;
    v_t s;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.hd);
        b.extract(h.l);
        b.extract(h.r);
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
        b.emit(h.hd);
        b.emit(h.l);
        b.emit(h.r);
        b.emit(h.s);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.hd.op == 1) { h.r.setInvalid(); }
        if (h.hd.op == 2) { h.r.setInvalid(); h.l.setInvalid(); }
        if (h.l == h.r) { h.hd.r = 1; } else { h.hd.r = 0; }
        if (h.l != h.s) { h.hd.r = h.hd.r + 0x10; }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
