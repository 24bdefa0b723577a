// The struct of all headers is copied, changed and assigned back.
/* -*- P4_16 -*- */
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8> a;
    bit<8> b;
    bit<8> c;
    bit<8> d;
}

struct metadata {
}

struct headers {
    data_t d;
    data_t e;
}

/************************* P A R S E R *************************/

parser MyParser(packet_in packet,
                out headers hdr,
                inout metadata meta,
                inout standard_metadata_t standard_metadata) {

    state start {
        packet.extract(hdr.d);
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

    headers tmp;
    apply {
        tmp = hdr;
        tmp.e = tmp.d;
        tmp.d.a = 9;
        hdr = tmp;
        hdr = { d = hdr.e, e = hdr.d };
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
        packet.emit(hdr.d);
        packet.emit(hdr.e);
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
