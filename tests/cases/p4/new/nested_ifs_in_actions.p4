// Nested conditions in actions, with variables set on some ways only.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
}

struct Meta {
}

struct Headers {
    h_t h;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.h);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    action a(bit<8> v) {
        bit<8> t = 0;
        if (h.h.k > 10) {
            if (h.h.x == v) {
                t = 1;
            } else if (h.h.x > v) {
                t = 2;
                if (h.h.y[0:0] == 1) {
                    t = t + 0x10;
                    return;
                }
            }
            h.h.y = 0xaa;
        } else {
            t = 9;
        }
        h.h.z = t;
    }
    table t {
        key = { }
        actions = { a; }
        default_action = a(5);
    }
    apply {
        sm.egress_spec = 1;
        t.apply();
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply { }
}

control update(inout Headers h, inout Meta m) {
    apply { }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
