// Two checksums: one wrong is enough for the flag; both are written anew.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header h_t {
    bit<16> v;
    bit<16> ck;
}

struct Meta {
}

struct Headers {
    h_t x;
    h_t y;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.x);
        pkt.extract(hdr.y);
        transition accept;
    }
}

control vrfy(inout Headers h, inout Meta m) {
    apply {
        verify_checksum(h.x.isValid(), { h.x.v }, h.x.ck, HashAlgorithm.csum16);
        verify_checksum(h.y.isValid(), { h.y.v }, h.y.ck, HashAlgorithm.csum16);
    }
}

control ingress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply {
        sm.egress_spec = 1;
        if (sm.checksum_error == 1) sm.egress_spec = 2;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply { }
}

control update(inout Headers h, inout Meta m) {
    apply {
        update_checksum(h.x.isValid(), { h.x.v }, h.x.ck, HashAlgorithm.csum16);
        update_checksum(h.y.isValid(), { h.y.v }, h.y.ck, HashAlgorithm.csum16);
    }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
