// A list that is a constructor parameter, handed on to another control; elements are evaluated before the first round.

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

control sum(inout bit<8> x)(list<bit<8>> l) {
    apply {
        for (bit<8> v in l) {
            x += v;
        }
    }
}
control outer(inout bit<8> x)(list<bit<8>> l) {
    sum(l) s;
    apply {
        s.apply(x);
    }
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
    outer({ 1, 2, 3 }) few;
    sum((list<bit<8>>){ 100 }) one;
    apply {
        sm.egress_spec = 1;
        if (h.h.k == 1) few.apply(h.h.x);
        else one.apply(h.h.x);
        for (bit<8> v in (list<bit<8>>){ h.h.x, h.h.y }) {
            h.h.z += v;
            h.h.y = 0;
        }
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
