// Assigning a header copies its fields and whether it is valid.
#include <core.p4>
#include <v1model.p4>

header op_t {
    bit<8> op;
}

header val_t {
    bit<8> v;
}

struct Headers {
    op_t op;
    val_t a;
    val_t b;
    val_t c;
}

struct Meta {
}

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.op);
        pkt.extract(h.a);
        pkt.extract(h.b);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        val_t saved;
        saved = h.a;
        if (h.op.op == 1) {
            h.a = h.c;
        } else if (h.op.op == 2) {
            h.c = h.a;
            h.c.v = h.c.v + 1;
        } else if (h.op.op == 3) {
            h.a = h.b;
            h.b = saved;
        } else if (h.op.op == 4) {
            h.a.setInvalid();
            h.c = saved;
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
