// An egress with tables, its own locals, and headers it makes.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
}
header tag_t {
    bit<8> t;
}

struct Meta {
}

struct Headers {
    tag_t[2] tags;
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
    apply {
        sm.egress_spec = (bit<9>)h.h.k;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    bit<8> n = 0;
    action tag(bit<8> v) {
        h.tags.push_front(1);
        h.tags[0].setValid();
        h.tags[0].t = v;
        n = n + 1;
    }
    table by_port {
        key = { sm.egress_port : range; }
        actions = { tag; NoAction; }
        const entries = {
            1 .. 2 : tag(0xa1);
            2 .. 4 : tag(0xa2);
        }
    }
    apply {
        by_port.apply();
        if (n == 1 && sm.egress_port == 2) tag(0xbb);
        h.h.x = n;
    }
}

control update(inout Headers h, inout Meta m) {
    apply { }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h.tags);
        pkt.emit(h.h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
