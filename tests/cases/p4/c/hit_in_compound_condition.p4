// Tables applied inside && and ||: the second runs only when its result is needed.
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
    action bump_c() { h.d.c = h.d.c + 1; }
    action bump_d() { h.d.d = h.d.d + 1; }
    table t {
        key = { h.d.a : exact; }
        actions = { bump_c; }
        default_action = bump_c();
    }
    table u {
        key = { h.d.b : exact; }
        actions = { bump_d; }
        default_action = bump_d();
    }
    apply {
        if (t.apply().hit && u.apply().hit) {
            sm.egress_spec = 3;
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
