// checksum_error is the key of a table.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<16> v;
    bit<16> ck;
}

struct metadata {
}

struct headers {
    h_t h;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    state start {
        packet.extract(hdr.h);
        transition accept;
    }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply {
        verify_checksum(true, { hdr.h.v }, hdr.h.ck, HashAlgorithm.csum16);
    }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    action to(bit<9> port) { standard_metadata.egress_spec = port; }
    table t {
        key = { standard_metadata.checksum_error : exact; }
        actions = { to; }
        const entries = {
            0 : to(1);
            1 : to(2);
        }
        default_action = to(3);
    }
    apply { t.apply(); }
}

control MyEgress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr);
    }
}

V1Switch(
    MyParser(),
    MyVerifyChecksum(),
    MyIngress(),
    MyEgress(),
    MyComputeChecksum(),
    MyDeparser()
) main;
