// mark_to_drop drops at the end of ingress or of egress, unless the port is set again.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct Headers {
    data_t d;
}

struct Meta {
}

parser p(packet_in b, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        b.extract(h.d);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) { apply {} }
control update(inout Headers h, inout Meta m) { apply {} }

control egress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        if (h.d.a == 4) {
            mark_to_drop(sm);
        }
    }
}

control deparser(packet_out b, in Headers h) {
    apply {
        b.emit(h.d);
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = 1;
        if (h.d.a == 1) {
            mark_to_drop(sm);
        } else if (h.d.a == 2) {
            mark_to_drop(sm);
            sm.egress_spec = 2;
        } else if (h.d.a == 3) {
            sm.egress_spec = 511;
        }
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
