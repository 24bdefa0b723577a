// A struct as a header's field: extracted, written and emitted in place.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

struct halves_t {
    bit<4> hi;
    bit<4> lo;
}

header x_t {
    bit<8>   a;
    halves_t s;
    bit<8>   b;
}

struct metadata {
}

struct headers {
    x_t x;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.x);
        transition accept;
    }
}

/*************** C H E C K S U M   V E R I F Y *****************/

control MyVerifyChecksum(inout headers hdr, inout metadata meta) {
    apply {  }
}

/************************ I N G R E S S ************************/

control MyIngress(inout headers hdr,
                  inout metadata meta,
                  inout standard_metadata_t standard_metadata) {

    apply {
        halves_t t = hdr.x.s;
        hdr.x.s.hi = t.lo;
        hdr.x.s.lo = t.hi;
        if (hdr.x.a == 0) {
            hdr.x.s = { 0xa, 0xb };
        }
    }
}

/************************* E G R E S S *************************/

control MyEgress(inout headers hdr,
                 inout metadata meta,
                 inout standard_metadata_t standard_metadata) {
    apply { }
}

control MyComputeChecksum(inout headers hdr, inout metadata meta) {
    apply {  }
}

control MyDeparser(packet_out packet, in headers hdr) {
    apply {
        packet.emit(hdr.x);
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
