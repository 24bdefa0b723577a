// A value set of a struct: one member field ternary, one exact.

#include <core.p4>
#include <v1model.p4>

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
}
struct pair_t {
    @match(ternary)
    bit<8> a;
    @match(exact)
    bit<8> b;
}

struct metadata {
    bit<8> way;
}

struct headers {
    h_t h;
}

parser MyParser(packet_in packet,
    out headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    value_set<pair_t>(8) pairs;
    state start {
        packet.extract(hdr.h);
        transition select(hdr.h.k, hdr.h.x) {
            pairs: hit;
            (9, 9): nine;
            default: accept;
        }
    }
    state hit { meta.way = 1; transition accept; }
    state nine { meta.way = 9; transition accept; }
}

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply { }
}

control MyIngress(inout headers hdr,
    inout metadata meta,
    inout standard_metadata_t standard_metadata) {
    apply {
        hdr.h.z = meta.way;
        standard_metadata.egress_spec = 1;
    }
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
        packet.emit(hdr.h);
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
