// The index is a field of the metadata, narrower than the stack's size needs.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header n_t {
    bit<8> n;
}
header e_t {
    bit<16> w;
    bit<8> k;
}

struct Meta {
    bit<2> idx;
}

struct Headers {
    n_t n;
    e_t[4] e;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.n);
        m.idx = hdr.n.n[1:0];
        transition many;
    }
    state many {
        pkt.extract(hdr.e.next);
        transition select(hdr.e.lastIndex) {
            3: accept;
            default: many;
        }
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply { }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        bit<2> at = m.idx;
        h.e[at].w = 0xbeef;
        h.e[m.idx].k = h.e[at].k + 0x80;
        sm.egress_spec = sm.ingress_port;
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
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
