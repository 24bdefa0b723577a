// Elements extracted, read, written and copied by constant index.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header byte_t {
    bit<8> v;
}

struct metadata {
}

struct headers {
    byte_t[3] s;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.s[0]);
        packet.extract(hdr.s[1]);
        packet.extract(hdr.s[2]);
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
        byte_t tmp = hdr.s[0];
        hdr.s[0] = hdr.s[2];
        hdr.s[2] = tmp;
        hdr.s[1].v = hdr.s[0].v + hdr.s[2].v;
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
        packet.emit(hdr.s);
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
