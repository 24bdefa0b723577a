// Assigning {#} makes a header invalid, and it is compared with it.
#include <core.p4>
#include <v1model.p4>

header op_t {
    bit<8> op;
    bit<8> r;
}

header v_t {
    bit<16> v;
}

struct Headers {
    op_t op;
    v_t v;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.op);
        b.extract(h.v);
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
        b.emit(h.op);
        b.emit(h.v);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.op.op == 1) {
            h.v = {#};
        } else if (h.op.op == 2) {
            h.v = (v_t){#};
            h.v = { 0xabcd };
        }
        h.op.r = h.v == {#} ? 8w1 : 8w0;
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
