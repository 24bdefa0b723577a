// select on a tuple with masks, ranges, don't cares, constants and a value set.

#include <core.p4>
#include <v1model.p4>

const bit<8> SEVEN = 7;

header h_t {
    bit<8> k;
    bit<8> x;
    bit<8> y;
    bit<8> z;
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
    value_set<bit<8>>(4) vs;
    state start {
        packet.extract(hdr.h);
        transition select(hdr.h.k, hdr.h.x) {
            (SEVEN, 0x10 &&& 0xf0): s1;
            (1 .. 5, _): s2;
            (_, 0 .. 9): s3;
            (8w9 &&& 8w9, 8w255): s4;
            default: more;
        }
    }
    state more {
        transition select(hdr.h.y) {
            vs: s5;
            _: accept;
        }
    }
    state s1 { meta.way = 1; transition accept; }
    state s2 { meta.way = 2; transition accept; }
    state s3 { meta.way = 3; transition accept; }
    state s4 { meta.way = 4; transition accept; }
    state s5 { meta.way = 5; transition accept; }
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
