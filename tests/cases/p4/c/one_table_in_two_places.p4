// One table applied in both branches of an if.
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

parser p(packet_in pkt, out Headers h, inout Meta m, inout standard_metadata_t sm) {
    state start {
        pkt.extract(h.d);
        transition accept;
    }
}

control ingress(inout Headers h, inout Meta m, inout standard_metadata_t sm) {
    action inc(bit<8> by) {
        h.d.c = h.d.c + by;
    }
    table t {
        key = { h.d.a : exact; }
        actions = { inc; NoAction; }
        default_action = inc(1);
    }
    apply {
        if (h.d.b == 0) {
            t.apply();
        } else {
            t.apply();
            h.d.d = 0xdd;
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
