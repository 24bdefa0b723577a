// push_front() and pop_front() move what run-time indices find.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header sel_t {
    bit<8> i;
    bit<8> j;
}
header el_t {
    bit<8> v;
}

struct Meta {
}

struct Headers {
    sel_t x;
    el_t[4] s;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.x);
        pkt.extract(hdr.s.next);
        pkt.extract(hdr.s.next);
        pkt.extract(hdr.s.next);
        pkt.extract(hdr.s.next);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        if (h.x.j == 1) {
            h.s.push_front(1);
            h.s[0].setValid();
            h.s[0].v = 0xaa;
        } else if (h.x.j == 2) {
            h.s.pop_front(2);
        }
        h.x.j = h.s[h.x.i].v;
        sm.egress_spec = 1;
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
        pkt.emit(h.x);
        pkt.emit(h.s);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
