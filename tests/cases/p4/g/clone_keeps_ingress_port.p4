// A list with a struct of metadata, and the ingress port saved in it.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
}
struct saved_t {
    @field_list(3)
    bit<9> port;
    bit<7> other;
}

struct Meta {
    saved_t saved;
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
    apply {
        m.saved.port = sm.ingress_port;
        m.saved.other = 5;
        clone_preserving_field_list(CloneType.I2E, 32w1, 8w3);
        sm.egress_spec = 1;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        if (sm.instance_type == 1) {
            h.h.y = (bit<8>)m.saved.port;
            h.h.z = (bit<8>)m.saved.other;
        }
    }
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
