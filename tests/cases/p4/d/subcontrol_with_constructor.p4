// Constructor parameters of a control: constants of each instance, also in its tables.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

control Scale(inout bit<8> v)(bit<8> by, bool twice) {
    action set(bit<8> k) {
        v = k + by;
    }
    table t {
        key = { v : exact; }
        actions = { set; NoAction; }
        default_action = set(by);
    }
    apply {
        v = v + by;
        if (twice) {
            v = v + by;
        } else {
            t.apply();
        }
    }
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
    Scale(1, true) s1;
    Scale(0x10, false) s2;
    apply {
        s1.apply(h.d.a);
        s2.apply(h.d.b);
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
