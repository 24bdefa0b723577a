// An echo request is answered, the checksum made over header and payload.

#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>

header icmp_t {
    bit<8> kind;
    bit<8> code;
    bit<16> checksum;
}

struct Meta {
}

struct Headers {
    icmp_t icmp;
}

parser p(packet_in pkt,
    out Headers hdr,
    inout Meta m,
    inout standard_metadata_t sm) {
    state start {
        pkt.extract(hdr.icmp);
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
        if (h.icmp.kind == 8) {
            h.icmp.kind = 0;
        }
        sm.egress_spec = 1;
    }
}

control egress(inout Headers h,
    inout Meta m,
    inout standard_metadata_t sm) {
    apply { }
}

control update(inout Headers h, inout Meta m) {
    apply {
        update_checksum_with_payload(h.icmp.isValid(), { h.icmp.kind, h.icmp.code, 16w0 }, h.icmp.checksum, HashAlgorithm.csum16);
    }
}

control deparser(packet_out pkt, in Headers h) {
    apply {
        pkt.emit(h.icmp);
    }
}

V1Switch(p(), vrfy(), ingress(), egress(), update(), deparser()) main;
