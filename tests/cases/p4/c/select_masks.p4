// select with masks: the first case that fits is taken.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header k_t {
    bit<8>  a;
    bit<8>  b;
    bit<16> c;
    bit<8>  r;
}

struct metadata {
    bit<8> way;
}

struct headers {
    k_t k;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.k);
        transition select(hdr.k.c) {
            0x0800 &&& 0xff00: s1;
            0x0800 &&& 0x0800: s2;
            0x0001 &&& 0x0001: s3;
            _: accept;
        }
    }
    state s1 {
        meta.way = 1;
        transition accept;
    }
    state s2 {
        meta.way = 2;
        transition accept;
    }
    state s3 {
        meta.way = 3;
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
        hdr.k.r = meta.way;
        if (standard_metadata.parser_error == error.NoMatch) {
            hdr.k.r = 0xee;
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
        packet.emit(hdr.k);
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
